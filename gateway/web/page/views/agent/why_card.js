// Why an agent is silent: one sentence, and what it rests on. Asked anew whenever the page hears of a change.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useState } from "../../vendor/preact-hooks.js";
import { Sentence } from "../../markdown/markdown_view.js";
import { oneLine } from "../../markdown/safe_text.js";
import { whyRows } from "../../state/agent/why_rows.js";
import { momentOf, wholeOf } from "../parts/moments.js";

const SENTENCE_CHARS = 500;
const VALUE_CHARS = 300;

export function WhyCard({ client, name, mark, isOpen }) {
  const [why, setWhy] = useState(null);
  useEffect(() => {
    let wanted = isOpen;
    if (isOpen) client.why(name).then((answer) => wanted && answer && setWhy(answer));
    return () => {
      wanted = false;
    };
  }, [client, name, mark, isOpen]);
  if (!why) return null;
  return html`<section class="card why-card" aria-label="What it does"><p class="why-sentence" role="status" dir="auto"><${Sentence} text=${why.sentence} limit=${SENTENCE_CHARS} /></p>
    <dl class="why-rows">
      ${why.since && html`<div><dt>Since</dt><dd><time datetime=${why.since} title=${wholeOf(why.since)}>${momentOf(why.since)}</time></dd></div>`}
      ${whyRows(why).map((row) => html`<div key=${row.name}><dt>${row.name}</dt><dd dir="auto">${oneLine(row.value, VALUE_CHARS)}</dd></div>`)}
    </dl></section>`;
}
