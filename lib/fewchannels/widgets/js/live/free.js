// A large buffer given back at once, where the browser can (since 2024); elsewhere the collector finds it some day, and
// late, since it lies outside the heap that the collector counts first.

// What is given may not be looked into afterwards: it has no length any more.
export function free(buffer) {
  if (buffer.byteLength) buffer.transfer?.(0);
}
