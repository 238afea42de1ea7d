// The pages: a column on a wide screen, a bar below on a phone.

import { html } from "../vendor/htm-preact.js";
import { addressOf, PAGES, roomAddress } from "../state/places.js";
import { countOf } from "../state/reading/counts.js";
import { Icon } from "./parts/icons.js";

const MANY = 99;
const NAMES = { room: "Rooms", questions: "Questions", fleet: "Fleet", modes: "Modes", settings: "Settings" };
const WITHIN = { agent: "fleet" }; // a page that has no place of its own in the bar
const COUNTED = { room: "unread", questions: "open", modes: "for you to decide" };

export function Navigation({ state }) {
  return html`<nav class="bar" aria-label="Pages"><ul>
    ${PAGES.filter((page) => NAMES[page]).map((page) => html`<${PageLink} key=${page} page=${page} state=${state} />`)}
  </ul></nav>`;
}

function PageLink({ page, state }) {
  const count = countOf(page, state);
  const address = page === "room" ? roomAddress(state.room) : addressOf({ page });
  return html`<li><a href=${address} aria-current=${currentOf(page, state.place.page)}>
    <${Icon} name=${page} /><span class="page-name">${NAMES[page]}</span>
    ${count > 0 && html`<span class=${`count of-${page}`}>${count > MANY ? `${MANY}+` : count}<span class="hidden"> ${COUNTED[page]}</span></span>`}
  </a></li>`;
}

function currentOf(page, shown) {
  if (page === shown) return "page";
  return WITHIN[shown] === page ? "true" : undefined;
}
