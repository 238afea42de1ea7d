// Tells the gateway how far this person has been shown a room: for messages of agents only, and at most once a second.

const INTERVAL_MS = 1000;
const SILENT_SCOPES = Object.freeze(["reader", "link"]); // they change nothing

export class ReadReports {
  constructor(client, { later = (work) => setTimeout(work, INTERVAL_MS) } = {}) {
    Object.assign(this, { client, later });
    this.told = new Map(); // room -> the last message that was told
    this.resting = false;
  }

  /** The newest message of this room has been on the screen. */
  tell(room, seq) {
    if (SILENT_SCOPES.includes(this.client.state.value.scope) || !this.isNews(room, seq)) return;
    this.wanted = { room, seq };
    if (!this.resting) this.send();
  }

  isNews(room, seq) {
    const { window, members } = this.client.state.value;
    const told = this.told.get(room) ?? 0;
    return window.messages.some((one) => one.seq > told && one.seq <= seq && members[one.from]?.kind === "agent");
  }

  /** What is refused is not told again: a later message tells more. */
  send() {
    const { room, seq } = this.wanted;
    this.wanted = null;
    this.resting = true;
    this.told.set(room, seq);
    this.client.connection.request("room.read", { room, message: seq }).catch(() => undefined);
    this.later(() => {
      this.resting = false;
      if (this.wanted) this.send();
    });
  }
}
