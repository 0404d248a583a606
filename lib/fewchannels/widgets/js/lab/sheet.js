// The pictures side by side, enlarged, each with its words: a PNG for a report.

import { phrase } from "../phrases.js";

const SHEET_SIDE = 384;
const SHEET_EDGE = 24;

// pictures: [{ pixels, text }] -> Promise of a Blob
export function sheetOf(pictures, prompt, side) {
  const canvas = document.createElement("canvas");
  canvas.width = pictures.length * (SHEET_SIDE + SHEET_EDGE) + SHEET_EDGE;
  canvas.height = SHEET_SIDE + 190;
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const write = (text, x, y, wide, size, colour) => {
    context.font = `${size}px system-ui, sans-serif`;
    context.fillStyle = colour;
    let line = "";
    for (const word of text.split(" ")) {
      if (line && context.measureText(`${line} ${word}`).width > wide) {
        context.fillText(line, x, y);
        [line, y] = [word, y + 1.35 * size];
      } else line = line ? `${line} ${word}` : word;
    }
    context.fillText(line, x, y);
  };
  write(prompt, SHEET_EDGE, 30, canvas.width - 2 * SHEET_EDGE, 17, "#24282d");
  const small = document.createElement("canvas");
  small.width = small.height = side;
  pictures.forEach(({ pixels, text }, i) => {
    small.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), side, side), 0, 0);
    const x = SHEET_EDGE + i * (SHEET_SIDE + SHEET_EDGE);
    context.drawImage(small, x, 66, SHEET_SIDE, SHEET_SIDE);
    write(text, x, 66 + SHEET_SIDE + 26, SHEET_SIDE, 15, "#585e66");
  });
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(phrase("lab.picture.unwritten")))), "image/png"));
}
