// What the page hears between a question and the gateway's answer: it is not lost, taken back or counted wrong.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomClient } from "../../gateway/web/page/app/room_client.js";
import { KeptTexts } from "../../gateway/web/page/state/kept_texts.js";

const message = (seq, fields = {}) => ({ ev: "message", seq, room: "general", from: "bob", to: ["@all"], content: `text ${seq}`, timestamp: "2026-11-21T11:00:00.000Z", ...fields });
const room = (name, panel = "", number = 0) => ({ page: "room", room: name, panel, message: number });
const ROOMS = ["general", "lab", "ops"].map((name) => ({ name, members: ["ann", "bob"] }));
const WELCOME = { ev: "welcome", house: "h1", last_seq: 40, you: { name: "ann", kind: "human" }, rooms: ROOMS, members: [] };
const page = (...messages) => ({ messages, more: false });

const settled = () => new Promise((resolve) => setImmediate(resolve));
const seqs = (messages) => messages.map((one) => one.seq);

/** A page at this place whose requests wait in `asked` as {op, fields, answer(result), refuse(error)}. */
async function pageAt(place, read = {}) {
  const asked = [];
  const kept = new KeptTexts(null);
  kept.writeMarks("h1", "read", read);
  const client = new RoomClient({ kept, identity: { scope: "approver", id: "d1" }, place, open: () => undefined });
  client.connection = {
    request: (op, fields = {}) => new Promise((resolve, reject) => asked.push({ op, fields, answer: resolve, refuse: (words) => reject(new Error(words)) })),
  };
  client.welcomed(WELCOME);
  const next = async (op, fields = {}) => {
    await settled();
    const at = asked.findIndex((one) => one.op === op && Object.entries(fields).every(([name, value]) => one.fields[name] === value));
    assert.ok(at >= 0, `${op} ${JSON.stringify(fields)} was not asked for`);
    return asked.splice(at, 1)[0];
  };
  const answer = async (op, fields, result) => {
    (await next(op, fields)).answer(result);
    await settled();
  };
  return { client, asked, next, answer, state: () => client.state.value };
}

test("a message that is heard before an older page of its room comes is kept", async () => {
  const { client, answer, state } = await pageAt(room("general"));
  client.received(message(41));
  client.received(message(42, { room: "lab" }));
  await answer("history", {}, page(message(40)));
  assert.deepEqual(seqs(state().window.messages), [40, 41]);
});

test("a message that is heard while the page around another one comes is kept", async () => {
  const { client, answer, state } = await pageAt(room("general", "at", 39));
  const before = answer("history", { before: 40 }, page(message(39)));
  client.received(message(41));
  await before;
  await answer("history", { after: 39 }, page(message(40)));
  assert.deepEqual(seqs(state().window.messages), [39, 40, 41]);
});

test("a message that is heard while the person reads on to the newest one is kept", async () => {
  const { client, answer, state } = await pageAt(room("general", "at", 30));
  await answer("history", { before: 31 }, page(message(30)));
  await answer("history", { after: 30 }, { messages: [message(31)], more: true });
  client.history.loadNewer();
  client.received(message(41));
  await answer("history", { after: 31 }, page(message(40)));
  assert.deepEqual(seqs(state().window.messages), [30, 31, 40, 41]);
});

test("an answer that is heard while its thread is fetched stands in it", async () => {
  const { client, answer, state } = await pageAt(room("general", "thread", 39));
  await answer("history", {}, page(message(39), message(40)));
  client.received(message(41, { reply_to: 39 }));
  client.received(message(42, { reply_to: 40 }));
  await answer("thread", {}, page(message(39)));
  assert.deepEqual(seqs(state().thread.messages), [39, 41]);
});

test("a thread that comes after the person has opened another one does not take its place", async () => {
  const { client, answer, state } = await pageAt(room("general", "thread", 38));
  await answer("history", {}, page(message(38), message(39)));
  client.goTo(room("general", "thread", 39));
  await answer("thread", { message: 39 }, page(message(39)));
  await answer("thread", { message: 38 }, page(message(38)));
  assert.equal(state().thread.asked, 39);
  client.goTo(room("general", "thread", 38));
  client.goTo(room("general"));
  await answer("thread", { message: 38 }, page(message(38)));
  assert.equal(state().thread, null);
});

test("a step that is heard before the answer is not taken back, and the other recipients are asked for", async () => {
  const { client, answer, state } = await pageAt(room("general"));
  const own = message(40, { from: "ann", deliveries: ["bob", "cleo"] });
  client.received({ ev: "receipt", seq: 41, message: 40, member: "bob", steps: [{ rung: "seen" }] });
  await answer("history", {}, page(own));
  client.received({ ev: "receipt", seq: 42, message: 40, member: "bob", steps: [{ rung: "answered" }] });
  await answer("show", { message: 40 }, { message: own, deliveries: [{ message: 40, member: "bob", rung: "seen" }, { message: 40, member: "cleo", rung: "typed" }] });
  assert.deepEqual(Object.entries(state().rungs[40]).map(([name, { rung }]) => [name, rung]), [["bob", "answered"], ["cleo", "typed"]]);
});

test("what was read while it was counted is not unread", async () => {
  const { client, answer, state } = await pageAt(room("lab"), { general: 30, lab: 30 });
  await answer("history", { room: "general", after: 30 }, page(message(31)));
  await answer("history", { room: "lab", after: undefined }, page(message(40, { room: "lab", content: "@ann" })));
  client.markRead();
  await answer("history", { room: "lab", after: 30 }, page(message(40, { room: "lab", content: "@ann" })));
  assert.deepEqual([state().unread, state().mentions], [{ general: 1, lab: 0 }, {}]);
});

test("what is heard while it is counted counts once", async () => {
  const { client, answer, state } = await pageAt(room("general"), { lab: 30 });
  await answer("history", { room: "general", after: undefined }, page(message(40)));
  client.received(message(41, { room: "lab" }));
  client.received(message(42, { room: "lab" }));
  await answer("history", { room: "lab", after: 30 }, page(message(39, { room: "lab" }), message(41, { room: "lab" })));
  assert.equal(state().unread.lab, 3);
});

test("a loss of the connection ends no count: the next connection goes on with it", async () => {
  const { client, next, answer, state } = await pageAt(room("general"), { general: 40, lab: 30, ops: 30 });
  await answer("history", { room: "general", after: undefined }, page(message(40)));
  await answer("history", { room: "general", after: 40 }, page());
  const lost = await next("history", { room: "lab", after: 30 });
  client.stateChanged("waiting");
  lost.refuse("The connection was lost before the gateway answered.");
  await settled();
  client.welcomed(WELCOME);
  await answer("history", { room: "lab", after: 30 }, page(message(39, { room: "lab" })));
  await answer("history", { room: "ops", after: 30 }, page(message(38, { room: "ops" })));
  assert.deepEqual([state().unread.lab, state().unread.ops], [1, 1]);
});

test("a room whose page is refused does not keep the next one from coming", async () => {
  const { client, next, answer, state } = await pageAt(room("lab"));
  client.goTo(room("ops"));
  (await next("history", { room: "lab", after: undefined })).refuse("You are not in the room 'lab'.");
  await answer("history", { room: "ops", after: undefined }, page(message(40, { room: "ops" })));
  assert.deepEqual(seqs(state().window.messages), [40]);
});

test("more results are asked for once, however often the person presses", async () => {
  const { client, asked, answer } = await pageAt(room("general"));
  client.search.change({ query: "text" });
  client.search.run();
  const found = Array.from({ length: 50 }, (_, index) => message(90 - index));
  await answer("search", {}, { messages: found });
  client.search.more();
  client.search.more();
  await answer("search", { before: 41 }, page(message(40)));
  assert.deepEqual([asked.filter((one) => one.op === "search").length, client.search.result.value.found.length, client.search.result.value.busy], [0, 51, false]);
});
