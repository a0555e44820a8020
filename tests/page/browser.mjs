// Chromium and pages of it that remember what they must not do.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";
import { settings } from "./checks.mjs";

const slow = settings.slow ?? 1;
export const patience = 20000 * slow;

/** One request over the service's socket. @return its JSON */
export function ask(method, path, body) {
  return new Promise((done, failed) => {
    const request = http.request({ socketPath: settings.socket, method, path, headers: { Host: "localhost", "Content-Type": "application/json" } }, (answer) => {
      let text = "";
      answer.on("data", (piece) => (text += piece));
      answer.on("end", () => done(text ? JSON.parse(text) : null));
    });
    request.on("error", failed);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A fresh link to the page, as `hearth open` gets it. */
export const link = async () => ask("POST", "/hearth/v1/open", {});

export const launch = () =>
  puppeteer.launch({
    executablePath: settings.chromium, headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--host-resolver-rules=MAP *.example 127.0.0.1",
      "--force-color-profile=srgb", "--disable-dev-shm-usage"],
  });

/** A tab that notes errors and every address that it asks for. */
export async function tab(browser, { width = 1100, height = 800, dark = false } = {}) {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  page.notes = { console: [], errors: [], requests: [] };
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && page.notes.console.push(message.text()));
  page.on("pageerror", (error) => page.notes.errors.push(String(error)));
  page.on("request", (request) => page.notes.requests.push(request));
  page.on("dialog", (dialog) => dialog.accept());
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  return page;
}

/** Until a condition holds in the page. A tab behind another draws no frames, which puppeteer would wait for. */
export const holds = (page, condition, ...values) => page.waitForFunction(condition, { polling: 50 }, ...values);

/** The page, ready to be used. */
export async function opened(browser, options) {
  const page = await tab(browser, options);
  const { address, url } = await link();
  page.origin = new URL(address).origin;
  await page.goto(url);
  await holds(page, () => document.querySelector("#link").textContent === "Connected");
  return page;
}

export const go = (page, view) => page.click(`[data-view=${view}]`);
export const text = (page, selector) => page.$eval(selector, (element) => element.innerText);

export async function until(condition, what) {
  const end = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it took too long: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Chooses a model and sends a message; does not wait for the answer. */
export async function say(page, model, message) {
  await page.waitForSelector(`#chat-model option[value="${model}"]`);
  await page.select("#chat-model", model);
  await page.type("#chat-input", message);
  await page.keyboard.press("Enter");
}
export const answered = (page) => holds(page, () => !document.querySelector("#chat-send").hidden && document.querySelector("#chat-log .assistant .actions"));
export const lastAnswer = (page) => page.$$eval(".assistant .body", (all) => all.at(-1)?.innerText ?? "");

/** A model's card, and the buttons on it. */
export const card = (name) => `#model-list button[data-model="${name}"]`;
export const does = (name, what) => `${card(name)}[data-do="${what}"]`;
export const press = async (view, name, what) => {
  await view.waitForSelector(does(name, what));
  await view.click(does(name, what));
};

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** What axe finds in what is shown now. @return a line for each rule */
export async function violations(view) {
  await view.evaluate(axe);
  const { violations: found } = await view.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.map((each) => `${each.id}: ${each.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
}

/** How far the page sticks out to the right, in pixels. */
export const overflow = (view) => view.evaluate(() => document.documentElement.scrollWidth - innerWidth);

let shots = 0;
/** A picture, where somebody wants to look at it. */
export async function shot(page, name) {
  if (settings.shots) await page.screenshot({ path: `${settings.shots}/${String(++shots).padStart(2, "0")}-${name}.png` });
}
