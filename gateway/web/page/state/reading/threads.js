// Which messages of the window have answers, and the thread that is open beside it. Pure.

export const MAX_SHOWN = 100; // rows of an open thread

/** seq -> how many messages of the window answer it directly. */
export function answerCounts(messages) {
  const counts = new Map();
  for (const { reply_to: seq } of messages) if (seq != null) counts.set(seq, (counts.get(seq) ?? 0) + 1);
  return counts;
}

/** `{asked, messages, left}`: `left` are not shown. The gateway gives the whole thread, also if a message in its middle was asked for. */
export function threadOf(asked, messages) {
  return { asked, messages: shortened(messages), left: Math.max(0, messages.length - MAX_SHOWN) };
}

/** Of a very long thread, its beginning and its newest messages. */
const shortened = (messages) => (messages.length > MAX_SHOWN ? [messages[0], ...messages.slice(1 - MAX_SHOWN)] : messages);

/** With a message that has just been said, if it answers one of the thread. */
export function withAnswer(thread, message) {
  if (!thread || !thread.messages.some((one) => one.seq === message.reply_to)) return thread;
  if (thread.messages.some((one) => one.seq === message.seq)) return thread;
  const messages = [...thread.messages, message];
  return { ...thread, messages: shortened(messages), left: thread.left + Math.max(0, messages.length - MAX_SHOWN) };
}
