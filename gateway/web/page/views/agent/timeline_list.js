// What has happened with an agent lately, newest first.

import { html } from "../../vendor/htm-preact.js";
import { useEffect } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";
import { hasOlder } from "../../state/agent/timeline.js";
import { roomAddress } from "../../state/places.js";
import { momentOf, wholeOf } from "../parts/moments.js";
import { useSignalValue } from "../parts/signal_value.js";
import { RefusalLine, useTried } from "../parts/tried.js";

const TEXT_CHARS = 240;

export function TimelineList({ client, name, isOpen }) {
  const timeline = useSignalValue(client.timeline.value);
  const { busy, refusal, run } = useTried();
  useEffect(() => (isOpen ? client.timeline.follow(name) : undefined), [client, name, isOpen]);
  if (timeline?.name !== name) return null;
  return html`<section aria-label="Timeline"><h2>Timeline</h2>
    <${RefusalLine} sentence=${timeline.refusal || refusal} />
    <ol class="timeline">${timeline.entries.map((entry) => html`<li key=${entry.key} class=${`kind-${entry.kind}`}>
      <time datetime=${entry.at} title=${wholeOf(entry.at)}>${momentOf(entry.at)}</time>
      <span dir="auto">${oneLine(entry.text, TEXT_CHARS)}${entry.place && html` <a href=${roomAddress(entry.place.room, "at", entry.place.message)}>#${entry.place.room}</a>`}</span></li>`)}</ol>
    ${hasOlder(timeline) && html`<button disabled=${busy} onClick=${() => run(() => client.timeline.older())}>Older</button>`}</section>`;
}
