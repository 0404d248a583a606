// Controls that are more than one element: finding a channel, a short message, numbers side by side, spoken text.

import { el, setText, uid } from "./dom.js";
import { phrase } from "./phrases.js";

// Search by number, one back, one on. While something else is being typed the field is left alone.
export function channelFinder({ current, onpick }) {
  const id = uid("fc-channel");
  const input = el("input", { type: "number", id, min: 0, step: 1, inputmode: "numeric" });
  const bad = el("span.fc-bubble", { role: "alert" });
  const move = (by) => {
    const { channel, width } = current();
    onpick((channel + by + width) % width);
  };
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const { width } = current();
    const fits = input.value !== "" && Number.isInteger(value) && value >= 0 && value < width;
    input.setAttribute("aria-invalid", String(!fits));
    setText(bad, fits || input.value === "" ? "" : phrase("channels.range", { last: width - 1 }));
    if (fits) onpick(value);
  });
  const restore = () => {
    input.value = current().channel;
    input.setAttribute("aria-invalid", "false");
    setText(bad, "");
  };
  input.addEventListener("blur", restore);
  return {
    node: el(
      "div.fc-find",
      {},
      el("label", { for: id }, phrase("channel")),
      el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("channel.previous"), onclick: () => move(-1) }, "‹"),
      input,
      el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("channel.next"), onclick: () => move(1) }, "›"),
      bad,
    ),
    show() {
      const { channel, width } = current();
      input.max = width - 1;
      if (Number(input.value) !== channel && !(document.activeElement === input && input.getAttribute("aria-invalid") === "true")) {
        input.value = channel;
      }
    },
  };
}

// A short message below the row of buttons, which goes away by itself.
export function bubble() {
  const node = el("span.fc-bubble", { role: "status" });
  let timer;
  return {
    node,
    say(text) {
      clearTimeout(timer);
      setText(node, text);
      if (text) timer = setTimeout(() => setText(node, ""), 2500);
    },
  };
}

export function readouts(names) {
  const cells = names.map(() => el("dd"));
  const node = el("dl.fc-facts", {}, ...names.map((name, i) => el("div", {}, el("dt", {}, name), cells[i])));
  return { node, show: (texts) => texts.forEach((text, i) => setText(cells[i], text)) };
}

// Says a sentence to screen readers once the reader has come to rest.
export function announcer(wait = 500) {
  const node = el("p.fc-sr", { "aria-live": "polite", role: "status" });
  let timer;
  return {
    node,
    say(text) {
      clearTimeout(timer);
      timer = setTimeout(() => setText(node, text), wait);
    },
    stop: () => clearTimeout(timer),
  };
}
