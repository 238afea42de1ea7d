// How the page looks on this device, and which devices and links the person has given out.

import { html } from "../../vendor/htm-preact.js";
import { CHOICES } from "../../state/settings.js";
import { useSignalValue } from "../parts/signal_value.js";
import { AccessList } from "./access_list.js";

const WORDS = {
  theme: { title: "Colours", system: "As the system", light: "Light", dark: "Dark" },
  contrast: { title: "Contrast", system: "As the system", high: "High" },
  size: { title: "Size of the text", small: "Small", normal: "Normal", large: "Large", largest: "Largest" },
  terminal: { title: "Size of the text in terminals", smallest: "Smallest", small: "Small", normal: "Normal", large: "Large" },
};
const ORDER = { size: ["small", "normal", "large", "largest"], terminal: ["smallest", "small", "normal", "large"] };

export function SettingsPage({ client, state, look }) {
  const settings = useSignalValue(look.settings);
  return html`<main class="plain-page" aria-label="Settings">
    <header class="page-head"><h1>Settings</h1><p class="small">They belong to this browser, and nobody else sees them</p></header>
    ${Object.keys(CHOICES).map((name) => html`<fieldset key=${name} class="card setting"><legend>${WORDS[name].title}</legend>
      <div class="segments">${(ORDER[name] ?? CHOICES[name]).map((value) => html`<label key=${value} class="segment">
        <input type="radio" name=${name} value=${value} checked=${settings[name] === value} onChange=${() => look.choose(name, value)} /><span>${WORDS[name][value]}</span></label>`)}</div>
    </fieldset>`)}
    <${AccessList} client=${client} state=${state} />
  </main>`;
}
