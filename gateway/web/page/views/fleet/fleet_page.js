// All agents of all rooms, those that need somebody first; below them how the gateway does.

import { html } from "../../vendor/htm-preact.js";
import { useEffect } from "../../vendor/preact-hooks.js";
import { Sentence } from "../../markdown/markdown_view.js";
import { oneLine } from "../../markdown/safe_text.js";
import { figureRows, healthOf } from "../../state/fleet/figures.js";
import { doesSince, limitEnd, toolWords, workWords } from "../../state/member_words.js";
import { countWords, STATE_WORDS, tilesOf } from "../../state/fleet/tiles.js";
import { addressOf, roomAddress } from "../../state/places.js";
import { AgentName } from "../parts/agent_name.js";
import { Avatar } from "../parts/avatar.js";
import { momentOf } from "../parts/moments.js";
import { useSignalValue } from "../parts/signal_value.js";
import { RefusalLine } from "../parts/tried.js";

const WHY_CHARS = 160;
const WORK_CHARS = 120;

export function FleetPage({ client, state }) {
  const figures = useSignalValue(client.figures.value);
  const isOpen = state.connection === "open";
  useEffect(() => (isOpen ? client.figures.watch() : undefined), [client, isOpen]);
  const tiles = tilesOf(state, figures.status?.brakes ?? []);
  return html`<main class="plain-page wide" aria-label="Fleet">
    <header class="page-head"><h1>Fleet</h1>
      <p class="small" role="status">${countWords(tiles) || "No agent is in your rooms."}</p></header>
    <ul class="tiles">${tiles.map((tile) => html`<${Tile} key=${tile.member.name} tile=${tile} />`)}</ul>
    <${Health} figures=${figures} />
  </main>`;
}

function Tile({ tile: { member, state, why, rooms, question } }) {
  const since = doesSince(member), until = limitEnd(member), tool = toolWords(member);
  return html`<li class=${`tile is-${state}`}>
    <div class="tile-head"><${Avatar} name=${member.name} /><span class="name"><strong><${AgentName} name=${member.name} /></strong>
      ${member.role && html`<span class="small">${oneLine(member.role, 40)}</span>`}</span><span class="state-word">${STATE_WORDS[state]}</span></div>
    ${why && html`<p class="why" dir="auto" title=${oneLine(why, 1000)}><${Sentence} text=${why} limit=${WHY_CHARS} /></p>`}
    ${tool && html`<p class="small tool" dir="auto">${oneLine(tool, WORK_CHARS)}</p>`}
    <p class="small tile-foot">
      ${rooms.map((room) => html`<a key=${room} href=${roomAddress(room)}>#${room}</a> `)}
      ${until ? html`<span>until ${momentOf(until)}</span>` : since && html`<span>since ${momentOf(since)}</span>`}
      ${workWords(member).map((words) => html`<span key=${words}>${oneLine(words, WORK_CHARS)}</span>`)}
      ${member.queued > 0 && html`<span>${member.queued} waiting</span>`}
      ${state === "gone" && member.last_seen && html`<span>last seen ${momentOf(member.last_seen)}</span>`}
      ${question && html`<a class="answer-link" href=${addressOf({ page: "questions" })}>Answer</a>`}
    </p>
  </li>`;
}

function Health({ figures: { status, stats, refusal } }) {
  const health = status && healthOf(status);
  return html`<section aria-label="The gateway"><h2>The gateway</h2>
    <${RefusalLine} sentence=${refusal} />
    ${health && html`<p class=${health.well ? "well" : "warning"} role="status"><span class="well-sign" aria-hidden="true"></span>${oneLine(health.sentence, 400)}</p>`}
    ${status && html`<dl class="figures">${figureRows(status, stats).map(({ name, value }) => html`<div key=${name}><dt>${name}</dt><dd>${oneLine(value, 100)}</dd></div>`)}</dl>`}
  </section>`;
}
