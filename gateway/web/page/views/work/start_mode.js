// Starts a mode in a room with all of its agents. Its list of modes is asked for when it is unfolded.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";
import { RefusalLine, useTried } from "../parts/tried.js";

export function StartMode({ client, state }) {
  const [modes, setModes] = useState(null);
  const { busy, refusal, run } = useTried();
  const unfold = async () => setModes(modes ? null : ((await run(() => client.work.modes())) ?? null));
  return html`<div class="start-mode">
    <button class="quiet" aria-expanded=${Boolean(modes)} onClick=${unfold}>${modes ? "Do not start a mode" : "Start a mode …"}</button>
    ${modes && html`<${ModeForm} client=${client} state=${state} modes=${modes.filter((one) => one.name !== "freeform")} busy=${busy} run=${run} done=${() => setModes(null)} />`}
    <${RefusalLine} sentence=${refusal} />
  </div>`;
}

function ModeForm({ client, state, modes, busy, run, done }) {
  const [room, setRoom] = useState(state.room);
  const [mode, setMode] = useState(modes[0]?.name ?? "");
  const [topic, setTopic] = useState("");
  const chosen = modes.find((one) => one.name === mode);
  const submit = async (event) => {
    event.preventDefault();
    const fields = topic.trim() ? { topic: topic.trim() } : {};
    if (await run(() => client.work.startMode({ room, mode, ...fields }))) done();
  };
  return html`<form class="card form" onSubmit=${submit}>
    <label>Room <select class="field" value=${room} onChange=${(event) => setRoom(event.target.value)}>${Object.keys(state.rooms).sort().map((name) => html`<option value=${name}>#${name}</option>`)}</select></label>
    <label>Mode <select class="field" value=${mode} onChange=${(event) => setMode(event.target.value)}>${modes.map((one) => html`<option value=${one.name}>${one.name}</option>`)}</select></label>
    ${chosen?.about && html`<p class="small" dir="auto">${oneLine(chosen.about, 300)}</p>`}
    <label>About <input class="field" type="text" maxlength="1000" value=${topic} onInput=${(event) => setTopic(event.target.value)} placeholder="tabs or spaces" dir="auto" /></label>
    <button type="submit" class="main" disabled=${busy || !mode}>Start</button>
  </form>`;
}
