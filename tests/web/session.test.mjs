// What the address of a page brings along, and what becomes of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { giftIn, linkOf, takeGift } from "../../gateway/web/page/connection/page_address.js";
import { browserName, sessionFor } from "../../gateway/web/page/connection/session.js";

class PlayedDevices {
  asked = [];
  constructor(before) {
    this.before = before;
  }
  async current() {
    return this.before;
  }
  async pair(code, name, before) {
    this.asked.push([code, name, before]);
    return { device: { id: "new", house: "h1" }, kept: true };
  }
}

const BEFORE = { id: "old", house: "h1" };
const never = () => assert.fail("nothing to ask");

for (const [fragment, gift] of [
  ["#pair=abc", { kind: "pair", text: "abc" }],
  ["#open=abc", { kind: "open", text: "abc" }],
  ["#link=id.a=b", { kind: "link", text: "id.a=b" }],
  ["#pair=", null],
  ["#/room/general", null],
  ["#other=abc", null],
  ["", null],
]) {
  test(`the address ${fragment || "without a fragment"}`, () => assert.deepEqual(giftIn(fragment), gift));
}

test("a code is taken out of the address before anything else happens", () => {
  const replaced = [];
  const history = { replaceState: (...given) => replaced.push(given) };
  takeGift({ hash: "#pair=abc", pathname: "/", search: "" }, history);
  takeGift({ hash: "#/room/general", pathname: "/", search: "" }, history);
  assert.deepEqual(replaced, [[null, "", "/"]]);
});

test("a link is an id and a secret", () => {
  assert.deepEqual(linkOf("0011.ab"), { id: "0011", secret: "ab", thread: 0 });
  assert.deepEqual(linkOf("0011.ab.812"), { id: "0011", secret: "ab", thread: 812 });
  assert.deepEqual(linkOf("0011.ab.x"), { id: "0011", secret: "ab", thread: 0 });
  assert.deepEqual(linkOf("0011"), { id: "0011", secret: "", thread: 0 });
});

test("`groupchat web` opens the device that is there, without using up its code", async () => {
  const devices = new PlayedDevices(BEFORE);
  assert.equal((await sessionFor({ kind: "open", text: "abc" }, devices, "x", never)).device, BEFORE);
  assert.deepEqual(devices.asked, []);
});

test("the code of `groupchat web` is left for a device that the gateway does not know", async () => {
  const devices = new PlayedDevices(BEFORE);
  const { device, pairAgain } = await sessionFor({ kind: "open", text: "abc" }, devices, "x", never);
  assert.equal(device, BEFORE);
  assert.equal((await pairAgain()).device.id, "new");
  assert.deepEqual(devices.asked, [["abc", "x", undefined]]);
  assert.equal((await sessionFor(null, devices, "x", never)).pairAgain, undefined);
});

test("`groupchat web` pairs a browser that is no device yet", async () => {
  const devices = new PlayedDevices(null);
  const session = await sessionFor({ kind: "open", text: "abc" }, devices, "Firefox", never);
  assert.deepEqual(devices.asked, [["abc", "Firefox", null]]);
  assert.equal(session.device.id, "new");
});

test("a code makes a new device of a browser that is none, without a question", async () => {
  const devices = new PlayedDevices(null);
  assert.equal((await sessionFor({ kind: "pair", text: "abc" }, devices, "x", never)).device.id, "new");
  assert.deepEqual(devices.asked, [["abc", "x", null]]);
});

for (const [agreed, id, asked] of [[true, "new", [["abc", "x", BEFORE]]], [false, "old", []]]) {
  test(`a browser that is a device becomes another one only if its person agrees: ${agreed}`, async () => {
    const devices = new PlayedDevices(BEFORE);
    const agrees = async (before) => before === BEFORE && agreed;
    assert.equal((await sessionFor({ kind: "pair", text: "abc" }, devices, "x", agrees)).device.id, id);
    assert.deepEqual(devices.asked, asked);
  });
}

test("without a device and a code it says what to do", async () => {
  await assert.rejects(sessionFor(null, new PlayedDevices(null), "x"), { code: "unpaired", message: /groupchat web.* link .* open it again/ });
});

test("a browser has a name that its owner recognises", () => {
  const phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36";
  assert.equal(browserName(phone), "Chrome on Android");
  assert.equal(browserName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
  assert.equal(browserName(""), "browser");
});
