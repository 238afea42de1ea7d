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
    const pages = await this.client.tried(() => Promise.all([ask({ before: seq + 1 }), ask({ after: seq })]));
    if (!pages) return;
    this.client.dispatch({ type: "around", room, pages, seq });
    this.askDeliveries(pages.flatMap((page) => page.messages));
  }

  async loadThread(message) {
    const messages = await this.client.tried(() => this.wholeThread(message));
    if (messages) this.client.dispatch({ type: "thread", message, messages });
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

  async load(type, room, place) {
    if (this.loading.has(type)) return;
    this.loading.add(type);
    try {
      const page = await this.client.tried(() => this.page(room, place));
      if (!page) return;
      this.client.dispatch({ type, room, page, ...place });
      this.askDeliveries(page.messages);
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
    const own = messages.filter((one) => one.from === me && one.deliveries?.length && !rungs[one.seq]);
    for (const message of own.slice(-MAX_ASKED_DELIVERIES)) {
      this.client.connection.request("show", { message: message.seq }).then(
        ({ deliveries }) => this.client.dispatch({ type: "deliveries", deliveries: deliveries ?? [] }),
        () => undefined, // the mark stays away; its message is there
      );
    }
  }

  async countUnread(read) {
    const rooms = Object.keys(this.client.state.value.rooms).filter((room) => read[room] !== undefined);
    for (const room of rooms.slice(0, MAX_COUNTED_ROOMS)) {
      const page = await this.client.tried(() => this.client.connection.request("history", { room, after: read[room], limit: COUNTED_MESSAGES }));
      this.client.dispatch({ type: "counted", room, messages: page?.messages ?? [] });
    }
  }
}
