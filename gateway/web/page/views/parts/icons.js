// The drawings of the page, as lines of the colour of the text beside them.

import { html } from "../../vendor/htm-preact.js";

const PATHS = {
  room: "M4 5.5h16v11H10l-4.5 3.5v-3.5H4z",
  questions: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.6v.1",
  fleet: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  modes: "M4 8h13l-3-3.5M20 16H7l3 3.5",
  settings: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h11M19 17h1M17 15v4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20",
  members: "M9 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 0 0 0 7zM2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M15.5 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14.5c2.3.7 3.7 2.5 4 5.5",
  rooms: "M4 6.5h16M4 12h16M4 17.5h10",
  close: "M6 6l12 12M18 6L6 18",
  reply: "M10 6L4.5 11.5L10 17M4.5 11.5h9c4 0 6 2 6 6.5",
  thread: "M5 5h14M5 5v14M9 10h10M9 15h8",
  send: "M4 12L20 4.5L15.5 20L11.5 13.5zM11.5 13.5L20 4.5",
  sealed: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
}
