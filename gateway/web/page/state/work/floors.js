// Whose turn it is in a room that runs a mode. Pure.

export const isRunning = (floor) => Boolean(floor) && floor.mode !== "freeform";

/** The rooms with a mode, by name: {room, floor}. */
export function runningFloors(rooms) {
  return Object.values(rooms)
    .filter((room) => isRunning(room.floor))
    .map((room) => ({ room: room.name, floor: room.floor }))
    .sort((a, b) => (a.room < b.room ? -1 : 1));
}

const NO_BUDGET_TURNS = 1000; // as many as any mode may have

/** Where the mode is, as short words: phase, round, turns. */
export function progressWords(floor) {
  const words = [];
  if (floor.phase && floor.phase !== "turns") words.push(floor.phase);
  if (floor.rounds > 1) words.push(`round ${floor.round} of ${floor.rounds}`);
  if (floor.turns > 0) words.push(`turn ${floor.turns}${floor.budget && floor.budget < NO_BUDGET_TURNS ? ` of at most ${floor.budget}` : ""}`);
  return words;
}

/** The speakers in their order: {name, role, speaks}. */
export function speakersOf(floor) {
  const roles = Object.entries(floor.cast ?? {});
  const names = [...new Set([...(floor.order ?? []), ...Object.values(floor.cast ?? {})])];
  return names.map((name) => ({ name, speaks: name === floor.speaker, role: roles.filter(([, one]) => one === name).map(([role]) => role).join(", ") }));
}
