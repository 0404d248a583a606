// The flipbook's page: a control an axis, the cell's pictures, its caption and numbers with a small line each.

import { openSheet } from "./canvas.js";
import { announcer } from "./controls.js";
import { choices, dropdown, el, setText, slider, svgNode } from "./dom.js";
import { flipbookState, flipbookView, openFlipbook } from "./flipbook_state.js";
import { number } from "./format.js";
import { phrase } from "./phrases.js";
import { skyline } from "./skyline.js";

export const flipbookKind = {
  open: openFlipbook,
  state: flipbookState,
  build(root, data, store) {
    const controls = data.axes.map((axis, i) => axisControl(axis, (value) => store.set({ ...store.get(), [`axis${i}`]: value })));
    const sheet = openSheet(data.images);
    const tiles = Array.from({ length: data.tiles }, (_, i) => tile(data.tile_labels ? data.tile_labels[i] : ""));
    const caption = el("p.fc-cell-caption");
    const numbers = data.numbers.map(({ name }) => numberRow(name));
    const live = announcer();
    root.append(el("div.fc-dials.fc-axes", {}, ...controls.map((control) => control.node)));
    if (data.reference) {
      const kept = Array.from({ length: data.tiles }, () => tile(""));
      kept.forEach(({ canvas }, i) => {
        canvas.setAttribute("aria-label", `${data.reference.label}${data.tile_labels ? `, ${data.tile_labels[i]}` : ""}`);
        sheet.ready.then(() => sheet.draw(canvas, data.reference.first + (i % data.reference.count)), () => {});
      });
      root.append(strip(data.reference.label, kept), strip(data.images_label, tiles));
    } else {
      root.append(strip("", tiles));
    }
    const sizes = data.skyline ? skyline(data.skyline) : null;
    if (sizes) root.append(sizes.node);
    const onward = data.onward ? el("a", {}, data.onward.text) : null;
    if (onward) root.append(el("p.fc-onward", {}, onward));
    root.append(caption);
    if (numbers.length) root.append(el("dl.fc-facts.fc-lines", {}, ...numbers.map((row) => row.node)));
    root.append(live.node);
    let wanted = 0;
    let first = true;
    sheet.ready.catch((error) => setText(caption, error.message));
    return {
      stop: live.stop,
      show(state) {
        const view = flipbookView(data, state);
        controls.forEach((control, i) => control.set(state[`axis${i}`]));
        const now = ++wanted;
        sheet.ready.then(() => {
          if (now === wanted) tiles.forEach(({ canvas }, i) => sheet.draw(canvas, view.tiles[i]));
        }, () => {});
        tiles.forEach(({ canvas }, i) => {
          const label = data.tile_labels ? `${data.tile_labels[i]}; ` : "";
          canvas.setAttribute("aria-label", phrase("flipbook.picture", { number: i + 1, what: `${label}${view.where}` }));
        });
        if (sizes) sizes.show(view.cell);
        if (onward) onward.href = data.onward.addresses[view.cell];
        setText(caption, view.caption);
        caption.hidden = !view.caption;
        view.numbers.forEach((given, i) => numbers[i].show(given));
        if (!first) live.say([view.where, view.caption, ...view.numbers.map((n) => `${n.name} ${number(n.value)}`)].filter(Boolean).join("; "));
        first = false;
      },
      note: data.note || "",
    };
  },
};

function axisControl(axis, onpick) {
  if (axis.control === "slider") {
    const control = slider({ label: axis.name, count: axis.labels.length, marks: axis.marks, onpick });
    return { node: control.node, set: (index) => control.set(index, axis.labels[index]) };
  }
  if (axis.control === "buttons") {
    return choices({ label: axis.name, options: axis.labels.map((text, value) => ({ value, content: text })), onpick });
  }
  return dropdown({
    label: axis.name,
    options: axis.labels.map((text, value) => ({ value, text })),
    onpick: (value) => onpick(Number(value)),
  });
}

function tile(label) {
  const canvas = el("canvas", { role: "img" });
  return { canvas, node: el("figure", {}, canvas, label ? el("figcaption", { title: label }, label) : null) };
}

function strip(label, tiles) {
  const box = el("div.fc-tiles", {}, ...tiles.map(({ node }) => node));
  box.style.setProperty("--fc-tiles", tiles.length);
  box.style.setProperty("--fc-few", tiles.length === 4 ? 2 : Math.min(tiles.length, 3)); // where there is little room
  return el("div.fc-tilerow", {}, label ? el("p.fc-title", {}, label) : null, box);
}

// A number with its interval, and how it runs along the first slider.
function numberRow(name) {
  const value = el("span.fc-big");
  const interval = el("span.fc-interval");
  const svg = svgNode("svg", { viewBox: "-4 -4 108 32", "aria-hidden": "true", class: "fc-line" });
  const line = svg.appendChild(svgNode("polyline"));
  const dot = svg.appendChild(svgNode("circle", { r: 3.5 }));
  return {
    node: el("div", {}, el("dt", {}, name), el("dd", {}, value, interval, svg)),
    show(given) {
      setText(value, number(given.value));
      setText(interval, given.interval ? phrase("interval", { low: number(given.interval[0]), high: number(given.interval[1]) }) : "");
      const points = given.line.map((y, i) => [(100 * i) / Math.max(1, given.line.length - 1), 24 * (1 - y)]);
      svg.toggleAttribute("hidden", points.length < 2);
      line.setAttribute("points", points.filter((p) => Number.isFinite(p[1])).map((p) => p.map((v) => v.toFixed(2)).join(",")).join(" "));
      const here = points[given.at];
      dot.toggleAttribute("hidden", !Number.isFinite(here[1]));
      if (Number.isFinite(here[1])) {
        dot.setAttribute("cx", here[0].toFixed(2));
        dot.setAttribute("cy", here[1].toFixed(2));
      }
    },
  };
}
