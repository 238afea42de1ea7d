// The devices and links of the person: listed, and ended.

import { accessesOf } from "../state/settings.js";

export class Accesses {
  constructor(client, thisDevice) {
    Object.assign(this, { client, thisDevice });
  }

  async list() {
    const { tokens } = await this.client.connection.request("tokens", { own: true });
    return accessesOf(tokens, this.thisDevice);
  }

  end(id) {
    return this.client.connection.request("token.revoke", { name: id });
  }
}
