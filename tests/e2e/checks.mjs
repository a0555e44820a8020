// One line per check: "ok NAME" or "FAIL NAME" with the story below it. The Python side counts them.
import assert from "node:assert/strict";

export { assert };

export async function check(name, work) {
  try {
    await work();
    console.log(`ok ${name}`);
  } catch (error) {
    const story = String(error?.stack ?? error).split("\n").slice(0, 12);
    console.log(`FAIL ${name}\n     ${story.join("\n     ")}`);
  }
}

/** All that an asynchronous stream gives. */
export async function all(stream) {
  const items = [];
  for await (const item of await stream) items.push(item);
  return items;
}

/** The error that `work` ends with. */
export async function failure(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

export const settings = JSON.parse(process.env.HEARTH_CLIENT_TEST);
