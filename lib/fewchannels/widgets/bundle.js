// Built from js/ by `python lib/fewchannels/widgets/bundle.py`; edit there. MIT licence.

const STYLE = ".fc-widget.fc-widget.fc-widget { --fc-bg: #ffffff; --fc-panel: #f6f7f9; --fc-text: #1d2530; --fc-soft: #59636f; --fc-line: #d9dee5; --fc-bar: #a3abb5; --fc-track: #eceff3; --fc-top: #0072b2; --fc-chosen: #e6f1f9; --fc-accent: #005f96; --fc-on: #ffffff; --fc-mark: #d55e00; color-scheme: light; container-type: inline-size; box-sizing: border-box; position: relative; margin: 1.25rem 0; padding: 1.1rem; border: 1px solid var(--fc-line); border-radius: 12px; background: var(--fc-bg); color: var(--fc-text); font-size: 0.875rem; line-height: 1.4; text-align: left; font-variant-numeric: tabular-nums; scroll-margin-top: 5rem; } @media (prefers-color-scheme: dark) { html:not([data-theme=\"light\"]) body:not([data-jp-theme-light=\"true\"], .vscode-light) .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } } html[data-theme=\"dark\"] .fc-widget.fc-widget.fc-widget, body[data-jp-theme-light=\"false\"] .fc-widget.fc-widget.fc-widget, body.vscode-dark .fc-widget.fc-widget.fc-widget, html[theme=\"dark\"] .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } .fc-widget.fc-widget.fc-widget *, .fc-widget.fc-widget.fc-widget *::before, .fc-widget.fc-widget.fc-widget *::after { box-sizing: border-box; } .fc-widget.fc-widget.fc-widget [hidden] { display: none !important; } .fc-widget.fc-widget.fc-widget p, .fc-widget.fc-widget.fc-widget figure, .fc-widget.fc-widget.fc-widget dl, .fc-widget.fc-widget.fc-widget dd, .fc-widget.fc-widget.fc-widget ol, .fc-widget.fc-widget.fc-widget fieldset, .fc-widget.fc-widget.fc-widget legend { margin: 0; padding: 0; border: 0; min-width: 0; font-size: inherit; } .fc-widget.fc-widget.fc-widget dt { font-weight: inherit; } .fc-widget.fc-widget.fc-widget ol li { margin: 0; padding: 0; list-style: none; } .fc-widget.fc-widget.fc-widget ol li::marker { content: none; } .fc-widget.fc-widget.fc-widget .fc-sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-head { font-size: 1.05rem; font-weight: 650; margin-bottom: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-title { font-weight: 650; color: var(--fc-text); float: none; } .fc-widget.fc-widget.fc-widget legend, .fc-widget.fc-widget.fc-widget label { color: var(--fc-soft); font-size: 0.8125rem; margin: 0; } .fc-widget.fc-widget.fc-widget legend.fc-title { font-size: 0.875rem; } .fc-widget.fc-widget.fc-widget button, .fc-widget.fc-widget.fc-widget input, .fc-widget.fc-widget.fc-widget select { font: inherit; color: inherit; margin: 0; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2rem; padding: 0.2rem 0.6rem; border: 1px solid var(--fc-line); border-radius: 8px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-button { cursor: pointer; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-button:hover { border-color: var(--fc-accent); color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-button:active { background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2rem; padding: 0; font-size: 1.1rem; } .fc-widget.fc-widget.fc-widget .fc-quiet { border-color: transparent; background: none; color: var(--fc-accent); padding: 0.2rem 0.4rem; } .fc-widget.fc-widget.fc-widget input[type=\"number\"] { width: 3.8rem; text-align: center; -moz-appearance: textfield; appearance: textfield; } .fc-widget.fc-widget.fc-widget input[type=\"number\"]::-webkit-inner-spin-button { display: none; } .fc-widget.fc-widget.fc-widget input[aria-invalid=\"true\"] { border-color: var(--fc-mark); } .fc-widget.fc-widget.fc-widget :is(button, select, input):focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-controls { display: grid; gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-dials { display: grid; gap: 0.8rem 1.6rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { display: grid; gap: 0.5rem; margin-top: 0.45rem; } .fc-widget.fc-widget.fc-widget .fc-chips label { display: block; cursor: pointer; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-option { display: flex; gap: 0.6rem; align-items: center; height: 100%; padding: 0.4rem; border: 1px solid var(--fc-line); border-radius: 10px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.25; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-chips label:hover .fc-option { border-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-chips canvas { width: 3rem; height: 3rem; flex: none; border-radius: 6px; object-fit: cover; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-prompt { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget input:checked + .fc-option { border-color: var(--fc-accent); box-shadow: inset 0 0 0 1px var(--fc-accent); background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget input:focus-visible + .fc-option { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-options { display: flex; margin-top: 0.3rem; border: 1px solid var(--fc-line); border-radius: 8px; width: max-content; max-width: 100%; flex-wrap: wrap; } .fc-widget.fc-widget.fc-widget .fc-seg label { cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-option { display: block; padding: 0.3rem 0.8rem; border-radius: 7px; color: var(--fc-text); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-seg input:checked + .fc-option { background: var(--fc-accent); color: var(--fc-on); box-shadow: none; } .fc-widget.fc-widget.fc-widget .fc-slider { display: grid; grid-template-columns: auto 1fr; gap: 0 0.8rem; align-items: baseline; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-out { justify-self: end; color: var(--fc-text); font-size: 0.8125rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 100%; } .fc-widget.fc-widget.fc-widget .fc-slider input { grid-column: 1 / -1; width: 100%; height: 1.9rem; background: none; cursor: pointer; appearance: none; -webkit-appearance: none; border-radius: 6px; touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-runnable-track { height: 6px; border-radius: 3px; background: linear-gradient(90deg, var(--fc-accent) calc(9px + var(--fc-fill, 0) * (100% - 18px)), var(--fc-line) 0); } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-thumb { -webkit-appearance: none; width: 18px; height: 18px; margin-top: -6px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-track { height: 6px; border-radius: 3px; background: var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-thumb { width: 14px; height: 14px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input:disabled { opacity: 0.5; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-select { display: grid; gap: 0.3rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-select select { width: 100%; } .fc-widget.fc-widget.fc-widget .fc-body { display: grid; gap: 1.2rem; margin-top: 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-caption { display: block; color: var(--fc-soft); font-size: 0.8125rem; margin-bottom: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { display: grid; grid-template-columns: 2.2rem 1fr 3.1rem; gap: 0.5rem; align-items: center; height: 1.6rem; padding: 0 0.3rem; border-radius: 6px; cursor: pointer; color: var(--fc-soft); position: relative; } .fc-widget.fc-widget.fc-widget .fc-row:hover { background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:checked) { background: var(--fc-chosen); color: var(--fc-text); box-shadow: inset 3px 0 0 var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:focus-visible) { outline: 3px solid var(--fc-mark); outline-offset: -1px; z-index: 1; } .fc-widget.fc-widget.fc-widget .fc-number { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-mapped .fc-number { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-value { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-track { position: relative; height: 0.65rem; border-radius: 3px; background: var(--fc-track); overflow: hidden; } .fc-widget.fc-widget.fc-widget .fc-fill { position: absolute; inset: 0; transform-origin: 0 0; background: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-top .fc-fill { background: var(--fc-top); } .fc-widget.fc-widget.fc-widget .fc-median { position: absolute; top: 0; bottom: 0; width: 2px; left: calc(var(--fc-median, 0) * 100% - 1px); background: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin-top: 0.6rem; color: var(--fc-soft); font-size: 0.78rem; } .fc-widget.fc-widget.fc-widget .fc-legend span { display: flex; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-legend b { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-swatch { width: 0.8rem; height: 0.65rem; border-radius: 3px; background: var(--fc-top); flex: none; } .fc-widget.fc-widget.fc-widget .fc-tick { width: 2px; height: 0.75rem; margin: 0 0.3rem; background: var(--fc-text); flex: none; } .fc-widget.fc-widget.fc-widget .fc-channel { display: grid; gap: 0.9rem; align-content: start; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-pick, .fc-widget.fc-widget.fc-widget .fc-find { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-pick { position: relative; } .fc-widget.fc-widget.fc-widget .fc-find label { font-weight: 650; color: var(--fc-text); font-size: 0.875rem; margin-right: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-bubble:not(:empty) { position: absolute; top: calc(100% + 4px); left: 0; z-index: 3; padding: 0.2rem 0.6rem; border-radius: 6px; background: var(--fc-text); color: var(--fc-bg); white-space: nowrap; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-maps { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-frame { position: relative; width: 100%; border-radius: 8px; overflow: hidden; background: var(--fc-track); touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; } .fc-widget.fc-widget.fc-widget .fc-pixels { image-rendering: pixelated; } .fc-widget.fc-widget.fc-widget figcaption { color: var(--fc-soft); font-size: 0.8125rem; margin: 0.3rem 0 0; padding: 0; text-align: left; } .fc-widget.fc-widget.fc-widget figcaption p { margin: 0; } .fc-widget.fc-widget.fc-widget .fc-missing { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 0.6rem; padding: 0.8rem; text-align: center; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-missing .fc-button { white-space: normal; } .fc-widget.fc-widget.fc-widget .fc-token { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-colours { grid-column: 1; } .fc-widget.fc-widget.fc-widget .fc-ramp { display: block; height: 0.6rem; border-radius: 3px; } .fc-widget.fc-widget.fc-widget .fc-ends { display: flex; justify-content: space-between; font-size: 0.8125rem; margin-top: 0.15rem; } .fc-widget.fc-widget.fc-widget .fc-pointed { grid-column: 2; color: var(--fc-soft); font-size: 0.8125rem; min-height: 2.4em; } .fc-widget.fc-widget.fc-widget .fc-options-row { display: flex; flex-wrap: wrap; gap: 0.6rem 1.2rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-slider { flex: 1 1 5rem; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-select { flex: 0 1 8rem; } .fc-widget.fc-widget.fc-widget .fc-check { display: flex; gap: 0.45rem; align-items: center; min-height: 2rem; } .fc-widget.fc-widget.fc-widget .fc-check input { width: 1.1rem; height: 1.1rem; accent-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-check label { color: var(--fc-text); cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-facts { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-facts > div { padding: 0.5rem 0.7rem; border-radius: 8px; background: var(--fc-panel); display: flex; flex-direction: column; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-facts dt { color: var(--fc-soft); font-size: 0.75rem; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-facts dd { font-size: 1.05rem; font-weight: 650; margin: 0.1rem 0 0; } .fc-widget.fc-widget.fc-widget .fc-headline { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.2rem 1rem; margin-bottom: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-key { display: flex; align-items: center; gap: 0.4rem; color: var(--fc-soft); font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-key .fc-ramp { width: 5rem; } .fc-widget.fc-widget.fc-widget .fc-grid { display: grid; grid-template-columns: auto 1fr; gap: 0.2rem 0.5rem; color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-depth { display: flex; flex-direction: column; justify-content: space-between; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-depth span:nth-child(2) { writing-mode: vertical-rl; transform: rotate(180deg); } .fc-widget.fc-widget.fc-widget .fc-steps { grid-column: 2; display: flex; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-strip { position: relative; display: block; width: 100%; padding: 0; border: 0; border-radius: 6px; background: var(--fc-track); cursor: pointer; touch-action: manipulation; user-select: none; } .fc-widget.fc-widget.fc-widget .fc-strip canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-here { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 2px #d55e00; border-radius: 3px; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-foot { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 0.3rem 1rem; margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-foot p { color: var(--fc-soft); font-size: 0.78rem; flex: 1 1 20rem; } .fc-widget.fc-widget.fc-widget .fc-axes { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-tilerow { margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-tilerow .fc-title { margin-bottom: 0.3rem; } .fc-widget.fc-widget.fc-widget .fc-tiles { display: grid; grid-template-columns: repeat(min(var(--fc-tiles), 3), minmax(0, 1fr)); gap: 0.6rem; max-width: calc(var(--fc-tiles) * 16rem); } .fc-widget.fc-widget.fc-widget .fc-tiles canvas { width: 100%; height: auto; display: block; border-radius: 8px; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-tiles figcaption { overflow-wrap: anywhere; line-height: 1.25; font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-cell-caption { margin-top: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-lines { margin-top: 0.8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-lines dd { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-interval { font-weight: 400; font-size: 0.78rem; color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-line { flex: 1 1 5rem; min-width: 5rem; max-width: 9rem; height: 2rem; overflow: visible; margin-left: auto; } .fc-widget.fc-widget.fc-widget .fc-line polyline { fill: none; stroke: var(--fc-bar); stroke-width: 1.6; } .fc-widget.fc-widget.fc-widget .fc-line circle { fill: var(--fc-top); } @container (min-width: 34rem) { .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-controls .fc-dials { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; } .fc-widget.fc-widget.fc-widget .fc-tiles { grid-template-columns: repeat(min(var(--fc-tiles), 6), minmax(0, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-facts:not(.fc-lines) { grid-template-columns: repeat(4, 1fr); } } @container (min-width: 38rem) { .fc-widget.fc-widget.fc-widget .fc-body { grid-template-columns: minmax(11.5rem, 4fr) minmax(0, 9fr); gap: 1.4rem; } } @container (max-width: 37.99rem) { .fc-widget.fc-widget.fc-widget .fc-channel { order: -1; } .fc-widget.fc-widget.fc-widget .fc-rows { columns: 2; column-gap: 1rem; } } @container (max-width: 29.99rem) { .fc-widget.fc-widget.fc-widget .fc-rows { column-gap: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { grid-template-columns: 2rem 1fr 2.9rem; gap: 0.35rem; padding: 0 0.2rem; font-size: 0.8125rem; } } @media (pointer: coarse) { .fc-widget.fc-widget.fc-widget .fc-row { height: 1.9rem; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-slider input { height: 2.4rem; } } @media (forced-colors: active) { .fc-widget.fc-widget.fc-widget .fc-fill { forced-color-adjust: none; } }";

// js/colour.js
const CIVIDIS =
  "00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f7073767676" +
  "7d7c788381798b8778928d789a9376a29975aaa073b3a670bbad6dc3b369ccba64d4c15fddc858e6d051efd748f8df3c" +
  "fee838";
const PUOR =
  "7f3b088f4407a04d07b05606be630acd700edb7d12e68d23ef9e3cf8ae55fdbd6efdca88fed7a2fde2bbfbe9cff9f0e4" +
  "f6f6f7eeeef3e4e5f0dadceccfcfe5c3c0ddb7b1d5a9a1cb9990bf8a7eb37b6aa86d529c5f3a91522584451871390c5e" +
  "2d004b";

function table(hex) {
  const stops = hex.length / 6 - 1;
  const at = (stop, part) => parseInt(hex.slice(6 * stop + 2 * part, 6 * stop + 2 * part + 2), 16);
  const colours = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * stops;
    const stop = Math.min(stops - 1, Math.floor(place));
    for (let part = 0; part < 3; part++) {
      colours[3 * i + part] = Math.round(at(stop, part) + (place - stop) * (at(stop + 1, part) - at(stop, part)));
    }
  }
  return colours;
}

const PALETTES = { sequential: table(CIVIDIS), diverging: table(PUOR) };

function scaleFor(low, high) {
  const smaller = Math.min(-low, high);
  const larger = Math.max(-low, high);
  if (smaller > 0 && smaller >= 0.1 * larger) return { palette: "diverging", low: -larger, high: larger };
  return { palette: "sequential", low, high };
}

function paint(values, scale, out = new Uint8ClampedArray(4 * values.length)) {
  const colours = PALETTES[scale.palette];
  const range = scale.high - scale.low || 1;
  for (let i = 0; i < values.length; i++) {
    const level = Math.max(0, Math.min(255, Math.round(((values[i] - scale.low) / range) * 255)));
    out[4 * i] = colours[3 * level];
    out[4 * i + 1] = colours[3 * level + 1];
    out[4 * i + 2] = colours[3 * level + 2];
    out[4 * i + 3] = 255;
  }
  return out;
}

function gradient(palette) {
  const colours = PALETTES[palette];
  const stops = [];
  for (let i = 0; i <= 16; i++) {
    const level = 3 * Math.round((i / 16) * 255);
    stops.push(`rgb(${colours[level]} ${colours[level + 1]} ${colours[level + 2]})`);
  }
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

// js/canvas.js
function drawValues(canvas, values, width, height, scale) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  paint(values, scale, image.data);
  context.putImageData(image, 0, 0);
}

function openSheet(sheet) {
  const image = new Image();
  const ready = new Promise((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Error("the pictures of this figure cannot be read (WebP)"));
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

// js/dom.js
let made = 0;

function uid(prefix = "fc") {
  return `${prefix}-${++made}-${Math.random().toString(36).slice(2, 7)}`;
}

function el(what, props = {}, ...children) {
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

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function slider({ label, count, onpick }) {
  const id = uid("fc-slider");
  const input = el("input", { type: "range", id, min: 0, max: Math.max(1, count - 1), step: 1, disabled: count < 2 });
  const shown = el("output.fc-out", { for: id });
  input.addEventListener("input", () => onpick(Number(input.value)));
  const node = el("div.fc-slider", {}, el("label", { for: id }, label), shown, input);
  return {
    node,
    input,
    set(index, text) {
      if (Number(input.value) !== index) input.value = index;
      input.style.setProperty("--fc-fill", count > 1 ? index / (count - 1) : 0);
      input.setAttribute("aria-valuetext", text);
      setText(shown, text);
    },
  };
}

function choices({ label, options, onpick, kind = "fc-seg" }) {
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

function dropdown({ label, options, onpick }) {
  const id = uid("fc-select");
  const select = el("select", { id, onchange: () => onpick(select.value) });
  for (const { value, text } of options) select.append(el("option", { value }, text));
  return {
    node: el("div.fc-select", {}, el("label", { for: id }, label), select),
    set(value) {
      if (select.value !== String(value)) select.value = String(value);
    },
  };
}

function announcer(wait = 500) {
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

// js/format.js
const DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential(1) : DIGITS.format(value);
  return text.replace("-", "−");
}

const EVEN = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3, minimumSignificantDigits: 3 });

function figures(value) {
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? EVEN.format(value).replace("-", "−") : number(value);
}

function percent(share) {
  const value = 100 * share;
  return `${value >= 9.95 ? Math.round(value) : value.toFixed(value >= 0.095 ? 1 : 2)} %`;
}

function ordinal(n) {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${teen ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] || "th"}`;
}

// js/browser_parts.js
function rankedList(rows, topText, hasMaps, onpick) {
  const name = uid("fc-rank");
  const caption = el("span.fc-caption");
  const list = el("ol.fc-rows");
  const legend = el(
    "p.fc-legend",
    {},
    el("span", {}, el("i.fc-swatch"), topText),
    el("span", {}, el("i.fc-tick"), "the block's median channel"),
    hasMaps ? el("span", {}, el("b", {}, "12"), "has a map here") : null,
  );
  const node = el("fieldset.fc-ranks", {}, el("legend.fc-title", {}, "Largest channels"), caption, list, legend);
  const items = Array.from({ length: rows }, () => {
    const item = {
      channel: -1,
      input: el("input.fc-sr", { type: "radio", name, onchange: () => onpick(item.channel) }),
      number: el("span.fc-number"),
      fill: el("span.fc-fill"),
      value: el("span.fc-value"),
    };
    item.track = el("span.fc-track", {}, item.fill, el("span.fc-median"));
    item.row = el("label.fc-row", {}, item.input, item.number, item.track, item.value);
    list.append(el("li", {}, item.row));
    return item;
  });
  return {
    node,
    show(view, text) {
      setText(caption, text);
      list.style.setProperty("--fc-median", view.medianLength);
      items.forEach((item, i) => {
        const given = view.list[i];
        item.row.parentNode.hidden = !given;
        if (!given) return;
        item.channel = given.channel;
        setText(item.number, String(given.channel));
        setText(item.value, figures(given.value));
        item.fill.style.transform = `scaleX(${given.length.toFixed(4)})`;
        item.row.classList.toggle("fc-top", given.top);
        item.row.classList.toggle("fc-mapped", given.map);
        if (item.input.checked !== given.chosen) item.input.checked = given.chosen;
        const extra = `${given.top ? ", top channel" : ""}${given.map ? "" : ", no map in this page"}`;
        item.input.setAttribute("aria-label", `Channel ${given.channel}, ${number(given.value)}${extra}`);
      });
    },
  };
}

function tokenMaps(data, { onnearest }) {
  const alone = el("canvas.fc-pixels", { role: "img" });
  const over = el("canvas.fc-pixels.fc-over", { "aria-hidden": "true" });
  const picture = el("canvas", { role: "img" });
  const marks = [el("span.fc-token"), el("span.fc-token")];
  const message = el("p");
  const offer = el("button.fc-button", { type: "button", onclick: () => onnearest() });
  const missing = el("div.fc-missing", {}, message, offer);
  const frames = [el("div.fc-frame", {}, alone, missing, marks[0]), el("div.fc-frame", {}, picture, over, marks[1])];
  const mapTitle = el("figcaption");
  const overTitle = el("figcaption");
  const low = el("span");
  const middle = el("span");
  const high = el("span");
  const ramp = el("div.fc-ramp", { "aria-hidden": "true" });
  const pointed = el("p.fc-pointed");
  const bar = el("div.fc-colours", {}, ramp, el("div.fc-ends", {}, low, middle, high));
  const sheet = data.images ? openSheet(data.images) : null;
  const node = el(
    "div.fc-maps",
    {},
    el("figure", {}, frames[0], mapTitle),
    el("figure", {}, frames[1], overTitle),
    bar,
    pointed,
  );
  const [gridHeight, gridWidth] = data.grid;
  let map = null;
  let note = "";
  let place = null;

  function tell() {
    const on = place !== null && map !== null;
    for (const mark of marks) {
      mark.hidden = !on;
      if (!on) continue;
      mark.style.left = `${(100 * place.column) / gridWidth}%`;
      mark.style.top = `${(100 * place.row) / gridHeight}%`;
      mark.style.width = `${100 / gridWidth}%`;
      mark.style.height = `${100 / gridHeight}%`;
    }
    const value = on ? map.values[place.row * gridWidth + place.column] : 0;
    setText(pointed, on ? `Token in row ${place.row + 1}, column ${place.column + 1}: ${number(value)}` : note);
  }
  for (const frame of frames) {
    frame.style.aspectRatio = `${gridWidth} / ${gridHeight}`;
    const move = (event) => {
      const box = frame.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * gridWidth);
      const row = Math.floor(((event.clientY - box.top) / box.height) * gridHeight);
      place = row >= 0 && row < gridHeight && column >= 0 && column < gridWidth ? { row, column } : null;
      tell();
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerdown", move);
    frame.addEventListener("pointerleave", () => {
      place = null;
      tell();
    });
  }
  let drawn = -1;
  return {
    node,
    show(view, state) {
      map = view.map;
      missing.hidden = Boolean(map);
      alone.hidden = bar.hidden = !map;
      over.hidden = !map || !state.over;
      over.style.opacity = state.opacity / 100;
      if (map) {
        drawValues(alone, map.values, map.width, map.height, map.scale);
        drawValues(over, map.values, map.width, map.height, map.scale);
        ramp.style.background = gradient(map.scale.palette);
        setText(low, number(map.scale.low));
        setText(middle, map.scale.palette === "diverging" ? "0" : number((map.scale.low + map.scale.high) / 2));
        setText(high, number(map.scale.high));
        const all = state.scale === "channel" ? "the same for all blocks and steps" : "of this map alone";
        note = map.scale.palette === "diverging" ? `Colours centred at 0, ${all}.` : `Colours from smallest to largest, ${all}.`;
        alone.setAttribute(
          "aria-label",
          `Channel ${state.channel} on the ${map.height} by ${map.width} token grid, from ${number(map.scale.low)} to ${number(map.scale.high)}`,
        );
      } else {
        note = "";
        setText(message, `The map of channel ${state.channel} is not kept here; its scores are.`);
        offer.hidden = view.nearest === null;
        if (view.nearest !== null) setText(offer, `Show channel ${view.nearest}, the nearest in rank`);
      }
      setText(mapTitle, `Channel ${state.channel}, block ${state.layer}, step ${data.steps[state.step]}`);
      setText(overTitle, map && state.over ? "Over the final picture" : "The final picture");
      picture.setAttribute("aria-label", `Final picture: ${data.prompts[state.prompt]}`);
      tell();
      if (sheet && drawn !== state.prompt) {
        sheet.ready.then(() => sheet.draw(picture, state.prompt), () => setText(overTitle, "The picture cannot be read here"));
        drawn = state.prompt;
      }
    },
  };
}

function depthStrip(data, onmove) {
  const { layers, steps } = data.counts;
  const canvas = el("canvas.fc-pixels");
  const mark = el("span.fc-here");
  const button = el("button.fc-strip", { type: "button" }, canvas, mark);
  const title = el("p.fc-title");
  const high = el("span");
  const ends = el("span.fc-key", {}, "0", el("span.fc-ramp", { "aria-hidden": "true" }), high);
  ends.querySelector(".fc-ramp").style.background = gradient("sequential");
  const names = el("div.fc-depth", { "aria-hidden": "true" }, el("span", {}, "0"), el("span", {}, "block"), el("span", {}, String(layers - 1)));
  const axis = el(
    "div.fc-steps",
    { "aria-hidden": "true" },
    el("span", {}, String(data.steps[0])),
    el("span", {}, "step"),
    el("span", {}, String(data.steps[steps - 1])),
  );
  button.style.height = `${Math.max(72, Math.min(240, 19 * layers))}px`;
  const node = el("div.fc-overview", {}, el("div.fc-headline", {}, title, ends), el("div.fc-grid", {}, names, button, axis));
  let here = { layer: 0, step: 0 };

  const toPointer = (event) => {
    const box = canvas.getBoundingClientRect();
    const step = Math.floor(((event.clientX - box.left) / box.width) * steps);
    const layer = Math.floor(((event.clientY - box.top) / box.height) * layers);
    onmove({ layer: Math.max(0, Math.min(layers - 1, layer)), step: Math.max(0, Math.min(steps - 1, step)) });
  };
  button.addEventListener("click", (event) => event.detail > 0 && toPointer(event));
  button.addEventListener("pointermove", (event) => event.pointerType === "mouse" && event.buttons === 1 && toPointer(event));
  button.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [];
    if (down === undefined) return;
    event.preventDefault();
    onmove({
      layer: Math.max(0, Math.min(layers - 1, here.layer + down)),
      step: Math.max(0, Math.min(steps - 1, here.step + right)),
    });
  });
  return {
    node,
    show(view, state) {
      here = state;
      drawValues(canvas, view.strip.values, steps, layers, { palette: "sequential", low: 0, high: view.strip.high || 1 });
      setText(title, `Channel ${state.channel} through depth and time`);
      setText(high, number(view.strip.high));
      mark.style.left = `${(100 * state.step) / steps}%`;
      mark.style.top = `${(100 * state.layer) / layers}%`;
      mark.style.width = `${100 / steps}%`;
      mark.style.height = `${100 / layers}%`;
      button.setAttribute(
        "aria-label",
        `Score of channel ${state.channel} over blocks and steps, at most ${number(view.strip.high)}; now block ${state.layer}, step ${data.steps[state.step]}. Arrow keys move.`,
      );
    },
  };
}

// js/arrays.js
const KINDS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

async function inflate(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function product(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

function arrayOf(buffer, header) {
  const kind = KINDS[header.dtype];
  if (!kind) throw new Error(`an array of dtype ${header.dtype}: expected one of ${Object.keys(KINDS).join(", ")}`);
  const size = product(header.shape);
  if (header.offset + size * kind.BYTES_PER_ELEMENT > buffer.byteLength) {
    throw new Error(`an array at ${header.offset} of shape ${header.shape} ends after the data (${buffer.byteLength} bytes)`);
  }
  return new kind(buffer, header.offset, size);
}

function logValues(buffer, header) {
  const planes = arrayOf(buffer, header.codes);
  const size = product(header.shape);
  const stride = product(header.shape.slice(header.axis + 1));
  const span = stride * header.shape[header.axis];
  const codes = new Int32Array(size);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const zigzag = planes[i] | (planes[size + i] << 8);
    const delta = (zigzag >>> 1) ^ -(zigzag & 1);
    codes[i] = delta + (i % span >= stride ? codes[i - stride] : 0);
    values[i] = codes[i] === 0 ? 0 : header.floor * Math.exp((codes[i] - 1) * header.step);
  }
  return values;
}

function mapReader(buffer, header) {
  const codes = arrayOf(buffer, header.codes);
  const low = arrayOf(buffer, header.low);
  const scale = arrayOf(buffer, header.scale);
  const shape = header.codes.shape;
  const [height, width] = shape.slice(-2);
  const size = height * width;
  let levels = 0;
  for (let i = 0; i < codes.length; i++) if (codes[i] > levels) levels = codes[i];
  return {
    count: low.length,
    height,
    width,
    low: (index) => low[index],
    high: (index) => low[index] + levels * scale[index],
    read(index) {
      const values = new Float32Array(size);
      for (let i = 0; i < size; i++) values[i] = low[index] + scale[index] * codes[index * size + i];
      return values;
    },
  };
}

// js/rank.js
function largest(values, start, width, count) {
  const kept = [];
  for (let i = 0; i < width; i++) {
    const value = values[start + i];
    if (kept.length === count && !(value > values[start + kept[count - 1]])) continue;
    let place = kept.length;
    while (place > 0 && value > values[start + kept[place - 1]]) place--;
    kept.splice(place, 0, i);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

function rankOf(values, start, width, index) {
  const value = values[start + index];
  let rank = 1;
  for (let i = 0; i < width; i++) {
    const other = values[start + i];
    if (other > value || (other === value && i < index)) rank++;
  }
  return rank;
}

function median(values, start, width) {
  const row = values.slice(start, start + width).sort();
  const middle = width >> 1;
  return width % 2 ? row[middle] : (row[middle - 1] + row[middle]) / 2;
}

function total(values, start, width) {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += values[start + i];
  return sum;
}

// js/store.js
const later = typeof requestAnimationFrame === "function" ? requestAnimationFrame : (f) => setTimeout(f, 0);

function createStore(state, schedule = later) {
  const listeners = new Set();
  let waiting = false;
  return {
    get: () => state,
    set(next) {
      if (next === state) return;
      state = next;
      if (waiting) return;
      waiting = true;
      schedule(() => {
        waiting = false;
        for (const listener of listeners) listener(state);
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function clampInt(value, count, otherwise = 0) {
  const n = Math.round(Number(value));
  return Number.isFinite(n) && value !== null && value !== "" ? Math.max(0, Math.min(count - 1, n)) : otherwise;
}

// js/browser_state.js
const SCORES = ["abs_mean", "mean_abs"];

async function openBrowser(header, blob) {
  const buffer = await inflate(blob);
  const scores = {};
  for (const name of SCORES) scores[name] = logValues(buffer, header.scores[name]);
  const [prompts, layers, steps, width] = header.scores.abs_mean.shape;
  return {
    ...header,
    counts: { prompts, layers, steps, width },
    scores,
    energy: header.energy ? logValues(buffer, header.energy) : null,
    maps: header.maps ? mapReader(buffer, header.maps) : null,
    mapChannels: header.map_channels ? rows(arrayOf(buffer, header.map_channels), layers) : [],
    cache: new Map(),
  };
}

function rows(flat, count) {
  const width = flat.length / count;
  return Array.from({ length: count }, (_, i) => Array.from(flat.subarray(i * width, (i + 1) * width)));
}

function browserState(data, given = {}) {
  const { prompts, layers, steps, width } = data.counts;
  const state = {
    prompt: clampInt(given.prompt, prompts),
    layer: clampInt(given.layer, layers, layers - 1),
    step: clampInt(given.step, steps, steps >> 1),
    score: SCORES.includes(given.score) ? given.score : "abs_mean",
    channel: 0,
    over: !["false", "0", false, 0].includes(given.over),
    opacity: clampInt(given.opacity, 101, 60),
    scale: given.scale === "channel" ? "channel" : "map",
  };
  state.channel = clampInt(given.channel, width, largest(data.scores[state.score], rowStart(data, state), width, 1)[0]);
  return state;
}

function rowStart(data, { prompt, layer, step }) {
  const { layers, steps, width } = data.counts;
  return ((prompt * layers + layer) * steps + step) * width;
}

function topSet(data, score, layer) {
  if (data.top) return new Set(data.top[layer]);
  const name = `top ${score} ${layer}`;
  if (!data.cache.has(name)) {
    const { prompts, steps, width } = data.counts;
    const sum = new Float64Array(width);
    for (let prompt = 0; prompt < prompts; prompt++) {
      for (let step = 0; step < steps; step++) {
        const start = rowStart(data, { prompt, layer, step });
        for (let i = 0; i < width; i++) sum[i] += data.scores[score][start + i];
      }
    }
    data.cache.set(name, new Set(largest(sum, 0, width, data.k)));
  }
  return data.cache.get(name);
}

function largestHere(data, state) {
  const channel = largest(data.scores[state.score], rowStart(data, state), data.counts.width, 1)[0];
  return { ...state, channel };
}

function toPeak(data, state) {
  const { layers, steps } = data.counts;
  const values = stripOf(data, state).values;
  const best = largest(values, 0, layers * steps, 1)[0];
  return { ...state, layer: Math.floor(best / steps), step: best % steps };
}

function stripOf(data, state) {
  const { layers, steps } = data.counts;
  const values = new Float32Array(layers * steps);
  let high = 0;
  for (let layer = 0; layer < layers; layer++) {
    for (let step = 0; step < steps; step++) {
      const value = data.scores[state.score][rowStart(data, { ...state, layer, step }) + state.channel];
      values[layer * steps + step] = value;
      if (value > high) high = value;
    }
  }
  return { values, high };
}

function mapIndex(data, state, layer, step) {
  const place = data.maps ? data.mapChannels[layer].indexOf(state.channel) : -1;
  const { layers, steps } = data.counts;
  return place < 0 ? -1 : ((state.prompt * layers + layer) * steps + step) * data.mapChannels[layer].length + place;
}

function mapOf(data, state) {
  const index = mapIndex(data, state, state.layer, state.step);
  if (index < 0) return null;
  let low = data.maps.low(index);
  let high = data.maps.high(index);
  if (state.scale === "channel") {
    for (let layer = 0; layer < data.counts.layers; layer++) {
      for (let step = 0; step < data.counts.steps; step++) {
        const other = mapIndex(data, state, layer, step);
        if (other < 0) continue;
        low = Math.min(low, data.maps.low(other));
        high = Math.max(high, data.maps.high(other));
      }
    }
  }
  const { height, width } = data.maps;
  return { values: data.maps.read(index), height, width, scale: scaleFor(low, high) };
}

function nearestMap(data, state) {
  const start = rowStart(data, state);
  const values = data.scores[state.score];
  const rank = rankOf(values, start, data.counts.width, state.channel);
  let best = null;
  for (const channel of data.mapChannels[state.layer] || []) {
    const gap = Math.abs(rankOf(values, start, data.counts.width, channel) - rank);
    if (!best || gap < best.gap) best = { channel, gap };
  }
  return best && best.channel;
}

function browserView(data, state) {
  const { width } = data.counts;
  const values = data.scores[state.score];
  const start = rowStart(data, state);
  const top = topSet(data, state.score, state.layer);
  const shipped = new Set(data.mapChannels[state.layer]);
  const order = largest(values, start, width, Math.min(data.rows, width));
  const most = values[start + order[0]] || 1;
  const middle = median(values, start, width);
  const value = values[start + state.channel];
  const weights = data.energy || values;
  const map = mapOf(data, state);
  const strip = stripOf(data, state);
  return {
    list: order.map((channel) => ({
      channel,
      value: values[start + channel],
      length: Math.max(0, values[start + channel] / most),
      top: top.has(channel),
      map: shipped.has(channel),
      chosen: channel === state.channel,
    })),
    median: middle,
    medianLength: Math.min(1, middle / most),
    topSize: top.size,
    value,
    rank: rankOf(values, start, width, state.channel),
    timesMedian: middle > 0 ? value / middle : null,
    share: weights[start + state.channel] / (total(weights, start, width) || 1),
    inTop: top.has(state.channel),
    map,
    nearest: map ? null : nearestMap(data, state),
    strip,
  };
}

// js/browser.js
const SCORE_TEXT = { abs_mean: "|mean|", mean_abs: "mean |x|" };
const SCORE_TITLE = {
  abs_mean: "absolute value of the mean over the image tokens",
  mean_abs: "mean over the image tokens of the absolute value",
};

const browserKind = {
  open: openBrowser,
  state: browserState,
  build(root, data, store) {
    const change = (part) => store.set({ ...store.get(), ...part });
    const { layers, steps, width } = data.counts;

    const prompts = choices({
      label: "Prompt",
      kind: "fc-chips",
      options: data.prompts.map((prompt, i) => ({ value: i, content: chip(data, prompt, i), title: prompt })),
      onpick: (prompt) => change({ prompt }),
    });
    const layer = slider({ label: "Block (depth)", count: layers, onpick: (value) => change({ layer: value }) });
    const step = slider({ label: "Denoising step", count: steps, onpick: (value) => change({ step: value }) });
    const score = choices({
      label: "Score",
      options: Object.keys(SCORE_TEXT).map((value) => ({ value, content: SCORE_TEXT[value], title: SCORE_TITLE[value] })),
      onpick: (value) => change({ score: value }),
    });

    const topText = data.top ? data.top_label : `top ${data.k} of the block over all prompts and steps`;
    const ranks = rankedList(Math.min(data.rows, width), topText, Boolean(data.maps), (channel) => change({ channel }));
    const maps = tokenMaps(data, {
      onnearest: () => change({ channel: browserView(data, store.get()).nearest }),
    });
    const strip = depthStrip(data, change);
    const finder = channelFinder(width, change, store);
    const hint = bubble();
    const jump = (label, title, to, already) => {
      const onclick = () => {
        const state = store.get();
        const next = to(data, state);
        if (JSON.stringify(next) === JSON.stringify(state)) hint.say(already(state));
        else store.set(next);
      };
      return el("button.fc-button", { type: "button", title, onclick }, label);
    };
    const here = jump("Largest here", "The largest channel of this block and step", largestHere, (state) => `Channel ${state.channel} is the largest here.`);
    const peak = jump("Its peak", "The block and step where this channel is largest", toPeak, (state) => `Channel ${state.channel} is at its peak here.`);

    const overId = uid("fc-over");
    const over = el("input", { type: "checkbox", id: overId, onchange: () => change({ over: over.checked }) });
    const opacity = slider({ label: "Opacity", count: 101, onpick: (value) => change({ opacity: value, over: true }) });
    const scale = dropdown({
      label: "Colour scale",
      options: [
        { value: "map", text: "this map" },
        { value: "channel", text: "one for all" },
      ],
      onpick: (value) => change({ scale: value }),
    });
    const facts = readouts(["Score", "Rank", "Against the median", data.energy ? "Share of energy" : "Share of score"]);
    const live = announcer();

    root.append(
      el("div.fc-controls", {}, prompts.node, el("div.fc-dials", {}, layer.node, step.node, score.node)),
      el(
        "div.fc-body",
        {},
        ranks.node,
        el(
          "div.fc-channel",
          {},
          el("div.fc-pick", {}, finder.node, here, peak, hint.node),
          maps.node,
          el("div.fc-options-row", {}, el("div.fc-check", {}, over, el("label", { for: overId }, "Map over picture")), opacity.node, scale.node),
          facts.node,
          strip.node,
        ),
      ),
      live.node,
    );

    let first = true;
    return {
      stop: live.stop,
      show(state) {
        const view = browserView(data, state);
        const stepText = `${data.steps[state.step]}${data.sigmas ? ` · σ ${number(data.sigmas[state.step])}` : ""}`;
        prompts.set(state.prompt);
        layer.set(state.layer, layerText(data, state.layer));
        step.set(state.step, stepText);
        score.set(state.score);
        opacity.set(state.opacity, `${state.opacity} %`);
        over.checked = state.over;
        scale.set(state.scale);
        finder.show(state);
        hint.say("");
        ranks.show(view, `${SCORE_TEXT[state.score]} in block ${state.layer} at step ${data.steps[state.step]}`);
        maps.show(view, state);
        strip.show(view, state);
        const times = view.timesMedian === null ? "–" : `${number(view.timesMedian)} ×`;
        facts.show([figures(view.value), `${view.rank} of ${width}`, times, percent(view.share)]);
        if (!first) {
          live.say(
            `Channel ${state.channel}, block ${state.layer}, step ${data.steps[state.step]}: ${number(view.value)}, ` +
              `${ordinal(view.rank)} of ${width}, ${percent(view.share)} ${data.energy ? "of the energy" : "of the score"}.` +
              (view.map ? "" : " No map of this channel here."),
          );
        }
        first = false;
      },
      note: data.precision,
    };
  },
};

function layerText(data, layer) {
  const family = (name) => name.replace(/\.?\d+$/, "");
  const mixed = data.layers.some((name) => family(name) !== family(data.layers[0]));
  return mixed ? `${layer} · ${data.layers[layer]}` : String(layer);
}

function chip(data, prompt, index) {
  const text = el("span.fc-prompt", {}, prompt);
  if (!data.images) return text;
  const canvas = el("canvas", { "aria-hidden": "true" });
  const sheet = openSheet(data.images);
  sheet.ready.then(() => sheet.draw(canvas, index), () => {});
  return [canvas, text];
}

function bubble() {
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

function channelFinder(width, change, store) {
  const id = uid("fc-channel");
  const input = el("input", { type: "number", id, min: 0, max: width - 1, step: 1, inputmode: "numeric" });
  const bad = el("span.fc-bubble", { role: "alert" });
  const move = (by) => change({ channel: (store.get().channel + by + width) % width });
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const fits = input.value !== "" && Number.isInteger(value) && value >= 0 && value < width;
    input.setAttribute("aria-invalid", String(!fits));
    setText(bad, fits || input.value === "" ? "" : `Channels run from 0 to ${width - 1}.`);
    if (fits) change({ channel: clampInt(value, width) });
  });
  const restore = () => {
    input.value = store.get().channel;
    input.setAttribute("aria-invalid", "false");
    setText(bad, "");
  };
  input.addEventListener("blur", restore);
  return {
    node: el(
      "div.fc-find",
      {},
      el("label", { for: id }, "Channel"),
      el("button.fc-button.fc-icon", { type: "button", "aria-label": "Previous channel", onclick: () => move(-1) }, "‹"),
      input,
      el("button.fc-button.fc-icon", { type: "button", "aria-label": "Next channel", onclick: () => move(1) }, "›"),
      bad,
    ),
    show(state) {
      if (Number(input.value) !== state.channel && !(document.activeElement === input && input.getAttribute("aria-invalid") === "true")) {
        input.value = state.channel;
      }
    },
  };
}

function readouts(names) {
  const cells = names.map(() => el("dd"));
  const node = el("dl.fc-facts", {}, ...names.map((name, i) => el("div", {}, el("dt", {}, name), cells[i])));
  return { node, show: (texts) => texts.forEach((text, i) => setText(cells[i], text)) };
}

// js/flipbook_state.js
async function openFlipbook(header, blob) {
  const buffer = await inflate(blob);
  const numbers = header.numbers.map((given) => ({
    ...given,
    value: arrayOf(buffer, given.value),
    low: given.low ? arrayOf(buffer, given.low) : null,
    high: given.high ? arrayOf(buffer, given.high) : null,
  }));
  return { ...header, numbers };
}

function flipbookState(data, given = {}) {
  const state = {};
  data.axes.forEach((axis, i) => {
    state[`axis${i}`] = clampInt(given[`axis${i}`], axis.labels.length, 0);
  });
  return state;
}

function cellIndex(data, state) {
  return data.axes.reduce((cell, axis, i) => cell * axis.labels.length + state[`axis${i}`], 0);
}

function cellsAlong(data, state, axis) {
  return data.axes[axis].labels.map((_, i) => cellIndex(data, { ...state, [`axis${axis}`]: i }));
}

function flipbookView(data, state) {
  const cell = cellIndex(data, state);
  const along = Math.max(0, data.axes.findIndex((axis) => axis.control === "slider"));
  const cells = cellsAlong(data, state, along);
  return {
    cell,
    tiles: Array.from({ length: data.tiles }, (_, i) => cell * data.tiles + i),
    caption: data.captions ? data.captions[cell] : "",
    where: data.axes.map((axis, i) => `${axis.name}: ${axis.labels[state[`axis${i}`]]}`).join(", "),
    along,
    numbers: data.numbers.map((given) => {
      let low = Infinity;
      let high = -Infinity;
      for (const value of given.value) {
        if (Number.isFinite(value)) {
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
      if (low >= 0 && high <= 1) [low, high] = [0, 1];
      return {
        name: given.name,
        value: given.value[cell],
        interval: given.low ? [given.low[cell], given.high[cell]] : null,
        line: cells.map((i) => (given.value[i] - low) / (high - low || 1)),
        at: cells.indexOf(cell),
      };
    }),
  };
}

// js/flipbook.js
const SVG = "http://www.w3.org/2000/svg";

const flipbookKind = {
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
          canvas.setAttribute("aria-label", `Picture ${i + 1}: ${label}${view.where}`);
        });
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
    const control = slider({ label: axis.name, count: axis.labels.length, onpick });
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
  return el("div.fc-tilerow", {}, label ? el("p.fc-title", {}, label) : null, box);
}

function numberRow(name) {
  const value = el("span.fc-big");
  const interval = el("span.fc-interval");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "-4 -4 108 32");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("fc-line");
  const line = svg.appendChild(document.createElementNS(SVG, "polyline"));
  const dot = svg.appendChild(document.createElementNS(SVG, "circle"));
  dot.setAttribute("r", "3.5");
  return {
    node: el("div", {}, el("dt", {}, name), el("dd", {}, value, interval, svg)),
    show(given) {
      setText(value, number(given.value));
      setText(interval, given.interval ? `${number(given.interval[0])} to ${number(given.interval[1])}` : "");
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

// js/link.js
function toHash(key, state) {
  const parts = Object.entries(state).map(([name, value]) => `${name}.${encodeURIComponent(String(value))}`);
  return `#fc=${encodeURIComponent(key)};${parts.join(";")}`;
}

function fromHash(key, hash) {
  const found = /^#fc=([^;]*);(.*)$/.exec(hash || "");
  try {
    if (!found || decodeURIComponent(found[1]) !== key) return null;
    const state = {};
    for (const part of found[2].split(";")) {
      const dot = part.indexOf(".");
      if (dot > 0) state[part.slice(0, dot)] = decodeURIComponent(part.slice(dot + 1));
    }
    return state;
  } catch {
    return null;
  }
}

// js/index.js
const KINDS_OF_WIDGET = { browser: browserKind, flipbook: flipbookKind };

function addStyle(place) {
  const home = place.getRootNode();
  const into = home === document || !home.querySelector ? document.head : home;
  if (!into.querySelector("style[data-fc-style]")) into.append(el("style", { "data-fc-style": true }, STYLE));
}

function follow(model, kind, data, store) {
  let sent = JSON.stringify(store.get());
  let timer;
  const push = (state) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      sent = JSON.stringify(state);
      model.set("state", state);
      model.save_changes();
    }, 150);
  };
  const pull = () => {
    const next = kind.state(data, { ...store.get(), ...model.get("state") });
    if (JSON.stringify(next) !== sent) store.set(next);
  };
  const leave = store.subscribe(push);
  model.on("change:state", pull);
  return () => {
    clearTimeout(timer);
    leave();
    model.off("change:state", pull);
  };
}

function linkButton(key, store) {
  const button = el("button.fc-button.fc-quiet", { type: "button" }, "Copy link to this view");
  button.addEventListener("click", async () => {
    const hash = toHash(key, store.get());
    try {
      history.replaceState(history.state, "", hash);
      await navigator.clipboard.writeText(location.href);
      setText(button, "Link copied");
    } catch {
      setText(button, location.hash === hash ? "The link is in the address bar" : "This page cannot make links");
    }
    setTimeout(() => setText(button, "Copy link to this view"), 2500);
  });
  return button;
}

async function render({ model, el: place, host }) {
  const root = place.classList.contains("fc-widget") ? place : place.appendChild(el("div.fc-widget", { role: "group" }));
  const header = model.get("data");
  try {
    const kind = KINDS_OF_WIDGET[model.get("kind")];
    if (!kind) throw new Error(`no widget of the kind ${model.get("kind")}`);
    const data = await kind.open(header, model.get("blob"));
    const linked = host === "page" ? fromHash(data.key, location.hash) : null;
    const store = createStore(kind.state(data, linked || model.get("state")));
    addStyle(root);
    root.setAttribute("aria-label", data.label);
    root.replaceChildren();
    if (data.title) root.append(el("p.fc-head", {}, data.title));
    const page = kind.build(root, data, store);
    const foot = el("div.fc-foot", {}, el("p", {}, page.note));
    if (host === "page") foot.append(linkButton(data.key, store));
    if (page.note || host === "page") root.append(foot);
    store.subscribe(page.show);
    page.show(store.get());
    const unfollow = follow(model, kind, data, store);
    root.setAttribute("data-fc-ready", "");
    if (linked) root.scrollIntoView({ block: "start" });
    const onhash = () => {
      const next = fromHash(data.key, location.hash);
      if (next) store.set(kind.state(data, next));
    };
    if (host === "page") addEventListener("hashchange", onhash);
    return () => {
      removeEventListener("hashchange", onhash);
      unfollow();
      page.stop();
    };
  } catch (error) {
    root.replaceChildren(el("p", { "data-fc-error": true }, `This figure could not be shown: ${error.message}`));
    throw error;
  }
}

export default { render };
