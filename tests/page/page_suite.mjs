// The page in Chromium, against the real service and real models: what its users do, and what it must never do.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { answered, ask, go, lastAnswer, launch, link, opened, say, shot, tab, text, until } from "./browser.mjs";
import { assert, check, settings } from "./checks.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();
let page;

async function violations(view) {
  await view.evaluate(axe);
  const { violations: found } = await view.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.map((each) => `${each.id}: ${each.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
}

const overflow = (view) => view.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const card = (name) => `#model-list button[data-model="${name}"]`;
const does = (name, what) => `${card(name)}[data-do="${what}"]`;
const press = async (view, name, what) => {
  await view.waitForSelector(does(name, what));
  await view.click(does(name, what));
};

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
  await page.waitForFunction(() => document.querySelector("#link").textContent === "Connected");
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
  await one.waitForFunction(() => document.querySelector("#link").textContent === "Connected");
  await other.goto(url);
  await other.waitForSelector("#closed:not([hidden])");
  assert.equal(other.url(), `${page.origin}/`);
  await one.close();
  await other.close();
});

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
  await page.waitForFunction(() => !document.querySelector(".pull"));
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
  await page.waitForFunction(() => !document.querySelector(".pull"));
  await page.waitForSelector(card(settings.other_model));
});

await check("chat: the answer grows while it is made", async () => {
  await press(page, settings.steady, "Chat");
  await page.waitForFunction((name) => document.querySelector("#chat-model").value === name, {}, settings.steady);
  await say(page, settings.steady, "kanemi tolu");
  await page.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 20);
  const early = (await lastAnswer(page)).length;
  assert.ok(await page.$("#chat-stop:not([hidden])"));
  assert.equal(await page.$eval("#chat-log", (log) => log.getAttribute("aria-busy")), "true");
  await page.waitForFunction((length) => document.querySelector(".assistant .body").innerText.length > length, {}, early);
  await shot(page, "chat");
});

await check("chat: stop, and the service stops too", async () => {
  await page.click("#chat-stop");
  await answered(page);
  const stopped = await lastAnswer(page);
  assert.match(await text(page, ".assistant"), /Stopped\./);
  await until(async () => (await ask("GET", "/api/ps")).models.every((model) => model.active_requests === 0), "the service to stop");
  assert.equal(await lastAnswer(page), stopped);
  assert.ok(await page.$eval("#chat-input", (input) => document.activeElement === input), "the focus went with the button");
});

await check("chat: regenerate replaces the last answer", async () => {
  await page.click(".assistant .again");
  await page.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 20 && !document.querySelector("#chat-stop").hidden);
  assert.equal(await page.$$eval(".message", (all) => all.length), 2);
  await page.keyboard.press("Escape");
  await answered(page);
  assert.equal(await page.$$eval(".assistant .again", (all) => all.length), 1);
});

await check("chat: copy", async () => {
  await browser.defaultBrowserContext().overridePermissions(page.origin, ["clipboard-read", "clipboard-sanitized-write"]);
  await page.bringToFront();
  await page.evaluate(() => [...document.querySelectorAll(".assistant .actions button")].find((button) => button.textContent === "Copy").click());
  await page.waitForFunction(() => [...document.querySelectorAll(".actions button")].some((button) => button.textContent === "Copied"));
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.length > 20);
  assert.equal(copied.replace(/\s+/g, " ").trim().slice(0, 20), (await lastAnswer(page)).replace(/\s+/g, " ").trim().slice(0, 20));
});

await check("chat: instructions go with the conversation, which goes on", async () => {
  await page.click("#chat-settings");
  await page.type("#chat-system", "Speak softly.");
  const sent = page.waitForRequest((request) => request.url().endsWith("/api/chat"));
  await say(page, settings.steady, "second line");
  const { messages, model } = JSON.parse((await sent).postData());
  assert.equal(model, settings.steady);
  assert.deepEqual(messages.map((message) => message.role), ["system", "user", "assistant", "user"]);
  assert.equal(messages[0].content, "Speak softly.");
  assert.equal(messages[3].content, "second line");
  await page.keyboard.press("Escape");
  await answered(page);
  await shot(page, "chat-two");
  assert.deepEqual(await violations(page), []);
});

await check("chat: thoughts come apart, and can be switched off", async () => {
  await page.click("#chat-new");
  const first = page.waitForRequest((request) => request.url().endsWith("/api/chat"));
  await say(page, settings.tools, "kanemi");
  assert.equal(JSON.parse((await first).postData()).think, true);
  await page.waitForSelector(".thoughts");
  await page.keyboard.press("Escape");
  await answered(page);
  assert.ok((await page.$eval(".thoughts p", (element) => element.textContent)).length > 3);
  await page.click("#chat-think");
  const second = page.waitForRequest((request) => request.url().endsWith("/api/chat"));
  await page.click(".assistant .again");
  assert.equal(JSON.parse((await second).postData()).think, false);
  await page.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 5);
  assert.equal(await page.$(".thoughts"), null);
  await page.keyboard.press("Escape");
  await answered(page);
  await page.click("#chat-think");
});

await check("chat: HTML in what a model writes is text", async () => {
  await page.click("#chat-new");
  const before = page.notes.requests.length;
  await say(page, settings.hostile, "kanemi");
  await page.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 3000);
  await page.keyboard.press("Escape");
  await answered(page);
  const said = await page.$eval(".assistant .body", (body) => body.textContent);
  for (const part of ["<script>", "<img src=x onerror", "<svg onload", "<iframe", "javascript:", "<style>"]) assert.ok(said.includes(part), `${part} is not in it`);
  const bad = await page.$$eval(".assistant .body *", (all) => all.filter((element) =>
    !["P", "BR", "STRONG", "EM", "CODE", "PRE", "A", "UL", "OL", "LI", "HR", "DIV", "SPAN", "BUTTON", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "BLOCKQUOTE"].includes(element.tagName)
    || [...element.attributes].some((attribute) => attribute.name.startsWith("on") || attribute.name === "style" || attribute.name === "id")).map((element) => element.outerHTML.slice(0, 200)));
  assert.deepEqual(bad, []);
  const links = await page.$$eval(".assistant .body a", (all) => all.map((each) => [each.protocol, each.rel, each.target]));
  assert.ok(links.length > 0);
  for (const each of links) assert.deepEqual(each, ["https:", "noopener noreferrer", "_blank"]);
  assert.equal(await page.evaluate(() => typeof window.hacked), "undefined");
  const asked = page.notes.requests.slice(before).map((request) => request.url());
  assert.ok(asked.every((url) => url === `${page.origin}/api/chat` || url.startsWith(page.origin)), asked.join("\n"));
  assert.deepEqual(await violations(page), []);
  await shot(page, "hostile");
  await page.click("#chat-new");
});

await check("the policy of the page stops a script that would make HTML of a text, or ask elsewhere", async () => {
  const victim = await opened(browser);
  const stopped = await victim.evaluate(() => {
    try {
      document.querySelector("#chat-log").innerHTML = "<b>x</b>";
      return "made";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(stopped, "TypeError");
  assert.equal(await victim.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "sent", () => "refused")), "refused");
  const refused = await victim.evaluate(() => new Promise((done) => {
    document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
    new Image().src = "https://example.com/x.png";
  }));
  assert.equal(refused, "img-src");
  await victim.close();
});

await check("chat: how answers are laid out", async () => {
  const parts = await page.evaluate(async () => {
    const { show } = await import("/text.js");
    const place = document.createElement("div");
    const source = ["# Title", "", "One **bold**, *soft*, `a < b` and 2 * 3 * 4.", "Next line", "", "- one", "- two", "  - below", "1. first", "", "> quoted", "",
      "```cpp", "int main() {}", "", "// <b>", "```", "", "| a | b |", "|---|---|", "| 1 | 2 |", "", "![x](https://evil.example/i.png)", "", "---", "", "```", "open"].join("\n");
    for (let end = 1; end <= source.length; ++end) show(place, source.slice(0, end)); // as it streams
    const streamed = place.outerHTML;
    const whole = document.createElement("div");
    show(whole, source);
    return { same: streamed === whole.outerHTML, tags: [...place.children].map((each) => each.tagName + (each.className ? `.${each.className}` : "")),
      code: place.querySelector("pre code").textContent, images: place.querySelectorAll("img").length, text: place.textContent,
      nested: place.querySelectorAll("ul ul li").length, strong: place.querySelector("strong").textContent, em: place.querySelectorAll("em").length };
  });
  assert.ok(parts.same, "streaming comes to the same as the whole text");
  assert.equal(parts.code, "int main() {}\n\n// <b>");
  assert.equal(parts.images, 0);
  assert.equal(parts.nested, 1);
  assert.equal(parts.strong, "bold");
  assert.equal(parts.em, 1);
  assert.ok(parts.text.includes("2 * 3 * 4") && parts.text.includes("![x](https://evil.example/i.png)"));
  assert.deepEqual(parts.tags, ["P.heading", "P", "UL", "BLOCKQUOTE", "DIV.code", "DIV.wide", "P", "HR", "DIV.code"]);
});

await check("chat: images where the model takes them, and only there", async () => {
  await page.select("#chat-model", settings.tiny);
  assert.ok(await page.$eval("#chat-attach", (button) => button.hidden));
  await page.select("#chat-model", settings.vision);
  await page.waitForSelector("#chat-attach:not([hidden])");
  await (await page.$("#chat-file")).uploadFile(settings.picture);
  await page.waitForSelector(".thumb img");
  await shot(page, "image");
  assert.deepEqual(await violations(page), []);
  const sent = page.waitForRequest((request) => request.url().endsWith("/api/chat"));
  await say(page, settings.vision, "What is this?");
  const body = JSON.parse((await sent).postData());
  assert.equal(body.messages.at(-1).images[0], fs.readFileSync(settings.picture).toString("base64"));
  assert.match(await page.$eval(".message.user img", (image) => image.src), /^data:image\/png/);
  await page.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 3);
  await page.keyboard.press("Escape");
  await answered(page);
  await shot(page, "image-answer");
  assert.deepEqual(await violations(page), []);
  await page.click("#chat-new");
});

await check("chat: a model that cannot run is told of, and the page goes on", async () => {
  await say(page, settings.slow_model, "anybody?");
  await page.waitForSelector(".assistant .failed");
  assert.ok((await text(page, ".assistant .failed")).length > 10);
  await answered(page);
  assert.deepEqual(await violations(page), []);
  await page.click("#chat-new");
});

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
  await page.waitForFunction(() => !document.querySelector("#confirm").open);
  assert.ok(await page.$(card(settings.other_model)));
  await press(page, settings.other_model, "Delete");
  await page.waitForSelector("#confirm[open]");
  await page.click("#confirm-yes");
  await page.waitForFunction((name) => ![...document.querySelectorAll("#model-list button")].some((each) => each.dataset.model === name), {}, settings.other_model);
  assert.ok(!(await ask("GET", "/api/tags")).models.some((model) => model.name === settings.other_model));
});

await check("status: devices, memory by model, who waits, the service", async () => {
  await go(page, "status");
  await page.waitForSelector("#status-devices .legend");
  const status = await text(page, "#status");
  assert.ok(status.includes(settings.tools) && status.includes("RAM") && status.includes("Sandbox"), status);
  assert.match(status, /Nobody waits/);
  await shot(page, "status");
  assert.deepEqual(await violations(page), []);
});

await check("a narrow window, light and dark, in every view: nothing sticks out, nothing is unreadable", async () => {
  for (const dark of [false, true]) {
    const narrow = await opened(browser, { width: 360, height: 640, dark });
    for (const view of ["chat", "models", "status"]) {
      await go(narrow, view);
      if (view === "status") await narrow.waitForSelector("#status-devices .card");
      assert.ok((await overflow(narrow)) <= 0, `${view} is too wide`);
      assert.deepEqual(await violations(narrow), [], `${view}, ${dark ? "dark" : "light"}`);
      await shot(narrow, `narrow-${view}-${dark ? "dark" : "light"}`);
    }
    const back = await narrow.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.ok(dark ? Math.max(...back) < 80 : Math.min(...back) > 200, `${back}`);
    await narrow.close();
  }
});

await check("a wide window in the dark", async () => {
  const dark = await opened(browser, { dark: true });
  await say(dark, settings.tiny, "A question of some length, so that one sees how it sits on the right side of the window.");
  await dark.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 600);
  await shot(dark, "dark-chat");
  await dark.keyboard.press("Escape");
  await answered(dark);
  assert.deepEqual(await violations(dark), []);
  for (const view of ["models", "status"]) {
    await go(dark, view);
    if (view === "status") await dark.waitForSelector("#status-devices .legend");
    await shot(dark, `dark-${view}`);
    assert.deepEqual(await violations(dark), []);
  }
  await dark.close();
});

await check("by keyboard alone: from the top to an answer", async () => {
  const keys = await opened(browser);
  await keys.focus("a, button, input, select, textarea");
  assert.equal(await keys.evaluate(() => document.activeElement.className), "skip", "it comes first");
  await keys.keyboard.press("Tab");
  assert.equal(await keys.evaluate(() => document.activeElement.textContent), "Chat");
  await keys.keyboard.press("Enter");
  assert.ok(await keys.$("#chat:not([hidden])"));
  for (let i = 0; i < 20 && (await keys.evaluate(() => document.activeElement.id)) !== "chat-input"; ++i) await keys.keyboard.press("Tab");
  await keys.keyboard.type("one");
  await keys.keyboard.down("Shift");
  await keys.keyboard.press("Enter");
  await keys.keyboard.up("Shift");
  await keys.keyboard.type("two");
  await keys.keyboard.press("Enter");
  await keys.waitForSelector(".message.user");
  assert.equal(await text(keys, ".message.user .plain"), "one\ntwo");
  await keys.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 5);
  await keys.keyboard.press("Escape");
  await answered(keys);
  await keys.close();
});

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
  await clean.waitForFunction(() => document.querySelector(".assistant .body")?.innerText.length > 5);
  await clean.keyboard.press("Escape");
  await answered(clean);
  assert.deepEqual([clean.notes.console, clean.notes.errors], [[], []]);
  await clean.close();
});

await browser.close();
