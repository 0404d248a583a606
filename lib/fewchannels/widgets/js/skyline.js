// The sizes of all channels, a row a block, with those in colour that are chosen. Heights are square roots, so that the
// many can be seen beside the few; the frame is as high as the first cell's largest channel and a little more.

import { el, setAttr, setText, svgNode } from "./dom.js";
import { number } from "./format.js";
import { phrase } from "./phrases.js";
import { largest, median } from "./rank.js";

const TALL = 100;
const HEADROOM = 1.25;

// Paths of one row of one cell: { others, chosen, most (channel), ratio to the median }.
export function skylineRow({ sizes, chosen, names, width, first }, cell, row) {
  const start = (cell * names.length + row) * width;
  const full = HEADROOM * sizes[(first * names.length + row) * width + largest(sizes, (first * names.length + row) * width, width, 1)[0]];
  const paths = ["", ""];
  for (let c = 0; c < width; c++) {
    const which = chosen[row * width + c];
    const height = Math.min(TALL, TALL * Math.sqrt(sizes[start + c] / (full || 1)));
    if (height > 0) paths[which] += `M${c + 0.1} ${TALL}V${(TALL - height).toFixed(1)}h${which ? 1.2 : 0.8}V${TALL}Z`;
  }
  const most = largest(sizes, start, width, 1)[0];
  return { others: paths[0], chosen: paths[1], most, ratio: sizes[start + most] / median(sizes, start, width) };
}

export function skyline(given) {
  const rows = given.names.map((name) => {
    const svg = svgNode("svg", { viewBox: `0 0 ${given.width} ${TALL}`, preserveAspectRatio: "none", role: "img" });
    const others = svg.appendChild(svgNode("path", { class: "fc-others" }));
    const chosen = svg.appendChild(svgNode("path", { class: "fc-edited" }));
    const ratio = el("span.fc-ratio", { "aria-hidden": "true" });
    return { name, svg, others, chosen, ratio, nodes: [el("span", { "aria-hidden": "true" }, name), svg, ratio] };
  });
  return {
    node: el("div.fc-skyline", {}, ...rows.flatMap((row) => row.nodes)),
    show(cell) {
      rows.forEach(({ name, svg, others, chosen, ratio }, r) => {
        const now = skylineRow(given, cell, r);
        others.setAttribute("d", now.others);
        chosen.setAttribute("d", now.chosen);
        setText(ratio, `${number(now.ratio)} ×`);
        setAttr(svg, "aria-label", phrase("skyline.row", { name, channel: now.most, ratio: number(now.ratio) }));
      });
    },
  };
}
