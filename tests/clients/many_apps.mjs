// Three apps with a model each: two official Ollama clients and one official OpenAI client, by turns over TCP and over the Unix socket. A line of
// JSON for every answer.
import { Ollama } from "ollama";
import OpenAI from "openai";
import { settings } from "./checks.mjs";
import { socketFetch } from "./socket_fetch.mjs";

const { address, socket, tokens, models, rounds } = settings;
const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const overSocket = socketFetch(socket);
const prompts = ["kanemi tolu", "rasi veno oleta", "mi", "tolu tolu kanemi sora", "veno ra"];
const options = { seed: 7, temperature: 0, num_predict: 8 };
const ollama = { tcp: new Ollama({ host: address, ...bearer(tokens[0]) }), socket: new Ollama({ host: "http://localhost", fetch: overSocket }) };
const second = { tcp: new Ollama({ host: address, ...bearer(tokens[1]) }), socket: new Ollama({ host: "http://localhost", fetch: overSocket }) };
const openai = {
  tcp: new OpenAI({ baseURL: `${address}/v1`, apiKey: tokens[2], maxRetries: 0 }),
  socket: new OpenAI({ baseURL: "http://localhost/v1", apiKey: "unused", maxRetries: 0, fetch: overSocket }),
};

const apps = [
  async (way, prompt) => (await ollama[way].generate({ model: models[0], prompt, options })).response,
  async (way, prompt) => {
    let text = "";
    for await (const piece of await second[way].chat({ model: models[1], messages: [{ role: "user", content: prompt }], options, stream: true }))
      text += piece.message.content;
    return text;
  },
  async (way, prompt) => {
    const request = { model: models[2], messages: [{ role: "user", content: prompt }], seed: 7, temperature: 0, max_tokens: 8 };
    return (await openai[way].chat.completions.create(request)).choices[0].message.content;
  },
];

async function ask(mode, app, number, way = number % 2 ? "socket" : "tcp") {
  const prompt = prompts[number % prompts.length];
  const text = await apps[app](way, prompt);
  console.log(JSON.stringify({ mode, model: models[app], way, prompt, text, ended: Date.now() / 1000 }));
}

async function askAll(mode, app, count, way) {
  for (let number = 0; number < count; ++number) await ask(mode, app, number, way);
}

const modes = {
  /** Each model by itself, every prompt by both ways: what is right. */
  alone: async () => {
    for (const app of apps.keys()) await askAll("alone", app, 2 * prompts.length);
  },
  /** One request at a time, each for another model than the one before. */
  alternate: async () => {
    for (let number = 0; number < rounds; ++number) await ask("alternate", number % apps.length, Math.floor(number / apps.length));
  },
  /** All apps at once, each by its own way and as fast as it is answered. */
  together: () => Promise.all([...apps.keys()].map((app) => askAll("together", app, rounds / apps.length, app === 1 ? "socket" : "tcp"))),
  /** The same, but each app comes by the other way, and so under another name, with every request. */
  wandering: () => Promise.all([...apps.keys()].map((app) => askAll("wandering", app, rounds / apps.length))),
};

await modes[settings.mode]();
