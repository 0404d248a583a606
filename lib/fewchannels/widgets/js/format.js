// Numbers as people read them.

import { counted } from "./phrases.js";

const DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

// Formatting by locale is slow, and a page in motion shows the same numbers again and again.
const written = new Map();

export function number(value) {
  if (!written.has(value)) {
    if (written.size > 5000) written.clear();
    written.set(value, inWords(value));
  }
  return written.get(value);
}

function inWords(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential(1) : DIGITS.format(value);
  return text.replace("-", "−");
}

// Three figures always, so that a column of numbers is even.
const EVEN = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 });

export function figures(value) {
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? EVEN.format(value).replace("-", "−") : number(value);
}

export function percent(share) {
  const value = 100 * share;
  return `${value >= 9.95 ? Math.round(value) : value.toFixed(value >= 0.095 ? 1 : 2)} %`;
}

export const ordinal = (n) => counted("ordinal", n, { type: "ordinal" });
