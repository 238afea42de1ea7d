// Settings of this browser, and the devices and links of the person.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Look } from "../../gateway/web/page/app/look.js";
import { KeptTexts } from "../../gateway/web/page/state/kept_texts.js";
import { accessesOf, attributesOf, DEFAULTS, mayWords, settingsFrom } from "../../gateway/web/page/state/settings.js";

for (const [kept, settings] of [
  [undefined, DEFAULTS],
  [null, DEFAULTS],
  [{ theme: "dark" }, { ...DEFAULTS, theme: "dark" }],
  [{ theme: "pink", size: 7, contrast: "high", more: 1 }, { ...DEFAULTS, contrast: "high" }],
]) {
  test(`settings from ${JSON.stringify(kept)}`, () => assert.deepEqual(settingsFrom(kept), settings));
}

test("a default leaves no attribute, so that the system decides", () => {
  assert.deepEqual(attributesOf({ ...DEFAULTS, size: "large" }), [["data-theme", null], ["data-contrast", null], ["data-size", "large"], ["data-terminal", null]]);
});

class Root {
  attributes = {};
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  removeAttribute(name) {
    delete this.attributes[name];
  }
}

test("a choice is shown at once, kept, and there again after a reload", () => {
  const stored = new Map();
  const storage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, text) => stored.set(key, text), removeItem: (key) => stored.delete(key) };
  const root = new Root();
  const look = new Look(new KeptTexts(storage), root);
  look.choose("theme", "dark");
  look.choose("size", "large");
  look.choose("theme", "system");
  assert.deepEqual(root.attributes, { "data-size": "large" });
  const again = new Root();
  new Look(new KeptTexts(storage), again);
  assert.deepEqual(again.attributes, { "data-size": "large" });
});

test("this device stands first, then the one that was seen last; tokens and what has ended are not listed", () => {
  const token = (id, fields) => ({ name: "ann", id, created: "2026-11-01", ...fields });
  const listed = accessesOf([token("a", { device: "phone", last_seen: "2026-11-05" }), token("b", { device: "desk" }), token("c", { room: "lab" }), token("d", { device: "old", revoked: true }),
    token("e", {}), token("f", { device: "tablet", last_seen: "2026-11-09" })], "b");
  assert.deepEqual(listed.map((one) => [one.id, one.kind, one.isThis]), [["b", "device", true], ["f", "device", false], ["a", "device", false], ["c", "link", false]]);
});

for (const [access, words] of [
  [{ kind: "link", room: "lab" }, "shows #lab"],
  [{ kind: "link", room: "lab", thread: 3 }, "shows a thread of #lab"],
  [{ kind: "device", read_only: true }, "may read"],
  [{ kind: "device", scopes: ["approver"] }, "may write and answer questions"],
  [{ kind: "device" }, "may write"],
]) {
  test(`what it may do: ${words}`, () => assert.equal(mayWords(access), words));
}
