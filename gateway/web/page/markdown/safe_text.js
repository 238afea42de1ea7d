// What somebody wrote, made visible: characters that would do something are shown as signs instead. Pure.

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g; // all but the tab and the line feed
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g; // they reorder what stands beside them
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|(?! )\p{Space_Separator}|[\u2028\u2029\u2800]/gu; // nothing, or no plain blank
const PICTURES = 0x2400; // the block of Unicode with a picture of each control character
const DELETE = 0x7f;
const DELETE_PICTURE = "\u2421";

function controlSign(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  return code === DELETE ? DELETE_PICTURE : codeSign(character);
}

function codeSign(character) {
  return `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** The text without anything that acts on a terminal or on the order of other text. Line ends become line feeds. */
export function safeText(text) {
  return String(text ?? "")
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL, controlSign)
    .replace(DIRECTION, codeSign);
}

/** The same of a text to which somebody agrees: what is shown must be all that it says, so also what shows nothing is a sign. */
export function exactText(text) {
  return safeText(text).replace(INVISIBLE, codeSign);
}

/** The safe text on one line of at most `limit` characters. Never cuts a character in two. */
export function oneLine(text, limit) {
  const line = safeText(String(text ?? "").slice(0, limit * 4)).replace(/\s+/g, " ").trim();
  const characters = Array.from(line);
  return characters.length > limit ? `${characters.slice(0, limit - 1).join("")}…` : line;
}
