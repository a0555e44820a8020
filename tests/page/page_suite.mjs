// The page in Chromium, against the real service and real models: what its users do, and what it must never do.
import http from "node:http";
import { answered, go, holds, launch, link, opened, press, say, shot, tab, text, violations } from "./browser.mjs";
import { chats } from "./chat_checks.mjs";
import { assert, check, settings } from "./checks.mjs";
import { loadedAndDeleted, plansAndPulls } from "./models_checks.mjs";
import { looks } from "./views_checks.mjs";

const browser = await launch();
let page;

await check("the link opens the page, and its ticket leaves the address bar", async () => {
  page = await opened(browser);
  assert.equal(page.url(), `${page.origin}/`);
  assert.match(page.origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await page.title(), "Hearth");
  assert.ok(!(await page.content()).includes("hearth_page_"), "the token is in the document");
  await shot(page, "first");
});

await check("reloading keeps the session, a second tab needs a link of its own", async () => {
  await page.reload();
  await holds(page, () => document.querySelector("#link").textContent === "Connected");
  const other = await tab(browser);
  await other.goto(`${page.origin}/`);
  await other.waitForSelector("#closed:not([hidden])");
  assert.match(await text(other, "#closed"), /hearth open/);
  assert.deepEqual(await violations(other), []);
  await shot(other, "closed");
  await other.close();
});

await check("a link is good once", async () => {
  const { url } = await link();
  const one = await tab(browser), other = await tab(browser);
  await one.goto(url);
  await holds(one, () => document.querySelector("#link").textContent === "Connected");
  await other.goto(url);
  await other.waitForSelector("#closed:not([hidden])");
  assert.equal(other.url(), `${page.origin}/`);
  await one.close();
  await other.close();
});

await plansAndPulls(browser, page);
await chats(browser, page);
await loadedAndDeleted(browser, page);
await looks(browser, page);

await check("another site gets nothing: no answer, no frame, no script, no name of ours", async () => {
  const server = http.createServer((request, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>evil</title>"));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const evil = await tab(browser);
  await evil.goto(`http://evil.example:${server.address().port}/`);
  const target = page.origin;
  for (const path of ["/", "/app.js", "/api/tags", "/session"]) {
    const read = await evil.evaluate((url) => fetch(url, { mode: "cors" }).then((answer) => answer.text(), () => null), target + path);
    assert.equal(read, null, path);
  }
  const posted = await evil.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: "{}" }).then((answer) => answer.type, () => null), `${target}/api/pull`);
  assert.ok(posted === "opaque" || posted === null);
  assert.ok(!page.notes.requests.some((request) => request.url().includes("evil")));
  const framed = await evil.evaluate((url) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      try {
        done(frame.contentDocument ? "readable" : "closed");
      } catch {
        done("closed");
      }
    };
    frame.src = url;
    document.body.append(frame);
  }), `${target}/`);
  assert.equal(framed, "closed");
  const inner = evil.frames().find((frame) => frame !== evil.mainFrame());
  assert.ok(!(await inner.content().catch(() => "")).includes("chat-input"), "the page was framed");
  const scripted = await evil.evaluate((url) => new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => done("ran");
    script.onerror = () => done("refused");
    script.src = url;
    document.body.append(script);
  }), `${target}/store.js`);
  assert.equal(scripted, "refused");
  const rebound = await tab(browser);
  const answer = await rebound.goto(`http://rebound.example:${new URL(target).port}/`);
  assert.equal(answer.status(), 403);
  await rebound.close();
  await evil.close();
  server.close();
});

await check("in all that, the page asked nobody else and had nothing to complain of", async () => {
  const others = page.notes.requests.map((request) => request.url()).filter((url) => !url.startsWith(`${page.origin}/`) && !url.startsWith("data:"));
  assert.deepEqual(others, []);
  assert.deepEqual(page.notes.errors, []);
  // A refused request is a line of the browser's own; those above were meant to be refused.
  assert.deepEqual(page.notes.console.filter((line) => !/Failed to load resource: the server responded with a status of (4|5)\d\d/.test(line)), []);
  const headers = page.notes.requests.filter((request) => request.url().includes("/api/") || request.url().includes("/hearth/"));
  assert.ok(headers.every((request) => request.headers().authorization?.startsWith("Bearer hearth_page_") && !request.headers().cookie));
  assert.ok(page.notes.requests.every((request) => !request.url().includes("hearth_page_")));
});

await check("a fresh page that lists, chats and looks round writes nothing to the console", async () => {
  const clean = await opened(browser);
  await go(clean, "status");
  await clean.waitForSelector("#status-devices .card");
  await go(clean, "models");
  await go(clean, "chat");
  await say(clean, settings.tiny, "kanemi");
  await holds(clean, () => document.querySelector(".assistant .body")?.innerText.length > 5);
  await clean.keyboard.press("Escape");
  await answered(clean);
  assert.deepEqual([clean.notes.console, clean.notes.errors], [[], []]);
  await clean.close();
});

await browser.close();
