// The messages of a room. It stays at the newest one unless the person reads further up, and then nothing moves under them.

import { html } from "../../vendor/htm-preact.js";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "../../vendor/preact-hooks.js";
import { hasStayed, isNearEnd } from "../../state/reading/list_end.js";
import { answerCounts } from "../../state/reading/threads.js";
import { streamRows } from "../../state/stream_rows.js";
import { unfinishedIn } from "../../state/unfinished_texts.js";
import { dayOf } from "../parts/moments.js";
import { MessageRow } from "./message_row.js";
import { NewMessageLine } from "./new_message_line.js";
import { UnfinishedRow } from "./unfinished_row.js";

const NEAR_PX = 300; // how near to an end the next page is asked for
const START = Object.freeze({ endedAt: 0, seq: 0, top: 0 });

export function Stream({ client, state, sent, onReply }) {
  const { window: held, room } = state;
  const rows = useMemo(
    () => streamRows(held.messages, { me: state.me, unreadFrom: state.unreadFrom, dayOf }),
    [held.messages, state.me, state.unreadFrom],
  );
  const known = useMemo(() => new Map(held.messages.map((message) => [message.seq, message])), [held.messages]);
  const answers = useMemo(() => answerCounts(held.messages), [held.messages]);
  const place = usePlace(client, held, room, state.target);
  const jump = useCallback((seq) => client.history.showMessage(seq), [client]);
  useEffect(() => {
    if (sent.count && sent.room === room) place.toNewest();
  }, [sent]);
  const below = state.unread[room] ?? 0;
  const named = state.mentions[room] ?? [];
  return html`<div class="stream-frame">
    <div class="stream" ref=${place.list} onScroll=${place.scrolled} onClick=${place.unfolded} tabindex="0" aria-label="Messages" role="log" aria-live="off"><ol>
      ${held.loaded && !held.older && html`<li class="beginning small">The beginning of #${room}</li>`}
      ${rows.map(
        (row) => html`<${MessageRow}
          key=${row.message.seq}
          row=${row}
          answered=${known.get(row.message.reply_to)}
          answers=${answers.get(row.message.seq) ?? 0}
          deliveries=${state.rungs[row.message.seq]}
          client=${client}
          me=${state.me}
          onReply=${onReply}
          onJump=${jump}
        />`,
      )}
      ${!held.newer && unfinishedIn(state.unfinished, room).map((one) => html`<${UnfinishedRow} key=${`unfinished ${one.member}`} unfinished=${one} />`)}
    </ol></div>
    <${NewMessageLine} held=${held} room=${room} me=${state.me} />
    <div class="jumps">
      ${state.newLine > 0 && html`<button class="jump to-new" onClick=${() => jump(state.newLine)}>First unread ↑</button>`}
      ${named.length > 0 && html`<button class="jump to-mention" onClick=${() => jump(named[0])}>@ ${named.length === 1 ? "names you" : `${named.length} name you`}</button>`}
      ${(held.newer || below > 0) && html`<button class="jump to-newest" onClick=${place.toNewest}>${below > 0 ? `${below} new below` : "To the newest"} ↓</button>`}
    </div>
  </div>`;
}

/** Where the person is in the list: at its end (`endedAt`, see list_end.js), or at a row that must not move when others come or go. */
function usePlace(client, held, room, target) {
  const list = useRef(null);
  const place = useRef(START);
  const fetching = useRef(false); // the newest messages, for whoever wants to be at the end

  const keepEnd = () => {
    const element = list.current;
    if (!element) return; // the person has left the room meanwhile
    element.scrollTop = element.scrollHeight;
    place.current = { endedAt: element.scrollTop, seq: 0, top: 0 };
  };
  const look = useCallback((endedAt) => {
    const element = list.current;
    if (!element || fetching.current) return; // the browser tells of scrolling a moment later
    const stayed = hasStayed(element, endedAt);
    const atEnd = (stayed || isNearEnd(element)) && !client.state.peek().window.newer;
    if (atEnd && stayed) keepEnd();
    else place.current = { endedAt: atEnd ? element.scrollTop : null, ...firstVisible(element) };
    if (element.scrollTop < NEAR_PX) client.history.loadOlder();
    if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX) client.history.loadNewer();
    tellSeen(client, element);
    readIfSeen(client, atEnd);
  }, [client]);
  const scrolled = useCallback(() => look(place.current.endedAt), [look]);

  const toNewest = useCallback(async () => {
    const { room, window } = client.state.peek();
    if (window.newer) {
      fetching.current = true;
      await client.history.loadNewest().finally(() => (fetching.current = false));
      if (client.state.peek().room !== room) return; // the person has gone on
    }
    keepEnd();
    readIfSeen(client, true);
  }, [client]);

  useLayoutEffect(() => {
    place.current = START;
  }, [room]);
  useLayoutEffect(() => {
    if (place.current.endedAt !== null) keepEnd();
    else keepRow(list.current, place.current);
  }); // a mark that comes later makes a row higher, too
  useLayoutEffect(() => {
    const row = target && rowOf(list.current, target.seq);
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    place.current = { endedAt: null, ...firstVisible(list.current) };
  }, [target]);
  useLayoutEffect(() => {
    tellSeen(client, list.current);
    readIfSeen(client, place.current.endedAt !== null);
  }, [held, target]);
  useEffect(() => {
    const element = list.current;
    const resized = new ResizeObserver(() => place.current.endedAt !== null && keepEnd());
    resized.observe(element);
    const shown = () => readIfSeen(client, place.current.endedAt !== null);
    document.addEventListener("visibilitychange", shown);
    return () => {
      resized.disconnect();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [client]);
  // What was unfolded by a press stays where it is read, also at the end of the list.
  const unfolded = useCallback(() => requestAnimationFrame(() => look(null)), [look]);
  return { list, scrolled, toNewest, unfolded };
}

function readIfSeen(client, atEnd) {
  if (atEnd && document.visibilityState === "visible") client.markRead();
}

/** Which messages are on the screen, so that those that name the person count no more. */
function tellSeen(client, element) {
  if (document.visibilityState !== "visible" || !element || !client.looksForSeen()) return;
  const frame = element.getBoundingClientRect();
  const shown = [...element.firstElementChild.children].filter((row) => {
    const box = row.getBoundingClientRect();
    return row.dataset.seq && box.bottom > frame.top && box.top < frame.bottom;
  });
  if (shown.length) client.saw(Number(shown[0].dataset.seq), Number(shown.at(-1).dataset.seq));
}

function firstVisible(element) {
  const top = element.getBoundingClientRect().top;
  for (const row of element.firstElementChild.children) {
    const box = row.getBoundingClientRect();
    if (row.dataset.seq && box.bottom > top) return { seq: row.dataset.seq, top: box.top - top };
  }
  return { seq: 0, top: 0 };
}

function keepRow(element, { seq, top }) {
  const row = rowOf(element, seq);
  if (row) element.scrollTop += row.getBoundingClientRect().top - element.getBoundingClientRect().top - top;
}

const rowOf = (element, seq) => element.querySelector(`[data-seq="${seq}"]`);
