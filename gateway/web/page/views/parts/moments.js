// Times as the person's own clock and calendar show them.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const formatted = (format) => (timestamp) => {
  const moment = new Date(timestamp);
  return Number.isNaN(moment.getTime()) ? "" : format.format(moment);
};

export const clockOf = formatted(CLOCK);
export const dayOf = formatted(DAY);
export const wholeOf = formatted(WHOLE);

/** The clock for a moment of today, and the day before it for any other. */
export function momentOf(timestamp, now = new Date()) {
  const day = SHORT_DAY.format(new Date(timestamp));
  return day === SHORT_DAY.format(now) ? clockOf(timestamp) : `${day}, ${clockOf(timestamp)}`;
}
