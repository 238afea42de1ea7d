// The questions of agents: who may answer, how, when a press counts, and what a card says after the first answer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { IDLE, pressed } from "../../gateway/web/page/state/deliberate_press.js";
import { asksOfRoom, choicesOf, diffLines, endingOf, isWaiting, whyNotAnswer, withAsk, withWelcomed } from "../../gateway/web/page/state/questions.js";

const ASK = {
  member: "claude", number: 820, digest: "2f1c", question: "Do you want to proceed?", opened: "2026-11-21T11:25:02.000Z",
  options: [{ key: "1", text: "Yes" }, { key: "2", text: "Yes, always" }, { key: "3", text: "No" }], allow: "1", deny: "3", approvers: ["alice"],
};

test("each option is a choice; only the refusal is one press", () => {
  assert.deepEqual(choicesOf(ASK).map((one) => [one.answer, one.refusal]), [["allow", false], ["2", false], ["deny", true]]);
});

test("where the agent's own hook decides, its plain yes and no are that hook's", () => {
  const options = [{ key: "1", text: "Yes", means: "allow" }, { key: "2", text: "Yes, always" }, { key: "3", text: "No", means: "deny" }];
  const choices = choicesOf({ ...ASK, options, allow: "hook", deny: "hook" });
  assert.deepEqual(choices.map((one) => [one.text, one.answer, one.refusal]), [["Yes", "allow", false], ["Yes, always", "2", false], ["No", "deny", true]]);
  assert.match(endingOf({ ...ASK, options, allow: "hook", deny: "hook", state: "answered", by: "bob", answer: "deny" }, "alice"), /“No”/);
});

test("an answer that is no option, such as a key or a hook, is a choice of its own", () => {
  const choices = choicesOf({ ...ASK, options: [], allow: "hook", deny: "esc" });
  assert.deepEqual(choices.map((one) => [one.text, one.answer, one.refusal]), [["Allow", "allow", false], ["Deny", "deny", true]]);
});

for (const [why, ask, who, expected] of [
  ["an approver may", ASK, { me: "alice", scope: "approver" }, /^$/],
  ["another scope may not", ASK, { me: "alice", scope: "member" }, /may not answer/],
  ["another member may not", ASK, { me: "bob", scope: "approver" }, /Only alice/],
  ["nobody can without choices", { ...ASK, options: [], allow: "", deny: "" }, { me: "alice", scope: "approver" }, /terminal of claude/],
]) {
  test(`who may answer: ${why}`, () => assert.match(whyNotAnswer(ask, who), expected));
}

for (const [fields, expected] of [
  [{ state: "answering", by: "bob", answer: "allow" }, /^bob answered “Yes”. It is on its way/],
  [{ state: "answered", by: "alice", answer: "deny", said: "not now" }, /^You answered “No” in the room. The words with it: not now$/],
  [{ state: "closed" }, /in the terminal of claude/],
  [{ state: "stale" }, /changed/],
  [{ state: "withdrawn" }, /has left/],
  [{ state: "open", reason: "the key was not taken" }, /waits again: the key/],
  [{}, /^$/],
]) {
  test(`a card of an ask that is ${fields.state ?? "new"}`, () => assert.match(endingOf({ ...ASK, ...fields }, "alice"), expected));
}

test("cards stand oldest first; the ended ones stay a while, and not for ever", () => {
  let asks = [9, 3, 5, 7, 8].reduce((all, number) => withAsk(all, { ...ASK, number }), []);
  assert.deepEqual(asks.map((ask) => ask.number), [3, 5, 7, 8, 9]);
  for (const number of [3, 5, 7, 8]) asks = withAsk(asks, { ...ASK, number, state: "answered", by: "bob" });
  assert.deepEqual(asks.map((ask) => [ask.number, isWaiting(ask)]), [[5, false], [7, false], [8, false], [9, true]]);
});

test("what an ask no longer says is not kept from before", () => {
  const [ask] = withAsk([{ ...ASK, readable: false, left_out: 9, reason: "it is being drawn" }], ASK);
  assert.deepEqual(ask, ASK);
});

test("an ask that ended before the page heard of it makes no card", () => {
  assert.deepEqual(withAsk([], { ...ASK, state: "closed" }), []);
});

test("what ended while the page was away is not shown as open", () => {
  assert.deepEqual(withWelcomed([ASK], []).map((ask) => ask.state), ["closed"]);
  assert.deepEqual(withWelcomed([], [ASK]), [ASK]);
});

test("a second press counts only a moment after the first, and not for ever", () => {
  const first = pressed(IDLE, 1_000);
  assert.equal(first.meant, false);
  assert.equal(pressed(first.state, 1_100).meant, false, "a slip of a finger");
  assert.equal(pressed(first.state, 1_500).meant, true);
  assert.equal(pressed(first.state, 9_000).meant, false, "too late: it is a first press again");
});

test("presses that follow each other fast never count, however many they are", () => {
  const rows = [
    [[0, 100, 200, 300, 400, 500, 600], 0],
    [[0, 340, 680, 1_020], 0],
    [Array.from({ length: 200 }, (_, number) => number * 50), 0],
    [[0, 100, 500], 1],
    [[0, 100, 200, 550], 1],
    [[0, 400, 800], 1],
  ];
  for (const [times, wanted] of rows) {
    let state = IDLE;
    let meant = 0;
    for (const now of times) {
      const after = pressed(state, now);
      state = after.state;
      meant += after.meant;
    }
    assert.equal(meant, wanted, JSON.stringify(times));
  }
});

test("a room shows the questions of its members; a room that is not known hides none", () => {
  const asks = [{ member: "ada" }, { member: "ben" }];
  assert.deepEqual(asksOfRoom(asks, { members: ["ben"] }), [{ member: "ben" }]);
  assert.equal(asksOfRoom(asks, undefined).length, 2);
});

test("each line of a diff has its kind, and none is lost", () => {
  const lines = diffLines("--- a\n+++ b\n@@ -1 +1 @@\n same\n-old\n+new\n");
  assert.deepEqual(lines.map((line) => line.kind), ["file", "file", "hunk", "same", "removed", "added", "same"]);
});
