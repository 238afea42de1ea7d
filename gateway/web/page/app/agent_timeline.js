// Follows what happens with one agent while its page is open: the end of the log, and what is heard from then on.

import { emptyTimeline, withEvent, withPage } from "../state/agent/timeline.js";
import { signal } from "../vendor/signals-core.js";

const PAGE = 50;

export class AgentTimeline {
  constructor(client) {
    this.client = client;
    this.value = signal(null); // while nobody looks
  }

  /** Returns the function that ends it. What the gateway refuses is told beside the timeline. */
  follow(name) {
    const { me, members } = this.client.state.peek();
    this.value.value = emptyTimeline(members[name] ?? { name }, me);
    this.read(name, {}).catch((error) => this.change(name, (timeline) => ({ ...timeline, refusal: error.message })));
    return () => {
      this.value.value = null;
    };
  }

  /** Reads one page further back. */
  older() {
    const { name, before } = this.value.peek();
    return this.read(name, { before });
  }

  async read(member, fields) {
    const page = await this.client.connection.request("timeline", { member, limit: PAGE, ...fields });
    this.change(member, (timeline) => withPage(timeline, page));
  }

  hear(event) {
    const timeline = this.value.peek();
    if (timeline) this.value.value = withEvent(timeline, event, new Date().toISOString());
  }

  /** What comes after the person has gone to another agent is dropped. */
  change(name, change) {
    const timeline = this.value.peek();
    if (timeline?.name === name) this.value.value = change(timeline);
  }
}
