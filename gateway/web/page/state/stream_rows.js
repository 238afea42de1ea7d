// The messages of a room as rows of the screen: what stands above each, and whose it is. Pure.

const PAUSE_MS = 5 * 60_000; // after it the author and the time are named again

/** One row for each message. `day` is set where a day begins, `fresh` where the unread ones begin, `head` where the author is named. */
export function streamRows(messages, { me, unreadFrom, dayOf }) {
  let before = null;
  let fresh = true; // the line is still to come
  return messages.map((message) => {
    const day = dayOf(message.timestamp);
    const first = fresh && unreadFrom > 0 && before !== null && before.message.seq <= unreadFrom && message.seq > unreadFrom && message.from !== me;
    if (first) fresh = false;
    const row = {
      message,
      day: day === before?.dayName ? "" : day,
      dayName: day,
      fresh: first,
      own: message.from === me,
      direct: (message.recipients ?? []).length > 0,
    };
    row.head = Boolean(row.day) || first || !goesOn(before?.message, message);
    before = row;
    return row;
  });
}

/** Whether a message needs no head of its own: the one above has the same author, readers and urgency, of a moment ago. */
function goesOn(before, message) {
  if (!before || before.from !== message.from || message.reply_to != null) return false;
  const same = ["recipients", "wakes"].every((field) => String(before[field] ?? "") === String(message[field] ?? ""));
  const pause = Date.parse(message.timestamp) - Date.parse(before.timestamp);
  return same && Boolean(before.urgent) === Boolean(message.urgent) && pause < PAUSE_MS;
}
