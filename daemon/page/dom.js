// Elements from plain text and figures for people. Nothing here, nor anywhere in this page, makes HTML of a text.

export const $ = (id) => document.getElementById(id);

/** An element: attributes, `onclick` and the like as functions, children as elements or text. Nothing for null and false. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const units = ["B", "KB", "MB", "GB", "TB"];

/** "1.2 GB": powers of 1000, as the `hearth` command writes it. */
export function bytes(count) {
  let value = Math.max(0, Number(count) || 0), unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  return `${unit > 0 && value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** "2 h 5 min": the two largest units. */
export function duration(seconds) {
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let left = Math.max(0, Math.round(seconds));
  const said = [];
  for (const [name, size] of parts) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) said.push(`${count} ${name}`);
    else if (said.length > 0) break;
    if (said.length === 2) break;
  }
  return said.join(" ") || "0 s";
}

/** "in 4 min", "stays" for what has no end. */
export function until(time) {
  const left = (Date.parse(time) - Date.now()) / 1000;
  return left > 86400 * 3650 ? "stays" : left <= 1 ? "now" : `in ${duration(left)}`;
}

/** "Unload" and its like: a button that is off while its work runs. */
export function button(text, work, attributes = {}) {
  const element = h("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", async () => {
    element.disabled = true;
    try {
      await work();
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

export function notice(error) {
  const text = error?.message ?? String(error);
  const box = h("div", { class: "notice" }, h("p", {}, text), error?.hint ? h("p", { class: "hint" }, error.hint) : null,
    h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => box.remove() }, "×"));
  $("notices").append(box);
  setTimeout(() => box.remove(), 12000);
}

/** Asks before something that cannot be taken back. @return whether it may be done */
export function confirmed(title, text, yes) {
  const dialog = $("confirm");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

export async function copy(text, element) {
  await navigator.clipboard.writeText(text);
  element.textContent = "Copied";
  setTimeout(() => (element.textContent = "Copy"), 1500);
}
