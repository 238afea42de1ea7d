// The beginning of the page: takes the code out of the address, becomes a device, connects, and shows the room.

import { connectionOf, devicesOf, linkConnectionOf } from "../connection/browser.js";
import { takeGift } from "../connection/page_address.js";
import { browserName, sessionFor } from "../connection/session.js";
import { KeptTexts } from "../state/kept_texts.js";
import { html, render } from "../vendor/htm-preact.js";
import { Page } from "../views/page.js";
import { PairAnew, Refusal } from "../views/welcome.js";
import { followPlace, placeAtStart } from "./follow_place.js";
import { Look } from "./look.js";
import { RoomClient } from "./room_client.js";

const root = document.getElementById("app");

function storageOf(window) {
  try {
    return window.localStorage;
  } catch {
    return null; // the browser refuses storage to this page
  }
}

/** Asks whether this browser, which is the device `before`, shall become another one. */
function agreesToPairAnew(before) {
  return new Promise((resolve) => render(html`<${PairAnew} member=${before.member} onAnswer=${resolve} />`, root));
}

async function start() {
  const gift = takeGift(window.location, window.history);
  const kept = new KeptTexts(storageOf(window));
  const look = new Look(kept, document.documentElement);
  let session;
  try {
    session = await sessionFor(gift, devicesOf(window), browserName(window.navigator.userAgent), agreesToPairAnew);
  } catch (error) {
    render(html`<${Refusal} sentence=${error.message} />`, root);
    return;
  }
  const { link, device, kept: isKept, pairAgain } = session;
  const identity = link ? { scope: "link", thread: link.thread } : { scope: device.scope, id: device.id, isKept };
  const open = (address) => window.location.assign(address);
  const refused = pairAgain && (() => pairAgain().then(() => window.location.reload()));
  const client = new RoomClient({ kept, identity, place: placeAtStart(window.location), open, refused });
  client.connection = link ? linkConnectionOf(window, link, client) : connectionOf(window, device, client);
  followPlace(window, client);
  render(html`<${Page} client=${client} look=${look} />`, root);
  client.connection.open();
}

await start();
