// When presses of a button count as meant: held for long, or pressed a second time a moment later. Pure; times in ms.

export const HOLD_MS = 700;
export const SECOND_AFTER_MS = 350; // presses that follow each other faster are one gesture, however many they are
export const ARMED_MS = 5_000;

export const IDLE = Object.freeze({ armedAt: null });

/** The state after a press at `now`, and whether it was the meant one. */
export function pressed({ armedAt }, now) {
  const since = armedAt === null ? Infinity : now - armedAt;
  if (since >= SECOND_AFTER_MS && since <= ARMED_MS) return { state: IDLE, meant: true };
  return { state: { armedAt: now }, meant: false };
}
