// What this browser keeps from one visit to the next: drafts, and how far each room was read. Where the browser refuses
// storage, or it is full, it is kept as long as the page lives.

const PREFIX = "groupchat";

export class KeptTexts {
  constructor(storage) {
    this.storage = storage; // like localStorage, or null
    this.memory = new Map();
  }

  read(house, kind, name = "") {
    const key = keyOf(house, kind, name);
    if (this.memory.has(key)) return this.memory.get(key);
    try {
      return this.storage?.getItem(key) ?? "";
    } catch {
      return "";
    }
  }

  write(house, kind, name, text) {
    const key = keyOf(house, kind, name);
    this.memory.set(key, text);
    try {
      if (text) this.storage?.setItem(key, text);
      else this.storage?.removeItem(key);
    } catch {
      // it stays in memory
    }
  }

  readJson(house, kind) {
    try {
      return JSON.parse(this.read(house, kind)) ?? {};
    } catch {
      return {};
    }
  }

  /** Writes seqs by name. Another tab may have written higher ones since they were read: the higher one stays. */
  writeMarks(house, kind, marks) {
    this.memory.delete(keyOf(house, kind, ""));
    const stored = this.readJson(house, kind);
    const names = Object.keys({ ...stored, ...marks });
    const highest = names.map((name) => [name, Math.max(stored[name] ?? 0, marks[name] ?? 0)]);
    this.write(house, kind, "", JSON.stringify(Object.fromEntries(highest)));
  }

  /** Removes all that was kept for this address, for a browser that may read here no more. */
  clear() {
    this.memory.clear();
    try {
      for (const key of Object.keys(this.storage ?? {})) if (key.startsWith(`${PREFIX}/`)) this.storage.removeItem(key);
    } catch {
      // nothing was kept
    }
  }
}

const keyOf = (house, kind, name) => `${PREFIX}/${house}/${kind}/${name}`;
