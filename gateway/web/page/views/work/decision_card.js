// A vote, a proposal or a question to people: what is asked, how it is decided, who has answered, and one's own answer.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { oneLine, safeText } from "../../markdown/safe_text.js";
import { roomAddress } from "../../state/places.js";
import { lastAnswers, missingVoters, optionsOf, ruleWords, wayOf } from "../../state/work/decisions.js";
import { Avatar } from "../parts/avatar.js";
import { momentOf } from "../parts/moments.js";
import { RefusalLine, useTried } from "../parts/tried.js";

export function DecisionCard({ client, state, decision, mayChange }) {
  const { busy, refusal, run } = useTried();
  const way = mayChange ? wayOf(decision, state.me, state.kind) : "";
  const Way = WAYS[way];
  const missing = missingVoters(decision);
  const answer = (fields) => run(() => client.work.answer(decision.id, fields));
  return html`<article class="card" aria-label=${`Decision ${decision.id}`}>
    <p class="card-head"><${Avatar} name=${decision.by} /><span><strong><bdi>${decision.by}</bdi></strong> asks in <a href=${roomAddress(decision.room)}>#${decision.room}</a></span>
      <span class="small">${ruleWords(decision.rule)}${decision.expires && `, until ${momentOf(decision.expires)}`}</span></p>
    <p class="asked" dir="auto">${safeText(decision.question)}</p>
    <${Given} decision=${decision} />
    ${missing.length > 0 && html`<p class="small">Not yet: ${missing.join(", ")}</p>`}
    ${decision.state === "accepted" && html`<p class="small">It was accepted, and is not completed yet.</p>`}
    ${Way && html`<${Way} decision=${decision} me=${state.me} busy=${busy} answer=${answer} />`}
    <${RefusalLine} sentence=${refusal} />
  </article>`;
}

function Given({ decision }) {
  const answers = lastAnswers(decision);
  if (answers.length === 0) return null;
  return html`<ul class="given">${answers.map((answer) => html`<li key=${answer.by}><${Avatar} name=${answer.by} /><span dir="auto"><bdi>${answer.by}</bdi>:${" "}
    <strong>${oneLine(answer.choice || answer.kind, 200)}</strong>${answer.reason && html`<span class="small"> ${oneLine(answer.reason, 500)}</span>`}</span></li>`)}</ul>`;
}

function Choose({ decision, me, busy, answer }) {
  const mine = lastAnswers(decision).find((one) => one.by === me)?.choice ?? "";
  const [choice, setChoice] = useState(mine);
  const [reason, setReason] = useState("");
  const submit = (event) => {
    event.preventDefault();
    answer({ choice, ...(reason.trim() ? { reason: reason.trim() } : {}) });
  };
  return html`<form class="form" onSubmit=${submit}><fieldset class="choices"><legend class="hidden">Your vote</legend>
    ${optionsOf(decision).map(({ key, text }) => html`<label class="choice" key=${key}><input type="radio" name=${decision.id} value=${key} checked=${choice === key} onChange=${() => setChoice(key)} />
      <span dir="auto">${key.toLowerCase() !== text.toLowerCase() && html`<strong>${key}</strong> `}${safeText(text)}</span></label>`)}</fieldset>
    <div class="row"><input class="field" type="text" maxlength="1000" value=${reason} onInput=${(event) => setReason(event.target.value)} aria-label="Why (optional)" placeholder="Why (optional)" dir="auto" />
    <button type="submit" class="main" disabled=${busy || !choice}>${mine ? "Change my vote" : "Vote"}</button></div></form>`;
}

function Text({ busy, answer }) {
  const [choice, setChoice] = useState("");
  const submit = (event) => {
    event.preventDefault();
    answer({ choice: choice.trim() });
  };
  return html`<form class="form row" onSubmit=${submit}>
    <input class="field" type="text" maxlength="1000" value=${choice} onInput=${(event) => setChoice(event.target.value)} aria-label="Your answer" placeholder="Your answer" dir="auto" />
    <button type="submit" class="main" disabled=${busy || !choice.trim()}>Answer</button></form>`;
}

const pair = (yes, yesKind, no, noKind) => ({ busy, answer }) => html`<div class="buttons">
  <button class="allow" disabled=${busy} onClick=${() => answer({ kind: yesKind })}>${yes}</button>
  <button class="deny" disabled=${busy} onClick=${() => answer({ kind: noKind })}>${no}</button></div>`;

const WAYS = { choose: Choose, text: Text, accept: pair("Accept", "accept", "Reject", "reject"), complete: pair("It is done", "complete", "Dispute", "dispute") };

/** One that has ended, with its result. */
export function EndedDecision({ decision }) {
  return html`<li><${Avatar} name=${decision.by} /><div><p dir="auto">${oneLine(decision.question, 200)}</p>
    <p class="small" dir="auto">${oneLine(decision.result || decision.state, 400)} ${decision.closed && html`<time datetime=${decision.closed}>${momentOf(decision.closed)}</time>`}</p></div></li>`;
}
