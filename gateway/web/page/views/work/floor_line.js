// Whose turn it is, in one line above the messages of a room that runs a mode.

import { html } from "../../vendor/htm-preact.js";
import { oneLine } from "../../markdown/safe_text.js";
import { addressOf } from "../../state/places.js";
import { progressWords } from "../../state/work/floors.js";
import { Avatar } from "../parts/avatar.js";

export function FloorLine({ floor }) {
  const about = [floor.topic && oneLine(floor.topic, 80), ...progressWords(floor)].filter(Boolean).join(" · ");
  return html`<p class="floor-line" role="status">
    ${floor.speaker && html`<${Avatar} name=${floor.speaker} />`}
    <span><strong>${floor.speaker ? html`<bdi>${floor.speaker}</bdi> has the turn` : floor.mode}</strong>
      <span class="small" dir="auto"> ${floor.speaker ? `${floor.mode} · ` : ""}${about}</span></span>
    <a class="small" href=${addressOf({ page: "modes" })}>Modes</a>
  </p>`;
}
