// Elements of the page. Text goes in through textContent only, whatever it holds.

import { phrase } from "./phrases.js";

let made = 0;

export function uid(prefix = "fc") {
  return `${prefix}-${++made}-${Math.random().toString(36).slice(2, 7)}`;
}

// el("p.note", { title: "…", onclick: f }, "text", child)
export function el(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svgNode(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Changes the text node that is there, which costs far less than a new one.
export function setText(node, text) {
  const only = node.firstChild;
  if (only && only === node.lastChild && only.nodeType === 3) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

export function setAttr(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// A labelled slider over 0 .. count - 1; `set(index, text)` moves it, `resize(count)` gives it another range. Marks are
// words below it, [index, text] each.
export function slider({ label, count, marks = [], onpick }) {
  const id = uid("fc-slider");
  const input = el("input", { type: "range", id, min: 0, max: Math.max(1, count - 1), step: 1, disabled: count < 2 });
  const shown = el("output.fc-out", { for: id });
  input.addEventListener("input", () => onpick(Number(input.value)));
  const node = el("div.fc-slider", {}, el("label", { for: id }, label), shown, input);
  if (marks.length) {
    const words = marks.map(([index, text]) => {
      const word = el("span", {}, text);
      word.style.setProperty("--fc-at", index / Math.max(1, count - 1));
      return word;
    });
    node.append(el("div.fc-marks", { "aria-hidden": "true" }, ...words));
  }
  return {
    node,
    input,
    resize(next) {
      count = next;
      input.max = Math.max(1, count - 1);
      input.disabled = count < 2;
    },
    set(index, text) {
      if (Number(input.value) !== index) input.value = index;
      input.style.setProperty("--fc-fill", count > 1 ? index / (count - 1) : 0);
      input.setAttribute("aria-valuetext", text);
      setText(shown, text);
    },
  };
}

// One of a few, as native radio buttons; options are { value, content: nodes or text, title }.
export function choices({ label, options, onpick, kind = "fc-seg" }) {
  const name = uid("fc-radio");
  const inputs = new Map();
  const node = el(`fieldset.${kind}`, {}, el("legend", {}, label));
  const box = node.appendChild(el("div.fc-options"));
  for (const { value, content, title } of options) {
    const input = el("input.fc-sr", { type: "radio", name, onchange: () => onpick(value) });
    inputs.set(value, input);
    box.append(el("label", { title }, input, el("span.fc-option", {}, ...[].concat(content))));
  }
  return {
    node,
    set(value) {
      const input = inputs.get(value);
      if (input && !input.checked) input.checked = true;
    },
  };
}

export function dropdown({ label, options = [], onpick }) {
  const id = uid("fc-select");
  const select = el("select", { id, onchange: () => onpick(select.value) });
  const fill = (given) => select.replaceChildren(...given.map(({ value, text }) => el("option", { value }, text)));
  fill(options);
  return {
    node: el("div.fc-select", {}, el("label", { for: id }, label), select),
    fill,
    set(value) {
      if (select.value !== String(value)) select.value = String(value);
    },
  };
}

// A whole number from low to high with a button on either side; `set(value, high)` moves it.
export function stepper({ label, low, onpick }) {
  const id = uid("fc-stepper");
  const input = el("input", { type: "number", id, min: low, step: 1, inputmode: "numeric" });
  let now = low;
  let most = low;
  const pick = (value) => onpick(Math.max(low, Math.min(most, value)));
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const fits = input.value !== "" && Number.isInteger(value) && value >= low && value <= most;
    input.setAttribute("aria-invalid", String(!fits));
    if (fits) pick(value);
  });
  input.addEventListener("blur", () => {
    input.value = now;
    input.setAttribute("aria-invalid", "false");
  });
  const button = (sign, by, name) => el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase(name, { label }), onclick: () => pick(now + by) }, sign);
  return {
    node: el("div.fc-field", {}, el("label", { for: id }, label), el("div.fc-stepper", {}, button("−", -1, "stepper.lower"), input, button("+", 1, "stepper.raise"))),
    set(value, high) {
      [now, most] = [value, high];
      input.max = high;
      if (Number(input.value) !== value && input.getAttribute("aria-invalid") !== "true") input.value = value;
    },
  };
}
