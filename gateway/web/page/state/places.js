// The places of the page, as addresses behind its #, so that reload, back and bookmarks keep them. Pure.
//
// The secrets of a pairing or a link also come behind the #, as `#pair=…` (see connection/page_address.js). A place always begins
// with `#/`, so the two cannot be confused, and a place never holds anything secret.

const ROOM = /^#\/room\/([a-z0-9_.-]{1,64})(?:\/(rooms|members|search|thread|at)(?:\/([0-9]{1,15}))?)?$/;
const PAGE = /^#\/([a-z]+)$/;
const AGENT = /^#\/agent\/([a-z0-9_.-]{1,64})$/;
const NUMBERED = new Set(["thread", "at"]); // panels and places that name a message
const OF_ONE = new Set(["room", "agent"]); // pages that show one of several, which their address names

/** The pages that exist, in the order of the bar, which leaves out that of one agent. A page that is not listed has no address, so nothing leads to it. */
export const PAGES = Object.freeze(["room", "questions", "fleet", "agent", "modes", "settings"]);

/**
 * The place that an address names, or null: `{page}`, for an agent `{page, name}`, and for a room `{page, room, panel, message}`. `panel` is what stands beside
 * the messages ("rooms", "members", "search", "thread"), or "at" for one message among the others.
 */
export function placeIn(hash) {
  const room = ROOM.exec(hash);
  if (room) return roomPlace(room);
  const agent = AGENT.exec(hash);
  if (agent) return { page: "agent", name: agent[1] };
  const page = PAGE.exec(hash)?.[1];
  return PAGES.includes(page) && !OF_ONE.has(page) ? { page } : null;
}

function roomPlace([, room, panel = "", number]) {
  if (NUMBERED.has(panel) !== Boolean(number)) return null;
  return { page: "room", room, panel, message: number ? Number(number) : 0 };
}

/** The address of a place, or null if there is no such page. */
export function addressOf({ page, name, room, panel = "", message = 0 }) {
  if (!PAGES.includes(page)) return null;
  if (page === "agent") return `#/agent/${name}`;
  if (page !== "room") return `#/${page}`;
  return `#/room/${room}${panel ? `/${panel}` : ""}${NUMBERED.has(panel) ? `/${message}` : ""}`;
}

export const roomAddress = (room, panel = "", message = 0) => addressOf({ page: "room", room, panel, message });
