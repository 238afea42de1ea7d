// Between the connection and the state: turns what is heard into actions, and what the person does into requests.

import { signal } from "../vendor/signals-core.js";
import { roomAddress } from "../state/places.js";
import { isLineSeen } from "../state/reading/new_line.js";
import { reduce, START } from "../state/room_state.js";
import { Accesses } from "./accesses.js";
import { AgentTimeline } from "./agent_timeline.js";
import { GatewayFigures } from "./gateway_figures.js";
import { MessageSearch } from "./message_search.js";
import { ReadReports } from "./read_reports.js";
import { RoomHistory } from "./room_history.js";
import { isOfTerminal, TerminalWatch } from "./terminal_watch.js";
import { fetchRestOfWelcome } from "./welcome_pages.js";
import { WorkActions } from "./work_actions.js";

export class RoomClient {
  /**
   * `kept`: KeptTexts. `identity`: {scope, id, isKept} of the device; or {scope: "link", thread}, where `thread` is 0 for a whole room. `open`:
   * shows an address. `refused`: what is left to try where the gateway does not know the device; it rejects if that fails, too. `becameOther`:
   * whether this browser was made another device meanwhile, in another tab; `reload` begins anew as that one.
   */
  constructor({ kept, identity, place, open, refused, becameOther = async () => false, reload = () => undefined }) {
    Object.assign(this, { kept, identity, open, refused, becameOther, reload });
    this.state = signal({ ...START, place, room: place.room ?? START.room, scope: identity.scope });
    this.history = new RoomHistory(this, identity.thread);
    this.work = new WorkActions(this);
    this.figures = new GatewayFigures(this);
    this.timeline = new AgentTimeline(this);
    this.terminal = new TerminalWatch(this);
    this.search = new MessageSearch(this);
    this.accesses = new Accesses(this, identity.id);
    this.reads = new ReadReports(this);
    this.listening = new Set(); // lists of the messages that are heard while answers are waited for
    this.connection = null; // given by `main`, whose listener this is
    this.named = () => undefined; // is told the place that the page begins with; given by `followPlace`
  }

  dispatch(action) {
    this.state.value = reduce(this.state.value, action);
  }

  // the listener of the connection

  async stateChanged(connection, error) {
    // A link is not the browser's own: that one ends takes nothing from a browser that is also a device.
    if (connection === "refused" && this.identity.scope !== "link") {
      if (await this.becameOther()) return this.reload(); // what is kept is the other device's now
      this.kept.clear();
    }
    if (connection === "refused" && this.refused) return this.tryAgain(error.message);
    return this.dispatch({ type: "connection", connection, refusal: error?.message });
  }

  async tryAgain(refusal) {
    const work = this.refused;
    this.refused = null;
    await work().catch((error) => this.dispatch({ type: "connection", connection: "refused", refusal: error.message || refusal }));
  }

  welcomed(welcome) {
    const before = this.state.value;
    const fresh = before.house !== welcome.house;
    const read = fresh ? this.kept.readJson(welcome.house, "read") : {};
    this.dispatch({ type: "welcomed", welcome, read, scope: this.identity.scope });
    this.completeWelcome(welcome);
    if (fresh) this.history.beginCount(read);
    this.history.countUnread();
    this.named(this.state.value.place);
    if (!this.state.value.window.loaded) this.goTo(this.state.value.place);
  }

  /** An answer follows the events before it, so its page is as new as the state. After a loss the next welcome begins anew. */
  completeWelcome(welcome) {
    return this.tried(() => fetchRestOfWelcome(welcome, (op, fields) => this.connection.request(op, fields), (action) => this.dispatch(action)));
  }

  received(event) {
    if (isOfTerminal(event)) return this.terminal.hear(event);
    this.terminal.hearRefusal(event);
    this.timeline.hear(event);
    if (event.ev === "message") for (const heard of this.listening) heard.push(event);
    return this.dispatch({ type: "heard", event });
  }

  /** Resolves with {answer, heard}: the messages of this room that came meanwhile. The gateway may have read its answer before them. */
  async hearing(room, ask) {
    const heard = [];
    this.listening.add(heard);
    try {
      return { answer: await ask(), heard: heard.filter((one) => one.room === room) };
    } finally {
      this.listening.delete(heard);
    }
  }

  // what the person does

  /** Shows a place that the address names. */
  async goTo(place) {
    this.dispatch({ type: "went", place });
    this.dispatch({ type: "entered", room: place.room ?? this.state.value.room });
    if (place.panel === "at") return this.history.showMessage(place.message);
    if (!this.state.value.window.loaded) await this.history.loadNewest();
    if (place.panel === "thread") await this.history.loadThread(place.message);
  }

  /** Whether anything waits to be on the screen. */
  looksForSeen() {
    const { room, mentions, newLine } = this.state.value;
    return newLine > 0 || mentions[room]?.length > 0;
  }

  /** These messages have been on the screen. */
  saw(first, last) {
    const { room, mentions, newLine, window } = this.state.value;
    const named = (mentions[room] ?? []).some((seq) => seq >= first && seq <= last);
    if (named || isLineSeen(newLine, window, first)) this.dispatch({ type: "seen", room, first, last });
  }

  /** Sends what was composed. Rejects with the gateway's error; the text is then still the composer's. */
  async send(wish, id, replyTo) {
    const { room } = this.state.value;
    if (wish.op === "search") return this.searchFor(wish.fields.query);
    if (wish.op !== "send") return this.connection.request(wish.op, wish.room ? { ...wish.fields, room } : wish.fields);
    const fields = { ...wish.fields, id, room };
    if (fields.to.length === 0) delete fields.to;
    const sent = await this.connection.request("send", replyTo ? { ...fields, reply_to: replyTo } : fields);
    this.dispatch({ type: "deliveries", deliveries: sent.deliveries ?? [] });
    return sent;
  }

  async searchFor(query) {
    this.search.change({ query });
    this.open(roomAddress(this.state.value.room, "search"));
    this.search.run();
    return {};
  }

  answer(ask, answer, words) {
    const fields = { member: ask.member, answer, digest: ask.digest };
    return this.connection.request("ask.answer", words ? { ...fields, words } : fields);
  }

  /** The questions that ended last, newest first. */
  async endedQuestions(limit) {
    const answer = await this.tried(() => this.connection.request("asks.ended", { limit }));
    return answer?.asks ?? [];
  }

  /** Why an agent is silent; null if the gateway does not say it. */
  why(name) {
    return this.connection.request("why", { member: name }).then(({ agents }) => agents[0] ?? null, () => null);
  }

  join(room) {
    return this.tried(() => this.connection.request("room.join", { room }));
  }

  /** The story of a message, for those who unfold its mark. */
  story(message) {
    return this.connection.request("receipts", { message });
  }

  /** The newest message of the room has been on the screen. */
  markRead() {
    const { room, window, house } = this.state.value;
    const last = window.messages.at(-1);
    if (!last || window.newer) return;
    const before = this.state.value;
    this.dispatch({ type: "read", room, seq: last.seq });
    if (before !== this.state.value) this.kept.writeMarks(house, "read", this.state.value.read);
    this.reads.tell(room, last.seq);
  }

  async tried(work) {
    try {
      return await work();
    } catch (error) {
      this.dispatch({ type: "notice", notice: error.message });
      return null;
    }
  }
}
