// The commands that the composer of the page knows: a table, their meaning, and their completion. Pure.

const COMMANDS = Object.freeze({
  stop: { form: "/stop [NAME]", about: "stop what an agent does, or all that work", read: (words) => forMember("stop", words) },
  pause: { form: "/pause [NAME]", about: "hold messages for an agent, or for all", read: (words) => forMember("pause", words) },
  resume: { form: "/resume [NAME]", about: "deliver what was held", read: (words) => forMember("resume", words) },
  continue: { form: "/continue [NAME]", about: "let agents go on after the loop guard", read: (words) => inRoom(forMember("continue", words)) },
  topic: { form: "/topic TEXT", about: "say what this room is about", read: (words) => inRoom({ op: "room.topic", fields: { topic: words } }) },
  search: { form: "/search WORDS", about: "find messages", read: (words) => ({ op: "search", fields: { query: words } }) },
  mute: { form: "/mute", about: "no unread count for this room", read: () => inRoom({ op: "room.mute", fields: { on: true } }) },
  unmute: { form: "/unmute", about: "count its unread messages again", read: () => inRoom({ op: "room.mute", fields: { on: false } }) },
});
const URGENT = { text: "!urgent", form: "!urgent TEXT", about: "does not wait until the agent is idle" };

/** A line that begins with "/", as a wish. `room` of a wish: the open room belongs into its fields. */
export function readCommand(line) {
  const [, word, words] = /^\/(\S*)\s*([\s\S]*)$/.exec(line);
  const command = Object.hasOwn(COMMANDS, word.toLowerCase()) ? COMMANDS[word.toLowerCase()] : null;
  if (command) return command.read(words.trim());
  return { refused: `This page has no command /${word.slice(0, 40)}. It has ${names().join(", ")}; \`groupchat chat\` has all. Begin with \\ to send the text as it is.` };
}

export function forMember(op, words) {
  const names = words.split(/\s+/).filter(Boolean);
  if (names.length > 1) return { refused: `Name one agent, or nobody for all of them: /${op}.` };
  const member = names[0]?.replace(/^@/, "");
  return { op, fields: member && member !== "all" ? { member } : {} };
}

function inRoom(wish) {
  return wish.refused ? wish : { ...wish, room: true };
}

const names = () => Object.keys(COMMANDS).map((name) => `/${name}`);

/** What a text at its beginning may become: {start, found: [{text, form, about}]}, or null. */
export function commandsBefore(text, cursor) {
  const typed = text.slice(0, cursor);
  if (!/^[/!][a-z]*$/i.test(typed)) return null;
  const all = [...Object.entries(COMMANDS).map(([name, { form, about }]) => ({ text: `/${name}`, form, about })), URGENT];
  const found = all.filter((one) => one.text.startsWith(typed.toLowerCase()) && one.text !== typed);
  return found.length ? { start: 0, found } : null;
}
