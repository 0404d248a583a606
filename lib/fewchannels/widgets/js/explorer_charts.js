// Two small drawings as SVG, coloured by the style sheet: how a block's scores are spread, and channels through depth.

import { el, setAttr, setText, svgNode } from "./dom.js";
import { number } from "./format.js";
import { total } from "./rank.js";
import { histogram } from "./explorer_state.js";
import { phrase } from "./phrases.js";

function drawing(classes, width, height) {
  const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
  svg.classList.add(...classes);
  return svg;
}

const HEIGHT = 40;

// Bars on a logarithmic count, so that the one channel far to the right can be seen beside hundreds at the left.
export function spread() {
  const svg = drawing(["fc-spread"], 100, HEIGHT);
  const all = svg.appendChild(svgNode("path", { class: "fc-bars" }));
  const some = svg.appendChild(svgNode("path", { class: "fc-bars fc-marked" }));
  const tick = svg.appendChild(svgNode("line", { class: "fc-chosenline", y1: 0, y2: HEIGHT }));
  const low = el("span");
  const high = el("span");
  const title = el("p.fc-title");
  const caption = el("p.fc-caption");
  const bars = (counts, most) => {
    const wide = 100 / counts.length;
    let path = "";
    counts.forEach((count, i) => {
      if (!count) return;
      const tall = (HEIGHT * Math.log1p(count)) / Math.log1p(most);
      path += `M${(i * wide + 0.2).toFixed(2)} ${HEIGHT}V${(HEIGHT - tall).toFixed(2)}h${(wide - 0.4).toFixed(2)}V${HEIGHT}Z`;
    });
    return path;
  };
  return {
    node: el("div.fc-chart", {}, title, svg, el("div.fc-ends", {}, low, el("span", {}, phrase("score.axis")), high), caption),
    show({ run, scores, pane, marked }) {
      const start = pane.layer * run.width;
      const found = histogram(scores, start, run.width);
      const bins = found.counts.length;
      const most = Math.max(...found.counts);
      const counts = new Int32Array(bins);
      for (const c of marked) counts[Math.min(bins - 1, Math.floor(found.place(scores[start + c]) * bins))]++;
      all.setAttribute("d", bars(found.counts, most));
      some.setAttribute("d", bars(counts, most));
      const place = (100 * found.place(scores[start + pane.channel])).toFixed(2);
      tick.setAttribute("x1", place);
      tick.setAttribute("x2", place);
      setText(title, phrase("spread.title", { count: run.width, block: pane.layer }));
      setText(low, number(found.low));
      setText(high, number(found.high));
      setText(caption, phrase(found.logarithmic ? "spread.caption.log" : "spread.caption", { score: phrase(`score.${pane.score}`), channel: pane.channel }));
      setAttr(svg, "aria-label", phrase("spread.label", { block: pane.layer, low: number(found.low), high: number(found.high), channel: pane.channel, value: number(scores[start + pane.channel]) }));
    },
  };
}

const DEEP = 60;
const blockMeans = new WeakMap(); // kept as long as the scores are

// One line a followed channel over the blocks, the mean of all channels for comparison.
export function depthLines({ onmove }) {
  const svg = drawing(["fc-lines-chart"], 100, DEEP);
  const here = svg.appendChild(svgNode("line", { class: "fc-hereline", y1: 0, y2: DEEP }));
  const mean = svg.appendChild(svgNode("polyline", { class: "fc-meanline" }));
  const lines = [];
  const title = el("p.fc-title");
  const low = el("span");
  const high = el("span");
  const last = el("span");
  const chart = el("div.fc-lineholder", {}, svg);
  let rows = 1;
  chart.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    onmove({ layer: Math.max(0, Math.min(rows - 1, Math.round(((event.clientX - box.left) / box.width) * (rows - 1)))) });
  });
  return {
    node: el(
      "div.fc-chart",
      {},
      title,
      el("div.fc-grid", {}, el("div.fc-heights", { "aria-hidden": "true" }, high, low), chart, el("div.fc-steps", { "aria-hidden": "true" }, el("span", {}, "0"), el("span", {}, phrase("block")), last)),
    ),
    show({ run, scores, pane }, pins, scale) {
      rows = run.layers.length;
      const { width } = run;
      const channels = [pane.channel, ...pins.filter((c) => c < width && c !== pane.channel)];
      if (!blockMeans.has(scores)) blockMeans.set(scores, Float32Array.from({ length: rows }, (_, layer) => total(scores, layer * width, width) / width));
      const means = blockMeans.get(scores);
      let top = 0;
      let bottom = Infinity;
      for (let layer = 0; layer < rows; layer++) {
        const here = [means[layer], ...channels.map((c) => scores[layer * width + c])];
        top = Math.max(top, ...here);
        bottom = Math.min(bottom, ...here);
      }
      top = top || 1;
      const log = scale === "log" && bottom < top;
      bottom = log ? Math.max(bottom, top * 1e-4) : 0;
      const y = (value) => {
        const share = log ? Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom) : value / top;
        return (DEEP * (1 - share)).toFixed(2);
      };
      const x = (layer) => (rows > 1 ? ((100 * layer) / (rows - 1)).toFixed(2) : "50");
      const points = (of) => Array.from({ length: rows }, (_, layer) => `${x(layer)},${y(of(layer))}`).join(" ");
      mean.setAttribute("points", points((layer) => means[layer]));
      while (lines.length < channels.length) lines.push(svg.appendChild(svgNode("polyline", { class: "fc-followed" })));
      lines.forEach((line, i) => {
        const channel = channels[i];
        line.toggleAttribute("hidden", channel === undefined);
        if (channel === undefined) return;
        line.setAttribute("points", points((layer) => scores[layer * width + channel]));
        setAttr(line, "data-pin", pins.indexOf(channel));
        line.classList.toggle("fc-is-chosen", i === 0);
      });
      here.setAttribute("x1", x(pane.layer));
      here.setAttribute("x2", x(pane.layer));
      setText(title, phrase("lines.title", { score: phrase(`score.${pane.score}`), step: run.steps[pane.step] + 1 }));
      setText(high, number(top));
      setText(low, number(bottom));
      setText(last, String(rows - 1));
      setAttr(svg, "aria-label", phrase("lines.label", { blocks: rows, channels: channels.join(", "), high: number(top) }));
    },
  };
}
