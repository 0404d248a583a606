// Pictures on canvases. Token maps are drawn one pixel a token and enlarged by CSS, which keeps dragging cheap.

import { paint } from "./colour.js";
import { phrase } from "./phrases.js";

export function drawValues(canvas, values, width, height, scale) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  paint(values, scale, image.data);
  context.putImageData(image, 0, 0);
}

// A sheet of pictures (packing.py's `sheet`) that draws its cells once it has been decoded.
export function openSheet(sheet) {
  const image = new Image();
  const ready = new Promise((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Error(phrase("pictures.unread")));
  });
  image.src = sheet.url;
  return {
    ready,
    width: sheet.width,
    height: sheet.height,
    count: sheet.count,
    draw(canvas, index) {
      const { columns, width, height, cell } = sheet;
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
      canvas.classList.toggle("fc-pixels", width <= 128);
      const place = sheet.order ? sheet.order[index] : index;
      const left = (place % columns) * cell[0];
      const top = Math.floor(place / columns) * cell[1];
      canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, width, height);
    },
  };
}
