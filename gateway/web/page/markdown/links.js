// Which addresses a page may lead to. Pure.

const ALLOWED = new Set(["http:", "https:", "mailto:"]);

/** The address as the browser will open it, or null if the page must not lead there. Only complete addresses count. */
export function linkAddress(text) {
  let address;
  try {
    address = new URL(text);
  } catch {
    return null;
  }
  return ALLOWED.has(address.protocol) ? address.href : null;
}
