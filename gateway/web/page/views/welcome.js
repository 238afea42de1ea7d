// What stands before the page: why this browser may not read here, or a question before it becomes another device.

import { html } from "../vendor/htm-preact.js";
import { oneLine } from "../markdown/safe_text.js";

const NAME = "groupchat";

export function Refusal({ sentence }) {
  return html`<main class="refusal"><h1>${NAME}</h1><p role="alert" dir="auto">${oneLine(sentence, 500)}</p></main>`;
}

export function PairAnew({ member, onAnswer }) {
  return html`<main class="refusal"><h1>${NAME}</h1>
    <p>This browser is already a device of <bdi>${member}</bdi>. This address has a code that makes it a new one, of whoever made the code: what you
      write is then in that name. Go on only if you have just asked for the code yourself.</p>
    <div class="buttons"><button class="main" onClick=${() => onAnswer(false)}>Stay as it is</button>
      <button onClick=${() => onAnswer(true)}>Pair it anew</button></div></main>`;
}
