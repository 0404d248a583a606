// The skyline: the sizes of all channels, block under block, with the chosen ones in colour. Channels are looked at and
// taken here, by pointer or by keys. Heights are square roots, so that the many can be seen beside the few.

import { el, setText, svgNode } from "../dom.js";
import { number } from "../format.js";
import { phrase } from "../phrases.js";

const SKY_HIGH = 100;
const ROOM_ABOVE = 1.5; // of the largest channel's size over calibration prompts

const TENTHS = Array.from({ length: 10_000 }, (_, i) => String(i / 10)); // as texts

// Paths of one block's row, lines to be stroked: all channels, the chosen ones, and where those would stand untouched.
// They are made anew for each frame, so they are short, and of texts that are there already.
export function skyPaths(levels, untouched, chosen, full) {
  const inside = new Set(chosen);
  const [others, taken, ghost] = [[], [], []];
  const top = (value) => 10 * SKY_HIGH - Math.min(10 * SKY_HIGH, Math.round(10 * SKY_HIGH * Math.sqrt(Math.max(0, value) / (full || 1))));
  for (let c = 0; c < levels.length; c++) {
    const here = top(levels[c]);
    if (!inside.has(c)) {
      if (here < 10 * SKY_HIGH) others.push("M", TENTHS[10 * c + 5], " 100V", TENTHS[here]);
      continue;
    }
    const x = TENTHS[10 * c + 7]; // the wider line begins where the others do
    if (here < 10 * SKY_HIGH) taken.push("M", x, " 100V", TENTHS[here]);
    const was = untouched ? top(untouched[c]) : here;
    if (was < here - 10) ghost.push("M", x, " ", TENTHS[here], "V", TENTHS[was]);
  }
  return { others: others.join(""), chosen: taken.join(""), ghost: ghost.join("") };
}

// onlook({ block, channel }); ontake(channel, block); onstrength(by)
export function sky({ shape, known, onlook: pick, ontake, onstrength }) {
  const { blocks, width } = shape;
  const full = known.score.map((row) => ROOM_ABOVE * Math.max(...row));
  const rows = Array.from({ length: blocks }, (_, block) => {
    const svg = svgNode("svg", { viewBox: `0 0 ${width} ${SKY_HIGH}`, preserveAspectRatio: "none" });
    const [ghost, others, chosen] = ["fc-ghosts", "fc-others", "fc-edited"].map((name) => svg.appendChild(svgNode("path", { class: name })));
    const name = el("span.fc-sky-name", {}, phrase("block.number", { block }));
    const box = el("div.fc-sky-row", {}, svg);
    return { svg, paths: { ghost, others, chosen }, name, box, drawn: {} };
  });
  const mark = el("i.fc-sky-mark");
  const grid = el("div.fc-sky-grid", { "aria-hidden": "true" }, ...rows.flatMap(({ name, box }) => [name, box]), el("div.fc-sky-over", {}, mark));
  const under = el("p.fc-sky-under", { "aria-hidden": "true" });
  const node = el("div.fc-sky", { role: "slider", tabindex: 0, "aria-label": phrase("sky.label"), "aria-valuemin": 0, "aria-valuemax": width - 1 }, grid, under);
  let now = { block: 0, channel: 0, levels: null, taken: [] };
  // the next key may come before the next frame
  const onlook = (place) => {
    now = { ...now, ...place };
    pick(place);
  };

  const at = (event, box) => {
    const { left, width: wide } = box.getBoundingClientRect();
    return Math.max(0, Math.min(width - 1, Math.floor(((event.clientX - left) / wide) * width)));
  };
  // Fingers and eyes are not that exact: the largest of the channels within a few pixels is meant.
  const near = (block, channel) => {
    const row = now.levels?.[block];
    if (!row) return channel;
    let best = channel;
    for (let c = Math.max(0, channel - 2); c <= Math.min(width - 1, channel + 2); c++) if (row[c] > 4 * row[best]) best = c;
    return best;
  };
  rows.forEach(({ box }, block) => {
    box.addEventListener("pointerdown", (event) => {
      node.focus({ preventScroll: true });
      onlook({ block, channel: near(block, at(event, box)) });
    });
    box.addEventListener("dblclick", (event) => ontake(near(block, at(event, box)), block));
    box.addEventListener("pointermove", (event) => {
      const channel = near(block, at(event, box));
      if (now.levels) setText(under, phrase("sky.cell", { channel, block, value: number(now.levels[block][channel]) }));
    });
    box.addEventListener("pointerleave", () => setText(under, now.text || ""));
  });
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  node.addEventListener("keydown", (event) => {
    const { block, channel, levels } = now;
    const move = moves[event.key];
    const row = levels?.[block];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) onlook({ block: Math.max(0, Math.min(blocks - 1, block + move[0])), channel: (channel + move[1] + width) % width });
    else if (event.key === "Home" && row) onlook({ block, channel: row.reduce((best, value, c) => (value > row[best] ? c : best), 0) });
    else if (["PageUp", "PageDown"].includes(event.key) && row) {
      const order = Array.from(row, (_, c) => c).sort((a, b) => row[b] - row[a] || a - b);
      const place = order.indexOf(channel) + (event.key === "PageDown" ? 1 : -1);
      onlook({ block, channel: order[Math.max(0, Math.min(width - 1, place))] });
    } else if (event.key === " " || event.key === "Enter") ontake(channel, block);
    else if (event.key === "[" || event.key === "]") onstrength(event.key === "]" ? 0.1 : -0.1);
    else return;
    event.preventDefault();
  });
  return {
    node,
    // levels, untouched: a row of sizes a block, or null; taken: channels of each block; text: of the chosen channel
    show({ levels, untouched, taken, block, channel, text }) {
      now = { block, channel, levels, taken, text };
      rows.forEach((row, b) => {
        const paths = levels ? skyPaths(levels[b], untouched?.[b], taken[b], full[b]) : { others: "", chosen: "", ghost: "" };
        for (const [name, path] of Object.entries(paths)) if (row.drawn[name] !== path) row.paths[name].setAttribute("d", path);
        row.drawn = paths;
        row.box.classList.toggle("fc-here-row", b === block);
      });
      mark.style.left = `${(100 * (channel + 0.5)) / width}%`;
      mark.classList.toggle("fc-left-half", channel > width / 2);
      mark.dataset.name = phrase("channel.number", { channel });
      node.setAttribute("aria-valuenow", channel);
      node.setAttribute("aria-valuetext", text);
      setText(under, text);
    },
  };
}
