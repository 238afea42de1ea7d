// What has happened with one agent lately, newest first: its states, what it was told and has said, and its questions. Pure.

import { plainLine } from "../../markdown/plain_line.js";
import { doesNow } from "../member_words.js";
import { endingOf, isWaiting } from "../questions.js";
import { stepWords } from "../receipts.js";

export const MAX_ENTRIES = 200;
const TEXT_CHARS = 240;

/**
 * `entries` are {key, at, kind, text, place}; `place` is the message that it is about, as {room, message}. `before` is where older
 * ones go on in the log, or 0. `does` is what the agent was heard to do last.
 */
export const emptyTimeline = (member, me) => ({ name: member.name, me, does: doesNow(member), entries: [], before: 0 });

/** With a page of the log, as `timeline` answers. A first page also knows the states that were heard live since it was asked for. */
export function withPage(timeline, { events, until, more, activities = [] }) {
  const entries = activities.length ? timeline.entries.filter((one) => !one.key.startsWith(HEARD)) : timeline.entries;
  const states = activities.map(({ activity, at, note }) => {
    const does = doesNow({ presence: "online", activity });
    return { key: `activity ${at}`, at, kind: "state", text: note ? `${does}: ${note}` : does };
  });
  const withStates = states.reduce(withEntry, { ...timeline, entries, before: more ? until : 0 });
  return events.reduce((all, event) => withEvent(all, event, event.timestamp), withStates);
}

/** Whether there is more to read, and room for it. */
export const hasOlder = ({ before, entries }) => before > 0 && entries.length < MAX_ENTRIES;

const HEARD = "heard ";

/** With what an event tells about this agent. `now` stands for the time of an event that has none. */
export function withEvent(timeline, event, now) {
  const entries = Object.hasOwn(READERS, event.ev) ? READERS[event.ev](event, timeline, now) : [];
  const next = event.ev === "presence" && event.member.name === timeline.name ? { ...timeline, does: doesNow(event.member) } : timeline;
  return entries.reduce((all, one) => withEntry(all, { at: event.timestamp ?? now, ...one }), next);
}

/** Later news of the same thing take its place. The log can be read after what was heard live. */
function withEntry(timeline, entry) {
  const before = timeline.entries.find((one) => one.key === entry.key);
  if (before && before.at > entry.at) return timeline;
  const entries = [entry, ...timeline.entries.filter((one) => one !== before)].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return { ...timeline, entries: entries.slice(0, MAX_ENTRIES) };
}

const READERS = {
  presence: ({ member }, { name, does }, now) => {
    const text = doesNow(member);
    return member.name === name && text !== does ? [{ key: `${HEARD}${now} ${text}`, kind: "state", text }] : [];
  },
  member: ({ action, member, seq, by }, { name }) => {
    const words = { registered: "came for the first time", returned: "came back", left: "left", removed: `was removed by ${by}` }[action];
    return words && member.name === name ? [{ key: `member ${seq}`, kind: "state", text: words }] : [];
  },
  room: ({ room, action, member, seq }, { name }) => {
    const words = { joined: "joined", left: "left", turn: "has the turn in" }[action];
    return words && member === name ? [{ key: `room ${seq}`, kind: "state", text: `${words} #${room}` }] : [];
  },
  message: (event, { name }) => {
    const place = { room: event.room, message: event.seq };
    if (event.from === name) return [{ key: `message ${event.seq}`, kind: "said", text: `said: ${plainLine(event.content, TEXT_CHARS)}`, place }];
    return event.deliveries?.includes(name) ? [{ key: `message ${event.seq}`, kind: "told", text: `${event.from} wrote: ${plainLine(event.content, TEXT_CHARS)}`, place }] : [];
  },
  receipt: (event, { name }) => {
    const step = event.steps.at(-1);
    if (event.member !== name || !step) return [];
    return [{ key: `receipt ${event.message}`, kind: "receipt", text: `#${event.message} ${stepWords(step)}`, at: step.at, place: { room: event.room, message: event.message } }];
  },
  ask: ({ ask }, { name, me }) => {
    if (ask.member !== name) return [];
    const ending = endingOf(ask, me);
    const what = `${isWaiting(ask) ? "asks" : "asked"}: ${ask.question}`;
    return [{ key: `ask ${ask.number}`, kind: isWaiting(ask) ? "asks" : "asked", text: ending ? `${what} ${ending}` : what }];
  },
  control: ({ action, seq, from, to, text }, { name }) =>
    to?.includes(name) && Object.hasOwn(ORDERS, action) ? [{ key: `order ${seq}`, kind: "order", text: ORDERS[action](from, text) }] : [],
};

const ORDERS = {
  keys: (from, text) => (text === "stop" ? `${from} ended its turn` : `${from} pressed ${text}`),
  pause: (from) => `${from} paused it`,
  resume: (from) => `${from} resumed it`,
  restart: (from) => `${from} started it anew`,
};
