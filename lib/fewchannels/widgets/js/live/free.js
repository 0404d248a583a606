// Large buffers given back at once, where the browser can (since 2024); elsewhere the collector finds them some day,
// which it does late for what lies outside its own heap: without this a page holds a third more than it needs.

// What is given may not be looked into afterwards: it has no length any more.
export function free(...buffers) {
  for (const buffer of buffers) if (buffer.byteLength) buffer.transfer?.(0);
}
