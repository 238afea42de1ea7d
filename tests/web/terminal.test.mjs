// An agent's terminal on the page: pictures, cells, colours and sentences.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TerminalWatch } from "../../gateway/web/page/app/terminal_watch.js";
import { piecesOf } from "../../gateway/web/page/state/agent/terminal_cells.js";
import { colorsOf, contrast, inTheme, readable, themeOf } from "../../gateway/web/page/state/agent/terminal_colors.js";
import { KEYS } from "../../gateway/web/page/state/agent/terminal_keys.js";
import { NO_TERMINAL, refused, terminalSentence, withPicture, withWatchState } from "../../gateway/web/page/state/agent/terminal_picture.js";
import { settle } from "./browser_parts.mjs";

const row = (y, text) => ({ y, runs: text ? [{ text }] : [] });
const picture = (changed, fields = {}) => ({ ev: "terminal", member: "ada", columns: 20, rows: 3, changed, ...fields });
const whole = picture([row(0, "one"), row(2, "three")], { whole: true, cursor: { x: 1, y: 2 } });
const textOf = (view) => view.picture.rows.map(({ runs }) => runs.map((run) => run.text).join(""));

test("a whole picture replaces all, and a later one the rows that it lists; the others stay the same objects", () => {
  const first = withPicture(NO_TERMINAL, whole);
  assert.deepEqual([first.state, textOf(first), first.picture.cursor], ["live", ["one", "", "three"], { x: 1, y: 2 }]);
  const second = withPicture(first, picture([row(1, "two"), row(2, "")]));
  assert.deepEqual([textOf(second), second.picture.cursor], [["one", "two", ""], null]);
  assert.deepEqual(second.picture.rows.map((one, y) => one === first.picture.rows[y]), [true, false, false]);
  assert.deepEqual(textOf(first), ["one", "", "three"]);
  const third = withPicture(second, picture([row(0, "new")], { whole: true, rows: 2 }));
  assert.deepEqual(textOf(third), ["new", ""]);
});

for (const [why, event] of [
  ["nothing is known of the others", picture([row(0, "x")])],
  ["a row is outside", picture([row(3, "x"), row(700, "x")], { whole: true })],
]) {
  test(`rows are not invented where ${why}`, () => {
    const view = withPicture(NO_TERMINAL, event);
    assert.deepEqual(view.picture && textOf(view), event.whole ? ["", "", ""] : null);
  });
}

test("a part of a picture of another size waits for the whole one", () => {
  const before = withPicture(NO_TERMINAL, whole);
  assert.equal(withPicture(before, picture([row(0, "x")], { columns: 21 })), before);
  assert.equal(withPicture(before, picture([row(0, "x")], { rows: 4 })), before);
});

const live = withPicture(NO_TERMINAL, whole);
const WAITS = { state: "waiting", text: "The sidecar of ada is not connected." };
const here = { name: "ada", scope: "approver", isOpen: true };
for (const [what, view, where, sentence] of [
  ["before the answer", NO_TERMINAL, here, /^Looking into the terminal of ada/],
  ["live, without a picture", withWatchState(NO_TERMINAL, { state: "live" }), here, /on its way/],
  ["live", live, here, /^$/],
  ["waiting", withWatchState(live, WAITS), here, /^The sidecar of ada is not connected\.$/],
  ["live again", withPicture(withWatchState(live, WAITS), whole), here, /^$/],
  ["ended", withWatchState(live, { state: "ended", text: "bob is in no room with ada." }), here, /^bob is in no room/],
  ["refused", refused(live, "You may not watch terminals."), here, /^You may not watch terminals\.$/],
  ["without the right", NO_TERMINAL, { ...here, scope: "member" }, /groupchat web --pair --scope approver/],
  ["without the gateway", live, { ...here, isOpen: false }, /gateway is gone\. This is what the terminal showed/],
]) {
  test(`the sentence of a terminal: ${what}`, () => assert.match(terminalSentence(view, where), sentence));
}

test("a terminal that may not be watched any more is not shown", () => assert.equal(refused(live, "No.").picture, null));

const cells = (text) => piecesOf(text).map((piece) => [piece.text, piece.cells]);
for (const [text, pieces] of [
  ["plain text, ümläut", [["plain text, ümläut", 0]]],
  ["", []],
  ["a日本b", [["a", 0], ["日", 2], ["本", 2], ["b", 0]]],
  ["╭──╮ ok", [["╭──╮", 4], [" ok", 0]]],
  ["⏺ x", [["⏺", 1], [" x", 0]]],
  ["ｆ한！", [["ｆ", 2], ["한", 2], ["！", 2]]],
  ["🎉👩‍💻👍🏽🇩🇪", [["🎉", 2], ["👩‍💻", 2], ["👍🏽", 2], ["🇩🇪", 2]]],
  ["❤️❤", [["❤️", 2], ["❤", 1]]],
  ["ne\u0301e\u0301", [["n", 0], ["e\u0301", 1], ["e\u0301", 1]]],
  ["של", [["ש", 1], ["ל", 1]]],
  ["<b>&amp;", [["<b>&amp;", 0]]],
  ["a\u202eb\u200bc\u0007", [["a", 0], ["\ufffd", 1], ["b", 0], ["\ufffd", 1], ["c", 0], ["\ufffd", 1]]],
]) {
  test(`cells of ${JSON.stringify(text)}`, () => assert.deepEqual(cells(text), pieces));
}

test("no text is lost in its pieces, however long and strange it is", () => {
  const strange = `${"e\u0301\u0301\u0301".repeat(400)}${"👩‍💻日─x".repeat(300)}\ud83d`;
  assert.equal(piecesOf(strange).map((piece) => piece.text).join(""), strange);
});

const WHITE = 0x1ffffff;
const rgb = (color) => 0x1000000 + color;
test("a run without colours has those of the page", () => {
  assert.equal(colorsOf({ text: "x", bold: true }), null);
  assert.deepEqual(colorsOf({ text: "x", reverse: true }), { color: "light-dark(#fafbfc, #0e1114)", background: "light-dark(#1c2127, #e0e4e9)" });
  assert.equal(colorsOf({ text: "x", fg: WHITE }).background, null);
  assert.match(colorsOf({ text: "x", fg: WHITE }).color, /^light-dark\(#[0-9a-f]{6}, #ffffff\)$/);
});

test("all colours can be read on all papers, in both themes", () => {
  const some = [...Array.from({ length: 256 }, (_, number) => number).filter((number) => number < 16 || number % 11 === 0), ...[0, 0x373737, 0x7f7f7f, 0x808080, 0xd97757, 0xffff00, 0x0000ff, 0xffffff].map(rgb), null];
  for (const theme of [themeOf("light"), themeOf("dark")]) {
    for (const fg of some) {
      for (const bg of some) {
        for (const more of [{}, { dim: true }, { reverse: true }]) {
          const { ink, paper } = inTheme(theme, { fg, bg, ...more });
          assert.ok(contrast(ink, paper) >= 4.5, `${JSON.stringify([fg, bg, more])}: ${contrast(ink, paper)}`);
        }
      }
    }
  }
});

for (const [what, ink, paper, least, color] of [
  ["one that can be read stays", 0xd97757, 0x0e1114, 4.5, 0xd97757],
  ["white on light paper becomes black", 0xffffff, 0xfafbfc, 4.5, 0x000000],
  ["a fainter one on light paper stays fainter", 0x999999, 0xfafbfc, 4.5, 0x666666],
  ["a line is allowed to be faint", 0x999999, 0xfafbfc, 1.6, 0x999999],
]) {
  test(`colours: ${what}`, () => assert.equal(readable(ink, paper, least), color));
}

test("the keys are those of the protocol, and none is a letter that could answer a dialog", () => {
  assert.deepEqual(KEYS.map(({ key }) => key), ["esc", "tab", "up", "down", "left", "right", "enter", "^C"]);
  assert.ok(KEYS.every(({ text, label }) => label || /^[A-Z]/.test(text)));
});

class PlayedConnection {
  asked = [];
  answers = { "terminal.watch": { member: "ada", state: "live" } };
  async request(op, fields) {
    this.asked.push([op, fields]);
    if (this.answers[op] instanceof Error) throw this.answers[op];
    return this.answers[op] ?? {};
  }
}

test("looking begins and ends on the wire; pictures of others and of before do not show", async () => {
  const connection = new PlayedConnection();
  const terminal = new TerminalWatch({ connection });
  const end = terminal.watch("ada");
  await settle();
  terminal.hear({ ...whole, member: "ben" });
  assert.deepEqual([terminal.view.value.state, terminal.view.value.picture], ["live", null]);
  terminal.hear(whole);
  assert.deepEqual(textOf(terminal.view.value), ["one", "", "three"]);
  end();
  const endAgain = terminal.watch("ada");
  assert.deepEqual(textOf(terminal.view.value), ["one", "", "three"], "it stays until the new one comes");
  endAgain();
  terminal.watch("ben");
  assert.equal(terminal.view.value.picture, null);
  assert.deepEqual(connection.asked.map(([op, { member }]) => `${op} ${member}`), ["terminal.watch ada", "terminal.unwatch ada", "terminal.watch ada", "terminal.unwatch ada", "terminal.watch ben"]);
});

test("a key that the gateway takes may still be refused at the terminal, and that is told beside the keys", async () => {
  const connection = new PlayedConnection();
  connection.answers["terminal.key"] = { seq: 819 };
  const terminal = new TerminalWatch({ connection });
  terminal.watch("ada");
  await terminal.press("ada", "esc");
  assert.deepEqual(connection.asked.at(-1), ["terminal.key", { member: "ada", key: "esc" }]);
  const told = { ev: "message", from: "ada", id: "order-ada-819", content: "ada was given no keys: a person is typing in its terminal" };
  for (const other of [{ ...told, from: "ben" }, { ...told, id: "order-ada-818" }, { ...told, id: "m-1" }, { ...told, ev: "receipt" }]) terminal.hearRefusal(other);
  assert.equal(terminal.keyRefusal.value, "");
  terminal.hearRefusal(told);
  assert.equal(terminal.keyRefusal.value, told.content);
  connection.answers["terminal.key"] = new Error("No key was pressed: ada shows a dialog.");
  await assert.rejects(terminal.press("ada", "esc"), /ada shows a dialog/);
  assert.equal(terminal.keyRefusal.value, "", "what was said of the last one does not stand beside this one");
});

test("a refusal is a sentence, and one that comes after the person has left changes nothing", async () => {
  const connection = new PlayedConnection();
  connection.answers["terminal.watch"] = new Error("You may not watch terminals.");
  const terminal = new TerminalWatch({ connection });
  const end = terminal.watch("ada");
  await settle();
  assert.deepEqual([terminal.view.value.state, terminal.view.value.sentence], ["refused", "You may not watch terminals."]);
  end();
  terminal.watch("ben")();
  await settle();
  assert.equal(terminal.view.value.state, "asked");
});
