// The keys that a person may press in an agent's terminal. They come only after a switch, so that no touch presses one by accident;
// leaving the page, or looking away from it, turns the switch off.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useState } from "../../vendor/preact-hooks.js";
import { KEYS } from "../../state/agent/terminal_keys.js";
import { useSignalValue } from "../parts/signal_value.js";
import { RefusalLine, useTried } from "../parts/tried.js";

export function KeyRow({ terminal, name, visible }) {
  const [on, setOn] = useState(false);
  const { busy, refusal, run } = useTried();
  const late = useSignalValue(terminal.keyRefusal);
  useEffect(() => {
    if (!visible) setOn(false);
  }, [visible]);
  return html`<div class="keys" role="group" aria-label=${`Keys for the terminal of ${name}`}>
    <label class="key-switch"><input type="checkbox" role="switch" checked=${on} onChange=${(event) => setOn(event.target.checked)} />Send keys</label>
    ${on && KEYS.map(({ key, text, label }) => html`<button key=${key} class="key" disabled=${busy} aria-label=${label} onKeyDown=${ignoreRepeat} onClick=${() => run(() => terminal.press(name, key))}>${text}</button>`)}
    ${on && html`<p class="small">Each is pressed in the terminal at once, but not into a question and not while somebody types there.</p>`}
    <${RefusalLine} sentence=${refusal || late} />
  </div>`;
}

/** A key that is held down on a button would press it again and again. */
const ignoreRepeat = (event) => event.repeat && event.preventDefault();
