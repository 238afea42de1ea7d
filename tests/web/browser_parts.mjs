// Parts of a browser that Node does not have, as plain objects: stores, answers of the gateway, sockets and clocks.

export class MemoryStore {
  row = null;
  async read() {
    return this.row;
  }
  async write(record) {
    this.row = record;
  }
}

/** As in a private window: there is nothing to read, and nothing can be kept. */
export class RefusingStore extends MemoryStore {
  async write() {
    throw new Error("The quota has been exceeded.");
  }
}

/** `fetch` that gives one answer and remembers what it was asked. */
export function answering(status, body) {
  const asked = [];
  const fetch = async (...given) => {
    asked.push(given);
    return { ok: status < 400, status, json: async () => body };
  };
  return { fetch, asked };
}

/** A socket whose other end is the test. */
export class PlayedSocket {
  sent = [];
  closed = false;
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  says(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }
  breaks() {
    this.onclose({});
  }
}

/** Sockets and timers of a test: `sockets` in the order of their opening, `timers` by their number. */
export class PlayedEnvironment {
  sockets = [];
  timers = new Map();
  next = 1;
  random = () => 1;
  openSocket = (address) => {
    const socket = new PlayedSocket();
    socket.address = address;
    this.sockets.push(socket);
    return socket;
  };
  setTimeout = (work, ms) => {
    this.timers.set(this.next, { work, ms });
    return this.next++;
  };
  clearTimeout = (timer) => this.timers.delete(timer);

  /** The delays that are waited for now. */
  get delays() {
    return [...this.timers.values()].map((timer) => timer.ms);
  }

  /** Lets the timers with this delay ring. */
  ring(ms) {
    for (const [number, timer] of [...this.timers]) {
      if (timer.ms !== ms) continue;
      this.timers.delete(number);
      timer.work();
    }
  }
}

/** Lets everything happen that waits for no timer. */
export async function settle() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
