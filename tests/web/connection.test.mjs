// One connection, as a dialogue: what the gateway says, what the page answers, and what happens after a loss.

import assert from "node:assert/strict";
import { test } from "node:test";

import { retryDelayMs } from "../../gateway/web/page/connection/backoff.js";
import { Connection, ConnectionState } from "../../gateway/web/page/connection/connection.js";
import { PlayedEnvironment, settle } from "./browser_parts.mjs";

const WELCOME = { ev: "welcome", last_seq: 40, rooms: [], you: { name: "alice" } };

class Heard {
  states = [];
  events = [];
  welcomes = [];
  error = null;
  stateChanged(state, error) {
    this.states.push(state);
    this.error = error;
  }
  welcomed(welcome) {
    this.welcomes.push(welcome);
  }
  received(event) {
    this.events.push(event);
  }
}

function begun() {
  const environment = new PlayedEnvironment();
  const heard = new Heard();
  const connection = new Connection({
    address: "ws://h/v1/ws?device=d",
    prove: async (challenge) => ({ op: "prove", signature: `of ${challenge.nonce}` }),
    listener: heard,
    environment,
  });
  connection.open();
  return { environment, heard, connection, socket: environment.sockets[0] };
}

async function greet(socket, { house = "h1", welcome = WELCOME } = {}) {
  socket.says({ ev: "challenge", nonce: "n", house, expires_in: 10 });
  await settle();
  socket.says({ re: socket.sent.at(-1).n, ok: {} });
  await settle();
  const hello = socket.sent.at(-1);
  socket.says({ re: hello.n, ok: welcome });
  await settle();
  return hello;
}

test("it proves, says hello, and is open", async () => {
  const { socket, heard, connection } = begun();
  const hello = await greet(socket);
  assert.deepEqual(socket.sent[0], { op: "prove", signature: "of n", n: 1 });
  assert.equal(hello.op, "hello");
  assert.equal("since" in hello, false);
  assert.equal(connection.state, ConnectionState.OPEN);
  assert.deepEqual(heard.states, ["connecting", "open"]);
  assert.deepEqual(heard.welcomes, [WELCOME]);
});

test("a request gets the answer with its number, or its error", async () => {
  const { socket, connection } = begun();
  await greet(socket);
  const history = connection.request("history", { room: "general" });
  const refused = connection.request("keys", { member: "claude" });
  const [first, second] = socket.sent.slice(-2);
  socket.says({ re: second.n, error: { code: "forbidden", message: "No." } });
  socket.says({ re: first.n, ok: { messages: [] } });
  assert.deepEqual(await history, { messages: [] });
  await assert.rejects(refused, { code: "forbidden", message: "No." });
});

test("after a loss it comes back by itself and asks for what it missed", async () => {
  const { socket, heard, connection, environment } = begun();
  await greet(socket);
  socket.says({ ev: "message", seq: 41, content: "hi" });
  const unanswered = connection.request("send", { content: "x" });
  socket.breaks();
  await assert.rejects(unanswered, { code: "lost" });
  assert.equal(connection.state, ConnectionState.WAITING);
  environment.ring(0);
  const hello = await greet(environment.sockets[1]);
  assert.equal(hello.since, 41);
  assert.deepEqual(heard.events.map((event) => event.seq), [41]);
});

test("another store has other numbers: nothing is resumed from them", async () => {
  const { socket, environment } = begun();
  await greet(socket);
  socket.breaks();
  environment.ring(0);
  const hello = await greet(environment.sockets[1], { house: "h2" });
  assert.equal("since" in hello, false);
});

test("a device that is revoked is told so, and does not knock again", async () => {
  const { socket, heard, connection, environment } = begun();
  socket.says({ ev: "challenge", nonce: "n", house: "h1", expires_in: 10 });
  await settle();
  socket.says({ re: 1, error: { code: "unauthorized", message: "Not paired." } });
  await settle();
  socket.breaks();
  assert.equal(connection.state, ConnectionState.REFUSED);
  assert.equal(heard.error.message, "Not paired.");
  assert.deepEqual(environment.delays, []);
});

test("what an old socket still says is not heard", async () => {
  const { socket, heard, environment } = begun();
  await greet(socket);
  socket.breaks();
  environment.ring(0);
  socket.says({ ev: "message", seq: 99 });
  assert.deepEqual(heard.events, []);
});

test("after a sleep it finds out that the socket is dead", async () => {
  const { socket, connection, environment } = begun();
  await greet(socket);
  const looked = connection.checkAlive();
  assert.equal(socket.sent.at(-1).op, "ping");
  environment.ring(5_000);
  await looked;
  assert.equal(connection.state, ConnectionState.WAITING);
});

test("after a sleep it does not wait for the next attempt", async () => {
  const { socket, connection, environment } = begun();
  socket.breaks();
  environment.ring(0);
  environment.sockets[1].breaks();
  assert.deepEqual(environment.delays, [250]);
  connection.checkAlive();
  assert.equal(environment.sockets.length, 3);
  assert.deepEqual(environment.delays, [30_000]); // for the challenge
});

test("a slow line is not taken for a dead one while anything comes", async () => {
  const { socket, connection, environment } = begun();
  await greet(socket);
  const looked = connection.checkAlive();
  socket.says({ ev: "message", seq: 41 });
  environment.ring(5_000);
  await looked;
  assert.equal(connection.state, ConnectionState.OPEN);
});

test("a line that dies in silence is noticed by a page that is only read", async () => {
  const { socket, connection, environment } = begun();
  await greet(socket);
  environment.ring(45_000);
  assert.equal(socket.sent.at(-1).op, "ping");
  socket.says({ re: socket.sent.at(-1).n, ok: {} });
  environment.ring(45_000);
  environment.ring(30_000);
  await settle();
  assert.equal(connection.state, ConnectionState.WAITING);
  assert.deepEqual(environment.delays, [0]);
});

test("a socket that opens and then says nothing is given up", () => {
  const { connection, environment } = begun();
  environment.ring(30_000);
  assert.equal(connection.state, ConnectionState.WAITING);
  environment.ring(0);
  assert.equal(environment.sockets.length, 2);
});

test("a closed one stays closed", async () => {
  const { socket, connection, environment } = begun();
  await greet(socket);
  connection.close();
  socket.breaks();
  assert.equal(connection.state, ConnectionState.CLOSED);
  assert.deepEqual(environment.delays, []);
  await assert.rejects(connection.request("ping"), { code: "lost" });
});

test("the waits grow, are bounded, and differ between pages", () => {
  const longest = [0, 1, 2, 3, 10, 100].map((attempt) => retryDelayMs(attempt, () => 1));
  assert.deepEqual(longest, [0, 250, 500, 1000, 15_000, 15_000]);
  assert.equal(retryDelayMs(3, () => 0), 500);
});
