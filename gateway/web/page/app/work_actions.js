// What the person does with modes, decisions and sessions: requests, and their answers as actions on the state.

const LISTED = 100;

export class WorkActions {
  constructor(client) {
    this.client = client;
  }

  /** Also what ended lately, which no welcome tells. */
  async refresh() {
    const [decisions, sessions] = await Promise.all([
      this.ask("decisions", { all: true, limit: LISTED }),
      this.ask("session.list", { all: true, limit: LISTED }),
    ]);
    this.client.dispatch({ type: "listed", decisions: decisions?.decisions, sessions: sessions?.sessions });
  }

  // Each of these rejects with the gateway's sentence, for the place where the person has pressed.

  modes() {
    return this.client.connection.request("modes").then((answer) => answer.modes);
  }

  startMode(fields) {
    return this.client.connection.request("mode.set", fields);
  }

  nextTurn(room) {
    return this.client.connection.request("mode.next", { room });
  }

  extendTurn(room, seconds) {
    return this.client.connection.request("mode.extend", { room, seconds });
  }

  endMode(room) {
    return this.client.connection.request("mode.end", { room });
  }

  answer(decision, fields) {
    return this.client.connection.request("answer", { decision, ...fields });
  }

  session(name) {
    return this.client.connection.request("session.show", { session: name });
  }

  document({ scope, name }) {
    return this.client.connection.request("context.get", { scope, name });
  }

  ask(op, fields) {
    return this.client.tried(() => this.client.connection.request(op, fields));
  }
}
