// What somebody has said so far, below the newest message until that message is there. Plain text: it may end anywhere.

import { html } from "../../vendor/htm-preact.js";
import { safeText } from "../../markdown/safe_text.js";
import { Avatar } from "../parts/avatar.js";

export function UnfinishedRow({ unfinished }) {
  const { member, to, text } = unfinished;
  return html`<li class="unfinished small">
    <${Avatar} name=${member} />
    <div>
      <bdi>${member}</bdi> writes${to.length > 0 && " to you alone"}
      <p dir="auto">${safeText(text)}</p>
    </div>
  </li>`;
}
