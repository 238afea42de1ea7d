// Where this browser keeps its device: IndexedDB, because it can hold a key that nobody can read.

const DATABASE = "llm-groupchat";
const TABLE = "device";
const ROW = "current";

export class DeviceStore {
  /** `indexedDB` is the browser's; it is missing or refuses in some private windows. */
  constructor(indexedDB) {
    this.indexedDB = indexedDB;
    this.opened = null;
  }

  async read() {
    try {
      return (await this.run("readonly", (table) => table.get(ROW))) ?? null;
    } catch {
      return null;
    }
  }

  async write(record) {
    await this.run("readwrite", (table) => table.put(record, ROW));
  }

  async run(mode, work) {
    const database = await this.open();
    return asPromise(work(database.transaction(TABLE, mode).objectStore(TABLE)));
  }

  open() {
    if (!this.opened) {
      const request = this.indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
      this.opened = asPromise(request);
      this.opened.catch(() => (this.opened = null));
    }
    return this.opened;
  }
}

function asPromise(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
