// The messages of a room, fetched page by page as the person reads, and what is asked for together with them.

import { messageNear } from "../state/message_window.js";

const PAGE = 100;
const MAX_COUNTED_ROOMS = 30; // whose unread messages are counted after the page was loaded
const COUNTED_MESSAGES = 100;
const AROUND = 50; // messages on each side of one that was looked for
const THREAD_PAGE = 500;
const MAX_THREAD_PAGES = 20;
const MAX_ASKED_DELIVERIES = 20; // own messages of a page whose receipts are asked for

export class RoomHistory {
  /** `thread`: for whoever reads one thread by a link, which shows nothing else of its room; else 0. */
  constructor(client, thread = 0) {
    Object.assign(this, { client, thread });
    this.loading = new Set();
    this.uncounted = []; // {room, after} of rooms whose unread messages are still to be counted
  }

  loadOlder() {
    const { room, window } = this.client.state.value;
    return window.older ? this.load("older", room, { before: window.messages[0].seq }) : null;
  }

  loadNewer() {
    const { room, window } = this.client.state.value;
    return window.newer ? this.load("newer", room, { after: window.messages.at(-1).seq }) : null;
  }

  loadNewest() {
    return this.load("newest", this.client.state.value.room, {});
  }

  /** Brings a message of this room to the screen, with those around it. */
  async showMessage(seq) {
    const { room, window } = this.client.state.value;
    if (messageNear(window, seq)) return this.client.dispatch({ type: "target", seq });
    const ask = (place) => this.client.connection.request("history", { room, limit: AROUND, ...place });
    const asked = await this.asked(room, () => Promise.all([ask({ before: seq + 1 }), ask({ after: seq })]));
    if (!asked) return;
    this.client.dispatch({ type: "around", room, pages: asked.answer, heard: asked.heard, seq });
    this.askDeliveries(asked.answer.flatMap((page) => page.messages));
  }

  async loadThread(message) {
    const asked = await this.asked(this.client.state.value.room, () => this.wholeThread(message));
    if (asked) this.client.dispatch({ type: "thread", message, messages: asked.answer, heard: asked.heard });
  }

  async wholeThread(message) {
    const messages = [];
    let more = true;
    for (let pages = 0; more && pages < MAX_THREAD_PAGES; pages += 1) {
      const after = messages.length ? { after: messages.at(-1).seq } : {};
      const page = await this.client.connection.request("thread", { message, limit: THREAD_PAGE, ...after });
      messages.push(...page.messages);
      more = Boolean(page.more) && page.messages.length > 0;
    }
    return messages;
  }

  // inside

  asked(room, ask) {
    return this.client.tried(() => this.client.hearing(room, ask));
  }

  async load(type, room, place) {
    if (this.loading.has(type)) return;
    this.loading.add(type);
    try {
      const asked = await this.asked(room, () => this.page(room, place));
      if (asked) {
        this.client.dispatch({ type, room, page: asked.answer, heard: asked.heard, ...place });
        this.askDeliveries(asked.answer.messages);
      }
    } finally {
      this.loading.delete(type);
    }
    if (type === "newest" && this.client.state.value.room !== room) await this.load(type, this.client.state.value.room, {});
  }

  async page(room, place) {
    if (!this.thread) return this.client.connection.request("history", { room, limit: PAGE, ...place });
    return { messages: await this.wholeThread(this.thread), more: false };
  }

  /** Pages of the history do not say how far their messages came. */
  askDeliveries(messages) {
    const { me, rungs } = this.client.state.value;
    const own = messages.filter((one) => one.from === me && one.deliveries?.some((name) => !rungs[one.seq]?.[name]));
    for (const message of own.slice(-MAX_ASKED_DELIVERIES)) {
      this.client.connection.request("show", { message: message.seq }).then(
        ({ deliveries }) => this.client.dispatch({ type: "deliveries", deliveries: deliveries ?? [] }),
        () => undefined, // the mark stays away; its message is there
      );
    }
  }

  beginCount(read) {
    const rooms = Object.keys(this.client.state.value.rooms).filter((room) => read[room] !== undefined);
    this.uncounted = rooms.slice(0, MAX_COUNTED_ROOMS).map((room) => ({ room, after: read[room] }));
  }

  /** After a loss, the next connection goes on. */
  async countUnread() {
    while (this.uncounted.length > 0) {
      const [{ room, after }] = this.uncounted;
      const asked = await this.asked(room, () => this.client.connection.request("history", { room, after, limit: COUNTED_MESSAGES }));
      if (!asked && this.client.state.value.connection !== "open") return;
      this.uncounted = this.uncounted.filter((one) => one.room !== room);
      if (asked) this.client.dispatch({ type: "counted", room, messages: [...asked.answer.messages, ...asked.heard] });
    }
  }
}
