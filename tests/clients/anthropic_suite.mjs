// The official Anthropic client, unchanged, over TCP, its API key a token: every call that Hearth serves.
import Anthropic from "@anthropic-ai/sdk";
import { all, assert, check, failure, settings } from "./checks.mjs";

const { address: baseURL, token, tiny, tools, ember } = settings;
const client = new Anthropic({ baseURL, apiKey: token, maxRetries: 0 });
const messages = [{ role: "user", content: "kanemi tolu" }];
const base = { model: tiny, messages, max_tokens: 6, temperature: 0 };
const question = { model: ember, max_tokens: 200, messages: [{ role: "user", content: "how do I free memory?" }] };
const text = (message) => message.content.map((block) => block.text ?? "").join("");

await check("models.list and models.retrieve", async () => {
  const rows = await all(client.models.list());
  const row = rows.find((model) => model.id === tiny);
  assert.equal(row.type, "model");
  assert.ok(Date.parse(row.created_at) > 0);
  assert.equal((await client.models.retrieve(tiny)).display_name, tiny);
});

await check("messages.create, whole", async () => {
  const message = await client.messages.create(base);
  assert.equal(message.type, "message");
  assert.equal(message.role, "assistant");
  assert.equal(message.model, tiny);
  assert.equal(message.stop_reason, "max_tokens");
  assert.equal(message.usage.output_tokens, 6);
  assert.ok(text(message).length > 0);
});

await check("messages.create, streamed, is the whole answer", async () => {
  const whole = await client.messages.create(base);
  const events = await all(client.messages.create({ ...base, stream: true }));
  assert.equal(events[0].type, "message_start");
  assert.equal(events.at(-1).type, "message_stop");
  assert.equal(events.map((event) => event.delta?.text ?? "").join(""), text(whole));
  assert.equal(events[0].message.usage.input_tokens, whole.usage.input_tokens);
});

await check("messages.stream: the helper puts the same message together", async () => {
  const whole = await client.messages.create(question);
  const stream = client.messages.stream(question);
  let heard = "";
  stream.on("text", (piece) => (heard += piece));
  const message = await stream.finalMessage();
  assert.equal(heard, text(whole));
  for (const key of ["model", "content", "stop_reason", "stop_sequence", "usage"]) assert.deepEqual(message[key], whole[key], key);
  assert.match(heard, /hearth stop/);
  assert.equal(message.stop_reason, "end_turn");
});

await check("messages.countTokens counts what messages.create reads", async () => {
  for (const more of [{}, { system: "Speak." }, { messages: [...messages, { role: "assistant", content: "yes" }, { role: "user", content: "and?" }] }]) {
    const asked = { model: tiny, messages, ...more };
    const { input_tokens } = await client.messages.countTokens(asked);
    assert.equal((await client.messages.create({ ...asked, max_tokens: 1 })).usage.input_tokens, input_tokens);
  }
});

await check("stop_sequences, system blocks, top_p and top_k", async () => {
  const whole = text(await client.messages.create({ ...base, max_tokens: 24 }));
  const stop = whole.slice(whole.length / 2).slice(0, 3);
  const message = await client.messages.create({ ...base, max_tokens: 24, stop_sequences: ["never said", stop] });
  assert.equal(message.stop_reason, "stop_sequence");
  assert.equal(message.stop_sequence, stop);
  const system = [{ type: "text", text: "Speak.", cache_control: { type: "ephemeral" } }];
  const { data, response } = await client.messages.create({ ...base, system, top_p: 0.9, top_k: 20 }).withResponse();
  assert.ok(data.usage.input_tokens > 0);
  assert.equal(response.headers.get("hearth-ignored"), "cache_control");
  assert.equal(response.headers.get("hearth-backend"), "llama");
});

const tool = (name) => ({ name, description: "d", input_schema: { type: "object", properties: { text: { type: "string", maxLength: 8 } }, required: ["text"] } });
const offered = [tool("weather"), tool("time")];
// Calls are made by the deterministic backend: a model of random weights never comes to one.
const echo = { model: "anything", backend: "echo", messages, max_tokens: 64, tools: offered };

await check("tools: any, whole and streamed", async () => {
  const message = await client.messages.create({ ...echo, tool_choice: { type: "any" } });
  assert.equal(message.stop_reason, "tool_use");
  assert.deepEqual({ ...message.content[0], id: "" }, { type: "tool_use", id: "", name: "weather", input: { text: "kanemi tolu" } });
  const streamed = await client.messages.stream({ ...echo, tool_choice: { type: "tool", name: "time" } }).finalMessage();
  assert.deepEqual([streamed.content[0].name, streamed.content[0].input], ["time", { text: "kanemi tolu" }]);
});

await check("tools: a result goes back, and a model takes them", async () => {
  const [call] = (await client.messages.create({ ...echo, tool_choice: { type: "any" } })).content;
  const result = { type: "tool_result", tool_use_id: call.id, content: "noon" };
  const turns = [...messages, { role: "assistant", content: [call] }, { role: "user", content: [result] }];
  const message = await client.messages.create({ model: tools, messages: turns, max_tokens: 6, tools: offered });
  assert.equal(message.type, "message");
  assert.match((await failure(() => client.messages.create({ ...base, tools: offered }))).message, /does not support tools/);
});

await check("tools: the runner calls our function and sends its result", async () => {
  let given = null;
  const run = (value) => ((given = value), "seen");
  const runner = client.beta.messages.toolRunner({ ...echo, tools: [{ ...tool("look"), run, parse: (value) => value }], tool_choice: { type: "any" }, max_iterations: 1 });
  await runner.runUntilDone();
  assert.deepEqual(given, { text: "kanemi tolu" });
});

await check("thinking comes in blocks of its own, and only when asked for", async () => {
  const asked = { model: tools, messages, max_tokens: 8, temperature: 0 };
  const loud = await client.messages.stream({ ...asked, thinking: { type: "enabled", budget_tokens: 1024 } }).finalMessage();
  assert.equal(loud.content[0].type, "thinking");
  assert.ok(loud.content[0].thinking.length > 0);
  assert.ok((await client.messages.create(asked)).content.every((block) => block.type === "text"));
});

await check("images: an address is never fetched, a model without eyes says so", async () => {
  const image = (source) => [{ role: "user", content: [{ type: "image", source }] }];
  const refused = await failure(() => client.messages.create({ ...base, messages: image({ type: "url", url: "http://127.0.0.1:1/x.png" }) }));
  assert.ok(refused instanceof Anthropic.BadRequestError);
  const blind = await failure(() => client.messages.create({ ...base, messages: image({ type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" }) }));
  assert.match(blind.message, /does not support images/);
});

await check("abort ends the stream", async () => {
  const stream = await client.messages.create({ ...base, max_tokens: 3000, stream: true });
  let seen = 0;
  for await (const event of stream) {
    if (event && ++seen === 4) stream.controller.abort();
  }
  assert.ok(seen < 3000);
});

await check("errors have their class, type and code", async () => {
  const absent = await failure(() => client.messages.create({ ...base, model: "absent" }));
  assert.ok(absent instanceof Anthropic.NotFoundError, String(absent));
  assert.deepEqual([absent.type, absent.errorCode, absent.error.error.code], ["not_found_error", "model.not_found", "model.not_found"]);
  const wrong = await failure(() => client.messages.create({ ...base, temperature: "hot" }));
  assert.ok(wrong instanceof Anthropic.BadRequestError && wrong.type === "invalid_request_error", String(wrong));
  const batches = await failure(() => client.messages.batches.create({ requests: [] }));
  assert.ok(batches instanceof Anthropic.NotFoundError, String(batches));
});

await check("an error in the middle of a stream is thrown", async () => {
  const broken = { model: "anything", backend: "echo", messages, max_tokens: 64, echo_fail_after: 1 };
  const error = await failure(() => all(client.messages.create({ ...broken, stream: true })));
  assert.ok(error instanceof Anthropic.APIError && error.type === "api_error", String(error));
});

await check("a wrong key is an authentication error", async () => {
  for (const apiKey of ["sk-none", `${token}x`]) {
    const error = await failure(() => new Anthropic({ baseURL, apiKey, maxRetries: 0 }).messages.create(base));
    assert.ok(error instanceof Anthropic.AuthenticationError && error.errorCode === "access.token_required", String(error));
  }
});
