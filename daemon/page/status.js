// What the service and its machine are doing.
import { ask } from "./api.js";
import { $, bytes, duration, h, until } from "./dom.js";
import { has, onChange, state } from "./store.js";

const interval = 5000;
let timer = 0;
let devices = null, service = null;

export function startStatus() {
  onChange(() => !$("status").hidden && draw());
  document.addEventListener("visibilitychange", () => !$("status").hidden && showStatus(true));
}

/** Free memory is told by no event: it is asked for while somebody looks. */
export function showStatus(on) {
  clearTimeout(timer);
  if (on && !document.hidden) read();
}

async function read() {
  [devices, service] = await Promise.all([
    has("GET /hearth/v1/devices") ? ask("GET", "/hearth/v1/devices").catch(() => null) : null,
    has("GET /hearth/v1/status") ? ask("GET", "/hearth/v1/status").catch(() => null) : null,
  ]);
  draw();
  clearTimeout(timer);
  timer = setTimeout(read, interval);
}

function draw() {
  $("status-devices").replaceChildren(...(devices?.devices ?? []).map(deviceCard), ...(devices?.warnings ?? []).map((text) => h("p", { class: "hint" }, text)));
  drawLoaded();
  drawQueue();
  if (service) drawService();
}

/** What each model holds of a device. */
const shares = (device) => state.loaded.flatMap((model) => model.devices.filter((each) => each.id === device.id && each.bytes > 0).map((each) => [model.name, each.bytes]));

function deviceCard(device) {
  const held = shares(device);
  const limit = device.limited_by?.limit_bytes || device.total_bytes;
  const total = Math.min(device.total_bytes, limit) || 1;
  const models = held.reduce((sum, [, size]) => sum + size, 0);
  const other = Math.max(0, total - device.free_bytes - models);
  const part = (kind, size) => {
    const element = h("span", { class: kind });
    element.style.flexGrow = String(size / total);
    return element;
  };
  const words = `${bytes(models)} by models, ${bytes(other)} by others, ${bytes(device.free_bytes)} free of ${bytes(total)}`;
  return h("div", { class: "card" },
    h("div", { class: "row" }, h("strong", { class: "name" }, device.description || device.id), h("span", { class: "badge" }, device.kind === "cpu" ? "RAM" : device.id)),
    h("div", { class: "memory", role: "img", "aria-label": words }, held.map(([, size], i) => part(`model tint${i % 4}`, size)), part("other", other), part("free", device.free_bytes)),
    h("p", { class: "hint" }, words),
    held.length ? h("ul", { class: "legend" }, held.map(([name, size], i) => h("li", {}, h("span", { class: `dot tint${i % 4}`, "aria-hidden": "true" }), `${name}: ${bytes(size)}`))) : null,
    limit < device.total_bytes ? h("p", { class: "hint" }, `Limited by ${device.limited_by.name}; the machine has ${bytes(device.total_bytes)}`) : null);
}

function drawLoaded() {
  $("status-loaded").replaceChildren(state.loaded.length ? h("ul", { class: "cards" }, state.loaded.map((model) => {
    const users = model.users.map((user) => `${user.app || "an unknown app"}${user.requests > 1 ? ` (${user.requests})` : ""}`).join(", ");
    const end = until(model.expires_at);
    return h("li", { class: "card" },
      h("div", { class: "row" }, h("strong", { class: "name" }, model.name), h("span", { class: "badge" }, model.state)),
      h("p", {}, [bytes(model.size), `${model.context_length} tokens`, model.backend, model.active_requests > 0 ? "in use" : end === "stays" ? end : `unloads ${end}`].join(" · ")),
      users ? h("p", { class: "live" }, `Used by ${users}`) : null,
      h("p", { class: "hint" }, [model.plan, model.reason].filter(Boolean).join(" · ")));
  })) : h("p", { class: "hint" }, "No model is in memory."));
}

function drawQueue() {
  const rows = state.loaded.filter((model) => model.waiting_requests > 0).map((model) => `${model.name}: ${model.waiting_requests}`);
  for (const [name, event] of state.waiting) rows.push(`${name}: ${event.reason}${event.ahead > 0 ? `, ${event.ahead} ahead` : ""}`);
  $("status-queue").replaceChildren(rows.length ? h("ul", {}, rows.map((row) => h("li", {}, row))) : h("p", { class: "hint" }, "Nobody waits."));
}

function drawService() {
  const rows = [
    ["Version", service.version], ["Running", `${duration(service.uptime_seconds)}, process ${service.pid}`],
    ["Models", `${service.models}, ${bytes(service.blob_bytes)}${service.partial_bytes ? `, ${bytes(service.partial_bytes)} of unfinished downloads` : ""}`],
    ["Data", service.data_dir], ["Socket", service.socket],
    ...service.tcp.map((door) => ["Address", `${door.address}: ${door.description}`]),
    ["Backends", service.backends.join(", ") || "none"], ["Sandbox", service.sandbox],
  ];
  $("status-service").replaceChildren(...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}
