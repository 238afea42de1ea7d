// The devices and links of the person. To end one takes a deliberate press.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useState } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";
import { mayWords } from "../../state/settings.js";
import { DeliberateButton } from "../parts/deliberate_button.js";
import { momentOf } from "../parts/moments.js";
import { RefusalLine, useTried } from "../parts/tried.js";

export function AccessList({ client, state }) {
  const [accesses, setAccesses] = useState([]);
  const { refusal, run } = useTried();
  const refresh = () => run(() => client.accesses.list().then(setAccesses));
  const isOpen = state.connection === "open";
  useEffect(() => {
    if (isOpen) refresh();
  }, [client, isOpen]);
  const end = (id) => run(() => client.accesses.end(id)).then(refresh);
  return html`<section aria-label="Devices and links"><h2>Your devices and links</h2>
    <p class="small"><code>groupchat web --pair</code> adds a device, <code>groupchat share-link</code> makes a link.</p>
    <${RefusalLine} sentence=${refusal} />
    <ul class="accesses">${accesses.map((one) => html`<li key=${one.id} class="card access">
      <div><p><strong dir="auto">${one.kind === "link" ? "A link" : oneLine(one.device, 60)}</strong>${one.isThis && html` <span class="state-word">this device</span>`}</p>
        <p class="small">${mayWords(one)}${one.expires && `, until ${momentOf(one.expires)}`} · ${one.last_seen ? `last seen ${momentOf(one.last_seen)}` : `made ${momentOf(one.created)}`}</p></div>
      ${state.scope !== "reader" && html`<${DeliberateButton} kind="deny" text=${one.isThis ? "End this device" : "End"} onConfirm=${() => end(one.id)} />`}
    </li>`)}</ul></section>`;
}
