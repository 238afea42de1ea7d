// The tree of a message as virtual nodes. Text only ever becomes text nodes.

import { html } from "../vendor/htm-preact.js";
import { useMemo, useState } from "../vendor/preact-hooks.js";
import { documentOf } from "./document.js";
import { oneLine, safeText } from "./safe_text.js";

const FOLD_CHARS = 3_000;
const COPIED_MS = 1_500;

/** One message's text. A long one is folded; the whole is a press away. */
export function Markdown({ source }) {
  const [whole, setWhole] = useState(false);
  const folded = !whole && source.length > FOLD_CHARS;
  const shown = folded ? cutAt(source, FOLD_CHARS) : source;
  const blocks = useMemo(() => documentOf(shown), [shown]);
  return html`<div class="markdown" dir="auto">
    ${blocks.map(nodeView)}
    ${folded && html`<button class="quiet" onClick=${() => setWhole(true)}>Show all ${source.length.toLocaleString()} characters</button>`}
  </div>`;
}

/** A sentence of the gateway, on one line: what stands between its backticks is a command. */
export function Sentence({ text, limit }) {
  const parts = oneLine(text, limit).split("`");
  if (parts.length % 2 === 0) return parts.join("`");
  return parts.map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
}

/** Text that is no Markdown, such as a command. */
export function PlainText({ text, className = "" }) {
  return html`<pre class=${`plain ${className}`} dir="auto" tabindex="0">${safeText(text)}</pre>`;
}

function cutAt(source, limit) {
  const cut = source.slice(0, limit);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

function nodeView(node) {
  return VIEWS[node.kind](node);
}

const inside = (node) => node.children.map(nodeView);

const VIEWS = {
  text: (node) => node.text,
  plain: (node) => html`<p class="plain">${node.text}</p>`,
  span: (node) => html`<span>${inside(node)}</span>`,
  paragraph: (node) => html`<p dir="auto">${inside(node)}</p>`,
  heading: (node) => html`<p dir="auto" class=${`heading heading-${node.depth}`}>${inside(node)}</p>`,
  quote: (node) => html`<blockquote dir="auto">${inside(node)}</blockquote>`,
  strong: (node) => html`<strong>${inside(node)}</strong>`,
  emphasis: (node) => html`<em>${inside(node)}</em>`,
  deleted: (node) => html`<del>${inside(node)}</del>`,
  codespan: (node) => html`<code dir="auto">${node.text}</code>`,
  code: (node) => html`<${CodeBlock} language=${node.language} text=${node.text} />`,
  break: () => html`<br />`,
  rule: () => html`<hr />`,
  link: (node) => html`<a href=${node.address} title=${node.address} target="_blank" rel="noopener noreferrer">${inside(node)}</a>`,
  list: (node) =>
    node.ordered
      ? html`<ol start=${node.start}>${node.items.map(itemView)}</ol>`
      : html`<ul>${node.items.map(itemView)}</ul>`,
  table: (node) => html`<div class="table" tabindex="0" role="group" aria-label="Table"><table>
    <thead><tr>${node.header.map((cell) => html`<th scope="col" dir="auto">${cell.map(nodeView)}</th>`)}</tr></thead>
    <tbody>${node.rows.map((row) => html`<tr>${row.map((cell) => html`<td dir="auto">${cell.map(nodeView)}</td>`)}</tr>`)}</tbody>
  </table></div>`,
};

const itemView = (item) => html`<li dir="auto">${inside(item)}</li>`;

function CodeBlock({ language, text }) {
  const [told, setTold] = useState("");
  const copy = async () => {
    setTold(await copied(text) ? "Copied" : "Select and copy it by hand");
    setTimeout(() => setTold(""), COPIED_MS);
  };
  return html`<div class="code">
    <div class="code-head"><span>${language}</span>
      <button class="quiet" onClick=${copy} aria-label="Copy this code">${told || "Copy"}</button></div>
    <pre tabindex="0" dir="ltr"><code>${text}</code></pre>
  </div>`;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // the address is not trusted, or the person has refused
  }
}
