// Built from js/ by `python lib/fewchannels/widgets/bundle.py`; edit there. MIT licence.

const STYLE = ".fc-widget.fc-widget.fc-widget { --fc-bg: #ffffff; --fc-panel: #f6f7f9; --fc-text: #1d2530; --fc-soft: #59636f; --fc-line: #d9dee5; --fc-bar: #a3abb5; --fc-track: #eceff3; --fc-top: #0072b2; --fc-chosen: #e6f1f9; --fc-accent: #005f96; --fc-on: #ffffff; --fc-mark: #d55e00; color-scheme: light; container-type: inline-size; box-sizing: border-box; position: relative; margin: 1.25rem 0; padding: 1.1rem; border: 1px solid var(--fc-line); border-radius: 12px; background: var(--fc-bg); color: var(--fc-text); font-size: 0.875rem; line-height: 1.4; text-align: left; font-variant-numeric: tabular-nums; scroll-margin-top: 5rem; } @media (prefers-color-scheme: dark) { html:not([data-theme=\"light\"]) body:not([data-jp-theme-light=\"true\"], .vscode-light) .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } } html[data-theme=\"dark\"] .fc-widget.fc-widget.fc-widget, body[data-jp-theme-light=\"false\"] .fc-widget.fc-widget.fc-widget, body.vscode-dark .fc-widget.fc-widget.fc-widget, html[theme=\"dark\"] .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } .fc-widget.fc-widget.fc-widget *, .fc-widget.fc-widget.fc-widget *::before, .fc-widget.fc-widget.fc-widget *::after { box-sizing: border-box; } .fc-widget.fc-widget.fc-widget [hidden] { display: none !important; } .fc-widget.fc-widget.fc-widget p, .fc-widget.fc-widget.fc-widget figure, .fc-widget.fc-widget.fc-widget dl, .fc-widget.fc-widget.fc-widget dd, .fc-widget.fc-widget.fc-widget ol, .fc-widget.fc-widget.fc-widget fieldset, .fc-widget.fc-widget.fc-widget legend { margin: 0; padding: 0; border: 0; min-width: 0; font-size: inherit; } .fc-widget.fc-widget.fc-widget dt { font-weight: inherit; } .fc-widget.fc-widget.fc-widget ol li { margin: 0; padding: 0; list-style: none; } .fc-widget.fc-widget.fc-widget ol li::marker { content: none; } .fc-widget.fc-widget.fc-widget .fc-sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-head { font-size: 1.05rem; font-weight: 650; margin-bottom: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-title { font-weight: 650; color: var(--fc-text); float: none; } .fc-widget.fc-widget.fc-widget legend, .fc-widget.fc-widget.fc-widget label { color: var(--fc-soft); font-size: 0.8125rem; margin: 0; } .fc-widget.fc-widget.fc-widget legend.fc-title { font-size: 0.875rem; } .fc-widget.fc-widget.fc-widget button, .fc-widget.fc-widget.fc-widget input, .fc-widget.fc-widget.fc-widget select { font: inherit; color: inherit; margin: 0; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2rem; padding: 0.2rem 0.6rem; border: 1px solid var(--fc-line); border-radius: 8px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-button { cursor: pointer; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-button:hover { border-color: var(--fc-accent); color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-button:active { background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2rem; padding: 0; font-size: 1.1rem; } .fc-widget.fc-widget.fc-widget .fc-quiet { border-color: transparent; background: none; color: var(--fc-accent); padding: 0.2rem 0.4rem; } .fc-widget.fc-widget.fc-widget input[type=\"number\"] { width: 3.8rem; text-align: center; -moz-appearance: textfield; appearance: textfield; } .fc-widget.fc-widget.fc-widget input[type=\"number\"]::-webkit-inner-spin-button { display: none; } .fc-widget.fc-widget.fc-widget input[aria-invalid=\"true\"] { border-color: var(--fc-mark); } .fc-widget.fc-widget.fc-widget :is(button, select, input):focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-controls { display: grid; gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-dials { display: grid; gap: 0.8rem 1.6rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { display: grid; gap: 0.5rem; margin-top: 0.45rem; } .fc-widget.fc-widget.fc-widget .fc-chips label { display: block; cursor: pointer; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-option { display: flex; gap: 0.6rem; align-items: center; height: 100%; padding: 0.4rem; border: 1px solid var(--fc-line); border-radius: 10px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.25; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-chips label:hover .fc-option { border-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-chips canvas { width: 3rem; height: 3rem; flex: none; border-radius: 6px; object-fit: cover; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-prompt { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget input:checked + .fc-option { border-color: var(--fc-accent); box-shadow: inset 0 0 0 1px var(--fc-accent); background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget input:focus-visible + .fc-option { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-options { display: flex; margin-top: 0.3rem; border: 1px solid var(--fc-line); border-radius: 8px; width: max-content; max-width: 100%; flex-wrap: wrap; } .fc-widget.fc-widget.fc-widget .fc-seg label { cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-option { display: block; padding: 0.3rem 0.8rem; border-radius: 7px; color: var(--fc-text); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-seg input:checked + .fc-option { background: var(--fc-accent); color: var(--fc-on); box-shadow: none; } .fc-widget.fc-widget.fc-widget .fc-slider { display: grid; grid-template-columns: auto 1fr; gap: 0 0.8rem; align-items: baseline; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-out { justify-self: end; color: var(--fc-text); font-size: 0.8125rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 100%; } .fc-widget.fc-widget.fc-widget .fc-slider input { grid-column: 1 / -1; width: 100%; height: 1.9rem; background: none; cursor: pointer; appearance: none; -webkit-appearance: none; border-radius: 6px; touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-runnable-track { height: 6px; border-radius: 3px; background: linear-gradient(90deg, var(--fc-accent) calc(9px + var(--fc-fill, 0) * (100% - 18px)), var(--fc-line) 0); } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-thumb { -webkit-appearance: none; width: 18px; height: 18px; margin-top: -6px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-track { height: 6px; border-radius: 3px; background: var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-thumb { width: 14px; height: 14px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input:focus-visible { outline-offset: -2px; } .fc-widget.fc-widget.fc-widget .fc-marks { grid-column: 1 / -1; position: relative; height: 1.2rem; margin: 0 9px; color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-marks span { position: absolute; left: calc(100% * var(--fc-at)); transform: translateX(calc(-100% * var(--fc-at))); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-slider input:disabled { opacity: 0.5; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-select { display: grid; gap: 0.3rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-select select { width: 100%; } .fc-widget.fc-widget.fc-widget .fc-body { display: grid; gap: 1.2rem; margin-top: 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-caption { display: block; color: var(--fc-soft); font-size: 0.8125rem; margin-bottom: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { display: grid; grid-template-columns: 2.2rem 1fr 3.1rem; gap: 0.5rem; align-items: center; height: 1.6rem; padding: 0 0.3rem; border-radius: 6px; cursor: pointer; color: var(--fc-soft); position: relative; } .fc-widget.fc-widget.fc-widget .fc-row:hover { background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:checked) { background: var(--fc-chosen); color: var(--fc-text); box-shadow: inset 3px 0 0 var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:focus-visible) { outline: 3px solid var(--fc-mark); outline-offset: -1px; z-index: 1; } .fc-widget.fc-widget.fc-widget .fc-number { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-mapped .fc-number { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-value { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-track { position: relative; height: 0.65rem; border-radius: 3px; background: var(--fc-track); overflow: hidden; } .fc-widget.fc-widget.fc-widget .fc-fill { position: absolute; inset: 0; transform-origin: 0 0; background: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-top .fc-fill { background: var(--fc-top); } .fc-widget.fc-widget.fc-widget .fc-median { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin-top: 0.6rem; color: var(--fc-soft); font-size: 0.78rem; } .fc-widget.fc-widget.fc-widget .fc-legend span { display: flex; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-legend b { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-swatch { width: 0.8rem; height: 0.65rem; border-radius: 3px; background: var(--fc-top); flex: none; } .fc-widget.fc-widget.fc-widget .fc-tick { width: 2px; height: 0.75rem; margin: 0 0.3rem; background: var(--fc-text); flex: none; } .fc-widget.fc-widget.fc-widget .fc-channel { display: grid; gap: 0.9rem; align-content: start; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-pick, .fc-widget.fc-widget.fc-widget .fc-find { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-pick { position: relative; } .fc-widget.fc-widget.fc-widget .fc-find label { font-weight: 650; color: var(--fc-text); font-size: 0.875rem; margin-right: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-bubble:not(:empty) { position: absolute; top: calc(100% + 4px); left: 0; z-index: 3; padding: 0.2rem 0.6rem; border-radius: 6px; background: var(--fc-text); color: var(--fc-bg); white-space: nowrap; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-maps { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-frame { position: relative; width: 100%; border-radius: 8px; overflow: hidden; background: var(--fc-track); touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; } .fc-widget.fc-widget.fc-widget .fc-pixels { image-rendering: pixelated; } .fc-widget.fc-widget.fc-widget figcaption { color: var(--fc-soft); font-size: 0.8125rem; margin: 0.3rem 0 0; padding: 0; text-align: left; } .fc-widget.fc-widget.fc-widget figcaption p { margin: 0; } .fc-widget.fc-widget.fc-widget .fc-missing { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 0.6rem; padding: 0.8rem; text-align: center; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-missing .fc-button { white-space: normal; } .fc-widget.fc-widget.fc-widget .fc-token { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-colours { grid-column: 1; } .fc-widget.fc-widget.fc-widget .fc-ramp { display: block; height: 0.6rem; border-radius: 3px; } .fc-widget.fc-widget.fc-widget .fc-ends { display: flex; justify-content: space-between; font-size: 0.8125rem; margin-top: 0.15rem; } .fc-widget.fc-widget.fc-widget .fc-pointed { grid-column: 2; color: var(--fc-soft); font-size: 0.8125rem; min-height: 2.4em; } .fc-widget.fc-widget.fc-widget .fc-options-row { display: flex; flex-wrap: wrap; gap: 0.6rem 1.2rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-slider { flex: 1 1 5rem; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-select { flex: 0 1 8rem; } .fc-widget.fc-widget.fc-widget .fc-check { display: flex; gap: 0.45rem; align-items: center; min-height: 2rem; } .fc-widget.fc-widget.fc-widget .fc-check input { width: 1.1rem; height: 1.1rem; accent-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-check label { color: var(--fc-text); cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-facts { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-facts > div { padding: 0.5rem 0.7rem; border-radius: 8px; background: var(--fc-panel); display: flex; flex-direction: column; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-facts dt { color: var(--fc-soft); font-size: 0.75rem; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-facts dd { font-size: 1.05rem; font-weight: 650; margin: 0.1rem 0 0; } .fc-widget.fc-widget.fc-widget .fc-headline { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.2rem 1rem; margin-bottom: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-key { display: flex; align-items: center; gap: 0.4rem; color: var(--fc-soft); font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-key .fc-ramp { width: 5rem; } .fc-widget.fc-widget.fc-widget .fc-grid { display: grid; grid-template-columns: auto 1fr; gap: 0.2rem 0.5rem; color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-depth { display: flex; flex-direction: column; justify-content: space-between; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-depth span:nth-child(2) { writing-mode: vertical-rl; transform: rotate(180deg); } .fc-widget.fc-widget.fc-widget .fc-steps { grid-column: 2; display: flex; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-strip { position: relative; display: block; width: 100%; padding: 0; border: 0; border-radius: 6px; background: var(--fc-track); cursor: pointer; touch-action: manipulation; user-select: none; } .fc-widget.fc-widget.fc-widget .fc-strip canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-here { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 2px #d55e00; border-radius: 3px; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-foot { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 0.3rem 1rem; margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-foot p { color: var(--fc-soft); font-size: 0.78rem; flex: 1 1 20rem; } .fc-widget.fc-widget.fc-widget .fc-axes { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-tilerow { margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-tilerow .fc-title { margin-bottom: 0.3rem; } .fc-widget.fc-widget.fc-widget .fc-tiles { display: grid; grid-template-columns: repeat(var(--fc-few), minmax(0, 1fr)); gap: 0.6rem; max-width: calc(var(--fc-tiles) * 16rem); } .fc-widget.fc-widget.fc-widget .fc-tiles canvas { width: 100%; height: auto; display: block; border-radius: 8px; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-tiles figcaption { overflow-wrap: anywhere; line-height: 1.25; font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-skyline { display: grid; grid-template-columns: auto 1fr auto; gap: 4px 0.5rem; align-items: center; margin-top: 1rem; color: var(--fc-soft); font-size: 0.75rem; line-height: 1; } .fc-widget.fc-widget.fc-widget .fc-skyline svg { display: block; width: 100%; height: 1.65rem; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-others { fill: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-edited { fill: var(--fc-mark); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-ratio { min-width: 2.9rem; text-align: right; } .fc-widget.fc-widget.fc-widget .fc-cell-caption { margin-top: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-onward { margin-top: 0.8rem; } .fc-widget.fc-widget.fc-widget .fc-onward a { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-lines { margin-top: 0.8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-lines dd { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-interval { font-weight: 400; font-size: 0.78rem; color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-line { flex: 1 1 5rem; min-width: 5rem; max-width: 9rem; height: 2rem; overflow: visible; margin-left: auto; } .fc-widget.fc-widget.fc-widget .fc-line polyline { fill: none; stroke: var(--fc-bar); stroke-width: 1.6; } .fc-widget.fc-widget.fc-widget .fc-line circle { fill: var(--fc-top); } @container (min-width: 34rem) { .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-controls .fc-dials { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; } .fc-widget.fc-widget.fc-widget .fc-tiles { grid-template-columns: repeat(min(var(--fc-tiles), 6), minmax(0, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-facts:not(.fc-lines) { grid-template-columns: repeat(4, 1fr); } } @container (min-width: 38rem) { .fc-widget.fc-widget.fc-widget .fc-body { grid-template-columns: minmax(11.5rem, 4fr) minmax(0, 9fr); gap: 1.4rem; } } @container (max-width: 37.99rem) { .fc-widget.fc-widget.fc-widget .fc-channel { order: -1; } .fc-widget.fc-widget.fc-widget .fc-rows { columns: 2; column-gap: 1rem; } } @container (max-width: 29.99rem) { .fc-widget.fc-widget.fc-widget .fc-rows { column-gap: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { grid-template-columns: 2rem 1fr 2.9rem; gap: 0.35rem; padding: 0 0.2rem; font-size: 0.8125rem; } } @media (pointer: coarse) { .fc-widget.fc-widget.fc-widget .fc-row { height: 1.9rem; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-slider input { height: 2.4rem; } } @media (forced-colors: active) { .fc-widget.fc-widget.fc-widget .fc-fill { forced-color-adjust: none; } } .fc-widget.fc-widget.fc-widget.fc-explorer { padding: 1.25rem 1.35rem 1.35rem; } .fc-widget.fc-widget.fc-widget .fc-topbar { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-start; gap: 0.6rem 1.5rem; } .fc-widget.fc-widget.fc-widget .fc-topbar > div:first-child { flex: 1 1 16rem; } .fc-widget.fc-widget.fc-widget .fc-topbar .fc-head { margin: 0; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-origin { color: var(--fc-soft); font-size: 0.8125rem; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget .fc-actions { display: flex; flex-wrap: wrap; gap: 0.4rem; position: relative; } .fc-widget.fc-widget.fc-widget .fc-strong { border-color: var(--fc-accent); color: var(--fc-accent); font-weight: 600; } .fc-widget.fc-widget.fc-widget .fc-strong:hover { background: var(--fc-accent); color: var(--fc-on); } .fc-widget.fc-widget.fc-widget .fc-button:disabled { opacity: 0.55; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-actions .fc-bubble:not(:empty) { left: auto; right: 0; } .fc-widget.fc-widget.fc-widget .fc-unlabelled legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .fc-widget.fc-widget.fc-widget .fc-unlabelled .fc-options { margin: 0; } .fc-widget.fc-widget.fc-widget .fc-unlabelled .fc-option { padding: 0.28rem 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-modes { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: end; margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-modes .fc-select { flex: 0 1 15rem; } .fc-widget.fc-widget.fc-widget .fc-modes .fc-both { color: var(--fc-soft); padding-bottom: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-topbar + .fc-scope, .fc-widget.fc-widget.fc-widget .fc-modes + .fc-scope { margin-top: 0.8rem; } .fc-widget.fc-widget.fc-widget .fc-scope { display: grid; gap: 0.85rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-scroller, .fc-widget.fc-widget.fc-widget .fc-prompts { min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-prompts .fc-select { max-width: 40rem; } .fc-widget.fc-widget.fc-widget .fc-scroller .fc-options { display: flex; gap: 0.5rem; overflow-x: auto; scrollbar-width: thin; padding: 4px; margin: 0.2rem -4px 0; } .fc-widget.fc-widget.fc-widget .fc-scroller label { position: relative; flex: 1 0 10.5rem; max-width: 16rem; } .fc-widget.fc-widget.fc-widget .fc-scroller .fc-option { padding: 0.3rem 0.5rem 0.3rem 0.3rem; min-height: 3.1rem; } .fc-widget.fc-widget.fc-widget .fc-scroller canvas { width: 2.5rem; height: 2.5rem; } .fc-widget.fc-widget.fc-widget .fc-scroller .fc-prompt { -webkit-line-clamp: 2; font-size: 0.78rem; } .fc-widget.fc-widget.fc-widget .fc-twodials { display: grid; gap: 0.4rem 1.6rem; } .fc-widget.fc-widget.fc-widget .fc-fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.6rem, 1fr)); gap: 0.7rem 0.9rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-fields .fc-slider input { height: 2rem; } .fc-widget.fc-widget.fc-widget .fc-field { display: grid; gap: 0.3rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-stepper { display: flex; gap: 0.25rem; } .fc-widget.fc-widget.fc-widget .fc-stepper input { flex: 1 1 2.4rem; width: 2.4rem; min-width: 0; padding: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-stepper .fc-icon { flex: none; } .fc-widget.fc-widget.fc-widget .fc-panes { display: grid; gap: 1.6rem; margin-top: 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-pane { container-type: inline-size; min-width: 0; display: flex; flex-direction: column; gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-panename { font-weight: 650; font-size: 1rem; padding-bottom: 0.3rem; border-bottom: 2px solid var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-hero .fc-headline { margin-bottom: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-hero .fc-key { font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-heat { position: relative; display: block; width: 100%; padding: 0; border: 0; border-radius: 4px; background: var(--fc-track); cursor: crosshair; touch-action: pan-y; user-select: none; overflow: hidden; } .fc-widget.fc-widget.fc-widget .fc-heat canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .fc-widget.fc-widget.fc-widget .fc-rowmark { position: absolute; left: 0; right: 0; pointer-events: none; box-shadow: inset 0 0 0 2px #ff8a3d; } .fc-widget.fc-widget.fc-widget .fc-columnmark { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; pointer-events: none; background: #ff8a3d; box-shadow: 0 0 0 1px rgb(0 0 0 / 45%); } .fc-widget.fc-widget.fc-widget .fc-ghost { position: absolute; width: 14px; height: 14px; margin: -7px 0 0 -7px; border: 2px solid #fff; border-radius: 50%; box-shadow: 0 0 0 1.5px #000, inset 0 0 0 1px #000; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-under { grid-column: 2; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-rug { position: relative; display: block; height: 9px; } .fc-widget.fc-widget.fc-widget .fc-rug i { position: absolute; top: 1px; width: 3px; height: 8px; margin-left: -1.5px; border-radius: 1px; background: var(--fc-top); } .fc-widget.fc-widget.fc-widget .fc-rug i.fc-is-chosen { background: var(--fc-mark); } .fc-widget.fc-widget.fc-widget .fc-hero .fc-pointed { margin-top: 0.35rem; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-hero .fc-hovering { color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick { padding-bottom: 0.9rem; border-bottom: 1px solid var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick .fc-button[aria-pressed] { min-width: 3.4rem; } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick .fc-button[aria-pressed=\"true\"] { background: var(--fc-chosen); border-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-cols { display: grid; gap: 1.3rem 1.5rem; grid-template-columns: minmax(0, 1fr); } .fc-widget.fc-widget.fc-widget .fc-looks { display: grid; grid-template-columns: 1fr 1fr; gap: 0.4rem 0.9rem; align-content: start; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-looks figcaption { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-sets { grid-column: 1 / -1; margin-top: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-sets > .fc-title { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } .fc-widget.fc-widget.fc-widget .fc-setrow { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0.9rem; margin-top: 0.35rem; align-items: start; } .fc-widget.fc-widget.fc-widget .fc-small { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.4rem; align-content: start; min-height: 7.4rem; max-height: 12.5rem; overflow-y: auto; padding: 3px; margin: -3px; scrollbar-width: thin; } .fc-widget.fc-widget.fc-widget .fc-tile { display: block; padding: 0; border: 0; background: none; color: var(--fc-soft); font-size: 0.72rem; line-height: 1.3; cursor: pointer; text-align: center; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-tile canvas { display: block; width: 100%; border-radius: 5px; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-tile:hover { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-tile.fc-is-chosen { color: var(--fc-text); font-weight: 650; } .fc-widget.fc-widget.fc-widget .fc-tile.fc-is-chosen canvas { box-shadow: 0 0 0 2px var(--fc-bg), 0 0 0 4px var(--fc-mark); } .fc-widget.fc-widget.fc-widget .fc-mask .fc-caption { margin: 0.25rem 0 0; font-size: 0.72rem; line-height: 1.25; } .fc-widget.fc-widget.fc-widget .fc-mask.fc-none canvas { visibility: hidden; } .fc-widget.fc-widget.fc-widget .fc-side { display: grid; gap: 1rem; align-content: start; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts { grid-template-columns: 1fr 1fr; } .fc-widget.fc-widget.fc-widget .fc-chart { min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-chart svg { display: block; width: 100%; overflow: visible; } .fc-widget.fc-widget.fc-widget .fc-spread { height: 6.2rem; margin-top: 0.4rem; border-bottom: 1px solid var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-bars { fill: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-bars.fc-marked { fill: var(--fc-top); } .fc-widget.fc-widget.fc-widget .fc-chosenline { stroke: var(--fc-mark); stroke-width: 2; vector-effect: non-scaling-stroke; } .fc-widget.fc-widget.fc-widget .fc-chart .fc-ends { color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-side .fc-caption { margin: 0.3rem 0 0; font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-follow { display: grid; gap: 1rem 1.6rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-followed-lines { min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-lineholder { border: 1px solid var(--fc-line); border-radius: 6px; cursor: pointer; padding: 6px 0; margin-top: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-heights { display: flex; flex-direction: column; justify-content: space-between; align-items: flex-end; width: 3.2rem; contain: size; padding-top: 0.35rem; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-lines-chart { height: 7rem; } .fc-widget.fc-widget.fc-widget .fc-lines-chart polyline { fill: none; vector-effect: non-scaling-stroke; stroke-width: 2; stroke-linejoin: round; } .fc-widget.fc-widget.fc-widget .fc-lines-chart .fc-is-chosen { stroke-width: 3.5; } .fc-widget.fc-widget.fc-widget .fc-lines-chart .fc-meanline { stroke: var(--fc-soft); stroke-dasharray: 2 4; stroke-width: 1.6; } .fc-widget.fc-widget.fc-widget .fc-hereline { stroke: var(--fc-line); stroke-width: 8; vector-effect: non-scaling-stroke; } .fc-widget.fc-widget.fc-widget [data-pin] { --fc-pin: var(--fc-mark); stroke: var(--fc-pin); } .fc-widget.fc-widget.fc-widget [data-pin=\"0\"] { --fc-pin: light-dark(#0072b2, #4fb0e8); } .fc-widget.fc-widget.fc-widget [data-pin=\"1\"] { --fc-pin: light-dark(#009e73, #2fc79a); stroke-dasharray: 9 4; } .fc-widget.fc-widget.fc-widget [data-pin=\"2\"] { --fc-pin: light-dark(#b5651d, #e0a060); stroke-dasharray: 3 3; } .fc-widget.fc-widget.fc-widget [data-pin=\"3\"] { --fc-pin: light-dark(#56a3d9, #8fcbf2); stroke-dasharray: 12 3 3 3; } .fc-widget.fc-widget.fc-widget [data-pin=\"4\"] { --fc-pin: light-dark(#b0609a, #d890c4); stroke-dasharray: 6 6; } .fc-widget.fc-widget.fc-widget [data-pin=\"5\"] { --fc-pin: light-dark(#8a8a00, #cfc93a); stroke-dasharray: 1 4; } .fc-widget.fc-widget.fc-widget [data-pin=\"mean\"] { --fc-pin: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-line-swatch { display: inline-block; width: 1.1rem; height: 3px; border-radius: 2px; background: var(--fc-pin); vertical-align: middle; margin-right: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-pins { display: flex; flex-wrap: wrap; gap: 0.3rem 0.5rem; margin: 0.5rem 0 0; padding: 0; list-style: none; min-height: 1.8rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-pins li { display: flex; align-items: stretch; margin: 0; border: 1px solid var(--fc-line); border-radius: 999px; font-size: 0.78rem; overflow: hidden; } .fc-widget.fc-widget.fc-widget .fc-pins li.fc-plain { border-color: transparent; color: var(--fc-soft); align-items: center; } .fc-widget.fc-widget.fc-widget .fc-pins li.fc-is-chosen { border-color: var(--fc-mark); font-weight: 650; } .fc-widget.fc-widget.fc-widget .fc-pins button { border: 0; background: none; cursor: pointer; padding: 0.15rem 0.5rem; line-height: 1.4; } .fc-widget.fc-widget.fc-widget .fc-pins button:disabled { cursor: default; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-pins .fc-away { padding: 0.15rem 0.5rem 0.15rem 0.1rem; color: var(--fc-soft); font-size: 1rem; line-height: 1; } .fc-widget.fc-widget.fc-widget .fc-pins button:not(:disabled):hover { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget :is(.fc-pane .fc-row, .fc-heat, .fc-pane .fc-strip, .fc-rug, .fc-side .fc-facts > div, .fc-pane figcaption, .fc-scope .fc-out, .fc-pane .fc-pointed, .fc-pane p.fc-title, .fc-pane p.fc-caption, .fc-pane .fc-ends, .fc-tile span, .fc-pane .fc-key) { contain: strict; } .fc-widget.fc-widget.fc-widget .fc-scope .fc-out { justify-self: stretch; align-self: end; text-align: right; height: 1.2rem; line-height: 1.2rem; } .fc-widget.fc-widget.fc-widget .fc-pane p.fc-title { height: 1.25rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-ends { height: 1.1rem; } .fc-widget.fc-widget.fc-widget .fc-pane figcaption { height: 1.3rem; } .fc-widget.fc-widget.fc-widget .fc-hero .fc-pointed { height: 1.3rem; min-height: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-looks > .fc-pointed { height: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts > div { height: 4.2rem; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-mask .fc-caption { height: 2.6em; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-side .fc-caption { height: 4.3em; } .fc-widget.fc-widget.fc-widget .fc-tile span { display: block; height: 1rem; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline { flex-wrap: nowrap; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline .fc-title { flex: 1 1 0; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline .fc-key { flex: none; width: 10.5rem; height: 1.25rem; justify-content: flex-end; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-precision { color: var(--fc-soft); font-size: 0.78rem; margin-top: 1rem; } .fc-widget.fc-widget.fc-widget .fc-more { display: grid; gap: 0.9rem; margin-top: 1rem; } .fc-widget.fc-widget.fc-widget .fc-drop, .fc-widget.fc-widget.fc-widget .fc-ask { display: grid; gap: 0.5rem; align-content: start; padding: 0.9rem 1rem; border: 1px solid var(--fc-line); border-radius: 10px; background: var(--fc-panel); font-size: 0.84rem; } .fc-widget.fc-widget.fc-widget .fc-drop { border: 2px dashed var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-drop.fc-over-drop { border-color: var(--fc-accent); background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget .fc-drop code { background: none; border: 0; padding: 0; color: inherit; font-size: 0.95em; } .fc-widget.fc-widget.fc-widget .fc-droprow { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-droprow label.fc-button { display: inline-flex; align-items: center; color: var(--fc-text); font-size: 0.875rem; } .fc-widget.fc-widget.fc-widget .fc-droprow label.fc-button:hover { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-droprow input:focus-visible + label { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-droprow a { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-droprow progress { flex: 1 1 8rem; accent-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-wide { width: 100%; min-height: 2rem; padding: 0.2rem 0.6rem; border: 1px solid var(--fc-line); border-radius: 8px; background: var(--fc-bg); } .fc-widget.fc-widget.fc-widget .fc-wide:focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-status { min-height: 1.4em; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget .fc-status.fc-bad { color: var(--fc-text); font-weight: 600; border-left: 4px solid var(--fc-mark); padding-left: 0.6rem; } .fc-widget.fc-widget.fc-widget .fc-status.fc-bad:empty { display: none; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-overview .fc-key { width: 6.5rem; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-overview .fc-key .fc-ramp { width: 2.5rem; } @container (min-width: 34rem) { .fc-widget.fc-widget.fc-widget .fc-twodials { grid-template-columns: 1fr 1fr; } .fc-widget.fc-widget.fc-widget .fc-cols { grid-template-columns: 11.5rem minmax(0, 1fr); } .fc-widget.fc-widget.fc-widget .fc-cols > .fc-side, .fc-widget.fc-widget.fc-widget .fc-cols > .fc-follow { grid-column: 1 / -1; } .fc-widget.fc-widget.fc-widget .fc-cols > .fc-side { grid-template-columns: 1fr 1fr; } .fc-widget.fc-widget.fc-widget .fc-follow { grid-template-columns: 1fr 1fr; } .fc-widget.fc-widget.fc-widget .fc-more { grid-template-columns: 1fr 1fr; } .fc-widget.fc-widget.fc-widget .fc-fields > :first-child { grid-column: span 2; } .fc-widget.fc-widget.fc-widget .fc-cols .fc-rows { columns: 1; } } @container (min-width: 52rem) { .fc-widget.fc-widget.fc-widget .fc-cols { grid-template-columns: 11.5rem minmax(0, 1fr) 14rem; } .fc-widget.fc-widget.fc-widget .fc-cols > .fc-side { grid-column: auto; grid-template-columns: 1fr; } } @container (min-width: 46rem) { .fc-widget.fc-widget.fc-widget.fc-two .fc-panes { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } } @container (max-width: 33.99rem) { .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick { gap: 0.3rem; } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick .fc-find { gap: 0.25rem; } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick .fc-find label { margin: 0; } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick input { width: 3.2rem; padding: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-pane > .fc-pick .fc-button:not(.fc-icon) { padding: 0.2rem 0.4rem; font-size: 0.78rem; } .fc-widget.fc-widget.fc-widget .fc-looks { order: -1; } .fc-widget.fc-widget.fc-widget .fc-cols .fc-rows { columns: 2; column-gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-cols .fc-rows li:nth-child(n + 13) { display: none; } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts { grid-template-columns: repeat(4, 1fr); } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts > div { padding: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts dd { font-size: 0.92rem; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-fields { grid-template-columns: repeat(2, minmax(0, 1fr)); } } @container (max-width: 26rem) { .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline { flex-wrap: wrap; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline .fc-title { flex: 1 0 100%; } .fc-widget.fc-widget.fc-widget .fc-pane .fc-headline .fc-key { width: 100%; justify-content: flex-start; } .fc-widget.fc-widget.fc-widget .fc-side .fc-facts { grid-template-columns: 1fr 1fr; } } @media (max-width: 30rem) { .fc-widget.fc-widget.fc-widget.fc-explorer { padding: 0.8rem; } } @media (pointer: coarse) { .fc-widget.fc-widget.fc-widget .fc-pins button { padding-top: 0.45rem; padding-bottom: 0.45rem; } .fc-widget.fc-widget.fc-widget .fc-tile { min-height: 2.6rem; } }";

const RUN_WORKER = "// js/lru.js\nfunction createCache(budget) {\n  const entries = new Map();\n  let weight = 0;\n  return {\n    get(key, size, make) {\n      const found = entries.get(key);\n      if (found) {\n        entries.delete(key);\n        entries.set(key, found);\n        return found.value;\n      }\n      const entry = { size, value: make() };\n      entries.set(key, entry);\n      weight += size;\n      for (const [old, { size: freed }] of entries) {\n        if (weight <= budget || old === key) break;\n        entries.delete(old);\n        weight -= freed;\n      }\n      entry.value.catch(() => {\n        if (entries.get(key) !== entry) return;\n        entries.delete(key);\n        weight -= size;\n      });\n      return entry.value;\n    },\n    has: (key) => entries.has(key),\n    clear() {\n      entries.clear();\n      weight = 0;\n    },\n  };\n}\n\n// js/strings.js\nconst STRINGS = {\n  en: {\n    \"block.number\": \"block {block}\",\n    \"channel\": \"Channel\",\n    \"channel.number\": \"channel {channel}\",\n    \"maps.few\": \"{set} ({count} of {all} have maps here)\",\n    \"over.none\": \"nothing\",\n    \"prompt\": \"Prompt\",\n    \"reader.array.bytes\": \"The array {name} has {bytes} bytes, which {type} of the shape {shape} does not take: the file is damaged.\",\n    \"reader.array.cut\": \"The array {name} ends at byte {end} of a file of {size}: the file was cut short. Copy or download it again.\",\n    \"reader.array.entry\": \"The header's entry {name} does not have the dtype, shape and data_offsets of an array: the file is damaged.\",\n    \"reader.array.gap\": \"The array {name} leaves a gap before it (it starts at byte {begin}, expected {wanted}): the file is damaged. Copy or compute it again.\",\n    \"reader.array.group\": \"The array {name} is in none of the groups {groups}: the file was not written by fewchannels.\",\n    \"reader.array.impossible\": \"The array {name} has the shape {shape} and the place {place}, which cannot be: the file is damaged.\",\n    \"reader.array.overlaps\": \"The array {name} overlaps the array before it (it starts at byte {begin}, expected {wanted}): the file is damaged. Copy or compute it again.\",\n    \"reader.array.type\": \"The array {name} is of the type {type}; expected {wanted}.\",\n    \"reader.arrays.many\": \"The file lists {count} arrays; at most {most} are read.\",\n    \"reader.channels\": \"The channels {name} do not fit the statistics; expected {layers} lists, one a block, of numbers from 0 to {last}.\",\n    \"reader.empty\": \"The file is empty. {expected}\",\n    \"reader.expected\": \"Expected a run file, as `fewchannels run --out FILE.safetensors` writes it.\",\n    \"reader.failed\": \"The file could not be read ({why}): it is damaged, or too large for this device.\",\n    \"reader.foreign\": \"This is a safetensors file of another program (weights of a model, perhaps): it holds no record of a run. {expected}\",\n    \"reader.gone\": \"The file cannot be read any more: it is a folder, or was moved, changed or deleted since it was chosen. Choose a file again.\",\n    \"reader.header.cut\": \"The file ends inside its header ({size} of at least {least} bytes): it was cut short. Copy or download it again.\",\n    \"reader.header.long\": \"The file says that its header has {length} bytes; at most {most} are read. {expected}\",\n    \"reader.index.channels\": \"The index's \\\"channels\\\" is no object of channel sets.\",\n    \"reader.index.count\": \"The index names {given} {axis}, but the statistics have {count}: the file contradicts itself. Compute it again.\",\n    \"reader.index.grid\": \"The index's grid is {grid}; expected the rows and columns of the token grid, two numbers.\",\n    \"reader.index.nolist\": \"The index's \\\"{axis}\\\" is not the list that it should be: the file is damaged or was not written by fewchannels.\",\n    \"reader.isother\": \"The file is {what}, no run file. {expected}\",\n    \"reader.long\": \"The file is longer than its header says ({size} bytes, expected {wanted}): it is damaged. Copy or compute it again.\",\n    \"reader.map.finite\": \"This map holds values that are nan or inf: the numbers overflowed where the run was made. Keep the maps as float32.\",\n    \"reader.maps.shape\": \"The maps {name} have the shape {shape}; the index says {wanted} of {grid} tokens and its channels. Compute the file again.\",\n    \"reader.maps.unnamed\": \"The maps {name} are of channels, prompts or steps that the index does not name: the file contradicts itself. Compute it again.\",\n    \"reader.nojson\": \"The file's {what} is not the JSON text that a run file has there: it is damaged or no run file. {expected}\",\n    \"reader.noobject\": \"The file's {what} is no JSON object. {expected}\",\n    \"reader.nosafetensors\": \"The file is no safetensors file: it does not start with the length of a header and the header. {expected}\",\n    \"reader.noscore\": \"The run has no score {score}; it has {scores}.\",\n    \"reader.nostats\": \"The run has no statistics of channels (stats/mean, stats/mean_abs); it holds {held}. The explorer shows what `fewchannels run` writes.\",\n    \"reader.other.gzip\": \"a gzip archive: unpack it first\",\n    \"reader.other.hdf5\": \"an HDF5 file\",\n    \"reader.other.lfs\": \"a Git LFS pointer, not the file that it stands for: run `git lfs pull`\",\n    \"reader.other.numpy\": \"a NumPy file\",\n    \"reader.other.pdf\": \"a PDF document\",\n    \"reader.other.png\": \"a picture\",\n    \"reader.other.riff\": \"a picture or a sound\",\n    \"reader.other.zip\": \"a zip archive (PyTorch and NumPy save such files as well)\",\n    \"reader.picture.large\": \"The picture of prompt {prompt} has {bytes} bytes, more than this page reads.\",\n    \"reader.picture.shape\": \"The picture {name} has the shape {shape}; expected one axis of bytes.\",\n    \"reader.picture.webp\": \"The picture of prompt {prompt} is no WebP file of {width} x {height} px, as the record says. Copy or compute the file again.\",\n    \"reader.pictures.entry\": \"The pictures {name} are listed as {entry}; expected count, height and width, sides up to {most} px.\",\n    \"reader.pictures.missing\": \"The record lists {count} pictures {name}, but number {missing} is missing in the file. Copy or compute it again.\",\n    \"reader.prompts.many\": \"The run has {count} prompts; this page shows at most {most}.\",\n    \"reader.range\": \"{what} {value}: expected 0 to {last}.\",\n    \"reader.record.deep\": \"The record of the run is nested more than {most} levels deep, which no run is.\",\n    \"reader.record.format\": \"The record names the format {format}; expected \\\"fewchannels.run\\\". {expected}\",\n    \"reader.record.lacks\": \"The record's \\\"{key}\\\" is missing or no object: the file is damaged or was not written by fewchannels.\",\n    \"reader.record.long\": \"The record of the run has {length} letters; at most {most} are read.\",\n    \"reader.record.notext\": \"The record of the run is no text. {expected}\",\n    \"reader.record.noversion\": \"The record's version is {version}, which is no version number.\",\n    \"reader.record.prompts\": \"The record's \\\"prompts\\\" are no list of texts: the file is damaged or was not written by fewchannels.\",\n    \"reader.record.provenance\": \"The record does not say how the run was made: its provenance lacks {missing}.\",\n    \"reader.record.version\": \"The file has version {version} of the run format; this page reads version {own}. Open it in a newer edition of the book, or write it anew with the fewchannels of this one.\",\n    \"reader.sample\": \"sample {number}\",\n    \"reader.samples\": \"The statistics have {samples} samples but the record names {prompts} prompts; expected one each, or one sample of all.\",\n    \"reader.short\": \"The file has {size} bytes, too few for a run file: it was cut short. Copy or download it again.\",\n    \"reader.shrank\": \"The file became shorter while it was read. Choose it again.\",\n    \"reader.stats.finite\": \"stats/{name} holds {value} ({where}), and statistics of a run are finite: the file is damaged. Copy or compute it again.\",\n    \"reader.stats.shape\": \"stats/{name} has the shape {shape}; expected samples x blocks x steps x channels, the same for all statistics ({wanted}).\",\n    \"reader.stats.type\": \"stats/{name} is of the type {type}; a run file has F32 there.\",\n    \"reader.toolarge\": \"The run has {layers} blocks x {steps} steps x {width} channels, more than this page can show (at most {mostLayers} x {mostSteps} x {mostChannels}).\",\n    \"reader.unnamed\": \"your run\",\n    \"reader.where\": \"prompt {prompt}, {block}, step {step}, channel {channel}\",\n    \"seed\": \"Seed\",\n    \"step\": \"step\",\n    \"steps\": \"Steps\",\n    \"steps.one\": \"step {step}\",\n  },\n  de: {\n    \"block.number\": \"Block {block}\",\n    \"channel\": \"Kanal\",\n    \"channel.number\": \"Kanal {channel}\",\n    \"maps.few\": \"{set} ({count} von {all} haben hier Karten)\",\n    \"over.none\": \"nichts\",\n    \"prompt\": \"Prompt\",\n    \"reader.array.bytes\": \"Das Feld {name} hat {bytes} Bytes; so viele braucht {type} der Form {shape} nicht: Die Datei ist beschädigt.\",\n    \"reader.array.cut\": \"Das Feld {name} endet bei Byte {end} einer Datei von {size}: Die Datei wurde abgeschnitten. Noch einmal kopieren oder herunterladen.\",\n    \"reader.array.entry\": \"Der Eintrag {name} im Kopf hat nicht dtype, shape und data_offsets eines Feldes: Die Datei ist beschädigt.\",\n    \"reader.array.gap\": \"Vor dem Feld {name} ist eine Lücke (es beginnt bei Byte {begin}, erwartet {wanted}): Die Datei ist beschädigt. Noch einmal kopieren oder berechnen.\",\n    \"reader.array.group\": \"Das Feld {name} gehört zu keiner der Gruppen {groups}: Die Datei wurde nicht von fewchannels geschrieben.\",\n    \"reader.array.impossible\": \"Das Feld {name} hat die Form {shape} und den Platz {place}; das kann nicht sein: Die Datei ist beschädigt.\",\n    \"reader.array.overlaps\": \"Das Feld {name} überlappt das Feld davor (es beginnt bei Byte {begin}, erwartet {wanted}): Die Datei ist beschädigt. Noch einmal kopieren oder berechnen.\",\n    \"reader.array.type\": \"Das Feld {name} ist vom Typ {type}; erwartet ist {wanted}.\",\n    \"reader.arrays.many\": \"Die Datei führt {count} Felder auf; höchstens {most} werden gelesen.\",\n    \"reader.channels\": \"Die Kanäle {name} passen nicht zu den Statistiken; erwartet sind {layers} Listen, eine je Block, mit Zahlen von 0 bis {last}.\",\n    \"reader.empty\": \"Die Datei ist leer. {expected}\",\n    \"reader.expected\": \"Erwartet ist eine Laufdatei, wie `fewchannels run --out DATEI.safetensors` sie schreibt.\",\n    \"reader.failed\": \"Die Datei ließ sich nicht lesen ({why}): Sie ist beschädigt oder zu groß für dieses Gerät.\",\n    \"reader.foreign\": \"Dies ist eine safetensors-Datei eines anderen Programms (vielleicht Gewichte eines Modells): Sie enthält keinen Bericht eines Laufs. {expected}\",\n    \"reader.gone\": \"Die Datei ist nicht mehr lesbar: Sie ist ein Ordner oder wurde seit der Auswahl verschoben, geändert oder gelöscht. Noch einmal eine Datei wählen.\",\n    \"reader.header.cut\": \"Die Datei endet in ihrem Kopf ({size} von mindestens {least} Bytes): Sie wurde abgeschnitten. Noch einmal kopieren oder herunterladen.\",\n    \"reader.header.long\": \"Die Datei gibt an, ihr Kopf habe {length} Bytes; höchstens {most} werden gelesen. {expected}\",\n    \"reader.index.channels\": \"„channels“ im Index ist kein Objekt von Kanalmengen.\",\n    \"reader.index.count\": \"Der Index nennt {given} {axis}, die Statistiken haben {count}: Die Datei widerspricht sich. Noch einmal berechnen.\",\n    \"reader.index.grid\": \"Das Raster im Index ist {grid}; erwartet sind Zeilen und Spalten des Tokenrasters, zwei Zahlen.\",\n    \"reader.index.nolist\": \"„{axis}“ im Index ist nicht die Liste, die dort stehen sollte: Die Datei ist beschädigt oder nicht von fewchannels geschrieben.\",\n    \"reader.isother\": \"Die Datei ist {what}, keine Laufdatei. {expected}\",\n    \"reader.long\": \"Die Datei ist länger, als ihr Kopf angibt ({size} Bytes, erwartet {wanted}): Sie ist beschädigt. Noch einmal kopieren oder berechnen.\",\n    \"reader.map.finite\": \"Diese Karte enthält Werte, die nan oder inf sind: Die Zahlen liefen über, wo der Lauf entstand. Die Karten als float32 speichern.\",\n    \"reader.maps.shape\": \"Die Karten {name} haben die Form {shape}; der Index sagt {wanted} von {grid} Tokens und seinen Kanälen. Die Datei noch einmal berechnen.\",\n    \"reader.maps.unnamed\": \"Die Karten {name} gehören zu Kanälen, Prompts oder Schritten, die der Index nicht nennt: Die Datei widerspricht sich. Noch einmal berechnen.\",\n    \"reader.nojson\": \"Der Teil „{what}“ der Datei ist nicht der JSON-Text, den eine Laufdatei dort hat: Sie ist beschädigt oder keine Laufdatei. {expected}\",\n    \"reader.noobject\": \"Der Teil „{what}“ der Datei ist kein JSON-Objekt. {expected}\",\n    \"reader.nosafetensors\": \"Die Datei ist keine safetensors-Datei: Sie beginnt nicht mit der Länge eines Kopfes und dem Kopf. {expected}\",\n    \"reader.noscore\": \"Der Lauf hat kein Maß {score}; er hat {scores}.\",\n    \"reader.nostats\": \"Der Lauf hat keine Statistiken von Kanälen (stats/mean, stats/mean_abs); er enthält {held}. Der Explorer zeigt, was `fewchannels run` schreibt.\",\n    \"reader.other.gzip\": \"ein Gzip-Archiv: erst auspacken\",\n    \"reader.other.hdf5\": \"eine HDF5-Datei\",\n    \"reader.other.lfs\": \"ein Git-LFS-Verweis und nicht die Datei, für die er steht: `git lfs pull` ausführen\",\n    \"reader.other.numpy\": \"eine NumPy-Datei\",\n    \"reader.other.pdf\": \"ein PDF-Dokument\",\n    \"reader.other.png\": \"ein Bild\",\n    \"reader.other.riff\": \"ein Bild oder ein Klang\",\n    \"reader.other.zip\": \"ein Zip-Archiv (auch PyTorch und NumPy speichern solche Dateien)\",\n    \"reader.picture.large\": \"Das Bild von Prompt {prompt} hat {bytes} Bytes, mehr als diese Seite liest.\",\n    \"reader.picture.shape\": \"Das Bild {name} hat die Form {shape}; erwartet ist eine Achse von Bytes.\",\n    \"reader.picture.webp\": \"Das Bild von Prompt {prompt} ist keine WebP-Datei von {width} x {height} px, wie der Bericht sagt. Die Datei noch einmal kopieren oder berechnen.\",\n    \"reader.pictures.entry\": \"Die Bilder {name} sind als {entry} aufgeführt; erwartet sind Anzahl, Höhe und Breite, Seiten bis {most} px.\",\n    \"reader.pictures.missing\": \"Der Bericht nennt {count} Bilder {name}, aber Nummer {missing} fehlt in der Datei. Noch einmal kopieren oder berechnen.\",\n    \"reader.prompts.many\": \"Der Lauf hat {count} Prompts; diese Seite zeigt höchstens {most}.\",\n    \"reader.range\": \"{what} {value}: erwartet ist 0 bis {last}.\",\n    \"reader.record.deep\": \"Der Bericht des Laufs ist mehr als {most} Ebenen tief verschachtelt; das ist kein Lauf.\",\n    \"reader.record.format\": \"Der Bericht nennt das Format {format}; erwartet ist \\\"fewchannels.run\\\". {expected}\",\n    \"reader.record.lacks\": \"„{key}“ fehlt im Bericht oder ist kein Objekt: Die Datei ist beschädigt oder nicht von fewchannels geschrieben.\",\n    \"reader.record.long\": \"Der Bericht des Laufs hat {length} Zeichen; höchstens {most} werden gelesen.\",\n    \"reader.record.notext\": \"Der Bericht des Laufs ist kein Text. {expected}\",\n    \"reader.record.noversion\": \"Die Version des Berichts ist {version}; das ist keine Versionsnummer.\",\n    \"reader.record.prompts\": \"„prompts“ im Bericht ist keine Liste von Texten: Die Datei ist beschädigt oder nicht von fewchannels geschrieben.\",\n    \"reader.record.provenance\": \"Der Bericht sagt nicht, wie der Lauf entstand: Seiner Herkunft fehlt {missing}.\",\n    \"reader.record.version\": \"Die Datei hat Version {version} des Laufformats; diese Seite liest Version {own}. In einer neueren Ausgabe des Buchs öffnen oder mit dem fewchannels dieser Ausgabe neu schreiben.\",\n    \"reader.sample\": \"Stichprobe {number}\",\n    \"reader.samples\": \"Die Statistiken haben {samples} Stichproben, der Bericht nennt {prompts} Prompts; erwartet ist je eine oder eine für alle.\",\n    \"reader.short\": \"Die Datei hat {size} Bytes, zu wenige für eine Laufdatei: Sie wurde abgeschnitten. Noch einmal kopieren oder herunterladen.\",\n    \"reader.shrank\": \"Die Datei wurde kürzer, während sie gelesen wurde. Noch einmal wählen.\",\n    \"reader.stats.finite\": \"stats/{name} enthält {value} ({where}), und Statistiken eines Laufs sind endlich: Die Datei ist beschädigt. Noch einmal kopieren oder berechnen.\",\n    \"reader.stats.shape\": \"stats/{name} hat die Form {shape}; erwartet ist Stichproben x Blöcke x Schritte x Kanäle, gleich für alle Statistiken ({wanted}).\",\n    \"reader.stats.type\": \"stats/{name} ist vom Typ {type}; eine Laufdatei hat dort F32.\",\n    \"reader.toolarge\": \"Der Lauf hat {layers} Blöcke x {steps} Schritte x {width} Kanäle, mehr als diese Seite zeigen kann (höchstens {mostLayers} x {mostSteps} x {mostChannels}).\",\n    \"reader.unnamed\": \"eigener Lauf\",\n    \"reader.where\": \"Prompt {prompt}, {block}, Schritt {step}, Kanal {channel}\",\n    \"seed\": \"Seed\",\n    \"step\": \"Schritt\",\n    \"steps\": \"Schritte\",\n    \"steps.one\": \"Schritt {step}\",\n  },\n};\n\n// js/phrases.js\nlet spoken = null;\n\nfunction speak(tongue) {\n  spoken = tongue;\n}\n\nfunction language() {\n  const wanted = spoken ?? globalThis.document?.documentElement?.lang ?? \"\";\n  const tongue = wanted.slice(0, 2).toLowerCase();\n  return Object.hasOwn(STRINGS, tongue) ? tongue : \"en\";\n}\n\nconst known = (key) => Object.hasOwn(STRINGS.en, key);\n\nfunction phraseIn(tongue, key, values = {}) {\n  return STRINGS[tongue][key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);\n}\n\nconst phrase = (key, values) => phraseIn(language(), key, values);\n\nfunction counted(key, n, options = {}, values = {}) {\n  const form = new Intl.PluralRules(language(), options).select(n);\n  return phrase(known(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n, ...values });\n}\n\nfunction filled(key, things) {\n  const parts = STRINGS[language()][key].split(/\\{(\\w+)\\}/);\n  return parts.map((part, i) => (i % 2 ? things[part] : part)).filter((part) => part !== \"\");\n}\n\n// js/run_error.js\nclass RunFileError extends Error {\n  constructor(message) {\n    super(message);\n    this.name = \"RunFileError\";\n  }\n}\n\nfunction refuse(message) {\n  throw new RunFileError(message);\n}\n\nfunction quoted(value) {\n  const text = typeof value === \"string\" ? value : JSON.stringify(value);\n  const plain = String(text).replace(/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/gu, \"�\");\n  return `\"${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}\"`;\n}\n\n// js/run_header.js\nconst MAX_HEADER = 100_000_000;\nconst MAX_RECORD = 10_000_000;\nconst MAX_TENSORS = 200_000;\nconst MAX_DEPTH = 64;\nconst VERSION = 1;\nconst BYTES = { F64: 8, F32: 4, F16: 2, BOOL: 1, I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1 };\nconst GROUPS = [\"stats\", \"maps\", \"masks\", \"images\"];\nconst PROVENANCE = [\"model\", \"revision\", \"seed\", \"steps\", \"dtype\", \"versions\", \"date\"];\nconst OTHERS = [\n  [\"PK\", \"zip\"],\n  [\"\\u001f\\u008b\", \"gzip\"],\n  [\"\\u0089HDF\", \"hdf5\"],\n  [\"\\u0093NUMPY\", \"numpy\"],\n  [\"\\u0089PNG\", \"png\"],\n  [\"RIFF\", \"riff\"],\n  [\"%PDF\", \"pdf\"],\n  [\"version \", \"lfs\"],\n];\n\nconst isObject = (value) => typeof value === \"object\" && value !== null && !Array.isArray(value);\nconst isCount = (value) => Number.isSafeInteger(value) && value >= 0;\n\nasync function readHeader(read, size) {\n  if (size === 0) refuse(phrase(\"reader.empty\", { expected: phrase(\"reader.expected\") }));\n  const start = await read(0, Math.min(16, size));\n  const other = OTHERS.find(([magic]) => [...magic].every((letter, i) => start[i] === letter.charCodeAt(0)));\n  if (other) refuse(phrase(\"reader.isother\", { what: phrase(`reader.other.${other[1]}`), expected: phrase(\"reader.expected\") }));\n  if (size < 10) refuse(phrase(\"reader.short\", { size }));\n  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);\n  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;\n  if (length < 2 || (start[8] !== 0x7b && length <= MAX_HEADER)) {\n    refuse(phrase(\"reader.nosafetensors\", { expected: phrase(\"reader.expected\") }));\n  }\n  if (length > MAX_HEADER) {\n    refuse(phrase(\"reader.header.long\", { length, most: MAX_HEADER, expected: phrase(\"reader.expected\") }));\n  }\n  if (8 + length > size) {\n    refuse(phrase(\"reader.header.cut\", { size, least: 8 + length }));\n  }\n  const header = parsed(await read(8, 8 + length), \"header\");\n  const metadata = Object.hasOwn(header, \"__metadata__\") ? header.__metadata__ : {};\n  const record = readRecord(metadata);\n  return { record, tensors: readTensors(header, 8 + length, size) };\n}\n\nfunction parsed(bytes, what) {\n  let value;\n  try {\n    value = JSON.parse(typeof bytes === \"string\" ? bytes : new TextDecoder(\"utf-8\", { fatal: true }).decode(bytes));\n  } catch {\n    refuse(phrase(\"reader.nojson\", { what, expected: phrase(\"reader.expected\") }));\n  }\n  if (!isObject(value)) refuse(phrase(\"reader.noobject\", { what, expected: phrase(\"reader.expected\") }));\n  return value;\n}\n\nfunction readRecord(metadata) {\n  if (!isObject(metadata) || !Object.hasOwn(metadata, \"fewchannels\")) {\n    refuse(phrase(\"reader.foreign\", { expected: phrase(\"reader.expected\") }));\n  }\n  const text = metadata.fewchannels;\n  if (typeof text !== \"string\") refuse(phrase(\"reader.record.notext\", { expected: phrase(\"reader.expected\") }));\n  if (text.length > MAX_RECORD) refuse(phrase(\"reader.record.long\", { length: text.length, most: MAX_RECORD }));\n  if (depthOf(text) > MAX_DEPTH) refuse(phrase(\"reader.record.deep\", { most: MAX_DEPTH }));\n  const record = parsed(text, \"record\");\n  if (record.format !== \"fewchannels.run\") {\n    refuse(phrase(\"reader.record.format\", { format: quoted(record.format ?? null), expected: phrase(\"reader.expected\") }));\n  }\n  if (!Number.isSafeInteger(record.version) || record.version < 1) {\n    refuse(phrase(\"reader.record.noversion\", { version: quoted(record.version ?? null) }));\n  }\n  if (record.version > VERSION) {\n    refuse(phrase(\"reader.record.version\", { version: record.version, own: VERSION }));\n  }\n  for (const key of [\"provenance\", \"index\", \"images\"]) {\n    if (!isObject(record[key])) refuse(phrase(\"reader.record.lacks\", { key }));\n  }\n  if (!Array.isArray(record.prompts) || record.prompts.some((prompt) => typeof prompt !== \"string\")) {\n    refuse(phrase(\"reader.record.prompts\"));\n  }\n  const missing = PROVENANCE.filter((key) => !Object.hasOwn(record.provenance, key));\n  if (missing.length) refuse(phrase(\"reader.record.provenance\", { missing: missing.join(\", \") }));\n  return record;\n}\n\nfunction depthOf(text) {\n  let depth = 0;\n  let deepest = 0;\n  let inside = false;\n  for (let i = 0; i < text.length; i++) {\n    const code = text.charCodeAt(i);\n    if (inside) {\n      if (code === 92) i++;\n      else if (code === 34) inside = false;\n    } else if (code === 34) inside = true;\n    else if (code === 123 || code === 91) deepest = Math.max(deepest, ++depth);\n    else if (code === 125 || code === 93) depth--;\n  }\n  return deepest;\n}\n\nfunction readTensors(header, start, size) {\n  const tensors = new Map();\n  const names = Object.keys(header).filter((name) => name !== \"__metadata__\");\n  if (names.length > MAX_TENSORS) refuse(phrase(\"reader.arrays.many\", { count: names.length, most: MAX_TENSORS }));\n  for (const name of names) tensors.set(name, readTensor(name, header[name], start, size));\n  let place = start;\n  for (const [name, { begin, end }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {\n    if (begin !== place) {\n      refuse(phrase(begin < place ? \"reader.array.overlaps\" : \"reader.array.gap\", { name: quoted(name), begin: begin - start, wanted: place - start }));\n    }\n    place = end;\n  }\n  if (place !== size) refuse(phrase(\"reader.long\", { size, wanted: place }));\n  return tensors;\n}\n\nfunction readTensor(name, entry, start, size) {\n  const shown = quoted(name);\n  if (!isObject(entry) || !Array.isArray(entry.shape) || !Array.isArray(entry.data_offsets)) {\n    refuse(phrase(\"reader.array.entry\", { name: shown }));\n  }\n  const { dtype, shape, data_offsets: offsets } = entry;\n  if (offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1] || shape.length > 16 || !shape.every(isCount)) {\n    refuse(phrase(\"reader.array.impossible\", { name: shown, shape: quoted(shape), place: quoted(offsets) }));\n  }\n  if (start + offsets[1] > size) {\n    refuse(phrase(\"reader.array.cut\", { name: shown, end: start + offsets[1], size }));\n  }\n  const group = GROUPS.find((known) => name.startsWith(`${known}/`) && name.length > known.length + 1);\n  if (!group) refuse(phrase(\"reader.array.group\", { name: shown, groups: GROUPS.join(\", \") }));\n  const wanted = { images: [\"U8\"], masks: [\"BOOL\"] }[group] || Object.keys(BYTES);\n  if (typeof dtype !== \"string\" || !wanted.includes(dtype)) {\n    refuse(phrase(\"reader.array.type\", { name: shown, type: quoted(dtype ?? null), wanted: wanted.join(\", \") }));\n  }\n  if (group === \"images\" && shape.length !== 1) refuse(phrase(\"reader.picture.shape\", { name: shown, shape: quoted(shape) }));\n  const bytes = shape.reduce((a, b) => a * b, 1) * BYTES[dtype];\n  if (bytes !== offsets[1] - offsets[0]) {\n    refuse(phrase(\"reader.array.bytes\", { name: shown, bytes: offsets[1] - offsets[0], type: dtype, shape: quoted(shape) }));\n  }\n  return { dtype, shape, begin: start + offsets[0], end: start + offsets[1] };\n}\n\n// js/names.js\nconst ASKED = [\"zero\", \"own_mean\", \"shuffle\"];\nconst SCORES = [\"abs_mean\", \"mean_abs\"];\n\n// js/run_index.js\nconst AXES = [\"sample\", \"layer\", \"step\", \"row\", \"column\", \"channel\"];\nconst STATS = [\"mean\", \"mean_abs\", \"max_abs\", \"var\"];\nconst MOST = { prompts: 100_000, layers: 4096, steps: 10_000, channels: 200_000, cells: 16_000_000, tokens: 4_194_304, side: 8192 };\nconst LETTERS = 2000;\n\nfunction readIndex({ record, tensors }) {\n  const { index, provenance } = record;\n  const stats = readStats(tensors);\n  const [samples, layers, steps, width] = stats.shape;\n  const prompts = (record.prompts.length ? record.prompts : Array.from({ length: samples }, (_, i) => phrase(\"reader.sample\", { number: i }))).map(cut);\n  if (prompts.length > MOST.prompts) refuse(phrase(\"reader.prompts.many\", { count: prompts.length, most: MOST.prompts }));\n  if (samples !== 1 && samples !== prompts.length) {\n    refuse(phrase(\"reader.samples\", { samples, prompts: prompts.length }));\n  }\n  const grid = readGrid(index.grid ?? null);\n  const names = named(index, \"layers\", layers, (value) => typeof value === \"string\") || Array.from({ length: layers }, (_, i) => phrase(\"block.number\", { block: i }));\n  const numbers = named(index, \"steps\", steps, isCount) || Array.from({ length: steps }, (_, i) => i);\n  const channels = readChannels(index.channels ?? {}, layers, width);\n  const text = (value) => (value === null || value === undefined ? null : cut(typeof value === \"string\" ? value : JSON.stringify(value)));\n  const edit = isObject(provenance.edit) ? provenance.edit.label ?? provenance.edit.how : provenance.edit;\n  const top = channels.top ? Math.max(...channels.top.indices.map((row) => row.length)) : Math.min(8, width);\n  return {\n    about: {\n      label: text(index.label) || text(provenance.model) || phrase(\"reader.unnamed\"),\n      model: text(provenance.model),\n      revision: text(provenance.revision),\n      seed: Number.isFinite(provenance.seed) ? provenance.seed : null,\n      edit: text(edit) || \"\",\n      provenance,\n      prompts,\n      layers: names.map(cut),\n      steps: numbers,\n      sigmas: named(index, \"sigmas\", steps, Number.isFinite),\n      grid,\n      width,\n      k: top || 1,\n      score: SCORES.includes(index.score) ? index.score : \"abs_mean\",\n      channels,\n      perPrompt: samples === prompts.length,\n    },\n    stats,\n    maps: readMaps(record, tensors, { prompts, layers, numbers, channels, grid }),\n    images: readImages(record.images, tensors),\n  };\n}\n\nfunction cut(text) {\n  return text.length > LETTERS ? `${text.slice(0, LETTERS)}…` : text;\n}\n\nfunction readStats(tensors) {\n  const found = STATS.filter((name) => tensors.has(`stats/${name}`));\n  if (!found.includes(\"mean\") && !found.includes(\"mean_abs\")) {\n    const held = [...new Set([...tensors.keys()].map((name) => name.split(\"/\").slice(0, 2).join(\"/\")))].slice(0, 6).map(quoted);\n    refuse(phrase(\"reader.nostats\", { held: held.join(\", \") || phrase(\"over.none\") }));\n  }\n  const shape = tensors.get(`stats/${found[0]}`).shape;\n  for (const name of found) {\n    const tensor = tensors.get(`stats/${name}`);\n    if (tensor.dtype !== \"F32\") refuse(phrase(\"reader.stats.type\", { name, type: tensor.dtype }));\n    if (tensor.shape.length !== 4 || tensor.shape.includes(0) || String(tensor.shape) !== String(shape)) {\n      refuse(phrase(\"reader.stats.shape\", { name, shape: quoted(tensor.shape), wanted: quoted(shape) }));\n    }\n  }\n  const [, layers, steps, width] = shape;\n  if (layers > MOST.layers || steps > MOST.steps || width > MOST.channels || layers * width > MOST.cells || layers * steps > MOST.cells) {\n    refuse(phrase(\"reader.toolarge\", { layers, steps, width, mostLayers: MOST.layers, mostSteps: MOST.steps, mostChannels: MOST.channels }));\n  }\n  const scores = { abs_mean: [\"mean\"], mean_abs: [\"mean_abs\"], max_abs: [\"max_abs\"], energy: [\"mean\", \"var\"] };\n  const names = Object.keys(scores).filter((name) => scores[name].every((part) => found.includes(part)));\n  return { shape, scores: names, tensors: Object.fromEntries(found.map((name) => [name, tensors.get(`stats/${name}`)])) };\n}\n\nfunction named(index, axis, count, fits) {\n  const given = index[axis];\n  if (given === undefined || given === null) return null;\n  if (!Array.isArray(given) || !given.every(fits)) refuse(phrase(\"reader.index.nolist\", { axis }));\n  if (given.length !== count) refuse(phrase(\"reader.index.count\", { given: given.length, axis, count }));\n  return given;\n}\n\nfunction readGrid(grid) {\n  if (grid === null) return null;\n  if (!Array.isArray(grid) || grid.length !== 2 || !grid.every((n) => isCount(n) && n > 0) || grid[0] * grid[1] > MOST.tokens) {\n    refuse(phrase(\"reader.index.grid\", { grid: quoted(grid) }));\n  }\n  return grid;\n}\n\nfunction readChannels(given, layers, width) {\n  if (!isObject(given)) refuse(phrase(\"reader.index.channels\"));\n  const sets = Object.create(null);\n  for (const [name, set] of Object.entries(given).slice(0, 100)) {\n    const rows = isObject(set) && Array.isArray(set.indices) ? set.indices : [];\n    const fits = (row) => Array.isArray(row) && row.every((channel) => isCount(channel) && channel < width);\n    if (rows.length !== layers || !rows.every(fits)) {\n      refuse(phrase(\"reader.channels\", { name: quoted(name), layers, last: width - 1 }));\n    }\n    sets[name] = { indices: rows, width, label: cut(typeof set.label === \"string\" && set.label ? set.label : name) };\n  }\n  return sets;\n}\n\nfunction readMaps(record, tensors, { prompts, layers, numbers, channels, grid }) {\n  const entries = isObject(record.index.maps) ? record.index.maps : {};\n  const groups = [];\n  for (const [name, entry] of Object.entries(entries).slice(0, 100)) {\n    const tensor = tensors.get(`maps/${name}`);\n    if (!tensor || !isObject(entry) || String(entry.axes) !== String(AXES)) continue;\n    const set = typeof entry.channels === \"string\" && Object.hasOwn(channels, entry.channels) ? channels[entry.channels] : null;\n    const lists = [entry.samples, entry.steps].every((list) => Array.isArray(list) && list.every(isCount));\n    if (!set || !lists || !entry.samples.every((i) => i < prompts.length) || !entry.steps.every((step) => numbers.includes(step))) {\n      refuse(phrase(\"reader.maps.unnamed\", { name: quoted(name) }));\n    }\n    const [height, width, count] = tensor.shape.slice(3);\n    const wanted = [entry.samples.length, layers, entry.steps.length];\n    const fits = tensor.shape.length === 6 && String(tensor.shape.slice(0, 3)) === String(wanted) && set.indices.every((row) => row.length === count);\n    if (!fits || (grid && (height !== grid[0] || width !== grid[1])) || height * width > MOST.tokens) {\n      refuse(phrase(\"reader.maps.shape\", { name: quoted(name), shape: quoted(tensor.shape), wanted: wanted.join(\" x \"), grid: grid ? grid.join(\" x \") : \"? x ?\" }));\n    }\n    groups.push({ name, tensor, height, width, channels: set.indices, prompts: entry.samples, steps: entry.steps.map((step) => numbers.indexOf(step)) });\n  }\n  return groups;\n}\n\nfunction readImages(listed, tensors) {\n  const conditions = [];\n  for (const [condition, entry] of Object.entries(listed).slice(0, 1000)) {\n    const fits = isObject(entry) && isCount(entry.count) && [entry.height, entry.width].every((side) => isCount(side) && side > 0 && side <= MOST.side);\n    if (!fits) refuse(phrase(\"reader.pictures.entry\", { name: quoted(condition), entry: quoted(entry), most: MOST.side }));\n    const prefix = condition ? `images/${condition}` : \"images\";\n    const pictures = [];\n    for (let i = 0; i < Math.min(entry.count, tensors.size + 1); i++) pictures.push(tensors.get(`${prefix}/${String(i).padStart(5, \"0\")}`));\n    const missing = pictures.indexOf(undefined);\n    if (missing >= 0) refuse(phrase(\"reader.pictures.missing\", { count: entry.count, name: quoted(condition), missing }));\n    conditions.push({ condition, height: entry.height, width: entry.width, pictures });\n  }\n  return conditions;\n}\n\n// js/run_numbers.js\nconst VIEWS = {\n  F64: Float64Array, F32: Float32Array, I32: Int32Array, I16: Int16Array, I8: Int8Array,\n  U32: Uint32Array, U16: Uint16Array, U8: Uint8Array, BOOL: Uint8Array, I64: BigInt64Array, U64: BigUint64Array,\n};\nconst ITEM = { F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 };\n\nfunction floats(bytes, dtype) {\n  if (dtype === \"F32\") return new Float32Array(bytes.buffer, 0, bytes.length / 4);\n  if (dtype === \"F16\") return Float32Array.from(new Uint16Array(bytes.buffer, 0, bytes.length / 2), half);\n  const values = new VIEWS[dtype](bytes.buffer, 0, bytes.length / ITEM[dtype]);\n  return Float32Array.from(values, Number);\n}\n\nfunction half(bits) {\n  const sign = bits & 0x8000 ? -1 : 1;\n  const exponent = (bits >> 10) & 31;\n  const fraction = bits & 1023;\n  if (exponent === 0) return sign * fraction * 2 ** -24;\n  if (exponent === 31) return fraction ? NaN : sign * Infinity;\n  return sign * (1024 + fraction) * 2 ** (exponent - 25);\n}\n\nfunction firstBad(values) {\n  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;\n  return -1;\n}\n\nfunction webpSize(bytes) {\n  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));\n  if (bytes.length < 30 || text(0, 4) !== \"RIFF\" || text(8, 12) !== \"WEBP\") return null;\n  const u16 = (at) => bytes[at] | (bytes[at + 1] << 8);\n  const u24 = (at) => u16(at) | (bytes[at + 2] << 16);\n  const kind = text(12, 16);\n  if (kind === \"VP8 \") return [u16(26) & 0x3fff, u16(28) & 0x3fff];\n  if (kind === \"VP8L\") return [1 + (u16(21) & 0x3fff), 1 + ((u24(22) >> 6) & 0x3fff)];\n  if (kind === \"VP8X\") return [1 + u24(24), 1 + u24(27)];\n  return null;\n}\n\n// js/run_reader.js\nconst BUDGET = 160_000_000; // bytes of values kept: one prompt of FLUX.1 under two scores\nconst WHOLE = 4_000_000; // a block's rows over all steps are read at once up to this, else step by step\n\nasync function openReader(blob) {\n  const read = async (begin, end) => {\n    let buffer;\n    try {\n      buffer = await blob.slice(begin, end).arrayBuffer();\n    } catch {\n      refuse(phrase(\"reader.gone\"));\n    }\n    if (buffer.byteLength !== end - begin) refuse(phrase(\"reader.shrank\"));\n    return new Uint8Array(buffer);\n  };\n  const { about, stats, maps, images } = readIndex(await readHeader(read, blob.size));\n  const [samples, layers, steps, width] = stats.shape;\n  const cache = createCache(BUDGET);\n  const fits = 4 * steps * width <= WHOLE;\n  let warming = 0;\n\n  const place = (sample, layer, step) => ((sample * layers + layer) * steps + step) * width;\n  const keyOf = (name, from, count) => `${name} ${from} ${count}`;\n\n  function rows(name, sample, layer, first, count) {\n    const from = place(sample, layer, first);\n    const bytes = 4 * count * width;\n    return cache.get(keyOf(name, from, count), bytes, async () => {\n      const begin = stats.tensors[name].begin + 4 * from;\n      const values = floats(await read(begin, begin + bytes), \"F32\");\n      const bad = firstBad(values);\n      if (bad >= 0) {\n        const where = phrase(\"reader.where\", { prompt: sample, block: quoted(about.layers[layer]), step: about.steps[first + Math.floor(bad / width)], channel: bad % width });\n        refuse(phrase(\"reader.stats.finite\", { name, value: values[bad], where }));\n      }\n      return values;\n    });\n  }\n\n  async function rowOf(name, sample, layer, step, all) {\n    if (!fits || !(all || cache.has(keyOf(name, place(sample, layer, 0), steps)))) return rows(name, sample, layer, step, 1);\n    return (await rows(name, sample, layer, 0, steps)).subarray(step * width, (step + 1) * width);\n  }\n\n  const partsOf = (score) => (score === \"energy\" ? [\"mean\", \"var\"] : [score === \"abs_mean\" ? \"mean\" : score]);\n\n  async function row(score, sample, layer, step, all) {\n    const [values, spread] = await Promise.all(partsOf(score).map((name) => rowOf(name, sample, layer, step, all)));\n    return spread ? (i) => spread[i] + values[i] ** 2 : (i) => Math.abs(values[i]);\n  }\n\n  const rowsOfStep = (score, sample, step, all) => Promise.all(Array.from({ length: layers }, (_, layer) => row(score, sample, layer, step, all)));\n\n  async function warm(score, sample, step) {\n    const now = ++warming;\n    try {\n      if (!fits) {\n        for (const next of [step + 1, step - 1]) if (next >= 0 && next < steps) await rowsOfStep(score, sample, next, false);\n        return;\n      }\n      for (let layer = 0; layer < layers && now === warming; layer++) {\n        for (const name of partsOf(score)) await rows(name, sample, layer, 0, steps);\n      }\n    } catch {\n    }\n  }\n\n  function chosen(score, prompt) {\n    if (!stats.scores.includes(score)) refuse(phrase(\"reader.noscore\", { score: quoted(score), scores: stats.scores.join(\", \") }));\n    if (samples === 1) return [0];\n    return prompt < 0 ? Array.from({ length: samples }, (_, i) => i) : [inside(\"prompt\", prompt, samples)];\n  }\n\n  function inside(what, value, count) {\n    if (!Number.isInteger(value) || value < 0 || value >= count) refuse(phrase(\"reader.range\", { what, value, last: count - 1 }));\n    return value;\n  }\n\n  async function mapValues(group, at) {\n    const { tensor, height, width: columns } = group;\n    const count = tensor.shape[5];\n    const size = height * columns * count;\n    const place = ((at.prompt * layers + at.layer) * group.steps.length + at.step) * size;\n    const bytes = ITEM[tensor.dtype];\n    const all = await cache.get(`${group.name} ${place}`, 4 * size, async () =>\n      floats(await read(tensor.begin + bytes * place, tensor.begin + bytes * (place + size)), tensor.dtype),\n    );\n    const values = new Float32Array(height * columns);\n    for (let i = 0; i < values.length; i++) values[i] = all[i * count + at.channel];\n    if (firstBad(values) >= 0) refuse(phrase(\"reader.map.finite\"));\n    return { values, height, width: columns };\n  }\n\n  return {\n    about: { ...about, scoreNames: stats.scores, conditions: images.map(({ condition }) => condition) },\n    maps: maps.map(({ channels, prompts, steps: places }) => ({ channels, prompts, steps: places })),\n    async scores({ score, prompt, step }) {\n      const places = chosen(score, prompt);\n      inside(\"step\", step, steps);\n      const out = new Float32Array(layers * width);\n      for (const sample of places) {\n        const found = await rowsOfStep(score, sample, step, places.length > 1);\n        for (let layer = 0; layer < layers; layer++) {\n          for (let i = 0; i < width; i++) out[layer * width + i] += found[layer](i) / places.length;\n        }\n      }\n      if (places.length === 1) warm(score, places[0], step);\n      return out;\n    },\n    async alongTime({ score, prompt, channel }) {\n      const places = chosen(score, prompt);\n      inside(\"channel\", channel, width);\n      const out = new Float32Array(layers * steps);\n      for (const sample of places) {\n        for (let layer = 0; layer < layers; layer++) {\n          const found = await Promise.all(Array.from({ length: steps }, (_, step) => row(score, sample, layer, step, true)));\n          for (let step = 0; step < steps; step++) out[layer * steps + step] += found[step](channel) / places.length;\n        }\n      }\n      return out;\n    },\n    map: ({ at }) => mapValues(maps[inside(\"group\", at.group, maps.length)], at),\n    async picture({ prompt, condition }) {\n      const shown = images.find((entry) => entry.condition === condition);\n      if (!shown || prompt >= shown.pictures.length) return null;\n      const tensor = shown.pictures[inside(\"prompt\", prompt, shown.pictures.length)];\n      if (tensor.end - tensor.begin > 64_000_000) refuse(phrase(\"reader.picture.large\", { prompt, bytes: tensor.end - tensor.begin }));\n      const bytes = await read(tensor.begin, tensor.end);\n      const size = webpSize(bytes);\n      if (!size || size[0] !== shown.width || size[1] !== shown.height) {\n        refuse(phrase(\"reader.picture.webp\", { prompt, width: shown.width, height: shown.height }));\n      }\n      return { bytes, width: shown.width, height: shown.height };\n    },\n  };\n}\n\nfunction readersError(error) {\n  if (error instanceof RunFileError) return error;\n  return new RunFileError(phrase(\"reader.failed\", { why: quoted(error && error.message) }));\n}\n\n// js/run_worker.js\nfunction serveRuns(port) {\n  let reader;\n  port.onmessage = async ({ data: { id, name, given } }) => {\n    try {\n      let value;\n      if (name === \"open\") {\n        reader = await openReader(given);\n        value = { about: reader.about, maps: reader.maps };\n      } else {\n        value = await reader[name](given);\n      }\n      const array = value instanceof Float32Array ? value : value && (value.values || value.bytes);\n      port.postMessage({ id, value }, array ? [array.buffer] : []);\n    } catch (error) {\n      port.postMessage({ id, error: readersError(error).message });\n    }\n  };\n  port.postMessage({ ready: true });\n}";

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

const WORDS = Object.fromEntries(
  Object.entries(PALETTES).map(([name, colours]) => {
    const bytes = new Uint8Array(4 * 256);
    for (let i = 0; i < 256; i++) bytes.set([colours[3 * i], colours[3 * i + 1], colours[3 * i + 2], 255], 4 * i);
    return [name, new Uint32Array(bytes.buffer)];
  }),
);

function paint(values, scale, out = new Uint8ClampedArray(4 * values.length)) {
  const words = WORDS[scale.palette];
  const pixels = new Uint32Array(out.buffer, out.byteOffset, values.length);
  const steps = 255 / (scale.high - scale.low || 1);
  for (let i = 0; i < values.length; i++) {
    const level = (values[i] - scale.low) * steps + 0.5;
    pixels[i] = words[level < 255 ? (level > 0 ? level | 0 : 0) : 255];
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

// js/strings.js
const STRINGS = {
  en: {
    "against.median": "Against the median",
    "array.dtype": "an array of dtype {dtype}: expected one of {wanted}",
    "array.short": "an array at {offset} of shape {shape} ends after the data ({bytes} bytes)",
    "ask.cancelled": "Cancelled; nothing was changed.",
    "ask.failed": "The run failed: {why}",
    "ask.needs": "These need the model itself: open the explorer in a notebook with a live kernel, and the controls appear here.",
    "ask.needs.title": "Another prompt, another ablation",
    "ask.progress": "Progress of the run",
    "ask.run": "Run the model",
    "ask.running": "The model is running in the kernel …",
    "ask.title": "Run the model again",
    "asked.mean": "mean over prompts",
    "asked.none": "leave it alone",
    "asked.own_mean": "their own mean over tokens",
    "asked.shuffle": "shuffle over tokens",
    "asked.zero": "zero the marked channels",
    "block": "block",
    "block.depth": "Block (depth)",
    "browser.over": "Map over picture",
    "browser.ranked": "{score} in block {block} at step {step}",
    "browser.scale": "Colour scale",
    "browser.scale.channel": "one for all",
    "browser.scale.map": "this map",
    "browser.told.energy": "Channel {channel}, block {block}, step {step}: {value}, {rank} of {count}, {share} of the energy.",
    "browser.told.score": "Channel {channel}, block {block}, step {step}: {value}, {rank} of {count}, {share} of the score.",
    "browser.told.unmapped": "No map of this channel here.",
    "browser.top": "top {k} of the block over all prompts and steps",
    "cancel": "Cancel",
    "channel": "Channel",
    "channel.axis": "channel",
    "channel.next": "Next channel",
    "channel.number": "channel {channel}",
    "channel.place": "Channel {channel}, block {block}, step {step}",
    "channel.previous": "Previous channel",
    "channel.shown": "Channel {channel} is the one that is shown.",
    "channel.value": "Channel {channel}, {value}",
    "channels.range": "Channels run from 0 to {last}.",
    "colours": "Colours",
    "colours.block": "linear, block by block",
    "colours.diverging.all": "Colours centred at 0, the same for all blocks and steps.",
    "colours.diverging.own": "Colours centred at 0, of this map alone.",
    "colours.linear": "linear",
    "colours.log": "logarithmic",
    "colours.sequential.all": "Colours from smallest to largest, the same for all blocks and steps.",
    "colours.sequential.own": "Colours from smallest to largest, of this map alone.",
    "compare.all": "everything (unlinked)",
    "compare.cond": "pictures before and after",
    "compare.layer": "two blocks",
    "compare.prompt": "two prompts",
    "compare.run": "two runs or models",
    "compare.set": "two sets of channels",
    "compare.step": "two steps",
    "differ": "The two differ in",
    "draw": "Draw",
    "edit": "Edit",
    "explorer.added.one": "{run}: {blocks} blocks of {channels} channels, {steps} steps, {n} prompt.",
    "explorer.added.other": "{run}: {blocks} blocks of {channels} channels, {steps} steps, {n} prompts.",
    "explorer.both": "Marked in both: {shared} of {count}.",
    "explorer.edited": "Only the picture is the edited one; scores and maps are those of the run.",
    "explorer.merged": "Statistics are merged over the prompts of this run.",
    "explorer.size": "{channels} channels, {blocks} blocks, {steps} steps",
    "explorer.unmarked": "No channel is marked: pin one, or choose another set.",
    "explorer.wanted": "This link shows a run file that is not in the page. Open the file here, and the view comes back.",
    "export.caption": "Blocks 0 to {lastBlock} downwards, channels 0 to {lastChannel} across. Channel {channel} in block {block}: {value}, rank {rank}.",
    "export.title": "{score} of every channel, {prompt}, step {step}",
    "export.unkept": "not kept in this run",
    "final": "The final picture",
    "final.of": "Final picture: {prompt}",
    "flipbook.picture": "Picture {number}: {what}",
    "has.map": "has a map here",
    "heat.cell": "Channel {channel} in block {block}: {score} {value}, {rank} of {count}",
    "heat.label": "Heat map of {channels} channels and {blocks} blocks. {cell}. Arrow keys move.",
    "heat.title": "{score} of every channel, step {step}",
    "interval": "{low} to {high}",
    "kernel.cancelled": "The run was cancelled.",
    "largest.channels": "Largest channels",
    "largest.here": "Largest here",
    "largest.here.already": "Channel {channel} is the largest here.",
    "largest.here.title": "The largest channel of this block and step",
    "lines.label": "Score over {blocks} blocks of the channels {channels}, and the mean of all channels; at most {high}",
    "lines.title": "{score} through depth, step {step}",
    "link.address": "The link is in the address bar",
    "link.copied": "Link copied",
    "link.copy": "Copy link to this view",
    "link.none": "This page cannot make links",
    "map.label": "Channel {channel} on the {height} by {width} token grid, from {low} to {high}",
    "map.unkept": "The map of channel {channel} is not kept here; its scores are.",
    "maps.few": "{set} ({count} of {all} have maps here)",
    "maps.nearest": "Nearest step with a map: {step}.",
    "maps.nopicture": "This run has no picture here.",
    "maps.noprompt": "This run keeps no token maps of this prompt.",
    "maps.oneprompt": "Choose one prompt to see token maps.",
    "maps.point": "Point at a token for its value.",
    "mark.bottom": "bottom k here",
    "mark.frozen": "{set} (frozen)",
    "mark.pins": "pinned channels",
    "mark.random": "random k, not top",
    "mark.top": "top k here",
    "marked": "marked",
    "marked.bottom": "bottom {k}",
    "marked.channels": "Marked channels",
    "marked.label": "{set} by {score}, {prompt}, step {step}",
    "marked.pins": "pinned channels",
    "marked.random": "random {k}, draw {draw}",
    "marked.share": "Marked: share of energy",
    "marked.top": "top {k}",
    "mask.all": "The subject they give: {share}",
    "mask.label": "Subject mask from {count} channels: {share} of the tokens",
    "mask.none": "No subject: no map of them here",
    "mask.some": "The subject by {count} of them: {share}",
    "mean.all": "mean of all",
    "median.channel": "the block's median channel",
    "no.map": "no map in this page",
    "none": "none",
    "opacity": "Opacity",
    "ordinal.few": "{n}rd",
    "ordinal.one": "{n}st",
    "ordinal.other": "{n}th",
    "ordinal.two": "{n}nd",
    "origin.revision": "revision {revision}",
    "origin.seed": "seed {seed}",
    "over": "Over the picture",
    "over.final": "Over the final picture",
    "over.map": "the map",
    "over.mask": "the subject mask",
    "over.none": "nothing",
    "over.title.map": "Its map over the picture",
    "over.title.mask": "The subject, by the marked channels",
    "over.title.none": "The picture",
    "own.choose": "Choose a file",
    "own.drop": "Drop a run file here, as {command} writes it. It is read in this page, in your browser: nothing is uploaded.",
    "own.failed": "{file} could not be opened. {why}",
    "own.sample": "A sample file to try",
    "own.single": "One run file at a time, please.",
    "own.title": "Open a run of your own",
    "pane.ranked": "{score} in block {block}",
    "pane.told": "Channel {channel}, block {block}, step {step}: {value}, {rank} of {count}.",
    "peak": "Its peak",
    "peak.already": "Channel {channel} is at its peak here.",
    "peak.title": "The block and step where this channel is largest",
    "picture": "Picture",
    "picture.of": "Picture of prompt: {prompt}",
    "picture.unread": "The picture cannot be read here",
    "picture.unwritten": "this browser could not write the picture",
    "picture.webp": "a picture of this run cannot be read (WebP)",
    "pictures.unread": "the pictures of this figure cannot be read (WebP)",
    "pin": "Pin",
    "pins.most": "At most {count} channels are followed: let one go first.",
    "prompt": "Prompt",
    "prompt.all.mean": "mean over prompts",
    "prompt.mean": "Mean over all prompts",
    "prompt.mean.title": "Scores averaged over the prompts",
    "prompt.number": "prompt {number}",
    "prompt.together": "all prompts together",
    "rank": "Rank",
    "rank.of": "{rank} of {count}",
    "reader.closed": "The file was closed.",
    "reader.forbidden": "This page may not start the program that reads files (its content rules forbid it). Open the page from another place, or from the disk.",
    "reader.late": "The file could not be opened within {seconds} seconds.",
    "reader.precision": "Values are those of the file: scores from statistics in float32, maps as they were kept.",
    "reader.stopped": "The reader of the file stopped, perhaps for want of memory. Open the file again, or a smaller one.",
    "reading": "Reading {file} …",
    "run": "Run",
    "run.noscore": "This run has no score \"{score}\".",
    "run.unnamed": "run",
    "save.json": "Channels as JSON",
    "save.json.title": "The marked channels of every block, as the library's ChannelSet reads them",
    "save.png": "Save as PNG",
    "saved": "Saved {file}.",
    "score": "Score",
    "score.abs_mean": "|mean|",
    "score.abs_mean.title": "absolute value of the mean over the image tokens",
    "score.axis": "score →",
    "score.energy": "mean x²",
    "score.max_abs": "max |x|",
    "score.mean_abs": "mean |x|",
    "score.mean_abs.title": "mean over the image tokens of the absolute value",
    "seed": "Seed",
    "share.energy": "Share of energy",
    "share.score": "Share of score",
    "show.channel": "Show channel {channel}",
    "show.nearest": "Show channel {channel}, the nearest in rank",
    "skyline.row": "{name}: the largest channel is {channel}, {ratio} times the median one",
    "spread.caption": "How many have which {score}. Blue: marked. Line: channel {channel}.",
    "spread.caption.log": "How many have which {score}; both axes logarithmic. Blue: marked. Line: channel {channel}.",
    "spread.label": "Distribution of the scores of block {block}, from {low} to {high}; channel {channel} has {value}",
    "spread.title": "{count} channels of block {block}",
    "step": "step",
    "step.denoising": "Denoising step",
    "stepper.lower": "Lower {label}",
    "stepper.raise": "Raise {label}",
    "steps": "Steps",
    "steps.one": "step {step}",
    "strip.label": "Score of channel {channel} over blocks and steps, at most {high}; now block {block}, step {step}. Arrow keys move.",
    "strip.title": "Channel {channel} in depth and time",
    "token.value": "Token in row {row}, column {column}: {value}",
    "top.channel": "top channel",
    "unpin": "Unpin",
    "unpin.channel": "Unpin channel {channel}",
    "untouched": "untouched",
    "view": "View",
    "view.one": "One view",
    "view.two": "Compare two",
    "widget.failed": "This figure could not be shown: {why}",
    "widget.unknown": "no widget of the kind {kind}",
  },
  de: {
    "against.median": "Gegen den Median",
    "array.dtype": "ein Feld vom dtype {dtype}: erwartet ist eines von {wanted}",
    "array.short": "ein Feld bei {offset} der Form {shape} endet hinter den Daten ({bytes} Bytes)",
    "ask.cancelled": "Abgebrochen; nichts wurde geändert.",
    "ask.failed": "Der Lauf ist gescheitert: {why}",
    "ask.needs": "Dafür braucht es das Modell selbst: Den Explorer in einem Notebook mit laufendem Kernel öffnen, dann erscheinen hier die Bedienelemente.",
    "ask.needs.title": "Ein anderer Prompt, ein anderer Eingriff",
    "ask.progress": "Fortschritt des Laufs",
    "ask.run": "Modell laufen lassen",
    "ask.running": "Das Modell läuft im Kernel …",
    "ask.title": "Das Modell noch einmal laufen lassen",
    "asked.mean": "Mittel über Prompts",
    "asked.none": "nichts ändern",
    "asked.own_mean": "ihr eigenes Mittel über die Tokens",
    "asked.shuffle": "über die Tokens mischen",
    "asked.zero": "markierte Kanäle auf null setzen",
    "block": "Block",
    "block.depth": "Block (Tiefe)",
    "browser.over": "Karte über dem Bild",
    "browser.ranked": "{score} in Block {block}, Schritt {step}",
    "browser.scale": "Farbskala",
    "browser.scale.channel": "eine für alle",
    "browser.scale.map": "diese Karte",
    "browser.told.energy": "Kanal {channel}, Block {block}, Schritt {step}: {value}, {rank} von {count}, {share} der Energie.",
    "browser.told.score": "Kanal {channel}, Block {block}, Schritt {step}: {value}, {rank} von {count}, {share} des Maßes.",
    "browser.told.unmapped": "Keine Karte dieses Kanals hier.",
    "browser.top": "obere {k} des Blocks über alle Prompts und Schritte",
    "cancel": "Abbrechen",
    "channel": "Kanal",
    "channel.axis": "Kanal",
    "channel.next": "Nächster Kanal",
    "channel.number": "Kanal {channel}",
    "channel.place": "Kanal {channel}, Block {block}, Schritt {step}",
    "channel.previous": "Voriger Kanal",
    "channel.shown": "Kanal {channel} wird schon gezeigt.",
    "channel.value": "Kanal {channel}, {value}",
    "channels.range": "Kanäle gehen von 0 bis {last}.",
    "colours": "Farben",
    "colours.block": "linear, je Block",
    "colours.diverging.all": "Farben um 0 herum, gleich für alle Blöcke und Schritte.",
    "colours.diverging.own": "Farben um 0 herum, nur für diese Karte.",
    "colours.linear": "linear",
    "colours.log": "logarithmisch",
    "colours.sequential.all": "Farben vom kleinsten zum größten Wert, gleich für alle Blöcke und Schritte.",
    "colours.sequential.own": "Farben vom kleinsten zum größten Wert, nur für diese Karte.",
    "compare.all": "alles (nicht gekoppelt)",
    "compare.cond": "Bilder vorher und nachher",
    "compare.layer": "zwei Blöcke",
    "compare.prompt": "zwei Prompts",
    "compare.run": "zwei Läufe oder Modelle",
    "compare.set": "zwei Kanalmengen",
    "compare.step": "zwei Schritte",
    "differ": "Unterschied der beiden",
    "draw": "Ziehung",
    "edit": "Eingriff",
    "explorer.added.one": "{run}: {blocks} Blöcke mit je {channels} Kanälen, {steps} Schritte, {n} Prompt.",
    "explorer.added.other": "{run}: {blocks} Blöcke mit je {channels} Kanälen, {steps} Schritte, {n} Prompts.",
    "explorer.both": "In beiden markiert: {shared} von {count}.",
    "explorer.edited": "Nur das Bild ist das bearbeitete; Maße und Karten sind die des Laufs.",
    "explorer.merged": "Die Statistiken sind über die Prompts dieses Laufs zusammengefasst.",
    "explorer.size": "{channels} Kanäle, {blocks} Blöcke, {steps} Schritte",
    "explorer.unmarked": "Kein Kanal ist markiert: einen anheften oder eine andere Auswahl treffen.",
    "explorer.wanted": "Dieser Link zeigt eine Laufdatei, die nicht in der Seite liegt. Hier öffnen, und die Ansicht kommt zurück.",
    "export.caption": "Blöcke 0 bis {lastBlock} nach unten, Kanäle 0 bis {lastChannel} nach rechts. Kanal {channel} in Block {block}: {value}, Rang {rank}.",
    "export.title": "{score} jedes Kanals, {prompt}, Schritt {step}",
    "export.unkept": "in diesem Lauf nicht gespeichert",
    "final": "Das fertige Bild",
    "final.of": "Fertiges Bild: {prompt}",
    "flipbook.picture": "Bild {number}: {what}",
    "has.map": "hat hier eine Karte",
    "heat.cell": "Kanal {channel} in Block {block}: {score} {value}, {rank} von {count}",
    "heat.label": "Farbkarte von {channels} Kanälen und {blocks} Blöcken. {cell}. Pfeiltasten bewegen.",
    "heat.title": "{score} jedes Kanals, Schritt {step}",
    "interval": "{low} bis {high}",
    "kernel.cancelled": "Der Lauf wurde abgebrochen.",
    "largest.channels": "Größte Kanäle",
    "largest.here": "Größter hier",
    "largest.here.already": "Kanal {channel} ist hier der größte.",
    "largest.here.title": "Der größte Kanal dieses Blocks und Schritts",
    "lines.label": "Maß der Kanäle {channels} über {blocks} Blöcke und das Mittel aller Kanäle; höchstens {high}",
    "lines.title": "{score} durch die Tiefe, Schritt {step}",
    "link.address": "Der Link steht in der Adresszeile",
    "link.copied": "Link kopiert",
    "link.copy": "Link zu dieser Ansicht kopieren",
    "link.none": "Diese Seite kann keine Links erzeugen",
    "map.label": "Kanal {channel} auf dem Tokenraster von {height} mal {width}, von {low} bis {high}",
    "map.unkept": "Die Karte von Kanal {channel} ist hier nicht gespeichert, seine Maße schon.",
    "maps.few": "{set} ({count} von {all} haben hier Karten)",
    "maps.nearest": "Nächster Schritt mit einer Karte: {step}.",
    "maps.nopicture": "Dieser Lauf hat hier kein Bild.",
    "maps.noprompt": "Dieser Lauf enthält keine Tokenkarten dieses Prompts.",
    "maps.oneprompt": "Einen Prompt wählen, um Tokenkarten zu sehen.",
    "maps.point": "Auf ein Token zeigen, um seinen Wert zu sehen.",
    "mark.bottom": "untere k hier",
    "mark.frozen": "{set} (festgelegt)",
    "mark.pins": "angeheftete Kanäle",
    "mark.random": "k zufällige, nicht obere",
    "mark.top": "obere k hier",
    "marked": "markiert",
    "marked.bottom": "untere {k}",
    "marked.channels": "Markierte Kanäle",
    "marked.label": "{set} nach {score}, {prompt}, Schritt {step}",
    "marked.pins": "angeheftete Kanäle",
    "marked.random": "{k} zufällige, Ziehung {draw}",
    "marked.share": "Markiert: Anteil an der Energie",
    "marked.top": "obere {k}",
    "mask.all": "Das Motiv, das sie ergeben: {share}",
    "mask.label": "Motivmaske aus {count} Kanälen: {share} der Tokens",
    "mask.none": "Kein Motiv: keine Karte von ihnen hier",
    "mask.some": "Das Motiv nach {count} von ihnen: {share}",
    "mean.all": "Mittel aller",
    "median.channel": "der mittlere Kanal des Blocks",
    "no.map": "keine Karte auf dieser Seite",
    "none": "keine",
    "opacity": "Deckkraft",
    "ordinal.few": "{n}.",
    "ordinal.one": "{n}.",
    "ordinal.other": "{n}.",
    "ordinal.two": "{n}.",
    "origin.revision": "Revision {revision}",
    "origin.seed": "Seed {seed}",
    "over": "Über dem Bild",
    "over.final": "Über dem fertigen Bild",
    "over.map": "die Karte",
    "over.mask": "die Motivmaske",
    "over.none": "nichts",
    "over.title.map": "Seine Karte über dem Bild",
    "over.title.mask": "Das Motiv nach den markierten Kanälen",
    "over.title.none": "Das Bild",
    "own.choose": "Datei wählen",
    "own.drop": "Eine Laufdatei hier ablegen, wie {command} sie schreibt. Sie wird auf dieser Seite im Browser gelesen: Nichts wird hochgeladen.",
    "own.failed": "{file} ließ sich nicht öffnen. {why}",
    "own.sample": "Eine Beispieldatei zum Ausprobieren",
    "own.single": "Bitte eine Laufdatei auf einmal.",
    "own.title": "Einen eigenen Lauf öffnen",
    "pane.ranked": "{score} in Block {block}",
    "pane.told": "Kanal {channel}, Block {block}, Schritt {step}: {value}, {rank} von {count}.",
    "peak": "Sein Höchstwert",
    "peak.already": "Kanal {channel} hat hier seinen Höchstwert.",
    "peak.title": "Block und Schritt, in denen dieser Kanal am größten ist",
    "picture": "Bild",
    "picture.of": "Bild zum Prompt: {prompt}",
    "picture.unread": "Das Bild ist hier nicht lesbar",
    "picture.unwritten": "dieser Browser konnte das Bild nicht schreiben",
    "picture.webp": "ein Bild dieses Laufs ist nicht lesbar (WebP)",
    "pictures.unread": "die Bilder dieser Abbildung sind nicht lesbar (WebP)",
    "pin": "Anheften",
    "pins.most": "Höchstens {count} Kanäle werden verfolgt: erst einen loslassen.",
    "prompt": "Prompt",
    "prompt.all.mean": "Mittel über Prompts",
    "prompt.mean": "Mittel über alle Prompts",
    "prompt.mean.title": "Maße, über die Prompts gemittelt",
    "prompt.number": "Prompt {number}",
    "prompt.together": "alle Prompts zusammen",
    "rank": "Rang",
    "rank.of": "{rank} von {count}",
    "reader.closed": "Die Datei wurde geschlossen.",
    "reader.forbidden": "Diese Seite darf das Programm, das Dateien liest, nicht starten (ihre Inhaltsregeln verbieten es). Die Seite von einem anderen Ort oder vom Datenträger öffnen.",
    "reader.late": "Die Datei ließ sich nicht innerhalb von {seconds} Sekunden öffnen.",
    "reader.precision": "Die Werte sind die der Datei: Maße aus Statistiken in float32, Karten wie gespeichert.",
    "reader.stopped": "Das Lesen der Datei brach ab, vielleicht aus Speichermangel. Die Datei noch einmal öffnen oder eine kleinere.",
    "reading": "{file} wird gelesen …",
    "run": "Lauf",
    "run.noscore": "Dieser Lauf hat kein Maß „{score}“.",
    "run.unnamed": "Lauf",
    "save.json": "Kanäle als JSON",
    "save.json.title": "Die markierten Kanäle jedes Blocks, wie ChannelSet der Bibliothek sie liest",
    "save.png": "Als PNG speichern",
    "saved": "{file} gespeichert.",
    "score": "Maß",
    "score.abs_mean": "|Mittel|",
    "score.abs_mean.title": "Betrag des Mittels über die Bildtokens",
    "score.axis": "Maß →",
    "score.energy": "Mittel x²",
    "score.max_abs": "max |x|",
    "score.mean_abs": "Mittel |x|",
    "score.mean_abs.title": "Mittel der Beträge über die Bildtokens",
    "seed": "Seed",
    "share.energy": "Anteil an der Energie",
    "share.score": "Anteil am Maß",
    "show.channel": "Kanal {channel} zeigen",
    "show.nearest": "Kanal {channel} zeigen, der im Rang am nächsten liegt",
    "skyline.row": "{name}: der größte Kanal ist {channel}, {ratio}-mal so groß wie der mittlere",
    "spread.caption": "Wie viele welches Maß haben ({score}). Blau: markiert. Linie: Kanal {channel}.",
    "spread.caption.log": "Wie viele welches Maß haben ({score}); beide Achsen logarithmisch. Blau: markiert. Linie: Kanal {channel}.",
    "spread.label": "Verteilung der Maße von Block {block}, von {low} bis {high}; Kanal {channel} hat {value}",
    "spread.title": "{count} Kanäle von Block {block}",
    "step": "Schritt",
    "step.denoising": "Entrauschungsschritt",
    "stepper.lower": "{label} verringern",
    "stepper.raise": "{label} erhöhen",
    "steps": "Schritte",
    "steps.one": "Schritt {step}",
    "strip.label": "Maß von Kanal {channel} über Blöcke und Schritte, höchstens {high}; jetzt Block {block}, Schritt {step}. Pfeiltasten bewegen.",
    "strip.title": "Kanal {channel} in Tiefe und Zeit",
    "token.value": "Token in Zeile {row}, Spalte {column}: {value}",
    "top.channel": "oberer Kanal",
    "unpin": "Lösen",
    "unpin.channel": "Kanal {channel} lösen",
    "untouched": "unberührt",
    "view": "Ansicht",
    "view.one": "Eine Ansicht",
    "view.two": "Zwei vergleichen",
    "widget.failed": "Diese Abbildung lässt sich nicht zeigen: {why}",
    "widget.unknown": "kein Widget der Art {kind}",
  },
};

// js/phrases.js
let spoken = null;

function speak(tongue) {
  spoken = tongue;
}

function language() {
  const wanted = spoken ?? globalThis.document?.documentElement?.lang ?? "";
  const tongue = wanted.slice(0, 2).toLowerCase();
  return Object.hasOwn(STRINGS, tongue) ? tongue : "en";
}

const known = (key) => Object.hasOwn(STRINGS.en, key);

function phraseIn(tongue, key, values = {}) {
  return STRINGS[tongue][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const phrase = (key, values) => phraseIn(language(), key, values);

function counted(key, n, options = {}, values = {}) {
  const form = new Intl.PluralRules(language(), options).select(n);
  return phrase(known(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n, ...values });
}

function filled(key, things) {
  const parts = STRINGS[language()][key].split(/\{(\w+)\}/);
  return parts.map((part, i) => (i % 2 ? things[part] : part)).filter((part) => part !== "");
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

const SVG = "http://www.w3.org/2000/svg";

function svgNode(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function setText(node, text) {
  const only = node.firstChild;
  if (only && only === node.lastChild && only.nodeType === 3) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

function setAttr(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function slider({ label, count, marks = [], onpick }) {
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

function dropdown({ label, options = [], onpick }) {
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

function stepper({ label, low, onpick }) {
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

// js/format.js
const DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

const written = new Map();

function number(value) {
  if (!written.has(value)) {
    if (written.size > 5000) written.clear();
    written.set(value, inWords(value));
  }
  return written.get(value);
}

function inWords(value) {
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

const ordinal = (n) => counted("ordinal", n, { type: "ordinal" });

// js/browser_parts.js
function rankedList(rows, topText, hasMaps, onpick, topWord = phrase("top.channel")) {
  const name = uid("fc-rank");
  const caption = el("span.fc-caption");
  const list = el("ol.fc-rows");
  const legend = el(
    "p.fc-legend",
    {},
    el("span", {}, el("i.fc-swatch"), topText),
    el("span", {}, el("i.fc-tick"), phrase("median.channel")),
    hasMaps ? el("span", {}, el("b", {}, "12"), phrase("has.map")) : null,
  );
  const node = el("fieldset.fc-ranks", {}, el("legend.fc-title", {}, phrase("largest.channels")), caption, list, legend);
  const items = Array.from({ length: rows }, () => {
    const item = {
      channel: -1,
      input: el("input.fc-sr", { type: "radio", name, onchange: () => onpick(item.channel) }),
      number: el("span.fc-number"),
      fill: el("span.fc-fill"),
      value: el("span.fc-value"),
    };
    item.median = el("span.fc-median");
    item.track = el("span.fc-track", {}, item.fill, item.median);
    item.row = el("label.fc-row", {}, item.input, item.number, item.track, item.value);
    list.append(el("li", {}, item.row));
    return item;
  });
  return {
    node,
    show(view, text) {
      setText(caption, text);
      const median = `calc(${(100 * view.medianLength).toFixed(1)}% - 1px)`;
      items.forEach((item, i) => {
        const given = view.list[i];
        item.row.parentNode.hidden = !given;
        if (!given) return;
        item.channel = given.channel;
        setText(item.number, String(given.channel));
        setText(item.value, figures(given.value));
        item.median.style.left = median;
        item.fill.style.transform = `scaleX(${given.length.toFixed(4)})`;
        item.row.classList.toggle("fc-top", given.top);
        item.row.classList.toggle("fc-mapped", given.map);
        if (item.input.checked !== given.chosen) item.input.checked = given.chosen;
        const told = [phrase("channel.value", { channel: given.channel, value: number(given.value) }), given.top ? topWord : "", given.map ? "" : phrase("no.map")];
        setAttr(item.input, "aria-label", told.filter(Boolean).join(", "));
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
    setText(pointed, on ? phrase("token.value", { row: place.row + 1, column: place.column + 1, value: number(value) }) : note);
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
        const palette = map.scale.palette === "diverging" ? "diverging" : "sequential";
        note = phrase(`colours.${palette}.${state.scale === "channel" ? "all" : "own"}`);
        alone.setAttribute(
          "aria-label",
          phrase("map.label", { channel: state.channel, height: map.height, width: map.width, low: number(map.scale.low), high: number(map.scale.high) }),
        );
      } else {
        note = "";
        setText(message, phrase("map.unkept", { channel: state.channel }));
        offer.hidden = view.nearest === null;
        if (view.nearest !== null) setText(offer, phrase("show.nearest", { channel: view.nearest }));
      }
      setText(mapTitle, phrase("channel.place", { channel: state.channel, block: state.layer, step: data.steps[state.step] }));
      setText(overTitle, map && state.over ? phrase("over.final") : phrase("final"));
      picture.setAttribute("aria-label", phrase("final.of", { prompt: data.prompts[state.prompt] }));
      tell();
      if (sheet && drawn !== state.prompt) {
        sheet.ready.then(() => sheet.draw(picture, state.prompt), () => setText(overTitle, phrase("picture.unread")));
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
  const names = el("div.fc-depth", { "aria-hidden": "true" }, el("span", {}, "0"), el("span", {}, phrase("block")), el("span", {}, String(layers - 1)));
  const axis = el(
    "div.fc-steps",
    { "aria-hidden": "true" },
    el("span", {}, String(data.steps[0])),
    el("span", {}, phrase("step")),
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
      setText(title, phrase("strip.title", { channel: state.channel }));
      setText(high, number(view.strip.high));
      mark.style.left = `${(100 * state.step) / steps}%`;
      mark.style.top = `${(100 * state.layer) / layers}%`;
      mark.style.width = `${100 / steps}%`;
      mark.style.height = `${100 / layers}%`;
      button.setAttribute(
        "aria-label",
        phrase("strip.label", { channel: state.channel, high: number(view.strip.high), block: state.layer, step: data.steps[state.step] }),
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
  if (!kind) throw new Error(phrase("array.dtype", { dtype: header.dtype, wanted: Object.keys(KINDS).join(", ") }));
  const size = product(header.shape);
  if (header.offset + size * kind.BYTES_PER_ELEMENT > buffer.byteLength) {
    throw new Error(phrase("array.short", { offset: header.offset, shape: header.shape, bytes: buffer.byteLength }));
  }
  return new kind(buffer, header.offset, size);
}

function logValues(buffer, header) {
  const planes = arrayOf(buffer, header.codes);
  const size = product(header.shape);
  const count = header.shape[header.axis];
  const stride = product(header.shape.slice(header.axis + 1));
  const values = new Float32Array(size);
  for (let series = 0; series < size / count; series++) {
    const first = Math.floor(series / stride) * stride * count + (series % stride);
    let code = 0;
    for (let i = 0; i < count; i++) {
      const place = series * count + i;
      const zigzag = planes[place] | (planes[size + place] << 8);
      code += (zigzag >>> 1) ^ -(zigzag & 1);
      values[first + i * stride] = code === 0 ? 0 : header.floor * Math.exp((code - 1) * header.step);
    }
  }
  return values;
}

function mapReader(buffer, header) {
  const codes = header.along == null ? arrayOf(buffer, header.codes) : summed(arrayOf(buffer, header.codes), header);
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

function summed(differences, { codes, along }) {
  const out = Uint8Array.from(differences);
  const stride = product(codes.shape.slice(along + 1));
  const span = stride * codes.shape[along];
  for (let i = 0; i < out.length; i++) if (i % span >= stride) out[i] += out[i - stride];
  return out;
}

// js/names.js
const ASKED = ["zero", "own_mean", "shuffle"];
const SCORES = ["abs_mean", "mean_abs"];

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

// js/controls.js
function channelFinder({ current, onpick }) {
  const id = uid("fc-channel");
  const input = el("input", { type: "number", id, min: 0, step: 1, inputmode: "numeric" });
  const bad = el("span.fc-bubble", { role: "alert" });
  const move = (by) => {
    const { channel, width } = current();
    onpick((channel + by + width) % width);
  };
  input.addEventListener("input", () => {
    const value = Number(input.value);
    const { width } = current();
    const fits = input.value !== "" && Number.isInteger(value) && value >= 0 && value < width;
    input.setAttribute("aria-invalid", String(!fits));
    setText(bad, fits || input.value === "" ? "" : phrase("channels.range", { last: width - 1 }));
    if (fits) onpick(value);
  });
  const restore = () => {
    input.value = current().channel;
    input.setAttribute("aria-invalid", "false");
    setText(bad, "");
  };
  input.addEventListener("blur", restore);
  return {
    node: el(
      "div.fc-find",
      {},
      el("label", { for: id }, phrase("channel")),
      el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("channel.previous"), onclick: () => move(-1) }, "‹"),
      input,
      el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("channel.next"), onclick: () => move(1) }, "›"),
      bad,
    ),
    show() {
      const { channel, width } = current();
      input.max = width - 1;
      if (Number(input.value) !== channel && !(document.activeElement === input && input.getAttribute("aria-invalid") === "true")) {
        input.value = channel;
      }
    },
  };
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

function readouts(names) {
  const cells = names.map(() => el("dd"));
  const node = el("dl.fc-facts", {}, ...names.map((name, i) => el("div", {}, el("dt", {}, name), cells[i])));
  return { node, show: (texts) => texts.forEach((text, i) => setText(cells[i], text)) };
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

// js/browser.js
const BROWSED = ["abs_mean", "mean_abs"];

const browserKind = {
  open: openBrowser,
  state: browserState,
  build(root, data, store) {
    const change = (part) => store.set({ ...store.get(), ...part });
    const { layers, steps, width } = data.counts;

    const prompts = choices({
      label: phrase("prompt"),
      kind: "fc-chips",
      options: data.prompts.map((prompt, i) => ({ value: i, content: chip(data, prompt, i), title: prompt })),
      onpick: (prompt) => change({ prompt }),
    });
    const layer = slider({ label: phrase("block.depth"), count: layers, onpick: (value) => change({ layer: value }) });
    const step = slider({ label: phrase("step.denoising"), count: steps, onpick: (value) => change({ step: value }) });
    const score = choices({
      label: phrase("score"),
      options: BROWSED.map((value) => ({ value, content: phrase(`score.${value}`), title: phrase(`score.${value}.title`) })),
      onpick: (value) => change({ score: value }),
    });

    const topText = data.top ? data.top_label : phrase("browser.top", { k: data.k });
    const ranks = rankedList(Math.min(data.rows, width), topText, Boolean(data.maps), (channel) => change({ channel }));
    const maps = tokenMaps(data, {
      onnearest: () => change({ channel: browserView(data, store.get()).nearest }),
    });
    const strip = depthStrip(data, change);
    const finder = channelFinder({ current: () => ({ channel: store.get().channel, width }), onpick: (channel) => change({ channel }) });
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
    const here = jump(phrase("largest.here"), phrase("largest.here.title"), largestHere, (state) => phrase("largest.here.already", { channel: state.channel }));
    const peak = jump(phrase("peak"), phrase("peak.title"), toPeak, (state) => phrase("peak.already", { channel: state.channel }));

    const overId = uid("fc-over");
    const over = el("input", { type: "checkbox", id: overId, onchange: () => change({ over: over.checked }) });
    const opacity = slider({ label: phrase("opacity"), count: 101, onpick: (value) => change({ opacity: value, over: true }) });
    const scale = dropdown({
      label: phrase("browser.scale"),
      options: [
        { value: "map", text: phrase("browser.scale.map") },
        { value: "channel", text: phrase("browser.scale.channel") },
      ],
      onpick: (value) => change({ scale: value }),
    });
    const facts = readouts([phrase("score"), phrase("rank"), phrase("against.median"), data.energy ? phrase("share.energy") : phrase("share.score")]);
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
          el("div.fc-options-row", {}, el("div.fc-check", {}, over, el("label", { for: overId }, phrase("browser.over"))), opacity.node, scale.node),
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
        ranks.show(view, phrase("browser.ranked", { score: phrase(`score.${state.score}`), block: state.layer, step: data.steps[state.step] }));
        maps.show(view, state);
        strip.show(view, state);
        const times = view.timesMedian === null ? "–" : `${number(view.timesMedian)} ×`;
        facts.show([figures(view.value), phrase("rank.of", { rank: view.rank, count: width }), times, percent(view.share)]);
        if (!first) {
          live.say(
            [
              phrase(data.energy ? "browser.told.energy" : "browser.told.score", { channel: state.channel, block: state.layer, step: data.steps[state.step], value: number(view.value), rank: ordinal(view.rank), count: width, share: percent(view.share) }),
              view.map ? "" : phrase("browser.told.unmapped"),
            ].join(" ").trim(),
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

// js/explorer_state.js
const MAX_PINS = 6;
const MAX_MARKED = 64;
const PANE_FIELDS = ["run", "prompt", "layer", "step", "score", "set", "k", "draw", "cond", "channel"];

const COMPARISONS = {
  prompt: { fields: ["prompt"] },
  step: { fields: ["step"] },
  layer: { fields: ["layer"] },
  set: { fields: ["set", "draw", "channel"] },
  cond: { fields: ["cond"] },
  run: { fields: ["run", "channel"] },
  all: { fields: PANE_FIELDS },
};

function within(value, low, high, otherwise) {
  const n = Math.round(Number(value));
  return Number.isFinite(n) && value !== null && value !== "" ? Math.max(low, Math.min(high, n)) : otherwise;
}

function oneOf(value, allowed, otherwise = allowed[0]) {
  return allowed.includes(value) ? value : otherwise;
}

function setNames(run) {
  return ["top", "bottom", "random", "pins", ...Object.keys(run.channels || {}).map((name) => `set:${name}`)];
}

function fitted(data, given) {
  const run = data.runs[within(given.run, 0, data.runs.length - 1, 0)];
  const mean = run.perPrompt && run.prompts.length > 1 ? -1 : 0;
  return {
    run: data.runs.indexOf(run),
    prompt: within(given.prompt, mean, Math.max(0, run.prompts.length - 1), 0),
    layer: within(given.layer, 0, run.layers.length - 1, run.layers.length >> 1),
    step: within(given.step, 0, run.steps.length - 1, run.steps.length >> 1),
    score: oneOf(given.score, run.scoreNames, oneOf(run.score, run.scoreNames)),
    set: oneOf(given.set, setNames(run)),
    k: within(given.k, 1, Math.min(MAX_MARKED, run.width - 1), Math.min(run.k || 8, MAX_MARKED, run.width - 1)),
    draw: within(given.draw, 1, 99, 1),
    cond: oneOf(given.cond, run.conditions.length ? run.conditions : [""]),
    channel: within(given.channel, -1, run.width - 1, -1), // -1: the first that is marked, until one is chosen
  };
}

function pinsOf(state) {
  return state.pins === "" ? [] : state.pins.split("-").map(Number);
}

function fittedPins(given, width) {
  const named = String(given ?? "").split("-").filter((text) => /^\d+$/.test(text)).map(Number);
  return [...new Set(named)].filter((channel) => channel < width).slice(0, MAX_PINS).join("-");
}

const suffixed = (pane) => Object.fromEntries(Object.entries(pane).map(([name, value]) => [`${name}2`, value]));

function explorerState(data, given = {}) {
  const first = fitted(data, given);
  const by = oneOf(given.by, Object.keys(COMPARISONS));
  const differs = by !== "all" && COMPARISONS[by].fields.some((name) => given[`${name}2`] !== undefined);
  const second = { ...first, ...(differs ? {} : others(data, first)[by]) };
  const own = Object.fromEntries(PANE_FIELDS.map((name) => [name, given[`${name}2`] ?? second[name]]));
  return {
    ...first,
    two: ["1", 1, true, "true"].includes(given.two) ? 1 : 0,
    by,
    ...suffixed(fitted(data, own)),
    scale: oneOf(given.scale, ["log", "linear", "block"]),
    over: oneOf(given.over, ["map", "mask", "none"]),
    opacity: within(given.opacity, 0, 100, 55),
    pins: fittedPins(given.pins, Math.max(...data.runs.map((run) => run.width))),
  };
}

function ownFields(data, state) {
  const { fields } = COMPARISONS[state.by];
  return state.by === "run" && sameModel(data, state) ? ["run"] : fields;
}

function sameModel(data, state) {
  const [a, b] = [data.runs[state.run], data.runs[state.run2]];
  return a.width === b.width && a.layers.length === b.layers.length && a.model === b.model;
}

function paneState(data, state, pane) {
  const own = pane === 1 ? ownFields(data, state) : [];
  const values = Object.fromEntries(PANE_FIELDS.map((name) => [name, state[own.includes(name) ? `${name}2` : name]]));
  if (pane === 1 && state.by === "run") {
    const [from, to] = [data.runs[state.run], data.runs[values.run]];
    const along = (index, have, want) => (have > 1 ? Math.round((index / (have - 1)) * (want - 1)) : 0);
    values.layer = along(state.layer, from.layers.length, to.layers.length);
    values.step = along(state.step, from.steps.length, to.steps.length);
  }
  return fitted(data, values);
}

function paneChange(data, state, pane, part) {
  const own = pane === 1 ? ownFields(data, state) : [];
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [own.includes(name) ? `${name}2` : name, value]));
}

function others(data, first) {
  const run = data.runs[first.run];
  const last = (axis) => (first[axis] < run[`${axis}s`].length - 1 ? run[`${axis}s`].length - 1 : 0);
  const next = (first.run + 1) % data.runs.length;
  return {
    prompt: { prompt: run.prompts.length ? (first.prompt + 1) % run.prompts.length : 0 },
    step: { step: last("step") },
    layer: { layer: last("layer") },
    set: { set: first.set === "random" ? "top" : "random", channel: -1 },
    cond: { cond: run.conditions.find((name) => name !== first.cond) ?? first.cond },
    run: { run: next, channel: -1 },
    all: {},
  };
}

function compareBy(data, state, by) {
  const first = paneState(data, state, 0);
  const second = state.two ? paneState(data, state, 1) : first;
  const same = COMPARISONS[by].fields.every((name) => name === "channel" || second[name] === first[name]);
  return explorerState(data, { ...state, two: 1, by, ...suffixed({ ...second, ...(same ? others(data, first)[by] : {}) }) });
}

function randomFrom(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function drawn(width, k, outside, seed) {
  const taken = new Set(outside);
  const free = Array.from({ length: width }, (_, c) => c).filter((c) => !taken.has(c));
  const random = randomFrom(seed);
  const count = Math.min(k, free.length);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (free.length - i));
    [free[i], free[j]] = [free[j], free[i]];
  }
  return free.slice(0, count);
}

function markedChannels(run, scores, pane, pins, layer = pane.layer) {
  const { width } = run;
  const start = layer * width;
  if (pane.set === "pins") return pins.filter((c) => c < width);
  if (pane.set === "bottom") {
    const negative = scores.slice(start, start + width).map((value) => -value);
    return largest(negative, 0, width, pane.k);
  }
  if (pane.set === "random") {
    return drawn(width, pane.k, largest(scores, start, width, pane.k), 7919 * pane.draw + layer);
  }
  if (pane.set.startsWith("set:")) return [...(run.channels[pane.set.slice(4)].indices[layer] || [])];
  return largest(scores, start, width, pane.k);
}

function markedText(run, pane, tongue = language()) {
  if (pane.set.startsWith("set:")) return run.channels[pane.set.slice(4)].label || pane.set.slice(4);
  return phraseIn(tongue, `marked.${pane.set}`, { k: pane.k, draw: pane.draw });
}

function channelSet(run, scores, pane, pins) {
  const ranked = !pane.set.startsWith("set:") && pane.set !== "pins";
  const label = markedText(run, pane, "en");
  return {
    indices: run.layers.map((_, layer) => markedChannels(run, scores, pane, pins, layer)),
    width: run.width,
    label: ranked ? phraseIn("en", "marked.label", { set: label, score: pane.score, prompt: phraseIn("en", ...promptPhrase(run, pane.prompt)), step: run.steps[pane.step] + 1 }) : label,
  };
}

function promptPhrase(run, prompt) {
  return prompt < 0 ? ["prompt.all.mean"] : run.perPrompt ? ["prompt.number", { number: prompt + 1 }] : ["prompt.together"];
}

function nearestKept(kept, step) {
  let best = null;
  for (const other of kept) if (best === null || Math.abs(other - step) < Math.abs(best - step)) best = other;
  return best;
}

function pooled(values, rows, width, columns) {
  const out = new Float32Array(rows * columns);
  const from = new Int32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor((column * width) / columns);
    const last = Math.max(first + 1, Math.floor(((column + 1) * width) / columns));
    for (let row = 0; row < rows; row++) {
      let best = first;
      for (let c = first + 1; c < last; c++) if (values[row * width + c] > values[row * width + best]) best = c;
      out[row * columns + column] = values[row * width + best];
      from[row * columns + column] = best;
    }
  }
  return { values: out, from };
}

function histogram(values, start, width, bins = 36) {
  let low = Infinity;
  let high = 0;
  for (let i = start; i < start + width; i++) {
    if (values[i] > high) high = values[i];
    if (values[i] > 0 && values[i] < low) low = values[i];
  }
  const logarithmic = high > low;
  low = logarithmic ? Math.max(low, high * 1e-6) : 0;
  high = high || 1;
  const place = (value) => {
    const along = logarithmic ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : value / high;
    return Math.max(0, Math.min(1, along));
  };
  const counts = new Int32Array(bins);
  for (let i = start; i < start + width; i++) counts[Math.min(bins - 1, Math.floor(place(values[i]) * bins))]++;
  return { counts, low, high, place, logarithmic };
}

// js/explorer_source.js
const MEMORY = 96_000_000; // bytes of arrays that are kept

function memory(limit = MEMORY) {
  const known = new Map();
  const coming = new Map();
  let held = 0;
  const recall = (key) => {
    const entry = known.get(key);
    known.delete(key); // the last used stands last
    known.set(key, entry);
    return entry.value;
  };
  const keep = (key, value, size) => {
    known.set(key, { value, size });
    held += size;
    for (const [old, entry] of known) {
      if (held <= limit || old === key) break;
      known.delete(old);
      held -= entry.size;
    }
    return value;
  };
  return {
    know: (key, make, size) => (known.has(key) ? recall(key) : keep(key, make(), size)),
    get(key, make, bytes) {
      if (known.has(key)) return recall(key);
      if (!coming.has(key)) {
        const promise = Promise.resolve(make()).then(
          (value) => {
            coming.delete(key);
            return keep(key, value, bytes(value));
          },
          (error) => {
            coming.delete(key);
            throw error;
          },
        );
        coming.set(key, promise);
      }
      return coming.get(key);
    },
    size: () => held,
    clear() {
      known.clear();
      held = 0;
    },
  };
}

function isComing(value) {
  return typeof value?.then === "function";
}

function latest(use, fail) {
  let asked = 0;
  return (value) => {
    const now = ++asked;
    if (!isComing(value)) return use(value);
    value.then((known) => now === asked && use(known), (error) => now === asked && fail(error));
  };
}

const ofArray = (array) => array.byteLength;

function sourceOf(run) {
  const kept = memory();
  return {
    run,
    scores: (score, prompt, step) => kept.get(`s ${score} ${prompt} ${step}`, () => run.scores(score, prompt, step), ofArray),
    alongTime: (score, prompt, channel) => kept.get(`t ${score} ${prompt} ${channel}`, () => run.alongTime(score, prompt, channel), ofArray),
    maps(prompt, layer, step, channels) {
      const one = (c) => kept.get(`m ${prompt} ${layer} ${step} ${c}`, () => run.map(prompt, layer, step, c), (map) => (map ? map.values.byteLength : 8));
      const all = channels.map(one);
      return all.some(isComing) ? Promise.all(all) : all;
    },
    derived: (key, make, bytes = 8) => kept.know(key, make, bytes),
    picture(prompt, condition) {
      return kept.get(`p ${condition} ${prompt}`, async () => decoded(await run.picture(prompt, condition)), () => 8);
    },
    close() {
      kept.clear();
      run.close();
    },
  };
}

async function decoded(picture) {
  if (!picture) return null;
  const image = new Image();
  image.src = picture.url;
  try {
    await image.decode();
  } catch {
    throw new Error(phrase("picture.webp"));
  }
  return image;
}

// js/explorer_controls.js
const AS_CHIPS = 8; // prompts; more become a list

function runText(run) {
  const name = run.label || run.model || phrase("run.unnamed");
  return run.edit && name === run.model ? `${name}, ${run.edit}` : name;
}

function stepWords(run, step) {
  return `${run.steps[step] + 1}${run.sigmas ? ` · σ ${number(run.sigmas[step])}` : ""}`;
}

function layerWords(run, layer) {
  const family = (name) => name.replace(/\.?\d+$/, "");
  const mixed = run.layers.some((name) => family(name) !== family(run.layers[0]));
  return mixed ? `${layer} · ${run.layers[layer]}` : String(layer);
}

function promptChip(source, prompt, text) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const draw = (image) => {
    if (!image) return canvas.remove();
    canvas.width = canvas.height = 96;
    const side = Math.min(image.naturalWidth, image.naturalHeight);
    canvas.getContext("2d").drawImage(image, (image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side, 0, 0, 96, 96);
  };
  const given = source.picture(prompt, "");
  if (isComing(given)) given.then(draw, () => canvas.remove());
  else draw(given);
  return [canvas, el("span.fc-prompt", {}, text)];
}

function promptPicker(source, onpick) {
  const { run } = source;
  const mean = run.perPrompt && run.prompts.length > 1;
  const label = phrase("prompt");
  if (run.prompts.length > AS_CHIPS) {
    const options = run.prompts.map((text, value) => ({ value, text: `${value + 1} · ${text.slice(0, 90)}` }));
    if (mean) options.unshift({ value: -1, text: phrase("prompt.mean") });
    return dropdown({ label, options, onpick: (value) => onpick(Number(value)) });
  }
  const options = run.prompts.map((text, value) => ({ value, content: promptChip(source, value, text), title: text }));
  if (mean) options.push({ value: -1, content: el("span.fc-prompt", {}, phrase("prompt.mean")), title: phrase("prompt.mean.title") });
  return choices({ label, kind: "fc-chips.fc-scroller", options, onpick });
}

function paneControls({ sources, onchange, extra = [] }) {
  const to = (name) => (value) => onchange({ [name]: value });
  const controls = {
    layer: slider({ label: phrase("block.depth"), count: 1, onpick: to("layer") }),
    step: slider({ label: phrase("step.denoising"), count: 1, onpick: to("step") }),
    run: dropdown({ label: phrase("run"), onpick: (value) => onchange({ run: Number(value), channel: -1 }) }),
    score: dropdown({ label: phrase("score"), onpick: to("score") }),
    set: dropdown({ label: phrase("marked.channels"), onpick: to("set") }),
    k: stepper({ label: "k", low: 1, onpick: to("k") }),
    draw: stepper({ label: phrase("draw"), low: 1, onpick: to("draw") }),
    cond: dropdown({ label: phrase("picture"), onpick: to("cond") }),
  };
  const { layer, step, ...rest } = controls;
  const promptHolder = el("div.fc-prompts");
  const dials = el("div.fc-twodials", {}, layer.node, step.node);
  const fields = el("div.fc-fields", {}, ...Object.values(rest).map((control) => control.node), ...extra);
  const node = el("div.fc-scope", { hidden: true });
  let prompt = null;
  let known = null;
  let count = 0;

  function adapt(source) {
    const { run } = source;
    prompt = run.prompts.length ? promptPicker(source, to("prompt")) : null;
    promptHolder.replaceChildren(...(prompt ? [prompt.node] : []));
    layer.resize(run.layers.length);
    step.resize(run.steps.length);
    controls.score.fill(run.scoreNames.map((value) => ({ value, text: phrase(`score.${value}`) })));
    controls.set.fill(setNames(run).map((value) => ({ value, text: value.startsWith("set:") ? phrase("mark.frozen", { set: run.channels[value.slice(4)].label || value.slice(4) }) : phrase(`mark.${value}`) })));
    controls.cond.fill(run.conditions.map((value) => ({ value, text: value || phrase("untouched") })));
    known = source;
  }

  return {
    node,
    show(source, pane, wanted) {
      node.hidden = !wanted.length;
      if (node.hidden) {
        node.replaceChildren();
        return;
      }
      if (!node.firstChild) node.append(promptHolder, dials, fields);
      if (known !== source) adapt(source);
      if (count !== sources.length) controls.run.fill(sources.map(({ run }, value) => ({ value, text: runText(run) })));
      count = sources.length;
      const { run } = source;
      const shown = new Set(wanted);
      if (sources.length < 2) shown.delete("run");
      if (run.conditions.length < 2) shown.delete("cond");
      if (pane.set !== "random") shown.delete("draw");
      if (!["top", "bottom", "random"].includes(pane.set)) shown.delete("k");
      for (const [name, control] of Object.entries(controls)) control.node.hidden = !shown.has(name);
      promptHolder.hidden = !prompt || !shown.has("prompt");
      dials.hidden = layer.node.hidden && step.node.hidden;
      fields.hidden = [...fields.children].every((child) => child.hidden);
      prompt?.set(pane.prompt);
      layer.set(pane.layer, layerWords(run, pane.layer));
      step.set(pane.step, stepWords(run, pane.step));
      controls.run.set(pane.run);
      controls.score.set(pane.score);
      controls.set.set(pane.set);
      controls.k.set(pane.k, Math.min(MAX_MARKED, run.width - 1));
      controls.draw.set(pane.draw, 99);
      controls.cond.set(pane.cond);
    },
  };
}

// js/download.js
function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// js/explorer_heat.js
const FLOOR = 1e-2; // of the largest: where the logarithmic colours begin

function heatHeight(blocks) {
  return Math.max(168, Math.min(320, 28 * blocks));
}

const pools = new WeakMap();
const largestOf = new WeakMap();

function levels(values, rows, columns, scale, high) {
  const out = new Float32Array(values.length);
  const span = -Math.log(FLOOR);
  for (let row = 0; row < rows; row++) {
    let top = high;
    if (scale === "block") {
      top = 0;
      for (let i = row * columns; i < (row + 1) * columns; i++) top = Math.max(top, values[i]);
    }
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const share = values[i] / (top || 1);
      out[i] = scale === "log" ? 1 + Math.log(Math.max(share, FLOOR)) / span : share;
    }
  }
  return out;
}

function heatMap({ onmove }) {
  const canvas = el("canvas.fc-pixels");
  const rowMark = el("span.fc-rowmark");
  const columnMark = el("span.fc-columnmark");
  const ghost = el("span.fc-ghost", { hidden: true });
  const rug = el("span.fc-rug", { "aria-hidden": "true" });
  const button = el("button.fc-heat", { type: "button" }, canvas, rowMark, columnMark, ghost);
  const title = el("p.fc-title");
  const low = el("span");
  const high = el("span");
  const ramp = el("span.fc-ramp", { "aria-hidden": "true" });
  ramp.style.background = gradient("sequential");
  const first = el("span", {}, "0");
  const last = el("span");
  const left = el("span", {}, "0");
  const right = el("span");
  const pointed = el("p.fc-pointed");
  const node = el(
    "div.fc-hero",
    {},
    el("div.fc-headline", {}, title, el("span.fc-key", {}, low, ramp, high)),
    el(
      "div.fc-grid",
      {},
      el("div.fc-depth", { "aria-hidden": "true" }, first, el("span", {}, phrase("block")), last),
      button,
      el("div.fc-under", {}, rug, el("div.fc-steps", { "aria-hidden": "true" }, left, el("span", {}, phrase("channel.axis")), right)),
    ),
    pointed,
  );
  let view = null; // { run, scores, pane, marked }
  let pool = null;
  let hover = null;
  let range = 1;
  let drawn = "";
  let room = 0; // px across; asked for in a frame, it would cost a layout
  let again = null;
  new ResizeObserver(([entry]) => {
    room = Math.round(entry.contentRect.width * Math.min(2, globalThis.devicePixelRatio || 1));
    again?.();
  }).observe(button);

  const at = (event) => {
    const box = button.getBoundingClientRect();
    const { width, layers } = view.run;
    const layer = Math.max(0, Math.min(layers.length - 1, Math.floor(((event.clientY - box.top) / box.height) * layers.length)));
    const across = Math.max(0, Math.min(0.999999, (event.clientX - box.left) / box.width));
    const channel = pool ? pool.from[layer * pool.columns + Math.floor(across * pool.columns)] : Math.floor(across * width);
    return { layer, channel };
  };
  button.addEventListener("click", (event) => event.detail > 0 && view && onmove(at(event)));
  button.addEventListener("pointermove", (event) => {
    if (!view) return;
    const place = at(event);
    if (event.buttons === 1) onmove(place);
    hover = event.pointerType === "mouse" ? place : null;
    point();
  });
  button.addEventListener("pointerleave", () => {
    hover = null;
    point();
  });
  button.addEventListener("keydown", (event) => {
    const by = event.shiftKey ? 10 : 1;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -by], ArrowRight: [0, by], PageUp: [0, -50], PageDown: [0, 50], Home: [0, -1e9], End: [0, 1e9] };
    const move = steps[event.key];
    if (!move || !view) return;
    event.preventDefault();
    onmove({
      layer: Math.max(0, Math.min(view.run.layers.length - 1, view.pane.layer + move[0])),
      channel: Math.max(0, Math.min(view.run.width - 1, view.pane.channel + move[1])),
    });
  });

  function tellOf({ layer, channel }) {
    const { run, scores, pane } = view;
    const start = layer * run.width;
    const rank = rankOf(scores, start, run.width, channel);
    return phrase("heat.cell", { channel, block: layer, score: phrase(`score.${pane.score}`), value: number(scores[start + channel]), rank: ordinal(rank), count: run.width });
  }
  function point() {
    ghost.hidden = !hover;
    if (!view) return;
    if (hover) {
      ghost.style.left = `${(100 * (hover.channel + 0.5)) / view.run.width}%`;
      ghost.style.top = `${(100 * (hover.layer + 0.5)) / view.run.layers.length}%`;
    }
    setText(pointed, tellOf(hover || view.pane));
    pointed.classList.toggle("fc-hovering", Boolean(hover));
  }
  function repaint(scale) {
    const { run, scores } = view;
    const rows = run.layers.length;
    const columns = Math.min(run.width, room || run.width);
    pool = pools.get(scores);
    if (pool?.columns !== columns) {
      pool = { scores, columns, ...pooled(scores, rows, run.width, columns) };
      pools.set(scores, pool);
    }
    const key = `${scale} ${range}`;
    if (pool.key !== key) {
      pool.image ||= new ImageData(columns, rows);
      paint(levels(pool.values, rows, columns, scale, range), { palette: "sequential", low: 0, high: 1 }, pool.image.data);
      pool.key = key;
    }
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
    }
    canvas.getContext("2d").putImageData(pool.image, 0, 0);
    setText(low, scale === "log" ? `≤ ${number(range * FLOOR)}` : "0");
    setText(high, scale === "block" ? "block’s largest" : number(range));
  }
  return {
    node,
    canvas,
    largest: () => (view ? largestOf.get(view.scores) : 0),
    text: () => title.textContent,
    show(given, state, common) {
      if (!largestOf.has(given.scores)) {
        let most = 0;
        for (const value of given.scores) if (value > most) most = value;
        largestOf.set(given.scores, most);
      }
      if (view?.run !== given.run) hover = null;
      view = given;
      const { run, pane, marked } = view;
      const rows = run.layers.length;
      button.style.height = `${heatHeight(rows)}px`;
      range = common || largestOf.get(view.scores) || 1;
      again = () => {
        const key = `${state.scale} ${range} ${room}`;
        if (key !== drawn || !pool || pool.scores !== view.scores) repaint(state.scale);
        drawn = key;
      };
      again();
      rowMark.style.top = `${(100 * pane.layer) / rows}%`;
      rowMark.style.height = `${100 / rows}%`;
      columnMark.style.left = `${(100 * (pane.channel + 0.5)) / run.width}%`;
      marks(rug, marked, run.width, pane.channel);
      setText(title, phrase("heat.title", { score: phrase(`score.${pane.score}`), step: run.steps[pane.step] + 1 }));
      setText(last, String(rows - 1));
      setText(right, String(run.width - 1));
      setAttr(button, "aria-label", phrase("heat.label", { channels: run.width, blocks: rows, cell: tellOf(pane) }));
      point();
    },
  };
}

function marks(rug, channels, width, chosen) {
  while (rug.childElementCount < channels.length) rug.append(el("i"));
  while (rug.childElementCount > channels.length) rug.lastChild.remove();
  channels.forEach((channel, i) => {
    rug.children[i].style.left = `${(100 * (channel + 0.5)) / width}%`;
    rug.children[i].classList.toggle("fc-is-chosen", channel === chosen);
  });
}

// js/explorer_export.js
const WIDE = 900; // of a pane, in the pixels of the picture
const EDGE = 24;
const FONT = "system-ui, sans-serif";

function saveChannels(view, pins) {
  const record = channelSet(view.run, view.scores, view.pane, pins);
  download(new Blob([`${JSON.stringify(record)}\n`], { type: "application/json" }), "channels.json");
  return record;
}

function provenanceText(run) {
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

function savePicture(panes, colours) {
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

// js/explorer_own.js
function ownRun({ root, open, sample }) {
  const id = uid("fc-file");
  const input = el("input.fc-sr", { type: "file", id, accept: ".safetensors" });
  const status = el("p.fc-status", { role: "status", "aria-live": "polite" });
  const zone = el(
    "div.fc-drop",
    {},
    el("p.fc-title", {}, phrase("own.title")),
    el(
      "p",
      {},
      ...filled("own.drop", { command: el("code", {}, "fewchannels run") }),
    ),
    el("div.fc-droprow", {}, input, el("label.fc-button", { for: id }, phrase("own.choose")), sample ? el("a", { href: sample, download: "" }, phrase("own.sample")) : null),
    status,
  );
  let busy = 0;
  async function take(file) {
    const now = ++busy;
    status.classList.remove("fc-bad");
    setText(status, phrase("reading", { file: file.name }));
    try {
      const said = await open(file);
      if (now === busy) setText(status, said);
    } catch (error) {
      if (now !== busy) return;
      status.classList.add("fc-bad");
      setText(status, phrase("own.failed", { file: file.name, why: error.message }));
    }
  }
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  const carriesFile = (event) => Array.from(event.dataTransfer?.types || []).includes("Files");
  let depth = 0;
  const lit = (on) => zone.classList.toggle("fc-over-drop", on);
  root.addEventListener("dragenter", (event) => carriesFile(event) && (depth++, lit(true)));
  root.addEventListener("dragleave", (event) => carriesFile(event) && (--depth, lit(depth > 0)));
  root.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    lit(false);
    const { files } = event.dataTransfer;
    if (files.length !== 1) setText(status, phrase("own.single"));
    else take(files[0]);
  });
  return { node: zone, say: (text) => setText(status, text) };
}

function asker({ ask, edits = ASKED, prompt, steps, seed, marked, onrun }) {
  const id = uid("fc-ask");
  const text = el("input.fc-wide", { type: "text", id, value: prompt, maxlength: 500 });
  const choice = { seed, steps, how: "none" };
  const seedBox = stepper({ label: phrase("seed"), low: 0, onpick: (value) => set({ seed: value }) });
  const stepBox = stepper({ label: phrase("steps"), low: 1, onpick: (value) => set({ steps: value }) });
  const edit = dropdown({ label: phrase("edit"), options: ["none", ...edits.filter((name) => name !== "none")].map((value) => ({ value, text: known(`asked.${value}`) ? phrase(`asked.${value}`) : value })), onpick: (how) => set({ how }) });
  const run = el("button.fc-button.fc-strong", { type: "button" }, phrase("ask.run"));
  const cancel = el("button.fc-button", { type: "button", hidden: true }, phrase("cancel"));
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": phrase("ask.progress") });
  const status = el("p.fc-status", { role: "status", "aria-live": "polite" });
  function set(part) {
    Object.assign(choice, part);
    seedBox.set(choice.seed, 999999);
    stepBox.set(choice.steps, 200);
    edit.set(choice.how);
  }
  set({});
  let stop = null;
  cancel.addEventListener("click", () => stop?.abort());
  run.addEventListener("click", async () => {
    stop = new AbortController();
    run.disabled = true;
    cancel.hidden = bar.hidden = false;
    bar.value = 0;
    status.classList.remove("fc-bad");
    setText(status, phrase("ask.running"));
    try {
      const request = { prompt: text.value, seed: choice.seed, steps: choice.steps, ablate: choice.how === "none" ? null : { how: choice.how, channels: marked() } };
      const onProgress = (share) => {
        bar.value = share;
      };
      const made = await ask(request, { onProgress, signal: stop.signal });
      setText(status, onrun(made));
    } catch (error) {
      const cancelled = stop.signal.aborted;
      status.classList.toggle("fc-bad", !cancelled);
      setText(status, cancelled ? phrase("ask.cancelled") : phrase("ask.failed", { why: error.message }));
    }
    run.disabled = false;
    cancel.hidden = bar.hidden = true;
  });
  return {
    node: el(
      "div.fc-ask",
      {},
      el("p.fc-title", {}, phrase("ask.title")),
      el("div.fc-field", {}, el("label", { for: id }, phrase("prompt")), text),
      el("div.fc-fields", {}, seedBox.node, stepBox.node, edit.node),
      el("div.fc-droprow", {}, run, cancel, bar),
      status,
    ),
    stop: () => stop?.abort(),
  };
}

function askNeeds() {
  return el(
    "div.fc-ask",
    {},
    el("p.fc-title", {}, phrase("ask.needs.title")),
    el("p", {}, phrase("ask.needs")),
  );
}

// js/explorer_charts.js
function drawing(classes, width, height) {
  const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
  svg.classList.add(...classes);
  return svg;
}

const HEIGHT = 40;

function spread() {
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

function depthLines({ onmove }) {
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

// js/masks.js
const MAX_ITERATIONS = 100;
const POWER_ITERATIONS = 8;
const DRAWS = [
  [0.6369616873214543, 0.2697867137638703],
  [0.04097352393619469, 0.016527635528529094],
  [0.8132702392002724, 0.9127555772777217],
];

function scaledVectors(maps) {
  const count = maps[0].length;
  const vectors = new Float64Array(count * maps.length);
  maps.forEach((values, c) => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const span = high - low;
    if (span > 0) for (let i = 0; i < count; i++) vectors[i * maps.length + c] = (values[i] - low) / span;
  });
  return vectors;
}

function twoMeans(vectors, k) {
  const count = vectors.length / k;
  const centred = new Float64Array(vectors);
  for (let c = 0; c < k; c++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += vectors[i * k + c];
    for (let i = 0; i < count; i++) centred[i * k + c] -= sum / count;
  }
  let distinct = false;
  for (let i = k; i < vectors.length && !distinct; i++) distinct = vectors[i] !== vectors[i % k];
  if (!distinct) return null;
  let best = null;
  for (const start of starts(centred, k, count)) {
    const found = lloyd(centred, k, count, start);
    if (!best || found.gain > best.gain) best = found;
  }
  return best.labels;
}

function starts(x, k, count) {
  const squares = new Float64Array(count);
  let far = 0;
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < k; c++) squares[i] += x[i * k + c] * x[i * k + c];
    if (squares[i] > squares[far]) far = i;
  }
  let axis = x.slice(far * k, far * k + k);
  for (let round = 0; round < POWER_ITERATIONS; round++) {
    const size = Math.sqrt(dot(axis, 0, axis, 0, k));
    for (let c = 0; c < k; c++) axis[c] /= size;
    const next = new Float64Array(k);
    for (let i = 0; i < count; i++) {
      const along = dot(x, i * k, axis, 0, k);
      for (let c = 0; c < k; c++) next[c] += along * x[i * k + c];
    }
    axis = next;
  }
  const found = [splitBy(x, k, count, axis, 0)];
  for (const [first, second] of DRAWS) {
    const a = Math.floor(first * count);
    const reach = new Float64Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += Math.max(0, squares[i] - 2 * dot(x, i * k, x, a * k, k) + squares[a]);
      reach[i] = sum;
    }
    let b = 0;
    while (b < count - 1 && reach[b] < second * sum) b++;
    const plane = new Float64Array(k);
    for (let c = 0; c < k; c++) plane[c] = x[b * k + c] - x[a * k + c];
    found.push(splitBy(x, k, count, plane, (squares[b] - squares[a]) / 2));
  }
  return found;
}

function lloyd(x, k, count, labels) {
  let gain = 0;
  const total = new Float64Array(k);
  const plane = new Float64Array(k);
  for (let round = 0; round < MAX_ITERATIONS; round++) {
    total.fill(0);
    let members = 0;
    for (let i = 0; i < count; i++) {
      if (!labels[i]) continue;
      members++;
      for (let c = 0; c < k; c++) total[c] += x[i * k + c];
    }
    const here = Math.max(members, 1e-9);
    const there = Math.max(count - here, 1e-9);
    const size = dot(total, 0, total, 0, k);
    gain = size / here + size / there; // the points are centred: the other cluster's sum is the negative
    for (let c = 0; c < k; c++) plane[c] = total[c] / here + total[c] / there;
    const next = splitBy(x, k, count, plane, (size / here ** 2 - size / there ** 2) / 2);
    let moved = false;
    for (let i = 0; i < count && !moved; i++) moved = next[i] !== labels[i];
    labels = next;
    if (!moved) break;
  }
  return { labels, gain };
}

function splitBy(x, k, count, plane, offset) {
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) labels[i] = dot(x, i * k, plane, 0, k) > offset ? 1 : 0;
  return labels;
}

function dot(a, from, b, there, k) {
  let sum = 0;
  for (let c = 0; c < k; c++) sum += a[from + c] * b[there + c];
  return sum;
}

function subjectMask(maps, height, width) {
  const k = maps.length;
  const vectors = scaledVectors(maps);
  const labels = twoMeans(vectors, k);
  if (!labels) return null;
  const sums = [0, 0];
  const counts = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    counts[labels[i]]++;
    for (let c = 0; c < k; c++) sums[labels[i]] += vectors[i * k + c];
  }
  const larger = sums[1] / Math.max(counts[1], 1) > sums[0] / Math.max(counts[0], 1) ? 1 : 0;
  let edge = 0;
  let onEdge = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
      edge++;
      if (labels[y * width + x] === larger) onEdge++;
    }
  }
  const subject = onEdge / edge > 0.5 ? 1 - larger : larger;
  const mask = labels.map((label) => (label === subject ? 1 : 0));
  return { mask, share: counts[subject] / labels.length };
}

// js/explorer_maps.js
function extremes(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function drawMask(canvas, mask, height, width, over) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  mask.forEach((inside, i) => {
    const light = over ? 0 : inside ? 255 : 24;
    image.data.set([light, light, light, over ? (inside ? 0 : 190) : 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

function channelMaps({ onpick, onsame, onscale, onfail }) {
  const alone = el("canvas.fc-pixels", { role: "img" });
  const missingText = el("p");
  const offer = el("button.fc-button", { type: "button" });
  const missing = el("div.fc-missing", { hidden: true }, missingText, offer);
  const picture = el("canvas", { role: "img" });
  const over = el("canvas.fc-pixels.fc-over", { "aria-hidden": "true" });
  const noPicture = el("div.fc-missing", { hidden: true }, el("p", {}, phrase("maps.nopicture")));
  const marks = [el("span.fc-token", { hidden: true }), el("span.fc-token", { hidden: true })];
  const frames = [el("div.fc-frame", {}, alone, missing, marks[0]), el("div.fc-frame", {}, picture, over, noPicture, marks[1])];
  const mapTitle = el("figcaption");
  const overTitle = el("figcaption");
  const ramp = el("div.fc-ramp", { "aria-hidden": "true" });
  const ends = [el("span"), el("span")];
  const pointed = el("p.fc-pointed");
  const smallTitle = el("p.fc-title");
  const small = el("div.fc-small");
  const maskCanvas = el("canvas.fc-pixels", { role: "img" });
  const maskText = el("p.fc-caption");
  const maskBox = el("figure.fc-mask", {}, el("div.fc-frame", {}, maskCanvas), maskText);
  const node = el(
    "div.fc-looks",
    {},
    el("figure", {}, frames[0], mapTitle),
    el("figure", {}, frames[1], overTitle),
    el("div.fc-colours", {}, ramp, el("div.fc-ends", {}, ...ends)),
    pointed,
    el("div.fc-sets", {}, smallTitle, el("div.fc-setrow", {}, small, maskBox)),
  );
  const tiles = [];
  let now = null; // what is asked for
  let found = null; // { map, maps, mask }
  let place = null;
  let offered = -1;
  let common = null;
  offer.addEventListener("click", () => offered >= 0 && onpick(offered));

  function tile(i) {
    if (tiles[i]) return tiles[i];
    const canvas = el("canvas.fc-pixels");
    const label = el("span");
    const button = el("button.fc-tile", { type: "button", onclick: () => (tiles[i].channel === now.pane.channel ? onsame(tiles[i].channel) : onpick(tiles[i].channel)) }, canvas, label);
    tiles[i] = { button, canvas, label, channel: -1 };
    small.append(button);
    return tiles[i];
  }
  function point() {
    const [height, width] = now.grid;
    const on = place !== null && found?.map;
    for (const mark of marks) {
      mark.hidden = !on;
      if (!on) continue;
      mark.style.left = `${(100 * place.column) / width}%`;
      mark.style.top = `${(100 * place.row) / height}%`;
      mark.style.width = `${100 / width}%`;
      mark.style.height = `${100 / height}%`;
    }
    setText(pointed, on ? phrase("token.value", { row: place.row + 1, column: place.column + 1, value: number(found.map.values[place.row * width + place.column]) }) : note());
  }
  function note() {
    if (!found?.map) return "";
    return now.kept === now.pane.step ? phrase("maps.point") : phrase("maps.nearest", { step: now.run.steps[now.kept] + 1 });
  }
  for (const frame of frames) {
    const move = (event) => {
      if (!now) return;
      const [height, width] = now.grid;
      const box = frame.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * width);
      const row = Math.floor(((event.clientY - box.top) / box.height) * height);
      place = row >= 0 && row < height && column >= 0 && column < width ? { row, column } : null;
      point();
    };
    frame.addEventListener("pointermove", move);
    frame.addEventListener("pointerdown", move);
    frame.addEventListener("pointerleave", () => {
      place = null;
      if (now) point();
    });
  }

  function paintMap() {
    const { map } = found;
    const own = map ? extremes(map.values) : null;
    alone.hidden = !map;
    ramp.parentNode.style.visibility = map ? "visible" : "hidden";
    missing.hidden = Boolean(map);
    if (map) {
      const scale = scaleFor(common ? common.low : own.low, common ? common.high : own.high);
      drawValues(alone, map.values, map.width, map.height, scale);
      if (now.state.over === "map") drawValues(over, map.values, map.width, map.height, scale);
      ramp.style.background = gradient(scale.palette);
      setText(ends[0], number(scale.low));
      setText(ends[1], number(scale.high));
      alone.setAttribute("aria-label", phrase("map.label", { channel: now.pane.channel, height: map.height, width: map.width, low: number(own.low), high: number(own.high) }));
    } else {
      const { run, pane } = now;
      const kept = run.mapChannels(pane.layer);
      offered = kept.includes(now.marked[0]) ? now.marked[0] : kept.length ? kept[0] : -1;
      const why = pane.prompt < 0 ? phrase("maps.oneprompt") : !run.mapPrompts.includes(pane.prompt) ? phrase("maps.noprompt") : phrase("map.unkept", { channel: pane.channel });
      setText(missingText, why);
      offer.hidden = pane.prompt < 0 || !run.mapPrompts.includes(pane.prompt) || offered < 0;
      setText(offer, phrase("show.channel", { channel: offered }));
    }
    setText(mapTitle, phrase("channel.place", { channel: now.pane.channel, block: now.pane.layer, step: now.run.steps[now.kept ?? now.pane.step] + 1 }));
    point();
    return own;
  }

  function paintMask() {
    const [height, width] = now.grid;
    const { mask } = found;
    const showMask = Boolean(mask);
    maskBox.classList.toggle("fc-none", !showMask);
    if (showMask) {
      drawMask(maskCanvas, mask.mask, height, width, false);
      maskCanvas.setAttribute("aria-label", phrase("mask.label", { count: found.maps.length, share: percent(mask.share) }));
    }
    setText(maskText, showMask ? phrase(found.few ? "mask.some" : "mask.all", { count: found.maps.length, share: percent(mask.share) }) : phrase("mask.none"));
    if (now.state.over === "mask" && showMask) drawMask(over, mask.mask, height, width, true);
    over.hidden = now.state.over === "none" || (now.state.over === "mask" ? !showMask : !found.map);
    over.style.opacity = now.state.opacity / 100;
    const what = { map: found.map ? phrase("over.title.map") : phrase("over.title.none"), mask: showMask ? phrase("over.title.mask") : phrase("over.title.none"), none: phrase("over.title.none") };
    setText(overTitle, `${what[now.state.over]}${now.pane.cond ? ` (${now.pane.cond})` : ""}`);
  }

  const drawMaps = latest(([map, ...some]) => {
    const maps = some.filter(Boolean);
    const { pane, kept, marked } = now;
    const mask = maps.length ? now.source.derived(`mask ${pane.prompt} ${pane.layer} ${kept} ${marked}`, () => subjectMask(maps.map((m) => m.values), maps[0].height, maps[0].width), maps[0].values.length) : null;
    found = { map, maps, few: maps.length < some.length, mask };
    let shown = 0;
    some.forEach((given, i) => {
      if (!given) return;
      const one = tile(shown++);
      one.channel = now.marked[i];
      if (one.drawn !== given) drawValues(one.canvas, given.values, given.width, given.height, { palette: "sequential", ...extremes(given.values) });
      one.drawn = given;
      one.canvas.style.aspectRatio = `${given.width} / ${given.height}`;
      setText(one.label, String(one.channel));
      one.button.setAttribute("aria-label", phrase("show.channel", { channel: one.channel }));
      one.button.classList.toggle("fc-is-chosen", one.channel === now.pane.channel);
    });
    tiles.forEach((one, i) => (one.button.hidden = i >= shown));
    setText(smallTitle, found.few ? phrase("maps.few", { set: now.label, count: maps.length, all: some.length }) : now.label);
    const own = paintMap();
    paintMask();
    onscale(own);
  }, onfail);

  const drawPicture = latest((image) => {
    noPicture.hidden = Boolean(image);
    picture.hidden = !image;
    if (!image || picture.drawn === image) return;
    picture.width = image.naturalWidth;
    picture.height = image.naturalHeight;
    picture.classList.toggle("fc-pixels", image.naturalWidth <= 128);
    picture.getContext("2d").drawImage(image, 0, 0);
    picture.drawn = image;
  }, onfail);

  return {
    node,
    layers: () => ({ alone: alone.hidden ? null : alone, picture: picture.hidden ? null : picture, over: over.hidden ? null : over, opacity: now.state.opacity / 100, mask: maskBox.classList.contains("fc-none") ? null : maskCanvas, grid: now.grid, titles: [mapTitle.textContent, overTitle.textContent, maskText.textContent] }),
    show(source, view, state, label) {
      const { run, pane, marked } = view;
      const kept = run.mapPrompts.includes(pane.prompt) ? nearestKept(run.mapSteps, pane.step) : null;
      now = { source, run, pane, marked, state, label, kept, grid: run.grid || [1, 1] };
      for (const frame of [...frames, maskCanvas.parentNode]) frame.style.aspectRatio = `${now.grid[1]} / ${now.grid[0]}`;
      drawMaps(kept === null ? [null, ...marked.map(() => null)] : source.maps(pane.prompt, pane.layer, kept, [pane.channel, ...marked]));
      picture.setAttribute("aria-label", phrase("picture.of", { prompt: run.prompts[Math.max(0, pane.prompt)] ?? phrase("none") }));
      drawPicture(pane.prompt < 0 ? null : source.picture(pane.prompt, pane.cond));
    },
    rescale(range) {
      common = range;
      if (found) paintMap();
    },
  };
}

// js/explorer_pane.js
const ROWS = 16;

function explorerPane({ index, controls, change, global, onfail, onscores, onmaps }) {
  let source = null;
  let pane = null;
  let state = null;
  let view = null; // { run, scores, pane, marked }, once there are scores
  let common = null;

  const hint = bubble();
  const heat = heatMap({ onmove: change });
  const ranks = rankedList(ROWS, phrase("marked"), true, (channel) => change({ channel }), phrase("marked"));
  const finder = channelFinder({ current: () => ({ channel: Math.max(0, pane.channel), width: source.run.width }), onpick: (channel) => change({ channel }) });
  const maps = channelMaps({ onpick: (channel) => change({ channel }), onsame: (channel) => hint.say(phrase("channel.shown", { channel })), onscale: (scale) => onmaps(index, scale), onfail });
  const facts = readouts([phrase("score"), phrase("rank"), phrase("against.median"), phrase("marked.share")]);
  const chart = spread();
  const lines = depthLines({ onmove: change });
  const pinList = el("ul.fc-pins");
  const stripHolder = el("div");
  const pinButton = el("button.fc-button", { type: "button", onclick: togglePin });
  const goHere = el("button.fc-button", { type: "button", title: phrase("largest.here.title"), onclick: toLargest }, phrase("largest.here"));
  const goPeak = el("button.fc-button", { type: "button", title: phrase("peak.title"), onclick: toPeakOf }, phrase("peak"));
  const head = el("p.fc-panename");
  const node = el(
    "section.fc-pane",
    {},
    head,
    controls.node,
    heat.node,
    el("div.fc-pick", {}, finder.node, goHere, goPeak, pinButton, hint.node),
    el(
      "div.fc-cols",
      {},
      ranks.node,
      maps.node,
      el("div.fc-side", {}, facts.node, chart.node),
      el("div.fc-follow", {}, el("div.fc-followed-lines", {}, lines.node, pinList), stripHolder),
    ),
  );
  let pinsShown = "";
  let strip = null;
  let stripOfRun = null;

  function togglePin() {
    const pins = pinsOf(state);
    const next = pins.includes(pane.channel) ? pins.filter((c) => c !== pane.channel) : [...pins, pane.channel];
    if (next.length > MAX_PINS) hint.say(phrase("pins.most", { count: MAX_PINS }));
    else global({ pins: next.join("-") });
  }
  function toLargest() {
    if (!view) return;
    const channel = largest(view.scores, pane.layer * source.run.width, source.run.width, 1)[0];
    if (channel === pane.channel) hint.say(phrase("largest.here.already", { channel }));
    else change({ channel });
  }
  async function toPeakOf() {
    const { channel } = pane;
    try {
      const values = await source.alongTime(pane.score, pane.prompt, channel);
      const best = largest(values, 0, values.length, 1)[0];
      const there = { layer: Math.floor(best / source.run.steps.length), step: best % source.run.steps.length };
      if (there.layer === pane.layer && there.step === pane.step) hint.say(phrase("peak.already", { channel }));
      else change(there);
    } catch (error) {
      onfail(error);
    }
  }
  function showPins() {
    const pins = pinsOf(state);
    setText(pinButton, pins.includes(pane.channel) ? phrase("unpin") : phrase("pin"));
    pinButton.setAttribute("aria-pressed", String(pins.includes(pane.channel)));
    const key = `${pane.channel} ${state.pins}`;
    if (key === pinsShown) return;
    pinsShown = key;
    const focused = pinList.contains(document.activeElement);
    const all = [pane.channel, ...pins.filter((c) => c !== pane.channel)];
    pinList.replaceChildren(
      ...all.map((channel, i) => {
        const pinned = pins.includes(channel);
        const swatch = el("i.fc-line-swatch", { "data-pin": pins.indexOf(channel) });
        const name = el("button.fc-pinname", { type: "button", onclick: () => change({ channel }) }, swatch, String(channel));
        if (i === 0) name.disabled = true;
        const away = el("button.fc-away", { type: "button", "aria-label": phrase("unpin.channel", { channel }), onclick: () => global({ pins: pins.filter((c) => c !== channel).join("-") }) }, "×");
        return el("li", { class: i === 0 ? "fc-is-chosen" : null }, name, pinned ? away : null);
      }),
      el("li.fc-plain", {}, el("i.fc-line-swatch", { "data-pin": "mean" }), phrase("mean.all")),
    );
    if (focused) (pinList.querySelector("button:not(:disabled)") || pinButton).focus();
  }

  const drawShare = latest((energy) => {
    const start = pane.layer * source.run.width;
    let all = 0;
    let some = 0;
    for (let i = 0; i < source.run.width; i++) all += energy[start + i];
    for (const c of view.marked) some += energy[start + c];
    view.share = some / (all || 1);
    const value = view.scores[start + pane.channel];
    facts.show([figures(value), phrase("rank.of", { rank: view.rank, count: source.run.width }), view.median > 0 ? `${number(value / view.median)} ×` : "–", percent(view.share)]);
  }, onfail);

  const drawStrip = latest((values) => {
    let high = 0;
    for (const value of values) if (value > high) high = value;
    strip.show({ strip: { values, high } }, pane);
  }, onfail);

  const drawScores = latest((scores) => {
    const { run } = source;
    const { width } = run;
    const pins = pinsOf(state);
    const start = pane.layer * width;
    const marked = markedChannels(run, scores, pane, pins);
    if (pane.channel < 0) {
      pane = { ...pane, channel: marked[0] ?? 0 };
      change({ channel: pane.channel });
    }
    const middle = source.derived(`median ${pane.score} ${pane.prompt} ${pane.step} ${pane.layer}`, () => median(scores, start, width));
    view = { run, scores, pane, marked, median: middle, rank: rankOf(scores, start, width, pane.channel) };
    heat.show(view, state, common);
    const order = largest(scores, start, width, Math.min(ROWS, width));
    const most = scores[start + order[0]] || 1;
    const isMarked = new Set(marked);
    const kept = new Set(run.mapPrompts.includes(pane.prompt) ? run.mapChannels(pane.layer) : []);
    ranks.show(
      {
        list: order.map((channel) => ({ channel, value: scores[start + channel], length: Math.max(0, scores[start + channel] / most), top: isMarked.has(channel), map: kept.has(channel), chosen: channel === pane.channel })),
        medianLength: Math.min(1, view.median / most),
      },
      phrase("pane.ranked", { score: phrase(`score.${pane.score}`), block: pane.layer }),
    );
    maps.show(source, view, state, markedText(run, pane));
    chart.show(view);
    lines.show(view, pins, state.scale);
    finder.show();
    showPins();
    drawShare(run.scoreNames.includes("energy") ? source.scores("energy", pane.prompt, pane.step) : scores);
    drawStrip(source.alongTime(pane.score, pane.prompt, pane.channel));
    onscores(index, { most: heat.largest(), marked });
  }, onfail);

  return {
    node,
    heat,
    maps,
    view: () => view,
    name: () => head.textContent,
    sentence: () =>
      view
        ? phrase("pane.told", { channel: pane.channel, block: pane.layer, step: source.run.steps[pane.step] + 1, value: number(view.scores[pane.layer * source.run.width + pane.channel]), rank: ordinal(view.rank), count: source.run.width })
        : "",
    show(nextSource, nextPane, nextState, name) {
      if (nextSource !== source) view = null;
      [source, pane, state] = [nextSource, nextPane, nextState];
      setText(head, name);
      head.hidden = !state.two;
      node.setAttribute("aria-label", name || phrase("view"));
      hint.say("");
      if (stripOfRun !== source.run) {
        stripOfRun = source.run;
        strip = depthStrip({ counts: { layers: source.run.layers.length, steps: source.run.steps.length }, steps: source.run.steps }, change);
        stripHolder.replaceChildren(strip.node);
      }
      drawScores(source.scores(pane.score, pane.prompt, pane.step));
    },
    recolour(range) {
      if (range === common) return;
      common = range;
      if (view) heat.show(view, state, common);
    },
  };
}

// js/run_maps.js
function mapTable(groups) {
  const union = (lists) => [...new Set(lists.flat())].sort((a, b) => a - b);
  return {
    channels: (layer) => [...new Set(groups.flatMap((group) => group.channels[layer] || []))],
    prompts: union(groups.map((group) => group.prompts)),
    steps: union(groups.map((group) => group.steps)),
    find(prompt, layer, step, channel) {
      for (let group = 0; group < groups.length; group++) {
        const { channels, prompts, steps } = groups[group];
        const at = { group, prompt: prompts.indexOf(prompt), layer, step: steps.indexOf(step), channel: (channels[layer] || []).indexOf(channel) };
        if (at.prompt >= 0 && at.step >= 0 && at.channel >= 0) return at;
      }
      return null;
    },
  };
}

// js/packed_run.js
async function openPacked(data, blob) {
  const buffer = await inflate(blob);
  return data.runs.map((header) => packedRun(header, buffer));
}

function packedRun(header, buffer) {
  const [prompts, layers, steps, width] = header.shape;
  const unpacked = new Map();
  const pictures = new Map();
  const groups = header.maps.map((group) => ({ ...group, reader: mapReader(buffer, group.values) }));
  const table = mapTable(groups);

  function values(score) {
    if (!header.scores[score]) throw new Error(phrase("run.noscore", { score }));
    if (!unpacked.has(score)) unpacked.set(score, logValues(buffer, header.scores[score]));
    return unpacked.get(score);
  }
  const places = (prompt) => (prompts === 1 ? [0] : prompt < 0 ? Array.from({ length: prompts }, (_, i) => i) : [prompt]);

  return {
    ...header.about,
    width,
    perPrompt: header.per_prompt,
    scoreNames: Object.keys(header.scores),
    conditions: Object.keys(header.images),
    async scores(score, prompt, step) {
      const all = values(score);
      const chosen = places(prompt);
      const out = new Float32Array(layers * width);
      for (const place of chosen) {
        for (let layer = 0; layer < layers; layer++) {
          const start = ((place * layers + layer) * steps + step) * width;
          for (let i = 0; i < width; i++) out[layer * width + i] += all[start + i] / chosen.length;
        }
      }
      return out;
    },
    async alongTime(score, prompt, channel) {
      const all = values(score);
      const chosen = places(prompt);
      const out = new Float32Array(layers * steps);
      for (const place of chosen) {
        for (let i = 0; i < layers * steps; i++) out[i] += all[(place * layers * steps + i) * width + channel] / chosen.length;
      }
      return out;
    },
    mapChannels: table.channels,
    mapPrompts: table.prompts,
    mapSteps: table.steps,
    async map(prompt, layer, step, channel) {
      const at = table.find(prompt, layer, step, channel);
      if (!at) return null;
      const { reader, channels, steps: kept } = groups[at.group];
      const index = ((at.prompt * layers + layer) * kept.length + at.step) * channels[layer].length + at.channel;
      return { values: reader.read(index), height: reader.height, width: reader.width };
    },
    async picture(prompt, condition = "") {
      const shown = header.images[condition];
      const bytes = shown && shown.bytes[prompt];
      if (!bytes) return null;
      const name = `${condition}/${prompt}`;
      if (!pictures.has(name)) {
        pictures.set(name, URL.createObjectURL(new Blob([arrayOf(buffer, bytes)], { type: "image/webp" })));
      }
      return { url: pictures.get(name), width: shown.width, height: shown.height };
    },
    ask: null,
    close() {
      for (const url of pictures.values()) URL.revokeObjectURL(url);
      pictures.clear();
      unpacked.clear();
    },
  };
}

// js/kernel.js
function kernelAsker(model, given) {
  if (!given || typeof model.send !== "function") return null;
  const nonce = Math.random().toString(36).slice(2);
  let asked = 0;
  return function ask(request, { onProgress = () => {}, signal } = {}) {
    const id = `${nonce}-${++asked}`;
    return new Promise((resolve, reject) => {
      const hear = async (message, buffers) => {
        if (!message || message.id !== id) return;
        if (message.kind === "progress") {
          onProgress(message.share);
          return;
        }
        leave();
        try {
          if (message.kind !== "run") throw new Error(message.text);
          const [run] = await openPacked({ runs: [message.run] }, buffers[0]);
          resolve(withKernel(run, ask, given));
        } catch (error) {
          reject(error);
        }
      };
      const cancel = () => {
        leave();
        model.send({ kind: "cancel", id });
        reject(new DOMException(phrase("kernel.cancelled"), "AbortError"));
      };
      const leave = () => {
        model.off("msg:custom", hear);
        if (signal) signal.removeEventListener("abort", cancel);
      };
      if (signal && signal.aborted) {
        reject(new DOMException(phrase("kernel.cancelled"), "AbortError"));
        return;
      }
      model.on("msg:custom", hear);
      if (signal) signal.addEventListener("abort", cancel);
      model.send({ kind: "ask", id, request });
    });
  };
}

function withKernel(run, ask, { edits }) {
  return { ...run, ask, edits };
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

// js/link_button.js
function linkButton(key, store, classes = "fc-quiet") {
  const button = el(`button.fc-button.${classes}`, { type: "button" }, phrase("link.copy"));
  button.addEventListener("click", async () => {
    const hash = toHash(key, store.get());
    try {
      history.replaceState(history.state, "", hash);
      await navigator.clipboard.writeText(location.href);
      setText(button, phrase("link.copied"));
    } catch {
      setText(button, location.hash === hash ? phrase("link.address") : phrase("link.none"));
    }
    setTimeout(() => setText(button, phrase("link.copy")), 2500);
  });
  return button;
}

// js/run_error.js
class RunFileError extends Error {
  constructor(message) {
    super(message);
    this.name = "RunFileError";
  }
}

function refuse(message) {
  throw new RunFileError(message);
}

function quoted(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const plain = String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
  return `"${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}"`;
}

// js/run_file.js
const PATIENCE = 60_000; // ms that opening may take

async function openRun(file, { key = "file", connect = connectReader } = {}) {
  const port = await connect().catch(() => {
    throw new RunFileError(phrase("reader.forbidden"));
  });
  const waiting = new Map();
  let asked = 0;
  let lost = null;
  port.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id) || {};
    waiting.delete(id);
    if (reject && error !== undefined) reject(new RunFileError(error));
    else if (resolve) resolve(value);
  };
  const fail = (message) => {
    lost = new RunFileError(message);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    port.close();
  };
  port.onfail = () => fail(phrase("reader.stopped"));
  const ask = (name, given) =>
    new Promise((resolve, reject) => {
      if (lost) {
        reject(lost);
        return;
      }
      waiting.set(++asked, { resolve, reject });
      port.postMessage({ id: asked, name, given });
    });

  const timer = setTimeout(() => fail(phrase("reader.late", { seconds: PATIENCE / 1000 })), PATIENCE);
  try {
    const { about, maps } = await ask("open", file);
    const run = fileRun(about, maps, ask, key, () => fail(phrase("reader.closed")));
    await run.scores(run.scoreNames.includes(run.score) ? run.score : run.scoreNames[0], 0, run.steps.length >> 1);
    return run;
  } catch (error) {
    fail(phrase("reader.closed"));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function fileRun(about, maps, ask, key, close) {
  const table = mapTable(maps);
  const pictures = new Map();
  return {
    ...about,
    key,
    precision: phrase("reader.precision"),
    scores: (score, prompt, step) => ask("scores", { score, prompt, step }),
    alongTime: (score, prompt, channel) => ask("alongTime", { score, prompt, channel }),
    mapChannels: table.channels,
    mapPrompts: table.prompts,
    mapSteps: table.steps,
    async map(prompt, layer, step, channel) {
      const at = table.find(prompt, layer, step, channel);
      return at && ask("map", { at });
    },
    async picture(prompt, condition = "") {
      const name = `${prompt} ${condition}`;
      if (!pictures.has(name)) {
        const found = await ask("picture", { prompt, condition });
        if (!found) return null;
        const url = URL.createObjectURL(new Blob([found.bytes], { type: "image/webp" }));
        pictures.set(name, { url, width: found.width, height: found.height });
      }
      return pictures.get(name);
    },
    ask: null,
    close() {
      for (const { url } of pictures.values()) URL.revokeObjectURL(url);
      pictures.clear();
      close();
    },
  };
}

async function connectReader() {
  const url = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const spoken = `${RUN_WORKER}\nspeak(${JSON.stringify(language())});`; // a worker sees no page that has a language
  const program = url(`${spoken}\nserveRuns(self);`);
  try {
    return await new Promise((resolve, reject) => {
      const worker = new Worker(program);
      setTimeout(reject, 10_000, new Error("no answer")); // refused without a word, in some browsers
      const port = { postMessage: (message) => worker.postMessage(message), close: () => worker.terminate() };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error("no worker"));
        if (port.onfail) port.onfail();
      };
      worker.onmessage = () => {
        worker.onmessage = (event) => port.onmessage(event);
        resolve(port);
      };
    });
  } catch {
    return besides((await import(url(`${spoken}\nexport { serveRuns };`))).serveRuns);
  } finally {
    URL.revokeObjectURL(program);
  }
}

function besides(serve) {
  const far = { postMessage: (data) => setTimeout(() => near.onmessage({ data }), 0) };
  const near = { onmessage: () => {}, postMessage: (data) => setTimeout(() => far.onmessage && far.onmessage({ data }), 0), close: () => (far.onmessage = null) };
  serve(far);
  return near;
}

// js/explorer.js
const ALL_FIELDS = ["run", "prompt", "layer", "step", "score", "set", "k", "draw", "cond"];
const SHARED_SCALE = ["prompt", "step", "layer", "set", "cond"]; // comparisons within one run: colours mean the same

async function openExplorer(header, blob, model) {
  const runs = await openPacked(header, blob);
  const ask = kernelAsker(model, header.ask);
  return { ...header, runs: ask ? runs.map((run) => withKernel(run, ask, header.ask)) : runs, wanted: null };
}

function stateOf(data, given) {
  const beyond = Math.max(Number(given.run) || 0, given.two === "1" ? Number(given.run2) || 0 : 0);
  if (beyond >= data.runs.length) data.wanted = { ...given };
  return explorerState(data, given);
}

const explorerKind = {
  open: openExplorer,
  state: stateOf,
  own: true, // has its own button for links
  build(root, data, store, host) {
    root.classList.add("fc-explorer");
    const sources = data.runs.map(sourceOf);
    const set = (part) => store.set({ ...store.get(), ...part });
    const failure = el("p.fc-status.fc-bad", { role: "alert" });
    const onfail = (error) => setText(failure, error.message);
    const found = [null, null]; // what each pane last drew: { most, marked }
    const mapScales = [null, null];

    const extraScale = dropdown({ label: phrase("colours"), options: [{ value: "log", text: phrase("colours.log") }, { value: "linear", text: phrase("colours.linear") }, { value: "block", text: phrase("colours.block") }], onpick: (scale) => set({ scale }) });
    const extraOver = dropdown({ label: phrase("over"), options: [{ value: "map", text: phrase("over.map") }, { value: "mask", text: phrase("over.mask") }, { value: "none", text: phrase("over.none") }], onpick: (over) => set({ over }) });
    const extraOpacity = slider({ label: phrase("opacity"), count: 101, onpick: (opacity) => set({ opacity }) });
    const shared = paneControls({ sources, onchange: (part) => set(part), extra: [extraScale.node, extraOver.node, extraOpacity.node] });
    function newPane(index) {
      const change = (part) => set(paneChange(data, store.get(), index, linkedMove(index, part)));
      const controls = paneControls({ sources, onchange: change });
      const pane = explorerPane({ index, controls, change, global: set, onfail, onscores: drew, onmaps: scaled });
      return { ...pane, controls };
    }
    const panes = [newPane(0)];
    const body = el("div.fc-panes", {}, panes[0].node);

    function linkedMove(index, part) {
      const state = store.get();
      if (index === 0 || state.by !== "run") return part;
      const [own, first] = [data.runs[state.run2], data.runs[state.run]];
      const along = (value, have, want) => (have > 1 ? Math.round((value / (have - 1)) * (want - 1)) : 0);
      const out = { ...part };
      if ("layer" in part) out.layer = along(part.layer, own.layers.length, first.layers.length);
      if ("step" in part) out.step = along(part.step, own.steps.length, first.steps.length);
      return out;
    }

    const name = el("p.fc-head");
    const origin = el("p.fc-origin");
    const views = choices({ label: phrase("view"), kind: "fc-seg.fc-unlabelled", options: [{ value: 0, content: phrase("view.one") }, { value: 1, content: phrase("view.two") }], onpick: (two) => store.set(two ? compareBy(data, store.get(), store.get().by) : { ...store.get(), two: 0 }) });
    const by = dropdown({ label: phrase("differ"), options: Object.keys(COMPARISONS).map((value) => ({ value, text: phrase(`compare.${value}`) })), onpick: (value) => store.set(compareBy(data, store.get(), value)) });
    const both = el("p.fc-both");
    const hint = bubble();
    const png = el("button.fc-button", { type: "button" }, phrase("save.png"));
    const json = el("button.fc-button", { type: "button", title: phrase("save.json.title") }, phrase("save.json"));
    png.addEventListener("click", async () => {
      const style = getComputedStyle(root);
      const colours = { ground: style.getPropertyValue("--fc-bg"), ink: style.getPropertyValue("--fc-text"), soft: style.getPropertyValue("--fc-soft") };
      const shown = panes.filter((pane) => pane.view());
      try {
        await savePicture(shown, colours);
        hint.say(phrase("saved", { file: "explorer.png" }));
      } catch (error) {
        onfail(error);
      }
    });
    json.addEventListener("click", () => {
      const view = panes[0].view();
      const pins = pinsOf(store.get());
      if (!view) return;
      if (!channelSet(view.run, view.scores, view.pane, pins).indices.some((row) => row.length)) {
        hint.say(phrase("explorer.unmarked"));
        return;
      }
      saveChannels(view, pins);
      hint.say(phrase("saved", { file: "channels.json" }));
    });
    const actions = [host === "page" ? linkButton(data.key, store, "fc-strong") : null, png, json, hint.node];
    const modes = el("div.fc-modes", {}, by.node, both);
    const own = ownRun({ root, open: openFile, sample: data.sample || "" });
    const askable = data.runs.find((run) => run.ask);
    const ask = askable
      ? asker({ ask: askable.ask, edits: askable.edits, prompt: askable.prompts[0] || "", steps: askable.steps.length, seed: Number(askable.seed) || 0, marked: markedNow, onrun: (run) => added(run, true) })
      : null;
    const note = el("p.fc-precision");
    const live = announcer();
    root.append(
      el("div.fc-topbar", {}, el("div", {}, name, origin), el("div.fc-actions", {}, views.node, ...actions)),
      modes,
      shared.node,
      failure,
      body,
      note,
      el("div.fc-more", {}, own.node, ask ? ask.node : askNeeds()),
      live.node,
    );
    if (data.wanted) own.say(phrase("explorer.wanted"));

    function markedNow() {
      const { run, scores, pane } = panes[0].view();
      return channelSet(run, scores, pane, pinsOf(store.get()));
    }
    async function openFile(file) {
      const run = await openRun(file, { key: `file${data.runs.length}` });
      return added({ ...run, label: file.name }, store.get().two === 1);
    }
    function added(run, beside) {
      data.runs.push(run);
      sources.push(sourceOf(run));
      const at = data.runs.length - 1;
      const state = store.get();
      const wanted = data.wanted;
      data.wanted = null;
      if (wanted) store.set(explorerState(data, wanted));
      else if (beside) store.set(explorerState(data, { ...state, two: 1, by: "run", run: at === state.run ? 0 : state.run, run2: at, channel2: -1 }));
      else store.set(explorerState(data, { ...state, run: at, prompt: 0, channel: -1, cond: undefined, set: undefined }));
      return counted("explorer.added", run.prompts.length, {}, { run: run.label, blocks: run.layers.length, channels: run.width, steps: run.steps.length });
    }
    function comparable(state) {
      return Boolean(state.two) && (SHARED_SCALE.includes(state.by) || (state.by === "run" && sameModel(data, state)));
    }

    function drew(index, what) {
      found[index] = what;
      const state = store.get();
      const common = comparable(state) && found[0] && found[1] ? Math.max(found[0].most, found[1].most) : null;
      panes.forEach((pane) => pane.recolour(common));
      if (state.two && found[0] && found[1]) {
        const [a, b] = [data.runs[paneState(data, state, 0).run], data.runs[paneState(data, state, 1).run]];
        const shares = a.width === b.width ? found[0].marked.filter((c) => found[1].marked.includes(c)).length : null;
        setText(both, shares === null ? "" : phrase("explorer.both", { shared: shares, count: found[0].marked.length }));
      }
    }
    function scaled(index, scale) {
      mapScales[index] = scale;
      const state = store.get();
      const joint = comparable(state) && state.by !== "set" && mapScales.every(Boolean)
        ? { low: Math.min(mapScales[0].low, mapScales[1].low), high: Math.max(mapScales[0].high, mapScales[1].high) }
        : null;
      panes.forEach((pane) => pane.maps.rescale(joint));
    }

    let first = true;
    return {
      stop() {
        live.stop();
        ask?.stop();
        sources.forEach((source) => source.close());
      },
      show(state) {
        const { two } = state;
        const free = two ? COMPARISONS[state.by].fields : [];
        const run = data.runs[state.run];
        root.classList.toggle("fc-two", Boolean(two));
        setText(failure, "");
        setText(name, data.title || phrase("explorer.size", { channels: run.width, blocks: run.layers.length, steps: run.steps.length }));
        setText(origin, provenanceText(run));
        views.set(two);
        by.set(state.by);
        modes.hidden = !two;
        extraScale.set(state.scale);
        extraOver.set(state.over);
        extraOpacity.set(state.opacity, `${state.opacity} %`);
        shared.show(sources[state.run], paneState(data, state, 0), [...ALL_FIELDS.filter((field) => !free.includes(field)), "view"]);
        if (two && panes.length < 2) body.append(panes[panes.push(newPane(1)) - 1].node);
        if (!two && panes.length > 1) {
          panes.pop().node.remove();
          found[1] = mapScales[1] = null;
        }
        panes.forEach((pane, index) => {
          const values = paneState(data, state, index);
          const source = sources[values.run];
          pane.controls.show(source, values, ALL_FIELDS.filter((field) => free.includes(field)));
          pane.show(source, values, state, two ? `${"AB"[index]}${state.by === "run" ? ` · ${runText(source.run)}` : ""}` : "");
        });
        if (!two) panes.forEach((pane) => (pane.recolour(null), pane.maps.rescale(null)));
        const edited = panes.some((_, index) => paneState(data, state, index).cond);
        const merged = !run.perPrompt && run.prompts.length > 1;
        setText(note, [edited && phrase("explorer.edited"), run.precision, merged && phrase("explorer.merged")].filter(Boolean).join(" "));
        if (!first) live.say(panes.map((pane, i) => (two ? `${"AB"[i]}: ` : "") + pane.sentence()).join(" "));
        first = false;
      },
      note: "",
    };
  },
};

// js/flipbook_state.js
async function openFlipbook(header, blob) {
  const buffer = await inflate(blob);
  const numbers = header.numbers.map((given) => ({
    ...given,
    value: arrayOf(buffer, given.value),
    low: given.low ? arrayOf(buffer, given.low) : null,
    high: given.high ? arrayOf(buffer, given.high) : null,
  }));
  const skyline = header.skyline && {
    ...header.skyline,
    width: header.skyline.chosen.shape[1],
    sizes: logValues(buffer, header.skyline.sizes),
    chosen: arrayOf(buffer, header.skyline.chosen),
  };
  return { ...header, numbers, skyline };
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

// js/skyline.js
const TALL = 100;
const HEADROOM = 1.25;

function skylineRow({ sizes, chosen, names, width, first }, cell, row) {
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

function skyline(given) {
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

// js/flipbook.js
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

// js/render.js
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

function rendererOf(kinds) {
  return (given) => renderKind(kinds, given);
}

async function renderKind(kinds, { model, el: place, host }) {
  const root = place.classList.contains("fc-widget") ? place : place.appendChild(el("div.fc-widget", { role: "group" }));
  const header = model.get("data");
  try {
    const kind = kinds[model.get("kind")];
    if (!kind) throw new Error(phrase("widget.unknown", { kind: model.get("kind") }));
    const data = await kind.open(header, model.get("blob"), model);
    const linked = host === "page" ? fromHash(data.key, location.hash) : null;
    const store = createStore(kind.state(data, linked || model.get("state")));
    addStyle(root);
    root.setAttribute("aria-label", data.label);
    root.replaceChildren();
    if (data.title && !kind.own) root.append(el("p.fc-head", {}, data.title));
    const page = kind.build(root, data, store, host);
    const foot = el("div.fc-foot", {}, el("p", {}, page.note));
    const linkable = host === "page" && !kind.own;
    if (linkable) foot.append(linkButton(data.key, store));
    if (page.note || linkable) root.append(foot);
    store.subscribe(page.show);
    page.show(store.get());
    const unfollow = follow(model, kind, data, store);
    root.setAttribute("data-fc-ready", "");
    if (linked) root.scrollIntoView({ block: "start" });
    const onhash = () => {
      const next = fromHash(data.key, location.hash);
      if (!next) return;
      store.set(kind.state(data, next));
      root.scrollIntoView({ block: "start" });
    };
    const onlink = (event) => {
      const link = event.target.closest?.("a[href*='#fc=']");
      if (link && link.href === location.href) onhash();
    };
    if (host === "page") {
      addEventListener("hashchange", onhash);
      addEventListener("click", onlink);
    }
    return () => {
      removeEventListener("hashchange", onhash);
      removeEventListener("click", onlink);
      unfollow();
      page.stop();
    };
  } catch (error) {
    root.replaceChildren(el("p", { "data-fc-error": true }, phrase("widget.failed", { why: error.message })));
    throw error;
  }
}

// js/index.js
export default { render: rendererOf({ browser: browserKind, explorer: explorerKind, flipbook: flipbookKind }) };
