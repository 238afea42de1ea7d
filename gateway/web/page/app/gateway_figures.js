// The gateway's own figures, asked for only while somebody looks at them.

import { signal } from "../vendor/signals-core.js";

const AGAIN_MS = 10_000;

export class GatewayFigures {
  constructor(client) {
    this.client = client;
    this.value = signal({ status: null, stats: null, refusal: "" });
  }

  /** Asks now and from time to time. Returns the function that ends it. */
  watch() {
    this.refresh();
    const timer = setInterval(() => document.visibilityState === "visible" && this.refresh(), AGAIN_MS);
    return () => clearInterval(timer);
  }

  async refresh() {
    try {
      const [status, stats] = await Promise.all([this.client.connection.request("status"), this.client.connection.request("stats")]);
      this.value.value = { status, stats, refusal: "" };
    } catch (error) {
      this.value.value = { ...this.value.value, refusal: error.message };
    }
  }
}
