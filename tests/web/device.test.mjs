// This browser as a device: what it sends, what it signs, and what it does where the browser refuses.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webcrypto } from "node:crypto";

import { Device, Devices, textToSign } from "../../gateway/web/page/connection/device.js";
import { MemoryStore, RefusingStore, answering } from "./browser_parts.mjs";

const ORIGIN = "http://127.0.0.1:8765";
const PAIRED = { device: "0011223344556677", member: "alice", scope: "member", name: "phone", house: "h1" };
const CHALLENGE = { ev: "challenge", nonce: "n-1", house: "h1", expires_in: 10 };

function devicesWith({ store = new MemoryStore(), answer = answering(200, PAIRED), crypto = webcrypto } = {}) {
  return { devices: new Devices({ store, fetch: answer.fetch, origin: ORIGIN, crypto }), store, asked: answer.asked };
}

function bytesOf(base64url) {
  return Buffer.from(base64url, "base64url");
}

test("a code makes a device whose key nobody can read", async () => {
  const { devices, store, asked } = devicesWith();
  const { device, kept } = await devices.pair("CODE", "phone");
  assert.equal(kept, true);
  assert.equal(device.id, PAIRED.device);
  assert.equal(device.key.extractable, false);
  await assert.rejects(webcrypto.subtle.exportKey("pkcs8", device.key));
  assert.deepEqual(Object.keys(store.row).sort(), ["house", "id", "key", "member", "name", "scope"]);
  const [address, options] = asked[0];
  assert.equal(address, `${ORIGIN}/v1/web/pair`);
  assert.equal(options.credentials, "omit");
  const body = JSON.parse(options.body);
  assert.deepEqual(Object.keys(body).sort(), ["code", "name", "public_key"]);
  assert.equal(bytesOf(body.public_key).length, 65);
});

test("a proof signs this connection and no other", async () => {
  const { devices, asked } = devicesWith();
  const { device } = await devices.pair("CODE", "phone");
  const point = bytesOf(JSON.parse(asked[0][1].body).public_key);
  const publicKey = await webcrypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  const proof = await device.prove(CHALLENGE, ORIGIN);
  assert.equal(proof.op, "prove");
  const holds = (text) =>
    webcrypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, publicKey, bytesOf(proof.signature), Buffer.from(text));
  assert.equal(await holds(`llm-groupchat device v1\nh1\n${device.id}\n${ORIGIN}\nn-1`), true);
  assert.equal(await holds(textToSign(device, ORIGIN, { nonce: "n-2" })), false);
  assert.equal(await holds(textToSign(device, "http://127.0.0.1:3000", CHALLENGE)), false);
});

test("a browser that is paired anew signs with its old key that the old device ends", async () => {
  const { devices, asked } = devicesWith();
  const { device: before } = await devices.pair("CODE", "phone");
  const point = bytesOf(JSON.parse(asked[0][1].body).public_key);
  const publicKey = await webcrypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  await devices.pair("OTHER", "phone", before);
  const body = JSON.parse(asked[1][1].body);
  assert.equal(body.replaces.device, before.id);
  const text = `llm-groupchat replaced device v1\nh1\n${before.id}\n${ORIGIN}\n${body.public_key}`;
  const signature = bytesOf(body.replaces.signature);
  assert.ok(await webcrypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, publicKey, signature, Buffer.from(text)));
});

test("a device that is kept is found again", async () => {
  const { devices, store } = devicesWith();
  await devices.pair("CODE", "phone");
  const again = new Devices({ store, fetch: null, origin: ORIGIN, crypto: webcrypto });
  const found = await again.current();
  assert.ok(found instanceof Device);
  assert.equal((await found.prove(CHALLENGE, ORIGIN)).op, "prove");
});

test("a browser that refuses storage is a device for as long as the page lives", async () => {
  const { devices } = devicesWith({ store: new RefusingStore() });
  const { device, kept } = await devices.pair("CODE", "phone");
  assert.equal(kept, false);
  assert.equal((await device.prove(CHALLENGE, ORIGIN)).op, "prove");
});

test("a refused code says why, and leaves the store alone", async () => {
  const answer = answering(401, { error: { code: "unauthorized", message: "This code is not valid." } });
  const { devices, store } = devicesWith({ answer });
  await assert.rejects(devices.pair("CODE", "phone"), { code: "unauthorized", message: "This code is not valid." });
  assert.equal(store.row, null);
});

test("an address at which browsers make no keys is named, and no code is spent on it", async () => {
  const { devices, asked } = devicesWith({ crypto: {} });
  await assert.rejects(devices.pair("CODE", "phone"), { code: "insecure" });
  assert.equal(asked.length, 0);
});
