// How a page comes to its connection: by a link, by the code in its address, or as the device that it is already.

import { DeviceError } from "./device.js";
import { linkOf } from "./page_address.js";

const UNPAIRED =
  "This browser is not paired. Open the page with `groupchat web` on the machine of the gateway, or pair it with `groupchat web --pair`." +
  " If you have a link to read along, open it again.";

/**
 * What to connect as: `{link}`, or `{device, kept}`; `kept` is false where the browser refuses storage. `pairAgain` comes with it where a
 * code is left for the case that the gateway does not know the device: it was revoked, or is of another gateway that had this address. `agrees(before)`
 * resolves with whether the person wants this browser to be another device than `before`: anybody can send an address with a code.
 */
export async function sessionFor(gift, devices, name, agrees) {
  if (gift?.kind === "link") return { link: linkOf(gift.text) };
  const before = await devices.current();
  if (gift?.kind === "pair" ? !before || (await agrees(before)) : gift?.kind === "open" && !before) {
    return devices.pair(gift.text, name, before);
  }
  if (!before) throw new DeviceError("unpaired", UNPAIRED);
  const unused = gift?.kind === "open" ? { pairAgain: () => devices.pair(gift.text, name) } : {};
  return { device: before, kept: true, ...unused };
}

// The first that is found names the browser: many say the names of others, too.
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS X", "Mac"], ["Linux", "Linux"]];
const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["FxiOS", "Firefox"], ["CriOS", "Chrome"], ["Chrome", "Chrome"], ["Safari", "Safari"]];

/** A name for this browser in the list of devices, from what it says of itself. */
export function browserName(userAgent) {
  const found = (table) => table.find(([mark]) => userAgent.includes(mark))?.[1];
  return [found(BROWSERS) ?? "browser", found(SYSTEMS)].filter(Boolean).join(" on ");
}
