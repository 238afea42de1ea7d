// The messages that name the person, until each has been on the screen. Pure.

const MOST = 99; // of one room

/** Whether a message of somebody else is meant for `me` by name. */
export function mentions(message, me) {
  if (!me || message.from === me) return false;
  const named = [...(message.to ?? []), ...(message.recipients ?? []), ...(message.wakes ?? [])];
  return named.includes(me) || named.includes(`@${me}`) || isNamedIn(message.content, me);
}

function isNamedIn(text, me) {
  const words = String(text ?? "").toLowerCase();
  for (let at = words.indexOf(`@${me}`); at >= 0; at = words.indexOf(`@${me}`, at + 1)) {
    const before = words[at - 1] ?? " ";
    const after = words.slice(at + me.length + 1);
    if (!/[a-z0-9_.@-]/.test(before) && !/^[a-z0-9_-]|^\.[a-z0-9_]/.test(after)) return true;
  }
  return false;
}

/** `known`: room -> seqs, oldest first. With these messages of one room, of which those that name the person count. */
export function withMentions(known, room, messages, me) {
  const found = messages.filter((one) => mentions(one, me)).map((one) => one.seq);
  if (found.length === 0) return known;
  const all = [...new Set([...(known[room] ?? []), ...found])].sort((a, b) => a - b);
  return { ...known, [room]: all.slice(-MOST) };
}

/** Without those that have been on the screen: the ones from `first` to `last`. */
export function withoutSeen(known, room, first, last) {
  const left = (known[room] ?? []).filter((seq) => seq < first || seq > last);
  return left.length === (known[room] ?? []).length ? known : { ...known, [room]: left };
}
