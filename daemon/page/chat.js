// The conversation: in this tab's memory, nowhere else.
import { stream } from "./api.js";
import { $, copy, h, notice } from "./dom.js";
import { can, find, onChange, state } from "./store.js";
import { show } from "./text.js";

const imageLimit = 20e6; // bytes of one image
const messages = []; // {role, content, images?, thinking?, element}
let images = []; // of the message being written: data URLs
let answering = null; // AbortController
let following = true; // the log scrolls with the answer

const model = () => find($("chat-model").value);

export function startChat() {
  const input = $("chat-input");
  $("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  input.addEventListener("input", fitInput);
  document.addEventListener("keydown", (event) => event.key === "Escape" && !$("confirm").open && answering?.abort());
  $("chat-stop").addEventListener("click", () => answering?.abort());
  $("chat-new").addEventListener("click", startAnew);
  $("chat-model").addEventListener("change", showAbilities);
  $("chat-settings").addEventListener("click", () => {
    const options = $("chat-options");
    options.hidden = !options.hidden;
    $("chat-settings").setAttribute("aria-expanded", String(!options.hidden));
    if (!options.hidden) $("chat-system").focus();
  });
  $("chat-attach").addEventListener("click", () => $("chat-file").click());
  $("chat-file").addEventListener("change", (event) => {
    addImages(event.target.files);
    event.target.value = "";
  });
  input.addEventListener("paste", (event) => addImages(event.clipboardData.files));
  const log = $("chat-log");
  log.addEventListener("dragover", (event) => event.preventDefault());
  log.addEventListener("drop", (event) => {
    event.preventDefault();
    addImages(event.dataTransfer.files);
  });
  log.addEventListener("scroll", () => (following = log.scrollTop + log.clientHeight > log.scrollHeight - 40));
  window.addEventListener("beforeunload", (event) => messages.length && event.preventDefault());
  onChange(showModels);
  showEmpty();
}

export function chatWith(name) {
  $("chat-model").value = name;
  showAbilities();
  $("chat-input").focus();
}

/** Models that can chat; the one that is chosen stays, else the default, else one that is loaded. */
function showModels() {
  const select = $("chat-model");
  const names = state.models.filter((each) => can(each, "completion") || !each.capabilities?.length).map((each) => each.name);
  if ([...select.options].map((option) => option.value).join("\n") !== names.join("\n")) {
    const before = select.value;
    select.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    select.value = [before, state.chosen, state.loaded[0]?.name, names[0]].find((name) => names.includes(name)) ?? "";
  }
  select.disabled = names.length === 0;
  $("chat-send").disabled = names.length === 0;
  showAbilities();
  if (!messages.length) showEmpty();
}

function showAbilities() {
  $("chat-attach").hidden = !can(model(), "vision");
  $("chat-think-row").hidden = !can(model(), "thinking");
  if (!can(model(), "vision")) images = [];
  showImages();
}

function showEmpty() {
  const none = state.models.length === 0;
  $("chat-log").replaceChildren(h("div", { class: "empty" }, h("img", { src: "/icon.svg", alt: "", width: "56", height: "56" }),
    h("p", { class: "big" }, none ? "No model is here yet" : "What would you like to know?"),
    h("p", { class: "hint" }, none ? "Add one under Models, then talk with it here." : "Everything stays on this machine: no process that sees what you write can open a connection.")));
}

function startAnew() {
  answering?.abort();
  messages.length = 0;
  images = [];
  showImages();
  showEmpty();
  tell("");
  $("chat-input").focus();
}

function fitInput() {
  const input = $("chat-input");
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight + 2, innerHeight * 0.4)}px`;
}

const tell = (text) => ($("chat-state").textContent = text);

function addImages(files) {
  if (!can(model(), "vision")) return;
  for (const file of files) {
    if (!file.type.startsWith("image/")) continue;
    if (file.size > imageLimit) {
      notice(`${file.name} is too large: 20 MB is the most.`);
      continue;
    }
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      images.push(reader.result);
      showImages();
    });
    reader.readAsDataURL(file);
  }
}

function showImages() {
  const row = $("chat-images");
  row.hidden = images.length === 0;
  row.replaceChildren(...images.map((source, i) => h("button", {
    type: "button", class: "thumb", "aria-label": `Remove image ${i + 1}`,
    onclick: () => {
      images.splice(i, 1);
      showImages();
    },
  }, h("img", { src: source, alt: "" }))));
}

function add(message) {
  if (!messages.length) $("chat-log").replaceChildren();
  const body = h("div", { class: "body" });
  message.element = h("article", { class: `message ${message.role}`, "aria-label": message.role === "user" ? "You" : message.model }, body);
  message.body = body;
  messages.push(message);
  if (message.role === "user") {
    body.append(h("p", { class: "plain" }, message.content), ...(message.images ?? []).map((source, i) => h("img", { src: source, alt: `Image ${i + 1} of this message` })));
  }
  $("chat-log").append(message.element);
  scroll(true);
  return message;
}

function scroll(always) {
  const log = $("chat-log");
  if (always || following) log.scrollTop = log.scrollHeight;
}

async function send() {
  const input = $("chat-input");
  const content = input.value.trim();
  if (answering || !model() || (!content && !images.length)) return;
  add({ role: "user", content, images: images.length ? images : undefined });
  images = [];
  showImages();
  input.value = "";
  fitInput();
  await answer();
}

/** Away with the last answer, and another one. */
async function regenerate() {
  if (answering) return;
  while (messages.at(-1)?.role === "assistant") messages.pop().element.remove();
  await answer();
  $("chat-input").focus();
}

function request() {
  const system = $("chat-system").value.trim();
  const wire = messages.map(({ role, content, images: pictures }) => ({
    role, content, ...(pictures ? { images: pictures.map((source) => source.slice(source.indexOf(",") + 1)) } : {}),
  }));
  return {
    model: model().name, stream: true, progress: true, messages: system ? [{ role: "system", content: system }, ...wire] : wire,
    ...(can(model(), "thinking") ? { think: $("chat-think").checked } : {}),
  };
}

async function answer() {
  const body = request();
  $("chat-log").querySelectorAll(".again").forEach((button) => button.remove());
  const message = add({ role: "assistant", content: "", thinking: "", model: body.model });
  busy(new AbortController());
  const painter = paintSoon(message);
  let end = null, note = null;
  try {
    for await (const piece of stream("POST", "/api/chat", body, answering.signal)) {
      if (piece.status) {
        tell(progressText(piece));
        continue;
      }
      if (piece.message?.content || piece.message?.thinking) {
        message.content += piece.message.content ?? "";
        message.thinking += piece.message.thinking ?? "";
        tell(message.content ? "Answering…" : "Thinking…");
        painter.soon();
      }
      if (piece.done) end = piece;
    }
  } catch (error) {
    note = error.name === "AbortError" ? h("p", { class: "hint" }, "Stopped.")
      : h("div", { class: "failed" }, h("p", {}, error.message), error.hint ? h("p", { class: "hint" }, error.hint) : null);
  }
  painter.now();
  finish(message, end, note);
  busy(null);
}

function busy(controller) {
  answering = controller;
  const on = controller !== null;
  $("chat-log").setAttribute("aria-busy", String(on));
  const focused = document.activeElement;
  $("chat-stop").hidden = !on;
  $("chat-send").hidden = on;
  if (focused === $("chat-send") || focused === $("chat-stop")) $("chat-input").focus();
  tell(on ? "Waiting for the model…" : "");
}

function progressText(line) {
  if (line.status === "waiting") return line.ahead > 0 ? `Waiting, ${line.ahead} ahead` : `Waiting: ${line.reason}`;
  return line.fraction > 0 ? `Loading the model, ${Math.round(line.fraction * 100)} %` : "Loading the model…";
}

/** Draws at most once a frame, whatever the speed of the answer. */
function paintSoon(message) {
  let asked = 0;
  const now = () => {
    cancelAnimationFrame(asked);
    asked = 0;
    if (message.thinking && !message.thoughts) {
      message.thoughts = h("p", { class: "plain" });
      message.element.prepend(h("details", { class: "thoughts" }, h("summary", {}, "Thoughts"), message.thoughts));
    }
    if (message.thoughts) message.thoughts.textContent = message.thinking;
    show(message.body, message.content);
    scroll(false);
  };
  return { now, soon: () => (asked ||= requestAnimationFrame(now)) };
}

function finish(message, end, note) {
  const speed = end?.eval_duration ? `${end.eval_count} tokens, ${(end.eval_count / (end.eval_duration / 1e9)).toFixed(1)} a second` : "";
  const cut = end?.done_reason === "length" ? h("p", { class: "hint" }, "The answer was cut at its length limit.") : null;
  if (!message.content && !note) note = h("p", { class: "hint" }, "The model said nothing.");
  message.element.append(...[note, cut].filter(Boolean), h("div", { class: "actions" },
    message.content ? h("button", { type: "button", class: "quiet", onclick: (event) => copy(message.content, event.currentTarget) }, "Copy") : "",
    h("button", { type: "button", class: "quiet again", onclick: regenerate }, "Regenerate"),
    h("span", { class: "hint" }, [message.model, speed].filter(Boolean).join(" · "))));
  scroll(false);
}
