// One room: its messages, the questions of its agents, the composer, and what stands beside them.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useState } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";
import { isSealed } from "../../state/member_words.js";
import { roomAddress } from "../../state/places.js";
import { asksOfRoom } from "../../state/questions.js";
import { isRunning } from "../../state/work/floors.js";
import { Icon } from "../parts/icons.js";
import { QuestionCards } from "../questions/question_cards.js";
import { FloorLine } from "../work/floor_line.js";
import { Composer } from "./composer.js";
import { Members } from "./members.js";
import { SearchPanel } from "./search_panel.js";
import { Stream } from "./stream.js";
import { ThreadPanel } from "./thread_panel.js";

export function RoomPage({ client, state }) {
  const [replyTo, setReplyTo] = useState(null);
  const [sent, setSent] = useState({ room: "", count: 0 }); // where this page has sent last: the person then wants to see it
  useEffect(() => setReplyTo(null), [state.room]);
  const room = state.rooms[state.room];
  const asks = asksOfRoom(state.asks, room);
  const mayWrite = state.scope !== "link" && state.scope !== "reader";
  const reply = mayWrite ? setReplyTo : null;
  return html`<div class="room-page">
    <${Header} state=${state} room=${room} thread=${client.identity.thread} />
    <main class="room-body" aria-label=${`Room ${state.room}`}>
      <div class="room">
        ${isRunning(room?.floor) && html`<${FloorLine} floor=${room.floor} />`}
        <${Stream} client=${client} state=${state} sent=${sent} onReply=${reply} />
        <${QuestionCards} client=${client} state=${state} asks=${asks} />
        <${Composer} key=${`${state.house} ${state.room}`} client=${client} state=${state} replyTo=${replyTo} onReply=${setReplyTo}
          onSent=${(to) => setSent(({ count }) => ({ room: to, count: count + 1 }))} />
      </div>
      <${Panel} client=${client} state=${state} onReply=${reply} />
    </main>
  </div>`;
}

function Panel({ client, state, onReply }) {
  const { panel } = state.place;
  if (panel === "search") return html`<${SearchPanel} client=${client} state=${state} />`;
  if (panel === "thread") return html`<${ThreadPanel} client=${client} state=${state} onReply=${onReply} />`;
  return state.scope === "link" ? null : html`<${Members} state=${state} open=${panel === "members"} />`;
}

function Header({ state, room, thread }) {
  return html`<header class="header">
    ${state.scope !== "link" && html`<${PanelLink} state=${state} panel="rooms" label="Rooms" />`}
    <h1><bdi>#${state.room}</bdi>${thread > 0 && html` <span class="small">one thread</span>`}${isSealed(room) && html` <span class="sealed"><${Icon} name="sealed" />sealed</span>`}</h1>
    ${room?.topic && html`<p class="topic" dir="auto" title=${oneLine(room.topic, 1000)}>${oneLine(room.topic, 200)}</p>`}
    <span class="panel-links">
      ${!thread && html`<${PanelLink} state=${state} panel="search" label="Search" />`}
      ${state.scope !== "link" && html`<${PanelLink} state=${state} panel="members" label="Members" />`}
    </span>
  </header>`;
}

/** Opens a panel beside the messages, or closes it again. Each has an address, so that "back" closes it, too. */
function PanelLink({ state, panel, label }) {
  const isOpen = state.place.panel === panel;
  return html`<a class=${`icon-button to-${panel}`} href=${roomAddress(state.room, isOpen ? "" : panel)} aria-label=${label} title=${label}
    aria-current=${isOpen ? "true" : undefined}><${Icon} name=${panel} /></a>`;
}
