// Words of the page's language, by their keys in strings.js.

import { STRINGS } from "./strings.js";

let spoken = null;

// For a worker, which sees no page.
export function speak(tongue) {
  spoken = tongue;
}

// The page's language where strings.js has it, else English.
export function language() {
  const wanted = spoken ?? globalThis.document?.documentElement?.lang ?? "";
  const tongue = wanted.slice(0, 2).toLowerCase();
  return Object.hasOwn(STRINGS, tongue) ? tongue : "en";
}

export const known = (key) => Object.hasOwn(STRINGS.en, key);

export function phraseIn(tongue, key, values = {}) {
  return STRINGS[tongue][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// phrase("channel.number", { channel: 3 }) -> "channel 3"
export const phrase = (key, values) => phraseIn(language(), key, values);

// The form of a phrase for a number: `key.one`, `key.other`, or what else the language has. The number is {n}.
export function counted(key, n, options = {}, values = {}) {
  const form = new Intl.PluralRules(language(), options).select(n);
  return phrase(known(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n, ...values });
}

// A phrase with things in its places that are no text: [text or thing, ...].
export function filled(key, things) {
  const parts = STRINGS[language()][key].split(/\{(\w+)\}/);
  return parts.map((part, i) => (i % 2 ? things[part] : part)).filter((part) => part !== "");
}
