// An agent's terminal: what it shows now, and a few keys for those who may press them and have said that they want to.

import { html } from "../../vendor/htm-preact.js";
import { useEffect } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";
import { terminalSentence } from "../../state/agent/terminal_picture.js";
import { useSignalValue } from "../parts/signal_value.js";
import { useVisible } from "../parts/visible.js";
import { KeyRow } from "./key_row.js";
import { TerminalGrid } from "./terminal_grid.js";

export function TerminalPanel({ client, state, name }) {
  const view = useSignalValue(client.terminal.view);
  const visible = useVisible();
  const isOpen = state.connection === "open";
  const may = state.scope === "approver";
  useEffect(() => (isOpen && visible && may ? client.terminal.watch(name) : undefined), [client, name, isOpen, visible, may]);
  const shown = client.terminal.member === name ? view : { ...view, picture: null, state: "asked" };
  const sentence = terminalSentence(shown, { name, scope: state.scope, isOpen });
  return html`<section class="terminal" aria-label=${`Terminal of ${name}`}><h2>Terminal</h2>
    <div role="status">${sentence && html`<p class="terminal-state" dir="auto">${oneLine(sentence, 500)}</p>`}</div>
    ${may && shown.picture && html`<div class=${`screen ${shown.state === "live" && isOpen ? "" : "old"}`} tabindex="0" role="group" aria-label=${`What the terminal of ${name} shows`}>
      <${TerminalGrid} picture=${shown.picture} /></div>`}
    ${may && shown.state === "live" && isOpen && html`<${KeyRow} terminal=${client.terminal} name=${name} visible=${visible} />`}
  </section>`;
}
