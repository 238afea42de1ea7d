// What members have said so far of messages that are not finished: {member: {member, room, to, text, end}}. Pure.

export const MAX_KEPT_CHARS = 4000; // the end of it is shown

/** `text` continues at the character `at`; where something is missing before it, a mark stands. */
export function withPartial(known, { member, room, to = [], text = "", at = 0, ended = false }) {
  if (ended) return without(known, member);
  const before = Object.hasOwn(known, member) ? known[member] : null;
  const said = at ? (before?.text ?? "") : "";
  const gap = at && before?.end !== at ? "…" : "";
  const whole = `${said}${gap}${text}`.slice(-MAX_KEPT_CHARS);
  return { ...known, [member]: { member, room, to, text: whole, end: at + [...text].length } };
}

/** The message itself is there, or its author is gone. */
export function without(known, member) {
  if (!Object.hasOwn(known, member)) return known;
  const { [member]: _, ...others } = known;
  return others;
}

/** In a fixed order, so that none changes its place while it grows. */
export function unfinishedIn(known, room) {
  return Object.values(known)
    .filter((one) => one.room === room)
    .sort((a, b) => (a.member < b.member ? -1 : 1));
}
