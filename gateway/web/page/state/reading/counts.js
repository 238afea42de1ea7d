// What waits for the person, in numbers: for the bar, and for the title of the page. Pure.

import { isWaiting } from "../questions.js";
import { waitsFor } from "../work/decisions.js";

const NAME = "groupchat";
const TITLES = { questions: "Questions", fleet: "Fleet", modes: "Modes", settings: "Settings" };

/** Unread messages of all rooms that are not muted. The open room counts only while another page is shown. */
export function unreadMessages({ unread, muted, room, place }) {
  const counted = Object.entries(unread).filter(([name]) => !muted.includes(name) && (name !== room || place.page !== "room"));
  return counted.reduce((sum, [, count]) => sum + count, 0);
}

export const openQuestions = ({ asks }) => asks.filter(isWaiting).length;

export const waitingVotes = ({ decisions, me, kind }) => Object.values(decisions).filter((one) => waitsFor(one, me, kind)).length;

/** The number beside a page in the bar; 0 shows none. */
export function countOf(page, state) {
  return { room: unreadMessages, questions: openQuestions, modes: waitingVotes }[page]?.(state) ?? 0;
}

export function titleOf(state) {
  const questions = openQuestions(state);
  const unread = Object.entries(state.unread).reduce((sum, [room, count]) => sum + (state.muted.includes(room) ? 0 : count), 0);
  const asked = questions ? `${questions} question${questions > 1 ? "s" : ""} · ` : "";
  return `${asked}${unread ? `(${unread}) ` : ""}${nameOf(state)} – ${NAME}`;
}

function nameOf({ place, room }) {
  if (place.page === "agent") return place.name;
  return TITLES[place.page] ?? `#${room}`;
}
