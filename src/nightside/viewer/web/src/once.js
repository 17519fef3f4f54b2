// What is opened once, and again only where that failed.
const opened = new Map();

/** The promise of `open`, called once for a key. */
export function once(key, open) {
  if (!opened.has(key)) {
    const promise = open();
    opened.set(key, promise);
    promise.catch(() => opened.delete(key));
  }
  return opened.get(key);
}
