// The reader at the other end of a message port: { id, name, given } in, { id, value } or { id, error } out.

import { openReader, readersError } from "./run_reader.js";

export function serveRuns(port) {
  let reader;
  port.onmessage = async ({ data: { id, name, given } }) => {
    try {
      let value;
      if (name === "open") {
        reader = await openReader(given);
        value = { about: reader.about, maps: reader.maps };
      } else {
        value = await reader[name](given);
      }
      const array = value instanceof Float32Array ? value : value && (value.values || value.bytes);
      port.postMessage({ id, value }, array ? [array.buffer] : []);
    } catch (error) {
      port.postMessage({ id, error: readersError(error).message });
    }
  };
  port.postMessage({ ready: true });
}
