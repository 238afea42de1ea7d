// One message: author, time, what it answers, its text, and a quiet mark that unfolds into its story.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { Markdown } from "../../markdown/markdown_view.js";
import { plainLine } from "../../markdown/plain_line.js";
import { oneLine } from "../../markdown/safe_text.js";
import { hueOf } from "../../state/member_words.js";
import { roomAddress } from "../../state/places.js";
import { mentions } from "../../state/reading/mentions.js";
import { markOf } from "../../state/receipts.js";
import { Avatar } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { memo } from "../parts/memo.js";
import { clockOf, wholeOf } from "../parts/moments.js";

const QUOTED_CHARS = 100;

export const MessageRow = memo(function MessageRow({ row, answered, answers = 0, deliveries, client, me, onReply, onJump, inThread = false }) {
  const { message } = row;
  const classes = ["message", row.own && "own", row.direct && "direct", message.kind === "system" && "system", message.urgent && "urgent", row.head && "head", !row.direct && mentions(message, me) && "names-me"];
  return html`<li class=${classes.filter(Boolean).join(" ")} data-seq=${message.seq} tabindex="-1">
    ${row.day && html`<p class="line day" role="separator"><span>${row.day}</span></p>`}
    ${row.fresh && html`<p class="line fresh" role="separator"><span>New</span></p>`}
    <div class="bubble">
      ${row.head && html`<${Avatar} name=${message.from} /><${Head} message=${message} direct=${row.direct} />`}
      ${message.reply_to != null && !(inThread && !answered) && html`<${Answered} seq=${message.reply_to} message=${answered} room=${message.room} onJump=${onJump} />`}
      <div class="body">
        <${Markdown} source=${message.content} />
        ${message.parts?.length > 0 && html`<p class="small">With ${message.parts.length} attachment(s), which this page does not show.</p>`}
      </div>
      <div class="foot">
        <${Mark} message=${message} deliveries=${deliveries} client=${client} />
        ${answers > 0 && !client.identity.thread && html`<a class="answers-count small" href=${roomAddress(message.room, "thread", message.seq)}>${answers} answer${answers > 1 ? "s" : ""}</a>`}
      </div>
      <${Actions} message=${message} onReply=${onReply} inThread=${inThread || client.identity.thread > 0} />
    </div>
  </li>`;
});

function Actions({ message, onReply, inThread }) {
  return html`<div class="actions">
    ${!inThread && html`<a class="quiet icon-button thread-link" href=${roomAddress(message.room, "thread", message.seq)} title="Thread" aria-label=${`Thread of message ${message.seq}`}><${Icon} name="thread" /></a>`}
    ${onReply && html`<button class="quiet icon-button reply" onClick=${() => onReply(message)} title="Reply" aria-label=${`Reply to ${message.from}, message ${message.seq}`}><${Icon} name="reply" /></button>`}
  </div>`;
}

function Head({ message, direct }) {
  return html`<p class="author">
    <strong class=${`tone-${hueOf(message.from)}`}><bdi>${message.from}</bdi></strong>
    ${direct && html` <span class="lock"><span role="img" aria-label="Direct message"><${Icon} name="sealed" /></span> to <bdi>${message.recipients.join(", ")}</bdi></span>`}
    ${message.wakes?.length > 0 && html` <span class="lock">to <bdi>${message.wakes.join(", ")}</bdi>, in front of everyone</span>`}
    ${message.urgent && html` <span class="urgent-word">urgent</span>`}
    ${" "}<time datetime=${message.timestamp} title=${wholeOf(message.timestamp)}>${clockOf(message.timestamp)}</time>
  </p>`;
}

/** What this message answers. What the window does not hold is fetched. */
function Answered({ seq, message, room, onJump }) {
  if (!message) return html`<p class="answers-to"><a class="quiet" href=${roomAddress(room, "thread", seq)}>↪ message ${seq}</a></p>`;
  const quoted = html`↪ <bdi>${message.from}</bdi>: <span dir="auto">${plainLine(message.content, QUOTED_CHARS)}</span>`;
  if (!onJump) return html`<p class="answers-to">${quoted}</p>`;
  return html`<p class="answers-to"><button class="quiet" onClick=${() => onJump(seq)} title="Go to the message that this answers">${quoted}</button></p>`;
}

/** The mark of one's own message. Pressed, it tells the steps of each recipient. */
function Mark({ message, deliveries, client }) {
  const [story, setStory] = useState(null);
  const mark = markOf(deliveries);
  if (!mark) return null;
  const unfold = async () => {
    if (story) return setStory(null);
    const found = await client.story(message.seq).catch((error) => ({ refused: error.message }));
    setStory(found.refused ? [found.refused] : storyLines(found));
  };
  return html`<button class=${`quiet mark ${mark.failed ? "failed" : ""}`} title=${oneLine(mark.sentence, 300)} aria-expanded=${Boolean(story)}
      aria-label=${oneLine(mark.sentence, 300)} onClick=${unfold}>${mark.sign}</button>
    ${story && html`<ul class="story small">${story.map((line) => html`<li dir="auto">${oneLine(line, 300)}</li>`)}</ul>`}`;
}

function storyLines({ receipts, deliveries }) {
  const steps = (receipts ?? []).flatMap((one) =>
    one.steps.map((step) => `${clockOf(step.at)} ${one.member}: ${step.rung}${step.reason ? ` (${step.reason})` : ""}`),
  );
  return steps.length ? steps : (deliveries ?? []).map((one) => `${clockOf(one.at)} ${one.member}: ${one.rung}${one.reason ? ` (${one.reason})` : ""}`);
}
