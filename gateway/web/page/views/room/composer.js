// Where the person writes. The text stays until the gateway has taken it, and a draft is kept for each room.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact-hooks.js";
import { plainLine } from "../../markdown/plain_line.js";
import { oneLine } from "../../markdown/safe_text.js";
import { audienceOf, compose, nameBefore, withName } from "../../state/composition.js";
import { commandsBefore } from "../../state/page_commands.js";
import { outcomeOf } from "../../state/reading/outcomes.js";
import { Icon } from "../parts/icons.js";

const MAX_NAMES = 6;
const QUOTED_CHARS = 80;
const MOST_LINES_PX = 200;

export function Composer({ client, state, replyTo, onReply, onSent }) {
  if (state.scope === "link" || state.scope === "reader") return html`<p class="composer small">You read along here; this browser may not write.</p>`;
  const members = state.rooms[state.room]?.members;
  if (members && !members.includes(state.me)) {
    return html`<p class="composer">You are not in this room. <button onClick=${() => client.join(state.room)}>Join #${state.room}</button></p>`;
  }
  return html`<${Writing} client=${client} state=${state} replyTo=${replyTo} onReply=${onReply} onSent=${onSent} />`;
}

function Writing({ client, state, replyTo, onReply, onSent }) {
  const { house, room } = state;
  const [text, setText] = useState(() => client.kept.read(house, "draft", room));
  const [told, setTold] = useState({ sentence: "", refused: false });
  const [sending, setSending] = useState(false);
  const field = useRef(null);
  const attempt = useRef({ text: "", id: "" });
  const write = (next) => {
    setText(next);
    client.kept.write(house, "draft", room, next);
  };
  const completion = useCompletion(state, text, write, field);
  useLayoutEffect(() => fitHeight(field.current), [text]);
  useEffect(() => {
    const keyboard = window.matchMedia("(hover: hover)").matches; // on a phone the focus would open its keyboard
    if (replyTo || keyboard) field.current.focus();
  }, [replyTo]);

  const send = async () => {
    const wish = compose(text, replyTo, state.me);
    if (wish.refused) return setTold({ sentence: text.trim() ? wish.refused : "", refused: true });
    if (attempt.current.text !== text) attempt.current = { text, id: crypto.randomUUID() }; // the same id: sent again, it is one message
    setSending(true);
    try {
      const done = await client.send(wish, attempt.current.id, replyTo?.seq);
      attempt.current = { text: "", id: "" };
      write("");
      onReply((now) => (now === replyTo ? null : now)); // the person may have gone on to another room, or to another reply
      if (wish.op === "send") onSent(room);
      setTold({ sentence: outcomeOf(wish, done), refused: false });
    } catch (error) {
      setTold({ sentence: `Not sent. ${error.message}`, refused: true });
    } finally {
      setSending(false);
      field.current?.focus();
    }
  };
  const keys = (event) => {
    if (completion.keys(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (!sending) send();
    } else if (event.key === "Escape" && replyTo) onReply(null);
  };
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); send(); }}>
    ${replyTo && html`<p class="replying small"><span>Reply to <bdi>${replyTo.from}</bdi>: <bdi>${plainLine(replyTo.content, QUOTED_CHARS)}</bdi></span>
      <button type="button" class="quiet" onClick=${() => onReply(null)} aria-label="Do not reply">Cancel</button></p>`}
    ${completion.list}
    <div class="write">
      <textarea ref=${field} dir="auto" rows="1" value=${text} readonly=${sending} aria-busy=${sending} aria-label=${`Message to #${room}`}
        placeholder=${`Message to #${room}`} enterkeyhint="send" autocomplete="off" ...${completion.aria}
        onInput=${(event) => { write(event.target.value); setTold({ sentence: "", refused: false }); completion.look(event.target); }}
        onKeyDown=${keys} onClick=${(event) => completion.look(event.target)} onBlur=${completion.close}></textarea>
      <button type="submit" class="send" disabled=${sending} onMouseDown=${keepFocus} aria-label="Send" title="Send (Enter)"><${Icon} name="send" /></button>
    </div>
    <p class=${`small told ${told.refused ? "warning" : ""}`} role=${told.refused ? "alert" : "status"} dir="auto">
      ${told.sentence ? oneLine(told.sentence, 500) : audienceOf(text, room, replyTo, state.me)}</p>
  </form>`;
}

/** The field keeps the focus, and a phone its keyboard. */
function keepFocus(event) {
  event.preventDefault();
}

function fitHeight(field) {
  field.rows = 1;
  const line = Number.parseFloat(getComputedStyle(field).lineHeight) || 20;
  const most = Math.floor(MOST_LINES_PX / line);
  while (field.rows < most && field.scrollHeight > field.clientHeight + 1) field.rows += 1;
}

/** Completion of `@names` and commands: a list above the field, chosen by arrows, Tab, Enter or a press. */
function useCompletion(state, text, write, field) {
  const [open, setOpen] = useState(null); // {start, found, chosen}
  const close = () => setOpen(null);
  const look = (element) => {
    const completion = commandsBefore(element.value, element.selectionStart) ?? namesBefore(state, element);
    setOpen(completion && { ...completion, chosen: 0 });
  };
  const choose = (one) => {
    const next = withName(text, field.current.selectionStart, open.start, one.text);
    field.current.value = next.text; // at once: what is typed next stands behind the name
    field.current.setSelectionRange(next.cursor, next.cursor);
    field.current.focus();
    write(next.text);
    close();
  };
  const move = (by) => setOpen({ ...open, chosen: (open.chosen + by + open.found.length) % open.found.length });
  const take = () => choose(open.found[open.chosen]);
  const actions = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Tab: take, Enter: take, Escape: close };
  const keys = (event) => {
    if (!open || event.shiftKey || event.isComposing || !actions[event.key]) return false;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
    return true;
  };
  const list = open && html`<ul class="names" id="names" role="listbox" aria-label="Completions">
    ${open.found.map((one, index) => html`<li role="option" id=${`name-${index}`} aria-selected=${index === open.chosen}
      onPointerDown=${(event) => { event.preventDefault(); choose(one); }}><bdi>${one.form}</bdi>${one.about && html` <span class="small">${one.about}</span>`}</li>`)}</ul>`;
  const aria = open ? { "aria-autocomplete": "list", "aria-controls": "names", "aria-activedescendant": `name-${open.chosen}` } : {};
  return { keys, look, close, list, aria };
}

function namesBefore(state, element) {
  const word = nameBefore(element.value, element.selectionStart);
  if (!word) return null;
  const members = (state.rooms[state.room]?.members ?? []).filter((name) => name !== state.me).sort();
  const found = [...members, "all"].filter((name) => name.startsWith(word.prefix) && name !== word.prefix).slice(0, MAX_NAMES);
  const about = (name) => (name === "all" ? "everyone here" : (state.members[name]?.role ?? ""));
  return found.length ? { start: word.start, found: found.map((name) => ({ text: name, form: `@${name}`, about: about(name) })) } : null;
}
