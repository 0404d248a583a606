// A store of a few lines: the state is replaced, never changed; listeners hear of it once a frame.

const later = typeof requestAnimationFrame === "function" ? requestAnimationFrame : (f) => setTimeout(f, 0);

export function createStore(state, schedule = later) {
  const listeners = new Set();
  let waiting = false;
  return {
    get: () => state,
    set(next) {
      if (next === state) return;
      state = next;
      if (waiting) return;
      waiting = true;
      schedule(() => {
        waiting = false;
        for (const listener of listeners) listener(state);
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function clampInt(value, count, otherwise = 0) {
  const n = Math.round(Number(value));
  return Number.isFinite(n) && value !== null && value !== "" ? Math.max(0, Math.min(count - 1, n)) : otherwise;
}
