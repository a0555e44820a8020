// Downloads: those of this page, and those that others run, by events.
import { stream } from "./api.js";
import { $, bytes, duration, h, notice } from "./dom.js";
import { refresh } from "./store.js";

const rows = new Map(); // name -> Row
const at_once = 3; // a browser has six connections to one address
const queue = [];
let running = 0;

class Row {
  constructor(name, own) {
    this.parts = new Map(); // one for each file
    this.samples = [];
    this.stop = new AbortController();
    this.name = name;
    this.own = own;
    this.bar = h("progress", { "aria-label": `Download of ${name}` });
    this.text = h("span", { class: "hint" }, own ? "Waiting…" : "Started elsewhere");
    const cancel = h("button", { type: "button", "aria-label": `Stop the download of ${name}`, onclick: () => this.stop.abort() }, "Stop");
    this.element = h("div", { class: "card pull" }, h("div", { class: "row" }, h("strong", { class: "name" }, name), own ? cancel : null), this.bar, this.text);
    $("pulls").append(this.element);
    rows.set(name, this);
  }

  show(line) {
    if (line.total > 0) this.parts.set(line.digest ?? line.status, { total: line.total, done: line.completed ?? 0 });
    const all = [...this.parts.values()];
    const total = all.reduce((sum, part) => sum + part.total, 0), done = all.reduce((sum, part) => sum + part.done, 0);
    if (total === 0 || !(line.total > 0)) {
      this.bar.removeAttribute("value");
      this.text.textContent = line.status;
      return;
    }
    this.bar.max = total;
    this.bar.value = done;
    this.text.textContent = [`${bytes(done)} of ${bytes(total)}`, this.speed(done, total)].filter(Boolean).join(" · ");
  }

  /** Over the last ten seconds. */
  speed(done, total) {
    const now = performance.now();
    this.samples.push([now, done]);
    while (now - this.samples[0][0] > 10000) this.samples.shift();
    const [from, before] = this.samples[0];
    const rate = ((done - before) / (now - from)) * 1000;
    return rate > 0 && now - from > 500 ? `${bytes(rate)}/s · ${duration((total - done) / rate)} left` : "";
  }

  remove() {
    this.element.remove();
    rows.delete(this.name);
  }
}

/** Starts a download, or puts it in line. */
export function pull(name) {
  if (rows.has(name)) return;
  queue.push(new Row(name, true));
  next();
}

export const isPulling = () => [...rows.values()].some((row) => row.own);

async function next() {
  if (running >= at_once || queue.length === 0) return;
  ++running;
  const row = queue.shift();
  try {
    for await (const line of stream("POST", "/api/pull", { model: row.name, stream: true }, row.stop.signal)) row.show(line);
    await refresh();
  } catch (error) {
    if (error.name !== "AbortError") notice(error);
  }
  row.remove();
  --running;
  next();
}

/** An event of the service: pull.progress, pull.done, pull.failed. */
export function pullEvent(event) {
  const row = rows.get(event.pull ?? event.model);
  if (row?.own) return;
  if (event.type === "pull.progress") (row ?? new Row(event.model, false)).show(event);
  else row?.remove();
}
