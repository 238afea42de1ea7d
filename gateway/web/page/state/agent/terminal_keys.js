// The keys that a person may press in an agent's terminal from here, by their names in the protocol. `label` reads out a sign. Pure.

/** Why a key was not pressed after all: the agent's sidecar says it in a direct message. `pressed` are the orders of this page. Null for any other event. */
export function refusalIn(event, member, pressed) {
  if (event.ev !== "message" || event.from !== member) return null;
  return pressed.some((seq) => event.id === `order-${member}-${seq}`) ? event.content : null;
}

export const KEYS = Object.freeze([
  { key: "esc", text: "Esc" },
  { key: "tab", text: "Tab" },
  { key: "up", text: "↑", label: "Up" },
  { key: "down", text: "↓", label: "Down" },
  { key: "left", text: "←", label: "Left" },
  { key: "right", text: "→", label: "Right" },
  { key: "enter", text: "Enter" },
  { key: "^C", text: "Ctrl-C" },
]);
