// Search beside the messages. A result leads to its message; "back" leads to the results again.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useRef } from "../../vendor/preact-hooks.js";
import { oneLine, safeText } from "../../markdown/safe_text.js";
import { roomAddress } from "../../state/places.js";
import { foundWords, snippetOf } from "../../state/reading/search.js";
import { Avatar } from "../parts/avatar.js";
import { momentOf, wholeOf } from "../parts/moments.js";
import { useSignalValue } from "../parts/signal_value.js";
import { RefusalLine } from "../parts/tried.js";
import { SidePanel } from "./side_panel.js";

export function SearchPanel({ client, state }) {
  const { search } = client;
  const form = useSignalValue(search.form);
  const result = useSignalValue(search.result);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const names = Object.values(state.members).map((member) => member.name).sort();
  const submit = (event) => {
    event.preventDefault();
    search.run();
  };
  return html`<${SidePanel} id="search" title="Search" room=${state.room} open>
    <form role="search" class="search-form" onSubmit=${submit}>
      <div class="row"><input ref=${field} type="search" class="field" aria-label="Words to find" placeholder="Words, “a phrase”, begin*" maxlength="500" value=${form.query}
        onInput=${(event) => search.change({ query: event.target.value })} enterkeyhint="search" dir="auto" />
        <button type="submit" class="main">Search</button></div>
      <div class="search-filters">
        ${state.scope !== "link" && html`<select class="field" aria-label="In" value=${form.everywhere ? "all" : "here"} onChange=${(event) => search.change({ everywhere: event.target.value === "all" })}>
          <option value="here">In #${state.room}</option><option value="all">In all rooms</option></select>`}
        ${names.length > 0 && html`<select class="field" aria-label="From" value=${form.from} onChange=${(event) => search.change({ from: event.target.value })}>
          <option value="">From everyone</option>${names.map((name) => html`<option value=${name}>From ${name}</option>`)}</select>`}
      </div>
    </form>
    <${RefusalLine} sentence=${result.refusal} />
    <p class="small" role="status">${foundWords(result)}</p>
    <ul class="results">${result.found.map((message) => html`<${Result} key=${message.seq} message=${message} query=${result.asked.query} room=${state.room} />`)}</ul>
    ${result.more && html`<button class="quiet" onClick=${() => search.more()}>Show more</button>`}
  <//>`;
}

function Result({ message, query, room }) {
  return html`<li><a class="result" href=${roomAddress(message.room, "at", message.seq)}>
    <span class="result-head"><${Avatar} name=${message.from} /><strong><bdi>${message.from}</bdi></strong>
      ${message.room !== room && html`<span class="small">#${message.room}</span>`}
      <time class="small" datetime=${message.timestamp} title=${wholeOf(message.timestamp)}>${momentOf(message.timestamp)}</time></span>
    <span class="snippet" dir="auto">${snippetOf(safeText(oneLine(message.content, 20_000)), query).map((piece) => (piece.found ? html`<mark>${piece.text}</mark>` : piece.text))}</span>
  </a></li>`;
}
