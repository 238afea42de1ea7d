// Modes, decisions and sessions: whose turn it is, who may answer how, and documents that can be read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lastAnswers, mayAnswer, missingVoters, optionsOf, ruleWords, sorted, waitsFor, wayOf, withDecisions, withOpenDecisions } from "../../gateway/web/page/state/work/decisions.js";
import { isRunning, progressWords, runningFloors, speakersOf } from "../../gateway/web/page/state/work/floors.js";
import { outlineOf, sortedSessions, statusWords, withSessions } from "../../gateway/web/page/state/work/sessions.js";

const OPTIONS = [{ key: "A", text: "Postgres" }, { key: "B", text: "SQLite" }];
const decision = (fields = {}) => ({ id: "d-1", number: 1, seq: 1, room: "lab", by: "bob", question: "?", rule: "majority", voters: ["ann", "cleo"], options: OPTIONS, ...fields });

for (const [fields, me, kind, way] of [
  [{}, "ann", "human", "choose"],
  [{}, "dan", "human", ""],
  [{ voters: [], people: true }, "dan", "human", "choose"],
  [{ voters: [], people: true }, "dan", "agent", ""],
  [{ options: [] }, "ann", "human", "choose"],
  [{ options: [], rule: "first" }, "ann", "human", "text"],
  [{ options: [], rule: "recipient", private: true }, "ann", "human", "accept"],
  [{ state: "accepted", voters: ["ann"] }, "ann", "human", "complete"],
  [{ state: "accepted", voters: ["ann"] }, "bob", "human", "complete"],
  [{ state: "accepted", voters: ["ann"] }, "dan", "human", ""],
  [{ state: "decided" }, "ann", "human", ""],
]) {
  test(`how ${me} (${kind}) answers ${JSON.stringify(fields)}: ${way || "not at all"}`, () => assert.equal(wayOf(decision(fields), me, kind), way));
}

test("the last answer of each voter counts, and who has answered is waited for no more", () => {
  const answers = [{ by: "ann", choice: "A" }, { by: "cleo", choice: "A" }, { by: "ann", choice: "B" }];
  const one = decision({ answers });
  assert.deepEqual(lastAnswers(one).map(({ by, choice }) => [by, choice]), [["cleo", "A"], ["ann", "B"]]);
  assert.deepEqual([missingVoters(one), missingVoters(decision({ answers: answers.slice(0, 1) }))], [[], ["cleo"]]);
  assert.deepEqual([waitsFor(one, "ann", "human"), waitsFor(decision(), "ann", "human"), mayAnswer(one, "ann", "human")], [false, true, true]);
});

test("a decision is never replaced by an older state of it, and what ended while away is open no more", () => {
  const known = withDecisions({}, [decision({ seq: 5, state: "decided" }), decision({ id: "d-2", number: 2 }), decision({ id: "d-3", number: 3 })]);
  assert.equal(withDecisions(known, [decision()])["d-1"].state, "decided");
  assert.deepEqual(Object.keys(withOpenDecisions(known, [decision({ id: "d-3", number: 3 })])).sort(), ["d-1", "d-3"]);
  const many = withDecisions({}, Array.from({ length: 300 }, (_, index) => decision({ id: `d-${index}`, number: index })));
  assert.deepEqual([Object.keys(many).length, "d-299" in many, "d-0" in many], [200, true, false]);
});

test("what waits for the person stands first", () => {
  const known = withDecisions({}, [decision({ id: "d-1", voters: ["cleo"] }), decision({ id: "d-2", number: 2 }), decision({ id: "d-3", number: 3, state: "expired" })]);
  const { open, ended } = sorted(known, "ann", "human");
  assert.deepEqual([open.map((one) => one.id), ended.map((one) => one.id)], [["d-2", "d-1"], ["d-3"]]);
});

test("rules in words; a vote without options is about yes and no", () => {
  assert.deepEqual(["majority", "quorum 2/3", "unanimous", "odd"].map(ruleWords), ["the majority decides", "2/3 must agree", "everyone must agree", "odd"]);
  assert.deepEqual(optionsOf(decision({ options: [] })).map((one) => one.key), ["yes", "no"]);
});

const FLOOR = { mode: "debate", phase: "positions", round: 1, rounds: 2, order: ["ada", "ben"], cast: { synthesizer: "ben", judge: "cleo" }, speaker: "ada", turns: 3, budget: 40 };

test("whose turn it is, and how far the mode has come", () => {
  assert.deepEqual(progressWords(FLOOR), ["positions", "round 1 of 2", "turn 3 of at most 40"]);
  assert.deepEqual(progressWords({ ...FLOOR, budget: 1000 }).at(-1), "turn 3", "nobody has set a budget");
  assert.deepEqual(progressWords({ mode: "round-robin", phase: "turns", round: 1, rounds: 1 }), []);
  assert.deepEqual(speakersOf(FLOOR), [{ name: "ada", speaks: true, role: "" }, { name: "ben", speaks: false, role: "synthesizer" }, { name: "cleo", speaks: false, role: "judge" }]);
  const rooms = { b: { name: "b", floor: FLOOR }, a: { name: "a", floor: FLOOR }, c: { name: "c", floor: { mode: "freeform" } }, d: { name: "d" } };
  assert.deepEqual([runningFloors(rooms).map((one) => one.room), isRunning(undefined)], [["a", "b"], false]);
});

test("sessions: what runs first, the newest state, and a word for each", () => {
  const session = (name, fields) => ({ name, number: 1, seq: 1, ...fields });
  const known = withSessions({}, [session("old", { seq: 9, status: "completed" }), session("new", { seq: 3 }), session("late", { seq: 2, overdue: true }), session("still", { status: "paused" })]);
  assert.deepEqual(sortedSessions(known).map((one) => [one.name, statusWords(one)]), [["new", "runs"], ["late", "overdue"], ["still", "paused"], ["old", "completed"]]);
  assert.equal(withSessions(known, [session("old", { seq: 1 })]).old.status, "completed");
});

test("a document is an outline of all of its values", () => {
  const lines = outlineOf({ goal: "ship", owner: { tests: "ada" }, open: ["a", ["b"]], done: false, none: null, empty: {} });
  assert.deepEqual(lines.map(({ depth, name, text, heading }) => `${depth}${heading ? "*" : ""} ${name}: ${text}`), [
    "0 goal: ship", "0* owner: ", "1 tests: ada", "0* open: ", "1 : a", "1* : ", "2 : b", "0 done: no", "0 none: –", "0 empty: nothing"]);
});

test("a document that is very large or very deep stays small on the page", () => {
  assert.equal(outlineOf(Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index]))).length, 501);
  let deep = { end: "x" };
  for (let level = 0; level < 60; level += 1) deep = { in: deep };
  assert.ok(Math.max(...outlineOf(deep).map((line) => line.depth)) <= 8);
});
