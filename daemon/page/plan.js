// What a model would need on this machine, before a byte of it is downloaded.
import { bytes, button, h } from "./dom.js";
import { pull } from "./pulls.js";

const speed = (choice) => (choice.tokens_per_second ? `${choice.tokens_per_second < 10 ? choice.tokens_per_second.toFixed(1) : Math.round(choice.tokens_per_second)} tok/s` : "?");
const quality = (choice) => `${choice.quality.interpolated ? "~" : ""}${choice.quality.grade}`;

/** The name under which a quantization can be pulled; nothing where the source has only one. */
function nameOf(asked, choice, many) {
  if (!many) return asked;
  const last = asked.slice(asked.lastIndexOf("/") + 1);
  return `${last.includes(":") ? asked.slice(0, asked.lastIndexOf(":")) : asked}:${choice.quant}`;
}

function sentence(plan) {
  const { pick } = plan;
  if (!pick) return "Nothing of it fits in the memory of this machine.";
  return `${pick.quant} is the pick: ${pick.reason}`;
}

function row(plan, choice, asked) {
  const picked = plan.pick?.quant === choice.quant;
  return h("tr", { class: choice.fits ? null : "unfit" },
    h("th", { scope: "row" }, choice.quant, picked ? h("span", { class: "badge accent" }, "pick") : null),
    h("td", {}, bytes(choice.size_bytes)), h("td", {}, bytes(choice.memory.total_bytes)),
    h("td", {}, choice.fits ? "fits" : `${bytes(choice.short_bytes)} short`),
    h("td", {}, choice.fits ? speed(choice) : "–"), h("td", {}, quality(choice)),
    h("td", {}, plan.installed ? null : button("Pull", () => pull(nameOf(asked, choice, plan.choices.length > 1)),
      { "aria-label": `Pull ${choice.quant}`, class: picked ? "main" : null })));
}

/** The plan as elements. @param asked  the name as the user wrote it */
export function planView(plan, asked) {
  const titles = ["Version", "Download", "Memory", "Here", "Speed", "Quality", ""];
  return [
    h("h3", {}, plan.model),
    h("p", {}, sentence(plan)),
    plan.advice ? h("p", { class: "hint" }, plan.advice) : null,
    h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Versions of this model" },
      h("table", {}, h("thead", {}, h("tr", {}, titles.map((title) => (title ? h("th", { scope: "col" }, title) : h("td"))))),
        h("tbody", {}, plan.choices.map((choice) => row(plan, choice, asked))))),
    plan.nearest.length ? h("p", { class: "hint" }, `Nearest that fits: ${plan.nearest.map((choice) => `${choice.quant}: ${choice.reason}`).join("; ")}`) : null,
  ].filter(Boolean);
}
