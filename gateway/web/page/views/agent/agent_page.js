// One agent: what it does, what it asks, and its terminal.

import { html } from "../../vendor/htm-preact.js";
import { oneLine } from "../../markdown/safe_text.js";
import { whyMark } from "../../state/agent/why_rows.js";
import { toolWords, workWords } from "../../state/member_words.js";
import { STATE_WORDS, tilesOf } from "../../state/fleet/tiles.js";
import { addressOf, roomAddress } from "../../state/places.js";
import { isWaiting } from "../../state/questions.js";
import { Avatar } from "../parts/avatar.js";
import { QuestionList } from "../questions/question_cards.js";
import { TerminalPanel } from "./terminal_panel.js";
import { TimelineList } from "./timeline_list.js";
import { WhyCard } from "./why_card.js";

const WORK_CHARS = 500;

export function AgentPage({ client, state }) {
  const { name } = state.place;
  const tile = tilesOf(state).find((one) => one.member.name === name);
  return html`<main class="plain-page wide agent-page" aria-label=${`Agent ${name}`} key=${name}>
    <p class="small to-fleet"><a href=${addressOf({ page: "fleet" })}>All agents</a></p>
    ${tile ? html`<${Known} client=${client} state=${state} tile=${tile} />` : html`<${Unknown} name=${name} member=${state.members[name]} />`}
  </main>`;
}

function Unknown({ name, member }) {
  const why = member?.kind && member.kind !== "agent" ? "is no agent, so it has no terminal here." : "is no agent of your rooms.";
  return html`<h1><bdi>${name}</bdi></h1><p role="status"><bdi>${name}</bdi> ${member?.presence === "offline" ? "has left." : why}</p>`;
}

/** What it is at: the tool and its file, where it works, and what that takes. */
function WorkLine({ member }) {
  const words = [toolWords(member), ...workWords(member)].filter(Boolean).join(" · ");
  return words && html`<p class="small work-line" dir="auto">${oneLine(words, WORK_CHARS)}</p>`;
}

function Known({ client, state, tile: { member, state: judged, rooms } }) {
  const asks = state.asks.filter((ask) => ask.member === member.name && isWaiting(ask));
  const isOpen = state.connection === "open";
  return html`<header class=${`page-head agent-head is-${judged}`}><${Avatar} name=${member.name} />
      <h1><bdi>${member.name}</bdi></h1>${member.role && html`<span class="small" dir="auto">${oneLine(member.role, 40)}</span>`}<span class="state-word">${STATE_WORDS[judged]}</span>
      <span class="small">${rooms.map((room) => html`<a key=${room} href=${roomAddress(room)}>#${room}</a> `)}</span></header>
    <${WorkLine} member=${member} />
    <${WhyCard} client=${client} name=${member.name} mark=${whyMark(member, asks)} isOpen=${isOpen} />
    ${asks.length > 0 && html`<section class="agent-questions" aria-label="Its questions"><${QuestionList} client=${client} state=${state} asks=${asks} /></section>`}
    <${TerminalPanel} client=${client} state=${state} name=${member.name} />
    <${TimelineList} client=${client} name=${member.name} isOpen=${isOpen} />`;
}
