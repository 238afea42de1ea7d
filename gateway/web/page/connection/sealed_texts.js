// What the gateway cannot read, this page cannot either: code that a gateway serves must hold no key against it. A sealed
// message or question gets a text that says so, before anything shows it. Pure.

export const SEALED_TEXT = "(sealed: only the members' own programs can read it)";

const hasBox = (value) => typeof value?.sealed === "object" && value.sealed !== null;

const readableMessage = (message) => (hasBox(message) && !message.content ? { ...message, content: SEALED_TEXT } : message);

const readableAsk = (ask) => (hasBox(ask) && !ask.question ? { ...ask, question: SEALED_TEXT } : ask);

/** An event of the gateway, with a text in place of each box. */
export function readableEvent(event) {
  if (event.ev === "message") return readableMessage(event);
  if (event.ev === "ask") return { ...event, ask: readableAsk(event.ask) };
  return event;
}

/** The result of a request, the same way. */
export function readableResult(result) {
  if (result === null || typeof result !== "object") return result;
  const readable = { ...result };
  if (Array.isArray(result.messages)) readable.messages = result.messages.map(readableMessage);
  if (result.message !== null && typeof result.message === "object") readable.message = readableMessage(result.message);
  if (Array.isArray(result.pins)) readable.pins = result.pins.map((pin) => ({ ...pin, message: readableMessage(pin.message) }));
  if (Array.isArray(result.events)) readable.events = result.events.map(readableEvent);
  if (Array.isArray(result.asks)) readable.asks = result.asks.map(readableAsk);
  return readable;
}
