// The person's settings on this device: kept in the browser, and told to the style sheets by attributes of the document.

import { signal } from "../vendor/signals-core.js";
import { attributesOf, settingsFrom } from "../state/settings.js";

const ANY_HOUSE = ""; // they belong to the browser, not to a gateway

export class Look {
  constructor(kept, root) {
    Object.assign(this, { kept, root });
    this.settings = signal(settingsFrom(kept.readJson(ANY_HOUSE, "settings")));
    this.show();
  }

  choose(name, value) {
    this.settings.value = settingsFrom({ ...this.settings.value, [name]: value });
    this.kept.write(ANY_HOUSE, "settings", "", JSON.stringify(this.settings.value));
    this.show();
  }

  show() {
    for (const [name, value] of attributesOf(this.settings.value)) {
      if (value === null) this.root.removeAttribute(name);
      else this.root.setAttribute(name, value);
    }
  }
}
