// How the person wants the page to look, on this device. Pure.

/** Each setting with its values; the first one is the default and leaves the choice to the system. */
export const CHOICES = Object.freeze({
  theme: ["system", "light", "dark"],
  contrast: ["system", "high"],
  size: ["normal", "small", "large", "largest"],
  terminal: ["normal", "smallest", "small", "large"],
});

export const DEFAULTS = Object.freeze(Object.fromEntries(Object.entries(CHOICES).map(([name, values]) => [name, values[0]])));

/** Settings from what was kept. What is not a known value becomes the default. */
export function settingsFrom(kept) {
  return Object.fromEntries(Object.entries(CHOICES).map(([name, values]) => [name, values.includes(kept?.[name]) ? kept[name] : values[0]]));
}

/** Attributes of the document that the style sheets look at: [name, value], or null to remove one. */
export function attributesOf(settings) {
  return Object.entries(CHOICES).map(([name, values]) => [`data-${name}`, settings[name] === values[0] ? null : settings[name]]);
}

/** Devices and links of the person from `tokens`, those that hold, this one first and then the one seen last. */
export function accessesOf(tokens, thisDevice) {
  const seen = (one) => one.last_seen || one.created;
  return tokens
    .filter((one) => !one.revoked && (one.device || one.room))
    .map((one) => ({ ...one, isThis: one.id === thisDevice, kind: one.room ? "link" : "device" }))
    .sort((a, b) => Number(b.isThis) - Number(a.isThis) || (seen(a) < seen(b) ? 1 : -1));
}

/** What a device or link may do, in plain words. */
export function mayWords(access) {
  if (access.kind === "link") return access.thread ? `shows a thread of #${access.room}` : `shows #${access.room}`;
  if (access.read_only) return "may read";
  return access.scopes?.includes("approver") ? "may write and answer questions" : "may write";
}
