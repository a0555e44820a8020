// The page: plans, downloads, and the models that are there.
import { ask, card, does, go, holds, press, shot, text, until, violations } from "./browser.mjs";
import { assert, check, settings } from "./checks.mjs";

/** Plans and pulls. */
export async function plansAndPulls(browser, page) {
  await check("plan: every version with what it takes, which fits, and the pick", async () => {
    await go(page, "models");
    await page.type("#pull-name", settings.repository);
    await page.click("#pull-plan");
    await page.waitForSelector("#plan table");
    const rows = await page.$$eval("#plan tbody tr", (all) => all.map((row) => row.innerText.replace(/\s+/g, " ")));
    assert.equal(rows.length, settings.versions.length, rows.join("\n"));
    for (const version of settings.versions) assert.ok(rows.some((row) => row.startsWith(version)), `${version} in ${rows}`);
    assert.ok(rows.some((row) => / fits /.test(row)) && rows.some((row) => / short /.test(row)), rows.join("\n"));
    assert.equal(await page.$$eval("#plan .badge.accent", (all) => all.length), 1);
    assert.match(await text(page, "#plan"), /is the pick/);
    await shot(page, "plan");
    assert.deepEqual(await violations(page), []);
  });

  await check("plan: what cannot be found says why and what to do", async () => {
    await page.$eval("#pull-name", (input) => (input.value = ""));
    await page.type("#pull-name", `${settings.repository}-absent`);
    await page.click("#pull-plan");
    await page.waitForSelector("#plan .failed");
    assert.ok((await text(page, "#plan")).length > 20);
    await page.$eval("#pull-name", (input) => (input.value = ""));
  });

  await check("pull: progress that moves, then the model is there", async () => {
    await page.type("#pull-name", settings.slow_url);
    await page.keyboard.press("Enter");
    const seen = new Set();
    await page.waitForSelector(".pull progress[value]");
    await shot(page, "pull");
    assert.deepEqual(await violations(page), []);
    await until(async () => {
      const value = await page.$$eval(".pull progress", (all) => all[0]?.value ?? null);
      if (value !== null) seen.add(value);
      return value === null;
    }, "the download");
    assert.ok(seen.size >= 3, `progress was ${[...seen]}`);
    await page.waitForSelector(card(settings.slow_model));
    assert.ok((await ask("GET", "/api/tags")).models.some((model) => model.name === settings.slow_model));
  });

  await check("pull: stopping it, and a failure that is told", async () => {
    await page.type("#pull-name", settings.stuck_url);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".pull button");
    await page.waitForSelector(".pull progress[value]");
    await page.click(".pull button");
    await holds(page, () => !document.querySelector(".pull"));
    await page.type("#pull-name", "http://127.0.0.1:9/none.gguf");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".notice");
    assert.ok((await text(page, ".notice")).length > 20);
    assert.deepEqual(await violations(page), []);
    await page.click(".notice button");
  });

  await check("a download that others run is seen too", async () => {
    const pulling = ask("POST", "/api/pull", { model: settings.other_url, stream: false });
    await page.waitForSelector(".pull");
    assert.equal(await page.$(".pull button"), null, "it is not ours to stop");
    assert.equal((await pulling).status, "success");
    await holds(page, () => !document.querySelector(".pull"));
    await page.waitForSelector(card(settings.other_model));
  });
}

/** Loading, the default, deleting. */
export async function loadedAndDeleted(browser, page) {
  await check("models: load, unload and the default", async () => {
    await ask("POST", "/hearth/v1/unload", { all: true });
    await go(page, "models");
    await press(page, settings.tiny, "Load");
    await page.waitForSelector(does(settings.tiny, "Unload"));
    assert.ok((await ask("GET", "/api/ps")).models.some((model) => model.name === settings.tiny));
    await shot(page, "models");
    await press(page, settings.tiny, "Make default");
    await page.waitForSelector(does(settings.tiny, "Not default"));
    assert.equal((await ask("GET", "/hearth/v1/default")).model, settings.tiny);
    assert.deepEqual(await violations(page), []);
    await press(page, settings.tiny, "Unload");
    await page.waitForSelector(does(settings.tiny, "Load"));
    assert.deepEqual((await ask("GET", "/api/ps")).models, []);
  });

  await check("models: what others load is seen by its event", async () => {
    await ask("POST", "/hearth/v1/load", { model: settings.tools, stream: false });
    await page.waitForSelector(does(settings.tools, "Unload"));
  });

  await check("models: deleting asks first, by keyboard too", async () => {
    await page.focus(does(settings.other_model, "Delete"));
    await page.keyboard.press("Enter");
    await page.waitForSelector("#confirm[open]");
    assert.ok((await text(page, "#confirm")).includes(settings.other_model));
    await shot(page, "delete");
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press("Escape");
    await holds(page, () => !document.querySelector("#confirm").open);
    assert.ok(await page.$(card(settings.other_model)));
    await press(page, settings.other_model, "Delete");
    await page.waitForSelector("#confirm[open]");
    await page.click("#confirm-yes");
    await holds(page, (name) => ![...document.querySelectorAll("#model-list button")].some((each) => each.dataset.model === name), settings.other_model);
    assert.ok(!(await ask("GET", "/api/tags")).models.some((model) => model.name === settings.other_model));
  });
}
