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

const MAX_LOOKS = 10;
const LOOK_EVERY_MS = 200;

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

/** Whether another tab has made this browser another device. The gateway ends the old one a moment before that tab keeps the new one. */
async function isOtherDevice(devices, id) {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const now = await devices.current();
    if (now && now.id !== id) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}

async function start() {
  const gift = takeGift(window.location, window.history);
  const kept = new KeptTexts(storageOf(window));
  const look = new Look(kept, document.documentElement);
  const devices = devicesOf(window);
  let session;
  try {
    session = await sessionFor(gift, devices, browserName(window.navigator.userAgent), agreesToPairAnew);
  } catch (error) {
    render(html`<${Refusal} sentence=${error.message} />`, root);
    return;
  }
  const { link, device, kept: isKept, pairAgain } = session;
  const identity = link ? { scope: "link", thread: link.thread } : { scope: device.scope, id: device.id, isKept };
  const open = (address) => window.location.assign(address);
  const reload = () => window.location.reload();
  const refused = pairAgain && (() => pairAgain().then(reload));
  const becameOther = () => isOtherDevice(devices, identity.id);
  const client = new RoomClient({ kept, identity, place: placeAtStart(window.location), open, refused, becameOther, reload });
  client.connection = link ? linkConnectionOf(window, link, client) : connectionOf(window, device, client);
  followPlace(window, client);
  render(html`<${Page} client=${client} look=${look} />`, root);
  client.connection.open();
}

await start();
