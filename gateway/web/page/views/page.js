// The whole page: the bar of pages, the rooms, and the page that the address names.

import { html } from "../vendor/htm-preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { oneLine } from "../markdown/safe_text.js";
import { roomAddress } from "../state/places.js";
import { titleOf } from "../state/reading/counts.js";
import { AgentPage } from "./agent/agent_page.js";
import { FleetPage } from "./fleet/fleet_page.js";
import { Navigation } from "./navigation.js";
import { Avatar } from "./parts/avatar.js";
import { useSignalValue } from "./parts/signal_value.js";
import { QuestionsPage } from "./questions/questions_page.js";
import { Rooms } from "./room/rooms.js";
import { RoomPage } from "./room/room_page.js";
import { SettingsPage } from "./settings/settings_page.js";
import { Refusal } from "./welcome.js";
import { ModesPage } from "./work/modes_page.js";

const NAME = "groupchat";

// A page is one row here and its name in `PAGES` of state/places.js.
const VIEWS = { room: RoomPage, questions: QuestionsPage, fleet: FleetPage, agent: AgentPage, modes: ModesPage, settings: SettingsPage };

export function Page({ client, look }) {
  const state = useSignalValue(client.state);
  const title = titleOf(state);
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (state.connection === "refused") return html`<${Refusal} sentence=${state.refusal} />`;
  if (!state.house) return html`<p class="starting" role="status">Connecting to the gateway …</p>`;
  return html`<${Shell} client=${client} state=${state} look=${look} />`;
}

function Shell({ client, state, look }) {
  const content = useRef(null);
  const { page, panel } = state.place;
  useFocusOnChange(content, page);
  useFocusOfPanel(panel);
  const closePanel = (event) => {
    if (event.key === "Escape" && page === "room" && panel && !event.defaultPrevented) client.open(roomAddress(state.room));
  };
  const alone = state.scope === "link"; // whoever reads along sees one room and nothing else
  return html`<div class=${`page ${alone ? "alone" : ""} ${panel ? `panel-${panel}` : ""}`} onKeyDown=${closePanel}>
    <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); content.current.focus(); }}>Skip to the content</a>
    ${!alone && html`<aside class="left" aria-label="Pages and rooms">
      <p class="brand"><span class="brand-sign" aria-hidden="true"></span>${NAME}</p>
      <${Navigation} state=${state} />
      <${Rooms} state=${state} />
      <p class="me"><${Avatar} name=${state.me} /><span><bdi>${state.me}</bdi><span class="small">${SCOPE_WORDS[state.scope] ?? ""}</span></span></p>
    </aside>`}
    <div class="right">
      <${ConnectionLine} connection=${state.connection} />
      ${client.identity.isKept === false && html`<${UnkeptLine} />`}
      <${Notice} client=${client} notice=${state.notice} />
      <div class="content" id="content" ref=${content} tabindex="-1"><${VIEWS[page]} client=${client} state=${state} look=${look} /></div>
    </div>
  </div>`;
}

const SCOPE_WORDS = { reader: "reads along", approver: "may answer questions" };

/** Who goes to another page by keyboard goes on inside it, at once: a Tab that comes next must not be taken back. */
function useFocusOnChange(content, page) {
  const before = useRef(page);
  useLayoutEffect(() => {
    if (before.current !== page && page !== "room") content.current.focus({ preventScroll: true });
    before.current = page;
  }, [page]);
}

/** Who opens a panel by keyboard goes on inside it, and back at what opened it when it is closed. */
function useFocusOfPanel(panel = "") {
  const before = useRef(panel);
  useEffect(() => {
    const left = before.current;
    before.current = panel;
    if (panel === left) return;
    const { activeElement } = document;
    if (panel && !activeElement?.closest(`#${panel}`)) document.querySelector(`#${panel} :is(a, input)`)?.focus();
    else if (!panel && !activeElement?.offsetParent) document.querySelector(`.header .to-${left}`)?.focus();
  }, [panel]);
}

const CONNECTION_WORDS = {
  connecting: "The gateway does not answer yet. Trying …",
  waiting: "The gateway is gone. The page tries again by itself; what you write stays here.",
  closed: "The connection is closed. Reload the page.",
};

function ConnectionLine({ connection }) {
  const words = CONNECTION_WORDS[connection];
  return html`<div class="connection" role="status" aria-live="polite">${words && html`<p class="warning">${words}</p>`}</div>`;
}

function UnkeptLine() {
  const [closed, setClosed] = useState(false);
  if (closed) return null;
  return html`<div class="notice" role="status"><p>This browser keeps nothing, so it is paired only until this page is closed or loaded again.</p>
    <button class="quiet" onClick=${() => setClosed(true)}>Close</button></div>`;
}

function Notice({ client, notice }) {
  if (!notice) return null;
  return html`<div class="notice" role="alert"><p dir="auto">${oneLine(notice, 500)}</p>
    <button class="quiet" onClick=${() => client.dispatch({ type: "notice", notice: "" })}>Close</button></div>`;
}
