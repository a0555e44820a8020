// What is in the store, and what could be.
import { ask, stream } from "./api.js";
import { $, button, bytes, confirmed, h, notice, until } from "./dom.js";
import { planView } from "./plan.js";
import { pull } from "./pulls.js";
import { can, has, loadedAs, onChange, refresh, state } from "./store.js";

let openChat = null;
const loading = new Map(); // name -> what is said of it

/** @param chat  called with a model's name to talk with it */
export function startModels(chat) {
  openChat = chat;
  const name = $("pull-name");
  $("pull-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!name.value.trim()) return;
    pull(name.value.trim());
    name.value = "";
    $("plan").replaceChildren();
  });
  const plan = $("pull-plan");
  plan.addEventListener("click", () => showPlan(name.value.trim(), plan));
  name.addEventListener("input", suggest);
  onChange(showList);
}

/** What this service does not serve is not shown. */
export function adaptModels() {
  $("pull-form").hidden = !has("POST /api/pull");
  $("pull-plan").hidden = !has("POST /hearth/v1/plan");
}

async function showPlan(name, trigger) {
  if (!name) return;
  const place = $("plan");
  trigger.disabled = true;
  place.replaceChildren(h("p", { class: "hint" }, "Reading what is published…"));
  try {
    place.replaceChildren(...planView(await ask("POST", "/hearth/v1/plan", { model: name }), name));
  } catch (error) {
    place.replaceChildren(h("p", { class: "failed" }, error.message), ...(error.hint ? [h("p", { class: "hint" }, error.hint)] : []));
  }
  trigger.disabled = false;
  place.scrollIntoView({ block: "nearest" });
}

let asked = 0;
async function suggest() {
  if (!has("GET /hearth/v1/search")) return;
  const mine = ++asked;
  const { models } = await ask("GET", `/hearth/v1/search?q=${encodeURIComponent($("pull-name").value.trim())}`).catch(() => ({ models: [] }));
  if (mine !== asked) return;
  $("pull-known").replaceChildren(...models.slice(0, 12).map((model) =>
    h("option", { value: model.aliases?.[0] ?? model.name }, `${model.title}, ${model.parameters}${model.installed ? ", installed" : ""}`)));
}

const abilities = [["vision", "images"], ["tools", "tools"], ["thinking", "thinks"], ["embedding", "embeddings"]];

function facts(model) {
  const { parameter_size, quantization_level, context_length } = model.details;
  return [parameter_size, quantization_level, bytes(model.size), context_length ? `${context_length} tokens of context` : ""].filter(Boolean).join(" · ");
}

function stateOf(model, loaded) {
  if (loading.has(model.name)) return loading.get(model.name);
  if (!loaded) return null;
  const when = loaded.active_requests > 0 ? "in use" : loaded.state === "ready" ? `unloads ${until(loaded.expires_at)}`.replace("unloads stays", "stays") : loaded.state;
  return `In memory: ${bytes(loaded.size)}, ${when}`;
}

function card(model, loaded, chosen) {
  const act = (label, work, attributes = {}) =>
    button(label, () => work().catch(notice), { "aria-label": `${label}: ${model.name}`, "data-do": label, "data-model": model.name, ...attributes });
  return h("li", { class: "card" },
    h("div", { class: "row" }, h("strong", { class: "name" }, model.name), chosen ? h("span", { class: "badge accent" }, "default") : null,
      abilities.filter(([key]) => can(model, key)).map(([, label]) => h("span", { class: "badge" }, label))),
    h("p", { class: "hint" }, facts(model)),
    h("p", { class: "live" }),
    h("div", { class: "row" },
      can(model, "completion") ? act("Chat", async () => openChat(model.name), { class: "main" }) : null,
      loaded && has("POST /hearth/v1/unload") ? act("Unload", () => unload(model)) : null,
      !loaded && has("POST /hearth/v1/load") ? act("Load", () => load(model)) : null,
      has("PUT /hearth/v1/default") ? (chosen ? act("Not default", () => choose(null)) : act("Make default", () => choose(model.name))) : null,
      has("POST /hearth/v1/plan") ? act("What fits?", async () => showPlan(model.name, $("pull-plan"))) : null,
      has("DELETE /api/delete") ? act("Delete", () => remove(model), { class: "quiet" }) : null));
}

/** A card stays the same element while its buttons are the same: a click must not lose what it began on. */
const cards = new Map(); // name -> {key, element}
function cardOf(model) {
  const loaded = loadedAs(model.name);
  const chosen = state.chosen === model.name;
  const key = JSON.stringify([model.digest, Boolean(loaded), chosen, model.capabilities]);
  if (cards.get(model.name)?.key !== key) cards.set(model.name, { key, element: card(model, loaded, chosen) });
  const { element } = cards.get(model.name);
  element.querySelector(".live").textContent = stateOf(model, loaded) ?? "";
  return element;
}

function showList() {
  const list = $("model-list");
  const focused = document.activeElement?.dataset?.model ? { ...document.activeElement.dataset } : null;
  const wanted = state.models.length ? state.models.map(cardOf) : [h("li", { class: "empty" }, h("p", { class: "hint" }, "No model is here yet."))];
  for (const each of [...list.children]) if (!wanted.includes(each)) each.remove();
  wanted.forEach((each, i) => list.children[i] === each || list.insertBefore(each, list.children[i] ?? null));
  if (!focused || list.contains(document.activeElement)) return;
  const buttons = [...list.querySelectorAll("button")].filter((each) => each.dataset.model === focused.model);
  (buttons.find((each) => each.dataset.do === focused.do) ?? buttons[0])?.focus();
}

async function load(model) {
  loading.set(model.name, "Loading…");
  showList();
  try {
    for await (const line of stream("POST", "/hearth/v1/load", { model: model.name })) {
      const text = line.status === "waiting" ? `Waiting: ${line.reason}` : line.fraction > 0 ? `Loading, ${Math.round(line.fraction * 100)} %` : "Loading…";
      if (text !== loading.get(model.name)) {
        loading.set(model.name, text);
        showList();
      }
    }
  } finally {
    loading.delete(model.name);
    await refresh();
  }
}

async function unload(model) {
  await ask("POST", "/hearth/v1/unload", { model: model.name });
  await refresh();
}

async function choose(name) {
  await (name ? ask("PUT", "/hearth/v1/default", { model: name }) : ask("DELETE", "/hearth/v1/default", {}));
  await refresh();
}

async function remove(model) {
  const text = `${model.name}, ${bytes(model.size)}. Parts that other models use stay.`;
  if (!(await confirmed("Delete this model?", text, "Delete"))) return;
  await ask("DELETE", "/api/delete", { model: model.name });
  await refresh();
}
