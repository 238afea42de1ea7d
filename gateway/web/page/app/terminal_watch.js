// Looks into one agent's terminal while the person does. Its pictures do not go through the state of the page, which would be
// drawn anew with each of them.

import { refusalIn } from "../state/agent/terminal_keys.js";
import { NO_TERMINAL, refused, withPicture, withWatchState } from "../state/agent/terminal_picture.js";
import { signal } from "../vendor/signals-core.js";

const REMEMBERED_KEYS = 20;

export class TerminalWatch {
  constructor(client) {
    this.client = client;
    this.member = null;
    this.view = signal(NO_TERMINAL);
    this.pressed = []; // the numbers of the last orders
    this.keyRefusal = signal("");
  }

  /** Begins to look. Returns the function that ends it. What the terminal showed before stays until its first picture. */
  watch(member) {
    this.view.value = this.member === member ? { ...this.view.peek(), state: "asked" } : NO_TERMINAL;
    this.member = member;
    this.keyRefusal.value = "";
    const watched = { ended: false };
    this.begin(member, watched);
    return () => {
      watched.ended = true;
      this.client.connection.request("terminal.unwatch", { member }).catch(() => undefined); // it ended with its connection
    };
  }

  async begin(member, watched) {
    try {
      const answer = await this.client.connection.request("terminal.watch", { member });
      if (!watched.ended) this.view.value = withWatchState(this.view.peek(), answer);
    } catch (error) {
      if (!watched.ended) this.view.value = refused(this.view.peek(), error.message);
    }
  }

  /** Takes what is about the terminal that is looked at. */
  hear(event) {
    if (event.member !== this.member) return;
    const change = event.ev === "terminal" ? withPicture : withWatchState;
    this.view.value = change(this.view.peek(), event);
  }

  /** Rejects if the gateway refuses the key. The agent's side may still refuse it, which comes as a message. */
  async press(member, key) {
    this.keyRefusal.value = "";
    const { seq } = await this.client.connection.request("terminal.key", { member, key });
    this.pressed = [...this.pressed, seq].slice(-REMEMBERED_KEYS);
  }

  hearRefusal(event) {
    const why = refusalIn(event, this.member, this.pressed);
    if (why) this.keyRefusal.value = why;
  }
}

export const isOfTerminal = (event) => event.ev === "terminal" || event.ev === "terminal.state";
