// What the gateway tells about an agent's silence, as rows under its one sentence. Pure.

const ROWS = [["evidence", "Seen"], ["waits", "Waits for it"], ["last", "Last message"], ["folder", "Folder"]];

/** Rows of {name, value}; what nothing is known of is left out. `why` is one agent of the answer to `why`, or null. */
export function whyRows(why) {
  return ROWS.filter(([field]) => why?.[field]).map(([field, name]) => ({ name, value: why[field] }));
}

/** Changes when the answer may have changed: what the page hears of the agent by itself. */
export function whyMark(member, asks) {
  const { presence, activity, paused, queued, hops_left: hops } = member;
  return [presence, activity, paused, queued, hops, ...asks.map((ask) => `${ask.number}${ask.state}`)].join(" ");
}
