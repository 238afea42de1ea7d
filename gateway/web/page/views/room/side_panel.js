// What stands beside the messages, with its name and the way back.

import { html } from "../../vendor/htm-preact.js";
import { roomAddress } from "../../state/places.js";
import { Icon } from "../parts/icons.js";

export function SidePanel({ id, title, room, open, children }) {
  return html`<section id=${id} class=${`side ${id} ${open ? "open" : ""}`} aria-label=${title} tabindex="0">
    <div class="side-head"><h2>${title}</h2>
      ${open && html`<a class="icon-button" href=${roomAddress(room)} aria-label=${`Close ${title}`} title="Close"><${Icon} name="close" /></a>`}</div>
    ${children}
  </section>`;
}
