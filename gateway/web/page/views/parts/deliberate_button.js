// A button that acts after a long press, or after a second press a moment after the first.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useRef, useState } from "../../vendor/preact-hooks.js";
import { ARMED_MS, HOLD_MS, IDLE, pressed } from "../../state/deliberate_press.js";

export function DeliberateButton({ text, onConfirm, kind = "allow" }) {
  const [state, setState] = useState(IDLE);
  const [held, setHeld] = useState(false);
  const hold = useRef(null);
  const wasHeld = useRef(false);
  useEffect(() => {
    if (state.armedAt === null) return undefined;
    const timer = setTimeout(() => setState(IDLE), ARMED_MS);
    return () => clearTimeout(timer);
  }, [state]);
  useEffect(() => () => clearTimeout(hold.current), []);

  const confirm = () => {
    setState(IDLE);
    onConfirm();
  };
  const begin = () => {
    wasHeld.current = false;
    setHeld(true);
    hold.current = setTimeout(() => {
      wasHeld.current = true; // the click that follows belongs to this press
      setHeld(false);
      confirm();
    }, HOLD_MS);
  };
  const end = () => {
    setHeld(false);
    clearTimeout(hold.current);
  };
  const click = (event) => {
    if (wasHeld.current) {
      wasHeld.current = false;
      return;
    }
    const { state: next, meant } = pressed(state, event.timeStamp);
    if (meant) confirm();
    else setState(next);
  };
  const armed = state.armedAt !== null;
  // A key that is held down repeats its press: those do not count.
  const keys = (event) => event.repeat && event.preventDefault();
  return html`<button class=${`${kind} deliberate ${armed ? "armed" : ""} ${held ? "held" : ""}`} dir="auto" onPointerDown=${begin} onPointerUp=${end}
    onPointerLeave=${end} onPointerCancel=${end} onContextMenu=${(event) => event.preventDefault()} onKeyDown=${keys} onClick=${click}
    title="Hold it, or press it twice">${text}${armed && html`<span class="again"> – press again to confirm</span>`}</button>`;
}
