// The official Ollama client, unchanged, over TCP or a Unix socket: every call that Hearth serves.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ollama } from "ollama";
import { all, assert, check, failure, settings } from "./checks.mjs";
import { socketFetch } from "./socket_fetch.mjs";

const { address, socket, token, tiny, tools, embedder, file, pullable } = settings;
const reach = socket ? socketFetch(socket) : fetch;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const client = new Ollama({ host: address, fetch: reach });
const manager = new Ollama({ host: address, fetch: reach, headers }); // for what inference rights do not reach
const options = { seed: 7, temperature: 0, num_predict: 6 };
const ask = [{ role: "user", content: "kanemi tolu" }];

await check("version", async () => assert.match((await client.version()).version, /^\d+\.\d+\.\d+/));

await check("list", async () => {
  const { models } = await client.list();
  const row = models.find((model) => model.name === tiny);
  assert.ok(row, JSON.stringify(models));
  assert.match(row.digest, /^[0-9a-f]{64}$/);
  assert.ok(row.size > 0 && row.details.family === "llama" && !Number.isNaN(Date.parse(row.modified_at)));
});

await check("show", async () => {
  const shown = await client.show({ model: tiny });
  assert.deepEqual(shown.capabilities, ["completion"]);
  assert.equal(shown.model_info["general.architecture"], "llama");
  assert.ok(shown.template.includes("im_start"));
});

await check("generate, whole", async () => {
  const answer = await client.generate({ model: tiny, prompt: "tolu", options });
  assert.equal(answer.model, tiny);
  assert.equal(answer.eval_count, 6);
  assert.equal(answer.done_reason, "length");
  assert.ok(answer.response.length > 0 && answer.total_duration >= answer.eval_duration);
});

await check("generate, streamed, is the whole answer in pieces", async () => {
  const whole = await client.generate({ model: tiny, prompt: "tolu", options });
  const pieces = await all(client.generate({ model: tiny, prompt: "tolu", options, stream: true }));
  assert.ok(pieces.length > 2 && pieces.at(-1).done && !pieces[0].done);
  assert.equal(pieces.map((piece) => piece.response).join(""), whole.response);
});

await check("generate: system, raw, keep_alive, context", async () => {
  const first = await client.generate({ model: tiny, prompt: "tolu", system: "Speak.", keep_alive: "10m", options });
  assert.ok(first.context.length > 6);
  const next = await client.generate({ model: tiny, prompt: "tolu", context: first.context, options });
  assert.ok(next.prompt_eval_count > first.prompt_eval_count);
  assert.equal((await client.generate({ model: tiny, prompt: "tolu", raw: true, options })).context, undefined);
});

await check("generate: logprobs of every token", async () => {
  const answer = await client.generate({ model: tiny, prompt: "tolu", options, logprobs: true, top_logprobs: 3 });
  assert.equal(answer.logprobs.length, 6);
  assert.ok(answer.logprobs[0].logprob <= 0 && answer.logprobs[0].top_logprobs.length === 3);
  assert.equal(answer.logprobs.map((token) => token.token).join(""), answer.response);
});

await check("chat, whole and streamed", async () => {
  const whole = await client.chat({ model: tiny, messages: ask, options });
  assert.equal(whole.message.role, "assistant");
  const pieces = await all(client.chat({ model: tiny, messages: ask, options, stream: true }));
  assert.equal(pieces.map((piece) => piece.message.content).join(""), whole.message.content);
  assert.equal(pieces.at(-1).eval_count, 6);
});

await check("chat: abort ends the stream", async () => {
  const stream = await client.chat({ model: tiny, messages: ask, options: { num_predict: 3000 }, stream: true });
  const error = await failure(async () => {
    for await (const piece of stream) if (piece) stream.abort();
  });
  assert.equal(error.name, "AbortError");
});

await check("chat: format json and a schema", async () => {
  const format = {
    type: "object",
    properties: { age: { type: "integer", minimum: 1, maximum: 99 }, kind: { enum: ["cat", "dog"] } },
    required: ["age", "kind"],
  };
  const answer = JSON.parse((await client.chat({ model: tiny, messages: ask, format, options: { seed: 1, num_predict: 200 } })).message.content);
  assert.ok(Number.isInteger(answer.age) && ["cat", "dog"].includes(answer.kind), JSON.stringify(answer));
  const streamed = await all(client.generate({ model: tiny, prompt: "x", format, stream: true, options: { seed: 2, num_predict: 200 } }));
  assert.ok(JSON.parse(streamed.map((piece) => piece.response).join("")).age >= 1);
  const error = await failure(() => client.chat({ model: tiny, messages: ask, format: { not: {} }, options }));
  assert.equal(error.status_code, 400);
  assert.match(error.message, /"not"/);
});

await check("chat: tools are called, whole and streamed", async () => {
  const tool = {
    type: "function",
    function: {
      name: "weather",
      description: "of a place",
      parameters: { type: "object", properties: { place: { type: "string", maxLength: 5 } }, required: ["place"] },
    },
  };
  const request = { model: tools, messages: ask, tools: [tool], think: false, options: { seed: 3, num_predict: 12 } };
  const whole = await client.chat(request);
  assert.equal(whole.message.role, "assistant"); // a model of random weights calls nothing by itself
  const history = [...ask, { role: "assistant", content: "", tool_calls: [{ function: { name: "weather", arguments: { place: "x" } } }] },
    { role: "tool", tool_name: "weather", content: "rain" }];
  const next = await all(client.chat({ ...request, messages: history, stream: true }));
  assert.ok(next.at(-1).prompt_eval_count > whole.prompt_eval_count);
  const refused = await failure(() => client.chat({ ...request, model: tiny }));
  assert.equal(refused.status_code, 400);
  assert.match(refused.message, /does not support tools/);
});

await check("chat: a tool call arrives whole, its arguments an object", async () => {
  const tool = { type: "function", function: { name: "look", parameters: { type: "object", properties: { text: { type: "string" } } } } };
  const request = { model: "anything", backend: "echo", messages: ask, tools: [tool], options: { echo_call: true } };
  const expected = { name: "look", arguments: { text: ask[0].content } };
  const whole = await client.chat(request);
  assert.deepEqual(whole.message.tool_calls.map(({ function: { name, arguments: given } }) => ({ name, arguments: given })), [expected]);
  const calls = (await all(client.chat({ ...request, stream: true }))).flatMap((piece) => piece.message.tool_calls ?? []);
  assert.equal(calls.length, 1);
  assert.deepEqual(calls[0].function.arguments, expected.arguments);
  assert.ok(calls[0].id.length > 0 && calls[0].function.index === 0);
});

await check("chat: thinking comes apart from the answer", async () => {
  const thought = await client.chat({ model: tools, messages: ask, think: true, options });
  assert.ok(thought.message.thinking.length > 0);
  assert.equal(thought.message.content, "");
  const streamed = await all(client.chat({ model: tools, messages: ask, think: "low", options, stream: true }));
  assert.ok(streamed.some((piece) => piece.message.thinking));
  const plain = await client.chat({ model: tools, messages: ask, think: false, options });
  assert.ok(plain.message.content.length > 0 && !plain.message.thinking);
  assert.match((await failure(() => client.chat({ model: tiny, messages: ask, think: true, options }))).message, /does not support thinking/);
});

await check("chat: an image for a model without eyes is a clear no", async () => {
  const messages = [{ role: "user", content: "what is it?", images: [new Uint8Array([0x89, 0x50, 0x4e, 0x47])] }];
  const error = await failure(() => client.chat({ model: tiny, messages, options }));
  assert.equal(error.status_code, 400);
  assert.match(error.message, /does not support images/);
});

await check("embed one and many, and the older embeddings", async () => {
  const many = await client.embed({ model: embedder, input: ["kanemi", "tolu"] });
  assert.equal(many.embeddings.length, 2);
  const length = Math.hypot(...many.embeddings[0]);
  assert.ok(Math.abs(length - 1) < 1e-3, String(length));
  assert.equal((await client.embed({ model: embedder, input: "kanemi", dimensions: 8 })).embeddings[0].length, 8);
  const old = await client.embeddings({ model: embedder, prompt: "kanemi" });
  assert.equal(old.embedding.length, many.embeddings[0].length);
  const cosine = old.embedding.reduce((sum, value, i) => sum + value * many.embeddings[0][i], 0) / Math.hypot(...old.embedding);
  assert.ok(cosine > 0.999, String(cosine));
  assert.deepEqual((await client.embeddings({ model: embedder, prompt: "" })).embedding, []);
});

await check("load, ps and unload", async () => {
  assert.equal((await client.generate({ model: tiny, prompt: "", keep_alive: -1 })).done_reason, "load");
  const row = (await client.ps()).models.find((model) => model.name === tiny);
  assert.ok(row.size > 0 && new Date(row.expires_at).getFullYear() > 2200, JSON.stringify(row));
  assert.equal((await client.chat({ model: tiny, messages: [], keep_alive: 0 })).done_reason, "unload");
  for (let i = 0; i < 200 && (await client.ps()).models.some((model) => model.name === tiny); ++i) await new Promise((go) => setTimeout(go, 25));
  assert.ok(!(await client.ps()).models.some((model) => model.name === tiny));
});

await check("blobs by plain fetch, then create from files", async () => {
  const bytes = readFileSync(file);
  const digest = "sha256:" + createHash("sha256").update(bytes).digest("hex");
  await reach(`${address}/api/blobs/${digest}`, { method: "POST", headers, body: bytes });
  assert.equal((await reach(`${address}/api/blobs/${digest}`, { method: "HEAD", headers })).status, 200);
  const lines = await all(manager.create({ model: "client-made", files: { "a.gguf": digest }, system: "Be brief.", parameters: { top_k: 3 }, stream: true }));
  assert.equal(lines.at(-1).status, "success");
  assert.equal((await client.show({ model: "client-made" })).system, "Be brief.");
});

await check("create from a model, copy, delete", async () => {
  assert.equal((await manager.create({ model: "client-second", from: tiny, system: "Hi.", license: "free" })).status, "success");
  assert.equal((await manager.copy({ source: "client-second", destination: "client-third" })).status, "success");
  assert.equal((await client.show({ model: "client-third" })).license, "free");
  for (const model of ["client-made", "client-second", "client-third"]) assert.equal((await manager.delete({ model })).status, "success");
  assert.equal((await failure(() => client.show({ model: "client-third" }))).status_code, 404);
});

await check("pull, whole and streamed", async () => {
  assert.equal((await manager.pull({ model: pullable })).status, "success");
  const lines = await all(manager.pull({ model: pullable, stream: true }));
  assert.equal(lines.at(-1).status, "success");
  assert.ok(lines.some((line) => line.total > 0));
});

await check("errors: no such model, a wrong option", async () => {
  const absent = await failure(() => client.generate({ model: "absent", prompt: "x" }));
  assert.equal(absent.status_code, 404);
  assert.match(absent.message, /model 'absent' not found/);
  assert.equal((await failure(() => client.generate({ model: tiny, prompt: "x", options: { top_k: "many" } }))).status_code, 400);
});

await check("rights: without a token nothing is changed", async () => {
  if (!token) return; // the socket gives all of them
  for (const work of [() => client.delete({ model: tiny }), () => client.pull({ model: pullable }), () => client.copy({ source: tiny, destination: "x" }),
    () => client.create({ model: "x", from: tiny })]) assert.equal((await failure(work)).status_code, 403);
  const wrong = new Ollama({ host: address, headers: { Authorization: "Bearer hearth_00000000_wrong" } });
  assert.equal((await failure(() => wrong.list())).status_code, 401);
});
