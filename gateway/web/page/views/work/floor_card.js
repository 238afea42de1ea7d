// A room that runs a mode: the speakers in their order, and what a person may do about it.

import { html } from "../../vendor/htm-preact.js";
import { oneLine } from "../../markdown/safe_text.js";
import { roomAddress } from "../../state/places.js";
import { progressWords, speakersOf } from "../../state/work/floors.js";
import { AgentName } from "../parts/agent_name.js";
import { Avatar } from "../parts/avatar.js";
import { DeliberateButton } from "../parts/deliberate_button.js";
import { momentOf } from "../parts/moments.js";
import { RefusalLine, useTried } from "../parts/tried.js";

const MORE_S = 300;

export function FloorCard({ client, room, floor, mayChange }) {
  const { busy, refusal, run } = useTried();
  return html`<article class="card" aria-label=${`${floor.mode} in ${room}`}>
    <p class="card-head"><strong>${floor.mode}</strong> in <a href=${roomAddress(room)}>#${room}</a>
      <span class="small">${progressWords(floor).join(" · ")}</span></p>
    ${floor.topic && html`<p class="asked" dir="auto">${oneLine(floor.topic, 500)}</p>`}
    <ol class="speakers">${speakersOf(floor).map(({ name, role, speaks }) => html`<li key=${name} class=${speaks ? "speaks" : ""} aria-current=${speaks ? "step" : undefined}>
      <${Avatar} name=${name} /><span><${AgentName} name=${name} />${role && html` <span class="small">${role}</span>`}</span></li>`)}</ol>
    ${floor.speaker && floor.since && html`<p class="small"><bdi>${floor.speaker}</bdi> has had the turn since ${momentOf(floor.since)}.${floor.warned && " It was reminded."}</p>`}
    <${RefusalLine} sentence=${refusal} />
    ${mayChange && html`<div class="buttons">
      <button disabled=${busy} onClick=${() => run(() => client.work.extendTurn(room, MORE_S))}>5 more minutes</button>
      <button disabled=${busy} onClick=${() => run(() => client.work.nextTurn(room))}>Next speaker</button>
      <${DeliberateButton} kind="deny" text="End the mode" onConfirm=${() => run(() => client.work.endMode(room))} /></div>`}
  </article>`;
}
