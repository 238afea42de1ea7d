// The name of an agent, which leads to its page.

import { html } from "../../vendor/htm-preact.js";
import { addressOf } from "../../state/places.js";

export function AgentName({ name }) {
  return html`<a class="agent-name" href=${addressOf({ page: "agent", name })}><bdi>${name}</bdi></a>`;
}
