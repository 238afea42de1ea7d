// The part of a room's messages that the page holds: at most MAX_MESSAGES in a row, by seq, each one row on the screen. Pure.

// With the line that says where the room begins, and an open thread or what a search has found: 400 rows in the document.
export const MAX_MESSAGES = 299;

/** `older`: there are messages before the first. `newer`: there are messages after the last that are not held. */
export const EMPTY_WINDOW = Object.freeze({ messages: [], older: false, newer: false, loaded: false });

/** The newest page, as `history` gives it without `after`: newest first. */
export function windowOfNewest(page) {
  return { messages: bySeq(page.messages), older: Boolean(page.more), newer: false, loaded: true };
}

/** Around one message: the page of `history` that ends with it, newest first, and the one after it. */
export function windowAround(before, after) {
  return { messages: bySeq([...before.messages, ...after.messages]), older: Boolean(before.more), newer: Boolean(after.more), loaded: true };
}

/** Which held message to show for a seq: itself, or the last one before it. 0 if the window does not reach there. */
export function messageNear({ messages, older, newer }, seq) {
  if (messages.length === 0 || (messages[0].seq > seq && older) || (messages.at(-1).seq < seq && newer)) return 0;
  return (messages.findLast((one) => one.seq <= seq) ?? messages[0]).seq;
}

/** Whether a page that was asked for by these edges still lies next to the window. Joined to another one, it would leave a gap. */
export const startsAt = ({ messages }, before) => messages[0]?.seq === before;
export const endsAt = ({ messages }, after) => messages.at(-1)?.seq === after;

/** With a page of `history` before the first message. What is too much goes at the other end. */
export function withOlder(window, page) {
  const messages = bySeq([...page.messages, ...window.messages]);
  const dropped = messages.length > MAX_MESSAGES;
  return { ...window, messages: messages.slice(0, MAX_MESSAGES), older: Boolean(page.more), newer: window.newer || dropped };
}

/** With a page of `history` after the last message. */
export function withNewer(window, page) {
  const messages = bySeq([...window.messages, ...page.messages]);
  const dropped = messages.length > MAX_MESSAGES;
  return { ...window, messages: messages.slice(-MAX_MESSAGES), older: window.older || dropped, newer: Boolean(page.more) };
}

/** With a message that has just been sent. It joins only a window that reaches the newest message. */
export function withLive(window, message) {
  if (!window.loaded) return window;
  return window.newer ? window : withNewer(window, { messages: [message], more: false });
}

function bySeq(messages) {
  const one = new Map(messages.map((message) => [message.seq, message]));
  return [...one.values()].sort((a, b) => a.seq - b.seq);
}
