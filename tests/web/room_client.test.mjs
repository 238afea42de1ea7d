// What the page asks the gateway for when the person goes somewhere, searches, writes, or reads along by a link.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomClient } from "../../gateway/web/page/app/room_client.js";
import { KeptTexts } from "../../gateway/web/page/state/kept_texts.js";

const message = (seq, fields = {}) => ({ ev: "message", seq, room: "general", from: "bob", to: ["@all"], content: `text ${seq}`, timestamp: "2026-11-21T11:00:00.000Z", ...fields });
const room = (name, panel = "", number = 0) => ({ page: "room", room: name, panel, message: number });
const WELCOME = { ev: "welcome", house: "h1", last_seq: 40, you: { name: "ann", kind: "human" }, rooms: [{ name: "general", members: ["ann", "bob"] }, { name: "lab", members: ["ann"] }], members: [] };

/** Answers each request by `answers[op]`, a value or a function of the fields, and remembers what was asked. */
class PlayedConnection {
  asked = [];
  constructor(answers) {
    this.answers = answers;
  }
  async request(op, fields = {}) {
    this.asked.push([op, fields]);
    const answer = this.answers[op];
    if (answer === undefined) throw new Error(`No ${op} here.`);
    return typeof answer === "function" ? answer(fields) : answer;
  }
  of(op) {
    return this.asked.filter(([one]) => one === op).map(([, fields]) => fields);
  }
}

function history({ room: name = "general", before = Infinity, after = 0, limit }) {
  const all = Array.from({ length: 40 }, (_, index) => message(index + 1, { room: name })).filter((one) => one.seq < before && one.seq > after);
  const messages = after ? all.slice(0, limit) : all.reverse().slice(0, limit);
  return { messages, more: all.length > limit };
}

async function clientAt(place, { identity = { scope: "approver", id: "d1" }, answers = {}, opened = [] } = {}) {
  const client = new RoomClient({ kept: new KeptTexts(null), identity, place, open: (address) => opened.push(address) });
  client.connection = new PlayedConnection({ history, ...answers });
  client.welcomed(WELCOME);
  await settled();
  return client;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const seqs = (client) => client.state.value.window.messages.map((one) => one.seq);

test("the page begins at the newest messages of the room in its address", async () => {
  const client = await clientAt(room("lab"));
  assert.deepEqual(client.connection.of("history"), [{ room: "lab", limit: 100 }]);
  assert.deepEqual([client.state.value.room, seqs(client).at(-1)], ["lab", 40]);
});

test("another page of the page has the room ready behind it", async () => {
  const client = await clientAt({ page: "fleet" });
  assert.deepEqual([client.state.value.place, seqs(client).length], [{ page: "fleet" }, 40]);
});

test("the address of a message shows what is around it, and nothing is fetched twice", async () => {
  const client = await clientAt(room("general", "at", 20));
  assert.deepEqual(client.connection.of("history"), [{ room: "general", limit: 50, before: 21 }, { room: "general", limit: 50, after: 20 }]);
  assert.deepEqual([client.state.value.target, seqs(client).length], [{ seq: 20 }, 40]);
  await client.goTo(room("general", "at", 7));
  assert.deepEqual([client.connection.of("history").length, client.state.value.target], [2, { seq: 7 }]);
});

test("a page that was asked for before the room was shown elsewhere leaves no gap", async () => {
  const many = ({ before = 1001, after = 0, limit = 100 }) => {
    const all = Array.from({ length: 1000 }, (_, index) => message(index + 1)).filter((one) => one.seq < before && one.seq > after);
    return { messages: after ? all.slice(0, limit) : all.reverse().slice(0, limit), more: all.length > limit };
  };
  const client = await clientAt(room("general", "at", 500), { answers: { history: many } });
  await Promise.all([client.history.loadNewest(), client.history.loadNewer(), client.history.loadOlder()]);
  assert.deepEqual([seqs(client).length, seqs(client)[0], seqs(client).at(-1)], [100, 901, 1000]);
  await client.history.loadOlder();
  assert.deepEqual([seqs(client).length, seqs(client)[0]], [200, 801]);
});

test("a message that is not there leads to the one before it", async () => {
  const client = await clientAt(room("general", "at", 999));
  assert.deepEqual(client.state.value.target, { seq: 40 });
});

test("a long thread is fetched page by page", async () => {
  const thread = ({ after = 0 }) => ({ messages: [message(after + 1), message(after + 2)], more: after < 4 });
  const client = await clientAt(room("general", "thread", 1), { answers: { thread } });
  assert.deepEqual(client.state.value.thread.messages.map((one) => one.seq), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(client.connection.of("thread").map((fields) => fields.after), [undefined, 2, 4]);
});

test("what cannot be fetched is a sentence, and the page goes on", async () => {
  const client = await clientAt(room("general", "thread", 1));
  assert.deepEqual([client.state.value.notice, client.state.value.thread, seqs(client).length], ["No thread here.", null, 40]);
  await client.goTo(room("lab"));
  assert.deepEqual([client.state.value.notice, client.state.value.room], ["", "lab"]);
});

test("the link to a thread asks for that thread and nothing else", async () => {
  const client = await clientAt(room("general"), { identity: { scope: "link", thread: 3 }, answers: { thread: { messages: [message(3), message(5, { reply_to: 3 })] }, history: undefined } });
  assert.deepEqual(client.connection.asked.map(([op, fields]) => [op, fields.message]), [["thread", 3]]);
  assert.deepEqual([seqs(client), client.state.value.window.older, client.state.value.notice], [[3, 5], false, ""]);
});

for (const [wish, asked] of [
  [{ op: "stop", fields: { member: "bob" } }, ["stop", { member: "bob" }]],
  [{ op: "continue", fields: {}, room: true }, ["continue", { room: "general" }]],
  [{ op: "room.topic", fields: { topic: "mice" }, room: true }, ["room.topic", { topic: "mice", room: "general" }]],
  [{ op: "send", fields: { content: "hi", to: [] } }, ["send", { content: "hi", id: "i1", room: "general" }]],
  [{ op: "send", fields: { content: "hi", to: ["@bob"] } }, ["send", { content: "hi", to: ["@bob"], id: "i1", room: "general" }]],
]) {
  test(`it is sent: ${JSON.stringify(wish)}`, async () => {
    const client = await clientAt(room("general"), { answers: { [wish.op]: {} } });
    await client.send(wish, "i1", undefined);
    assert.deepEqual(client.connection.asked.at(-1), asked);
  });
}

test("/search opens the panel and searches this room", async () => {
  const opened = [];
  const client = await clientAt(room("lab"), { opened, answers: { search: { messages: [message(4)] } } });
  await client.send({ op: "search", fields: { query: "disk full" } }, "i1");
  await settled();
  assert.deepEqual([opened, client.connection.of("search")], [["#/room/lab/search"], [{ query: "disk full", limit: 50, room: "lab" }]]);
  assert.deepEqual(client.search.result.value.found.map((one) => one.seq), [4]);
});

test("the answer of a search that was overtaken by another is dropped; a refusal is said", async () => {
  const waiting = [];
  const client = await clientAt(room("lab"), { answers: { search: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })) } });
  client.search.change({ query: "first" });
  client.search.run();
  client.search.change({ query: "second" });
  client.search.run();
  waiting[1].resolve({ messages: [message(2)] });
  waiting[0].resolve({ messages: [message(1)] });
  await settled();
  assert.deepEqual([client.search.result.value.found.map((one) => one.seq), client.search.result.value.busy], [[2], false]);
  client.search.run();
  waiting[2].reject(new Error("Too many words."));
  await settled();
  assert.deepEqual([client.search.result.value.refusal, client.search.result.value.found], ["Too many words.", []]);
});

test("what was on the screen is told only where something waits for it", async () => {
  const client = await clientAt(room("general"));
  assert.equal(client.looksForSeen(), false);
  client.received(message(41, { content: "@ann" }));
  assert.equal(client.looksForSeen(), true);
  client.saw(1, 40);
  assert.deepEqual(client.state.value.mentions.general, [41]);
  client.saw(39, 41);
  assert.equal(client.looksForSeen(), false);
});

test("a browser that is revoked keeps neither rooms nor drafts", async () => {
  const client = await clientAt(room("general"));
  client.kept.write("h1", "draft", "general", "unfinished");
  await client.stateChanged("refused", new Error("Not paired."));
  assert.deepEqual([client.kept.read("h1", "draft", "general"), client.state.value.refusal, client.state.value.rooms], ["", "Not paired.", {}]);
});

for (const [words, identity, becameOther, left] of [
  ["a device that is revoked", { scope: "member", id: "d1" }, false, ""],
  ["a device that another tab has replaced", { scope: "member", id: "d1" }, true, "half a thought"],
  ["a link that has ended", { scope: "link", thread: 0 }, false, "half a thought"],
]) {
  test(`${words} leaves ${left ? "the drafts of this browser's device" : "no draft behind"}`, async () => {
    const stored = new Map([["groupchat/h1/draft/lab", "half a thought"]]);
    const storage = { getItem: (key) => stored.get(key) ?? null, removeItem: (key) => stored.delete(key) };
    for (const key of stored.keys()) storage[key] = true; // as the keys of localStorage are fields of it
    const kept = new KeptTexts(storage);
    let reloads = 0;
    const parts = { kept, identity, place: room("lab"), open: () => undefined, becameOther: async () => becameOther, reload: () => (reloads += 1) };
    await new RoomClient(parts).stateChanged("refused", new Error("No."));
    assert.deepEqual([kept.read("h1", "draft", "lab"), reloads], [left, becameOther ? 1 : 0]);
  });
}
