// Sessions, the named pieces of work in rooms, and their shared documents as an outline that can be read. Pure.

const MAX_LINES = 500;
const MAX_DEPTH = 8;
const MAX_VALUE_CHARS = 4_000;

/** `known`: name -> session. With newer states of some. */
export function withSessions(known, sessions) {
  const next = { ...known };
  for (const one of sessions) if (!next[one.name] || next[one.name].seq <= one.seq) next[one.name] = one;
  return next;
}

const isDone = (session) => session.status === "completed";

/** Those that run or are paused first, then the completed ones; the newest first. */
export function sortedSessions(known) {
  return Object.values(known).sort((a, b) => Number(isDone(a)) - Number(isDone(b)) || b.seq - a.seq);
}

export function statusWords(session) {
  if (isDone(session)) return "completed";
  if (session.status === "paused") return "paused";
  return session.overdue ? "overdue" : "runs";
}

/** A JSON document as lines of {depth, name, text}: one for each value, in the document's order. */
export function outlineOf(document) {
  const lines = [];
  addLines(lines, document, 0);
  return lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), { depth: 0, name: "", text: "More is not shown here." }] : lines;
}

function addLines(lines, value, depth) {
  const entries = Array.isArray(value) ? value.map((one) => ["", one]) : Object.entries(value);
  for (const [name, one] of entries) {
    if (lines.length > MAX_LINES) return;
    if (isNested(one)) {
      const flat = depth >= MAX_DEPTH ? JSON.stringify(one).slice(0, MAX_VALUE_CHARS) : "";
      lines.push({ depth, name, text: flat, heading: !flat });
      if (!flat) addLines(lines, one, depth + 1);
    } else {
      lines.push({ depth, name, text: wordsOf(one) });
    }
  }
}

const isNested = (value) => value !== null && typeof value === "object" && Object.keys(value).length > 0;

function wordsOf(value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return "nothing";
  return String(value).slice(0, MAX_VALUE_CHARS);
}
