// What a search asks for, from the fields of its form. Pure.

export const RESULTS = 50; // in one answer
export const MAX_RESULTS = 100; // rows of the panel
const SNIPPET_CHARS = 240;
const LEAD_CHARS = 60;

/** The fields of the request, or null if there is nothing to search for. `everywhere`: in all rooms. */
export function searchFields({ query, from = "", everywhere = false }, room, before = null) {
  const words = query.trim().slice(0, 500);
  if (!words) return null;
  const fields = { query: words, limit: RESULTS };
  if (!everywhere) fields.room = room;
  if (from) fields.from = from;
  if (before !== null) fields.before = before;
  return fields;
}

export const NOTHING_FOUND = Object.freeze({ found: [], count: 0, more: false, asked: null, busy: false, refusal: "" });

/** With one more answer. What is too much goes at the beginning; searching again shows it. */
export function withFound(result, messages) {
  const found = [...result.found, ...messages].slice(-MAX_RESULTS);
  return { ...result, found, count: result.count + messages.length, more: messages.length === RESULTS, busy: false };
}

export function foundWords({ asked, busy, found, count, more, refusal }) {
  if (busy) return "Searching …";
  if (!asked || refusal) return "";
  if (count === 0) return "Nothing found. Search finds messages with all of the words.";
  return `${count}${more ? " or more" : ""} found, newest first${count > found.length ? `; the last ${found.length} are shown` : ""}`;
}

/** The words of a query that a result may show: without quotes and stars, the longest first. */
export function wordsOf(query) {
  const words = query.toLowerCase().split(/[\s"*]+/).filter(Boolean);
  return [...new Set(words)].sort((a, b) => b.length - a.length);
}

/** A part of the text around the first word that was found, as `{text, found}` pieces. */
export function snippetOf(text, query) {
  const line = text.replace(/\s+/g, " ").trim();
  const lower = line.toLowerCase();
  const words = wordsOf(query);
  const places = words.map((word) => lower.indexOf(word)).filter((at) => at >= 0);
  const start = Math.max(0, Math.min(...places, Infinity) - LEAD_CHARS);
  const from = Number.isFinite(start) ? start : 0;
  const cut = Array.from(line.slice(from, from + SNIPPET_CHARS * 2)).slice(0, SNIPPET_CHARS).join("");
  const shown = (from > 0 ? "…" : "") + cut + (from + cut.length < line.length ? "…" : "");
  return marked(shown, words);
}

function marked(text, words) {
  if (words.length === 0) return [{ text, found: false }];
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return [{ text, found: false }]; // some letters change their length with their case
  const pieces = [];
  let last = 0;
  for (let at = 0; at < text.length; ) {
    const word = words.find((one) => lower.startsWith(one, at));
    if (!word) at += 1;
    else {
      if (at > last) pieces.push({ text: text.slice(last, at), found: false });
      pieces.push({ text: text.slice(at, at + word.length), found: true });
      at += word.length;
      last = at;
    }
  }
  if (last < text.length) pieces.push({ text: text.slice(last), found: false });
  return pieces;
}
