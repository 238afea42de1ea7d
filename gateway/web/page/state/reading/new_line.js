// The line "New": where the unread messages of a room began when the person came, until it was on the screen. Pure.

/** The seq of the last message that was read, if newer ones are unread; else 0. */
export const lineOf = ({ read, unread }, room) => (unread[room] > 0 ? (read[room] ?? 0) : 0);

/** Whether the line is on the screen, or above it was nothing unread: `first` is the first message on the screen. */
export function isLineSeen(line, window, first) {
  if (!line || window.messages.length === 0) return false;
  const reaches = window.messages[0].seq <= line || !window.older;
  const begins = window.messages.find((one) => one.seq > line)?.seq ?? line;
  return reaches && first <= begins;
}
