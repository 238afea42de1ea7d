// What a member wrote becomes: a tree of known kinds, whose text can do nothing and whose links lead only to the web.

import assert from "node:assert/strict";
import { test } from "node:test";

import { documentOf } from "../../gateway/web/page/markdown/document.js";
import { linkAddress } from "../../gateway/web/page/markdown/links.js";
import { plainLine } from "../../gateway/web/page/markdown/plain_line.js";
import { exactText, oneLine, safeText } from "../../gateway/web/page/markdown/safe_text.js";

const KINDS = new Set(["text", "plain", "span", "paragraph", "heading", "quote", "strong", "emphasis", "deleted", "codespan", "code", "break", "rule", "link", "list", "item", "table"]);

/** All nodes of a tree. */
function all(nodes) {
  return nodes.flatMap((node) => [node, ...all([node.children, node.items, node.header?.flat(), node.rows?.flat(2)].flatMap((part) => part ?? []))]);
}
const textOf = (nodes) => all(nodes).map((node) => node.text ?? "").join("");
const addressesIn = (source) => all(documentOf(source)).filter((node) => node.kind === "link").map((node) => node.address);

test("Markdown is read", () => {
  const kinds = all(documentOf("# Title\n\n- one **bold**\n- `two`\n\n> said\n\n```py\nx = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n")).map((node) => node.kind);
  for (const kind of ["heading", "list", "item", "strong", "codespan", "quote", "code", "table"]) assert.ok(kinds.includes(kind), kind);
});

for (const source of ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<svg/onload=alert(1)>", "<a href='javascript:x'>y</a>", "<!-- x", "&lt;b&gt;"]) {
  test(`HTML stays text: ${source}`, () => {
    const nodes = documentOf(source);
    assert.equal(textOf(nodes).trim(), source);
    assert.deepEqual(addressesIn(source), []);
  });
}

for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:x", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:http://h/x", "//host/x", "/v1/ws", "#pair=x", "not an address"]) {
  test(`it is no link: ${JSON.stringify(address)}`, () => {
    assert.equal(linkAddress(address), null);
    assert.deepEqual(addressesIn(`[press](${address}) ![x](${address})`), []);
  });
}

test("web and mail addresses are links; a picture is never loaded, only named", () => {
  assert.deepEqual(addressesIn("[a](https://h.example/x) http://h.example b@h.example"), ["https://h.example/x", "http://h.example/", "mailto:b@h.example"]);
  assert.deepEqual(all(documentOf("![cat](https://h.example/cat.png)")).map((node) => node.kind), ["paragraph", "link", "text"]);
});

test("what acts on a terminal or on the order of text is shown as a sign", () => {
  assert.equal(safeText("\u001b[31mred\u0007\u009b\u007f"), "␛[31mred␇[U+009B]␡");
  assert.equal(safeText("a\u202eb\u2066"), "a[U+202E]b[U+2066]");
  assert.equal(safeText("a\tb\r\nc"), "a\tb\nc");
  assert.equal(textOf(documentOf("`\u202ecode`")), "[U+202E]code");
});

test("what somebody agrees to shows each character, also those that show nothing", () => {
  assert.equal(exactText("rm\u200b -rf\u00a0x\u3164\u{e0041}\u2800"), "rm[U+200B] -rf[U+00A0]x[U+3164][U+E0041][U+2800]");
  assert.equal(exactText("a b\u202e\n\tc é 漢 👍"), "a b[U+202E]\n\tc é 漢 👍");
});

for (const [source, line] of [
  ["please **all** see `code`, ~~no~~ *yes* and [x](https://h.example)", "please all see code, no yes and x"],
  ["# Title\n\ntext\n\n- one\n- two\n\n> said\n\n```py\nx = 1\n```\n---\nend", "Title text one two said x = 1 end"],
  ["|a|b|\n|-|-|\n|1|2|", "a b 1 2"],
  ["one\ntwo", "one two"],
  ["<b>not</b> \u202ehtml", "<b>not</b> [U+202E]html"],
  ["word ".repeat(100), `${"word ".repeat(7)}word…`],
  [`[x](https://h.example/${"long".repeat(100)}) end`, /^\[x\]\(https:.*…$/],
  ["", ""],
]) {
  test(`a quote is plain: ${JSON.stringify(source.slice(0, 40))}`, () => {
    const told = plainLine(source, 40);
    if (typeof line === "string") assert.equal(told, line);
    else assert.match(told, line);
    assert.ok(Array.from(told).length <= 41);
  });
}

test("one line is cut between characters", () => {
  assert.equal(oneLine("a\nb\tc", 10), "a b c");
  assert.equal(oneLine("😀".repeat(50), 3), "😀😀…");
});

for (const [name, source] of [
  ["a line of a megabyte", "x".repeat(1_000_000)],
  ["ten thousand emoji", "😀".repeat(10_000)],
  ["quotes in quotes", ">".repeat(5_000) + "x"],
  ["lists in lists", Array.from({ length: 300 }, (_, depth) => " ".repeat(depth * 2) + "- x").join("\n")],
  ["open brackets", "[".repeat(4_900)],
  ["stars", "*a ".repeat(1_600)],
  ["stars on many lines", ("*a _b ~c `d [e](\n").repeat(1_100)],
  ["links in links", "[a](b ".repeat(800)],
  ["rows of a table", "|a|b|\n|-|-|\n" + "|1|2|\n".repeat(2_000)],
]) {
  test(`it ends soon and loses nothing of: ${name}`, { timeout: 20_000 }, () => {
    const nodes = all(documentOf(source));
    assert.ok(nodes.every((node) => KINDS.has(node.kind)));
    assert.ok(nodes.length < 15_000, `${nodes.length} nodes`);
  });
}
