// A sentence whose words are menus: the word is shown as text, and a native select lies over it.

import { el, setText } from "../dom.js";
import { filled } from "../phrases.js";

// options: [{ value, text, short }]; short: what stands in the sentence where the list says more.
export function wordMenu({ label, options = [], onpick }) {
  const select = el("select", { "aria-label": label });
  const word = el("span.fc-word", { "aria-hidden": "true" });
  const node = el("span.fc-menu", {}, word, select);
  select.addEventListener("change", () => onpick(select.value));
  let listed = "";
  let shorts = new Map();
  const menu = {
    node,
    select,
    fill(given) {
      const key = JSON.stringify(given);
      if (key === listed) return;
      listed = key;
      const kept = select.value;
      shorts = new Map(given.map(({ value, text, short }) => [String(value), short ?? text]));
      select.replaceChildren(...given.map(({ value, text }) => el("option", { value }, text)));
      if (shorts.has(kept)) select.value = kept;
    },
    // What is not in the list joins it.
    set(value) {
      const text = String(value);
      if (!shorts.has(text)) {
        shorts.set(text, text);
        select.append(el("option", { value: text }, text));
      }
      if (select.value !== text) select.value = text;
      setText(word, shorts.get(text));
    },
  };
  menu.fill(options);
  return menu;
}

export const optionsOf = (values) => values.map((value) => ({ value, text: String(value) }));

// A slider with its name before and its value after.
export function dial({ label, count, onpick, onrest = () => {} }) {
  const shown = el("output.fc-dial-out");
  const input = el("input", { type: "range", min: 0, max: count - 1, step: 1, "aria-label": label });
  input.addEventListener("input", () => onpick(Number(input.value)));
  input.addEventListener("change", () => onrest());
  return {
    node: el("label.fc-dial", {}, el("span", {}, label), input, shown),
    input,
    set(index, text) {
      if (Number(input.value) !== index) input.value = index;
      input.setAttribute("aria-valuetext", text);
      input.style.setProperty("--fc-fill", index / (count - 1));
      setText(shown, text);
    },
  };
}

// A menu and what follows it without a space, on one line.
export const glued = (menu, text) => el("span.fc-glued", {}, menu.node, text);

// A sentence whose placeholders are menus, a sign behind a menu on its line: [text or node, ...].
export function sentence(key, menus) {
  const parts = filled(key, menus);
  return parts.map((part, i) => {
    const sign = typeof part === "object" && /^[,.]/.exec(parts[i + 1] ?? "")?.[0];
    if (!sign) return part.node ?? part;
    parts[i + 1] = parts[i + 1].slice(1);
    return glued(part, sign);
  });
}
