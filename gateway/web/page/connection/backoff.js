// How long to wait before the next attempt: at once, then longer and longer, never for long, and not all at once.

const FIRST_MS = 250;
const LONGEST_MS = 15_000;

export function retryDelayMs(attempt, random = Math.random) {
  if (attempt === 0) return 0;
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return most / 2 + (most / 2) * random();
}
