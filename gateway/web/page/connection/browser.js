// The browser as the modules beside this one need it, so that they can be tried without one.

import { Connection } from "./connection.js";
import { Devices } from "./device.js";
import { DeviceStore } from "./device_store.js";

export function devicesOf(window) {
  return new Devices({
    store: new DeviceStore(window.indexedDB),
    fetch: (address, options) => window.fetch(address, options),
    origin: window.location.origin,
    crypto: window.crypto,
  });
}

/** The connection of a device. It looks whether it still lives when the page is shown or the network is back. */
export function connectionOf(window, device, listener) {
  return watched(window, `device=${encodeURIComponent(device.id)}`, {
    prove: (challenge) => device.prove(challenge, window.location.origin),
    listener,
  });
}

/** The connection of whoever reads along by a link. */
export function linkConnectionOf(window, link, listener) {
  const prove = async () => ({ op: "prove", secret: link.secret });
  return watched(window, `link=${encodeURIComponent(link.id)}`, { prove, listener });
}

function watched(window, query, parts) {
  const address = `${window.location.origin.replace(/^http/, "ws")}/v1/ws?${query}`;
  const connection = new Connection({ address, environment: environmentOf(window), ...parts });
  window.addEventListener("online", () => connection.checkAlive());
  window.document.addEventListener("visibilitychange", () => {
    if (window.document.visibilityState === "visible") connection.checkAlive();
  });
  return connection;
}

function environmentOf(window) {
  return {
    openSocket: (address) => new window.WebSocket(address),
    setTimeout: (work, ms) => window.setTimeout(work, ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
    random: Math.random,
  };
}
