// A small round sign for a member: initials on a colour of its own. It only repeats the name that stands beside it.

import { html } from "../../vendor/htm-preact.js";
import { hueOf, initialsOf } from "../../state/member_words.js";

export function Avatar({ name, className = "" }) {
  return html`<span class=${`avatar hue-${hueOf(name)} ${className}`} aria-hidden="true">${initialsOf(name)}</span>`;
}
