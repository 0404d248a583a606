// A cache of promises that forgets what was longest unused once its entries weigh more than `budget`.

export function createCache(budget) {
  const entries = new Map();
  let weight = 0;
  return {
    // `make` is called where `key` is not there; what it rejects is not kept.
    get(key, size, make) {
      const found = entries.get(key);
      if (found) {
        entries.delete(key);
        entries.set(key, found);
        return found.value;
      }
      const entry = { size, value: make() };
      entries.set(key, entry);
      weight += size;
      for (const [old, { size: freed }] of entries) {
        if (weight <= budget || old === key) break;
        entries.delete(old);
        weight -= freed;
      }
      entry.value.catch(() => {
        if (entries.get(key) !== entry) return;
        entries.delete(key);
        weight -= size;
      });
      return entry.value;
    },
    has: (key) => entries.has(key),
    clear() {
      entries.clear();
      weight = 0;
    },
  };
}
