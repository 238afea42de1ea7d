// When the gateway is told how far a person has been shown a room.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ReadReports } from "../../gateway/web/page/app/read_reports.js";

const MEMBERS = { ada: { kind: "agent" }, alice: { kind: "human" } };

function scene({ scope = "member", refuses = false } = {}) {
  const asked = [], due = [];
  const state = { scope, members: MEMBERS, window: { messages: [] } };
  const connection = { request: async (op, fields) => (asked.push([op, fields]), refuses ? Promise.reject(new Error("no")) : {}) };
  const reports = new ReadReports({ state: { value: state }, connection }, { later: (work) => due.push(work) });
  const shown = (seq, from) => {
    state.window.messages.push({ seq, from });
    reports.tell("lab", seq);
  };
  return { asked, due, shown, reports };
}

const told = (seq) => ["room.read", { room: "lab", message: seq }];

test("an agent's message is told, and once", () => {
  const { asked, shown, reports } = scene();
  shown(1, "alice");
  assert.deepEqual(asked, []);
  shown(2, "ada");
  reports.tell("lab", 2);
  assert.deepEqual(asked, [told(2)]);
});

test("what comes within a second is told together, after it", () => {
  const { asked, due, shown } = scene();
  shown(1, "ada");
  shown(2, "ada");
  shown(3, "ada");
  assert.deepEqual(asked, [told(1)]);
  due.shift()();
  assert.deepEqual(asked, [told(1), told(3)]);
  due.shift()();
  assert.equal(asked.length, 2);
});

for (const scope of ["reader", "link"]) {
  test(`a ${scope} tells nothing`, () => {
    const { asked, shown } = scene({ scope });
    shown(1, "ada");
    assert.deepEqual(asked, []);
  });
}

test("a refusal is nobody's concern", async () => {
  const { asked, shown } = scene({ refuses: true });
  shown(1, "ada");
  await Promise.resolve();
  assert.equal(asked.length, 1);
});
