// Addresses of the page: what they name, what they never carry, and that a code in one begins anew.

import assert from "node:assert/strict";
import { test } from "node:test";

import { followPlace, placeAtStart } from "../../gateway/web/page/app/follow_place.js";
import { addressOf, PAGES, placeIn, roomAddress } from "../../gateway/web/page/state/places.js";

const room = (name, panel = "", message = 0) => ({ page: "room", room: name, panel, message });

for (const [address, place] of [
  ["#/room/general", room("general")],
  ["#/room/a.b-c_1/members", room("a.b-c_1", "members")],
  ["#/room/lab/rooms", room("lab", "rooms")],
  ["#/room/lab/search", room("lab", "search")],
  ["#/room/lab/thread/812", room("lab", "thread", 812)],
  ["#/room/lab/at/812", room("lab", "at", 812)],
  ["#/questions", { page: "questions" }],
  ["#/fleet", { page: "fleet" }],
  ["#/agent/ada", { page: "agent", name: "ada" }],
  ["#/agent/code-reviewer.2_x", { page: "agent", name: "code-reviewer.2_x" }],
  ["#/modes", { page: "modes" }],
  ["#/settings", { page: "settings" }],
]) {
  test(`an address and its place: ${address}`, () => {
    assert.deepEqual(placeIn(address), place);
    assert.equal(addressOf(place), address);
  });
}

for (const address of ["", "#", "#/", "#/room", "#/room/", "#/room/LAB", "#/room/lab/thread", "#/room/lab/members/3", "#/room/lab/at/x", "#/room/a b",
  "#/agent", "#/agent/", "#/agent/Ada", "#/agent/a b", "#/agent/ada/keys", "#/nowhere", "#/constructor", "#pair=CODE", "#link=ID.SECRET", "#open=CODE", "#/questions/pair=CODE", "#/room/lab#pair=CODE"]) {
  test(`no place: ${JSON.stringify(address)}`, () => assert.equal(placeIn(address), null));
}

test("a page that does not exist has no address, so that nothing leads to it", () => {
  assert.equal(addressOf({ page: "nowhere" }), null);
  assert.ok(PAGES.every((page) => addressOf({ page, room: "lab", name: "ada" }) !== null));
  assert.equal(roomAddress("lab", "thread", 7), "#/room/lab/thread/7");
});

class PlayedWindow {
  reloads = 0;
  location = { hash: "", reload: () => (this.reloads += 1) };
  addEventListener(name, listener) {
    assert.equal(name, "hashchange");
    this.listener = listener;
  }
  goes(hash) {
    this.location.hash = hash;
    this.listener();
  }
}

test("the address is followed; a code that is pasted into the open page begins anew and is no place", () => {
  const window = new PlayedWindow();
  const been = [];
  followPlace(window, { goTo: (place) => been.push(place) });
  window.goes("#/fleet");
  window.goes("#elsewhere");
  window.goes("#pair=CODE");
  assert.deepEqual([been, window.reloads], [[{ page: "fleet" }], 1]);
  assert.deepEqual(placeAtStart({ hash: "#pair=CODE" }), room("general"));
  assert.deepEqual(placeAtStart({ hash: "#/room/lab" }), room("lab"));
});
