// All agents of all rooms as tiles, those that need somebody first. Pure.

import { isDone, keptBy } from "../member_words.js";
import { isWaiting } from "../questions.js";

export const STATES = Object.freeze(["needs", "limited", "busy", "done", "unclear", "idle", "gone"]);
const COUNTED = Object.freeze({ needs: "need you", limited: "held up", busy: "working", done: "done", unclear: "unclear", idle: "idle", gone: "gone" });
export const STATE_WORDS = Object.freeze({ needs: "Needs you", limited: "Held up", busy: "Working", done: "Done", unclear: "Unclear", idle: "Idle", gone: "Gone" });

/** `brakes` are the loop guards that hold, as `status` gives them. Each tile: {member, state, why, rooms, question}. */
export function tilesOf({ members, rooms, asks }, brakes = []) {
  const held = heldNames(brakes);
  return Object.values(members)
    .filter((member) => member.kind === "agent" && member.presence !== "offline")
    .map((member) => tileOf(member, { rooms, held, question: asks.find((ask) => ask.member === member.name && isWaiting(ask)) }))
    .sort(order);
}

function tileOf(member, { rooms, held, question }) {
  const { state, why } = judge(member, question, held.has(member.name));
  const inRooms = Object.values(rooms).filter((room) => room.members?.includes(member.name)).map((room) => room.name).sort();
  return { member, state, why, rooms: inRooms, question };
}

function judge(member, question, isHeld) {
  if (question) return { state: "needs", why: question.question };
  if (member.presence !== "online" || member.activity === "gone") return { state: "gone", why: member.presence === "online" ? "Its program has ended." : "" };
  if (member.activity === "asking") return { state: "needs", why: "It shows a dialog in its terminal." };
  const kept = keptBy(member);
  if (kept === "limited") return { state: "limited", why: "It has reached a usage limit of its vendor." };
  if (kept) return { state: "needs", why: "It needs a login." };
  if (member.activity === "error") return { state: "needs", why: "It reports an error." };
  if (member.paused) return { state: "limited", why: "Its messages are held by a pause." };
  if (isHeld || member.hops_left === 0) return { state: "limited", why: "A loop guard waits for a person." };
  if (member.activity === "busy" || member.activity === "starting") return { state: "busy", why: "" };
  if (isDone(member)) return { state: "done", why: "Nobody has looked at its last work yet." };
  if (member.activity === "idle") return { state: "idle", why: "" };
  const why = member.since ? "Its screen is not understood, so nothing is typed into it." : "It does not say what it does.";
  return { state: "unclear", why };
}

const heldNames = (brakes) => new Set(brakes.flatMap((brake) => brake.trips ?? []).flatMap((trip) => trip.names ?? []));

/** Who has waited for an answer for the longest time first; then by state and name. */
function order(a, b) {
  const waited = (a.question?.number ?? Infinity) - (b.question?.number ?? Infinity);
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || waited || (a.member.name < b.member.name ? -1 : 1);
}

/** How many tiles there are of each state, in words: "2 need you · 1 idle". */
export function countWords(tiles) {
  const counts = STATES.map((state) => [state, tiles.filter((tile) => tile.state === state).length]).filter(([, count]) => count > 0);
  return counts.map(([state, count]) => `${count} ${count === 1 && state === "needs" ? "needs you" : COUNTED[state]}`).join(" · ");
}
