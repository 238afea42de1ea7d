// The page of one agent: why it is silent, and what has happened with it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AgentTimeline } from "../../gateway/web/page/app/agent_timeline.js";
import { emptyTimeline, hasOlder, MAX_ENTRIES, withEvent, withPage } from "../../gateway/web/page/state/agent/timeline.js";
import { whyMark, whyRows } from "../../gateway/web/page/state/agent/why_rows.js";
import { settle } from "./browser_parts.mjs";

const at = (seconds) => new Date(Date.UTC(2026, 10, 21, 11, 0, seconds)).toISOString();
const idle = { name: "ada", kind: "agent", presence: "online", activity: "idle" };
const message = (seq, from, fields = {}) => ({ ev: "message", seq, room: "lab", from, to: ["@ada"], content: "look", timestamp: at(seq), ...fields });
const receipt = (n, rung, when, member = "ada") => ({ ev: "receipt", seq: 90, room: "lab", message: n, member, steps: [{ rung, at: at(when) }], timestamp: at(when) });
const ask = (number, fields = {}, when = number) => ({ ev: "ask", seq: 95, timestamp: at(when), ask: { member: "ada", number, digest: "d", question: "May I?", opened: at(number), ...fields } });
const control = (action, fields = {}) => ({ ev: "control", seq: 7, action, from: "bob", to: ["ada"], timestamp: at(7), ...fields });
const play = (events) => events.reduce((timeline, event) => withEvent(timeline, event, at(59)), emptyTimeline(idle, "bob"));
const rows = (events) => play(events).entries.map(({ kind, text }) => `${kind} ${text}`);

for (const [what, events, told] of [
  ["what it says", [message(3, "ada")], ["said said: look"]],
  ["what it is told", [message(3, "bob", { deliveries: ["ada"] })], ["told bob wrote: look"]],
  ["what others are told", [message(3, "bob", { deliveries: ["ben"] }), message(4, "bob")], []],
  ["how far a message came, the newest alone", [receipt(3, "typed", 4), receipt(3, "answered", 5), receipt(3, "answered", 6, "ben")], ["receipt #3 was answered"]],
  ["a receipt of before that is read later", [receipt(3, "answered", 5), receipt(3, "typed", 4)], ["receipt #3 was answered"]],
  ["a question", [ask(4)], ["asks asks: May I?"]],
  ["a question that was answered", [ask(4), ask(4, { state: "answered", by: "bob", answer: "allow", allow: "1", options: [{ key: "1", text: "Yes" }] }, 6)],
    ["asked asked: May I? You answered “Yes” in the room."]],
  ["a question of another", [ask(4, { member: "ben" })], []],
  ["a state", [{ ev: "presence", member: { ...idle, activity: "busy" } }], ["state works"]],
  ["no state that it had already", [{ ev: "presence", member: idle }, { ev: "presence", member: { ...idle, queued: 3 } }], []],
  ["coming and going", [{ ev: "member", seq: 5, action: "left", member: idle, timestamp: at(5) }, { ev: "member", seq: 6, action: "returned", member: idle, timestamp: at(6) },
    { ev: "member", seq: 8, action: "changed", member: idle, timestamp: at(8) }], ["state came back", "state left"]],
  ["its rooms and turns", [{ ev: "room", seq: 5, room: "lab", action: "joined", member: "ada", timestamp: at(5) }, { ev: "room", seq: 6, room: "lab", action: "turn", member: "ada", timestamp: at(6) },
    { ev: "room", seq: 7, room: "lab", action: "joined", member: "ben", timestamp: at(7) }], ["state has the turn in #lab", "state joined #lab"]],
  ["keys", [control("keys", { text: "esc" })], ["order bob pressed esc"]],
  ["a stop", [control("keys", { text: "stop" })], ["order bob ended its turn"]],
  ["orders that it need not tell", [control("share"), control("constructor"), control("pause", { to: ["ben"] })], []],
  ["events that it does not know", [{ ev: "constructor" }, { ev: "room", room: "lab", action: "constructor", member: "ben" }], []],
]) {
  test(`the timeline has ${what}`, () => assert.deepEqual(rows(events), told));
}

test("the newest stand first, a message leads to its place, and there are never too many", () => {
  const { entries } = play(Array.from({ length: MAX_ENTRIES + 10 }, (_, seq) => message(seq, "ada", { content: `${seq}` })));
  assert.equal(entries.length, MAX_ENTRIES);
  assert.deepEqual([entries[0].text, entries[0].place], [`said: ${MAX_ENTRIES + 9}`, { room: "lab", message: MAX_ENTRIES + 9 }]);
  assert.equal(entries.at(-1).text, "said: 10");
});

test("a page of the log also tells the states; those that were heard while it was on its way stand only once", () => {
  const heard = withEvent(emptyTimeline(idle, "bob"), { ev: "presence", member: { ...idle, activity: "busy" } }, at(9));
  const page = { events: [message(3, "ada")], until: 2, more: true, activities: [{ activity: "busy", at: at(8), note: "the title spins" }, { activity: "idle", at: at(2), note: "" }] };
  const first = withPage(heard, page);
  assert.deepEqual(first.entries.map(({ text }) => text), ["works: the title spins", "said: look", "idle"]);
  assert.deepEqual([first.before, hasOlder(first)], [2, true]);
  const last = withPage(first, { events: [message(1, "ada")], until: 0 });
  assert.deepEqual(last.entries.map(({ text }) => text), ["works: the title spins", "said: look", "idle", "said: look"]);
  assert.equal(hasOlder(last), false);
  const full = { ...first, entries: Array.from({ length: MAX_ENTRIES }, () => first.entries[0]) };
  assert.equal(hasOlder(full), false);
});

class PlayedClient {
  asked = [];
  pages = [{ events: [ask(4), message(3, "ada")], until: 3, more: true }, { events: [message(2, "ada")], until: 0 }];
  state = { peek: () => ({ me: "bob", members: { ada: idle } }) };
  connection = {
    request: async (op, fields) => {
      this.asked.push([op, fields]);
      if (this.pages.length === 0) throw new Error("bob is in no room with ada.");
      return this.pages.shift();
    },
  };
}

test("the log and what is heard meanwhile make one timeline, which can be read further back", async () => {
  const client = new PlayedClient();
  const timeline = new AgentTimeline(client);
  const keys = () => timeline.value.value.entries.map(({ key, kind }) => `${key} ${kind}`);
  timeline.hear(message(1, "ada"));
  assert.equal(timeline.value.value, null, "nobody looks");
  timeline.follow("ada");
  timeline.hear(ask(4, { state: "closed" }, 6));
  await settle();
  assert.deepEqual(keys(), ["ask 4 asked", "message 3 said"]);
  await timeline.older();
  assert.deepEqual(keys(), ["ask 4 asked", "message 3 said", "message 2 said"]);
  assert.deepEqual(client.asked.map(([op, { member, before }]) => [op, member, before]), [["timeline", "ada", undefined], ["timeline", "ada", 3]]);
});

test("a refusal is told beside the timeline, and what comes after the person has left is dropped", async () => {
  const client = new PlayedClient();
  client.pages[0].activities = [{ activity: "busy", at: at(8), note: "" }];
  const timeline = new AgentTimeline(client);
  timeline.follow("ada")();
  timeline.follow("ben");
  await settle();
  assert.deepEqual([timeline.value.value.name, timeline.value.value.entries], ["ben", []]);
  timeline.follow("cleo");
  await settle();
  assert.equal(timeline.value.value.refusal, "bob is in no room with ada.");
});

test("why: rows for what is known, and a mark that changes with what the page hears", () => {
  assert.deepEqual(whyRows({ evidence: "the title spins", waits: "", last: "#8 held", folder: "/shop" }), [
    { name: "Seen", value: "the title spins" }, { name: "Last message", value: "#8 held" }, { name: "Folder", value: "/shop" }]);
  assert.deepEqual(whyRows(null), []);
  const marks = [whyMark(idle, []), whyMark({ ...idle, activity: "busy" }, []), whyMark({ ...idle, paused: true }, []), whyMark({ ...idle, queued: 1 }, []), whyMark(idle, [{ number: 4, state: "open" }])];
  assert.equal(new Set(marks).size, marks.length);
  assert.equal(whyMark({ ...idle, note: "x" }, []), whyMark(idle, []));
});
