// What a member does now, in a word, and in which order members are listed. Pure.

const DOES = { starting: "starts", idle: "idle", busy: "works", asking: "asks", error: "has an error", gone: "gone" };
const KEPT = { limited: "limited", login: "needs a login" };
const ORDER = ["asking", "error", "busy", "starting", "idle", "unknown", "gone"];

export function doesNow(member) {
  if (member.presence === "offline") return "has left";
  if (member.presence === "away") return "away";
  const kept = keptBy(member);
  if (kept || member.paused) return kept || "paused";
  if (isDone(member)) return "done";
  return DOES[member.activity] ?? (isUnclear(member) ? "unclear" : "here");
}

/** Whether it is idle after work at which no person has looked yet. */
export const isDone = ({ done, activity }) => Boolean(done) && activity === "idle";

/** What its vendor keeps it from working by; empty where nothing does, or where it asks or works nevertheless. */
export function keptBy({ activity, condition }) {
  return activity === "asking" || activity === "busy" ? "" : (KEPT[condition?.kind] ?? "");
}

/** "Edit src/app.py": the tool that it began last in this turn; empty where it uses none. */
export function toolWords({ presence, work }) {
  return presence === "online" && work ? [work.tool, work.file].filter(Boolean).join(" ") : "";
}

/** Where it works, and what that takes: ["website on main", "1.2k tokens", "48k today"]. */
export function workWords({ work }) {
  if (!work) return [];
  const { folder, branch, turn_tokens: turn = 0, day_tokens: day = 0 } = work;
  const place = [folder, branch].filter(Boolean).join(" on ");
  return [place, turn > 0 && `${shortCount(turn)} tokens`, day > turn && `${shortCount(day)}${turn > 0 ? "" : " tokens"} today`].filter(Boolean);
}

/** 950, 1.2k, 48k, 1.3M. */
function shortCount(count) {
  const [size, unit] = count >= 1e6 ? [1e6, "M"] : count >= 1e3 ? [1e3, "k"] : [1, ""];
  const scaled = count / size;
  return `${size > 1 && scaled < 10 ? Math.round(scaled * 10) / 10 : Math.trunc(scaled)}${unit}`;
}

/** When a usage limit ends; empty where that is not known, or has passed. */
export function limitEnd(member, now = Date.now()) {
  const until = keptBy(member) && member.condition?.until;
  return until && Date.parse(until) > now ? until : "";
}

/** An agent whose screen is not understood: nothing is typed into it. */
export const isUnclear = (member) => member.kind === "agent" && (member.activity ?? "unknown") === "unknown";

/** When it began to do that; empty where that is not known, or where it does nothing that begins. */
export function doesSince({ presence, paused, activity, since = "" }) {
  return presence === "online" && !paused && Object.hasOwn(DOES, activity ?? "") ? since : "";
}

/** Who needs somebody first, then who works, then by name. */
export function membersOf(names, members) {
  const known = names.map((name) => members[name] ?? { name, presence: "away" });
  return known.filter((one) => one.presence !== "offline").sort((a, b) => placeOf(a) - placeOf(b) || (a.name < b.name ? -1 : 1));
}

function placeOf(member) {
  const place = ORDER.indexOf(member.activity ?? "unknown");
  return member.presence === "online" ? place : place + ORDER.length;
}

const HUES = 8;

/** One of a few colours, always the same for a name. */
export function hueOf(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return sum % HUES;
}

/** The letters that stand for a name where there is little room: "ada" is "A", "code-reviewer" is "CR". */
export function initialsOf(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return words.slice(0, 2).map((word) => Array.from(word)[0].toUpperCase()).join("") || "?";
}

/** The rooms whose text this browser cannot read: it has no key for them. */
export const isSealed = (room) => Boolean(room?.sealed);
