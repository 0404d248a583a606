// What leaves the explorer: the view as a PNG, drawn anew on one canvas, and the marked channels as JSON.

import { download } from "./download.js";
import { heatHeight } from "./explorer_heat.js";
import { channelSet, promptPhrase } from "./explorer_state.js";
import { phrase } from "./phrases.js";

const WIDE = 900; // of a pane, in the pixels of the picture
const EDGE = 24;
const FONT = "system-ui, sans-serif";

// ChannelSet.from_json of the library reads it.
export function saveChannels(view, pins) {
  const record = channelSet(view.run, view.scores, view.pane, pins);
  download(new Blob([`${JSON.stringify(record)}\n`], { type: "application/json" }), "channels.json");
  return record;
}

// The source of the numbers, in one line.
export function provenanceText(run) {
  const { provenance } = run;
  const parts = [run.model, run.revision && phrase("origin.revision", { revision: run.revision }), provenance.seed !== undefined && provenance.seed !== null && phrase("origin.seed", { seed: provenance.seed }), provenance.dtype];
  return parts.filter(Boolean).join(" · ");
}

function drawPane(context, pane, left, ink, soft, name) {
  const view = pane.view();
  const { run, scores } = view;
  const at = view.pane;
  const looks = pane.maps.layers();
  let y = EDGE + 22;
  const text = (words, x, size, colour, weight = 400) => {
    context.font = `${weight} ${size}px ${FONT}`;
    context.fillStyle = colour;
    context.fillText(words, x, y, WIDE);
  };
  const title = phrase("export.title", { score: phrase(`score.${at.score}`), prompt: phrase(...promptPhrase(run, at.prompt)), step: run.steps[at.step] + 1 });
  text(name ? `${name}: ${title}` : title, left, 22, ink, 650);
  y += 26;
  text(provenanceText(run), left, 14, soft);
  y += 16;
  context.imageSmoothingEnabled = false;
  const tall = heatHeight(run.layers.length);
  context.drawImage(pane.heat.canvas, left, y, WIDE, tall);
  context.strokeStyle = "#d55e00";
  context.lineWidth = 2;
  const row = tall / run.layers.length;
  context.strokeRect(left, y + at.layer * row, WIDE, row);
  const x = left + (WIDE * (at.channel + 0.5)) / run.width;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x, y + tall);
  context.stroke();
  y += tall + 22;
  text(phrase("export.caption", { lastBlock: run.layers.length - 1, lastChannel: run.width - 1, channel: at.channel, block: at.layer, value: scores[at.layer * run.width + at.channel].toPrecision(3), rank: view.rank }), left, 15, soft);
  y += 16;
  const size = (WIDE - 2 * EDGE) / 3;
  const high = (size * looks.grid[0]) / looks.grid[1];
  [looks.alone, looks.picture, looks.mask].forEach((canvas, i) => {
    const across = left + i * (size + EDGE);
    if (canvas) context.drawImage(canvas, across, y, size, high);
    if (i === 1 && looks.over) {
      context.globalAlpha = looks.opacity;
      context.drawImage(looks.over, across, y, size, high);
      context.globalAlpha = 1;
    }
    const before = y;
    y += high + 20;
    context.font = `14px ${FONT}`;
    context.fillStyle = soft;
    context.fillText(canvas ? looks.titles[i] : phrase("export.unkept"), across, y, size);
    y = before;
  });
  return y + high + 20 + EDGE;
}

export function savePicture(panes, colours) {
  const canvas = document.createElement("canvas");
  canvas.width = panes.length * (WIDE + EDGE) + EDGE;
  canvas.height = 2000;
  const context = canvas.getContext("2d");
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const ends = panes.map((pane, i) => drawPane(context, pane, EDGE + i * (WIDE + EDGE), colours.ink, colours.soft, panes.length > 1 ? pane.name() : ""));
  const cut = document.createElement("canvas");
  cut.width = canvas.width;
  cut.height = Math.min(canvas.height, Math.ceil(Math.max(...ends)));
  cut.getContext("2d").drawImage(canvas, 0, 0);
  return new Promise((resolve, reject) => {
    cut.toBlob((blob) => {
      if (!blob) return reject(new Error(phrase("picture.unwritten")));
      download(blob, "explorer.png");
      resolve(blob);
    }, "image/png");
  });
}
