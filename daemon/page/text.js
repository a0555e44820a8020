// What a model writes, as elements: paragraphs, headings, lists, quotes, tables, code. Its text goes into text nodes alone, so HTML in it stays
// text. Images are not loaded: their address could carry away what was said.
import { copy, h } from "./dom.js";

const inline = /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)\*\*|(?<![\w*])\*(?=[^\s*])([^*]+?)\*(?![\w*])|!?\[([^\]\n]*)\]\((\S+?)\)/s;

function spans(text) {
  const nodes = [];
  for (;;) {
    const found = inline.exec(text);
    if (!found) break;
    const [whole, , code, strong, soft, label, address] = found;
    nodes.push(text.slice(0, found.index));
    if (code !== undefined) nodes.push(h("code", {}, code.trim() || code));
    else if (strong !== undefined) nodes.push(h("strong", {}, ...spans(strong)));
    else if (soft !== undefined) nodes.push(h("em", {}, ...spans(soft)));
    else if (!whole.startsWith("!") && /^https?:\/\//i.test(address))
      nodes.push(h("a", { href: address, title: address, target: "_blank", rel: "noopener noreferrer" }, label || address));
    else nodes.push(whole);
    text = text.slice(found.index + whole.length);
  }
  return [...nodes, text].filter((node) => node !== "");
}

const withBreaks = (lines) => lines.flatMap((line, i) => (i ? [h("br"), ...spans(line)] : spans(line)));

function codeBlock(lines, language) {
  const text = lines.join("\n");
  const label = language || "code";
  const button = h("button", { type: "button", class: "quiet", onclick: (event) => copy(text, event.currentTarget) }, "Copy");
  return h("div", { class: "code" }, h("div", { class: "code-head" }, h("span", {}, label), button),
    h("pre", { tabindex: "0", role: "group", "aria-label": label }, h("code", {}, text)));
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
const row = (tag, line) => h("tr", {}, cells(line).map((cell) => h(tag, {}, ...spans(cell))));
const table = (lines) => h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Table" },
  h("table", {}, h("thead", {}, row("th", lines[0])), h("tbody", {}, lines.slice(2).map((line) => row("td", line)))));

const item = /^\s*(?:[-*+]|(\d+)[.)])\s+/;

/** Nested by indentation. */
function list(lines) {
  const indent = /^\s*/.exec(lines[0])[0].length;
  const ordered = item.exec(lines[0])[1];
  const entries = [];
  for (const line of lines) {
    if (item.test(line) && /^\s*/.exec(line)[0].length <= indent) entries.push([[line.replace(item, "")], []]);
    else if (item.test(line) || entries.at(-1)[1].length) entries.at(-1)[1].push(line);
    else entries.at(-1)[0].push(line.trim());
  }
  return h(ordered ? "ol" : "ul", ordered && ordered !== "1" ? { start: ordered } : {},
    entries.map(([own, below]) => h("li", {}, ...withBreaks(own), below.length ? list(below) : null)));
}

/** Splits into blocks, each its lines and how to make it. What is still being written is the last one. */
function blocks(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const found = [];
  let i = 0;
  const take = (matches) => {
    const from = i;
    while (i < lines.length && matches(lines[i], i - from)) ++i;
    return lines.slice(from, i);
  };
  while (i < lines.length) {
    const line = lines[i];
    const fence = /^\s*(```+|~~~+)\s*([^`\s]*)/.exec(line);
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (!line.trim()) {
      ++i;
    } else if (fence) {
      ++i;
      const body = take((each) => !each.trim().startsWith(fence[1]));
      ++i;
      found.push([line, ...body, () => codeBlock(body, fence[2])]);
    } else if (heading) {
      ++i;
      found.push([line, () => h("p", { class: "heading", role: "heading", "aria-level": "2" }, ...spans(heading[2]))]);
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      ++i;
      found.push([line, () => h("hr")]);
    } else if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[i + 1] ?? "") && lines[i + 1].includes("|")) {
      const rows = take((each) => each.includes("|"));
      found.push([...rows, () => table(rows)]);
    } else if (item.test(line)) {
      const rows = take((each, n) => n === 0 || item.test(each) || (/^\s+\S/.test(each) && !/^\s*```/.test(each)));
      found.push([...rows, () => list(rows)]);
    } else if (/^\s*>/.test(line)) {
      const rows = take((each) => /^\s*>/.test(each));
      found.push([...rows, () => h("blockquote", {}, ...blocks(rows.map((each) => each.replace(/^\s*>\s?/, "")).join("\n")).map((block) => block.at(-1)()))]);
    } else {
      const rows = take((each, n) => n === 0 || (each.trim() && !/^\s*(```|~~~|>|#{1,6}\s)/.test(each) && !item.test(each)));
      found.push([...rows, () => h("p", {}, ...withBreaks(rows))]);
    }
  }
  return found;
}

/** Shows `text` in `element`; blocks that are there already stay as they are. */
export function show(element, text) {
  const before = element.shown ?? [];
  const after = blocks(text).map((block) => ({ key: block.slice(0, -1).join("\n"), make: block.at(-1) }));
  let same = 0;
  while (same < before.length && same < after.length && before[same] === after[same].key) ++same;
  while (element.children.length > same) element.lastChild.remove();
  element.append(...after.slice(same).map((block) => block.make()));
  element.shown = after.map((block) => block.key);
}
