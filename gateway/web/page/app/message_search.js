// A search and what it found, kept while the person looks at a result and comes back.

import { signal } from "../vendor/signals-core.js";
import { NOTHING_FOUND, searchFields, withFound } from "../state/reading/search.js";

export class MessageSearch {
  constructor(client) {
    this.client = client;
    this.form = signal({ query: "", from: "", everywhere: false });
    this.result = signal(NOTHING_FOUND);
  }

  change(fields) {
    this.form.value = { ...this.form.value, ...fields };
  }

  async run() {
    const asked = { ...this.form.value, room: this.client.state.peek().room };
    const fields = searchFields(asked, asked.room);
    this.result.value = { ...NOTHING_FOUND, asked: fields && asked, busy: Boolean(fields) };
    if (fields) await this.add(asked, fields);
  }

  async more() {
    const { asked, found, busy } = this.result.value;
    if (busy) return; // pressed twice
    this.result.value = { ...this.result.value, busy: true };
    await this.add(asked, searchFields(asked, asked.room, found.at(-1).seq));
  }

  async add(asked, fields) {
    try {
      const { messages } = await this.client.connection.request("search", fields);
      const now = this.result.value;
      if (now.asked !== asked) return; // another search has begun
      this.result.value = withFound(now, messages);
    } catch (error) {
      if (this.result.value.asked === asked) this.result.value = { ...this.result.value, busy: false, refusal: error.message };
    }
  }
}
