// Reading a room: mentions, threads, search, jumps, commands of the composer, and the numbers in the bar.

import assert from "node:assert/strict";
import { test } from "node:test";

import { messageNear } from "../../gateway/web/page/state/message_window.js";
import { commandsBefore, readCommand } from "../../gateway/web/page/state/page_commands.js";
import { countOf, titleOf } from "../../gateway/web/page/state/reading/counts.js";
import { messageHeard } from "../../gateway/web/page/state/reading/heard_message.js";
import { mentions, withMentions, withoutSeen } from "../../gateway/web/page/state/reading/mentions.js";
import { hasStayed, isNearEnd } from "../../gateway/web/page/state/reading/list_end.js";
import { isLineSeen, lineOf } from "../../gateway/web/page/state/reading/new_line.js";
import { outcomeOf } from "../../gateway/web/page/state/reading/outcomes.js";
import { foundWords, MAX_RESULTS, NOTHING_FOUND, RESULTS, searchFields, snippetOf, withFound } from "../../gateway/web/page/state/reading/search.js";
import { answerCounts, MAX_SHOWN, threadOf, withAnswer } from "../../gateway/web/page/state/reading/threads.js";
import { reduce, START } from "../../gateway/web/page/state/room_state.js";

const message = (seq, fields = {}) => ({ ev: "message", seq, room: "general", from: "bob", to: ["@all"], content: `text ${seq}`, timestamp: "2026-11-21T11:00:00.000Z", ...fields });

for (const [fields, meant] of [
  [{ content: "@ann look" }, true],
  [{ content: "Thanks @ANN." }, true],
  [{ content: "(@ann)" }, true],
  [{ content: "@ann, and @ben" }, true],
  [{ content: "@anna look" }, false],
  [{ content: "@ann-two look" }, false],
  [{ content: "@ann.two look" }, false],
  [{ content: "mail to joe@ann now" }, false],
  [{ content: "joe@ann and @ann" }, true],
  [{ content: "hi", to: ["@ann"] }, true],
  [{ content: "hi", recipients: ["ann"] }, true],
  [{ content: "hi", wakes: ["ann"] }, true],
  [{ content: "@all hi" }, false],
  [{ content: "@ann", from: "ann" }, false],
]) {
  test(`named or not: ${JSON.stringify(fields)}`, () => assert.equal(mentions(message(1, fields), "ann"), meant));
}

test("whoever has no name is never meant", () => assert.equal(mentions(message(1, { content: "@" }), ""), false));

test("mentions wait until they were on the screen", () => {
  const known = withMentions({}, "lab", [message(5, { content: "@ann" }), message(3, { content: "@ann" }), message(4)], "ann");
  assert.deepEqual(known, { lab: [3, 5] });
  assert.equal(withMentions(known, "lab", [message(9)], "ann"), known);
  assert.deepEqual(withoutSeen(known, "lab", 4, 8), { lab: [3] });
  assert.equal(withoutSeen(known, "lab", 6, 8), known);
});

test("a thread grows by what answers it, once", () => {
  const thread = threadOf(4, [message(1), message(4, { reply_to: 1 })]);
  const grown = withAnswer(thread, message(9, { reply_to: 4 }));
  assert.deepEqual(grown.messages.map((one) => one.seq), [1, 4, 9]);
  assert.equal(withAnswer(grown, message(9, { reply_to: 4 })), grown);
  assert.equal(withAnswer(thread, message(9, { reply_to: 7 })), thread);
  assert.equal(withAnswer(null, message(9, { reply_to: 1 })), null);
  assert.deepEqual([...answerCounts([message(1), message(2, { reply_to: 1 }), message(3, { reply_to: 1 }), message(4, { reply_to: 0 })])], [[1, 2], [0, 1]]);
});

test("of a very long thread, its beginning and its newest messages are shown", () => {
  const long = threadOf(1, Array.from({ length: MAX_SHOWN + 101 }, (_, index) => message(index + 1, { reply_to: index || undefined })));
  assert.deepEqual([long.messages.length, long.messages[0].seq, long.messages[1].seq, long.left], [MAX_SHOWN, 1, 103, 101]);
  const grown = withAnswer(long, message(900, { reply_to: 150 }));
  assert.deepEqual([grown.messages.length, grown.messages[0].seq, grown.messages.at(-1).seq, grown.left], [MAX_SHOWN, 1, 900, 102]);
});

for (const [form, fields] of [
  [{ query: "  disk full " }, { query: "disk full", limit: 50, room: "lab" }],
  [{ query: "disk", everywhere: true, from: "bob" }, { query: "disk", limit: 50, from: "bob" }],
  [{ query: "   " }, null],
]) {
  test(`a search asks for: ${JSON.stringify(form)}`, () => assert.deepEqual(searchFields(form, "lab"), fields));
}

test("a search that goes on keeps its last results, and says how many there were", () => {
  const page = (first, count) => Array.from({ length: count }, (_, index) => message(first - index));
  let result = withFound(NOTHING_FOUND, page(1000, RESULTS));
  assert.deepEqual([result.found.length, result.more, foundWords({ ...result, asked: {} })], [50, true, "50 or more found, newest first"]);
  result = [900, 800, 700].reduce((before, first) => withFound(before, page(first, first === 700 ? 3 : RESULTS)), result);
  assert.deepEqual([result.found.length, result.found.at(-1).seq, result.more], [MAX_RESULTS, 698, false]);
  assert.equal(foundWords({ ...result, asked: {} }), "153 found, newest first; the last 100 are shown");
});

for (const [result, words] of [
  [{}, ""],
  [{ busy: true, asked: {} }, "Searching …"],
  [{ asked: {} }, "Nothing found. Search finds messages with all of the words."],
  [{ asked: {}, refusal: "No." }, ""],
]) {
  test(`what a search says: ${JSON.stringify(result)}`, () => assert.equal(foundWords({ ...NOTHING_FOUND, ...result }), words));
}

test("more of a search comes before the last one that was found", () => assert.equal(searchFields({ query: "disk" }, "lab", 812).before, 812));

for (const [text, query, shown] of [
  ["The disk is full", "disk", "The [disk] is full"],
  ["The disk\nis   FULL", '"is full" disk', "The [disk] [is] [FULL]"],
  ["cleaning and cleaned", "clean*", "[clean]ing and [clean]ed"],
  ["nothing here", "disk", "nothing here"],
  ["a.c abc", "a.c", "[a.c] abc"],
  ["", "disk", ""],
]) {
  test(`a snippet: ${JSON.stringify([text, query])}`, () => {
    assert.equal(snippetOf(text, query).map((piece) => (piece.found ? `[${piece.text}]` : piece.text)).join(""), shown);
  });
}

test("a snippet of a long text is short, and is the part that was looked for", () => {
  const shown = snippetOf(`${"before ".repeat(500)}needle ${"after ".repeat(500)}`, "needle").map((piece) => piece.text).join("");
  assert.ok(shown.includes("needle") && shown.length < 300 && shown.startsWith("…") && shown.endsWith("…"));
});

const welcome = { type: "welcomed", scope: "approver", welcome: {
  ev: "welcome", house: "h1", last_seq: 40, you: { name: "ann", kind: "human" },
  rooms: [{ name: "general", members: ["ann", "bob"] }, { name: "lab", members: ["ann"], floor: { mode: "debate", speaker: "bob" } }], members: [],
} };
const after = (...actions) => actions.reduce(reduce, START);
const heard = (event) => ({ type: "heard", event });
const newest = { type: "newest", room: "general", page: { messages: [message(40), message(39)], more: true } };

test("a jump shows the part of the room around a message, and both ends go on", () => {
  const pages = [{ messages: [message(12), message(11)], more: true }, { messages: [message(13)], more: true }];
  const state = after(welcome, newest, { type: "around", room: "general", seq: 12, pages });
  assert.deepEqual([state.window.messages.map((one) => one.seq), state.window.older, state.window.newer, state.target], [[11, 12, 13], true, true, { seq: 12 }]);
});

for (const [seqs, older, newer, seq, near] of [
  [[3, 5, 9], true, true, 5, 5],
  [[3, 5, 9], true, true, 7, 5],
  [[3, 5, 9], true, true, 2, 0],
  [[3, 5, 9], false, true, 2, 3],
  [[3, 5, 9], true, true, 12, 0],
  [[3, 5, 9], true, false, 12, 9],
  [[], false, false, 1, 0],
]) {
  test(`which of ${seqs} is shown for ${seq}: ${near}`, () => assert.equal(messageNear({ messages: seqs.map((one) => message(one)), older, newer }, seq), near));
}

test("whoever comes back to the room finds the line where they left it", () => {
  const away = after(welcome, newest, { type: "read", room: "general", seq: 40 }, { type: "went", place: { page: "fleet" } }, heard(message(41)));
  const back = reduce(away, { type: "went", place: { page: "room", room: "general", panel: "", message: 0 } });
  assert.deepEqual([back.unreadFrom, back.unread.general], [40, 1]);
  const panel = reduce(reduce(back, { type: "read", room: "general", seq: 41 }), { type: "went", place: { page: "room", room: "general", panel: "members", message: 0 } });
  assert.equal(panel.unreadFrom, 40, "a panel beside the messages moves no line");
});

test("a mention is counted live and from the history, and goes when it was seen", () => {
  const state = after(welcome, newest, heard(message(41, { room: "lab", content: "@ann" })), { type: "counted", room: "attic", messages: [message(30, { content: "@ann" }), message(31, { from: "ann" })] });
  assert.deepEqual([state.mentions, state.unread], [{ lab: [41], attic: [30] }, { lab: 1, attic: 1 }]);
  assert.deepEqual(reduce(state, { type: "seen", room: "lab", first: 41, last: 41 }).mentions.lab, []);
});

for (const [line, messages, older, first, seen] of [
  [40, [39, 40, 41, 42], true, 39, true],
  [40, [39, 40, 41, 42], true, 41, true],
  [40, [39, 40, 41, 42], true, 42, false],
  [40, [41, 42, 43], true, 41, false],
  [40, [41, 42, 43], false, 41, true],
  [0, [39, 40], true, 39, false],
  [40, [], false, 0, false],
]) {
  test(`the line after ${line} among ${messages}, ${first} on top: ${seen ? "seen" : "not seen"}`, () => {
    assert.equal(isLineSeen(line, { messages: messages.map((seq) => message(seq)), older }, first), seen);
  });
}

test("the line waits only where something is unread, and until it was seen", () => {
  assert.deepEqual([lineOf({ read: { lab: 7 }, unread: {} }, "lab"), lineOf({ read: { lab: 7 }, unread: { lab: 2 } }, "lab")], [0, 7]);
  const state = after(welcome, newest, heard(message(41, { room: "lab" })), { type: "entered", room: "lab" }, { type: "newest", room: "lab", page: { messages: [message(41), message(12)], more: true } });
  assert.equal(state.newLine, 40);
  assert.equal(reduce(state, { type: "seen", room: "lab", first: 12, last: 41 }).newLine, 0);
});

test("a thread is kept while its panel is open", () => {
  const place = { page: "room", room: "general", panel: "thread", message: 39 };
  const open = after(welcome, newest, { type: "went", place }, { type: "thread", message: 39, messages: [message(39)] }, heard(message(41, { reply_to: 39 })));
  assert.equal(open.thread.messages.length, 2);
  assert.equal(reduce(open, { type: "went", place: { ...place, panel: "" } }).thread, null);
});

test("the mode of a room follows its events", () => {
  const state = after(welcome, heard({ ev: "room", room: "lab", action: "turn", by: "system", floor: { mode: "debate", speaker: "cleo" } }));
  assert.equal(state.rooms.lab.floor.speaker, "cleo");
  assert.equal(reduce(state, heard({ ev: "room", room: "lab", action: "mode", by: "ann", floor: { mode: "freeform" } })).rooms.lab.floor.mode, "freeform");
});

test("the numbers in the bar and the title", () => {
  const ask = { member: "bob", number: 41, digest: "d", question: "?", opened: "" };
  const vote = { id: "d-1", number: 42, seq: 42, room: "lab", by: "bob", question: "?", rule: "majority", voters: ["ann"] };
  let state = after(welcome, newest, heard(message(43)), heard(message(44, { room: "lab" })), heard({ ev: "ask", ask }), heard({ ev: "decision", decision: vote }));
  assert.deepEqual(["room", "questions", "fleet", "modes"].map((page) => countOf(page, state)), [1, 1, 0, 1]);
  assert.equal(titleOf(state), "1 question · (2) #general – groupchat");
  state = reduce(state, { type: "went", place: { page: "modes" } });
  assert.equal(countOf("room", state), 2, "the open room counts while another page is shown");
  assert.equal(titleOf(state), "1 question · (2) Modes – groupchat");
  state = reduce(state, heard({ ev: "mute", room: "lab", on: true }));
  assert.equal(countOf("room", state), 1);
});

for (const [line, wish] of [
  ["/stop", { op: "stop", fields: {} }],
  ["/STOP @bob", { op: "stop", fields: { member: "bob" } }],
  ["/stop all", { op: "stop", fields: {} }],
  ["/pause bob", { op: "pause", fields: { member: "bob" } }],
  ["/continue", { op: "continue", fields: {}, room: true }],
  ["/topic  mice and\nrats", { op: "room.topic", fields: { topic: "mice and\nrats" }, room: true }],
  ["/search disk full", { op: "search", fields: { query: "disk full" } }],
  ["/mute", { op: "room.mute", fields: { on: true }, room: true }],
]) {
  test(`a command: ${JSON.stringify(line)}`, () => assert.deepEqual(readCommand(line), wish));
}

for (const line of ["/", "/nonsense", "/constructor", "/stop a b", "/continue a b"]) {
  test(`no command, with a sentence: ${line}`, () => assert.match(readCommand(line).refused, /\.$/));
}

test("commands are completed at the beginning of a text, and nowhere else", () => {
  assert.deepEqual(commandsBefore("/s", 2).found.map((one) => one.text), ["/stop", "/search"]);
  assert.deepEqual(commandsBefore("!", 1).found.map((one) => one.text), ["!urgent"]);
  for (const [text, cursor] of [["say /s", 6], ["/stop", 5], ["/stop bo", 8], ["", 0], ["/zzz", 4]]) assert.equal(commandsBefore(text, cursor), null, text);
});

for (const [op, fields, done, sentence] of [
  ["send", {}, { asleep: ["bob"] }, /loop guard holds it for bob/],
  ["send", {}, {}, /^$/],
  ["stop", {}, { members: ["bob", "cleo"] }, /^Stopping bob, cleo\.$/],
  ["stop", {}, {}, /No agent/],
  ["pause", {}, {}, /all agents are held/],
  ["continue", {}, { rooms: [] }, /No loop guard/],
]) {
  test(`what is said after ${op} ${JSON.stringify(done)}`, () => assert.match(outcomeOf({ op, fields }, done), sentence));
}

const held = (seqs, fields = {}) => ({ loaded: true, older: false, newer: false, messages: seqs.map((seq) => ({ seq, from: seq % 2 ? "ben" : "ann" })), ...fields });

for (const [words, before, now, seq] of [
  ["said by another", held([1]), held([1, 3]), 3],
  ["the newest of several after a loss", held([1]), held([1, 3, 5]), 5],
  ["said in an empty room", held([]), held([1]), 1],
  ["said by the person", held([1]), held([1, 2]), null],
  ["the first page", held([], { loaded: false }), held([1, 3]), null],
  ["a page that was read on", held([1], { newer: true }), held([1, 3]), null],
  ["older ones", held([5]), held([1, 3, 5]), null],
  ["nothing", held([1]), held([1]), null],
]) {
  test(`what is read out: ${words}`, () => assert.equal(messageHeard(before, now, "ann")?.seq ?? null, seq));
}

for (const [what, top, endedAt, stayed, near] of [
  ["where the page has put it", 500, 500, true, true],
  ["a half pixel less, as a browser rounds", 499.5, 500, true, true],
  ["further down, as when the page went to the end once more", 500, 300, true, true],
  ["a row has grown, or a question has taken room away", 300, 300, true, false],
  ["scrolled up by one line", 480, 500, false, true],
  ["scrolled up by a page", 100, 500, false, false],
  ["the person has left it before, and is back", 490, null, false, true],
  ["the person has left it before", 100, null, false, false],
]) {
  test(`the end of the list: ${what}`, () => {
    const list = { scrollTop: top, scrollHeight: 800, clientHeight: 300 };
    assert.deepEqual([hasStayed(list, endedAt), isNearEnd(list)], [stayed, near]);
  });
}
