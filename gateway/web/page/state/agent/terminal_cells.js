// Where each piece of a terminal's text stands in its grid of cells. A browser takes signs that its first font lacks from other
// fonts, where they are wider or narrower; a piece with a number of cells gets exactly that room, so the rest of its row stands right. Pure.

const PLAIN = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff]+/; // in every fixed-width font, one cell each
const LINES = /^[\u2500-\u259f]+/; // lines and blocks: they join, so they stay together
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g; // the gateway lets none of them through
const REPLACEMENT = "\ufffd";
const LEADS_CLUSTER = /^.[\p{M}\u200d\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}]|^[\u{1f1e6}-\u{1f1ff}]/u;
const MAX_CLUSTER_CHARS = 40;

const WIDE = new RegExp(
  "^[\\u1100-\\u115f\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2e80-\\u303e\\u3041-\\ua4c6\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19" +
    "\\ufe30-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6\\u{16fe0}-\\u{18dff}\\u{1aff0}-\\u{1b2fb}\\u{1d300}-\\u{1d376}\\u{1f200}-\\u{1f265}\\u{1f1e6}-\\u{1f1ff}" +
    "\\u{20000}-\\u{3fffd}]|^\\p{Emoji_Presentation}|^.\\ufe0f",
  "u",
);

const segmenter = Intl.Segmenter ? new Intl.Segmenter("en", { granularity: "grapheme" }) : null;

/** Pieces of {text, cells}; `cells` is 0 for text that takes its room by itself. */
export function piecesOf(text) {
  const pieces = [];
  let rest = text.replace(HARMFUL, REPLACEMENT);
  while (rest) {
    const piece = nextPiece(rest);
    pieces.push(piece);
    rest = rest.slice(piece.text.length);
  }
  return pieces;
}

function nextPiece(rest) {
  const plain = PLAIN.exec(rest)?.[0];
  if (plain) return splitBeforeMark(plain, rest);
  const lines = LINES.exec(rest)?.[0];
  if (lines) return { text: lines, cells: lines.length };
  const text = clusterAt(rest);
  return { text, cells: WIDE.test(text) ? 2 : 1 };
}

/** A mark that follows plain text belongs to its last letter. */
function splitBeforeMark(plain, rest) {
  const marked = /^\p{M}/u.test(rest.slice(plain.length));
  if (!marked) return { text: plain, cells: 0 };
  return plain.length > 1 ? { text: plain.slice(0, -1), cells: 0 } : { text: clusterAt(rest), cells: 1 };
}

function clusterAt(rest) {
  const first = String.fromCodePoint(rest.codePointAt(0));
  if (!segmenter || !LEADS_CLUSTER.test(rest)) return first;
  const [{ segment }] = segmenter.segment(rest.slice(0, MAX_CLUSTER_CHARS));
  return segment;
}
