// One of the pictures: pixels, a map or a mask over it, how far it is, and where it may be painted on.

import { drawValues } from "../canvas.js";
import { scaleFor } from "../colour.js";
import { el, setText } from "../dom.js";
import { phrase } from "../phrases.js";

export function pictureView({ title, side, grid, tone = "" }) {
  const canvas = el("canvas.fc-pixel-canvas", { role: "img", width: side, height: side });
  const over = el("canvas.fc-over-canvas", { "aria-hidden": "true", width: grid, height: grid, hidden: true });
  const bar = el("i.fc-bar-done");
  const frame = el("div.fc-picture", {}, canvas, over, el("div.fc-bar-line", { "aria-hidden": "true" }, bar));
  const head = el("strong", {}, `${title}. `);
  const text = el("span");
  const node = el(`figure.fc-figure${tone ? `.fc-${tone}` : ""}`, {}, frame, el("figcaption", {}, head, text));
  let drawn = null;
  return {
    node,
    frame,
    // pixels: RGBA bytes, or null for nothing yet
    show({ pixels, caption, label, share }) {
      if (pixels && pixels !== drawn) {
        drawn = pixels;
        canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length), side, side), 0, 0);
      }
      canvas.setAttribute("aria-label", label);
      setText(text, caption);
      bar.style.transform = `scaleX(${share})`; // which needs no new layout
      frame.classList.toggle("fc-forming", share < 1);
    },
    // An image that has come, or null for an empty picture.
    still(image) {
      if (drawn === image) return;
      drawn = image;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, side, side);
      if (image) context.drawImage(image, 0, 0, side, side);
    },
    canvas,
    // values: a map, or { mask }; null for nothing
    cover(values, mask) {
      over.hidden = !values && !mask;
      over.classList.toggle("fc-masking", Boolean(mask));
      if (mask) drawMask(over, mask, grid);
      else if (values) drawMap(over, values, grid);
    },
  };
}

// A map over the tokens, one pixel a token.
export function drawMap(canvas, values, grid) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  drawValues(canvas, values, grid, grid, scaleFor(low, high));
}

// What is no subject is darkened.
export function drawMask(canvas, mask, grid) {
  canvas.width = canvas.height = grid;
  const context = canvas.getContext("2d");
  const image = context.createImageData(grid, grid);
  mask.forEach((inside, i) => image.data.set(inside ? [0, 0, 0, 0] : [20, 24, 30, 190], 4 * i));
  context.putImageData(image, 0, 0);
}

// A grid of cells over a picture, painted by dragging or with the keys. onpaint(mask)
export function paintGrid({ grid, onpaint }) {
  const cells = Array.from({ length: grid * grid }, (_, i) => el("span", { role: "gridcell", tabindex: i ? -1 : 0, "aria-selected": "false", "aria-label": phrase("cell.place", { row: Math.floor(i / grid) + 1, column: (i % grid) + 1 }) }));
  const rows = Array.from({ length: grid }, (_, y) => el("div", { role: "row" }, ...cells.slice(y * grid, (y + 1) * grid)));
  const node = el("div.fc-paint", { role: "grid", "aria-label": phrase("lab.paint.label"), "aria-multiselectable": "true", hidden: true }, ...rows);
  let mask = new Uint8Array(grid * grid);
  let value = null;
  const put = (i, to) => {
    if (mask[i] === to) return;
    mask = mask.slice();
    mask[i] = to;
    cells[i].setAttribute("aria-selected", String(Boolean(to)));
  };
  const cellAt = (event) => cells.indexOf(document.elementFromPoint?.(event.clientX, event.clientY) && node.getRootNode().elementFromPoint(event.clientX, event.clientY));
  node.addEventListener("pointerdown", (event) => {
    const i = cells.indexOf(event.target);
    if (i < 0) return;
    event.preventDefault();
    value = mask[i] ? 0 : 1;
    put(i, value);
    focus(i);
  });
  node.addEventListener("pointermove", (event) => {
    if (value === null) return;
    const i = cellAt(event);
    if (i >= 0) put(i, value);
  });
  const done = () => {
    if (value === null) return;
    value = null;
    onpaint(mask);
  };
  addEventListener("pointerup", done);
  const focus = (i) => {
    cells.forEach((cell, j) => cell.setAttribute("tabindex", j === i ? 0 : -1));
    cells[i].focus({ preventScroll: true });
  };
  node.addEventListener("keydown", (event) => {
    const i = cells.indexOf(event.target);
    const [y, x] = [Math.floor(i / grid), i % grid];
    const to = { ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x] }[event.key];
    if (to) focus(Math.max(0, Math.min(grid - 1, to[0])) * grid + Math.max(0, Math.min(grid - 1, to[1])));
    else if (event.key === " " || event.key === "Enter") {
      put(i, mask[i] ? 0 : 1);
      onpaint(mask);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    node,
    set(next) {
      if (value !== null) return;
      mask = next;
      cells.forEach((cell, i) => cell.setAttribute("aria-selected", String(Boolean(mask[i]))));
    },
    stop: () => removeEventListener("pointerup", done),
  };
}
