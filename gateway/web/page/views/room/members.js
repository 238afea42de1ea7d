// Who is in the room, and what each does now.

import { html } from "../../vendor/htm-preact.js";
import { oneLine } from "../../markdown/safe_text.js";
import { doesNow, doesSince, isDone, isUnclear, keptBy, limitEnd, membersOf, toolWords } from "../../state/member_words.js";
import { AgentName } from "../parts/agent_name.js";
import { Avatar } from "../parts/avatar.js";
import { momentOf } from "../parts/moments.js";
import { SidePanel } from "./side_panel.js";

const TOOL_CHARS = 80;

export function Members({ state, open }) {
  const members = membersOf(state.rooms[state.room]?.members ?? [], state.members);
  return html`<${SidePanel} id="members" title="Members" room=${state.room} open=${open}>
    <ul>${members.map((member) => html`<${MemberLine} key=${member.name} member=${member} me=${state.me} />`)}</ul>
  <//>`;
}

function MemberLine({ member, me }) {
  const waiting = member.queued > 0 ? `${member.queued} waiting` : "";
  const since = doesSince(member), until = limitEnd(member);
  const when = until ? ` until ${momentOf(until)}` : since && !keptBy(member) && ` since ${momentOf(since)}`;
  const does = [`${doesNow(member)}${when || ""}`, waiting, oneLine(toolWords(member), TOOL_CHARS), readBy(member)].filter(Boolean).join(" · ");
  return html`<li class=${`member does-${signOf(member)}`}>
    <span class="face"><${Avatar} name=${member.name} /><span class="sign" aria-hidden="true"></span></span>
    <span class="name">${member.kind === "agent" ? html`<${AgentName} name=${member.name} />` : html`<bdi>${member.name}</bdi>`}${member.name === me && " (you)"}
      ${member.role && html` <span class="small role">${oneLine(member.role, 40)}</span>`}</span>
    <span class="does" dir="auto">${does}</span>
  </li>`;
}

/** Who reads what it reads, beside those who are in the room. */
function readBy({ vendor = "" }) {
  return vendor && `read by ${oneLine(vendor, TOOL_CHARS)}`;
}

function signOf(member) {
  if (member.presence !== "online") return "away";
  if (isUnclear(member)) return "unclear";
  if (isDone(member) && !keptBy(member)) return "done";
  return keptBy(member) ? "limited" : (member.activity ?? "unknown");
}
