// A text of the composer as a request, in the syntax of the chat: leading `@name`s, `!` and `!!`, commands, `\` for text as it is. Pure.

import { forMember, readCommand } from "./page_commands.js";

const LEADING_NAME = /^@([A-Za-z0-9_][A-Za-z0-9_.:-]*)(?:[,:]?(?:\s+|$)|,(?=@))/;
const URGENT_WORD = /^!urgent(?:\s+|$)/i;

/**
 * `{op, fields}` to request, or `{refused}` with the sentence why not. What answers a direct message, `replyTo`, and names
 * nobody goes to its other ends alone: a reply must not make public what was said in private.
 */
export function compose(text, replyTo = null, me = "") {
  const wish = parse(text);
  if (wish.op === "send" && wish.fields.to.length === 0) wish.fields.to = otherEnds(replyTo, me);
  return wish;
}

function otherEnds(message, me) {
  if (!message?.recipients?.length) return [];
  const ends = new Set([message.from, ...message.recipients]);
  ends.delete(me);
  return [...ends].map((name) => `@${name}`);
}

function parse(text) {
  const words = text.trim();
  if (!words) return { refused: "Write something first." };
  if (words.startsWith("\\")) return sending(words.slice(1), [], 0);
  if (words.startsWith("/")) return readCommand(words);
  let { marks, rest } = urgency(words);
  const addressed = leadingNames(rest);
  rest = addressed.rest;
  if (addressed.names.length && !marks) ({ marks, rest } = urgency(rest));
  if (marks && rest.trim().toLowerCase() === "stop") return forMember("stop", addressed.names.join(" "));
  if (!rest.trim()) return { refused: "Write something after the names." };
  return sending(rest, addressed.names, marks);
}

/** Who will read a text, before it is sent. */
export function audienceOf(text, room, replyTo = null, me = "") {
  const wish = compose(text, replyTo, me);
  if (wish.op !== "send") return "";
  const urgent = wish.fields.interrupt ? " It stops their work first." : wish.fields.urgent ? " Urgent." : "";
  const to = wish.fields.to.filter((one) => one !== "@all");
  return (to.length === wish.fields.to.length && to.length ? `Direct: only ${to.join(" ")} and observers will read it.` : `To everyone in #${room}.`) + urgent;
}

/** The word before the cursor if it begins a name: `{start, prefix}`, or null. */
export function nameBefore(text, cursor) {
  const found = /(?:^|\s)@([a-z0-9_.-]*)$/i.exec(text.slice(0, cursor));
  return found ? { start: cursor - found[1].length, prefix: found[1].toLowerCase() } : null;
}

/** The text after a name was chosen, and where the cursor then stands. */
export function withName(text, cursor, start, name) {
  const before = `${text.slice(0, start)}${name} `;
  return { text: before + text.slice(cursor).replace(/^ /, ""), cursor: before.length };
}

function urgency(words) {
  if (URGENT_WORD.test(words)) return { marks: 1, rest: words.replace(URGENT_WORD, "") };
  const marks = /^!{0,2}/.exec(words)[0].length;
  return { marks, rest: words.slice(marks).replace(/^\s+/, "") };
}

function leadingNames(words) {
  const names = [];
  let rest = words;
  for (let found = LEADING_NAME.exec(rest); found; found = LEADING_NAME.exec(rest)) {
    names.push(`@${found[1].replace(/[.:]+$/, "")}`); // `@ben: look` names ben
    rest = rest.slice(found[0].length);
  }
  return { names, rest };
}

function sending(content, names, marks) {
  const fields = { content, to: names };
  if (marks > 1) fields.interrupt = true;
  else if (marks) fields.urgent = true;
  return { op: "send", fields };
}
