// A welcome whose lists are cut: the rest comes in pages, and nothing of what is known is lost on the way.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fetchRestOfWelcome } from "../../gateway/web/page/app/welcome_pages.js";
import { reduce, START } from "../../gateway/web/page/state/room_state.js";

const PAGE = 1000;
const names = (count, prefix) => Array.from({ length: count }, (_, number) => `${prefix}${String(number).padStart(5, "0")}`);
const ROOMS = names(2500, "room").map((name) => ({ name, members: ["alice"] }));
const MEMBERS = names(1200, "member").map((name) => ({ name, kind: "agent" }));
const ASKS = names(1001, "member").map((member, number) => ({ member, number: number + 1, question: "?" }));
const KEYS = { rooms: [ROOMS, "rooms", (one) => one.name], members: [MEMBERS, "agents", (one) => one.name], asks: [ASKS, "asks", (one) => one.member] };

/** The gateway: pages of at most a thousand after a key. */
function gateway(asked = []) {
  return async (op, { after = "" }) => {
    asked.push([op, after]);
    const [all, items, key] = KEYS[op];
    const rest = all.filter((one) => key(one) > after);
    return { [items]: rest.slice(0, PAGE), more: rest.length > PAGE };
  };
}

const WELCOME = {
  ev: "welcome", house: "h1", last_seq: 5000, you: { name: "alice", kind: "human" },
  rooms: ROOMS.slice(0, PAGE), members: MEMBERS.slice(0, PAGE), asks: ASKS.slice(0, PAGE), partial: ["rooms", "members", "asks"],
};

async function completed(welcome, request, state = START) {
  let known = reduce(state, { type: "welcomed", welcome });
  await fetchRestOfWelcome(welcome, request, (action) => (known = reduce(known, action)));
  return known;
}

test("all rooms, members and questions are known, however many", async () => {
  const asked = [];
  const state = await completed(WELCOME, gateway(asked));
  assert.deepEqual(
    [Object.keys(state.rooms).length, Object.keys(state.members).length, state.asks.length],
    [ROOMS.length, MEMBERS.length, ASKS.length],
  );
  assert.equal(state.read.room02400, 5000, "what is said from now on counts as unread there");
  assert.deepEqual(asked, [["rooms", "room00999"], ["rooms", "room01999"], ["members", "member00999"], ["asks", "member00999"]]);
});

test("a welcome that is whole asks for nothing", async () => {
  const asked = [];
  await completed({ ...WELCOME, partial: undefined }, gateway(asked));
  await completed({ ...WELCOME, partial: ["sessions", "decisions", "constructor"] }, gateway(asked));
  assert.deepEqual(asked, []);
});

test("the room of the address stays, though the first page does not hold it", async () => {
  const state = await completed(WELCOME, gateway(), { ...START, room: "room02000" });
  assert.equal(state.room, "room02000");
});

test("a room that one could only join is not among one's own", async () => {
  const request = async (op) => (op === "rooms" ? { rooms: [{ name: "zoo", members: ["bob"] }, { name: "zulu" }] } : {});
  assert.deepEqual(Object.keys((await completed({ ...WELCOME, partial: ["rooms"] }, request)).rooms), ROOMS.slice(0, PAGE).map((one) => one.name));
});

test("only a question that is in no page, and could be, has ended", async () => {
  const before = { ...START, house: "h1", asks: [{ member: "a", number: 4000, question: "?" }, ...ASKS.slice(-1)] };
  let state = reduce(before, { type: "welcomed", welcome: WELCOME });
  assert.equal(state.asks.find((one) => one.number === 4000).state, undefined, "not before all pages are here");
  state = reduce(state, { type: "heard", event: { ev: "ask", ask: { member: "new", number: 5001, question: "?" } } });
  await fetchRestOfWelcome(WELCOME, gateway(), (action) => (state = reduce(state, action)));
  const stateOf = (number) => state.asks.find((one) => one.number === number).state;
  assert.deepEqual([stateOf(4000), stateOf(5001), stateOf(1001)], ["closed", undefined, undefined]);
});

test("a page that ends short asks no further", async () => {
  const asked = [];
  const request = async (op, fields) => {
    asked.push(fields);
    return { rooms: [], more: true };
  };
  await completed({ ...WELCOME, partial: ["rooms"] }, request);
  assert.equal(asked.length, 1);
});
