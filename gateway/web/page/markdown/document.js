// A message's Markdown as a small tree of our own: {kind, children, ...}. It comes from the lexer's tokens, so HTML in a
// message is only ever text, and a link is one only if `linkAddress` allows it. Pure.

import { Lexer } from "../vendor/marked.js";
import { linkAddress } from "./links.js";
import { safeText } from "./safe_text.js";

export const MAX_MARKDOWN_CHARS = 20_000; // a longer text is shown as it is: some texts cost a lexer very long
const MAX_LINE_CHARS = 5_000;
const MAX_DEPTH = 12;
const MAX_NODES = 4_000;

const text = (value) => ({ kind: "text", text: safeText(value) });
const plain = (value) => [{ kind: "plain", text: safeText(value) }];

/** The blocks of a message. A text that is too long or too deep is one block of plain text. */
export function documentOf(source) {
  const longLine = source.split("\n").some((line) => line.length > MAX_LINE_CHARS);
  if (source.length > MAX_MARKDOWN_CHARS || longLine) return plain(source);
  try {
    return new TokenReader().nodes(new Lexer({ gfm: true, breaks: true }).lex(source), 0);
  } catch {
    return plain(source); // too deep for the lexer
  }
}

class TokenReader {
  left = MAX_NODES;

  nodes(tokens, depth) {
    return (tokens ?? []).flatMap((token) => this.node(token, depth));
  }

  node(token, depth) {
    if (depth > MAX_DEPTH || --this.left < 0) return [text(token.raw)];
    const read = READERS[token.type];
    return read ? [read(token, (tokens) => this.nodes(tokens, depth + 1))] : this.unknown(token, depth);
  }

  /** A token that only holds others, or that we do not know: its source is shown. */
  unknown(token, depth) {
    if (token.type === "space" || token.type === "def") return token.type === "def" ? [text(token.raw)] : [];
    return token.tokens ? this.nodes(token.tokens, depth + 1) : [text(token.raw)];
  }
}

const holds = (kind) => (token, inside) => ({ kind, children: inside(token.tokens) });

const READERS = {
  heading: (token, inside) => ({ kind: "heading", depth: token.depth, children: inside(token.tokens) }),
  paragraph: holds("paragraph"),
  blockquote: holds("quote"),
  strong: holds("strong"),
  em: holds("emphasis"),
  del: holds("deleted"),
  code: (token) => ({ kind: "code", language: safeText(token.lang).slice(0, 30), text: safeText(token.text) }),
  codespan: (token) => ({ kind: "codespan", text: safeText(token.text) }),
  br: () => ({ kind: "break" }),
  hr: () => ({ kind: "rule" }),
  html: (token) => text(token.raw),
  escape: (token) => text(token.text),
  text: (token, inside) => (token.tokens ? { kind: "span", children: inside(token.tokens) } : text(token.text)),
  checkbox: (token) => text(token.checked ? "☑ " : "☐ "),
  link: (token, inside) => linkNode(token, inside(token.tokens)),
  image: (token) => linkNode(token, [text(token.text || token.href)]), // never loaded: it would tell another host who reads
  list: (token, inside) => ({
    kind: "list",
    ordered: token.ordered,
    start: Number.isSafeInteger(token.start) ? token.start : 1,
    items: token.items.map((item) => ({ kind: "item", children: inside(item.tokens) })),
  }),
  table: (token, inside) => ({
    kind: "table",
    header: token.header.map((cell) => inside(cell.tokens)),
    rows: token.rows.map((row) => row.map((cell) => inside(cell.tokens))),
  }),
};

function linkNode(token, children) {
  const address = linkAddress(token.href);
  if (address) return { kind: "link", address, children };
  return { kind: "span", children: [text(token.raw)] };
}
