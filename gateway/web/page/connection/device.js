// This browser as a device of a member: its key, the exchange of a code, and the proof of each connection.
//
// The private key cannot be exported: not even a script of this page can carry it away. It lies in the store of this
// origin, which includes the port, so no page of another port can use it.

import { encodeBase64url } from "./base64url.js";

const KEY_KIND = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const PROOF_HEADER = "llm-groupchat device v1";
const REPLACE_HEADER = "llm-groupchat replaced device v1";
export const PAIR_PATH = "/v1/web/pair";

/** A sentence for the person, and a code for the program. */
export class DeviceError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "DeviceError";
    this.code = code;
  }
}

/** What a device signs for one connection. `challenge` is the first frame of the gateway. */
export function textToSign(device, origin, challenge) {
  return [PROOF_HEADER, device.house, device.id, origin, challenge.nonce].join("\n");
}

/** What the key of a device signs when its browser becomes a new device with this public key. */
export function replacementText(device, origin, publicKey) {
  return [REPLACE_HEADER, device.house, device.id, origin, publicKey].join("\n");
}

export class Device {
  /** `id`, `member`, `scope`, `name` and `house` as the gateway gave them; `key` is the private key. */
  constructor({ id, member, scope, name, house, key }, subtle) {
    Object.assign(this, { id, member, scope, name, house, key });
    this.subtle = subtle;
  }

  /** The answer to the gateway's challenge. */
  async prove(challenge, origin) {
    const text = new TextEncoder().encode(textToSign(this, origin, challenge));
    return { op: "prove", signature: encodeBase64url(await this.subtle.sign(SIGNATURE, this.key, text)) };
  }

  /** What ends this device in place of a new one. */
  async yieldTo(publicKey, origin) {
    const text = new TextEncoder().encode(replacementText(this, origin, publicKey));
    return { device: this.id, signature: encodeBase64url(await this.subtle.sign(SIGNATURE, this.key, text)) };
  }

  /** What the store keeps. The key is kept as an object that only this origin can use. */
  record() {
    const { id, member, scope, name, house, key } = this;
    return { id, member, scope, name, house, key };
  }
}

/** The devices of this browser for this origin: at most one is in use. */
export class Devices {
  constructor({ store, fetch, origin, crypto }) {
    this.store = store;
    this.fetch = fetch;
    this.origin = origin;
    this.crypto = crypto;
  }

  /** The device that this browser is, or null. */
  async current() {
    const record = await this.store.read();
    return record ? new Device(record, this.crypto.subtle) : null;
  }

  /**
   * Makes this browser a device, by a code. Returns the device, and whether the browser keeps it after the page. `before`
   * is the device that it was, which ends.
   */
  async pair(code, name, before = null) {
    const subtle = this.crypto?.subtle;
    if (!subtle) {
      throw new DeviceError(
        "insecure",
        "This browser makes no keys for an address without TLS. Open the page by https, or by http://127.0.0.1 through ssh -L.",
      );
    }
    const pair = await subtle.generateKey(KEY_KIND, false, ["sign"]);
    const publicKey = encodeBase64url(await subtle.exportKey("raw", pair.publicKey));
    const wish = { code, public_key: publicKey, name };
    const paired = await this.exchange(before ? { ...wish, replaces: await before.yieldTo(publicKey, this.origin) } : wish);
    const device = new Device({ ...paired, id: paired.device, key: pair.privateKey }, subtle);
    return { device, kept: await this.keep(device) };
  }

  async exchange(body) {
    const answer = await this.fetch(this.origin + PAIR_PATH, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
    });
    const found = await answer.json();
    if (!answer.ok) throw new DeviceError(found.error?.code ?? "refused", found.error?.message ?? "The gateway refused this.");
    return found;
  }

  /** A browser may refuse storage. The device then lives as long as this page. */
  async keep(device) {
    try {
      await this.store.write(device.record());
      return true;
    } catch {
      return false;
    }
  }
}
