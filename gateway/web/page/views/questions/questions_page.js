// All open questions of agents, of all rooms that this person may see, oldest first; below them those that ended lately.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useState } from "../../vendor/preact-hooks.js";
import { oneLine, safeText } from "../../markdown/safe_text.js";
import { endingOf, isWaiting } from "../../state/questions.js";
import { Avatar } from "../parts/avatar.js";
import { momentOf, wholeOf } from "../parts/moments.js";
import { QuestionList } from "./question_cards.js";

const ENDED = 20;
const ASKED_CHARS = 160;

export function QuestionsPage({ client, state }) {
  const waiting = state.asks.filter(isWaiting);
  return html`<main class="plain-page" aria-label="Questions">
    <header class="page-head"><h1>Questions</h1>
      <p class="small" role="status">${waiting.length ? `${waiting.length} wait${waiting.length === 1 ? "s" : ""} for an answer, the oldest first` : "No agent waits for an answer."}</p></header>
    ${waiting.length === 0 && html`<p class="calm"><span class="calm-sign" aria-hidden="true">✓</span>All is answered. When an agent asks for something, it stands here and in its rooms.</p>`}
    <${QuestionList} client=${client} state=${state} asks=${waiting} />
    <${Ended} client=${client} state=${state} />
  </main>`;
}

/** Who answered what, and where. Asked again whenever one ends. */
function Ended({ client, state }) {
  const [ended, setEnded] = useState([]);
  const marks = state.asks.map((ask) => `${ask.number}${ask.state}`).join(" ");
  useEffect(() => {
    let wanted = true;
    client.endedQuestions(ENDED).then((asks) => wanted && setEnded(asks));
    return () => {
      wanted = false;
    };
  }, [client, marks]);
  if (ended.length === 0) return null;
  return html`<section aria-label="Answered lately"><h2>Lately</h2>
    <ul class="ended-list">${ended.map((ask) => html`<li key=${ask.number}>
      <${Avatar} name=${ask.member} />
      <div><p dir="auto"><strong><bdi>${ask.member}</bdi></strong> ${oneLine(ask.detail && ask.about === "command" ? ask.detail : ask.question, ASKED_CHARS)}</p>
        <p class="small" dir="auto">${safeText(endingOf(ask, state.me))} <time datetime=${ask.opened} title=${wholeOf(ask.opened)}>${momentOf(ask.opened)}</time></p></div>
    </li>`)}</ul></section>`;
}
