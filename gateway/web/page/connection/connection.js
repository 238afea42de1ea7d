// One connection to the gateway over its full protocol. It proves who reads, says hello, numbers requests, and comes back
// after a loss with the events that were missed. It knows no page: what it hears goes to `listener`.

import { retryDelayMs } from "./backoff.js";
import { readableEvent, readableResult } from "./sealed_texts.js";

const REQUEST_TIMEOUT_MS = 30_000;
const CHALLENGE_TIMEOUT_MS = 30_000;
const ALIVE_TIMEOUT_MS = 5_000;
const HEARTBEAT_MS = 45_000;

/** An error that the gateway has answered, or that stands for the loss of the connection. */
export class GatewayError extends Error {
  constructor({ code, message, retry_after: retryAfter }) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

const LOST = { code: "lost", message: "The connection was lost before the gateway answered." };
const TOO_LATE = { code: "timed_out", message: "The gateway did not answer in time." };

/** The states of a connection, as `listener.stateChanged(state, error)` tells them. */
export const ConnectionState = Object.freeze({
  CONNECTING: "connecting",
  OPEN: "open",
  WAITING: "waiting", // lost; it tries again by itself
  REFUSED: "refused", // the gateway does not know this device or link (any more)
  CLOSED: "closed", // by `close`
});

export class Connection {
  /**
   * `address`: of the socket, as `wss://HOST/v1/ws?device=ID`. `prove(challenge)`: the frame that answers a challenge.
   * `listener`: `stateChanged(state, error)`, `welcomed(welcome)`, `received(event)`. `environment`: `openSocket(address)`,
   * `setTimeout`, `clearTimeout`, `random`.
   */
  constructor({ address, prove, listener, environment }) {
    Object.assign(this, { address, prove, listener, environment });
    this.state = ConnectionState.CLOSED;
    this.waiting = new Map(); // number -> {resolve, reject, timer}
    this.number = 0;
    this.attempt = 0;
    this.socket = null;
    this.retry = null;
    this.challengeTimer = null;
    this.heartbeat = null;
    this.frames = 0; // how many were heard, of all sockets
    this.house = "";
    this.lastSeq = null; // the newest event that was heard: a new connection continues after it
  }

  open() {
    this.clearRetry();
    this.setState(ConnectionState.CONNECTING);
    const socket = this.environment.openSocket(this.address);
    this.socket = socket;
    this.challengeTimer = this.environment.setTimeout(() => socket === this.socket && this.lost(), CHALLENGE_TIMEOUT_MS);
    socket.onmessage = ({ data }) => socket === this.socket && this.receive(JSON.parse(data));
    socket.onclose = () => socket === this.socket && this.lost();
  }

  close() {
    this.clearRetry();
    this.drop();
    this.setState(ConnectionState.CLOSED);
  }

  /** Sends one request, such as `request("history", {room: "general"})`. Resolves with its result. */
  request(op, fields = {}, timeoutMs = REQUEST_TIMEOUT_MS) {
    if (this.state !== ConnectionState.OPEN) return Promise.reject(new GatewayError(LOST));
    return this.send({ op, ...fields }, timeoutMs);
  }

  /** Finds out whether the socket still lives, after a sleep of the device or a change of its network. */
  async checkAlive() {
    if (this.state === ConnectionState.WAITING) {
      this.attempt = 0;
      this.open();
    } else if (this.state === ConnectionState.OPEN) {
      await this.ping(ALIVE_TIMEOUT_MS);
    }
  }

  // inside

  /** On a slow line the answer may wait behind what the gateway sent before: a socket that is heard lives. */
  async ping(timeoutMs) {
    const [asked, before] = [this.socket, this.frames];
    await this.request("ping", {}, timeoutMs).catch(() => asked === this.socket && this.frames === before && this.lost());
  }

  /** A line may die in silence. A page that is only read would then show the same for ever, and never say so. */
  beat() {
    this.heartbeat = this.environment.setTimeout(() => {
      this.ping(REQUEST_TIMEOUT_MS);
      this.beat();
    }, HEARTBEAT_MS);
  }

  send(request, timeoutMs = REQUEST_TIMEOUT_MS) {
    const n = ++this.number;
    return new Promise((resolve, reject) => {
      const timer = this.environment.setTimeout(() => this.settle(n, { error: TOO_LATE }), timeoutMs);
      this.waiting.set(n, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ ...request, n }));
    });
  }

  settle(n, { ok, error }) {
    const request = this.waiting.get(n);
    if (!request) return;
    this.waiting.delete(n);
    this.environment.clearTimeout(request.timer);
    if (error) request.reject(new GatewayError(error));
    else request.resolve(readableResult(ok));
  }

  receive(frame) {
    this.frames += 1;
    if (frame.re !== undefined) this.settle(frame.re, frame);
    else if (frame.ev === "challenge") this.begin(frame);
    else this.hear(frame);
  }

  hear(event) {
    if (typeof event.seq === "number") this.lastSeq = Math.max(this.lastSeq ?? 0, event.seq);
    this.listener.received(readableEvent(event));
  }

  async begin(challenge) {
    const socket = this.socket;
    this.environment.clearTimeout(this.challengeTimer);
    try {
      await this.send(await this.prove(challenge));
      if (challenge.house !== this.house) this.lastSeq = null; // numbers of another store mean something else
      this.house = challenge.house;
      const since = this.lastSeq === null ? {} : { since: this.lastSeq };
      const welcome = await this.send({ op: "hello", echo: true, ...since });
      if (socket === this.socket) this.welcomed(welcome);
    } catch (error) {
      if (socket === this.socket) this.failed(error);
    }
  }

  welcomed(welcome) {
    this.attempt = 0;
    if (this.lastSeq === null) this.lastSeq = welcome.last_seq;
    this.setState(ConnectionState.OPEN);
    this.beat();
    this.listener.welcomed(welcome);
  }

  failed(error) {
    if (error.code === "unauthorized" || error.code === "forbidden") {
      this.drop();
      this.setState(ConnectionState.REFUSED, error);
    } else {
      this.lost();
    }
  }

  lost() {
    this.drop();
    this.setState(ConnectionState.WAITING);
    const delay = retryDelayMs(this.attempt++, this.environment.random);
    this.retry = this.environment.setTimeout(() => this.open(), delay);
  }

  /** Lets go of the socket. Requests that wait for an answer fail: whether the gateway has taken them is not known. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    this.environment.clearTimeout(this.challengeTimer);
    this.environment.clearTimeout(this.heartbeat);
    if (socket) socket.close();
    for (const n of [...this.waiting.keys()]) this.settle(n, { error: LOST });
  }

  clearRetry() {
    if (this.retry !== null) this.environment.clearTimeout(this.retry);
    this.retry = null;
  }

  setState(state, error = null) {
    this.state = state;
    this.listener.stateChanged(state, error);
  }
}
