// The lists of a welcome hold only their beginning where they are long. This fetches the rest, page by page.

const LISTS = {
  rooms: { op: "rooms", items: "rooms", key: (room) => room.name },
  members: { op: "members", items: "agents", key: (member) => member.name },
  asks: { op: "asks", items: "asks", key: (ask) => ask.member },
};

/**
 * Asks for what the lists named in `welcome.partial` leave out. `request(op, fields)` resolves with a page; `dispatch`
 * gets each page as an action, and the questions as one list, because one that is in no page has ended.
 */
export async function fetchRestOfWelcome(welcome, request, dispatch) {
  for (const name of welcome.partial ?? []) {
    const list = Object.hasOwn(LISTS, name) ? LISTS[name] : null;
    if (!list) continue;
    const known = [...(welcome[name] ?? [])];
    let more = true;
    while (more) {
      const page = await request(list.op, known.length ? { after: list.key(known.at(-1)) } : {});
      const found = page[list.items] ?? [];
      if (name !== "asks") dispatch({ type: name, list: found, lastSeq: welcome.last_seq });
      known.push(...found);
      more = Boolean(page.more) && found.length > 0;
    }
    if (name === "asks") dispatch({ type: "asks", list: known, lastSeq: welcome.last_seq });
  }
}
