// What the address of the page brings along behind its #, where no server sees it: a code, or the secret of a link.

const PAIR = "pair"; // make this browser a device, also if it is one
const OPEN = "open"; // the same, unless it is one already
const LINK = "link"; // read along by a link

/** The gift of a fragment such as "#pair=CODE": its kind and its text, or null. */
export function giftIn(fragment) {
  const [kind, ...rest] = fragment.replace(/^#/, "").split("=");
  const text = rest.join("=");
  return text && [PAIR, OPEN, LINK].includes(kind) ? { kind, text } : null;
}

/** Reads the gift and removes it from the address and the history of this tab, before anything else can see it. */
export function takeGift(location, history) {
  const gift = giftIn(location.hash);
  if (gift) history.replaceState(null, "", location.pathname + location.search);
  return gift;
}

/** What stands in a link: ID.SECRET for a room, ID.SECRET.THREAD for a thread. Neither id nor secret has a dot. */
export function linkOf(text) {
  const [id, secret = "", thread = ""] = text.split(".");
  return { id, secret, thread: /^[0-9]{1,15}$/.test(thread) ? Number(thread) : 0 };
}
