// The page's beginning: who we are, which view is shown, and what the service tells.
import { enter, events } from "./api.js";
import { chatWith, startChat } from "./chat.js";
import { $, notice } from "./dom.js";
import { adaptModels, startModels } from "./models.js";
import { pullEvent } from "./pulls.js";
import { startStatus, showStatus } from "./status.js";
import { changed, learnRoutes, refresh, state } from "./store.js";

const views = ["chat", "models", "status"];
const quiet = new Set(["hello", "pull.progress", "quantize.progress", "model.waiting"]); // change no list
const retries = [1000, 2000, 5000, 10000];

function view(name) {
  for (const each of views) $(each).hidden = each !== name;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  document.title = name === "chat" ? "Hearth" : `${$(`${name}-title`).textContent} – Hearth`;
  showStatus(name === "status");
}

function close(failure) {
  for (const each of views) $(each).hidden = true;
  document.querySelector("nav").hidden = true;
  $("link").textContent = "";
  $("closed-text").textContent = failure?.message && failure.code !== "closed" ? failure.message
    : "Links are good for one tab, and end when the service does or when nobody has used the page for a while. This command opens it anew:";
  $("closed").hidden = false;
  $("closed-title").textContent = failure?.code === "unreachable" ? "Hearth does not answer" : "This page needs a fresh link";
}

const say = (text, bad) => {
  $("link").textContent = text;
  $("link").classList.toggle("bad", Boolean(bad));
};

function onEvent(event) {
  const { type, model } = event;
  if (type.startsWith("pull.")) pullEvent(event);
  if (type === "model.waiting") state.waiting.set(model, event);
  else state.waiting.delete(model);
  if (type === "model.waiting") changed();
  if (!quiet.has(type)) refresh().catch(() => {});
}

/** Follows the service for as long as the page is there. */
async function follow() {
  for (let failures = 0; ; ) {
    try {
      for await (const event of events()) {
        if (event.type === "hello") say("Connected");
        if (failures > 0) refresh().catch(() => {});
        failures = 0;
        onEvent(event);
      }
    } catch (failure) {
      if (failure.code === "closed") return close(failure);
    }
    state.waiting.clear();
    say("Not connected", true);
    await new Promise((done) => setTimeout(done, retries[Math.min(failures++, retries.length - 1)]));
  }
}

async function start() {
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));
  startChat();
  startModels((name) => {
    view("chat");
    chatWith(name);
  });
  startStatus();
  try {
    if (!(await enter())) return close();
    await learnRoutes();
    adaptModels();
    await refresh();
  } catch (failure) {
    return close(failure);
  }
  follow();
  if (state.models.length === 0) view("models");
  else $("chat-input").focus();
}

window.addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "Failure" || event.reason?.code) {
    event.preventDefault();
    notice(event.reason);
  }
});
start();
