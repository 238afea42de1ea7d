// Reads out the newest message of another member as it comes. The list itself is silent: a screen reader would else read
// whole pages of it whenever the person scrolls or goes to another room.

import { html } from "../../vendor/htm-preact.js";
import { useEffect, useRef, useState } from "../../vendor/preact-hooks.js";
import { plainLine } from "../../markdown/plain_line.js";
import { messageHeard } from "../../state/reading/heard_message.js";

const READ_CHARS = 200;

export function NewMessageLine({ held, room, me }) {
  const before = useRef({ held, room });
  const [heard, setHeard] = useState(null);
  useEffect(() => {
    const { held: last, room: lastRoom } = before.current;
    before.current = { held, room };
    if (room !== lastRoom) return setHeard(null);
    const message = messageHeard(last, held, me);
    if (message) setHeard(message);
    return undefined;
  }, [held, room, me]);
  return html`<p class="hidden" role="status" aria-label="Newest message">${heard && `${heard.from}: ${plainLine(heard.content, READ_CHARS)}`}</p>`;
}
