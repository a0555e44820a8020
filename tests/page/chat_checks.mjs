// The page: conversations.
import fs from "node:fs";
import { answered, ask, holds, lastAnswer, opened, press, say, shot, text, until, violations } from "./browser.mjs";
import { assert, check, settings } from "./checks.mjs";

/** Talks to several models. */
export async function chats(browser, page) {
  await check("chat: the answer grows while it is made", async () => {
    await press(page, settings.steady, "Chat");
    await holds(page, (name) => document.querySelector("#chat-model").value === name, settings.steady);
    await say(page, settings.steady, "kanemi tolu");
    await holds(page, () => document.querySelector(".assistant .body")?.innerText.length > 20);
    const early = (await lastAnswer(page)).length;
    assert.ok(await page.$("#chat-stop:not([hidden])"));
    assert.equal(await page.$eval("#chat-log", (log) => log.getAttribute("aria-busy")), "true");
    await holds(page, (length) => document.querySelector(".assistant .body").innerText.length > length, early);
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
    await holds(page, () => document.querySelector(".assistant .body")?.innerText.length > 20 && !document.querySelector("#chat-stop").hidden);
    assert.equal(await page.$$eval(".message", (all) => all.length), 2);
    await page.keyboard.press("Escape");
    await answered(page);
    assert.equal(await page.$$eval(".assistant .again", (all) => all.length), 1);
  });

  await check("chat: copy", async () => {
    await browser.defaultBrowserContext().overridePermissions(page.origin, ["clipboard-read", "clipboard-sanitized-write"]);
    await page.bringToFront();
    await page.evaluate(() => [...document.querySelectorAll(".assistant .actions button")].find((button) => button.textContent === "Copy").click());
    await holds(page, () => [...document.querySelectorAll(".actions button")].some((button) => button.textContent === "Copied"));
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
    await holds(page, () => document.querySelector(".assistant .body")?.innerText.length > 5);
    assert.equal(await page.$(".thoughts"), null);
    await page.keyboard.press("Escape");
    await answered(page);
    await page.click("#chat-think");
  });

  await check("chat: HTML in what a model writes is text", async () => {
    await page.click("#chat-new");
    const before = page.notes.requests.length;
    await say(page, settings.hostile, "kanemi");
    await holds(page, () => document.querySelector(".assistant .body")?.innerText.length > 3000);
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
    await holds(page, () => document.querySelector(".assistant .body")?.innerText.length > 3);
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
}
