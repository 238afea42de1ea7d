// The rooms, with how many messages are unread in each.

import { html } from "../../vendor/htm-preact.js";
import { isSealed } from "../../state/member_words.js";
import { roomAddress } from "../../state/places.js";
import { Icon } from "../parts/icons.js";

const MANY = 99;

export function Rooms({ state }) {
  const names = Object.keys(state.rooms).sort();
  return html`<nav id="rooms" class="rooms" aria-label="Rooms">
    <div class="side-head"><h2>Rooms</h2>
      <a class="icon-button narrow" href=${roomAddress(state.room)} aria-label="Close Rooms"><${Icon} name="close" /></a></div>
    <ul>${names.map((name) => html`<${RoomLink} key=${name} room=${state.rooms[name]} state=${state} />`)}</ul>
  </nav>`;
}

function RoomLink({ room, state }) {
  const { name } = room;
  const isShown = state.place.page === "room" && name === state.room;
  const isMuted = state.muted.includes(name);
  const count = isMuted || isShown ? 0 : (state.unread[name] ?? 0);
  const named = !isShown && (state.mentions[name]?.length ?? 0) > 0;
  return html`<li><a href=${roomAddress(name)} class=${count ? "unread" : ""} aria-current=${isShown ? "page" : undefined}>
    <span class="room-name"><span class="hash" aria-hidden="true">#</span><bdi>${name}</bdi></span>
    ${isSealed(room) && html`<span class="sealed"><${Icon} name="sealed" />sealed</span>`}
    ${isMuted && html`<span class="small">muted</span>`}
    ${named && html`<span class="count named">@<span class="hidden"> names you</span></span>`}
    ${count > 0 && html`<span class="count">${count > MANY ? `${MANY}+` : count}<span class="hidden"> unread</span></span>`}
  </a></li>`;
}
