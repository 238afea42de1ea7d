// An agent's terminal as this page last saw it. Pure: each event gives the next picture, and rows that did not change stay the
// same objects, so that only the others are drawn anew.

/** `state`: "asked" before the gateway answers, "live", "waiting", "ended", "refused". `sentence` says why no picture comes. */
export const NO_TERMINAL = Object.freeze({ state: "asked", sentence: "", picture: null });

/** The view after the answer to `terminal.watch`, or after an event `terminal.state`: both have `state` and `text`. */
export function withWatchState(view, { state, text = "" }) {
  if (view.state === "live" && state === "waiting" && !text) return view;
  return { ...view, state, sentence: state === "live" ? "" : text };
}

export const refused = (view, sentence) => ({ ...view, state: "refused", sentence, picture: null });

/** The view after an event `terminal`. */
export function withPicture(view, event) {
  const before = event.whole ? null : view.picture;
  if (!event.whole && (!before || before.columns !== event.columns || before.rows.length !== event.rows)) return view; // the whole one is still to come
  const rows = before ? before.rows.slice() : Array.from({ length: event.rows }, (_, y) => ({ y, runs: [] }));
  for (const row of event.changed ?? []) if (row.y < rows.length) rows[row.y] = row;
  return { state: "live", sentence: "", picture: { columns: event.columns, rows, cursor: event.cursor ?? null } };
}

/** Why no picture comes, or that the one on the screen is old, as a sentence; empty while pictures come. */
export function terminalSentence({ state, sentence, picture }, { name, scope, isOpen }) {
  if (scope !== "approver") return `This browser may not look into terminals. Pair it with \`groupchat web --pair --scope approver\`.`;
  if (!isOpen) return picture ? "The gateway is gone. This is what the terminal showed before." : "The gateway is gone.";
  if (state === "asked") return picture ? "" : `Looking into the terminal of ${name} …`;
  if (state === "live") return picture ? "" : `The first picture of ${name}'s terminal is on its way.`;
  return sentence || `The terminal of ${name} cannot be seen now.`;
}
