// Which message has just been said, of those that the page holds. Pure.

/** The newest message of another member that `now` has and `before` had not; null if it was only fetched by reading on. */
export function messageHeard(before, now, me) {
  if (!before.loaded || before.newer || now.newer || now === before) return null;
  const last = before.messages.at(-1)?.seq ?? 0;
  return now.messages.findLast((one) => one.seq > last && one.from !== me) ?? null;
}
