// All that the page knows, and how each event changes it. Pure: the same events give the same state.

import { EMPTY_WINDOW, endsAt, messageNear, startsAt, windowAround, windowOfNewest, withLive, withNewer, withOlder } from "./message_window.js";
import { withAsk, withWelcomed, withoutAsk } from "./questions.js";
import { withMentions, withoutSeen } from "./reading/mentions.js";
import { isLineSeen, lineOf } from "./reading/new_line.js";
import { threadOf, withAnswer } from "./reading/threads.js";
import { withStep } from "./receipts.js";
import { withPartial, without } from "./unfinished_texts.js";
import { withDecisions, withOpenDecisions } from "./work/decisions.js";
import { withSessions } from "./work/sessions.js";

export const START = Object.freeze({
  connection: "connecting", // the states of connection.js
  refusal: "", // why the gateway does not let this page in
  house: "",
  me: "",
  kind: "human", // what `me` is
  scope: "member",
  place: Object.freeze({ page: "room", room: "general", panel: "", message: 0 }), // see places.js
  room: "general", // the room that is open, also while another page is shown
  rooms: {}, // name -> {name, topic, members, floor}
  members: {}, // name -> what the gateway shows of the member
  muted: [],
  window: EMPTY_WINDOW, // the messages of `room`
  read: {}, // room -> the seq up to which it was read
  unread: {}, // room -> how many messages are newer
  unreadFrom: 0, // where the line "new" stands in `room`
  newLine: 0, // the same until that line was on the screen, if messages were unread; else 0
  mentions: {}, // room -> seqs of messages that name the person and were not on the screen yet
  target: null, // {seq} of the message to show, if the person has asked for one
  thread: null, // see reading/threads.js
  asks: [],
  decisions: {}, // id -> decision
  sessions: {}, // name -> session
  rungs: {},
  unfinished: {}, // see unfinished_texts.js
  notice: "", // the last error, as a sentence
});

/** `action.type` names one of the functions below. Unknown actions and events change nothing. */
export function reduce(state, action) {
  return Object.hasOwn(ACTIONS, action.type) ? ACTIONS[action.type](state, action) : state;
}

const ACTIONS = {
  connection: (state, { connection, refusal = "" }) =>
    connection === "refused" ? { ...START, connection, refusal, room: state.room, place: state.place } : { ...state, connection },
  welcomed,
  went,
  rooms: withMoreRooms,
  members: (state, { list }) => ({ ...state, members: { ...state.members, ...byName(list) } }),
  asks: (state, { list, lastSeq }) => ({ ...state, asks: withWelcomed(state.asks, list, lastSeq) }),
  entered,
  around: (state, { room, pages, seq, heard = [] }) => target(inRoom(state, room, () => heard.reduce(withLive, windowAround(...pages))), seq),
  target: (state, { seq }) => target(state, seq),
  thread: withThread,
  newest: (state, { room, page, heard = [] }) => inRoom(state, room, () => heard.reduce(withLive, windowOfNewest(page))),
  older: (state, { room, page, before }) => inRoom(state, room, (window) => (startsAt(window, before) ? withOlder(window, page) : window)),
  newer: (state, { room, page, after, heard = [] }) =>
    inRoom(state, room, (window) => (endsAt(window, after) ? heard.reduce(withLive, withNewer(window, page)) : window)),
  counted,
  seen: (state, { room, first, last }) => ({
    ...state,
    mentions: withoutSeen(state.mentions, room, first, last),
    newLine: isLineSeen(state.newLine, state.window, first) ? 0 : state.newLine,
  }),
  listed: (state, { decisions = [], sessions = [] }) => ({
    ...state,
    decisions: withDecisions(state.decisions, decisions),
    sessions: withSessions(state.sessions, sessions),
  }),
  /** What was heard of a delivery before this answer came is newer. */
  deliveries: (state, { deliveries }) => ({
    ...state,
    rungs: deliveries
      .filter((one) => !state.rungs[one.message]?.[one.member])
      .reduce((rungs, one) => withStep(rungs, one.message, one.member, one), state.rungs),
  }),
  read: markRead,
  notice: (state, { notice }) => ({ ...state, notice }),
  askDismissed: (state, { number }) => ({ ...state, asks: withoutAsk(state.asks, number) }),
  heard: (state, { event }) => (Object.hasOwn(EVENTS, event.ev) ? EVENTS[event.ev](state, event) : state),
};

const EVENTS = {
  message: heardMessage,
  receipt: (state, event) => ({
    ...state,
    rungs: withStep(state.rungs, event.message, event.member, event.steps.at(-1)),
  }),
  presence: heardPresence,
  partial: (state, event) => ({ ...state, unfinished: withPartial(state.unfinished, event) }),
  member: heardMember,
  room: heardRoom,
  mute: (state, { room, on }) => ({ ...state, muted: on ? [...new Set([...state.muted, room])] : state.muted.filter((one) => one !== room) }),
  ask: (state, { ask }) => ({ ...state, asks: withAsk(state.asks, ask) }),
  decision: (state, { decision }) => ({ ...state, decisions: withDecisions(state.decisions, [decision]) }),
  session: (state, { session }) => ({ ...state, sessions: withSessions(state.sessions, [session]) }),
};

const byName = (list) => Object.fromEntries((list ?? []).map((one) => [one.name, one]));

/** After a loss the missed events follow; in another store nothing that was known holds. */
function welcomed(state, { welcome, read = {}, scope = "member" }) {
  const same = state.house === welcome.house;
  const before = same ? state : { ...START, room: state.room, place: state.place };
  const rooms = byName(welcome.rooms);
  const partial = new Set(welcome.partial ?? []);
  const room = rooms[before.room] || partial.has("rooms") ? before.room : (Object.keys(rooms)[0] ?? before.room);
  return {
    ...before,
    connection: "open",
    refusal: "",
    house: welcome.house ?? "",
    me: welcome.you.name,
    kind: welcome.you.kind ?? "human",
    scope,
    room,
    window: room === before.room ? before.window : EMPTY_WINDOW,
    rooms,
    unfinished: {},
    members: byName(welcome.members),
    muted: welcome.muted ?? [],
    place: before.place.page === "room" && room !== before.place.room ? { page: "room", room, panel: "", message: 0 } : before.place,
    asks: partial.has("asks") ? (welcome.asks ?? []).reduce(withAsk, before.asks) : withWelcomed(before.asks, welcome.asks ?? []),
    decisions: (partial.has("decisions") ? withDecisions : withOpenDecisions)(before.decisions, welcome.decisions ?? []),
    sessions: withSessions(before.sessions, welcome.sessions ?? []),
    read: same ? before.read : { ...Object.fromEntries(Object.keys(rooms).map((name) => [name, welcome.last_seq])), ...read },
  };
}

/** A page of rooms lists also those that this member could join; a welcome does not. */
function withMoreRooms(state, { list, lastSeq }) {
  const own = list.filter((one) => (one.members ?? []).includes(state.me));
  const read = Object.fromEntries(own.map((one) => [one.name, lastSeq]));
  return { ...state, rooms: { ...state.rooms, ...byName(own) }, read: { ...read, ...state.read } };
}

/** To another place. Whoever comes back to the room finds the line "new" where they left it. */
function went(state, { place }) {
  const returns = place.page === "room" && state.place.page !== "room" && place.room === state.room;
  const next = { ...state, place, notice: "", thread: place.panel === "thread" && place.message === state.thread?.asked ? state.thread : null };
  return returns ? { ...next, unreadFrom: state.read[state.room] ?? 0, newLine: lineOf(state, state.room) } : next;
}

function entered(state, { room }) {
  if (room === state.room && state.window.loaded) return state;
  return { ...state, room, window: EMPTY_WINDOW, unreadFrom: state.read[room] ?? 0, newLine: lineOf(state, room), target: null, notice: "" };
}

/** The thread that is open now, also with the answers that were heard while it was fetched. */
function withThread(state, { message, messages, heard = [] }) {
  if (state.place.panel !== "thread" || state.place.message !== message) return state;
  const last = messages.at(-1)?.seq ?? 0;
  return { ...state, thread: heard.filter((one) => one.seq > last).reduce(withAnswer, threadOf(message, messages)) };
}

/** The messages of a room since it was read last. Meanwhile the person may have read on. */
function counted(state, { room, messages }) {
  const missed = messages.filter((one) => one.seq > (state.read[room] ?? 0));
  const others = new Set(missed.filter((one) => one.from !== state.me).map((one) => one.seq));
  return { ...state, unread: { ...state.unread, [room]: others.size }, mentions: withMentions(state.mentions, room, missed, state.me) };
}

/** Brings a message to the screen. */
function target(state, seq) {
  return { ...state, target: { seq: messageNear(state.window, seq) } };
}

/** An answer that comes after the person has gone on to another room is dropped. */
function inRoom(state, room, change) {
  return room === state.room ? { ...state, window: change(state.window) } : state;
}

function heardPresence(state, { member }) {
  const unfinished = member.presence === "online" ? state.unfinished : without(state.unfinished, member.name);
  return { ...state, unfinished, members: { ...state.members, [member.name]: member } };
}

function heardMessage(before, event) {
  const state = { ...before, unfinished: without(before.unfinished, event.from) };
  const own = event.from === state.me;
  const here = event.room === state.room;
  const next = here ? { ...state, window: withLive(state.window, event), thread: withAnswer(state.thread, event) } : state;
  if (own) return next;
  const mentions = withMentions(next.mentions, event.room, [event], state.me);
  return { ...next, mentions, unread: { ...next.unread, [event.room]: (next.unread[event.room] ?? 0) + 1 } };
}

function markRead(state, { room, seq }) {
  if (seq <= (state.read[room] ?? 0) && !state.unread[room]) return state;
  return {
    ...state,
    read: { ...state.read, [room]: Math.max(seq, state.read[room] ?? 0) },
    unread: { ...state.unread, [room]: 0 },
  };
}

function heardMember(state, { action, member }) {
  if (action !== "removed") return { ...state, members: { ...state.members, [member.name]: { ...state.members[member.name], ...member } } };
  const { [member.name]: _, ...members } = state.members;
  return { ...state, members };
}

function heardRoom(state, event) {
  const room = state.rooms[event.room] ?? { name: event.room, members: [] };
  const changed = ROOM_CHANGES[event.action]?.(room, event);
  return changed ? { ...state, rooms: { ...state.rooms, [event.room]: changed } } : state;
}

const ROOM_CHANGES = {
  created: (room, { text }) => ({ ...room, topic: text }),
  topic: (room, { text }) => ({ ...room, topic: text }),
  joined: (room, { member }) => ({ ...room, members: [...new Set([...(room.members ?? []), member])] }),
  mode: (room, { floor }) => ({ ...room, floor }),
  turn: (room, { floor }) => ({ ...room, floor }),
  left: (room, { member }) => ({ ...room, members: (room.members ?? []).filter((one) => one !== member) }),
};
