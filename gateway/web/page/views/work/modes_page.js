// Modes, decisions and sessions of all rooms: whose turn it is, what is to be decided, and what is being worked on.

import { html } from "../../vendor/htm-preact.js";
import { useEffect } from "../../vendor/preact-hooks.js";
import { runningFloors } from "../../state/work/floors.js";
import { sorted } from "../../state/work/decisions.js";
import { sortedSessions } from "../../state/work/sessions.js";
import { DecisionCard, EndedDecision } from "./decision_card.js";
import { FloorCard } from "./floor_card.js";
import { SessionCard } from "./session_card.js";
import { StartMode } from "./start_mode.js";

const MAX_ENDED = 20;

export function ModesPage({ client, state }) {
  const isOpen = state.connection === "open";
  useEffect(() => {
    if (isOpen) client.work.refresh();
  }, [client, isOpen]);
  const mayChange = state.scope !== "reader";
  const floors = runningFloors(state.rooms);
  const { open, ended } = sorted(state.decisions, state.me, state.kind);
  const sessions = sortedSessions(state.sessions);
  return html`<main class="plain-page" aria-label="Modes, decisions and sessions">
    <header class="page-head"><h1>Modes</h1><p class="small">Who speaks when, what is to be decided, and what is being worked on</p></header>
    <section aria-label="Turns"><h2>Turns</h2>
      ${floors.length === 0 && html`<p class="small">Everyone speaks freely in all rooms.</p>`}
      ${floors.map(({ room, floor }) => html`<${FloorCard} key=${room} client=${client} room=${room} floor=${floor} mayChange=${mayChange} />`)}
      ${mayChange && html`<${StartMode} client=${client} state=${state} />`}
    </section>
    <section aria-label="Decisions"><h2>Decisions</h2>
      ${open.length === 0 && html`<p class="small">Nothing is to be decided.</p>`}
      ${open.map((one) => html`<${DecisionCard} key=${one.id} client=${client} state=${state} decision=${one} mayChange=${mayChange} />`)}
      ${ended.length > 0 && html`<ul class="ended-list">${ended.slice(0, MAX_ENDED).map((one) => html`<${EndedDecision} key=${one.id} decision=${one} />`)}</ul>`}
    </section>
    <section aria-label="Sessions"><h2>Sessions</h2>
      ${sessions.length === 0 && html`<p class="small">No session. <code>groupchat session</code> opens one.</p>`}
      ${sessions.map((one) => html`<${SessionCard} key=${one.name} client=${client} session=${one} />`)}
    </section>
  </main>`;
}
