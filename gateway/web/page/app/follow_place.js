// Keeps the page and the address together: links, back, forward, bookmarks and addresses that somebody types.

import { giftIn } from "../connection/page_address.js";
import { addressOf, placeIn } from "../state/places.js";

const START = Object.freeze({ page: "room", room: "general", panel: "", message: 0 });

export const placeAtStart = (location) => placeIn(location.hash) ?? START;

export function followPlace(window, client) {
  // The first place has no address yet. Without one, *back* would lead to an address that shows nothing new.
  client.named = (place) => {
    if (!window.location.hash) window.history.replaceState(null, "", addressOf(place));
  };
  window.addEventListener("hashchange", () => {
    // A code that is typed or pasted into the address of the open page: begin anew, which takes it out of the address at once.
    if (giftIn(window.location.hash)) window.location.reload();
    const place = placeIn(window.location.hash);
    if (place) client.goTo(place);
  });
}
