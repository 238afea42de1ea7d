// The questions of agents that wait, each as a card with all that is asked. To refuse is one press; anything else takes two.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { PlainText } from "../../markdown/markdown_view.js";
import { exactText, oneLine, safeText } from "../../markdown/safe_text.js";
import { choicesOf, diffLines, endingOf, isWaiting, stateOf, whyNotAnswer } from "../../state/questions.js";
import { AgentName } from "../parts/agent_name.js";
import { Avatar } from "../parts/avatar.js";
import { DeliberateButton } from "../parts/deliberate_button.js";
import { momentOf, wholeOf } from "../parts/moments.js";

const ASKED_CHARS = 120;

/** The questions of a room's agents, above its composer. */
export function QuestionCards({ client, state, asks }) {
  if (asks.length === 0) return null;
  const waiting = asks.filter(isWaiting).length;
  return html`<section class="questions" aria-label="Questions of agents" tabindex="0">
    <h2>${waiting ? `${waiting} question${waiting > 1 ? "s" : ""} of agents` : "No open question of an agent"}</h2>
    <${QuestionList} client=${client} state=${state} asks=${asks} />
  </section>`;
}

export function QuestionList({ client, state, asks }) {
  return asks.map((ask) => html`<${isWaiting(ask) ? Card : EndedCard} key=${`${ask.number} ${ask.digest}`} ask=${ask} client=${client} state=${state} />`);
}

/** One that has ended: what was asked, and who answered it where. */
function EndedCard({ ask, client, state }) {
  return html`<article class=${`question ended ${stateOf(ask)}`} aria-label=${`Question of ${ask.member}`}>
    <p role="status" dir="auto"><bdi>${ask.member}</bdi> asked: ${oneLine(ask.question, ASKED_CHARS)} ${safeText(endingOf(ask, state.me))}</p>
    <button class="quiet" onClick=${() => client.dispatch({ type: "askDismissed", number: ask.number })}>Close</button>
  </article>`;
}

function Card({ ask, client, state }) {
  const [refused, setRefused] = useState("");
  const [words, setWords] = useState("");
  const ending = endingOf(ask, state.me);
  const answer = (choice) => client.answer(ask, choice.answer, choice.refusal ? words.trim() : "").then(() => setRefused(""), (error) => setRefused(error.message));
  return html`<article class=${`question ${stateOf(ask)}`} aria-label=${`Question of ${ask.member}`}>
    <p class="author"><${Avatar} name=${ask.member} /><strong><${AgentName} name=${ask.member} /></strong> asks${ask.tool && html` to use <bdi>${oneLine(ask.tool, 80)}</bdi>`}
      ${" "}<time datetime=${ask.opened} title=${wholeOf(ask.opened)}>${momentOf(ask.opened)}</time>
      <span class="digest" title="The digest of this dialog: an answer holds for exactly this one">${oneLine(ask.digest, 16)}</span></p>
    <p class="asked" dir="auto">${exactText(ask.question)}</p>
    ${ask.detail && ask.detail.trim() !== ask.question.trim() && html`<${Detail} ask=${ask} />`}
    ${ask.left_out > 0 && html`<p class="warning">${ask.left_out.toLocaleString()} more characters are not shown. Look at the terminal of ${ask.member}.</p>`}
    ${ask.readable === false && html`<p class="warning">The dialog could not be read whole from the terminal.</p>`}
    ${ending && html`<p class="ending" role="status" dir="auto">${safeText(ending)}</p>`}
    ${refused && html`<p class="warning" role="alert" dir="auto">${oneLine(refused, 500)}</p>`}
    ${stateOf(ask) === "open" && html`<${Answers} ask=${ask} state=${state} answer=${answer} words=${words} setWords=${setWords} />`}
  </article>`;
}

/** What it is about: a diff has a colour for each kind of line; anything else is shown as it is. */
function Detail({ ask }) {
  if (ask.about !== "diff") return html`<${PlainText} text=${exactText(ask.detail)} className=${`detail about-${ask.about ?? "text"}`} />`;
  return html`<pre class="detail about-diff" tabindex="0" dir="ltr" aria-label="Diff"><span class="diff-lines">${diffLines(exactText(ask.detail)).map(({ kind, text }) => html`<span class=${`diff ${kind}`}>${text}${"\n"}</span>`)}</span></pre>`;
}

function Answers({ ask, state, answer, words, setWords }) {
  const why = whyNotAnswer(ask, state);
  const choices = choicesOf(ask);
  if (why) {
    return html`${choices.length > 0 && html`<ul class="options">${choices.map((choice) => html`<li dir="auto">${exactText(choice.text)}</li>`)}</ul>`}
      <p class="small">${why}</p>`;
  }
  return html`<div class="answers">
    ${choices.map((choice) =>
      choice.refusal
        ? html`<button key=${`${choice.answer} ${choice.text}`} class="deny" dir="auto" onClick=${() => answer(choice)}>${exactText(choice.text)}</button>`
        : html`<${DeliberateButton} key=${`${choice.answer} ${choice.text}`} text=${exactText(choice.text)} onConfirm=${() => answer(choice)} />`,
    )}
    ${ask.words && ask.deny &&
    html`<input class="words" type="text" maxlength="4000" value=${words} onInput=${(event) => setWords(event.target.value)}
      aria-label="Why you refuse; goes to the agent with a refusal" placeholder="Words that go with a refusal (optional)" />`}
  </div>`;
}
