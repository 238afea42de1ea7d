// What is sealed is shown as a sentence: in events, in lists, in a single message, in pins, and in questions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readableEvent, readableResult, SEALED_TEXT } from "../../gateway/web/page/connection/sealed_texts.js";
import { whyNotAnswer } from "../../gateway/web/page/state/questions.js";

const box = { room_key: 1, data: "Ym94" };
const sealed = { ev: "message", seq: 7, content: "", sealed: box };
const shown = { ...sealed, content: SEALED_TEXT };
const plain = { ev: "message", seq: 8, content: "hello" };
const ask = { member: "bot", question: "", sealed: box };

test("an event with a box gets the sentence, any other stays as it is", () => {
  assert.deepEqual(readableEvent(sealed), shown);
  assert.equal(readableEvent(plain), plain);
  assert.equal(readableEvent({ ev: "ask", ask }).ask.question, SEALED_TEXT);
  const room = { ev: "room", action: "joined", sealed: true };
  assert.equal(readableEvent(room), room);
});

test("so does each place of a result", () => {
  assert.deepEqual(readableResult({ messages: [sealed, plain] }).messages, [shown, plain]);
  assert.deepEqual(readableResult({ message: sealed }).message, shown);
  assert.deepEqual(readableResult({ pins: [{ by: "a", message: sealed }] }).pins[0].message, shown);
  assert.deepEqual(readableResult({ events: [sealed] }).events, [shown]);
  assert.equal(readableResult({ asks: [ask] }).asks[0].question, SEALED_TEXT);
  assert.deepEqual(readableResult({ seq: 9, rooms: [{ name: "vault", sealed: true }] }), { seq: 9, rooms: [{ name: "vault", sealed: true }] });
  assert.equal(readableResult(undefined), undefined);
});

test("a browser answers no sealed question, because it cannot read what it would allow", () => {
  assert.match(whyNotAnswer(ask, { me: "alice", scope: "approver" }), /sealed/);
});
