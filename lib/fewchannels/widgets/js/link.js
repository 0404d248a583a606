// The state of one widget in the address: "#fc=key;prompt.0;layer.3". Several widgets share a page, each has its key.

export function toHash(key, state) {
  const parts = Object.entries(state).map(([name, value]) => `${name}.${encodeURIComponent(String(value))}`);
  return `#fc=${encodeURIComponent(key)};${parts.join(";")}`;
}

// -> an object of strings, or null where the address is not about this widget.
export function fromHash(key, hash) {
  const found = /^#fc=([^;]*);(.*)$/.exec(hash || "");
  try {
    if (!found || decodeURIComponent(found[1]) !== key) return null;
    const state = {};
    for (const part of found[2].split(";")) {
      const dot = part.indexOf(".");
      if (dot > 0) state[part.slice(0, dot)] = decodeURIComponent(part.slice(dot + 1));
    }
    return state;
  } catch {
    return null;
  }
}
