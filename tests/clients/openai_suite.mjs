// The official OpenAI client, unchanged, over TCP, its API key a token: every call that Hearth serves.
import OpenAI from "openai";
import { all, assert, check, failure, settings } from "./checks.mjs";

const { address, token, tiny, tools, embedder } = settings;
const baseURL = `${address}/v1`;
const client = new OpenAI({ baseURL, apiKey: token, maxRetries: 0 });
const messages = [{ role: "user", content: "kanemi tolu" }];
const base = { model: tiny, messages, max_tokens: 6, temperature: 0, seed: 7 };

await check("models.list and models.retrieve", async () => {
  const rows = await all(client.models.list());
  assert.ok(rows.some((row) => row.id === tiny && row.object === "model"));
  assert.equal((await client.models.retrieve(tiny)).id, tiny);
  const error = await failure(() => client.models.retrieve("absent"));
  assert.ok(error instanceof OpenAI.NotFoundError && error.code === "model.not_found", String(error));
});

await check("chat.completions, whole", async () => {
  const answer = await client.chat.completions.create(base);
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.model, tiny);
  assert.equal(answer.usage.completion_tokens, 6);
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.ok(answer.choices[0].message.content.length > 0);
});

await check("chat.completions, streamed, with usage, is the whole answer", async () => {
  const whole = await client.chat.completions.create(base);
  const events = await all(client.chat.completions.create({ ...base, stream: true, stream_options: { include_usage: true } }));
  const text = events.map((event) => event.choices[0]?.delta?.content ?? "").join("");
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(events.at(-1).usage.completion_tokens, 6);
});

await check("chat.completions: the stream helper", async () => {
  const runner = client.chat.completions.stream(base);
  assert.ok((await runner.finalContent()).length > 0);
});

await check("chat.completions: logprobs, whole and streamed", async () => {
  const whole = await client.chat.completions.create({ ...base, logprobs: true, top_logprobs: 2 });
  assert.equal(whole.choices[0].logprobs.content.length, 6);
  assert.equal(whole.choices[0].logprobs.content[0].top_logprobs.length, 2);
  const events = await all(client.chat.completions.create({ ...base, logprobs: true, stream: true }));
  assert.ok(events.some((event) => event.choices[0]?.logprobs?.content?.length > 0));
});

await check("chat.completions: stop, penalties and system", async () => {
  const answer = await client.chat.completions.create({
    ...base, messages: [{ role: "system", content: "Speak." }, ...messages], stop: ["zzz"], frequency_penalty: 0.5, presence_penalty: 0.5, top_p: 0.9,
  });
  assert.equal(answer.choices.length, 1);
});

const person = {
  type: "object",
  properties: { name: { type: "string", maxLength: 8 }, age: { type: "integer", minimum: 0, maximum: 120 } },
  required: ["name", "age"],
  additionalProperties: false,
};

await check("response_format json_schema, strict or not, whole and streamed", async () => {
  for (const strict of [true, false]) {
    const response_format = { type: "json_schema", json_schema: { name: "person", strict, schema: person } };
    const answer = await client.chat.completions.create({ ...base, temperature: 0.8, max_tokens: 300, response_format });
    const value = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual(Object.keys(value).sort(), ["age", "name"]);
    const events = await all(client.chat.completions.create({ ...base, max_tokens: 300, response_format, stream: true }));
    assert.ok(JSON.parse(events.map((event) => event.choices[0]?.delta?.content ?? "").join("")).age >= 0);
  }
});

await check("response_format: the parse helper", async () => {
  const response_format = { type: "json_schema", json_schema: { name: "person", strict: true, schema: person } };
  const answer = await client.chat.completions.parse({ ...base, max_tokens: 300, response_format });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content).name, "string");
});

await check("response_format text is as without, an unknown or unsupported one a 400 with the reason", async () => {
  const plain = await client.chat.completions.create(base);
  const text = await client.chat.completions.create({ ...base, response_format: { type: "text" } });
  assert.equal(text.choices[0].message.content, plain.choices[0].message.content);
  const unknown = await failure(() => client.chat.completions.create({ ...base, response_format: { type: "xml" } }));
  assert.ok(unknown instanceof OpenAI.BadRequestError);
  const schema = { type: "array", items: {}, uniqueItems: true };
  const refused = await failure(() => client.chat.completions.create({ ...base, response_format: { type: "json_schema", json_schema: { name: "x", schema } } }));
  assert.ok(refused instanceof OpenAI.BadRequestError);
  assert.match(refused.message, /uniqueItems/);
});

const tool = (name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { place: { type: "string", maxLength: 4 } }, required: ["place"] } },
});
const calling = { model: tools, messages, max_tokens: 200, seed: 3, tools: [tool("weather"), tool("time")], reasoning_effort: "none" };

// Calls are made by the deterministic backend: a model of random weights never comes to one.
const echo = { ...calling, model: "anything", backend: "echo" };

await check("tools: a required call, whole", async () => {
  const answer = await client.chat.completions.create({ ...echo, tool_choice: "required" });
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
  assert.equal(call.function.name, "weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { text: "kanemi tolu" });
});

await check("tools: a named call, streamed in pieces", async () => {
  const events = await all(client.chat.completions.create({ ...echo, tool_choice: { type: "function", function: { name: "time" } }, stream: true }));
  const pieces = events.flatMap((event) => event.choices[0]?.delta?.tool_calls ?? []);
  assert.ok(pieces.length > 1);
  assert.equal(pieces.map((piece) => piece.function?.name ?? "").join(""), "time");
  assert.deepEqual(JSON.parse(pieces.map((piece) => piece.function?.arguments ?? "").join("")), { text: "kanemi tolu" });
  assert.equal(events.at(-1).choices[0].finish_reason, "tool_calls");
});

await check("tools: the runner calls our function and sends its result", async () => {
  let given = null;
  const runner = client.chat.completions.runTools({
    model: "anything", backend: "echo", messages, tool_choice: "required",
    tools: [{ type: "function", function: { name: "look", parse: JSON.parse, parameters: { type: "object" }, function: (value) => ((given = value), "seen") } }],
  }, { maxChatCompletions: 1 });
  await runner.done();
  assert.deepEqual(given, { text: "kanemi tolu" });
});

await check("tools: none, an answer of a tool, an unknown name, a model without tools", async () => {
  const none = await client.chat.completions.create({ ...calling, max_tokens: 6, tool_choice: "none" });
  assert.equal(none.choices[0].message.tool_calls, undefined);
  const call = { id: "call_1", type: "function", function: { name: "time", arguments: "{\"place\":\"x\"}" } };
  const history = [...messages, { role: "assistant", content: null, tool_calls: [call] }, { role: "tool", tool_call_id: "call_1", content: "noon" }];
  assert.ok((await client.chat.completions.create({ ...calling, max_tokens: 6, messages: history })).choices.length === 1);
  const unknown = await failure(() => client.chat.completions.create({ ...calling, tool_choice: { type: "function", function: { name: "absent" } } }));
  assert.ok(unknown instanceof OpenAI.BadRequestError);
  assert.match((await failure(() => client.chat.completions.create({ ...calling, model: tiny }))).message, /does not support tools/);
});

await check("reasoning comes apart from the answer", async () => {
  const answer = await client.chat.completions.create({ model: tools, messages, max_tokens: 6 });
  assert.ok(answer.choices[0].message.reasoning.length > 0);
});

await check("images: an address is never fetched, a model without eyes says so", async () => {
  const image = (url) => [{ role: "user", content: [{ type: "text", text: "?" }, { type: "image_url", image_url: { url } }] }];
  const address_refused = await failure(() => client.chat.completions.create({ ...base, messages: image("http://127.0.0.1:1/x.png") }));
  assert.ok(address_refused instanceof OpenAI.BadRequestError);
  const blind = await failure(() => client.chat.completions.create({ ...base, messages: image("data:image/png;base64,iVBORw0KGgo=") }));
  assert.match(blind.message, /does not support images/);
});

const text = { model: tiny, prompt: "kanemi tolu", max_tokens: 6, temperature: 0, seed: 7 };

await check("completions, whole and streamed", async () => {
  const whole = await client.completions.create(text);
  assert.equal(whole.object, "text_completion");
  assert.equal(whole.usage.completion_tokens, 6);
  assert.equal(whole.choices[0].finish_reason, "length");
  const events = await all(client.completions.create({ ...text, stream: true, stream_options: { include_usage: true } }));
  assert.equal(events.map((event) => event.choices[0]?.text ?? "").join(""), whole.choices[0].text);
  assert.equal(events.at(-1).usage.total_tokens, whole.usage.total_tokens);
});

await check("completions: echo, logprobs, a list of one, and what is not served", async () => {
  const whole = await client.completions.create(text);
  assert.equal((await client.completions.create({ ...text, echo: true })).choices[0].text, text.prompt + whole.choices[0].text);
  assert.equal((await client.completions.create({ ...text, prompt: [text.prompt] })).choices[0].text, whole.choices[0].text);
  const { logprobs } = (await client.completions.create({ ...text, logprobs: 2 })).choices[0];
  assert.equal(logprobs.tokens.join(""), whole.choices[0].text);
  assert.equal(Object.keys(logprobs.top_logprobs[0]).length, 2);
  for (const more of [{ n: 2 }, { suffix: "x" }, { best_of: 3 }, { prompt: ["a", "b"] }])
    assert.ok((await failure(() => client.completions.create({ ...text, ...more }))) instanceof OpenAI.BadRequestError, JSON.stringify(more));
});

await check("embeddings: floats, base64, dimensions", async () => {
  // The client asks for base64 by itself and decodes it.
  const decoded = await client.embeddings.create({ model: embedder, input: ["kanemi", "tolu"] });
  const floats = await client.embeddings.create({ model: embedder, input: ["kanemi", "tolu"], encoding_format: "float" });
  assert.equal(decoded.data.length, 2);
  decoded.data[1].embedding.forEach((value, i) => assert.ok(Math.abs(value - floats.data[1].embedding[i]) < 1e-4));
  const short = await client.embeddings.create({ model: embedder, input: "kanemi", encoding_format: "float", dimensions: 8 });
  assert.equal(short.data[0].embedding.length, 8);
  assert.ok(floats.usage.prompt_tokens > 0);
});

await check("abort ends the stream", async () => {
  const stream = await client.chat.completions.create({ ...base, max_tokens: 3000, stream: true });
  let seen = 0;
  for await (const event of stream) {
    if (event && ++seen === 3) stream.controller.abort();
  }
  assert.ok(seen < 3000);
});

await check("errors have their class and their code", async () => {
  const error = await failure(() => client.chat.completions.create({ ...base, temperature: "hot" }));
  assert.ok(error instanceof OpenAI.BadRequestError && error.type === "invalid_request_error", String(error));
});

await check("a wrong key is an authentication error", async () => {
  for (const apiKey of ["sk-none", "hearth_00000000_wrong", `${token}x`]) {
    const stranger = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    const error = await failure(() => stranger.chat.completions.create(base));
    assert.ok(error instanceof OpenAI.AuthenticationError && error.code === "access.token_required", String(error));
  }
});

await check("the answer's headers are there to read", async () => {
  const { data, response } = await client.chat.completions.create(base).withResponse();
  assert.equal(response.headers.get("hearth-backend"), "llama");
  assert.equal(data.model, tiny);
});
