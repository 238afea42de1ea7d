// A thread beside the messages: the message that began it, and everything that answers it.

import { html } from "../../vendor/htm-preact.js";
import { streamRows } from "../../state/stream_rows.js";
import { dayOf } from "../parts/moments.js";
import { MessageRow } from "./message_row.js";
import { SidePanel } from "./side_panel.js";

export function ThreadPanel({ client, state, onReply }) {
  const { thread } = state;
  if (!thread) return html`<${SidePanel} id="thread" title="Thread" room=${state.room} open><p class="small" role="status">Fetching …</p><//>`;
  const total = thread.messages.length + thread.left;
  const rows = streamRows(thread.messages, { me: state.me, unreadFrom: 0, dayOf });
  const known = new Map(thread.messages.map((message) => [message.seq, message]));
  return html`<${SidePanel} id="thread" title=${`Thread, ${total} message${total === 1 ? "" : "s"}`} room=${state.room} open>
    <ol class="thread-list">${rows.map((row) => html`<${MessageRow}
      key=${row.message.seq} row=${row} answered=${row.message.reply_to === thread.messages[0].seq ? undefined : known.get(row.message.reply_to)}
      deliveries=${state.rungs[row.message.seq]} client=${client} me=${state.me} onReply=${onReply} inThread />`)}</ol>
    ${thread.left > 0 && html`<p class="small">${thread.left} messages between the first and the newest ones are not shown.</p>`}
  <//>`;
}
