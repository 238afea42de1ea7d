// A session: its goal, who takes part, and its shared documents, which are fetched when they are unfolded.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { oneLine, safeText } from "../../markdown/safe_text.js";
import { roomAddress } from "../../state/places.js";
import { outlineOf, statusWords } from "../../state/work/sessions.js";
import { momentOf } from "../parts/moments.js";
import { RefusalLine, useTried } from "../parts/tried.js";

const MAX_INDENT = 8;

export function SessionCard({ client, session }) {
  const { refusal, run } = useTried();
  const [shown, setShown] = useState(null);
  const unfold = async () => setShown(shown ? null : await run(() => client.work.session(session.name)));
  return html`<article class="card" aria-label=${`Session ${session.name}`}>
    <p class="card-head"><strong><bdi>${session.name}</bdi></strong> in <a href=${roomAddress(session.room)}>#${session.room}</a>
      <span class=${`state-word ${session.overdue ? "overdue" : ""}`}>${statusWords(session)}</span></p>
    ${session.goal && html`<p class="asked" dir="auto">${safeText(session.goal)}</p>`}
    <p class="small">${session.participants?.length ? `With ${session.participants.join(", ")}` : "Everyone in the room takes part"}${session.deadline && `, until ${momentOf(session.deadline)}`}</p>
    ${session.closing && html`<p dir="auto">${safeText(session.closing)}</p>`}
    <button class="quiet" aria-expanded=${Boolean(shown)} onClick=${unfold}>${shown ? "Close the documents" : "Documents"}</button>
    <${RefusalLine} sentence=${refusal} />
    ${shown && (shown.contexts?.length ? shown.contexts.map((one) => html`<${Document} key=${one.name} client=${client} info=${one} />`) : html`<p class="small">It has no documents yet.</p>`)}
  </article>`;
}

function Document({ client, info }) {
  const { refusal, run } = useTried();
  const [read, setRead] = useState(null);
  const unfold = async () => setRead(read ? null : await run(() => client.work.document(info)));
  return html`<div class="document">
    <button class="quiet document-name" aria-expanded=${Boolean(read)} onClick=${unfold}><bdi>${info.name}</bdi></button>
    <span class="small">version ${info.version}, by <bdi>${info.by}</bdi>, ${momentOf(info.at)}</span>
    <${RefusalLine} sentence=${refusal} />
    ${read && html`<div class="outline" tabindex="0" role="region" aria-label=${`Document ${info.name}`}>
      ${outlineOf(read.document).map(({ depth, name, text, heading }) => html`<p class=${`depth-${Math.min(depth, MAX_INDENT)} ${heading ? "heading" : ""} ${name ? "" : "item"}`} dir="auto">
        ${name && html`<strong>${oneLine(name, 200)}</strong> `}${safeText(text)}</p>`)}</div>`}
  </div>`;
}
