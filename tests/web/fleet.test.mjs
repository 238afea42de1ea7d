// The tiles of the agents, and the figures of the gateway.

import assert from "node:assert/strict";
import { test } from "node:test";

import { durationOf, figureRows, healthOf } from "../../gateway/web/page/state/fleet/figures.js";
import { countWords, tilesOf } from "../../gateway/web/page/state/fleet/tiles.js";
import { doesSince, hueOf, initialsOf, toolWords, workWords } from "../../gateway/web/page/state/member_words.js";

const agent = (name, fields = {}) => ({ name, kind: "agent", presence: "online", activity: "idle", ...fields });
const stateOf = (members, asks = []) => ({
  members: Object.fromEntries(members.map((one) => [one.name, one])), asks,
  rooms: { lab: { name: "lab", members: ["ada", "ben"] }, general: { name: "general", members: ["ada"] } },
});
const ask = (member, number, state) => ({ member, number, digest: "d", question: `May ${member}?`, state });
const BRAKES = [{ room: "lab", trips: [{ guard: "hops", names: ["ada"] }] }];

for (const [fields, asks, brakes, state] of [
  [{}, [], [], "idle"],
  [{ activity: "unknown", since: "2026" }, [], [], "unclear"],
  [{ activity: undefined }, [], [], "unclear"],
  [{ done: true }, [], [], "done"],
  [{ done: true, activity: "busy" }, [], [], "busy"],
  [{ done: true, paused: true }, [], [], "limited"],
  [{ activity: "busy" }, [], [], "busy"],
  [{ activity: "starting" }, [], [], "busy"],
  [{ activity: "asking" }, [], [], "needs"],
  [{ activity: "error" }, [], [], "needs"],
  [{ activity: "busy" }, [ask("ada", 1)], [], "needs"],
  [{ presence: "away" }, [ask("ada", 1)], [], "needs"],
  [{ activity: "busy" }, [ask("ada", 1, "answered")], [], "busy"],
  [{ activity: "busy" }, [ask("ben", 1)], [], "busy"],
  [{ paused: true, activity: "busy" }, [], [], "limited"],
  [{ hops_left: 0 }, [], [], "limited"],
  [{ hops_left: 2 }, [], [], "idle"],
  [{}, [], BRAKES, "limited"],
  [{ presence: "away" }, [], BRAKES, "gone"],
  [{ activity: "gone" }, [], [], "gone"],
  [{ condition: { kind: "limited" } }, [], [], "limited"],
  [{ activity: "error", condition: { kind: "limited" } }, [], [], "limited"],
  [{ activity: "asking", condition: { kind: "limited" } }, [], [], "needs"],
  [{ condition: { kind: "login" } }, [], [], "needs"],
  [{ condition: { kind: "context" } }, [], [], "idle"],
  [{ condition: { kind: "of a later version" } }, [], [], "idle"],
]) {
  test(`a tile: ${JSON.stringify([fields, asks.map((one) => [one.member, one.state]), brakes.length])} is ${state}`, () => {
    const [tile] = tilesOf(stateOf([agent("ada", fields)], asks), brakes);
    assert.deepEqual([tile.state, tile.rooms], [state, ["general", "lab"]]);
  });
}

test("who needs somebody stands first, the one that has waited longest at the top; people and who has left have no tile", () => {
  const members = [agent("zoe"), agent("ada", { activity: "busy" }), agent("ben"), agent("cleo"), agent("dan", { presence: "away" }), agent("eve", { presence: "offline" }), agent("gus", { activity: "unknown" }),
    { ...agent("ann"), kind: "human" }, agent("fay", { activity: "error" })];
  const tiles = tilesOf(stateOf(members, [ask("cleo", 9), ask("ben", 12)]));
  assert.deepEqual(tiles.map((tile) => tile.member.name), ["cleo", "ben", "fay", "ada", "gus", "zoe", "dan"]);
  assert.equal(countWords(tiles), "3 need you · 1 working · 1 unclear · 1 idle · 1 gone");
  assert.equal(countWords(tiles.slice(0, 1)), "1 needs you");
  assert.equal(countWords([]), "");
});

for (const [seconds, words] of [[0, "0 s"], [59.9, "59 s"], [60, "1 min"], [3_599, "59 min"], [3_600, "1 h 0 min"], [86_399, "23 h 59 min"], [86_400, "1 day"], [200_000, "2 days"]]) {
  test(`a duration: ${seconds} is ${words}`, () => assert.equal(durationOf(seconds), words));
}

test("the gateway's health is a sentence", () => {
  assert.deepEqual(healthOf({ status: "ok", uptime: 90 }), { well: true, sentence: "Everything is stored as it comes. Running for 1 min." });
  const stuck = healthOf({ status: "stuck", uncommitted: 3, last_error: "The disk is full." });
  assert.deepEqual([stuck.well, stuck.sentence], [false, "The gateway cannot write to its disk. 3 requests wait for the disk. The disk is full."]);
});

test("figures are plain, and one that is not known is left out", () => {
  const stats = { connected: { human: 1, agent: 2, tool: 0 }, total: { sent: 12_345, sent_per_second: 0.05, waiting: 0, failed: 1, expired: 1, error_rate: 0.012, latency: { p50: 0.304, p95: null } } };
  const rows = Object.fromEntries(figureRows({ connections: 3, costs: [{ tokens: 41_200 }, {}], store: "sqlite" }, stats).map(({ name, value }) => [name, value]));
  assert.deepEqual(rows, {
    Connections: "3", "People, agents, tools": "1, 2, 0", "Messages a minute": "3.0", "Messages since the start": "12,345", "Waiting for agents": "0", "Until taken, half within": "0.30 s",
    "Failed or expired": "2", "Requests refused, last 5 minutes": "1.2 %", "Tokens of agents": "41,200", Store: "sqlite",
  });
  assert.deepEqual(figureRows(null, null), []);
});

for (const [fields, since] of [
  [{}, "2026"], [{ activity: "busy" }, "2026"], [{ activity: "asking" }, "2026"], [{ activity: "unknown" }, ""], [{ paused: true }, ""], [{ presence: "away" }, ""], [{ since: undefined }, ""],
]) {
  test(`an agent does something since a moment: ${JSON.stringify(fields)}`, () => assert.equal(doesSince(agent("ada", { since: "2026", ...fields })), since));
}

test("a member has always the same colour, and letters that fit", () => {
  assert.equal(hueOf("ada"), hueOf("ada"));
  assert.ok(["ada", "claude", "", "日本", "🙂"].every((name) => hueOf(name) >= 0 && hueOf(name) < 8));
  assert.deepEqual(["ada", "code-reviewer", "a.b.c", "--", "ärger"].map(initialsOf), ["A", "CR", "AB", "?", "Ä"]);
});

for (const [work, tool, words] of [
  [undefined, "", []],
  [{}, "", []],
  [{ tool: "Edit", file: "src/a.py" }, "Edit src/a.py", []],
  [{ tool: "Bash", folder: "shop", branch: "main" }, "Bash", ["shop on main"]],
  [{ folder: "shop", turn_tokens: 950, day_tokens: 950 }, "", ["shop", "950 tokens"]],
  [{ branch: "main", turn_tokens: 1249, day_tokens: 48_500 }, "", ["main", "1.2k tokens", "48k today"]],
  [{ day_tokens: 1_300_000 }, "", ["1.3M tokens today"]],
]) {
  test(`what an agent is at: ${JSON.stringify(work)}`, () => {
    assert.deepEqual([toolWords(agent("ada", { work })), workWords({ work })], [tool, words]);
  });
}

test("who is away uses no tool", () => {
  assert.equal(toolWords(agent("ada", { presence: "away", work: { tool: "Edit" } })), "");
});
