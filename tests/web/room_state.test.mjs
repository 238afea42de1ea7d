// What the page knows after events: rooms, unread counts, the window of messages, questions, members.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY_WINDOW, MAX_MESSAGES, windowOfNewest, withLive, withNewer, withOlder } from "../../gateway/web/page/state/message_window.js";
import { reduce, START } from "../../gateway/web/page/state/room_state.js";
import { unfinishedIn } from "../../gateway/web/page/state/unfinished_texts.js";
import { streamRows } from "../../gateway/web/page/state/stream_rows.js";

const message = (seq, fields = {}) => ({ ev: "message", seq, room: "general", from: "bob", to: ["@all"], content: `text ${seq}`, timestamp: "2026-11-21T11:00:00.000Z", ...fields });
const messages = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
const WELCOME = {
  ev: "welcome", house: "h1", last_seq: 40, you: { name: "alice", kind: "human" },
  rooms: [{ name: "general", members: ["alice", "bob"] }, { name: "lab", members: ["alice"] }],
  members: [{ name: "bob", kind: "agent", presence: "online", activity: "idle" }],
};
const after = (...actions) => actions.reduce(reduce, START);
const welcomed = { type: "welcomed", welcome: WELCOME, scope: "approver" };
const heard = (event) => ({ type: "heard", event });
const newest = { type: "newest", room: "general", page: { messages: messages(30, 40).reverse(), more: true } };
const seqs = (window) => window.messages.map((one) => one.seq);

test("a message of another room counts there, and one's own counts nowhere", () => {
  const state = after(welcomed, newest, heard(message(41, { room: "lab" })), heard(message(42, { room: "lab", from: "alice" })));
  assert.deepEqual(state.unread, { lab: 1 });
  assert.equal(seqs(state.window).at(-1), 40);
});

test("a message of this room joins the window; seen, it counts no more", () => {
  const state = after(welcomed, newest, heard(message(41)), { type: "read", room: "general", seq: 41 });
  assert.equal(seqs(state.window).at(-1), 41);
  assert.deepEqual([state.unread.general, state.read.general], [0, 41]);
});

test("the window holds at most so many messages, at either end", () => {
  let window = windowOfNewest({ messages: messages(1001, 1100), more: true });
  for (let first = 901; first > 1; first -= 100) window = withOlder(window, { messages: messages(first, first + 99), more: first > 101 });
  assert.equal(window.messages.length, MAX_MESSAGES);
  assert.deepEqual([seqs(window)[0], window.newer], [101, true]);
  assert.equal(withLive(window, message(1101)), window, "what is not next to the window stays out");
  window = withNewer(window, { messages: messages(501, 1100), more: false });
  assert.deepEqual([window.messages.length, seqs(window).at(-1), window.older, window.newer], [MAX_MESSAGES, 1100, true, false]);
});

test("a message that comes twice, live and in a page, is one row", () => {
  const window = withLive(windowOfNewest({ messages: messages(1, 3), more: false }), message(3));
  assert.deepEqual(seqs(window), [1, 2, 3]);
  assert.equal(withLive(EMPTY_WINDOW, message(3)), EMPTY_WINDOW, "a page that is on its way will bring it");
});

test("a page that comes after the person has gone to another room is dropped", () => {
  const state = after(welcomed, newest, { type: "entered", room: "lab" }, { ...newest, type: "older", before: 30 });
  assert.deepEqual(state.window, EMPTY_WINDOW);
});

for (const [what, type, edge, held] of [
  ["an older page next to the window", "older", { before: 30 }, [20, 40]],
  ["an older page of the window that was there before", "older", { before: 12 }, [30, 40]],
  ["a newer page next to the window", "newer", { after: 40 }, [20, 40]],
  ["a newer page of the window that was there before", "newer", { after: 19 }, [30, 40]],
]) {
  test(`${what} is ${held[0] === 20 ? "joined" : "dropped: it would leave a gap"}`, () => {
    const page = { messages: messages(20, 29), more: true };
    const { window } = after(welcomed, newest, { type, room: "general", page, ...edge });
    assert.deepEqual([seqs(window)[0], seqs(window).at(-1)], held);
  });
}

test("after a loss the same store keeps what was read; another store has other numbers", () => {
  const before = after(welcomed, newest, { type: "connection", connection: "waiting" });
  assert.equal(seqs(reduce(before, welcomed).window).length, 11);
  const other = reduce(before, { ...welcomed, welcome: { ...WELCOME, house: "h2" } });
  assert.deepEqual([other.window, other.connection], [EMPTY_WINDOW, "open"]);
});

test("a device that is revoked keeps nothing on the screen", () => {
  const state = after(welcomed, newest, { type: "connection", connection: "refused", refusal: "Not paired." });
  assert.deepEqual([state.house, state.rooms, state.window, state.refusal], ["", {}, EMPTY_WINDOW, "Not paired."]);
});

test("rooms and members change with their events", () => {
  const state = after(
    welcomed,
    heard({ ev: "room", room: "attic", action: "created", by: "bob", text: "old things" }),
    heard({ ev: "room", room: "attic", action: "joined", by: "bob", member: "bob" }),
    heard({ ev: "room", room: "general", action: "left", by: "bob", member: "bob" }),
    heard({ ev: "presence", member: { name: "bob", presence: "online", activity: "busy" } }),
    heard({ ev: "member", action: "registered", member: { name: "cleo", kind: "agent" } }),
    heard({ ev: "mute", room: "lab", on: true }),
  );
  assert.deepEqual(state.rooms.attic, { name: "attic", members: ["bob"], topic: "old things" });
  assert.deepEqual(state.rooms.general.members, ["alice"]);
  assert.deepEqual([state.members.bob.activity, state.members.cleo.kind, state.muted], ["busy", "agent", ["lab"]]);
});

test("events and names that the page does not know change nothing", () => {
  const state = after(welcomed);
  for (const ev of ["later", "constructor", "__proto__"]) assert.equal(reduce(state, heard({ ev })), state);
  assert.equal(reduce(state, { type: "toString" }), state);
});

test("rows: a message to somebody else, after a pause or more urgent is never under the head of another", () => {
  const first = message(1, { recipients: ["ada"] });
  const headed = (fields) => streamRows([first, { ...first, seq: 2, ...fields }], { me: "alice", unreadFrom: 0, dayOf: () => "today" })[1].head;
  assert.equal(headed({}), false);
  for (const fields of [{ recipients: ["ben"] }, { recipients: [] }, { wakes: ["ben"] }, { urgent: true }, { reply_to: 1 }, { timestamp: "2026-11-21T11:06:00.000Z" }]) {
    assert.equal(headed(fields), true, JSON.stringify(fields));
  }
});

test("rows: a day line, the line of the unread, the author once, own and direct ones", () => {
  const rows = streamRows(
    [message(1), message(2), message(3, { from: "alice" }), message(4), message(5, { recipients: ["alice"] }), message(6, { timestamp: "2026-11-22T11:00:00.000Z" })],
    { me: "alice", unreadFrom: 3, dayOf: (timestamp) => timestamp.slice(0, 10) },
  );
  assert.deepEqual(rows.map((row) => row.day), ["2026-11-21", "", "", "", "", "2026-11-22"]);
  assert.deepEqual(rows.map((row) => row.fresh), [false, false, false, true, false, false]);
  assert.deepEqual(rows.map((row) => row.head), [true, false, true, true, true, true]);
  assert.deepEqual(rows.map((row) => row.own || row.direct), [false, false, true, false, true, false]);
});

const partial = (text, at = 0, fields = {}) => heard({ ev: "partial", member: "bob", room: "general", text, at, ...fields });
const begun = (state, room = "general") => unfinishedIn(state.unfinished, room).map((one) => one.text);

test("what somebody has said so far grows, and goes when the message is there", () => {
  assert.deepEqual(begun(after(welcomed, partial("one 🙂"), partial(" two", 5))), ["one 🙂 two"]);
  assert.deepEqual(begun(after(welcomed, partial("one"), partial("new"))), ["new"]);
  assert.deepEqual(begun(after(welcomed, partial(" two", 3))), ["… two"]);
  assert.deepEqual(begun(after(welcomed, partial("one")), "lab"), []);
  assert.deepEqual(begun(after(welcomed, partial("one"), heard(message(41)))), []);
  assert.deepEqual(begun(after(welcomed, partial("one"), heard(message(41, { from: "eve" })))), ["one"]);
  assert.deepEqual(begun(after(welcomed, partial("one"), partial("", 3, { ended: true }))), []);
  const left = { ev: "presence", member: { name: "bob", kind: "agent", presence: "away" } };
  assert.deepEqual(begun(after(welcomed, partial("one"), heard(left))), []);
  assert.deepEqual(begun(after(welcomed, partial("one"), welcomed)), []);
});
