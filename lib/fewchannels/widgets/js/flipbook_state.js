// The flipbook without a page: which cell the controls point at, and what is known of it.

import { arrayOf, inflate, logValues } from "./arrays.js";
import { clampInt } from "./store.js";

export async function openFlipbook(header, blob) {
  const buffer = await inflate(blob);
  const numbers = header.numbers.map((given) => ({
    ...given,
    value: arrayOf(buffer, given.value),
    low: given.low ? arrayOf(buffer, given.low) : null,
    high: given.high ? arrayOf(buffer, given.high) : null,
  }));
  const skyline = header.skyline && {
    ...header.skyline,
    width: header.skyline.chosen.shape[1],
    sizes: logValues(buffer, header.skyline.sizes),
    chosen: arrayOf(buffer, header.skyline.chosen),
  };
  return { ...header, numbers, skyline };
}

// The state holds one index an axis, under the names axis0, axis1, ...
export function flipbookState(data, given = {}) {
  const state = {};
  data.axes.forEach((axis, i) => {
    state[`axis${i}`] = clampInt(given[`axis${i}`], axis.labels.length, 0);
  });
  return state;
}

export function cellIndex(data, state) {
  return data.axes.reduce((cell, axis, i) => cell * axis.labels.length + state[`axis${i}`], 0);
}

// The cells met when one axis runs and the others stay.
export function cellsAlong(data, state, axis) {
  return data.axes[axis].labels.map((_, i) => cellIndex(data, { ...state, [`axis${axis}`]: i }));
}

export function flipbookView(data, state) {
  const cell = cellIndex(data, state);
  const along = Math.max(0, data.axes.findIndex((axis) => axis.control === "slider"));
  const cells = cellsAlong(data, state, along);
  return {
    cell,
    tiles: Array.from({ length: data.tiles }, (_, i) => cell * data.tiles + i),
    caption: data.captions ? data.captions[cell] : "",
    where: data.axes.map((axis, i) => `${axis.name}: ${axis.labels[state[`axis${i}`]]}`).join(", "),
    along,
    numbers: data.numbers.map((given) => {
      let low = Infinity;
      let high = -Infinity;
      for (const value of given.value) {
        if (Number.isFinite(value)) {
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
      if (low >= 0 && high <= 1) [low, high] = [0, 1];
      return {
        name: given.name,
        value: given.value[cell],
        interval: given.low ? [given.low[cell], given.high[cell]] : null,
        line: cells.map((i) => (given.value[i] - low) / (high - low || 1)),
        at: cells.indexOf(cell),
      };
    }),
  };
}
