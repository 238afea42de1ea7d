// A message's Markdown as one line of plain text, for where there is room for its beginning only, such as a quote. Pure.

import { documentOf } from "./document.js";
import { oneLine } from "./safe_text.js";

const READ_CHARS_PER_SHOWN = 4; // marks and addresses take room in the source that the line does not show

/** The words as they would be read aloud, without the signs for their looks; at most `limit` characters. */
export function plainLine(source, limit) {
  const text = String(source ?? "");
  const read = text.slice(0, limit * READ_CHARS_PER_SHOWN);
  const line = oneLine(textOf(documentOf(read)), limit);
  return read.length < text.length && !line.endsWith("…") ? `${line}…` : line;
}

const textOf = (nodes) => nodes.map((node) => TEXTS[node.kind]?.(node) ?? node.text ?? textOf(node.children)).join("");
const block = (node) => `${textOf(node.children)} `;
const cells = (row) => row.map((cell) => `${textOf(cell)} `).join("");

const TEXTS = {
  paragraph: block,
  heading: block,
  quote: block,
  item: block,
  code: (node) => `${node.text} `,
  list: (node) => textOf(node.items),
  table: (node) => [node.header, ...node.rows].map(cells).join(""),
  break: () => " ",
  rule: () => " ",
};
