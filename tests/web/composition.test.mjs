// What the person writes, as requests; what it says before it is sent; names that are completed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { audienceOf, compose, nameBefore, withName } from "../../gateway/web/page/state/composition.js";
import { markOf, withStep } from "../../gateway/web/page/state/receipts.js";
import { doesNow, limitEnd, membersOf } from "../../gateway/web/page/state/member_words.js";
import { KeptTexts } from "../../gateway/web/page/state/kept_texts.js";

const send = (fields) => ({ op: "send", fields: { to: [], ...fields } });

for (const [text, wish] of [
  ["good morning", send({ content: "good morning" })],
  ["  two\nlines  ", send({ content: "two\nlines" })],
  ["@claude look", send({ to: ["@claude"], content: "look" })],
  ["@claude, @ben: look", send({ to: ["@claude", "@ben"], content: "look" })],
  ["ask @claude", send({ content: "ask @claude" })],
  ["!urgent stop that", send({ content: "stop that", urgent: true })],
  ["!now", send({ content: "now", urgent: true })],
  ["@ada !now", send({ to: ["@ada"], content: "now", urgent: true })],
  ["!!now", send({ content: "now", interrupt: true })],
  ["\\/etc is full", send({ content: "/etc is full" })],
  ["!stop", { op: "stop", fields: {} }],
  ["/stop ada", { op: "stop", fields: { member: "ada" } }],
  ["@ada !stop", { op: "stop", fields: { member: "ada" } }],
]) {
  test(`it means: ${JSON.stringify(text)}`, () => assert.deepEqual(compose(text), wish));
}

for (const text of ["", "   ", "@ada", "/mode debate", "/stop ada ben"]) {
  test(`it is refused with a sentence: ${JSON.stringify(text)}`, () => assert.match(compose(text).refused, /\.$/));
}

for (const [text, audience] of [
  ["hi", "To everyone in #lab."],
  ["@all !hi", "To everyone in #lab. Urgent."],
  ["@ada hi", "Direct: only @ada and observers will read it."],
  ["!!@ada hi", "Direct: only @ada and observers will read it. It stops their work first."],
  ["/stop", ""],
]) {
  test(`who will read: ${text}`, () => assert.equal(audienceOf(text, "lab"), audience));
}

test("a reply to a direct message stays between its ends, unless it names somebody", () => {
  const direct = { from: "ada", recipients: ["alice", "ben"] };
  assert.deepEqual(compose("yes", direct, "alice").fields.to, ["@ada", "@ben"]);
  assert.deepEqual(compose("yes", { from: "alice", recipients: ["ada"] }, "alice").fields.to, ["@ada"]);
  assert.deepEqual(compose("@all yes", direct, "alice").fields.to, ["@all"]);
  assert.deepEqual(compose("yes", { from: "ada" }, "alice").fields.to, []);
  assert.equal(audienceOf("yes", "lab", direct, "alice"), "Direct: only @ada @ben and observers will read it.");
});

test("a name is completed where it stands", () => {
  assert.deepEqual(nameBefore("hi @Ad and", 6), { start: 4, prefix: "ad" });
  assert.equal(nameBefore("mail a@ad", 9), null);
  assert.deepEqual(withName("hi @ad and", 6, 4, "ada"), { text: "hi @ada and", cursor: 8 });
});

test("the mark of a message is that of its slowest recipient; a failure is never hidden", () => {
  const step = (rungs, member, rung, reason) => withStep(rungs, 7, member, { rung, reason });
  let rungs = step(step({}, "ada", "seen"), "ben", "held", "busy");
  assert.deepEqual(markOf(rungs[7]), { sign: "○", failed: false, sentence: "ada: was read; ben: waits (busy)" });
  rungs = step(rungs, "ben", "answered");
  assert.equal(markOf(rungs[7]).sign, "✓✓");
  assert.equal(markOf(step(rungs, "ada", "expired")[7]).failed, true);
  assert.equal(markOf(undefined), null);
});

test("members: who asks stands first, who has left is not there", () => {
  const members = Object.fromEntries(
    [["ada", "idle"], ["ben", "busy"], ["cleo", "asking"], ["dan", "gone"]].map(([name, activity]) => [name, { name, activity, presence: "online" }]),
  );
  members.dan.presence = "offline";
  assert.deepEqual(membersOf(["ada", "ben", "cleo", "dan"], members).map((one) => one.name), ["cleo", "ben", "ada"]);
  assert.deepEqual([doesNow(members.ben), doesNow({ presence: "away" }), doesNow({ presence: "online", paused: true })], ["works", "away", "paused"]);
});

test("a limit tells more than a pause, and a dialog tells more than a limit", () => {
  const limited = { presence: "online", activity: "idle", paused: true, condition: { kind: "limited" } };
  assert.deepEqual([doesNow(limited), doesNow({ ...limited, activity: "asking", paused: false })], ["limited", "asks"]);
});

test("what a vendor keeps an agent from working by is told, with its end; a screen that is not understood is not \"here\"", () => {
  const agent = (fields) => ({ kind: "agent", presence: "online", activity: "idle", since: "2026", ...fields });
  const limited = agent({ condition: { kind: "limited", until: "2026-11-30T17:42:00Z" } });
  const words = [limited, agent({ condition: { kind: "login" } }), agent({ activity: "busy", condition: { kind: "limited" } }), agent({ activity: "unknown" })].map(doesNow);
  assert.deepEqual(words, ["limited", "needs a login", "works", "unclear"]);
  assert.equal(doesNow({ kind: "human", presence: "online" }), "here");
  const noon = Date.parse("2026-11-30T12:00:00Z");
  assert.deepEqual([limitEnd(limited, noon), limitEnd(limited, noon + 8 * 3_600_000), limitEnd(agent({}), noon)], ["2026-11-30T17:42:00Z", "", ""]);
});

test("of two tabs that read on, neither takes back what the other has read", () => {
  const stored = new Map();
  const storage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value), removeItem: (key) => stored.delete(key) };
  const [one, other] = [new KeptTexts(storage), new KeptTexts(storage)];
  one.writeMarks("h1", "read", { general: 5 });
  other.writeMarks("h1", "read", { general: 9, lab: 2 });
  one.writeMarks("h1", "read", { general: 6, lab: 1, attic: 3 });
  assert.deepEqual(new KeptTexts(storage).readJson("h1", "read"), { general: 9, lab: 2, attic: 3 });
  const unkept = new KeptTexts(null);
  unkept.writeMarks("h1", "read", { general: 5 });
  assert.deepEqual(unkept.readJson("h1", "read"), { general: 5 });
});

test("drafts are kept where the browser keeps them, and in memory where it refuses", () => {
  const refusing = { getItem() { throw new Error("denied"); }, setItem() { throw new Error("denied"); }, removeItem() { throw new Error("denied"); } };
  for (const storage of [null, refusing]) {
    const kept = new KeptTexts(storage);
    kept.write("h1", "draft", "general", "unfinished");
    assert.deepEqual([kept.read("h1", "draft", "general"), kept.read("h2", "draft", "general")], ["unfinished", ""]);
  }
  assert.deepEqual(new KeptTexts({ getItem: () => "{broken" }).readJson("h1", "read"), {});
});
