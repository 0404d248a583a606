// Built from js/ by `python lib/fewchannels/widgets/bundle.py`; edit there. MIT licence.

const STYLE = ".fc-widget.fc-widget.fc-widget { --fc-bg: #ffffff; --fc-panel: #f6f7f9; --fc-text: #1d2530; --fc-soft: #59636f; --fc-line: #d9dee5; --fc-bar: #a3abb5; --fc-track: #eceff3; --fc-top: #0072b2; --fc-chosen: #e6f1f9; --fc-accent: #005f96; --fc-on: #ffffff; --fc-mark: #d55e00; color-scheme: light; container-type: inline-size; box-sizing: border-box; position: relative; margin: 1.25rem 0; padding: 1.1rem; border: 1px solid var(--fc-line); border-radius: 12px; background: var(--fc-bg); color: var(--fc-text); font-size: 0.875rem; line-height: 1.4; text-align: left; font-variant-numeric: tabular-nums; scroll-margin-top: 5rem; } @media (prefers-color-scheme: dark) { html:not([data-theme=\"light\"]) body:not([data-jp-theme-light=\"true\"], .vscode-light) .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } } html[data-theme=\"dark\"] .fc-widget.fc-widget.fc-widget, body[data-jp-theme-light=\"false\"] .fc-widget.fc-widget.fc-widget, body.vscode-dark .fc-widget.fc-widget.fc-widget, html[theme=\"dark\"] .fc-widget.fc-widget.fc-widget { --fc-bg: #14181e; --fc-panel: #1c2229; --fc-text: #e4e9ef; --fc-soft: #a4aeba; --fc-line: #333c47; --fc-bar: #6d7783; --fc-track: #262d36; --fc-top: #3d9fd8; --fc-chosen: #17324a; --fc-accent: #74bfec; --fc-on: #0b1219; --fc-mark: #ff8a3d; color-scheme: dark; } .fc-widget.fc-widget.fc-widget *, .fc-widget.fc-widget.fc-widget *::before, .fc-widget.fc-widget.fc-widget *::after { box-sizing: border-box; } .fc-widget.fc-widget.fc-widget [hidden] { display: none !important; } .fc-widget.fc-widget.fc-widget p, .fc-widget.fc-widget.fc-widget figure, .fc-widget.fc-widget.fc-widget dl, .fc-widget.fc-widget.fc-widget dd, .fc-widget.fc-widget.fc-widget ol, .fc-widget.fc-widget.fc-widget fieldset, .fc-widget.fc-widget.fc-widget legend { margin: 0; padding: 0; border: 0; min-width: 0; font-size: inherit; } .fc-widget.fc-widget.fc-widget dt { font-weight: inherit; } .fc-widget.fc-widget.fc-widget ol li { margin: 0; padding: 0; list-style: none; } .fc-widget.fc-widget.fc-widget ol li::marker { content: none; } .fc-widget.fc-widget.fc-widget .fc-sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-head { font-size: 1.05rem; font-weight: 650; margin-bottom: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-title { font-weight: 650; color: var(--fc-text); float: none; } .fc-widget.fc-widget.fc-widget legend, .fc-widget.fc-widget.fc-widget label { color: var(--fc-soft); font-size: 0.8125rem; margin: 0; } .fc-widget.fc-widget.fc-widget legend.fc-title { font-size: 0.875rem; } .fc-widget.fc-widget.fc-widget button, .fc-widget.fc-widget.fc-widget input, .fc-widget.fc-widget.fc-widget select { font: inherit; color: inherit; margin: 0; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2rem; padding: 0.2rem 0.6rem; border: 1px solid var(--fc-line); border-radius: 8px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-button { cursor: pointer; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-button:hover { border-color: var(--fc-accent); color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-button:active { background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2rem; padding: 0; font-size: 1.1rem; } .fc-widget.fc-widget.fc-widget .fc-quiet { border-color: transparent; background: none; color: var(--fc-accent); padding: 0.2rem 0.4rem; } .fc-widget.fc-widget.fc-widget input[type=\"number\"] { width: 3.8rem; text-align: center; -moz-appearance: textfield; appearance: textfield; } .fc-widget.fc-widget.fc-widget input[type=\"number\"]::-webkit-inner-spin-button { display: none; } .fc-widget.fc-widget.fc-widget input[aria-invalid=\"true\"] { border-color: var(--fc-mark); } .fc-widget.fc-widget.fc-widget :is(button, select, input):focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-controls { display: grid; gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-dials { display: grid; gap: 0.8rem 1.6rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { display: grid; gap: 0.5rem; margin-top: 0.45rem; } .fc-widget.fc-widget.fc-widget .fc-chips label { display: block; cursor: pointer; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-chips .fc-option { display: flex; gap: 0.6rem; align-items: center; height: 100%; padding: 0.4rem; border: 1px solid var(--fc-line); border-radius: 10px; background: var(--fc-bg); color: var(--fc-text); line-height: 1.25; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-chips label:hover .fc-option { border-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-chips canvas { width: 3rem; height: 3rem; flex: none; border-radius: 6px; object-fit: cover; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-prompt { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget input:checked + .fc-option { border-color: var(--fc-accent); box-shadow: inset 0 0 0 1px var(--fc-accent); background: var(--fc-chosen); } .fc-widget.fc-widget.fc-widget input:focus-visible + .fc-option { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-options { display: flex; margin-top: 0.3rem; border: 1px solid var(--fc-line); border-radius: 8px; width: max-content; max-width: 100%; flex-wrap: wrap; } .fc-widget.fc-widget.fc-widget .fc-seg label { cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-seg .fc-option { display: block; padding: 0.3rem 0.8rem; border-radius: 7px; color: var(--fc-text); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-seg input:checked + .fc-option { background: var(--fc-accent); color: var(--fc-on); box-shadow: none; } .fc-widget.fc-widget.fc-widget .fc-slider { display: grid; grid-template-columns: auto 1fr; gap: 0 0.8rem; align-items: baseline; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-out { justify-self: end; color: var(--fc-text); font-size: 0.8125rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 100%; } .fc-widget.fc-widget.fc-widget .fc-slider input { grid-column: 1 / -1; width: 100%; height: 1.9rem; background: none; cursor: pointer; appearance: none; -webkit-appearance: none; border-radius: 6px; touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-runnable-track { height: 6px; border-radius: 3px; background: linear-gradient(90deg, var(--fc-accent) calc(9px + var(--fc-fill, 0) * (100% - 18px)), var(--fc-line) 0); } .fc-widget.fc-widget.fc-widget .fc-slider input::-webkit-slider-thumb { -webkit-appearance: none; width: 18px; height: 18px; margin-top: -6px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-track { height: 6px; border-radius: 3px; background: var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input::-moz-range-thumb { width: 14px; height: 14px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-accent); box-shadow: 0 0 0 1px var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-slider input:focus-visible { outline-offset: -2px; } .fc-widget.fc-widget.fc-widget .fc-marks { grid-column: 1 / -1; position: relative; height: 1.2rem; margin: 0 9px; color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-marks span { position: absolute; left: calc(100% * var(--fc-at)); transform: translateX(calc(-100% * var(--fc-at))); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-slider input:disabled { opacity: 0.5; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-select { display: grid; gap: 0.3rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-select select { width: 100%; } .fc-widget.fc-widget.fc-widget .fc-body { display: grid; gap: 1.2rem; margin-top: 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-caption { display: block; color: var(--fc-soft); font-size: 0.8125rem; margin-bottom: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { display: grid; grid-template-columns: 2.2rem 1fr 3.1rem; gap: 0.5rem; align-items: center; height: 1.6rem; padding: 0 0.3rem; border-radius: 6px; cursor: pointer; color: var(--fc-soft); position: relative; } .fc-widget.fc-widget.fc-widget .fc-row:hover { background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:checked) { background: var(--fc-chosen); color: var(--fc-text); box-shadow: inset 3px 0 0 var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-row:has(input:focus-visible) { outline: 3px solid var(--fc-mark); outline-offset: -1px; z-index: 1; } .fc-widget.fc-widget.fc-widget .fc-number { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-mapped .fc-number { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-value { text-align: right; } .fc-widget.fc-widget.fc-widget .fc-track { position: relative; height: 0.65rem; border-radius: 3px; background: var(--fc-track); overflow: hidden; } .fc-widget.fc-widget.fc-widget .fc-fill { position: absolute; inset: 0; transform-origin: 0 0; background: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-top .fc-fill { background: var(--fc-top); } .fc-widget.fc-widget.fc-widget .fc-median { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin-top: 0.6rem; color: var(--fc-soft); font-size: 0.78rem; } .fc-widget.fc-widget.fc-widget .fc-legend span { display: flex; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-legend b { font-weight: 650; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-swatch { width: 0.8rem; height: 0.65rem; border-radius: 3px; background: var(--fc-top); flex: none; } .fc-widget.fc-widget.fc-widget .fc-tick { width: 2px; height: 0.75rem; margin: 0 0.3rem; background: var(--fc-text); flex: none; } .fc-widget.fc-widget.fc-widget .fc-channel { display: grid; gap: 0.9rem; align-content: start; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-pick, .fc-widget.fc-widget.fc-widget .fc-find { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-pick { position: relative; } .fc-widget.fc-widget.fc-widget .fc-find label { font-weight: 650; color: var(--fc-text); font-size: 0.875rem; margin-right: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-bubble:not(:empty) { position: absolute; top: calc(100% + 4px); left: 0; z-index: 3; padding: 0.2rem 0.6rem; border-radius: 6px; background: var(--fc-text); color: var(--fc-bg); white-space: nowrap; font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-maps { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-frame { position: relative; width: 100%; border-radius: 8px; overflow: hidden; background: var(--fc-track); touch-action: pan-y; } .fc-widget.fc-widget.fc-widget .fc-frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; } .fc-widget.fc-widget.fc-widget .fc-pixels { image-rendering: pixelated; } .fc-widget.fc-widget.fc-widget figcaption { color: var(--fc-soft); font-size: 0.8125rem; margin: 0.3rem 0 0; padding: 0; text-align: left; } .fc-widget.fc-widget.fc-widget figcaption p { margin: 0; } .fc-widget.fc-widget.fc-widget .fc-missing { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 0.6rem; padding: 0.8rem; text-align: center; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-missing .fc-button { white-space: normal; } .fc-widget.fc-widget.fc-widget .fc-token { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-colours { grid-column: 1; } .fc-widget.fc-widget.fc-widget .fc-ramp { display: block; height: 0.6rem; border-radius: 3px; } .fc-widget.fc-widget.fc-widget .fc-ends { display: flex; justify-content: space-between; font-size: 0.8125rem; margin-top: 0.15rem; } .fc-widget.fc-widget.fc-widget .fc-pointed { grid-column: 2; color: var(--fc-soft); font-size: 0.8125rem; min-height: 2.4em; } .fc-widget.fc-widget.fc-widget .fc-options-row { display: flex; flex-wrap: wrap; gap: 0.6rem 1.2rem; align-items: end; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-slider { flex: 1 1 5rem; } .fc-widget.fc-widget.fc-widget .fc-options-row .fc-select { flex: 0 1 8rem; } .fc-widget.fc-widget.fc-widget .fc-check { display: flex; gap: 0.45rem; align-items: center; min-height: 2rem; } .fc-widget.fc-widget.fc-widget .fc-check input { width: 1.1rem; height: 1.1rem; accent-color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-check label { color: var(--fc-text); cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-facts { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-facts > div { padding: 0.5rem 0.7rem; border-radius: 8px; background: var(--fc-panel); display: flex; flex-direction: column; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-facts dt { color: var(--fc-soft); font-size: 0.75rem; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-facts dd { font-size: 1.05rem; font-weight: 650; margin: 0.1rem 0 0; } .fc-widget.fc-widget.fc-widget .fc-headline { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.2rem 1rem; margin-bottom: 0.35rem; } .fc-widget.fc-widget.fc-widget .fc-key { display: flex; align-items: center; gap: 0.4rem; color: var(--fc-soft); font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-key .fc-ramp { width: 5rem; } .fc-widget.fc-widget.fc-widget .fc-grid { display: grid; grid-template-columns: auto 1fr; gap: 0.2rem 0.5rem; color: var(--fc-soft); font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-depth { display: flex; flex-direction: column; justify-content: space-between; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-depth span:nth-child(2) { writing-mode: vertical-rl; transform: rotate(180deg); } .fc-widget.fc-widget.fc-widget .fc-steps { grid-column: 2; display: flex; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-strip { position: relative; display: block; width: 100%; padding: 0; border: 0; border-radius: 6px; background: var(--fc-track); cursor: pointer; touch-action: manipulation; user-select: none; } .fc-widget.fc-widget.fc-widget .fc-strip canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-here { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 2px #d55e00; border-radius: 3px; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-foot { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 0.3rem 1rem; margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-foot p { color: var(--fc-soft); font-size: 0.78rem; flex: 1 1 20rem; } .fc-widget.fc-widget.fc-widget .fc-axes { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-tilerow { margin-top: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-tilerow .fc-title { margin-bottom: 0.3rem; } .fc-widget.fc-widget.fc-widget .fc-tiles { display: grid; grid-template-columns: repeat(var(--fc-few), minmax(0, 1fr)); gap: 0.6rem; max-width: calc(var(--fc-tiles) * 16rem); } .fc-widget.fc-widget.fc-widget .fc-tiles canvas { width: 100%; height: auto; display: block; border-radius: 8px; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-tiles figcaption { overflow-wrap: anywhere; line-height: 1.25; font-size: 0.75rem; } .fc-widget.fc-widget.fc-widget .fc-skyline { display: grid; grid-template-columns: auto 1fr auto; gap: 4px 0.5rem; align-items: center; margin-top: 1rem; color: var(--fc-soft); font-size: 0.75rem; line-height: 1; } .fc-widget.fc-widget.fc-widget .fc-skyline svg { display: block; width: 100%; height: 1.65rem; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-others { fill: var(--fc-bar); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-edited { fill: var(--fc-mark); } .fc-widget.fc-widget.fc-widget .fc-skyline .fc-ratio { min-width: 2.9rem; text-align: right; } .fc-widget.fc-widget.fc-widget .fc-cell-caption { margin-top: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-onward { margin-top: 0.8rem; } .fc-widget.fc-widget.fc-widget .fc-onward a { color: var(--fc-accent); } .fc-widget.fc-widget.fc-widget .fc-lines { margin-top: 0.8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); } .fc-widget.fc-widget.fc-widget .fc-lines dd { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-interval { font-weight: 400; font-size: 0.78rem; color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-line { flex: 1 1 5rem; min-width: 5rem; max-width: 9rem; height: 2rem; overflow: visible; margin-left: auto; } .fc-widget.fc-widget.fc-widget .fc-line polyline { fill: none; stroke: var(--fc-bar); stroke-width: 1.6; } .fc-widget.fc-widget.fc-widget .fc-line circle { fill: var(--fc-top); } @container (min-width: 34rem) { .fc-widget.fc-widget.fc-widget .fc-chips .fc-options { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-controls .fc-dials { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; } .fc-widget.fc-widget.fc-widget .fc-tiles { grid-template-columns: repeat(min(var(--fc-tiles), 6), minmax(0, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-facts:not(.fc-lines) { grid-template-columns: repeat(4, 1fr); } } @container (min-width: 38rem) { .fc-widget.fc-widget.fc-widget .fc-body { grid-template-columns: minmax(11.5rem, 4fr) minmax(0, 9fr); gap: 1.4rem; } } @container (max-width: 37.99rem) { .fc-widget.fc-widget.fc-widget .fc-channel { order: -1; } .fc-widget.fc-widget.fc-widget .fc-rows { columns: 2; column-gap: 1rem; } } @container (max-width: 29.99rem) { .fc-widget.fc-widget.fc-widget .fc-rows { column-gap: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-row { grid-template-columns: 2rem 1fr 2.9rem; gap: 0.35rem; padding: 0 0.2rem; font-size: 0.8125rem; } } @media (pointer: coarse) { .fc-widget.fc-widget.fc-widget .fc-row { height: 1.9rem; } .fc-widget.fc-widget.fc-widget .fc-button, .fc-widget.fc-widget.fc-widget input[type=\"number\"], .fc-widget.fc-widget.fc-widget select { min-height: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-icon { width: 2.4rem; } .fc-widget.fc-widget.fc-widget .fc-slider input { height: 2.4rem; } } @media (forced-colors: active) { .fc-widget.fc-widget.fc-widget .fc-fill { forced-color-adjust: none; } } .fc-widget.fc-widget.fc-widget.fc-lab { --fc-ask: #1b5e8c; --fc-ask-line: #9dbfd6; --fc-orange: #a84700; --fc-orange-line: #e0ab7c; --fc-orange-ground: #fcf4e4; --fc-others: #a9a69c; --fc-hot: #c25400; --fc-ghost: #f0cfae; --fc-serif: \"Literata\", \"Iowan Old Style\", \"Palatino Linotype\", Palatino, Georgia, serif; padding: 1.1rem 1.3rem 1.3rem; font-size: 0.875rem; } html[data-theme=\"dark\"] .fc-widget.fc-widget.fc-widget.fc-lab, body[data-jp-theme-light=\"false\"] .fc-widget.fc-widget.fc-widget.fc-lab, body.vscode-dark .fc-widget.fc-widget.fc-widget.fc-lab, html[theme=\"dark\"] .fc-widget.fc-widget.fc-widget.fc-lab { --fc-ask: #7cbde8; --fc-ask-line: #3f6c8a; --fc-orange: #f3a666; --fc-orange-line: #85552c; --fc-orange-ground: #2b2416; --fc-others: #7b838d; --fc-hot: #f08c3c; --fc-ghost: #5c3f26; } @media (prefers-color-scheme: dark) { html:not([data-theme=\"light\"]) body:not([data-jp-theme-light=\"true\"], .vscode-light) .fc-widget.fc-widget.fc-widget.fc-lab { --fc-ask: #7cbde8; --fc-ask-line: #3f6c8a; --fc-orange: #f3a666; --fc-orange-line: #85552c; --fc-orange-ground: #2b2416; --fc-others: #7b838d; --fc-hot: #f08c3c; --fc-ghost: #5c3f26; } } .fc-widget.fc-widget.fc-widget.fc-lab.fc-max { position: fixed; inset: 0; z-index: 3000; margin: 0; border: 0; border-radius: 0; overflow: auto; padding: 1rem max(1rem, calc((100vw - 78rem) / 2)); } .fc-widget.fc-widget.fc-widget .fc-lab-body { display: contents; } .fc-widget.fc-widget.fc-widget .fc-lab-top { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 0.3rem 1rem; min-height: 2.2rem; } .fc-widget.fc-widget.fc-widget .fc-lab-status { color: var(--fc-soft); font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-lab-failure:empty { display: none; } .fc-widget.fc-widget.fc-widget .fc-lab-failure { margin: 0.5rem 0; padding: 0.6rem 0.8rem; border-left: 3px solid var(--fc-hot); background: var(--fc-orange-ground); } .fc-widget.fc-widget.fc-widget .fc-start { display: flex; flex-wrap: wrap; gap: 0.8rem 1.6rem; align-items: center; justify-content: space-between; margin: 0.6rem 0 1rem; padding: 0.9rem 1.1rem; border-radius: 10px; background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-start > div:first-child { flex: 1 1 22rem; } .fc-widget.fc-widget.fc-widget .fc-start p { max-width: 44rem; } .fc-widget.fc-widget.fc-widget .fc-start .fc-title { font-size: 0.95rem; margin-bottom: 0.2rem; } .fc-widget.fc-widget.fc-widget .fc-start-go { display: grid; gap: 0.5rem; justify-items: stretch; min-width: 10rem; } .fc-widget.fc-widget.fc-widget .fc-go { background: var(--fc-ask); border-color: var(--fc-ask); color: var(--fc-on); font-weight: 600; min-height: 2.6rem; padding: 0.4rem 1.2rem; font-size: 1rem; } .fc-widget.fc-widget.fc-widget .fc-go:hover { background: var(--fc-bg); color: var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-start progress { width: 100%; accent-color: var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-part { min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-part-title { font: 600 1.25rem/1.3 var(--fc-serif); color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-part-lead { color: var(--fc-soft); margin-bottom: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-sentence { font: 400 1.18rem/2.05 var(--fc-serif); color: var(--fc-text); } .fc-widget.fc-widget.fc-widget span.fc-sentence:empty { display: none; } .fc-widget.fc-widget.fc-widget .fc-menu { position: relative; display: inline-block; white-space: nowrap; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-menu select { position: absolute; inset: -0.35rem 0; width: 100%; height: calc(100% + 0.7rem); min-height: 0; padding: 0; border: 0; opacity: 0; cursor: pointer; font: 1rem system-ui, sans-serif; } .fc-widget.fc-widget.fc-widget .fc-word { color: var(--fc-ask); border-bottom: 2px solid var(--fc-ask-line); padding: 0 0.08em; } .fc-widget.fc-widget.fc-widget .fc-word::after { content: \"\u25be\"; font: 0.62em system-ui, sans-serif; vertical-align: 0.25em; margin-left: 0.2em; } .fc-widget.fc-widget.fc-widget .fc-orange .fc-word { color: var(--fc-orange); border-color: var(--fc-orange-line); } .fc-widget.fc-widget.fc-widget .fc-menu:hover .fc-word { background: var(--fc-panel); } .fc-widget.fc-widget.fc-widget .fc-menu:has(select:focus-visible) { outline: 3px solid var(--fc-mark); outline-offset: 2px; border-radius: 3px; } .fc-widget.fc-widget.fc-widget fieldset:disabled .fc-menu select { cursor: default; } .fc-widget.fc-widget.fc-widget fieldset:disabled .fc-word::after { content: \"\"; margin: 0; } .fc-widget.fc-widget.fc-widget .fc-orange .fc-menu { white-space: normal; } .fc-widget.fc-widget.fc-widget .fc-ask-part { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1.2rem; margin-bottom: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-prompt-line { flex: 1 1 30rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-quiet-row { display: flex; gap: 0.9rem; } .fc-widget.fc-widget.fc-widget .fc-link { border: 0; background: none; padding: 0.25rem 0; color: var(--fc-ask); cursor: pointer; text-decoration: underline; text-underline-offset: 0.2em; text-decoration-thickness: 1px; } .fc-widget.fc-widget.fc-widget fieldset:disabled .fc-link { color: var(--fc-soft); text-decoration: none; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-typed { width: 100%; font: 400 1.1rem/1.4 var(--fc-serif); padding: 0.4rem 0.6rem; border: 1px solid var(--fc-ask-line); border-radius: 8px; background: var(--fc-bg); color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-typed[aria-invalid=\"true\"] { border-color: var(--fc-mark); } .fc-widget.fc-widget.fc-widget .fc-said { color: var(--fc-soft); font-size: 0.8125rem; overflow-wrap: anywhere; } .fc-widget.fc-widget.fc-widget .fc-said.fc-bad { color: var(--fc-orange); } .fc-widget.fc-widget.fc-widget .fc-said:empty { display: none; } .fc-widget.fc-widget.fc-widget .fc-source-row { display: flex; flex-wrap: wrap; gap: 0 1.2rem; align-items: baseline; justify-content: space-between; } .fc-widget.fc-widget.fc-widget .fc-source-row .fc-sentence { font-size: 1.05rem; } .fc-widget.fc-widget.fc-widget .fc-stage { display: grid; grid-template: \"left right\" auto \"middle middle\" auto \"card card\" auto / minmax(0, 1fr) minmax(0, 1fr); gap: 0.9rem; align-items: start; } .fc-widget.fc-widget.fc-widget .fc-side:first-child { grid-area: left; } .fc-widget.fc-widget.fc-widget .fc-side { grid-area: right; } .fc-widget.fc-widget.fc-widget .fc-middle { grid-area: middle; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-channel-card { grid-area: card; } .fc-widget.fc-widget.fc-widget .fc-picture { position: relative; aspect-ratio: 1; border-radius: 6px; overflow: hidden; background: var(--fc-track); box-shadow: 0 1px 2px rgb(60 50 30 / 10%), 0 4px 14px rgb(60 50 30 / 10%); } .fc-widget.fc-widget.fc-widget .fc-picture canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; } .fc-widget.fc-widget.fc-widget .fc-over-canvas { image-rendering: pixelated; opacity: 0.78; } .fc-widget.fc-widget.fc-widget .fc-over-canvas.fc-masking { opacity: 1; } .fc-widget.fc-widget.fc-widget .fc-edited-figure .fc-picture { outline: 3px solid var(--fc-hot); outline-offset: 3px; } .fc-widget.fc-widget.fc-widget .fc-bar-line { position: absolute; left: 0; right: 0; bottom: 0; height: 4px; opacity: 0; } .fc-widget.fc-widget.fc-widget .fc-forming .fc-bar-line { opacity: 1; background: rgb(0 0 0 / 25%); } .fc-widget.fc-widget.fc-widget .fc-bar-done { display: block; height: 100%; background: #fff; transform-origin: left; } .fc-widget.fc-widget.fc-widget .fc-figure figcaption { margin-top: 0.5rem; min-height: 3.9em; } .fc-widget.fc-widget.fc-widget .fc-figure figcaption strong { color: var(--fc-text); font-weight: 650; } .fc-widget.fc-widget.fc-widget .fc-paint { position: absolute; inset: 0; display: grid; grid-template-rows: repeat(auto-fit, minmax(0, 1fr)); touch-action: none; cursor: crosshair; } .fc-widget.fc-widget.fc-widget .fc-paint > div { display: flex; flex: 1; min-height: 0; } .fc-widget.fc-widget.fc-widget .fc-paint { display: flex; flex-direction: column; } .fc-widget.fc-widget.fc-widget .fc-paint span { flex: 1; box-shadow: inset 0 0 0 0.5px rgb(255 255 255 / 40%); } .fc-widget.fc-widget.fc-widget .fc-paint span[aria-selected=\"true\"] { background: rgb(240 120 20 / 62%); box-shadow: inset 0 0 0 1px #fff; } .fc-widget.fc-widget.fc-widget .fc-paint span:focus-visible { outline: 3px solid #fff; outline-offset: -3px; box-shadow: inset 0 0 0 5px #000; } .fc-widget.fc-widget.fc-widget .fc-over-row { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; justify-content: space-between; margin-bottom: 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-small-seg { display: flex; flex-wrap: wrap; align-items: center; gap: 0.2rem 0.5rem; } .fc-widget.fc-widget.fc-widget .fc-small-seg legend { float: left; width: auto; } .fc-widget.fc-widget.fc-widget .fc-small-seg .fc-options { margin: 0; display: flex; border: 1px solid var(--fc-line); border-radius: 8px; } .fc-widget.fc-widget.fc-widget .fc-small-seg label { cursor: pointer; } .fc-widget.fc-widget.fc-widget .fc-small-seg .fc-option { display: block; padding: 0.12rem 0.55rem; border-radius: 7px; font-size: 0.8125rem; color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-small-seg input:checked + .fc-option { background: var(--fc-ask); color: var(--fc-on); box-shadow: none; } .fc-widget.fc-widget.fc-widget .fc-small-seg input:focus-visible + .fc-option { outline: 3px solid var(--fc-mark); outline-offset: 2px; } .fc-widget.fc-widget.fc-widget .fc-sky { border-radius: 6px; touch-action: manipulation; user-select: none; cursor: crosshair; } .fc-widget.fc-widget.fc-widget .fc-sky:focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 3px; } .fc-widget.fc-widget.fc-widget .fc-sky-grid { position: relative; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 5px 0.6rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-sky-name { font-size: 0.75rem; color: var(--fc-soft); white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-sky-row { background: var(--fc-panel); border-radius: 3px; height: 2.6rem; } .fc-widget.fc-widget.fc-widget .fc-sky-row svg { display: block; width: 100%; height: 100%; } .fc-widget.fc-widget.fc-widget .fc-here-row { box-shadow: inset 3px 0 0 var(--fc-ask), inset 0 0 0 1px var(--fc-ask-line); } .fc-widget.fc-widget.fc-widget .fc-others { stroke: var(--fc-others); stroke-width: 0.84; } .fc-widget.fc-widget.fc-widget .fc-edited { stroke: var(--fc-hot); stroke-width: 1.25; } .fc-widget.fc-widget.fc-widget .fc-ghosts { stroke: var(--fc-ghost); stroke-width: 1.25; } .fc-widget.fc-widget.fc-widget .fc-sky-over { position: absolute; inset: 0; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 0.6rem; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-sky-over::before { content: \"block 0\"; visibility: hidden; font-size: 0.75rem; white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-sky-over { position: absolute; } .fc-widget.fc-widget.fc-widget .fc-sky-over > .fc-sky-mark { position: relative; width: 0; height: 100%; border-left: 1.5px dashed var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-sky-under { min-height: 1.4em; margin-top: 0.25rem; color: var(--fc-ask); font-size: 0.8125rem; text-align: right; } .fc-widget.fc-widget.fc-widget .fc-channel-card { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.7rem 1rem; align-items: center; padding: 0.7rem 0.9rem; border: 1px solid var(--fc-line); border-radius: 10px; } .fc-widget.fc-widget.fc-widget .fc-thumbs { display: flex; gap: 0.6rem; } .fc-widget.fc-widget.fc-widget .fc-thumb { display: block; width: 5rem; height: 5rem; image-rendering: pixelated; border-radius: 4px; background: var(--fc-track); } .fc-widget.fc-widget.fc-widget .fc-thumbs figure:nth-child(2) .fc-thumb { background: linear-gradient(#f4c27a, #f4c27a); } .fc-widget.fc-widget.fc-widget .fc-thumbs figcaption { font-size: 0.75rem; margin-top: 0.15rem; } .fc-widget.fc-widget.fc-widget .fc-channel-text { font: 400 1rem/1.35 var(--fc-serif); } .fc-widget.fc-widget.fc-widget .fc-channel-more { color: var(--fc-soft); font-size: 0.8125rem; margin-top: 0.15rem; } .fc-widget.fc-widget.fc-widget .fc-channel-take { display: flex; flex-wrap: wrap; gap: 0.35rem; align-items: center; margin-top: 0.45rem; } .fc-widget.fc-widget.fc-widget .fc-channel-take .fc-button[aria-pressed=\"true\"] { background: var(--fc-orange-ground); border-color: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-course { grid-column: 1 / -1; width: 100%; max-width: 20rem; height: auto; overflow: visible; } .fc-widget.fc-widget.fc-widget .fc-course[hidden] { display: none; } .fc-widget.fc-widget.fc-widget .fc-course text { font: 9px system-ui, sans-serif; fill: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-course-line { fill: none; stroke: var(--fc-hot); stroke-width: 2; } .fc-widget.fc-widget.fc-widget .fc-course-median { fill: none; stroke: var(--fc-others); stroke-width: 1.6; } .fc-widget.fc-widget.fc-widget .fc-course-dot { fill: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-time { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.8rem; align-items: start; margin: 0.9rem 0 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-time-line { position: relative; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-dots { position: absolute; left: 10px; right: 10px; top: 0; height: 2rem; display: flex; justify-content: space-between; align-items: center; pointer-events: none; } .fc-widget.fc-widget.fc-widget .fc-dots::before { content: \"\"; position: absolute; left: 0; right: 0; top: calc(50% - 1px); height: 2px; background: var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-dots i { position: relative; width: 10px; height: 10px; margin: 0 -5px; border-radius: 50%; background: var(--fc-bg); border: 2px solid var(--fc-others); } .fc-widget.fc-widget.fc-widget .fc-dots i.fc-dot-edited { background: var(--fc-orange-line); border-color: var(--fc-orange-line); } .fc-widget.fc-widget.fc-widget .fc-dots i.fc-dot-here { transform: scale(1.6); background: var(--fc-ask); border-color: var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-dots i.fc-dot-edited.fc-dot-here { background: var(--fc-hot); border-color: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-time-line input { display: block; width: 100%; height: 2rem; appearance: none; -webkit-appearance: none; background: none; cursor: pointer; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-time-line input::-webkit-slider-runnable-track { height: 20px; background: none; } .fc-widget.fc-widget.fc-widget .fc-time-line input::-webkit-slider-thumb { -webkit-appearance: none; width: 20px; height: 20px; border-radius: 50%; background: none; border: 0; } .fc-widget.fc-widget.fc-widget .fc-time-line input::-moz-range-track { background: none; } .fc-widget.fc-widget.fc-widget .fc-time-line input::-moz-range-thumb { width: 20px; height: 20px; border: 0; background: none; } .fc-widget.fc-widget.fc-widget .fc-time-ends { display: flex; justify-content: space-between; gap: 0.5rem; color: var(--fc-soft); font-size: 0.8125rem; } .fc-widget.fc-widget.fc-widget .fc-edit-part { border-top: 1px solid var(--fc-line); border-bottom: 1px solid var(--fc-line); padding: 0.8rem 0 1rem; margin: 0.5rem 0 1rem; } .fc-widget.fc-widget.fc-widget .fc-modes-seg .fc-options { display: inline-flex; border: 1px solid var(--fc-line); border-radius: 9px; } .fc-widget.fc-widget.fc-widget .fc-modes-seg .fc-option { padding: 0.32rem 0.9rem; border-radius: 8px; display: block; } .fc-widget.fc-widget.fc-widget .fc-modes-seg input:checked + .fc-option { background: var(--fc-orange); color: var(--fc-on); box-shadow: none; } .fc-widget.fc-widget.fc-widget .fc-unlabelled legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .fc-widget.fc-widget.fc-widget .fc-edit-part .fc-sentence { margin: 0.3rem 0; } .fc-widget.fc-widget.fc-widget .fc-dials-grid { display: grid; gap: 0.2rem 2rem; max-width: 46rem; } .fc-widget.fc-widget.fc-widget .fc-dial { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr) 3.2rem; gap: 0.8rem; align-items: center; color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-dial-out { color: var(--fc-text); text-align: right; } .fc-widget.fc-widget.fc-widget .fc-dial input { width: 100%; height: 1.9rem; margin: 0; background: none; appearance: none; -webkit-appearance: none; cursor: pointer; border-radius: 6px; } .fc-widget.fc-widget.fc-widget .fc-dial input::-webkit-slider-runnable-track { height: 6px; border-radius: 3px; background: linear-gradient(90deg, var(--fc-hot) calc(9px + var(--fc-fill, 0) * (100% - 18px)), var(--fc-line) 0); } .fc-widget.fc-widget.fc-widget .fc-dial input::-webkit-slider-thumb { -webkit-appearance: none; width: 18px; height: 18px; margin-top: -6px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-hot); box-shadow: 0 0 0 1px var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-dial input::-moz-range-track { height: 6px; border-radius: 3px; background: var(--fc-line); } .fc-widget.fc-widget.fc-widget .fc-dial input::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-dial input::-moz-range-thumb { width: 14px; height: 14px; border-radius: 50%; border: 2px solid var(--fc-bg); background: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-dropzone { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: center; padding: 0.7rem 0.9rem; border: 1.5px dashed var(--fc-orange-line); border-radius: 10px; margin: 0.4rem 0; } .fc-widget.fc-widget.fc-widget .fc-dropzone > p:first-child { flex: 1 1 18rem; } .fc-widget.fc-widget.fc-widget .fc-droprow { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-paint-row { color: var(--fc-soft); margin-top: 0.4rem; } .fc-widget.fc-widget.fc-widget .fc-found { display: grid; grid-template-columns: 1fr 1fr; gap: 0.8rem 1.2rem; } .fc-widget.fc-widget.fc-widget .fc-found div { border-left: 2px solid var(--fc-line); padding-left: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-found dt { color: var(--fc-soft); font-size: 0.8125rem; line-height: 1.3; } .fc-widget.fc-widget.fc-widget .fc-found dd { font: 400 1.2rem/1.35 var(--fc-serif); margin-top: 0.1rem; } .fc-widget.fc-widget.fc-widget .fc-side { display: grid; gap: 0.8rem; min-width: 0; } .fc-widget.fc-widget.fc-widget .fc-glued { white-space: nowrap; } .fc-widget.fc-widget.fc-widget .fc-small-figure { display: grid; grid-template-columns: 5rem minmax(0, 1fr); gap: 0.7rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-small-figure figcaption { margin: 0; min-height: 0; } .fc-widget.fc-widget.fc-widget .fc-guide-part { margin-top: 1.4rem; } .fc-widget.fc-widget.fc-widget .fc-cards { display: grid; grid-template-columns: minmax(0, 1fr); grid-auto-flow: row dense; gap: 0.7rem; } .fc-widget.fc-widget.fc-widget .fc-card { display: flex; flex-direction: column; gap: 0.25rem; text-align: left; padding: 0.7rem 0.8rem; border: 1px solid var(--fc-line); border-radius: 10px; background: var(--fc-bg); cursor: pointer; font: 400 0.97rem/1.38 var(--fc-serif); color: var(--fc-text); } .fc-widget.fc-widget.fc-widget .fc-card:hover { border-color: var(--fc-hot); } .fc-widget.fc-widget.fc-widget .fc-card.fc-on { border-color: var(--fc-hot); box-shadow: inset 0 0 0 1px var(--fc-hot); background: var(--fc-orange-ground); } .fc-widget.fc-widget.fc-widget .fc-card-head, .fc-widget.fc-widget.fc-widget .fc-card-done { font: 0.75rem/1.4 system-ui, sans-serif; color: var(--fc-soft); } .fc-widget.fc-widget.fc-widget .fc-card-done { margin-top: auto; color: var(--fc-orange); } .fc-widget.fc-widget.fc-widget .fc-guess { grid-column: 1 / -1; display: grid; gap: 0.6rem; padding: 0.9rem 1.1rem; border-radius: 10px; background: var(--fc-orange-ground); max-width: none; } .fc-widget.fc-widget.fc-widget .fc-guess p { max-width: 46rem; font-size: 0.95rem; } .fc-widget.fc-widget.fc-widget .fc-guess .fc-guess-question { font: 400 1.1rem/1.4 var(--fc-serif); } .fc-widget.fc-widget.fc-widget .fc-guess:focus { outline: none; } .fc-widget.fc-widget.fc-widget .fc-guess a { color: var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-answers { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-answers .fc-button { white-space: normal; text-align: left; } .fc-widget.fc-widget.fc-widget .fc-more-part { margin-top: 1.3rem; } .fc-widget.fc-widget.fc-widget .fc-actions { display: flex; flex-wrap: wrap; gap: 0.5rem; position: relative; align-items: center; } .fc-widget.fc-widget.fc-widget .fc-strong { border-color: var(--fc-ask); background: var(--fc-ask); color: var(--fc-on); font-weight: 600; } .fc-widget.fc-widget.fc-widget .fc-strong:hover { background: var(--fc-bg); color: var(--fc-ask); } .fc-widget.fc-widget.fc-widget .fc-button:disabled, .fc-widget.fc-widget.fc-widget fieldset:disabled .fc-button { opacity: 0.55; cursor: default; } .fc-widget.fc-widget.fc-widget .fc-python-box { margin: 0.7rem 0 0; border: 0; background: none; box-shadow: none; padding: 0; } .fc-widget.fc-widget.fc-widget .fc-python-box summary { cursor: pointer; color: var(--fc-ask); width: max-content; max-width: 100%; } .fc-widget.fc-widget.fc-widget .fc-python { margin: 0.4rem 0 0; padding: 0.8rem; border-radius: 8px; background: var(--fc-panel); color: var(--fc-text); font: 0.8125rem/1.5 ui-monospace, \"Cascadia Mono\", Menlo, Consolas, monospace; overflow-x: auto; white-space: pre; } .fc-widget.fc-widget.fc-widget .fc-keys { margin-top: 0.7rem; color: var(--fc-soft); font-size: 0.8125rem; max-width: 52rem; } .fc-widget.fc-widget.fc-widget .fc-link:focus-visible, .fc-widget.fc-widget.fc-widget .fc-card:focus-visible, .fc-widget.fc-widget.fc-widget summary:focus-visible, .fc-widget.fc-widget.fc-widget .fc-python:focus-visible { outline: 3px solid var(--fc-mark); outline-offset: 2px; } @container (min-width: 30rem) { .fc-widget.fc-widget.fc-widget .fc-channel-card { grid-template-columns: auto minmax(0, 1fr) 10rem; } .fc-widget.fc-widget.fc-widget .fc-course { grid-column: auto; } .fc-widget.fc-widget.fc-widget .fc-cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } } @container (min-width: 44rem) { .fc-widget.fc-widget.fc-widget .fc-found { grid-template-columns: repeat(4, minmax(0, 1fr)); } .fc-widget.fc-widget.fc-widget .fc-cards { grid-template-columns: repeat(4, minmax(0, 1fr)); } } @container (min-width: 56rem) { .fc-widget.fc-widget.fc-widget .fc-stage { grid-template: \"left middle right\" auto \"card card card\" auto / minmax(11rem, 14.5rem) minmax(0, 1fr) minmax(11rem, 14.5rem); gap: 1rem 1.5rem; } .fc-widget.fc-widget.fc-widget .fc-channel-card { grid-template-columns: auto minmax(0, 1fr) 13rem; } } @container (min-width: 70rem) { .fc-widget.fc-widget.fc-widget .fc-stage { grid-template: \"left middle right\" auto \"left card right\" 1fr / 15.5rem minmax(0, 1fr) 15.5rem; } .fc-widget.fc-widget.fc-widget .fc-channel-card { grid-template-columns: auto minmax(0, 1fr) 9rem; } } @container (max-width: 29.99rem) { .fc-widget.fc-widget.fc-widget .fc-sentence { font-size: 1.08rem; line-height: 2; } .fc-widget.fc-widget.fc-widget .fc-sky-row { height: 1.9rem; } .fc-widget.fc-widget.fc-widget .fc-channel-card { grid-template-columns: minmax(0, 1fr); } .fc-widget.fc-widget.fc-widget .fc-dial { grid-template-columns: minmax(0, 1fr) auto; gap: 0 0.6rem; } .fc-widget.fc-widget.fc-widget .fc-dial input { grid-column: 1 / -1; grid-row: 2; } .fc-widget.fc-widget.fc-widget .fc-stage { gap: 0.9rem 1rem; } .fc-widget.fc-widget.fc-widget .fc-small-figure { grid-template-columns: minmax(0, 1fr); gap: 0.3rem; } .fc-widget.fc-widget.fc-widget .fc-small-figure .fc-picture { width: 5rem; } } @media (prefers-reduced-motion: no-preference) { .fc-widget.fc-widget.fc-widget .fc-bar-done { transition: width 80ms linear; } }";

const LAB_WORKER = "// js/live/float32.js\nconst r = Math.fround;\n\n// js/live/kernels_plain.js\nconst POWERS = new Float32Array(new Int32Array(256).map((_, i) => i << 23).buffer); // 2^(i - 127)\nconst [MINUS_LOG2E, GELU, CUBE] = [-1.44269504, -2.30220818, 0.044715].map(r);\nconst [P1, P2, P3, P4, P5] = [0.693147004, 0.240222424, 0.0555073358, 0.00967151299, 0.00132647273].map(r);\nconst ROUND = 12582912;\n\nconst pmin = (a, b) => (b < a ? b : a);\nconst pmax = (a, b) => (a < b ? b : a);\n\nfunction exp2(x) {\n  const n = r(r(x + ROUND) - ROUND);\n  const rest = r(x - n);\n  let p = r(r(P5 * rest) + P4);\n  p = r(r(p * rest) + P3);\n  p = r(r(p * rest) + P2);\n  p = r(r(p * rest) + P1);\n  p = r(r(p * rest) + 1);\n  return r(p * POWERS[n + 127 | 0]);\n}\n\nconst gated = (x, u) => x / r(1 + exp2(pmin(pmax(u, -126), 126)));\n\nfunction plainKernels(memory) {\n  const f = new Float32Array(memory.buffer);\n\n  const summed = (count, term) => {\n    let a = 0;\n    let b = 0;\n    let c = 0;\n    let d = 0;\n    for (let i = 0; i < count; i += 4) {\n      a = r(a + term(i));\n      b = r(b + term(i + 1));\n      c = r(c + term(i + 2));\n      d = r(d + term(i + 3));\n    }\n    return r(r(a + b) + r(c + d));\n  };\n\n  function matmul(a, lda, taps, tap, w, bias, c, ldc, m, n, k) {\n    for (let j = 0; j < n; j += 8) {\n      const panel = w + j * taps * k;\n      for (let i = 0; i < m; i++) {\n        let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;\n        let b = panel;\n        for (let t = 0; t < taps; t++) {\n          const from = a + i * lda + t * tap;\n          for (let p = from; p < from + k; p++, b += 8) {\n            const x = f[p];\n            s0 += x * f[b];\n            s1 += x * f[b + 1];\n            s2 += x * f[b + 2];\n            s3 += x * f[b + 3];\n            s4 += x * f[b + 4];\n            s5 += x * f[b + 5];\n            s6 += x * f[b + 6];\n            s7 += x * f[b + 7];\n          }\n        }\n        const o = c + i * ldc + j;\n        const e = bias + j;\n        f[o] = s0 + f[e];\n        f[o + 1] = s1 + f[e + 1];\n        f[o + 2] = s2 + f[e + 2];\n        f[o + 3] = s3 + f[e + 3];\n        f[o + 4] = s4 + f[e + 4];\n        f[o + 5] = s5 + f[e + 5];\n        f[o + 6] = s6 + f[e + 6];\n        f[o + 7] = s7 + f[e + 7];\n      }\n    }\n  }\n\n  function attention(qkv, out, room, zeros, tokens, heads, width) {\n    const all = heads * width;\n    const row = 3 * all;\n    const keys = room;\n    const values = keys + tokens * width;\n    const scores = values + tokens * width;\n    const shares = scores + tokens * tokens;\n    const scale = r(1.4426950408889634 / Math.sqrt(width));\n    for (let head = 0; head < heads; head++) {\n      const q = qkv + head * width;\n      for (let t = 0; t < tokens; t++) {\n        const k = q + all + t * row;\n        const panel = (t & ~7) * width + (t & 7);\n        for (let i = 0; i < width; i++) {\n          f[keys + panel + 8 * i] = f[k + i];\n          f[values + (i & ~7) * tokens + 8 * t + (i & 7)] = f[k + all + i];\n        }\n      }\n      matmul(q, row, 1, 0, keys, zeros, scores, tokens, tokens, tokens, width);\n      for (let t = 0; t < tokens; t++) {\n        const from = scores + t * tokens;\n        let largest = -Infinity;\n        for (let i = 0; i < tokens; i++) largest = pmax(largest, f[from + i]);\n        for (let i = 0; i < tokens; i++) f[from + i] = exp2(pmax(r(r(f[from + i] - largest) * scale), -126));\n        f[shares + t] = 1 / summed(tokens, (i) => f[from + i]);\n      }\n      matmul(scores, tokens, 1, 0, values, zeros, out + head * width, all, tokens, width, tokens);\n      for (let t = 0; t < tokens; t++) {\n        for (let i = 0; i < width; i++) f[out + t * all + head * width + i] *= f[shares + t];\n      }\n    }\n  }\n\n  function layerNorm(sized, values, scale, shift, out, rows, width, epsilon) {\n    for (let i = 0; i < rows; i++) {\n      const s = sized + i * width;\n      const v = values + i * width;\n      const mean = r(summed(width, (p) => f[s + p]) / width);\n      const squares = summed(width, (p) => {\n        const d = r(f[s + p] - mean);\n        return r(d * d);\n      });\n      const gain = r(1 / r(Math.sqrt(r(r(squares / width) + r(epsilon)))));\n      for (let p = 0; p < width; p++) {\n        f[out + i * width + p] = r(r(r(f[v + p] - mean) * gain) * r(f[scale + p] + 1)) + f[shift + p];\n      }\n    }\n  }\n\n  function rmsNorm(x, stride, weight, rows, heads, width, epsilon) {\n    for (let i = 0; i < rows; i++) {\n      for (let from = x + i * stride, end = from + heads * width; from < end; from += width) {\n        const squares = summed(width, (p) => r(f[from + p] * f[from + p]));\n        const gain = r(1 / r(Math.sqrt(r(r(squares / width) + r(epsilon)))));\n        for (let p = 0; p < width; p++) f[from + p] = r(f[from + p] * gain) * f[weight + p];\n      }\n    }\n  }\n\n  function silu(x, count) {\n    for (let p = x; p < x + count; p++) f[p] = gated(f[p], r(f[p] * MINUS_LOG2E));\n  }\n\n  function gelu(x, count) {\n    for (let p = x; p < x + count; p++) {\n      const v = f[p];\n      const wide = r(r(r(v * v) * CUBE) + 1);\n      f[p] = gated(v, r(r(wide * GELU) * v));\n    }\n  }\n\n  function addGated(x, y, gate, rows, width) {\n    for (let i = 0; i < rows * width; i++) f[x + i] = f[x + i] + r(f[gate + (i % width)] * f[y + i]);\n  }\n\n  function levels(x, out, rows, width) {\n    const share = r(1 / rows);\n    for (let j = 0; j < width; j++) {\n      let sum = 0;\n      for (let i = 0; i < rows; i++) sum = r(sum + f[x + i * width + j]);\n      f[out + j] = Math.abs(r(sum * share));\n    }\n  }\n\n  function relu(x, count) {\n    for (let p = x; p < x + count; p++) f[p] = pmax(f[p], 0);\n  }\n\n  function addRelu(x, y, count) {\n    for (let i = 0; i < count; i++) f[x + i] = pmax(r(f[x + i] + f[y + i]), 0);\n  }\n\n  return { matmul, attention, layerNorm, rmsNorm, silu, gelu, addGated, levels, relu, addRelu };\n}\n\n// js/live/kernels_wasm.js\nconst FUSED = \"AGFzbQEAAAABSAhgAn9/AGALf39/f39/f39/f38AYAd/f39/f399AGAEf39/fwBgCH9/f39/f399AGAHf39/f39/fwBgA39/fwBgBX9/f39/AAIPAQNlbnYGbWVtb3J5AgABAwsKAQACAAMEAAUGBwdoCwZtYXRtdWwAAAlhdHRlbnRpb24ABwlsYXllck5vcm0ABQdybXNOb3JtAAIEc2lsdQABBGdlbHUABghhZGRHYXRlZAAJBmxldmVscwAEBHJlbHUAAwdhZGRSZWx1AAgGbWVtb3J5AgAMAQcK5RsK2wcCDH8OeyABQQJ0IQ8gB0ECdCEQIAMgCmtBAnQhESAEQQJ0IQMgAiAKbEEFdCEUA0AgCSATSgRAIAUgE2pBAnQiAf0ABAAhGSAB/QAEECEaIABBAnQhASAGIBNqQQJ0IQtBACENA0AgDUEEaiAITARAIAMhBCABIQcgASAPaiEMIAEgD0EBdGohDiABIA9BA2xqIRL9DAAAAAAAAAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEY/QwAAAAAAAAAAAAAAAAAAAAAIRz9DAAAAAAAAAAAAAAAAAAAAAAhHf0MAAAAAAAAAAAAAAAAAAAAACEe/QwAAAAAAAAAAAAAAAAAAAAAIR/9DAAAAAAAAAAAAAAAAAAAAAAhIP0MAAAAAAAAAAAAAAAAAAAAACEhQQAhFQNAIAIgFUoEQCAEIApBBXRqIRYDQCAEIBZJBEAgB/0JAgAiIyAE/QAEACIiIBf9hQIhFyAjIAT9AAQQIiMgGP2FAiEYIAz9CQIAIiQgIiAc/YUCIRwgJCAjIB39hQIhHSAO/QkCACIkICIgHv2FAiEeICQgIyAf/YUCIR8gEv0JAgAiJCAiICD9hQIhICAkICMgIf2FAiEhIAdBBGohByAMQQRqIQwgDkEEaiEOIBJBBGohEiAEQSBqIQQMAQsLIAcgEWohByAMIBFqIQwgDiARaiEOIBEgEmohEiAVQQFqIRUMAQsLIAsgFyAZ/eQB/QsEACALIBggGv3kAf0LBBAgCyAQaiIEIBwgGf3kAf0LBAAgBCAdIBr95AH9CwQQIAsgEEEBdGoiBCAeIBn95AH9CwQAIAQgHyAa/eQB/QsEECALIBBBA2xqIgQgICAZ/eQB/QsEACAEICEgGv3kAf0LBBAgASAPQQJ0aiEBIAsgEEECdGohCyANRQRAIAMgFGohBANAIAQgAyAUQQF0akkEQCAbIAT9AAQA/VEhGyAEQUBrIQQMAQsLCyANQQRqIQ0MAQsLA0AgCCANSgRAIAMhBCABIQf9DAAAAAAAAAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEYQQAhDANAIAIgDEoEQCAEIApBBXRqIQ4DQCAEIA5JBEAgB/0JAgAiHCAE/QAEACAX/YUCIRcgHCAE/QAEECAY/YUCIRggB0EEaiEHIARBIGohBAwBCwsgByARaiEHIAxBAWohDAwBCwsgCyAXIBn95AH9CwQAIAsgGCAa/eQB/QsEECABIA9qIQEgCyAQaiELIA1BAWohDQwBCwsgAyAUaiEDIBNBCGohEwwBCwtBACAb/QsEAAvLAQIEewF/IABBAnQhBiAAIAFqQQJ0IQADQCAAIAZLBEAgBv0ABAAiBEE4/QkCAP3mAUEs/QkCAP3rAUEw/QkCAP3qASIDQRD9CQIAIgX95AEhAiAGIARBFP0JAgAiBEEo/QkCACADIAIgBf3lAf3lASIDQST9CQIA/YUCIANBIP0JAgD9hQIgA0Ec/QkCAP2FAiADQRj9CQIA/YUCIAMgBP2FAiACQRf9qwFBNP0JAgD9rgH95gH95AH95wH9CwQAIAZBEGohBgwBCwsL8gECBn8CeyAFQQJ0IQoDQCADIAlKBEBBACEIA0AgBCAISgRAIAAgASAJbGogBSAIbGpBAnQhC/0MAAAAAAAAAAAAAAAAAAAAACENQQAhBwNAIAcgCkkEQCAHIAtq/QAEACIOIA4gDf2FAiENIAdBEGohBwwBCwtDAACAPyAN/R8AIA39HwGSIA39HwIgDf0fA5KSIAWylSAGkpGV/RMhDUEAIQcDQCAHIApJBEAgByALaiIMIAz9AAQAIA395gEgAkECdCAHav0ABAD95gH9CwQAIAdBEGohBwwBCwsgCEEBaiEIDAELCyAJQQFqIQkMAQsLC0oBAX8gAEECdCECIAAgAWpBAnQhAANAIAAgAksEQCACIAL9AAQA/QwAAAAAAAAAAAAAAAAAAAAA/esB/QsEACACQRBqIQIMAQsLC5QBAgN/AntDAACAPyACspX9EyEIIANBAnQhBSACIANsQQJ0IQMDQCAEIAVJBEAgAEECdCAEaiEG/QwAAAAAAAAAAAAAAAAAAAAAIQdBACECA0AgAiADSQRAIAcgAiAGav0ABAD95AEhByACIAVqIQIMAQsLIAFBAnQgBGogByAI/eYB/eAB/QsEACAEQRBqIQQMAQsLC/ECAgZ/A3sgBkECdCEJA0AgBSAKSgRAIAAgBiAKbCIIakECdCELIAEgCGpBAnQhDCAEIAhqQQJ0IQ39DAAAAAAAAAAAAAAAAAAAAAAhDkEAIQgDQCAIIAlJBEAgDiAIIAtq/QAEAP3kASEOIAhBEGohCAwBCwsgDv0fACAO/R8BkiAO/R8CIA79HwOSkiAGspX9EyEP/QwAAAAAAAAAAAAAAAAAAAAAIQ5BACEIA0AgCCAJSQRAIAggC2r9AAQAIA/95QEiECAQIA79hQIhDiAIQRBqIQgMAQsLQwAAgD8gDv0fACAO/R8BkiAO/R8CIA79HwOSkiAGspUgB5KRlf0TIQ5BACEIA0AgCCAJSQRAIAggDWogCCAMav0ABAAgD/3lASAO/eYBIAJBAnQgCGr9AAQA/QwAAIA/AACAPwAAgD8AAIA//eQBIANBAnQgCGr9AAQA/YUC/QsEACAIQRBqIQgMAQsLIApBAWohCgwBCwsL4QECBXsBfyAAQQJ0IQcgACABakECdCEAA0AgACAHSwRAIAf9AAQAIgYgBv3mAUHAAP0JAgBBFP0JAgAiAv2FAkE8/QkCAP3mASAG/eYBQSz9CQIA/esBQTD9CQIA/eoBIgVBEP0JAgAiBP3kASEDIAcgBiACQSj9CQIAIAUgAyAE/eUB/eUBIgRBJP0JAgD9hQIgBEEg/QkCAP2FAiAEQRz9CQIA/YUCIARBGP0JAgD9hQIgBCAC/YUCIANBF/2rAUE0/QkCAP2uAf3mAf3kAf3nAf0LBAAgB0EQaiEHDAELCwu/CAMNfwd7AX0gBSAGbCILQQNsIQwgBCAGbCIHIAIiCGoiDiAHaiINIAQgBGxqIQ9EAAAAYEcV9z8gBrefo7b9EyEWA0AgBSAKSgRAIAAgBiAKbGohEEEAIQcDQCAEIAdKBEAgDEECdCERIAggB0F4cSAGbGogB0EHcWpBAnQhCSALIBBqIAcgDGxqQQJ0IgIgBkECdGohEgNAIAIgEkkEQCAJIAL9AAQAIhcgAiARav0ABAAiGP0NAAECAxAREhMEBQYHFBUWFyIUIAIgEUEBdGr9AAQAIhUgAiARQQNsav0ABAAiGf0NAAECAxAREhMEBQYHFBUWFyIa/Q0AAQIDBAUGBxAREhMUFRYX/QsEACAJIBQgGv0NCAkKCwwNDg8YGRobHB0eH/0LBCAgCSAXIBj9DQgJCgsYGRobDA0ODxwdHh8iFCAVIBn9DQgJCgsYGRobDA0ODxwdHh8iFf0NAAECAwQFBgcQERITFBUWF/0LBEAgCSAUIBX9DQgJCgsMDQ4PGBkaGxwdHh/9CwRgIAJBEGohAiAJQYABaiEJDAELCyAHQQRqIQcMAQsLQQAhBwNAIAQgB0oEQCAQIAtBAXRqIAcgDGxqQQJ0IREgDiAHQQN0akECdCESQQAhAgNAIAIgBkgEQCASIAIgBGxBAnRqIhMgESACQQJ0aiIJ/QAEAP0LBAAgEyAJ/QAEEP0LBBAgAkEIaiECDAELCyAHQQFqIQcMAQsLIBAgDEEBQQAgCCADIA0gBCAEIAQgBhAAQQAhCQNAIAQgCUoEQCANIAQgCWxqQQJ0IgIgBEECdGohECAC/QAEACIUIRUgAiEHA0AgByAQSQRAIBQgB/0ABAD96wEhFCAVIAf9AAQQ/esBIRUgB0EgaiEHDAELCyAUIBX96wEiFP0fACAU/R8BlyAU/R8CIBT9HwOXlyEb/QwAAAAAAAAAAAAAAAAAAAAAIRQDQCACIBBJBEAgAv0ABAAgG/0T/eUBIBb95gFBLP0JAgD96wEiFUEQ/QkCACIX/eQBIRggAkEo/QkCACAVIBggF/3lAf3lASIVQST9CQIA/YUCIBVBIP0JAgD9hQIgFUEc/QkCAP2FAiAVQRj9CQIA/YUCIBVBFP0JAgD9hQIgGEEX/asBQTT9CQIA/a4B/eYBIhX9CwQAIBQgFf3kASEUIAJBEGohAgwBCwsgCSAPakECdEMAAIA/IBT9HwAgFP0fAZIgFP0fAiAU/R8DkpKVOAIAIAlBAWohCQwBCwsgDSAEQQFBACAOIAMgASAGIApsaiALIAQgBiAEEABBACECA0AgAiAESARAIAIgD2pBAnT9CQIAIRQgASACIAtsaiAGIApsakECdCIHIAZBAnRqIQkDQCAHIAlJBEAgByAH/QAEACAU/eYB/QsEACAHQRBqIQcMAQsLIAJBAWohAgwBCwsgCkEBaiEKDAELCwtTAQJ/A0AgAyACQQJ0SQRAIABBAnQgA2oiBCAE/QAEACABQQJ0IANq/QAEAP3kAf0MAAAAAAAAAAAAAAAAAAAAAP3rAf0LBAAgA0EQaiEDDAELCwt5AQZ/IARBAnQhBwNAIAMgBkoEQCAAIAQgBmwiBWpBAnQhCCABIAVqQQJ0IQlBACEFA0AgBSAHSQRAIAUgCGoiCiACQQJ0IAVq/QAEACAFIAlq/QAEACAK/QAEAP2FAv0LBAAgBUEQaiEFDAELCyAGQQFqIQYMAQsLCwtYBwBBEAsEAABASwBBFAsYAACAPxVyMT/e/HU+qVtjPUR1HjwK3a06AEEsCwQAAPzCAEEwCwQAAPxCAEE0CwQAAIA/AEE4CwQ7qri/AEE8CwhhVxPAEyc3PQ==\";\n\nconst SIMD = \"AGFzbQEAAAABSAhgAn9/AGALf39/f39/f39/f38AYAd/f39/f399AGAEf39/fwBgCH9/f39/f399AGAHf39/f39/fwBgA39/fwBgBX9/f39/AAIPAQNlbnYGbWVtb3J5AgABAwsKAQACAAMEAAUGBwdoCwZtYXRtdWwAAAlhdHRlbnRpb24ABwlsYXllck5vcm0ABQdybXNOb3JtAAIEc2lsdQABBGdlbHUABghhZGRHYXRlZAAJBmxldmVscwAEBHJlbHUAAwdhZGRSZWx1AAgGbWVtb3J5AgAMAQcKvxwK+QcCDH8OeyABQQJ0IQ8gB0ECdCEQIAMgCmtBAnQhESAEQQJ0IQMgAiAKbEEFdCEUA0AgCSATSgRAIAUgE2pBAnQiAf0ABAAhGSAB/QAEECEaIABBAnQhASAGIBNqQQJ0IQtBACENA0AgDUEEaiAITARAIAMhBCABIQcgASAPaiEMIAEgD0EBdGohDiABIA9BA2xqIRL9DAAAAAAAAAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEY/QwAAAAAAAAAAAAAAAAAAAAAIRz9DAAAAAAAAAAAAAAAAAAAAAAhHf0MAAAAAAAAAAAAAAAAAAAAACEe/QwAAAAAAAAAAAAAAAAAAAAAIR/9DAAAAAAAAAAAAAAAAAAAAAAhIP0MAAAAAAAAAAAAAAAAAAAAACEhQQAhFQNAIAIgFUoEQCAEIApBBXRqIRYDQCAEIBZJBEAgB/0JAgAiIyAE/QAEACIi/eYBIBf95AEhFyAjIAT9AAQQIiP95gEgGP3kASEYIAz9CQIAIiQgIv3mASAc/eQBIRwgJCAj/eYBIB395AEhHSAO/QkCACIkICL95gEgHv3kASEeICQgI/3mASAf/eQBIR8gEv0JAgAiJCAi/eYBICD95AEhICAkICP95gEgIf3kASEhIAdBBGohByAMQQRqIQwgDkEEaiEOIBJBBGohEiAEQSBqIQQMAQsLIAcgEWohByAMIBFqIQwgDiARaiEOIBEgEmohEiAVQQFqIRUMAQsLIAsgFyAZ/eQB/QsEACALIBggGv3kAf0LBBAgCyAQaiIEIBwgGf3kAf0LBAAgBCAdIBr95AH9CwQQIAsgEEEBdGoiBCAeIBn95AH9CwQAIAQgHyAa/eQB/QsEECALIBBBA2xqIgQgICAZ/eQB/QsEACAEICEgGv3kAf0LBBAgASAPQQJ0aiEBIAsgEEECdGohCyANRQRAIAMgFGohBANAIAQgAyAUQQF0akkEQCAbIAT9AAQA/VEhGyAEQUBrIQQMAQsLCyANQQRqIQ0MAQsLA0AgCCANSgRAIAMhBCABIQf9DAAAAAAAAAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEYQQAhDANAIAIgDEoEQCAEIApBBXRqIQ4DQCAEIA5JBEAgB/0JAgAiHCAE/QAEAP3mASAX/eQBIRcgHCAE/QAEEP3mASAY/eQBIRggB0EEaiEHIARBIGohBAwBCwsgByARaiEHIAxBAWohDAwBCwsgCyAXIBn95AH9CwQAIAsgGCAa/eQB/QsEECABIA9qIQEgCyAQaiELIA1BAWohDQwBCwsgAyAUaiEDIBNBCGohEwwBCwtBACAb/QsEAAvaAQIEewF/IABBAnQhBiAAIAFqQQJ0IQADQCAAIAZLBEAgBv0ABAAiBEE4/QkCAP3mAUEs/QkCAP3rAUEw/QkCAP3qASIDQRD9CQIAIgX95AEhAiAGIARBFP0JAgAiBEEo/QkCACADIAIgBf3lAf3lASID/eYBQST9CQIA/eQBIAP95gFBIP0JAgD95AEgA/3mAUEc/QkCAP3kASAD/eYBQRj9CQIA/eQBIAP95gEgBP3kASACQRf9qwFBNP0JAgD9rgH95gH95AH95wH9CwQAIAZBEGohBgwBCwsL9QECBn8CeyAFQQJ0IQoDQCADIAlKBEBBACEIA0AgBCAISgRAIAAgASAJbGogBSAIbGpBAnQhC/0MAAAAAAAAAAAAAAAAAAAAACENQQAhBwNAIAcgCkkEQCAHIAtq/QAEACIOIA795gEgDf3kASENIAdBEGohBwwBCwtDAACAPyAN/R8AIA39HwGSIA39HwIgDf0fA5KSIAWylSAGkpGV/RMhDUEAIQcDQCAHIApJBEAgByALaiIMIAz9AAQAIA395gEgAkECdCAHav0ABAD95gH9CwQAIAdBEGohBwwBCwsgCEEBaiEIDAELCyAJQQFqIQkMAQsLC0oBAX8gAEECdCECIAAgAWpBAnQhAANAIAAgAksEQCACIAL9AAQA/QwAAAAAAAAAAAAAAAAAAAAA/esB/QsEACACQRBqIQIMAQsLC5QBAgN/AntDAACAPyACspX9EyEIIANBAnQhBSACIANsQQJ0IQMDQCAEIAVJBEAgAEECdCAEaiEG/QwAAAAAAAAAAAAAAAAAAAAAIQdBACECA0AgAiADSQRAIAcgAiAGav0ABAD95AEhByACIAVqIQIMAQsLIAFBAnQgBGogByAI/eYB/eAB/QsEACAEQRBqIQQMAQsLC/cCAgZ/A3sgBkECdCEJA0AgBSAKSgRAIAAgBiAKbCIIakECdCELIAEgCGpBAnQhDCAEIAhqQQJ0IQ39DAAAAAAAAAAAAAAAAAAAAAAhDkEAIQgDQCAIIAlJBEAgDiAIIAtq/QAEAP3kASEOIAhBEGohCAwBCwsgDv0fACAO/R8BkiAO/R8CIA79HwOSkiAGspX9EyEP/QwAAAAAAAAAAAAAAAAAAAAAIQ5BACEIA0AgCCAJSQRAIAggC2r9AAQAIA/95QEiECAQ/eYBIA795AEhDiAIQRBqIQgMAQsLQwAAgD8gDv0fACAO/R8BkiAO/R8CIA79HwOSkiAGspUgB5KRlf0TIQ5BACEIA0AgCCAJSQRAIAggDWogCCAMav0ABAAgD/3lASAO/eYBIAJBAnQgCGr9AAQA/QwAAIA/AACAPwAAgD8AAIA//eQB/eYBIANBAnQgCGr9AAQA/eQB/QsEACAIQRBqIQgMAQsLIApBAWohCgwBCwsL8wECBXsBfyAAQQJ0IQcgACABakECdCEAA0AgACAHSwRAIAf9AAQAIgYgBv3mAUHAAP0JAgD95gFBFP0JAgAiAv3kAUE8/QkCAP3mASAG/eYBQSz9CQIA/esBQTD9CQIA/eoBIgVBEP0JAgAiBP3kASEDIAcgBiACQSj9CQIAIAUgAyAE/eUB/eUBIgT95gFBJP0JAgD95AEgBP3mAUEg/QkCAP3kASAE/eYBQRz9CQIA/eQBIAT95gFBGP0JAgD95AEgBP3mASAC/eQBIANBF/2rAUE0/QkCAP2uAf3mAf3kAf3nAf0LBAAgB0EQaiEHDAELCwvOCAMNfwd7AX0gBSAGbCILQQNsIQwgBCAGbCIHIAIiCGoiDiAHaiINIAQgBGxqIQ9EAAAAYEcV9z8gBrefo7b9EyEWA0AgBSAKSgRAIAAgBiAKbGohEEEAIQcDQCAEIAdKBEAgDEECdCERIAggB0F4cSAGbGogB0EHcWpBAnQhCSALIBBqIAcgDGxqQQJ0IgIgBkECdGohEgNAIAIgEkkEQCAJIAL9AAQAIhcgAiARav0ABAAiGP0NAAECAxAREhMEBQYHFBUWFyIUIAIgEUEBdGr9AAQAIhUgAiARQQNsav0ABAAiGf0NAAECAxAREhMEBQYHFBUWFyIa/Q0AAQIDBAUGBxAREhMUFRYX/QsEACAJIBQgGv0NCAkKCwwNDg8YGRobHB0eH/0LBCAgCSAXIBj9DQgJCgsYGRobDA0ODxwdHh8iFCAVIBn9DQgJCgsYGRobDA0ODxwdHh8iFf0NAAECAwQFBgcQERITFBUWF/0LBEAgCSAUIBX9DQgJCgsMDQ4PGBkaGxwdHh/9CwRgIAJBEGohAiAJQYABaiEJDAELCyAHQQRqIQcMAQsLQQAhBwNAIAQgB0oEQCAQIAtBAXRqIAcgDGxqQQJ0IREgDiAHQQN0akECdCESQQAhAgNAIAIgBkgEQCASIAIgBGxBAnRqIhMgESACQQJ0aiIJ/QAEAP0LBAAgEyAJ/QAEEP0LBBAgAkEIaiECDAELCyAHQQFqIQcMAQsLIBAgDEEBQQAgCCADIA0gBCAEIAQgBhAAQQAhCQNAIAQgCUoEQCANIAQgCWxqQQJ0IgIgBEECdGohECAC/QAEACIUIRUgAiEHA0AgByAQSQRAIBQgB/0ABAD96wEhFCAVIAf9AAQQ/esBIRUgB0EgaiEHDAELCyAUIBX96wEiFP0fACAU/R8BlyAU/R8CIBT9HwOXlyEb/QwAAAAAAAAAAAAAAAAAAAAAIRQDQCACIBBJBEAgAv0ABAAgG/0T/eUBIBb95gFBLP0JAgD96wEiFUEQ/QkCACIX/eQBIRggAkEo/QkCACAVIBggF/3lAf3lASIV/eYBQST9CQIA/eQBIBX95gFBIP0JAgD95AEgFf3mAUEc/QkCAP3kASAV/eYBQRj9CQIA/eQBIBX95gFBFP0JAgD95AEgGEEX/asBQTT9CQIA/a4B/eYBIhX9CwQAIBQgFf3kASEUIAJBEGohAgwBCwsgCSAPakECdEMAAIA/IBT9HwAgFP0fAZIgFP0fAiAU/R8DkpKVOAIAIAlBAWohCQwBCwsgDSAEQQFBACAOIAMgASAGIApsaiALIAQgBiAEEABBACECA0AgAiAESARAIAIgD2pBAnT9CQIAIRQgASACIAtsaiAGIApsakECdCIHIAZBAnRqIQkDQCAHIAlJBEAgByAH/QAEACAU/eYB/QsEACAHQRBqIQcMAQsLIAJBAWohAgwBCwsgCkEBaiEKDAELCwtTAQJ/A0AgAyACQQJ0SQRAIABBAnQgA2oiBCAE/QAEACABQQJ0IANq/QAEAP3kAf0MAAAAAAAAAAAAAAAAAAAAAP3rAf0LBAAgA0EQaiEDDAELCwt8AQZ/IARBAnQhBwNAIAMgBkoEQCAAIAQgBmwiBWpBAnQhCCABIAVqQQJ0IQlBACEFA0AgBSAHSQRAIAUgCGoiCiACQQJ0IAVq/QAEACAFIAlq/QAEAP3mASAK/QAEAP3kAf0LBAAgBUEQaiEFDAELCyAGQQFqIQYMAQsLCwtYBwBBEAsEAABASwBBFAsYAACAPxVyMT/e/HU+qVtjPUR1HjwK3a06AEEsCwQAAPzCAEEwCwQAAPxCAEE0CwQAAIA/AEE4CwQ7qri/AEE8CwhhVxPAEyc3PQ==\";\n\n// js/live/arena.js\nconst PAGE = 65536;\nconst OWN = 32; // floats at the beginning that are the kernels' own\nconst AHEAD = 65536; // and at the end, which they may read\nconst bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));\nconst CODES = { fused: bytes(FUSED), simd: bytes(SIMD) };\n\nclass Arena {\n  constructor(floats, kind = \"fused\") {\n    const pages = Math.ceil((4 * floats) / PAGE);\n    this.kind = kindFrom(kind);\n    const code = CODES[this.kind];\n    const memory = code ? new WebAssembly.Memory({ initial: pages }) : { buffer: new ArrayBuffer(pages * PAGE) };\n    this.kernels = code\n      ? new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports\n      : plainKernels(memory);\n    this.f32 = new Float32Array(memory.buffer);\n    this.used = OWN;\n  }\n\n  place(count) {\n    const place = this.used;\n    this.used += Math.ceil(count / 4) * 4;\n    const room = this.f32.length - AHEAD;\n    if (this.used > room) throw new Error(`the arena has room for ${room} floats, not for ${this.used}`);\n    return place;\n  }\n\n  put(values) {\n    const place = this.place(values.length);\n    this.f32.set(values, place);\n    return place;\n  }\n\n  view(place, count) {\n    return this.f32.subarray(place, place + count);\n  }\n}\n\nfunction kindFrom(fastest) {\n  const kinds = [\"fused\", \"simd\", \"plain\"];\n  const from = kinds.indexOf(fastest);\n  if (from < 0) throw new Error(`kernels of the kind ${fastest}: expected ${kinds.join(\", \")}`);\n  const runs = (kind) => !CODES[kind] || (typeof WebAssembly !== \"undefined\" && WebAssembly.validate(CODES[kind]));\n  return kinds.slice(from).find(runs);\n}\n\n// js/live/autoencoder.js\nclass Autoencoder {\n  constructor(weights, config, arena, latentSide) {\n    Object.assign(this, { arena, config, latentSide });\n    this.side = latentSide * config.upsampling_scaling_factor ** (config.num_decoder_blocks.length - 1);\n    this.latentChannels = config.latent_channels;\n    this.planes = new Map();\n    let layer = 0;\n    const convolution = (part, i, inner = \"\") => weights.convolution(`${part}.layers.${i}${inner}`);\n    const blocks = (part, count) =>\n      Array.from({ length: count }, () => {\n        const i = layer++;\n        return [0, 2, 4].map((j) => convolution(part, i, `.conv.${j}`));\n      });\n    this.encoder = config.num_encoder_blocks.map((count) => ({\n      enter: convolution(\"encoder\", layer++),\n      blocks: blocks(\"encoder\", count),\n    }));\n    this.encoded = convolution(\"encoder\", layer);\n    layer = 2; // behind the first convolution and its ReLU\n    this.first = convolution(\"decoder\", 0);\n    this.decoder = config.num_decoder_blocks.map((count, i) => {\n      const own = blocks(\"decoder\", count);\n      if (i < config.num_decoder_blocks.length - 1) layer++; // a layer that only makes the picture larger\n      return { blocks: own, leave: convolution(\"decoder\", layer++) };\n    });\n  }\n\n  _plane(use, side, channels) {\n    const key = `${use} ${side} ${channels}`;\n    if (!this.planes.has(key)) {\n      const count = (side + 2) ** 2 * channels;\n      this.planes.set(key, { place: this.arena.place(count), count, side, channels });\n    }\n    return this.planes.get(key);\n  }\n\n  _convolve(from, layer, to, stride = 1) {\n    const { side, channels } = from;\n    for (let y = 0; y < to.side; y++) {\n      const a = from.place + y * stride * (side + 2) * channels;\n      const c = this._at(to, 0, y);\n      const { w, bias, n, k } = layer;\n      this.arena.kernels.matmul(a, stride * channels, 3, (side + 2) * channels, w, bias, c, to.channels, to.side, n, k);\n    }\n    return to;\n  }\n\n  _at({ place, side, channels }, x, y) {\n    return place + ((y + 1) * (side + 2) + x + 1) * channels;\n  }\n\n  _blocks(x, blocks) {\n    const { kernels } = this.arena;\n    const [a, b] = [\"a\", \"b\"].map((use) => this._plane(use, x.side, x.channels));\n    for (const [one, two, three] of blocks) {\n      this._convolve(x, one, a);\n      kernels.relu(a.place, a.count);\n      this._convolve(a, two, b);\n      kernels.relu(b.place, b.count);\n      this._convolve(b, three, a);\n      kernels.addRelu(x.place, a.place, x.count);\n    }\n    return x;\n  }\n\n  _doubled(x) {\n    const { f32 } = this.arena;\n    const to = this._plane(\"large\", 2 * x.side, x.channels);\n    for (let row = 0; row < to.side; row++) {\n      for (let column = 0; column < to.side; column++) {\n        const from = this._at(x, column >> 1, row >> 1);\n        f32.copyWithin(this._at(to, column, row), from, from + x.channels);\n      }\n    }\n    return to;\n  }\n\n  decode(latents) {\n    const { f32, kernels } = this.arena;\n    const { latentSide, latentChannels, config } = this;\n    const start = this._plane(\"latents\", latentSide, latentChannels);\n    for (let i = 0; i < latentSide ** 2; i++) {\n      const at = this._at(start, i % latentSide, Math.floor(i / latentSide));\n      for (let c = 0; c < latentChannels; c++) {\n        const scaled = latents[c * latentSide ** 2 + i] / config.scaling_factor + config.shift_factor;\n        f32[at + c] = Math.fround(Math.tanh(Math.fround(scaled) / 3)) * 3;\n      }\n    }\n    let x = this._convolve(start, this.first, this._plane(\"x\", latentSide, this.first.n));\n    kernels.relu(x.place, x.count);\n    this.decoder.forEach(({ blocks, leave }, i) => {\n      x = this._blocks(x, blocks);\n      if (i < this.decoder.length - 1) x = this._doubled(x);\n      x = this._convolve(x, leave, this._plane(\"x\", x.side, leave.n));\n    });\n    const picture = new Uint8ClampedArray(4 * x.side ** 2); // it rounds halves to even, as numpy.rint does\n    for (let i = 0; i < x.side ** 2; i++) {\n      const at = this._at(x, i % x.side, Math.floor(i / x.side));\n      for (let c = 0; c < 3; c++) {\n        const centred = Math.fround(Math.fround(2 * f32[at + c]) - 1);\n        const light = Math.min(Math.max(Math.fround(centred / 2 + 0.5), 0), 1);\n        picture[4 * i + c] = Math.fround(light * 255);\n      }\n      picture[4 * i + 3] = 255;\n    }\n    return picture;\n  }\n\n  encode(pixels) {\n    const { f32 } = this.arena;\n    const { side, latentSide, latentChannels, config } = this;\n    if (pixels.length !== 4 * side ** 2) throw new Error(`a picture of ${pixels.length} bytes: expected ${side} x ${side} x 4`);\n    let x = this._plane(\"pixels\", side, 3);\n    for (let i = 0; i < side ** 2; i++) {\n      const at = this._at(x, i % side, Math.floor(i / side));\n      const share = pixels[4 * i + 3] / 255;\n      for (let c = 0; c < 3; c++) {\n        const byte = Math.round(pixels[4 * i + c] * share + 255 * (1 - share));\n        f32[at + c] = Math.fround(Math.fround(Math.fround(byte / 127.5) - 1) + 1) / 2;\n      }\n    }\n    this.encoder.forEach(({ enter, blocks }, i) => {\n      const stride = i ? 2 : 1;\n      x = this._blocks(this._convolve(x, enter, this._plane(\"x\", x.side / stride, enter.n), stride), blocks);\n    });\n    x = this._convolve(x, this.encoded, this._plane(\"latents\", latentSide, this.encoded.n));\n    const latents = new Float32Array(latentChannels * latentSide ** 2);\n    for (let i = 0; i < latentSide ** 2; i++) {\n      const at = this._at(x, i % latentSide, Math.floor(i / latentSide));\n      for (let c = 0; c < latentChannels; c++) {\n        latents[c * latentSide ** 2 + i] = (f32[at + c] - config.shift_factor) * config.scaling_factor;\n      }\n    }\n    return latents;\n  }\n}\n\n// js/live/random.js\nfunction seedWords(numbers, count) {\n  const entropy = numbers.flatMap((number) => {\n    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`seed ${number}: expected a whole number from 0 on`);\n    return number < 2 ** 32 ? [number] : [number >>> 0, Math.floor(number / 2 ** 32)];\n  });\n  let hash = 0x43b0d7e5;\n  const hashed = (value) => {\n    value ^= hash;\n    hash = Math.imul(hash, 0x931e8875);\n    value = Math.imul(value, hash);\n    return value ^ (value >>> 16);\n  };\n  const mixed = (x, y) => {\n    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);\n    return value ^ (value >>> 16);\n  };\n  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] || 0));\n  for (let from = 0; from < 4; from++) {\n    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));\n  }\n  for (const word of entropy.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(word));\n  hash = 0x8b51f9dd;\n  return Uint32Array.from({ length: count }, (_, i) => {\n    const value = pool[i & 3] ^ hash;\n    hash = Math.imul(hash, 0x58f38ded);\n    const product = Math.imul(value, hash);\n    return product ^ (product >>> 16);\n  });\n}\n\nfunction twister(seed) {\n  const state = new Uint32Array(624);\n  state[0] = seed;\n  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;\n  let at = 624;\n  return () => {\n    if (at === 624) {\n      for (let i = 0; i < 624; i++) {\n        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);\n        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);\n      }\n      at = 0;\n    }\n    let y = state[at++];\n    y ^= y >>> 11;\n    y ^= (y << 7) & 0x9d2c5680;\n    y ^= (y << 15) & 0xefc60000;\n    return (y ^ (y >>> 18)) >>> 0;\n  };\n}\n\nfunction noise(seed, sample, count) {\n  const next = twister(seedWords([seed, sample], 1)[0]);\n  const values = Float32Array.from({ length: count }, () => (next() & 0xffffff) / 2 ** 24);\n  for (let block = 0; block < count; block += 16) {\n    for (let j = block; j < block + 8; j++) {\n      const radius = r(Math.sqrt(r(-2 * r(Math.log(r(1 - values[j]))))));\n      const angle = r(r(2 * Math.PI) * values[j + 8]); // as torch has it with AVX2; without, 1.5e-6 away\n      values[j] = radius * r(Math.cos(angle));\n      values[j + 8] = radius * r(Math.sin(angle));\n    }\n  }\n  return values;\n}\n\nconst MASK = (1n << 128n) - 1n;\nconst STEP = 0x2360ed051fc65da44385df649fccf645n;\n\nfunction permutation(numbers, count) {\n  const words = seedWords(numbers, 8);\n  const wide = (i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);\n  const increment = ((((wide(4) << 64n) | wide(6)) << 1n) | 1n) & MASK;\n  const advanced = (state) => (state * STEP + increment) & MASK;\n  let state = advanced(increment + ((wide(0) << 64n) | wide(2)));\n  let kept = null; // a 64-bit number serves two draws, its low half first\n  const next = () => {\n    if (kept !== null) {\n      const high = kept;\n      kept = null;\n      return high;\n    }\n    state = advanced(state);\n    const folded = (state >> 64n) ^ (state & 0xffffffffffffffffn);\n    const turn = state >> 122n;\n    const value = ((folded >> turn) | (folded << (64n - turn))) & 0xffffffffffffffffn;\n    kept = Number(value >> 32n);\n    return Number(value & 0xffffffffn);\n  };\n  const order = Int32Array.from({ length: count }, (_, i) => i);\n  for (let i = count - 1; i > 0; i--) {\n    const mask = 2 ** (32 - Math.clz32(i)) - 1;\n    let j;\n    do j = (next() & mask) >>> 0; while (j > i);\n    [order[i], order[j]] = [order[j], order[i]];\n  }\n  return order;\n}\n\n// js/live/edits.js\nconst NEEDS = { scale: \"factor\", replace: \"values\", mean: \"reference\", mean_level: \"reference\", transport: \"source\" };\nconst THROUGH = [\"stream\", \"both\", \"content\", \"gain\"];\nconst READS = [\"attention\", \"mlp\", \"last\"];\nconst PARTS = [\"both\", \"level\", \"pattern\"];\nconst RECORDED = [\"mean\", \"mean_level\", \"transport\"]; // of other runs, at a block's output\n\nconst WAYS = {\n  zero: (old) => old.fill(0),\n  scale: (old, { edit }) => old.map((value) => value * r(edit.factor)),\n  own_mean: (old, place) => replaced(old, place, (level) => level),\n  no_level: (old, place) => patterned(old, place, () => 0),\n  shuffle(old, { edit, layer, step, count, k }) {\n    const order = permutation([edit.seed ?? 0, edit.sample ?? 0, layer, step], count);\n    const made = new Float32Array(old.length);\n    for (let row = 0; row < count; row++) for (let i = 0; i < k; i++) made[row * k + i] = old[order[row] * k + i];\n    return made;\n  },\n  replace: (old, place) => replaced(old, place, (_, channel) => given(place.edit.values, channel, place)),\n  mean: (old, place) => replaced(old, place, (_, channel) => given(place.edit.reference, channel, place)),\n  mean_level: (old, place) => patterned(old, place, (channel) => given(place.edit.reference, channel, place)),\n  transport(old, place) {\n    const taken = place.taken();\n    const { part = \"both\" } = place.edit;\n    if (part === \"both\") return taken;\n    const levels = part === \"level\" ? taken : old;\n    return patterned(part === \"level\" ? old : taken, place, (_, i) => mean(levels, i, place));\n  },\n};\n\nfunction mean(values, column, { count, k }) {\n  let sum = 0;\n  for (let i = 0; i < count; i++) sum += values[i * k + column];\n  return r(sum / count);\n}\n\nfunction replaced(old, place, level) {\n  const levels = place.channels.map((channel, i) => level(mean(old, i, place), channel));\n  return old.map((_, i) => levels[i % place.k]);\n}\n\nfunction patterned(old, place, level) {\n  const own = place.channels.map((_, i) => mean(old, i, place));\n  const levels = place.channels.map((channel, i) => level(channel, i));\n  return old.map((value, i) => r(value - own[i % place.k]) + levels[i % place.k]);\n}\n\nfunction given(values, channel, { layer, step, shape }) {\n  const { blocks, width, steps } = shape;\n  if (typeof values === \"number\") return values;\n  if (values.length === width) return values[channel];\n  if (values.length === blocks * width) return values[layer * width + channel];\n  return values[(layer * steps + step) * width + channel];\n}\n\nclass Edits {\n  constructor(edits, shape) {\n    this.shape = shape;\n    this.edits = edits.map((edit) => checked(edit, shape));\n    this.sums = new Float64Array(2 * shape.steps * shape.blocks).fill(NaN);\n    this.first = Math.min(shape.steps, ...this.edits.flatMap(({ steps }) => [...steps]));\n  }\n\n  moved() {\n    return this.edits.filter(({ how }) => how === \"transport\");\n  }\n\n  after(layer, step, values) {\n    for (const edit of this._at(layer, step)) {\n      if (edit.through === \"stream\") this._make(edit, layer, step, values, values);\n    }\n    if (!this.reads(layer, step)) return;\n    this.block ??= new Float32Array(values.length);\n    this.block.set(values);\n  }\n\n  reads(layer, step) {\n    return this._at(layer, step).some(({ through }) => through !== \"stream\");\n  }\n\n  read(layer, step, norm, sized, values) {\n    for (const edit of this._at(layer, step)) {\n      if (edit.through === \"stream\" || (edit.into && !edit.into.includes(norm))) continue;\n      for (const [through, copy] of [[\"content\", sized], [\"gain\", values]]) {\n        if (edit.through !== through) this._make(edit, layer, step, copy, norm === \"mlp\" ? this.block : copy);\n      }\n    }\n  }\n\n  change() {\n    const { steps, blocks } = this.shape;\n    return Float32Array.from({ length: steps * blocks }, (_, i) => Math.sqrt(this.sums[2 * i + 1] / this.sums[2 * i]));\n  }\n\n  _at(layer, step) {\n    return this.edits.filter(({ layers, steps, channels }) => layers.has(layer) && steps.has(step) && channels[layer].length);\n  }\n\n  _make(edit, layer, step, values, block) {\n    const { width } = this.shape;\n    const channels = edit.channels[layer];\n    const { where } = edit;\n    const [k, count] = [channels.length, where.length];\n    const taking = (from) => {\n      const taken = new Float32Array(count * k);\n      for (let i = 0; i < taken.length; i++) taken[i] = from[where[Math.floor(i / k)] * width + channels[i % k]];\n      return taken;\n    };\n    const taken = () => taking(edit.from.states[step].subarray(layer * values.length, (layer + 1) * values.length));\n    const now = taking(values);\n    const later = values !== block && RECORDED.includes(edit.how);\n    const old = later ? taking(block) : now;\n    const place = { edit, layer, step, channels, count, k, taken, shape: this.shape };\n    let made = WAYS[edit.how](old.slice(), place);\n    const share = r(edit.strength);\n    if (share !== 1) made = made.map((value, i) => old[i] + r(share * r(value - old[i])));\n    if (later) made = made.map((value, i) => (now[i] === old[i] ? value : now[i] + r(value - old[i])));\n    const at = 2 * (step * this.shape.blocks + layer);\n    if (Number.isNaN(this.sums[at])) this.sums.fill(0, at, at + 2);\n    let [all, moved] = this.sums.subarray(at, at + 2);\n    for (let i = 0; i < values.length; i++) all += values[i] * values[i]; // `for of` would leave an object a value\n    for (let i = 0; i < made.length; i++) {\n      moved += (made[i] - now[i]) ** 2;\n      values[where[Math.floor(i / k)] * width + channels[i % k]] = made[i];\n    }\n    this.sums.set([all, moved], at);\n  }\n}\n\nfunction checked(edit, { blocks, width, tokens, steps }) {\n  const { how, through = \"stream\", into = null, part = \"both\", strength = 1 } = edit;\n  const refuse = (name, expected) => {\n    throw new Error(`${name}=${shown(edit[name])}: expected ${expected}`);\n  };\n  if (!Object.hasOwn(WAYS, how)) refuse(\"how\", `one of ${Object.keys(WAYS).join(\", \")}`);\n  if (how in NEEDS && (edit[NEEDS[how]] ?? null) === null) throw new Error(`how=\"${how}\" needs ${NEEDS[how]}`);\n  if (!THROUGH.includes(through)) refuse(\"through\", `one of ${THROUGH.join(\", \")}`);\n  if (into && (through === \"stream\" || !into.length || !into.every((name) => READS.includes(name)))) {\n    refuse(\"into\", `some of ${READS.join(\", \")}, or null, and null for what is edited in the stream`);\n  }\n  if (!PARTS.includes(part)) refuse(\"part\", `one of ${PARTS.join(\", \")}`);\n  if (!Number.isFinite(strength)) refuse(\"strength\", \"a number\");\n  if (how === \"scale\" && !Number.isFinite(edit.factor)) refuse(\"factor\", \"a number\");\n  for (const name of [\"values\", \"reference\"]) {\n    const sizes = [width, blocks * width, blocks * steps * width];\n    if ((edit[name] ?? null) !== null && typeof edit[name] !== \"number\" && !sizes.includes(edit[name].length)) {\n      refuse(name, `a number, or ${sizes.join(\", \")} of them`);\n    }\n  }\n  const each = Array.isArray(edit.channels) && edit.channels.some((one) => typeof one !== \"number\");\n  const channels = each ? edit.channels : Array.from({ length: blocks }, () => edit.channels);\n  const fits = (list, size) => isList(list) && Array.from(list).every((i) => Number.isInteger(i) && i >= 0 && i < size);\n  if (channels.length !== blocks || !channels.every((list) => fits(list, width))) {\n    refuse(\"channels\", `numbers from 0 to ${width - 1}, or a list of them for each of ${blocks} blocks`);\n  }\n  if (!channels.some((list) => list.length)) refuse(\"channels\", \"at least one\");\n  const chosen = (name, size) => {\n    const asked = edit[name] ?? Array.from({ length: size }, (_, i) => i);\n    if (!fits(asked, size) || !asked.length) refuse(name, `numbers from 0 to ${size - 1}, at least one, or null for all`);\n    return new Set(asked);\n  };\n  const mask = edit.tokens ?? new Uint8Array(tokens).fill(1);\n  const where = Array.from({ length: tokens }, (_, i) => i).filter((i) => mask[i]);\n  if (mask.length !== tokens || !where.length) refuse(\"tokens\", `${tokens} truth values, at least one of them true`);\n  return {\n    ...edit,\n    through,\n    strength,\n    channels: channels.map((list) => Array.from(list)),\n    layers: chosen(\"layers\", blocks),\n    steps: chosen(\"steps\", steps),\n    where,\n  };\n}\n\nfunction isList(value) {\n  return Array.isArray(value) || ArrayBuffer.isView(value);\n}\n\nfunction shown(value) {\n  const text = JSON.stringify(ArrayBuffer.isView(value) ? Array.from(value) : value) ?? \"nothing\";\n  return text.length > 80 ? `${text.slice(0, 80)}…` : text;\n}\n\n// js/live/free.js\nfunction free(buffer) {\n  if (buffer.byteLength) buffer.transfer?.(0);\n}\n\n// js/live/prompt.js\nclass PromptError extends Error {}\n\nconst BLANK = /[\\s\\x1c-\\x1f\\x85]+/u;\n\nfunction wordsOf(prompt) {\n  return prompt.toLowerCase().split(BLANK).filter((word) => word);\n}\n\nfunction checkWords(prompt, { vocabulary, shapes, sentence }) {\n  const words = wordsOf(prompt);\n  for (const word of words) {\n    if (vocabulary.includes(word)) continue;\n    const near = nearest(word, vocabulary);\n    const hint = near ? `the nearest word the toy world knows is ${quote(near)}` : \"the toy world knows none like it\";\n    throw new PromptError(\n      `unknown word ${quote(word)} in the prompt ${quote(prompt)}; ${hint}. It knows: ${vocabulary.join(\", \")}`\n    );\n  }\n  const named = words.filter((word) => shapes.includes(word));\n  if (named.length > 2) {\n    throw new PromptError(\n      `the prompt ${quote(prompt)} names ${named.length} subjects (${named.join(\", \")}); a scene of the toy world has ` +\n        `at most two: expected ${sentence}`\n    );\n  }\n}\n\nfunction parsePrompt(prompt, grammar) {\n  checkWords(prompt, grammar);\n  const { sizes, colours, shapes, positions, textures } = grammar;\n  const one = (words) => `(${words.join(\"|\")})`;\n  const subject = new RegExp(`^a ${one(sizes)} ${one(colours)} ${one(shapes)} at the ${one(positions)}$`);\n  const ground = new RegExp(`^${one(textures)} ${one(colours)}(?: and ${one(colours)})? background$`);\n  const text = wordsOf(prompt).join(\" \");\n  const cut = text.lastIndexOf(\" on a \");\n  const found = cut < 0 ? null : ground.exec(text.slice(cut + 6));\n  const head = text.slice(0, Math.max(cut, 0));\n  const subjects = head === \"nothing\" ? [] : head.split(/ and (?=a )/).map((part) => subject.exec(part));\n  if (!found || subjects.includes(null)) return null;\n  return {\n    subjects: subjects.map(([, size, colour, shape, position]) => ({ size, colour, shape, position })),\n    texture: found[1],\n    background: found[2],\n    second: found[3] || null,\n  };\n}\n\nclass WordEncoder {\n  constructor(weights, config, ids) {\n    this.words = weights.values(\"words.weight\");\n    this.places = weights.values(\"places.weight\");\n    Object.assign(this, { ids, width: config.width, length: config.max_tokens });\n  }\n\n  encode(prompt, grammar) {\n    checkWords(prompt, grammar);\n    const words = wordsOf(prompt);\n    const { width, length } = this;\n    if (words.length > length) {\n      throw new PromptError(\n        `the prompt ${quote(prompt)} has ${words.length} words; the toy world reads at most ${length}`\n      );\n    }\n    const states = new Float32Array(length * width);\n    const sums = new Float64Array(width);\n    for (let place = 0; place < length; place++) {\n      const id = place < words.length ? this.ids[words[place]] : this.ids[\"<pad>\"];\n      for (let i = 0; i < width; i++) {\n        states[place * width + i] = this.words[id * width + i] + this.places[place * width + i];\n        sums[i] += states[place * width + i];\n      }\n    }\n    return { states, pooled: Float32Array.from(sums, (sum) => sum / length) };\n  }\n}\n\nfunction quote(text) {\n  const mark = text.includes(\"'\") && !text.includes('\"') ? '\"' : \"'\";\n  const plain = text.replace(/[\\\\]/g, \"\\\\\\\\\").replace(/\\n/g, \"\\\\n\").replace(/\\t/g, \"\\\\t\").replace(/\\r/g, \"\\\\r\");\n  return mark + (mark === \"'\" ? plain.replace(/'/g, \"\\\\'\") : plain) + mark;\n}\n\nfunction nearest(word, known) {\n  const scored = known.map((other) => [(2 * matching(other, word)) / (other.length + word.length), other]);\n  const near = scored.filter(([score]) => score >= 0.6);\n  return near.sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1)).map(([, other]) => other)[0];\n}\n\nfunction matching(a, b) {\n  let [best, i, j] = [0, 0, 0];\n  for (let x = 0; x < a.length; x++) {\n    for (let y = 0; y < b.length; y++) {\n      let size = 0;\n      while (x + size < a.length && y + size < b.length && a[x + size] === b[y + size]) size++;\n      if (size > best) [best, i, j] = [size, x, y];\n    }\n  }\n  if (!best) return 0;\n  return best + matching(a.slice(0, i), b.slice(0, j)) + matching(a.slice(i + best), b.slice(j + best));\n}\n\n// js/live/safetensors.js\nconst TYPES = { F16: 2, F32: 4 };\n\nclass Weights {\n  constructor(bytes, arena, name) {\n    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);\n    const length = bytes.byteLength < 8 ? NaN : Number(view.getBigUint64(0, true));\n    if (!(length <= bytes.byteLength - 8)) throw new Error(`${name} is no safetensors file, or was cut short`);\n    this.header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));\n    const data = bytes.subarray(8 + length);\n    this.data = data.byteOffset % 2 ? data.slice() : data; // a copy begins where 16-bit numbers may lie\n    this.arena = arena;\n    this.name = name;\n    const sizes = Object.values(this.header).map(({ shape = [] }) => shape.reduce((product, size) => product * size, 1));\n    this.buffer = new Float32Array(Math.max(...sizes));\n  }\n\n  has(tensor) {\n    return tensor in this.header;\n  }\n\n  shape(tensor) {\n    return this._entry(tensor).shape;\n  }\n\n  _entry(tensor) {\n    const entry = this.header[tensor];\n    if (!entry) throw new Error(`${this.name} holds no ${tensor}: these weights are of another model`);\n    if (!(entry.dtype in TYPES)) throw new Error(`${this.name}: ${tensor} is ${entry.dtype}; expected F16 or F32`);\n    return entry;\n  }\n\n  values(tensor) {\n    return this._read(tensor).slice();\n  }\n\n  _read(tensor) {\n    const { dtype, data_offsets: [from, to] } = this._entry(tensor);\n    if (to > this.data.byteLength) throw new Error(`${this.name} was cut short before ${tensor}`);\n    const count = (to - from) / TYPES[dtype];\n    const values = this.buffer.subarray(0, count);\n    if (dtype === \"F32\") {\n      new Uint8Array(values.buffer, 0, to - from).set(this.data.subarray(from, to));\n      return values;\n    }\n    const halves = new Uint16Array(this.data.buffer, this.data.byteOffset + from, count);\n    const table = floats();\n    for (let i = 0; i < count; i++) values[i] = table[halves[i]];\n    return values;\n  }\n\n  vector(tensor) {\n    return this.arena.put(this._read(tensor));\n  }\n\n  linear(...layers) {\n    const shapes = layers.map((layer) => this.shape(`${layer}.weight`));\n    const k = shapes[0].slice(1).reduce((product, size) => product * size, 1);\n    const rows = shapes.reduce((sum, [count]) => sum + count, 0);\n    const n = Math.ceil(rows / 8) * 8;\n    const bias = this.arena.place(n);\n    const w = this.arena.place(n * k);\n    let row = 0;\n    shapes.forEach(([count], i) => {\n      if (this.has(`${layers[i]}.bias`)) this.arena.f32.set(this._read(`${layers[i]}.bias`), bias + row);\n      const values = this._read(`${layers[i]}.weight`);\n      for (let from = 0; from < count * k; from += k) this._panel(w, row++, values.subarray(from, from + k));\n    });\n    return { w, bias, n, k };\n  }\n\n  convolution(layer) {\n    const [outputs, inputs] = this.shape(`${layer}.weight`);\n    const n = Math.ceil(outputs / 8) * 8;\n    const bias = this.arena.place(n);\n    if (this.has(`${layer}.bias`)) this.arena.f32.set(this._read(`${layer}.bias`), bias);\n    const values = this._read(`${layer}.weight`);\n    const w = this.arena.place(n * 9 * inputs);\n    const row = new Float32Array(9 * inputs);\n    for (let o = 0; o < outputs; o++) {\n      for (let i = 0; i < inputs; i++) {\n        for (let tap = 0; tap < 9; tap++) row[tap * inputs + i] = values[(o * inputs + i) * 9 + tap];\n      }\n      this._panel(w, o, row);\n    }\n    return { w, bias, n, k: 3 * inputs };\n  }\n\n  _panel(w, row, values) {\n    const { f32 } = this.arena;\n    const from = w + (row & ~7) * values.length + (row & 7);\n    for (let i = 0; i < values.length; i++) f32[from + 8 * i] = values[i];\n  }\n}\n\nlet table;\n\nfunction floats() {\n  if (table) return table;\n  table = new Float32Array(65536);\n  for (let half = 0; half < 65536; half++) {\n    const exponent = (half >> 10) & 31;\n    const fraction = half & 1023;\n    const size =\n      exponent === 31 ? (fraction ? NaN : Infinity)\n      : exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15)\n      : (fraction / 1024) * 2 ** -14;\n    table[half] = half & 0x8000 ? -size : size;\n  }\n  return table;\n}\n\n// js/live/transformer.js\nconst EPSILON = 1e-6;\nconst FREQUENCIES = 128;\n\nclass Transformer {\n  constructor(weights, config, arena, words, most) {\n    if (config.patch_size !== 1 || config.pos_embed_max_size !== config.sample_size || config.qk_norm !== \"rms_norm\") {\n      throw new Error(\"the transformer is not of the toy world's kind: one token a latent, SD3 with RMS-normed queries\");\n    }\n    Object.assign(this, { arena, words, most });\n    this.blocks = config.num_layers;\n    this.heads = config.num_attention_heads;\n    this.headWidth = config.attention_head_dim;\n    this.width = this.heads * this.headWidth;\n    this.channels = config.in_channels;\n    this.tokens = config.sample_size ** 2;\n    const all = this.tokens + words;\n    if (all % 8 || this.headWidth % 8) throw new Error(`${all} tokens in heads of ${this.headWidth}: expected multiples of 8`);\n    this._read(weights);\n    const room = (rows, columns) => arena.place(rows * columns);\n    this.zeros = arena.place(Math.max(4 * this.width, all));\n    this.image = room(this.tokens, this.width); // the hidden states, between blocks and within\n    this.text = room(words, this.width);\n    this.embedded = room(words, this.width);\n    this.latents = room(this.tokens, this.channels);\n    this.normed = room(all, this.width);\n    this.qkv = room(all, 3 * this.width);\n    this.attended = room(all, this.width);\n    this.hidden = room(all, 4 * this.width);\n    this.update = room(all, this.width);\n    this.velocities = room(this.tokens, 8 * Math.ceil(this.channels / 8));\n    this.scores = room(all, 2 * this.headWidth + all + 1);\n    this.sized = room(this.tokens, this.width);\n    this.seen = room(this.tokens, this.width);\n    this.vector = room(most, Math.max(this.width, 2 * FREQUENCIES));\n    this.condition = room(most, this.width);\n  }\n\n  _read(weights) {\n    const linear = (...names) => weights.linear(...names);\n    this.places = weights.vector(\"pos_embed.pos_embed\");\n    this.patch = linear(\"pos_embed.proj\");\n    this.context = linear(\"context_embedder\");\n    this.time = [linear(\"time_text_embed.timestep_embedder.linear_1\"), linear(\"time_text_embed.timestep_embedder.linear_2\")];\n    this.pooled = [linear(\"time_text_embed.text_embedder.linear_1\"), linear(\"time_text_embed.text_embedder.linear_2\")];\n    const modulated = (name) => {\n      const layer = linear(name);\n      return { ...layer, out: this.arena.place(this.most * layer.n) };\n    };\n    this.layers = Array.from({ length: this.blocks }, (_, i) => {\n      const block = `transformer_blocks.${i}`;\n      const attention = `${block}.attn`;\n      const last = i === this.blocks - 1; // after which the words are no longer needed\n      return {\n        image: {\n          modulation: modulated(`${block}.norm1.linear`),\n          qkv: linear(`${attention}.to_q`, `${attention}.to_k`, `${attention}.to_v`),\n          norms: [weights.vector(`${attention}.norm_q.weight`), weights.vector(`${attention}.norm_k.weight`)],\n          out: linear(`${attention}.to_out.0`),\n          mlp: [linear(`${block}.ff.net.0.proj`), linear(`${block}.ff.net.2`)],\n        },\n        text: {\n          modulation: modulated(`${block}.norm1_context.linear`),\n          qkv: linear(`${attention}.add_q_proj`, `${attention}.add_k_proj`, `${attention}.add_v_proj`),\n          norms: [weights.vector(`${attention}.norm_added_q.weight`), weights.vector(`${attention}.norm_added_k.weight`)],\n          out: last ? null : linear(`${attention}.to_add_out`),\n          mlp: last ? null : [linear(`${block}.ff_context.net.0.proj`), linear(`${block}.ff_context.net.2`)],\n        },\n      };\n    });\n    this.last = modulated(\"norm_out.linear\");\n    this.project = linear(\"proj_out\");\n  }\n\n  _linear(x, { w, bias, n, k }, rows, out) {\n    this.arena.kernels.matmul(x, k, 1, 0, w, bias, out, n, rows, n, k);\n  }\n\n  begin({ states, pooled }, sigmas) {\n    const { f32, kernels } = this.arena;\n    const steps = sigmas.length;\n    if (steps > this.most) throw new Error(`${steps} steps: expected at most ${this.most}`);\n    f32.set(states, this.hidden);\n    this._linear(this.hidden, this.context, this.words, this.embedded);\n    sigmas.forEach((sigma, i) => {\n      const time = Math.fround(Math.fround(sigma) * 1000);\n      const rate = Math.fround(-Math.log(10000));\n      for (let j = 0; j < FREQUENCIES; j++) {\n        const frequency = Math.fround(Math.exp(Math.fround(rate * j) / FREQUENCIES));\n        const angle = Math.fround(time * frequency);\n        f32[this.vector + i * 2 * FREQUENCIES + j] = Math.cos(angle);\n        f32[this.vector + i * 2 * FREQUENCIES + FREQUENCIES + j] = Math.sin(angle);\n      }\n    });\n    this._linear(this.vector, this.time[0], steps, this.hidden);\n    kernels.silu(this.hidden, steps * this.width);\n    this._linear(this.hidden, this.time[1], steps, this.condition);\n    f32.set(pooled, this.vector);\n    this._linear(this.vector, this.pooled[0], 1, this.hidden);\n    kernels.silu(this.hidden, this.width);\n    this._linear(this.hidden, this.pooled[1], 1, this.vector);\n    for (let i = 0; i < steps * this.width; i++) f32[this.condition + i] += f32[this.vector + (i % this.width)];\n    kernels.silu(this.condition, steps * this.width);\n    const modulated = [this.last, ...this.layers.flatMap(({ image, text }) => [image.modulation, text.modulation])];\n    for (const layer of modulated) this._linear(this.condition, layer, steps, layer.out);\n  }\n\n  velocity(latents, step, edits) {\n    const { arena, tokens, channels, width } = this;\n    const { f32 } = arena;\n    for (let c = 0; c < channels; c++) {\n      for (let i = 0; i < tokens; i++) f32[this.latents + i * channels + c] = latents[c * tokens + i];\n    }\n    this._linear(this.latents, this.patch, tokens, this.image);\n    for (let i = 0; i < tokens * width; i++) f32[this.image + i] += f32[this.places + i];\n    f32.copyWithin(this.text, this.embedded, this.embedded + this.words * width);\n    this.layers.forEach((layer, block) => {\n      this._block(layer, block, step, edits);\n      edits.after(block, arena.view(this.image, tokens * width));\n    });\n    const scale = this.last.out + step * this.last.n; // here, and for the words of the last block, scale comes first\n    this._norm(this.image, this.blocks - 1, \"last\", scale, scale + width, edits);\n    this._linear(this.normed, this.project, tokens, this.velocities);\n    const out = new Float32Array(channels * tokens);\n    for (let c = 0; c < channels; c++) {\n      for (let i = 0; i < tokens; i++) out[c * tokens + i] = f32[this.velocities + i * this.project.n + c];\n    }\n    return out;\n  }\n\n  levels() {\n    this.arena.kernels.levels(this.image, this.update, this.tokens, this.width);\n    return this.arena.view(this.update, this.width);\n  }\n\n  _block({ image, text }, block, step, edits) {\n    const { kernels } = this.arena;\n    const { tokens, words, width } = this;\n    const all = tokens + words;\n    const after = tokens * width; // where the words' rows begin, behind the picture's\n    const six = (layer) => Array.from({ length: 6 }, (_, i) => layer.out + step * layer.n + i * width);\n    const [shift1, scale1, gate1, shift2, scale2, gate2] = six(image.modulation);\n    const own = six(text.modulation);\n    const [textShift, textScale] = text.mlp ? own : [own[1], own[0]];\n\n    this._norm(this.image, block - 1, \"attention\", scale1, shift1, edits);\n    kernels.layerNorm(this.text, this.text, textScale, textShift, this.normed + after, words, width, EPSILON);\n    this._linear(this.normed, image.qkv, tokens, this.qkv);\n    this._linear(this.normed + after, text.qkv, words, this.qkv + 3 * after);\n    for (const i of [0, 1]) {\n      const from = this.qkv + i * width;\n      kernels.rmsNorm(from, 3 * width, image.norms[i], tokens, this.heads, this.headWidth, EPSILON);\n      kernels.rmsNorm(from + 3 * after, 3 * width, text.norms[i], words, this.heads, this.headWidth, EPSILON);\n    }\n    kernels.attention(this.qkv, this.attended, this.scores, this.zeros, all, this.heads, this.headWidth);\n    this._linear(this.attended, image.out, tokens, this.update);\n    kernels.addGated(this.image, this.update, gate1, tokens, width);\n    this._norm(this.image, block - 1, \"mlp\", scale2, shift2, edits);\n    this._mlp(this.normed, image.mlp, tokens);\n    kernels.addGated(this.image, this.update, gate2, tokens, width);\n    if (!text.mlp) return;\n\n    this._linear(this.attended + after, text.out, words, this.update);\n    kernels.addGated(this.text, this.update, own[2], words, width);\n    kernels.layerNorm(this.text, this.text, own[4], own[3], this.normed, words, width, EPSILON);\n    this._mlp(this.normed, text.mlp, words);\n    kernels.addGated(this.text, this.update, own[5], words, width);\n  }\n\n  _mlp(x, [first, second], rows) {\n    this._linear(x, first, rows, this.hidden);\n    this.arena.kernels.gelu(this.hidden, rows * first.n);\n    this._linear(this.hidden, second, rows, this.update);\n  }\n\n  _norm(x, before, norm, scale, shift, edits) {\n    const { arena, tokens, width } = this;\n    const count = tokens * width;\n    let [sized, values] = [x, x];\n    if (before >= 0 && edits.reads(before)) {\n      [sized, values] = [this.sized, this.seen];\n      arena.f32.copyWithin(sized, x, x + count);\n      arena.f32.copyWithin(values, x, x + count);\n      edits.read(before, norm, arena.view(sized, count), arena.view(values, count));\n    }\n    arena.kernels.layerNorm(sized, values, scale, shift, this.normed, tokens, width, EPSILON);\n  }\n}\n\n// js/live/sampler.js\nconst MOST_STEPS = 64;\nconst ROOM = 3_000_000; // floats for activations\nconst KEPT = 32; // steps whose hidden states are kept of untouched runs, 0.66 MB each; of the last run in any case\n\nclass Sampler {\n  constructor(files, about, { kernels = \"fused\" } = {}) {\n    const bytes = Object.values(files).reduce((sum, file) => sum + file.byteLength, 0);\n    this.arena = new Arena(bytes / 2 + ROOM, kernels);\n    const { transformer, vae, text_encoder: words } = about.configs;\n    const open = (name, arena) => new Weights(files[name], arena, name);\n    this.grammar = about.grammar;\n    this.words = new WordEncoder(open(\"text_encoder\", this.arena), words, about.ids);\n    this.transformer = new Transformer(open(\"transformer\", this.arena), transformer, this.arena, words.max_tokens, MOST_STEPS);\n    this.autoencoder = new Autoencoder(open(\"vae\", this.arena), vae, this.arena, transformer.sample_size);\n    this.runs = new Map(); // what was drawn untouched, the latest last\n  }\n\n  get shape() {\n    const { blocks, width, tokens, channels } = this.transformer;\n    return { blocks, width, tokens, channels };\n  }\n\n  async draw(given, { watch = () => {}, pause = async () => {}, wanted = () => true, bare = false } = {}) {\n    const { prompt, seed = 0, sample = 0, steps = 16 } = given;\n    if (!Number.isInteger(steps) || steps < 1 || steps > MOST_STEPS) {\n      throw new Error(`steps=${steps}: expected a whole number from 1 to ${MOST_STEPS}`);\n    }\n    const { tokens, channels } = this.transformer;\n    const embedded = this.words.encode(prompt, this.grammar);\n    const start = given.latents ? Float32Array.from(given.latents) : noise(seed, sample, channels * tokens);\n    if (start.length !== channels * tokens) throw new Error(`latents of ${start.length} numbers: expected ${channels * tokens}`);\n    const edits = new Edits(given.edits || [], { ...this.shape, steps });\n    const held = []; // other runs that this one needs until it is drawn\n    const hold = (run) => held.push(run.hold());\n    let run = null;\n    let whole = false;\n    try {\n      for (const edit of edits.moved()) {\n        const source = await this._untouched({ steps, seed, sample, ...edit.source }, { pause, wanted });\n        if (!source) return null;\n        hold(source);\n        edit.from = source;\n      }\n      const key = runKey({ ...given, seed, sample, steps });\n      const known = this.runs.get(key);\n      if (known) {\n        hold(known);\n        this._keep(key, known);\n      }\n      if (known && edits.first >= steps) {\n        for (let step = 0; step < steps; step++) watch(known.at(step));\n        return known;\n      }\n      run = new Run({ ...this.shape, steps, start, bare: bare && edits.first < steps });\n      const begin = known ? edits.first : 0;\n      if (known) run.continue(known, begin);\n      let begun = false;\n      for (let step = 0; step < steps; step++) {\n        if (step >= begin) {\n          await pause();\n          if (!wanted()) return null;\n          if (!begun || this.last !== run) {\n            this.transformer.begin(embedded, run.sigmas.slice(0, steps)); // another run may have been between\n            [begun, this.last] = [true, run];\n          }\n          this._step(run, step, edits, given.clean, start);\n        }\n        watch(run.at(step));\n      }\n      run.change = edits.change();\n      if (edits.first >= steps) this._keep(key, run);\n      whole = true;\n      return run;\n    } finally {\n      for (const other of held) other.leave();\n      if (run && !whole) run.hold().leave();\n    }\n  }\n\n  _step(run, step, edits, clean, start) {\n    const { blocks, tokens, width } = this.shape;\n    const latents = run.latents[step];\n    const states = run.states?.[step];\n    const velocity = this.transformer.velocity(latents, step, {\n      after: (block, values) => {\n        edits.after(block, step, values);\n        states?.set(values, block * tokens * width);\n        run.levels[step].set(this.transformer.levels(), block * width);\n      },\n      reads: (block) => edits.reads(block, step),\n      read: (block, norm, sized, values) => edits.read(block, step, norm, sized, values),\n    });\n    const [sigma, next] = [run.sigmas[step], run.sigmas[step + 1]];\n    const change = Math.fround(next - sigma);\n    for (let i = 0; i < latents.length; i++) {\n      run.estimates[step][i] = latents[i] - sigma * velocity[i];\n      run.latents[step + 1][i] = clean\n        ? Math.fround(Math.fround(1 - next) * clean[i]) + Math.fround(next * start[i])\n        : latents[i] + Math.fround(change * velocity[i]);\n    }\n  }\n\n  async _untouched(given, callbacks) {\n    return this.draw({ ...given, edits: [] }, callbacks);\n  }\n\n  _keep(key, run) {\n    const known = this.runs.get(key);\n    if (known !== run) {\n      known?.leave();\n      run.hold();\n    }\n    this.runs.delete(key); // the latest is the last\n    this.runs.set(key, run);\n    let steps = [...this.runs.values()].reduce((sum, one) => sum + one.steps, 0);\n    for (const [old, one] of this.runs) {\n      if (steps <= KEPT || this.runs.size === 1) break;\n      steps -= one.steps;\n      this.runs.delete(old);\n      one.leave();\n    }\n  }\n}\n\nfunction runKey({ prompt, seed, sample, steps, latents, clean }) {\n  const own = (values) => (values ? Array.from(values) : null);\n  return JSON.stringify([prompt.toLowerCase().split(/\\s+/), seed, sample, steps, own(latents), own(clean)]);\n}\n\nclass Run {\n  constructor({ blocks, width, tokens, channels, steps, start, bare = false }) {\n    Object.assign(this, { blocks, width, tokens, steps, held: 0 });\n    const each = (count, size) => Array.from({ length: count }, () => new Float32Array(size));\n    this.sigmas = Float32Array.from({ length: steps + 1 }, (_, i) => (i < steps ? 1 - i / steps : 0));\n    this.latents = [start, ...each(steps, channels * tokens)];\n    this.estimates = each(steps, channels * tokens);\n    const size = blocks * tokens * width;\n    const states = new Float32Array(bare ? 0 : steps * size); // as one, which goes back to the system once it is free\n    this.states = bare ? null : Array.from({ length: steps }, (_, step) => states.subarray(step * size, (step + 1) * size));\n    this.levels = each(steps, blocks * width);\n    this.change = null;\n  }\n\n  hold() {\n    this.held++;\n    return this;\n  }\n\n  leave() {\n    if (--this.held || !this.states) return;\n    free(this.states[0].buffer);\n    this.states = null;\n  }\n\n  kept() {\n    if (!this.states) throw new Error(\"The hidden states of this run are no longer kept: draw it again.\");\n    return this.states;\n  }\n\n  continue(run, step) {\n    for (const name of [\"estimates\", \"levels\"]) this[name].splice(0, step, ...run[name].slice(0, step));\n    this.latents.splice(0, step + 1, ...run.latents.slice(0, step + 1));\n    for (let i = 0; this.states && i < step; i++) this.states[i].set(run.states[i]);\n  }\n\n  map(step, block, channel, into = new Float32Array(this.tokens), at = 0) {\n    const { tokens, width } = this;\n    const states = this.kept()[step];\n    const from = block * tokens * width + channel;\n    for (let i = 0; i < tokens; i++) into[at + i] = states[from + i * width];\n    return into;\n  }\n\n  at(step) {\n    return { step, steps: this.steps, run: this, levels: this.levels[step], estimate: this.estimates[step] };\n  }\n}\n\n// js/live/worker.js\nconst PREVIEW = 100; // ms from one picture of a run that still forms to the next\nconst LOOKED_AT = 4; // runs that maps can be asked of\nconst DIGITS = new Uint8Array(256).fill(255);\n[...\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\"].forEach((one, i) => (DIGITS[one.charCodeAt(0)] = i));\n\nfunction serveLive(port, { now = () => performance.now(), build = (...given) => new Sampler(...given), kept = LOOKED_AT } = {}) {\n  let sampler = null;\n  let opening = null;\n  let queue = [];\n  let drawn = null; // what is being drawn\n  let seen = -Infinity; // when a picture was last sent\n  const runs = new Map();\n\n  const channel = new MessageChannel();\n  let goOn = () => {};\n  channel.port1.onmessage = () => goOn();\n  const pause = () => new Promise((resolve) => {\n    goOn = resolve;\n    channel.port2.postMessage(null);\n  });\n\n  const send = (message, ...moved) => port.postMessage(message, moved.filter(Boolean).map(({ buffer }) => buffer));\n  const fail = (error, { id, lane } = {}) => send({ type: \"failed\", id, lane, text: error.message });\n\n  function open({ about, kernels }) {\n    const bytes = about.files.reduce((sum, [, size]) => sum + size, 0);\n    opening = { about, kernels, bytes, data: new Uint8Array(bytes), read: 0 };\n  }\n\n  function part({ text }) {\n    const { data, read } = opening;\n    const bytes = unpacked(text, data.subarray(read));\n    opening.read += bytes;\n    free(text.buffer);\n    send({ type: \"opened\", share: opening.read / opening.bytes });\n    if (opening.read < opening.bytes) return;\n    const { about, kernels } = opening;\n    opening = null;\n    let from = 0;\n    const files = Object.fromEntries(about.files.map(([name, size]) => [name, data.subarray(from, (from += size))]));\n    sampler = build(files, about, { kernels });\n    free(data.buffer);\n    const own = { kernels: sampler.arena.kind, side: sampler.autoencoder.side, digest: about.digest };\n    send({ type: \"ready\", about: { ...sampler.shape, ...own } });\n  }\n\n  function drop(lane) {\n    const leave = (one) => lane === undefined || one.lane === lane;\n    for (const one of queue.filter(leave)) send({ type: \"dropped\", id: one.id, lane: one.lane });\n    queue = queue.filter((one) => !leave(one));\n    if (drawn && leave(drawn)) drawn.wanted = false;\n  }\n\n  async function work() {\n    while (queue.length && !drawn) {\n      drawn = { ...queue.shift(), wanted: true };\n      const own = drawn;\n      try {\n        const began = now();\n        const run = await sampler.draw(own.given, {\n          pause,\n          wanted: () => own.wanted,\n          watch: (step) => watch(own, step),\n        });\n        if (run) finish(own, run, now() - began);\n        else send({ type: \"dropped\", id: own.id, lane: own.lane });\n      } catch (error) {\n        fail(error, own);\n      }\n      drawn = null;\n    }\n  }\n\n  function watch({ id, lane, watch: { maps: asked = [], pictures = true } = {} }, { step, steps, run, estimate }) {\n    const picture = pictures && step < steps - 1 && now() - seen >= PREVIEW ? sampler.autoencoder.decode(estimate) : null;\n    if (picture) seen = now();\n    const maps = new Float32Array(asked.length * run.tokens);\n    asked.forEach(([block, channel], i) => run.map(step, block, channel, maps, i * run.tokens));\n    const levels = run.levels[step].slice();\n    send({ type: \"step\", id, lane, step, steps, levels, maps, picture }, levels, maps, picture);\n  }\n\n  function finish({ id, lane }, run, ms) {\n    if (kept) runs.set(id, run.hold());\n    while (runs.size > kept) {\n      const [old, one] = runs.entries().next().value;\n      runs.delete(old);\n      one.leave();\n    }\n    const latents = run.latents[run.steps].slice();\n    const levels = new Float32Array(run.steps * run.levels[0].length);\n    run.levels.forEach((values, step) => levels.set(values, step * values.length));\n    const picture = sampler.autoencoder.decode(latents);\n    const change = run.change;\n    send({ type: \"done\", id, lane, picture, latents, levels, change, ms }, picture, latents, levels);\n  }\n\n  function map({ id, run, step, block, channel }) {\n    const found = runs.get(run);\n    if (!found) throw new Error(`run ${run} is no longer kept: draw it again`);\n    const values = found.map(step, block, channel);\n    send({ type: \"map\", id, values }, values);\n  }\n\n  function encode({ id, pixels }) {\n    const latents = sampler.autoencoder.encode(pixels);\n    const picture = sampler.autoencoder.decode(latents);\n    send({ type: \"encoded\", id, latents, picture }, latents, picture);\n  }\n\n  const heard = {\n    open,\n    part,\n    map,\n    encode,\n    stop: ({ lane }) => drop(lane),\n    draw(message) {\n      drop(message.lane);\n      queue.push(message);\n      work();\n    },\n  };\n\n  port.onmessage = ({ data }) => {\n    try {\n      if (!heard[data.type]) throw new Error(`message ${data.type}: expected one of ${Object.keys(heard).join(\", \")}`);\n      if (!sampler && ![\"open\", \"part\", \"stop\"].includes(data.type)) throw new Error(\"the model has not been loaded yet\");\n      heard[data.type](data);\n    } catch (error) {\n      fail(error, data);\n    }\n  };\n}\n\nfunction unpacked(text, out) {\n  let [at, bits, waiting] = [0, 0, 0];\n  let count = text.length;\n  while (count && text[count - 1] === 61) count--; // \"=\"\n  if (Math.floor((6 * count) / 8) > out.length) throw new Error(\"there are more weights than their list names\");\n  for (let i = 0; i < count; i++) {\n    const value = DIGITS[text[i]];\n    if (value === 255) throw new Error(\"a part of the model is no base64: load the page again\");\n    bits = ((bits & 0xffff) << 6) | value;\n    waiting += 6;\n    if (waiting < 8) continue;\n    waiting -= 8;\n    out[at++] = bits >> waiting;\n  }\n  return at;\n}\n\n// js/strings.js\nconst STRINGS = {\n  en: {\n    \"channel.number\": \"channel {channel}\",\n    \"draw\": \"Draw\",\n    \"edited.zero\": \"at zero\",\n    \"how.zero\": \"set them to zero\",\n    \"lab.undrawn\": \"nothing was drawn yet that is called {tag}\",\n    \"step\": \"step\",\n    \"steps\": \"Steps\",\n    \"steps.one\": \"step {step}\",\n    \"untouched\": \"untouched\",\n  },\n  de: {\n    \"channel.number\": \"Kanal {channel}\",\n    \"draw\": \"Ziehung\",\n    \"edited.zero\": \"auf null\",\n    \"how.zero\": \"setze sie auf null\",\n    \"lab.undrawn\": \"noch nichts gezeichnet, das {tag} heißt\",\n    \"step\": \"Schritt\",\n    \"steps\": \"Schritte\",\n    \"steps.one\": \"Schritt {step}\",\n    \"untouched\": \"unberührt\",\n  },\n};\n\n// js/phrases.js\nlet spoken = null;\n\nfunction speak(tongue) {\n  spoken = tongue;\n}\n\nfunction language() {\n  const wanted = spoken ?? globalThis.document?.documentElement?.lang ?? \"\";\n  const tongue = wanted.slice(0, 2).toLowerCase();\n  return Object.hasOwn(STRINGS, tongue) ? tongue : \"en\";\n}\n\nconst known = (key) => Object.hasOwn(STRINGS.en, key);\n\nfunction phraseIn(tongue, key, values = {}) {\n  return STRINGS[tongue][key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);\n}\n\nconst phrase = (key, values) => phraseIn(language(), key, values);\n\nfunction counted(key, n, options = {}, values = {}) {\n  const form = new Intl.PluralRules(language(), options).select(n);\n  return phrase(known(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n, ...values });\n}\n\nfunction filled(key, things) {\n  const parts = STRINGS[language()][key].split(/\\{(\\w+)\\}/);\n  return parts.map((part, i) => (i % 2 ? things[part] : part)).filter((part) => part !== \"\");\n}\n\n// js/lab/numerics.js\nfunction quantile(values, share) {\n  const sorted = Float64Array.from(values).sort();\n  const place = share * (sorted.length - 1);\n  const low = Math.floor(place);\n  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);\n}\n\nfunction linesOf(plane, side, from, to) {\n  return Array.from(plane).filter((_, i) => i % side >= from && i % side < to && Math.floor(i / side) >= from && Math.floor(i / side) < to);\n}\n\nfunction rowsTurned(re, im, side, sign) {\n  const [outRe, outIm] = [new Float64Array(re.length), new Float64Array(re.length)];\n  const cos = Float64Array.from({ length: side }, (_, i) => Math.cos((2 * Math.PI * i) / side));\n  const sin = Float64Array.from({ length: side }, (_, i) => sign * Math.sin((2 * Math.PI * i) / side));\n  for (let row = 0; row < side; row++) {\n    for (let f = 0; f < side; f++) {\n      let [a, b] = [0, 0];\n      for (let x = 0; x < side; x++) {\n        const turn = (f * x) % side;\n        const at = row * side + x;\n        a += re[at] * cos[turn] - im[at] * sin[turn];\n        b += re[at] * sin[turn] + im[at] * cos[turn];\n      }\n      outRe[f * side + row] = a;\n      outIm[f * side + row] = b;\n    }\n  }\n  return [outRe, outIm];\n}\n\nfunction planeFft(plane, side) {\n  const [re, im] = rowsTurned(...rowsTurned(plane, new Float64Array(plane.length), side, -1), side, -1);\n  return { re, im };\n}\n\nfunction planeInverse({ re, im }, side) {\n  const [out] = rowsTurned(...rowsTurned(re, im, side, 1), side, 1);\n  return out.map((value) => value / out.length);\n}\n\nfunction topAxis(points) {\n  const m = [0, 1, 2].map((i) => [0, 1, 2].map((j) => points.reduce((sum, p) => sum + p[i] * p[j], 0)));\n  const axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];\n  for (let round = 0; round < 30; round++) {\n    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {\n      if (Math.abs(m[p][q]) < 1e-12 * (Math.abs(m[p][p]) + Math.abs(m[q][q]) + 1e-300)) continue;\n      const half = 0.5 * Math.atan2(2 * m[p][q], m[q][q] - m[p][p]);\n      const [c, s] = [Math.cos(half), Math.sin(half)];\n      for (let k = 0; k < 3; k++) [m[k][p], m[k][q]] = [c * m[k][p] - s * m[k][q], s * m[k][p] + c * m[k][q]];\n      for (let k = 0; k < 3; k++) [m[p][k], m[q][k]] = [c * m[p][k] - s * m[q][k], s * m[p][k] + c * m[q][k]];\n      for (let k = 0; k < 3; k++) [axes[k][p], axes[k][q]] = [c * axes[k][p] - s * axes[k][q], s * axes[k][p] + c * axes[k][q]];\n    }\n  }\n  const most = [0, 1, 2].reduce((best, i) => (m[i][i] > m[best][best] ? i : best), 0);\n  return axes.map((row) => row[most]);\n}\n\nfunction withoutSlope(values, places) {\n  const rows = places.map(([y, x]) => [1, y, x]);\n  const a = [0, 1, 2].map((i) => [...[0, 1, 2].map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)), rows.reduce((sum, row, n) => sum + row[i] * values[n], 0)]);\n  for (let i = 0; i < 3; i++) {\n    const pivot = [i, i + 1, i + 2].filter((k) => k < 3).reduce((best, k) => (Math.abs(a[k][i]) > Math.abs(a[best][i]) ? k : best), i);\n    [a[i], a[pivot]] = [a[pivot], a[i]];\n    if (Math.abs(a[i][i]) < 1e-12) continue;\n    for (let k = 0; k < 3; k++) {\n      if (k === i) continue;\n      const share = a[k][i] / a[i][i];\n      for (let j = i; j < 4; j++) a[k][j] -= share * a[i][j];\n    }\n  }\n  const found = [0, 1, 2].map((i) => (Math.abs(a[i][i]) < 1e-12 ? 0 : a[i][3] / a[i][i]));\n  return values.map((value, n) => value - found[0] - found[1] * rows[n][1] - found[2] * rows[n][2]);\n}\n\n// js/lab/by_eye.js\nconst SIDE = 48;\nconst COUNT = SIDE * SIDE;\nconst READ = {\n  shapes: [\"circle\", \"square\", \"triangle\", \"star\", \"heart\", \"ring\", \"cross\", \"moon\"],\n  colours: [\"red\", \"orange\", \"yellow\", \"green\", \"cyan\", \"blue\", \"purple\", \"pink\", \"white\", \"black\"],\n  positions: [\"left\", \"right\", \"center\", \"top\", \"bottom\"],\n};\nconst RGB = [\n  [214, 40, 40], [242, 140, 20], [244, 220, 60], [50, 150, 60], [80, 215, 215],\n  [40, 70, 200], [130, 50, 165], [245, 140, 185], [242, 242, 242], [28, 28, 30],\n];\nconst TINTS = RGB.map((c) => c.map((v) => ((c[0] + c[1] + c[2]) / 3 > 128 ? v * 0.72 : v + (255 - v) * 0.3)));\nconst DIRECTION = { left: [-1, 0], right: [1, 0], center: [0, 0], top: [0, -1], bottom: [0, 1] };\nconst OFFSET = { small: 12, large: 10.5, huge: 6 };\nconst CLUSTERS = 7;\nconst PATCH = 0.022;\nconst LARGE = 0.08;\nconst LARGE_IN_TONE = 0.1;\nconst HUGE = 0.25;\nconst EDGES = Array.from({ length: 21 }, (_, i) => -1.3 + 0.13 * i);\nconst LIGHT = Array.from({ length: 8 }, (_, i) => 0.84 + (0.35 * i) / 7);\n\nconst squareOf = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;\nconst sumOf = (mask) => mask.reduce((sum, value) => sum + value, 0);\nconst lowestOf = (values) => values.reduce((best, value, i) => (value < values[best] ? i : best), 0);\n\nfunction readByEye(rgba) {\n  const image = new Float64Array(3 * COUNT);\n  for (let i = 0; i < COUNT; i++) for (let c = 0; c < 3; c++) image[3 * i + c] = rgba[4 * i + c];\n  const { labels, centres } = segmentsOf(image);\n  const ground = groundOf(labels, centres.length);\n  const found = subjectsIn(labels, centres, ground, 16 * paleness(image));\n  const free = new Uint8Array(COUNT).fill(1);\n  for (const { mask } of found) mask.forEach((inside, i) => inside && (free[i] = 0));\n  const [texture, background, second] = sceneOf(image, labels, centres, ground, free);\n  let told = found.map(({ mask, inTone }) => ({ mask, subject: described(mask, image, background, second, inTone) }));\n  told.sort((a, b) => READ.positions.indexOf(a.subject.position) - READ.positions.indexOf(b.subject.position));\n  if (told.length === 2 && told[0].subject.position === told[1].subject.position) {\n    told = [sumOf(told[1].mask) > sumOf(told[0].mask) ? told[1] : told[0]]; // two parts of one\n  }\n  return { subjects: told.map(({ subject }) => subject), texture, background, second };\n}\n\nfunction smoothed(image) {\n  const apart = [];\n  for (let y = 1; y < SIDE - 1; y++) {\n    for (let x = 1; x < SIDE - 1; x++) {\n      for (let c = 0; c < 3; c++) {\n        const at = 3 * (y * SIDE + x) + c;\n        apart.push(Math.abs(2 * image[at] - image[at - 3] - image[at + 3]));\n      }\n    }\n  }\n  const deviation = quantile(apart, 0.5) / (0.6745 * Math.sqrt(6));\n  const passes = [5, 14, 28, 45].filter((bound) => bound < deviation).length;\n  let out = image;\n  for (let pass = 0; pass < passes; pass++) {\n    for (const step of [SIDE, 1]) {\n      const now = new Float64Array(3 * COUNT);\n      for (let i = 0; i < COUNT; i++) {\n        const along = step === 1 ? i % SIDE : Math.floor(i / SIDE);\n        const [low, high] = [along ? i - step : i, along < SIDE - 1 ? i + step : i];\n        for (let c = 0; c < 3; c++) now[3 * i + c] = Math.fround(0.25 * out[3 * low + c] + 0.5 * out[3 * i + c] + 0.25 * out[3 * high + c]);\n      }\n      out = now;\n    }\n  }\n  return { soft: out, left: deviation * [1, 0.375, 0.27, 0.22, 0.19][passes], reach: passes };\n}\n\nfunction paleness(pixels) {\n  let spread = 0;\n  for (let c = 0; c < 3; c++) {\n    let [sum, squares] = [0, 0];\n    for (let i = 0; i < COUNT; i++) sum += pixels[3 * i + c];\n    for (let i = 0; i < COUNT; i++) squares += (pixels[3 * i + c] - sum / COUNT) ** 2;\n    spread += squares / COUNT;\n  }\n  return Math.min(1, Math.max(0.3, Math.sqrt(spread) / 60));\n}\n\nconst pixel = (pixels, i) => [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]];\n\nfunction nearestCentres(x, centres) {\n  const labels = new Uint8Array(COUNT);\n  const sizes = centres.map((c) => c[0] * c[0] + c[1] * c[1] + c[2] * c[2]);\n  for (let i = 0; i < COUNT; i++) {\n    let best = Infinity;\n    for (let j = 0; j < centres.length; j++) {\n      const c = centres[j];\n      const far = sizes[j] - 2 * (x[3 * i] * c[0] + x[3 * i + 1] * c[1] + x[3 * i + 2] * c[2]);\n      if (far < best) [best, labels[i]] = [far, j];\n    }\n  }\n  return labels;\n}\n\nfunction segmentsOf(image) {\n  const { soft, left, reach } = smoothed(image);\n  const middle = [0, 0, 0];\n  for (let i = 0; i < COUNT; i++) for (let c = 0; c < 3; c++) middle[c] += soft[3 * i + c] / COUNT;\n  let centres = [middle];\n  const far = new Float64Array(COUNT).fill(Infinity);\n  while (centres.length < CLUSTERS) {\n    const last = centres[centres.length - 1];\n    let most = 0;\n    for (let i = 0; i < COUNT; i++) {\n      far[i] = Math.min(far[i], Math.fround(squareOf(pixel(soft, i), last)));\n      if (far[i] > far[most]) most = i;\n    }\n    centres.push(pixel(soft, most));\n  }\n  const least = Math.max(13 * paleness(soft), 3.5 * left);\n  for (let step = 0; step < 4 + CLUSTERS; step++) {\n    const labels = nearestCentres(soft, centres);\n    const sizes = centres.map(() => 0);\n    const sums = centres.map(() => [0, 0, 0]);\n    labels.forEach((j, i) => {\n      sizes[j]++;\n      for (let c = 0; c < 3; c++) sums[j][c] += soft[3 * i + c];\n    });\n    centres = sums.map((sum, j) => sum.map((value) => value / Math.max(sizes[j], 1)));\n    if (step < 3) continue;\n    const weak = weakestOf(soft, labels, centres, sizes, least, 3 + reach);\n    if (weak === null) break;\n    centres.splice(weak, 1);\n  }\n  return { labels: nearestCentres(soft, centres), centres };\n}\n\nfunction weakestOf(soft, labels, centres, sizes, least, reach) {\n  const count = centres.length;\n  if (count === 1) return null;\n  const flat = new Uint8Array(COUNT);\n  const pure = centres.map((_, j) => {\n    const hot = labels.map((label) => (label === j ? 1 : 0));\n    const near = boxSums(hot, 1);\n    let sum = 0;\n    hot.forEach((inside, i) => {\n      if (!inside || near[i] < 7) return;\n      flat[i] = 1;\n      sum++;\n    });\n    return sum;\n  });\n  const length = centres.map((a, i) => centres.map((b, j) => Math.sqrt(squareOf(a, b)) + (i === j ? 1e9 : 0)));\n  const edge = centres.map(() => new Float64Array(count));\n  const pairs = centres.map(() => new Float64Array(count));\n  for (const step of [SIDE, 1]) {\n    for (let i = 0; i < COUNT; i++) {\n      const along = step === 1 ? i % SIDE : Math.floor(i / SIDE);\n      const other = i + reach * step;\n      if (along >= SIDE - reach || !flat[i] || !flat[other] || labels[i] === labels[other]) continue;\n      const [a, b] = [labels[i], labels[other]];\n      let sum = 0;\n      for (let c = 0; c < 3; c++) sum += (soft[3 * i + c] - soft[3 * other + c]) * (centres[a][c] - centres[b][c]);\n      edge[a][b] += sum / length[a][b];\n      pairs[a][b]++;\n    }\n  }\n  let found = null;\n  for (let i = 0; i < count; i++) {\n    const same = (j) => {\n      const [e, p] = [edge[i][j] + edge[j][i], pairs[i][j] + pairs[j][i]];\n      return length[i][j] < least || (p > 12 && e < 0.5 * length[i][j] * p);\n    };\n    const smaller = (j) => sizes[i] < sizes[j] || (sizes[i] === sizes[j] && i > j);\n    const weak = sizes[i] < 12 || pure[i] < 0.2 * sizes[i] || centres.some((_, j) => same(j) && smaller(j));\n    if (weak && (found === null || sizes[i] < sizes[found])) found = i;\n  }\n  return found;\n}\n\nfunction boxSums(plane, reach) {\n  const rows = new Float64Array(COUNT);\n  const out = new Float64Array(COUNT);\n  for (let y = 0; y < SIDE; y++) {\n    for (let x = 0; x < SIDE; x++) {\n      for (let u = Math.max(0, x - reach); u <= Math.min(SIDE - 1, x + reach); u++) rows[y * SIDE + x] += plane[y * SIDE + u];\n    }\n  }\n  for (let y = 0; y < SIDE; y++) {\n    for (let v = Math.max(0, y - reach); v <= Math.min(SIDE - 1, y + reach); v++) {\n      for (let x = 0; x < SIDE; x++) out[y * SIDE + x] += rows[v * SIDE + x];\n    }\n  }\n  return out;\n}\n\nconst sidesOf = (wide) => [(x, y) => y < wide, (x, y) => y >= SIDE - wide, (x) => x < wide, (x) => x >= SIDE - wide];\n\nfunction groundOf(labels, count) {\n  const share = sidesOf(3).map((inside) => {\n    const counts = new Float64Array(count);\n    labels.forEach((j, i) => inside(i % SIDE, Math.floor(i / SIDE)) && counts[j]++);\n    return counts.map((n) => n / (3 * SIDE));\n  });\n  const mean = Array.from({ length: count }, (_, j) => share.reduce((sum, side) => sum + side[j], 0) / 4);\n  const order = mean.map((_, j) => j).sort((a, b) => mean[b] - mean[a] || a - b);\n  const second = order.slice(1, 2).filter((j) => share.map((side) => side[j]).sort((a, b) => a - b)[1] > 0.07);\n  return [order[0], ...second];\n}\n\nfunction subjectsIn(labels, colours, ground, least, margin = 4) {\n  const found = [];\n  const tones = ground.map((j) => colours[j]);\n  const lit = tones.flatMap((tone) => LIGHT.map((light) => tone.map((value) => light * value)));\n  for (let j = 0; j < colours.length; j++) {\n    let mask = labels.map((label) => (label === j ? 1 : 0));\n    let most = 0.55;\n    const inTone = ground.includes(j);\n    if (inTone) {\n      if (tones.length === 1 || toneNames(...tones).length === 1) continue;\n      mask = thickerThan(mask, margin);\n      most = 0;\n    } else if (isMixture(colours[j], tones, least) || Math.sqrt(Math.min(...lit.map((tone) => squareOf(tone, colours[j])))) < least) {\n      continue;\n    }\n    let part = grownFrom(mask);\n    if (sumOf(part) <= most * sumOf(mask)) {\n      const inner = boxSums(boxSums(mask, 1).map((value) => (value >= 8 ? 1 : 0)), 1); // edges of the pattern are thin\n      mask = mask.map((inside, i) => (inside && inner[i] > 0 ? 1 : 0));\n      part = grownFrom(mask);\n    }\n    const near = boxSums(part, 1);\n    const size = sumOf(part);\n    const thick = part.reduce((sum, inside, i) => sum + (inside && near[i] >= 8 ? 1 : 0), 0);\n    if (size / COUNT >= PATCH && size > most * sumOf(mask) && thick > 0.2 * size) found.push({ mask: part, inTone });\n  }\n  if (!found.length && margin > 1) return subjectsIn(labels, colours, ground, least, 1);\n  return found.sort((a, b) => sumOf(b.mask) - sumOf(a.mask)).slice(0, 2);\n}\n\nfunction thickerThan(mask, margin) {\n  const width = boxSums(mask, 3).map((value, i) => value * mask[i]);\n  const sides = sidesOf(8).map((inside) => width.reduce((most, value, i) => (inside(i % SIDE, Math.floor(i / SIDE)) ? Math.max(most, value) : most), 0));\n  const bound = Math.min(46, sides.sort((a, b) => a - b)[1] + margin);\n  const near = boxSums(width.map((value) => (value > bound ? 1 : 0)), 2);\n  return mask.map((inside, i) => (inside && near[i] > 0 ? 1 : 0));\n}\n\nfunction isMixture(colour, tones, least) {\n  if (tones.length === 1) return false;\n  const step = tones[1].map((value, c) => value - tones[0][c]);\n  const size = step.reduce((sum, value) => sum + value * value, 0);\n  const part = step.reduce((sum, value, c) => sum + value * (colour[c] - tones[0][c]), 0) / Math.max(1e-6, size);\n  const rest = step.map((value, c) => tones[0][c] + part * value);\n  return part > 0.15 && part < 0.85 && Math.sqrt(squareOf(colour, rest)) < least;\n}\n\nfunction grownFrom(mask) {\n  const dense = boxSums(mask, 2).map((value, i) => value * mask[i]);\n  let part = new Uint8Array(COUNT);\n  part[dense.reduce((best, value, i) => (value > dense[best] ? i : best), 0)] = mask.some(Boolean) ? 1 : 0;\n  for (let round = 0; round < SIDE; round++) {\n    const near = boxSums(part, 1);\n    const wider = mask.map((inside, i) => (inside && near[i] > 0 ? 1 : 0));\n    const same = wider.every((value, i) => value === part[i]);\n    part = Uint8Array.from(wider);\n    if (same) break;\n  }\n  return part;\n}\n\nlet waves;\n\nfunction wavesOf() {\n  if (waves) return waves;\n  waves = Array.from({ length: 4 }, () => new Uint8Array(COUNT));\n  for (let i = 0; i < COUNT; i++) {\n    const [u, v] = [i % SIDE, Math.floor(i / SIDE)].map((f) => (f < SIDE / 2 ? f : f - SIDE));\n    const radius = Math.hypot(u, v);\n    if (radius <= 4.4 || radius >= 7.6) continue;\n    const turned = Math.abs(Math.atan2(v, u));\n    const angle = Math.min(turned, Math.PI - turned);\n    if (angle < 0.42) waves[0][i] = 1;\n    if (angle > Math.PI / 2 - 0.42) waves[1][i] = 1;\n    if (Math.abs(angle - Math.PI / 4) < 0.36 && u * v > 0) waves[2][i] = 1;\n    if (Math.abs(angle - Math.PI / 4) < 0.36 && u * v < 0) waves[3][i] = 1;\n  }\n  return waves;\n}\n\nfunction sceneOf(image, labels, colours, ground, free) {\n  const near = boxSums(free.map((value) => 1 - value), 1);\n  const where = Array.from({ length: COUNT }, (_, i) => i).filter((i) => near[i] === 0);\n  const tones = ground.map((j) => colours[j]);\n  if (where.length < 100) return [\"plain\", READ.colours[nearestColour(tones[0])], null];\n  const middle = [0, 1, 2].map((c) => where.reduce((sum, i) => sum + image[3 * i + c], 0) / where.length);\n  const x = where.map((i) => middle.map((value, c) => image[3 * i + c] - value));\n  let axis;\n  if (ground.length === 2) {\n    const apart = tones[1].map((value, c) => value - tones[0][c]);\n    const size = Math.max(1e-6, Math.hypot(...apart));\n    axis = apart.map((value) => value / size);\n  } else axis = topAxis(x);\n  const along = x.map((row) => row[0] * axis[0] + row[1] * axis[1] + row[2] * axis[2]);\n  const plane = new Float64Array(COUNT);\n  withoutSlope(along, where.map((i) => [Math.floor(i / SIDE), i % SIDE])).forEach((value, n) => (plane[where[n]] = value));\n  const spectrum = planeFft(plane, SIDE);\n  const power = spectrum.re.map((re, i) => (re * re + spectrum.im[i] * spectrum.im[i]) / (where.length / COUNT));\n  const kinds = wavesOf();\n  const [across, down, ...cross] = kinds.map((kind) => power.reduce((most, value, i) => (kind[i] ? Math.max(most, value) : most), -Infinity));\n  const rest = quantile(linesOf(power, SIDE, 8, 40), 0.5);\n  if (Math.max(across, down, ...cross) < 16 * rest + 3e7) return [\"plain\", READ.colours[nearestColour(middle)], null];\n  const texture = Math.max(...cross) > Math.max(across, down) ? \"checkered\" : down > 0.25 * across ? \"dotted\" : \"striped\";\n  let [a, b] = [null, null];\n  if (ground.length === 2) {\n    [a, b] = tones;\n    const count = (j) => where.reduce((sum, i) => sum + (labels[i] === j ? 1 : 0), 0);\n    if (texture === \"dotted\" && count(ground[1]) > count(ground[0])) [a, b] = [b, a];\n  } else {\n    for (let i = 0; i < COUNT; i++) if (!kinds.some((kind) => kind[i])) spectrum.re[i] = spectrum.im[i] = 0;\n    const pattern = planeInverse(spectrum, SIDE);\n    const bound = quantile(where.map((i) => Math.abs(pattern[i])), 0.4);\n    const meanWhere = (sign) => {\n      const inside = where.filter((i) => sign * pattern[i] > bound);\n      return [0, 1, 2].map((c) => inside.reduce((sum, i) => sum + image[3 * i + c], 0) / inside.length);\n    };\n    [a, b] = [meanWhere(1), meanWhere(-1)];\n    const sharper = (tone, other) => tone.map((value, c) => value + 0.25 * (value - other[c])); // grain made them alike\n    [a, b] = [sharper(a, b), sharper(b, a)];\n    if (texture === \"dotted\" && where.reduce((sum, i) => sum + pattern[i] ** 3, 0) > 0) [a, b] = [b, a];\n  }\n  const two = toneNames(a, b);\n  if (two.length === 1) return [texture, READ.colours[two[0]], null];\n  if (texture !== \"dotted\") two.sort((p, q) => p - q);\n  return [texture, READ.colours[two[0]], READ.colours[two[1]]];\n}\n\nfunction toneNames(a, b) {\n  const far = (tone, palette) => palette.map((colour) => squareOf(tone, colour));\n  const [a0, a1, b0, b1] = [far(a, RGB), far(a, TINTS), far(b, RGB), far(b, TINTS)];\n  const tonal = a0.map((_, i) => Math.min(a0[i] + b1[i], b0[i] + a1[i]));\n  const two = [lowestOf(a0), lowestOf(b0)];\n  const one = two[0] === two[1] || Math.min(...tonal) < Math.min(...a0) + Math.min(...b0);\n  return one ? [lowestOf(tonal)] : two;\n}\n\nfunction nearestColour(colour, but = null) {\n  return lowestOf(RGB.map((own, i) => (i === but ? Infinity : squareOf(own, colour))));\n}\n\nfunction described(mask, image, background, second, inTone) {\n  const where = Array.from({ length: COUNT }, (_, i) => i).filter((i) => mask[i]);\n  const share = where.length / COUNT;\n  const size = share > HUGE ? \"huge\" : share > (inTone ? LARGE_IN_TONE : LARGE) ? \"large\" : \"small\";\n  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;\n  const middle = [mean(where.map((i) => i % SIDE)) - (SIDE - 1) / 2, mean(where.map((i) => Math.floor(i / SIDE))) - (SIDE - 1) / 2];\n  const places = READ.positions.map((name) => DIRECTION[name].map((value) => value * OFFSET[size]));\n  const position = READ.positions[lowestOf(places.map(([x, y]) => (x - middle[0]) ** 2 + (y - middle[1]) ** 2))];\n  const depth = boxSums(mask, 2);\n  const bound = quantile(where.map((i) => depth[i]), 0.6);\n  const inside = where.filter((i) => depth[i] >= bound);\n  const inner = [0, 1, 2].map((c) => mean(inside.map((i) => image[3 * i + c])));\n  const colour = READ.colours[nearestColour(inner, second ? null : READ.colours.indexOf(background))];\n  return { size, colour, shape: shapeOf(mask), position };\n}\n\nconst box = (x, y, wide, high) => Math.max(Math.abs(x) - wide, Math.abs(y) - high);\n\nconst OUTLINES = {\n  circle: (x, y) => Math.hypot(x, y) - 1,\n  square: (x, y) => box(x, y, 1, 1),\n  triangle: (x, y) => Math.max(y - 0.5, (Math.sqrt(3) / 2) * Math.abs(x) - 0.5 * y - 0.5),\n  star(x, y) {\n    const fifth = (2 * Math.PI) / 5;\n    const turned = (Math.atan2(x, -y) + Math.PI / 5) % fifth;\n    const sector = Math.abs((turned < 0 ? turned + fifth : turned) - Math.PI / 5);\n    const radius = Math.hypot(x, y);\n    const [nx, ny] = [0.56 * Math.sin(Math.PI / 5), 1 - 0.56 * Math.cos(Math.PI / 5)];\n    return ((radius * Math.cos(sector) - 1) * nx + radius * Math.sin(sector) * ny) / Math.hypot(nx, ny);\n  },\n  heart(x, y) {\n    const [u, v] = [(x + y - 0.22) / Math.SQRT2, (y - 0.22 - x) / Math.SQRT2];\n    return Math.min(box(u, v, 0.5, 0.5), Math.min(Math.hypot(u, v + 0.5), Math.hypot(u + 0.5, v)) - 0.5);\n  },\n  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.72) - 0.28,\n  cross: (x, y) => Math.min(box(x, y, 1, 0.36), box(x, y, 0.36, 1)),\n  moon: (x, y) => Math.max(Math.hypot(x - 0.32, y + 0.1) - 1, 0.8 - Math.hypot(x - 0.94, y + 0.3)),\n};\n\nlet templates;\n\nfunction templatesOf() {\n  if (templates) return templates;\n  const moves = [[0, 0], [0.1, 0], [-0.1, 0], [0, 0.1], [0, -0.1]];\n  templates = READ.shapes.map((shape) => {\n    const outline = OUTLINES[shape];\n    let [count, cx, cy] = [0, 0, 0];\n    for (let i = 0; i < 321; i++) {\n      for (let j = 0; j < 321; j++) {\n        const [x, y] = [-1.6 + j / 100, -1.6 + i / 100];\n        if (outline(x, y) < 0) [count, cx, cy] = [count + 1, cx + x, cy + y];\n      }\n    }\n    const unit = Math.sqrt(count / 321 ** 2) * 3.2;\n    return [-0.25, -0.125, 0, 0.125, 0.25].flatMap((turn) =>\n      [0.92, 1, 1.1].flatMap((scale) =>\n        moves.map(([dx, dy]) => {\n          const [s, c] = [Math.sin(turn), Math.cos(turn)];\n          return Int8Array.from({ length: EDGES.length ** 2 }, (_, i) => {\n            const p = ((EDGES[i % EDGES.length] - dx) * unit) / scale;\n            const q = ((EDGES[Math.floor(i / EDGES.length)] - dy) * unit) / scale;\n            return outline(cx / count + p * c + q * s, cy / count - p * s + q * c) < 0 ? 1 : -1;\n          });\n        }),\n      ),\n    );\n  });\n  return templates;\n}\n\nfunction evenRound(value) {\n  const low = Math.floor(value);\n  return value - low === 0.5 ? low + (low & 1) : Math.round(value);\n}\n\nfunction shapeOf(mask) {\n  let [count, sx, sy] = [0, 0, 0];\n  mask.forEach((inside, i) => inside && ([count, sx, sy] = [count + 1, sx + (i % SIDE), sy + Math.floor(i / SIDE)]));\n  const scale = Math.sqrt(count);\n  const [rows, columns] = [sy / count, sx / count].map((middle) => EDGES.map((edge) => evenRound(middle + edge * scale)));\n  const sampled = rows.flatMap((y) => columns.map((x) => (y < 0 || y >= SIDE || x < 0 || x >= SIDE ? 0 : mask[y * SIDE + x] ? 1 : -1)));\n  const fits = templatesOf().map((own) => Math.max(...own.map((outline) => outline.reduce((sum, value, i) => sum + value * sampled[i], 0))));\n  return READ.shapes[lowestOf(fits.map((fit) => -fit))];\n}\n\n// js/lab/lab_worker.js\nfunction serveLab(port) {\n  let sampler = null;\n  const runs = new Map();\n\n  const held = new Map();\n  const leave = (tag) => {\n    held.get(tag)?.leave();\n    held.delete(tag);\n  };\n  class Remembering extends Sampler {\n    async draw(given, callbacks) {\n      const { tag } = given;\n      if (tag === \"edited\") leave(tag);\n      const run = await super.draw(given, { ...callbacks, bare: tag === \"control\" });\n      if (!run || !tag) return run;\n      runs.set(tag, run.hold());\n      leave(tag);\n      held.set(tag, run);\n      return run;\n    }\n  }\n\n  function runOf({ tag }) {\n    if (!runs.has(tag)) throw new Error(phrase(\"lab.undrawn\", { tag }));\n    return runs.get(tag);\n  }\n\n  const answers = {\n    read: ({ pixels }) => readByEye(pixels),\n    estimate: (given) => sampler.autoencoder.decode(runOf(given).estimates[given.step]),\n    maps: (given) => mapsOf(runOf(given), given.maps),\n    stats: (given) => statsOf(runOf(given)),\n    forget({ tag }) {\n      leave(tag);\n      runs.delete(tag);\n    },\n  };\n\n  const inner = { postMessage: (...message) => port.postMessage(...message) };\n  serveLive(inner, { build: (...given) => (sampler = new Remembering(...given)), kept: 0 });\n  port.onmessage = (event) => {\n    const { type, id, what, given } = event.data;\n    if (type !== \"lab\") {\n      inner.onmessage(event);\n      return;\n    }\n    try {\n      port.postMessage({ type: \"lab\", id, value: answers[what](given) });\n    } catch (error) {\n      port.postMessage({ type: \"lab\", id, error: error.message });\n    }\n  };\n}\n\nfunction mapsOf(run, asked) {\n  const { steps, tokens } = run;\n  const values = new Float32Array(asked.length * steps * tokens);\n  asked.forEach(([block, channel], i) => {\n    for (let step = 0; step < steps; step++) run.map(step, block, channel, values, (i * steps + step) * tokens);\n  });\n  return values;\n}\n\nfunction statsOf(run) {\n  const { steps, blocks, tokens, width } = run;\n  const states = run.kept();\n  const names = [\"mean\", \"mean_abs\", \"max_abs\", \"var\"];\n  const out = Object.fromEntries(names.map((name) => [name, new Float32Array(blocks * steps * width)]));\n  for (let block = 0; block < blocks; block++) {\n    for (let step = 0; step < steps; step++) {\n      const values = states[step].subarray(block * tokens * width, (block + 1) * tokens * width);\n      for (let c = 0; c < width; c++) {\n        let [sum, size, most, squares] = [0, 0, 0, 0];\n        for (let i = c; i < values.length; i += width) {\n          sum += values[i];\n          size += Math.abs(values[i]);\n          most = Math.max(most, Math.abs(values[i]));\n        }\n        for (let i = c; i < values.length; i += width) squares += (values[i] - sum / tokens) ** 2;\n        const at = (block * steps + step) * width + c;\n        [out.mean[at], out.mean_abs[at], out.max_abs[at], out.var[at]] = [sum / tokens, size / tokens, most, squares / tokens];\n      }\n    }\n  }\n  return out;\n}";

// js/strings.js
const STRINGS = {
  en: {
    "block": "block",
    "block.number": "block {block}",
    "blocks.all": "all blocks",
    "blocks.one": "block {block}",
    "blocks.range": "blocks {from} to {to}",
    "cell.place": "row {row}, column {column}",
    "channel": "Channel",
    "channel.next": "Next channel",
    "channel.number": "channel {channel}",
    "channel.previous": "Previous channel",
    "channels.range": "Channels run from 0 to {last}.",
    "dial.count": "how many",
    "dial.draw": "draw",
    "dial.factor": "multiply by",
    "dial.from": "from step",
    "dial.strength": "strength",
    "dial.to": "to step",
    "draw": "Draw",
    "edit": "Edit",
    "edited.carried": "The same prompt and noise, with {which} carried over.",
    "edited.no_level": "without their level",
    "edited.none": "left alone",
    "edited.own_mean": "flat at their own mean",
    "edited.reads": "The same prompt and noise, {which} {done} at the reads.",
    "edited.scale": "times {factor}",
    "edited.shuffle": "shuffled over the picture",
    "edited.stream": "The same prompt and noise, {which} {done}.",
    "edited.zero": "at zero",
    "experiment.1.answer.0": "Up to three times",
    "experiment.1.answer.1": "About ten times",
    "experiment.1.answer.2": "More than thirty times",
    "experiment.1.look": "Read under the bars how many times the median the chosen channel is; then choose other blocks, another prompt and another noise. Is it always the same channel?",
    "experiment.1.question": "Each patch of the picture is 192 numbers, one a channel. How much larger than the middle one is the largest?",
    "experiment.1.title": "Massive channels",
    "experiment.2.answer.0": "The subject",
    "experiment.2.answer.1": "The background",
    "experiment.2.answer.2": "Both",
    "experiment.2.answer.3": "Hardly anything",
    "experiment.2.look": "Compare the two pictures and the words under them, then the change with that of as many random channels. Now take one channel only, and then the eight but the first: which of them does it?",
    "experiment.2.question": "Put the eight largest channels to zero, in every block. What will be lost: the subject, the background, or both?",
    "experiment.2.title": "Critical",
    "experiment.3.answer.0": "Along the subject's outline",
    "experiment.3.answer.1": "Somewhere near the subject",
    "experiment.3.answer.2": "Anywhere",
    "experiment.3.look": "The picture is the model's own estimate at this step, and what is no subject is darkened. Move the step to the left until the line is lost. Try other noises, and a huge subject.",
    "experiment.3.question": "Sort the patches into two heaps by the eight largest channels alone, while the picture is still mostly noise. Where does the line run?",
    "experiment.3.title": "Where the subject stands",
    "experiment.4.answer.0": "The source's colour and place",
    "experiment.4.answer.1": "The source's place, my colour",
    "experiment.4.answer.2": "My colour and place",
    "experiment.4.answer.3": "Neither can be seen",
    "experiment.4.look": "Read the words under the edited picture beside both prompts. Carry 16 and 32 channels, then random ones. Is there a number at which the picture changes sides?",
    "experiment.4.question": "Carry the eight largest channels over from the drawing of another prompt. Whose colour wins, and whose place?",
    "experiment.4.title": "Transport between prompts",
    "experiment.5.answer.0": "Yes, with its colour",
    "experiment.5.answer.1": "Only its place",
    "experiment.5.answer.2": "No",
    "experiment.5.look": "Compare with the transport from a prompt. Move the strength, and the words that describe the picture. Then drop a picture of your own: it stays on your machine.",
    "experiment.5.question": "Now the source is a picture that the model did not draw, noised anew at every step. Will its subject come along?",
    "experiment.5.title": "A subject from a picture",
    "experiment.6.answer.0": "Hardly",
    "experiment.6.answer.1": "The subject loses its form",
    "experiment.6.answer.2": "All is lost",
    "experiment.6.look": "Then the other way round: take their level away and leave the pattern. Which of the two costs the picture more, and is it the same for one channel as for eight?",
    "experiment.6.question": "Keep the level of the eight largest channels and shuffle their pattern over the picture. Does the picture notice?",
    "experiment.6.title": "Level or pattern",
    "experiment.7.answer.0": "Yes, they do more",
    "experiment.7.answer.1": "No, energy is all",
    "experiment.7.answer.2": "The others do more",
    "experiment.7.look": "Note the change, then choose the eight largest but the first, and compare. Draw the others anew a few times. How many channels does it take, and is one picture enough to tell?",
    "experiment.7.question": "Instead of the largest but the first, take as many others as hold the same energy. Are the largest still special?",
    "experiment.7.title": "How to fool yourself",
    "experiment.9.answer.0": "Nothing, nobody edited them",
    "experiment.9.answer.1": "They fade, and so does the picture",
    "experiment.9.answer.2": "They grow, and the picture is vivid",
    "experiment.9.look": "Compare with the same edit in what norms pass on, and with both. Then turn the channels down instead of up: does the same half do the work?",
    "experiment.9.question": "A norm divides by the size of all channels. Turn the largest up by half, but only in what the norm divides by. What happens to the others, and to the picture?",
    "experiment.9.title": "Content or gain",
    "fact.change": "change of the picture",
    "fact.control": "the same, random channels",
    "fact.energy": "energy that was moved",
    "fact.words": "words that changed",
    "guide.again": "Guess again",
    "guide.chapter": "chapter {chapter}",
    "guide.done": "guessed",
    "guide.guessed": "You guessed: {answer}.",
    "guide.head": "Chapter {chapter} · {title}",
    "guide.lead": "A question for each chapter. Guess, then see it done, and change it.",
    "guide.look": "What to look at.",
    "guide.more": "Counted over many prompts, with controls: {link}.",
    "guide.other": "something else",
    "guide.panel": "Chapter {chapter}: {title}",
    "guide.pass": "pass",
    "guide.passed": "You passed over the guess.",
    "guide.setup": "Set it up again",
    "guide.title": "Guess first",
    "guide.yours": "Your guess, kept on this machine only:",
    "how.no_level": "take their level away",
    "how.none": "leave them alone",
    "how.own_mean": "flatten them to their own mean",
    "how.scale": "multiply them by {factor}",
    "how.shuffle": "shuffle them over the picture",
    "how.zero": "set them to zero",
    "lab.carry.sentence": "Carry {set} {from}, {part}, in {blocks}, at {steps}, {whose}.",
    "lab.choose": "choose words",
    "lab.copied": "Copied.",
    "lab.copy.failed": "This browser does not let the page copy; the text is shown below.",
    "lab.copy.link": "Copy link",
    "lab.copy.python": "Copy as Python",
    "lab.draw": "Draw",
    "lab.draw.tail": ", from noise {seed} in {steps}.",
    "lab.drawing": "drawing",
    "lab.drawing.step": "drawing, step {step} of {steps}",
    "lab.drawn": "The picture is drawn.",
    "lab.edit.sentence": "Take {set} and {how} in {blocks}, at {steps}, over {where}, {through}.",
    "lab.example": "This is a stored example. The model runs when you start it.",
    "lab.example.stays": "Where it does not, this example stays.",
    "lab.failed": "The model could not be started. {why} What helps: load the page again; another browser of 2023 or later; more free memory (it takes about 250 MB).",
    "lab.failed.example": "Until then the stored example stays.",
    "lab.from.picture": "over from my picture",
    "lab.from.source": "over from the source",
    "lab.kernel.silent": "The notebook's kernel does not answer: is it at work, or was it restarted? Run the cell again.",
    "lab.keys": "Keys, in the bars: arrows move between channels and blocks, Page up and down along the ranking, Home to the largest; space takes or leaves one, [ and ] change the strength. Everywhere: Ctrl+Z undoes.",
    "lab.link.copied": "Link copied.",
    "lab.loading": "loading the model",
    "lab.loading.share": "loading the model: {percent} %",
    "lab.loads.file": "Its weights lie in this file. It draws in this page, on your machine, and nothing that you do leaves it.",
    "lab.loads.kernel": "Starting loads {size} MB from the notebook's kernel, which takes half a minute. Then the model draws in this page, on your machine, and nothing that you do leaves it. On a phone it works too, several times slower.",
    "lab.loads.site": "Starting loads {size} MB from this site, once. Then the model draws in this page, on your machine, and nothing that you do leaves it. On a phone it works too, several times slower.",
    "lab.maximise": "Maximise",
    "lab.menu.background": "{what}: colour of the background",
    "lab.menu.background.second": "{what}: second colour of the background",
    "lab.menu.blocks": "In which blocks",
    "lab.menu.count": "{what}: how many subjects",
    "lab.menu.first": "{what}: {part} of the subject",
    "lab.menu.how": "What is done to them",
    "lab.menu.part": "What of the channels is carried over",
    "lab.menu.second": "{what}: {part} of the second subject",
    "lab.menu.seed": "Noise (seed)",
    "lab.menu.set": "Which channels",
    "lab.menu.stepcount": "Number of steps",
    "lab.menu.steps": "At which steps",
    "lab.menu.texture": "{what}: texture of the background",
    "lab.menu.through": "In the stream, or where norms read it",
    "lab.menu.where": "Over which part of the picture",
    "lab.menu.whose": "Where channels are replaced",
    "lab.menus.only": "The menus only know sentences of the grammar: {grammar}.",
    "lab.model.forbidden": "This page may not start the program that draws (its content rules forbid it). Open the page from another place, or from the disk.",
    "lab.model.stopped": "The model stopped.",
    "lab.modes": "What to do",
    "lab.noexample": "Nothing is drawn yet. The model draws what the sentences below ask for when you start it.",
    "lab.paint.clear": "Clear the region",
    "lab.paint.how": "Paint on the untouched picture, by dragging or with arrows and space.",
    "lab.paint.label": "Region of the edit; arrows move, space paints",
    "lab.part.ask": "Ask",
    "lab.part.edit": "Edit",
    "lab.part.keep": "Keep",
    "lab.part.look": "Look",
    "lab.part.numbers": "What changed",
    "lab.picture.bad": "{file} could not be read as a picture. PNG, JPEG and WebP work.",
    "lab.picture.choose": "Choose a picture",
    "lab.picture.drop": "Drop a picture here. It is read in this page and stays on your machine; the middle is cut out and made small.",
    "lab.picture.read": "{file}: write below what it shows; the words matter.",
    "lab.picture.unwritten": "This browser could not write the picture.",
    "lab.problem.energy": "There is nothing to edit: all other channels together hold less energy. Take fewer of the largest.",
    "lab.problem.hand": "No channel is chosen: take some in the skyline, with a double click or with space.",
    "lab.problem.missing.one": "In block {blocks} all other channels together hold less energy, so nothing is edited there.",
    "lab.problem.missing.other": "In blocks {blocks} all other channels together hold less energy, so nothing is edited there.",
    "lab.problem.picture": "Drop a picture first, or take the sample.",
    "lab.progress": "How much of the model has come",
    "lab.python": "The same in Python",
    "lab.quiet": "nothing leaves this page",
    "lab.quiet.seconds": "{seconds} s a picture · nothing leaves this page",
    "lab.sample": "Take the sample",
    "lab.sample.what": "The sample is a picture that a program drew, not the model.",
    "lab.save.channels": "Save channels",
    "lab.save.pictures": "Save pictures",
    "lab.save.run": "Save run",
    "lab.script.missing": "The page does not carry {name}.",
    "lab.second.none": "no second colour",
    "lab.small": "Make small",
    "lab.source": "Source",
    "lab.source.lead": "The source:",
    "lab.start": "Start the model",
    "lab.steps.one": "{n} step",
    "lab.steps.other": "{n} steps",
    "lab.stop": "Stop",
    "lab.stopped": "stopped",
    "lab.subjects.none": "no subject",
    "lab.subjects.one": "one subject",
    "lab.subjects.two": "two subjects",
    "lab.surprise": "surprise me",
    "lab.type": "type it",
    "lab.typed": "{what}, typed",
    "lab.unchosen": "No channel is chosen.",
    "lab.undo": "Undo",
    "lab.undo.none": "Nothing to undo.",
    "lab.undone": "Undone.",
    "lab.ungrammatical": "Known words, but no sentence of the grammar: the model has never seen such a prompt. It draws something all the same.",
    "lab.unstarted": "not started",
    "lab.write": "Write what the picture is to show: {grammar}.",
    "lane.control": "control",
    "lane.edited": "edited",
    "lane.source": "source",
    "lane.untouched": "untouched",
    "link.address": "The link is in the address bar",
    "link.copied": "Link copied",
    "link.copy": "Copy link to this view",
    "link.none": "This page cannot make links",
    "maps.few": "{set} ({count} of {all} have maps here)",
    "mode.edit": "Edit",
    "mode.picture": "Your picture",
    "mode.transport": "Transport",
    "noise": "noise",
    "none": "none",
    "ordinal.few": "{n}rd",
    "ordinal.one": "{n}st",
    "ordinal.other": "{n}th",
    "ordinal.two": "{n}nd",
    "over.none": "nothing",
    "part.both": "level and pattern",
    "part.level": "their level alone",
    "part.pattern": "their pattern alone",
    "picture": "Picture",
    "pictures.unread": "the pictures of this figure cannot be read (WebP)",
    "prompt": "Prompt",
    "reading": "Reading {file} …",
    "saved": "Saved {file}.",
    "seed": "Seed",
    "set.bottom.one": "the smallest channel",
    "set.bottom.other": "the {n} smallest channels",
    "set.energy.one": "channels with the energy of the largest channel but the first",
    "set.energy.other": "channels with the energy of the {n} largest channels but the first",
    "set.hand": "{count} channels chosen by hand",
    "set.hand.range": "{few} to {many} channels chosen by hand",
    "set.next.one": "the largest channel but the first",
    "set.next.other": "the {n} largest channels but the first",
    "set.random.one": "the {n} random channel",
    "set.random.other": "the {n} random channels",
    "set.rest.one": "all but the largest channel",
    "set.rest.other": "all but the {n} largest channels",
    "set.top.one": "the largest channel",
    "set.top.other": "the {n} largest channels",
    "sky.cell": "channel {channel} in block {block}: {value}",
    "sky.label": "Channels of all blocks; arrows move, space takes or leaves one, Home goes to the largest",
    "stage.asasked": "As asked.",
    "stage.asked.later": "Asked for: {prompt}. It is drawn when you start the model.",
    "stage.at.edited": "Edited, step {step} of {steps}.",
    "stage.at.untouched": "Untouched, step {step} of {steps}.",
    "stage.control": "Random channels",
    "stage.control.what": "as many as were edited, drawn at random outside them.",
    "stage.course": "The size of {name} over the steps: from {first} to {last}; the median channel: {median}",
    "stage.edited": "Edited",
    "stage.edited.later": "{edit} It is drawn when you start the model.",
    "stage.energy": "Over calibration prompts it holds {share} of the block's energy.",
    "stage.estimate": "The model's own estimate after step {step}.",
    "stage.everystep": "edited at every step",
    "stage.here": "in this block",
    "stage.leave": "Leave it",
    "stage.map": "its map",
    "stage.map.label": "Channel {channel} over the picture, from {low} to {high}",
    "stage.map.later": "The channel's map comes with the picture",
    "stage.mask": "mask",
    "stage.mask.label": "The subject's mask from {count} channels of block {block}: {share} of the picture",
    "stage.mask.later": "The mask comes with the picture",
    "stage.nothere": "not in this block",
    "stage.only": "Only this one",
    "stage.over": "Over the pictures",
    "stage.over.map": "the channel",
    "stage.over.mask": "the mask",
    "stage.picture": "picture",
    "stage.play": "Play how the picture forms",
    "stage.play.stop": "Stop playing",
    "stage.seen": "Seen: {what}.",
    "stage.shown": "Bars and map of",
    "stage.shown.edited": "edited",
    "stage.somesteps": "edited at {count} of {steps} steps",
    "stage.spot": "channel {channel} in block {block}",
    "stage.spot.size": "{spot}: {value}, the {rank} of {count}",
    "stage.spot.size.ranking": "{spot}: {value} over calibration prompts, the {rank} of {count}",
    "stage.standing.first": "Channel {channel} is the largest in block {block}, {ratio} times the median.",
    "stage.standing.first.ranking": "Channel {channel} is the largest in block {block}, {ratio} times the median over calibration prompts.",
    "stage.standing.none": "Channel {channel}",
    "stage.standing.other": "Channel {channel} is the {rank} largest in block {block}, {ratio} times the median.",
    "stage.standing.other.ranking": "Channel {channel} is the {rank} largest in block {block}, {ratio} times the median over calibration prompts.",
    "stage.standing.zero": "Channel {channel} is at zero in block {block}.",
    "stage.step": "Step that is shown, from noise to picture",
    "stage.stepof": "step {step} of {steps}",
    "stage.stored": "Stored example, {lane}: {words}",
    "stage.take": "Take it",
    "stage.taken": "taken",
    "stage.undrawn": "Not drawn yet, {lane}: {words}",
    "stage.unedited": "Nothing is edited.",
    "stage.untouched": "Untouched",
    "stage.view": "{lane}: {words}",
    "step": "step",
    "stepper.lower": "Lower {label}",
    "stepper.raise": "Raise {label}",
    "steps": "Steps",
    "steps.all": "all steps",
    "steps.firstHalf": "the first half",
    "steps.firstQuarter": "the first quarter",
    "steps.lastQuarter": "the last quarter",
    "steps.one": "step {step}",
    "steps.range": "steps {from} to {to}",
    "steps.secondHalf": "the second half",
    "steps.some": "some steps …",
    "through.both": "at the reads, content and gain",
    "through.both.short": "at the reads",
    "through.content": "at the reads, content only (what norms pass on)",
    "through.content.short": "at the reads, content only",
    "through.gain": "at the reads, gain only (what norms divide by)",
    "through.gain.short": "at the reads, gain only",
    "through.stream": "in the stream",
    "through.stream.short": "in the stream",
    "untouched": "untouched",
    "where.all": "the whole picture",
    "where.background": "the background",
    "where.painted": "a region that I paint",
    "where.subject": "the subject",
    "whose.none": "over the whole picture",
    "whose.painted": "over a region that I paint",
    "whose.source": "where its subject stands",
    "whose.target": "where my subject stands",
    "whose.union": "where either subject stands",
    "widget.failed": "This figure could not be shown: {why}",
    "widget.unknown": "no widget of the kind {kind}",
    "word.background": "background",
    "word.colour": "colour",
    "word.number": "number of subjects",
    "word.position": "position",
    "word.shape": "shape",
    "word.size": "size",
    "word.texture": "texture",
  },
  de: {
    "block": "Block",
    "block.number": "Block {block}",
    "blocks.all": "allen Blöcken",
    "blocks.one": "Block {block}",
    "blocks.range": "den Blöcken {from} bis {to}",
    "cell.place": "Zeile {row}, Spalte {column}",
    "channel": "Kanal",
    "channel.next": "Nächster Kanal",
    "channel.number": "Kanal {channel}",
    "channel.previous": "Voriger Kanal",
    "channels.range": "Kanäle gehen von 0 bis {last}.",
    "dial.count": "wie viele",
    "dial.draw": "Ziehung",
    "dial.factor": "mal",
    "dial.from": "ab Schritt",
    "dial.strength": "Stärke",
    "dial.to": "bis Schritt",
    "draw": "Ziehung",
    "edit": "Eingriff",
    "edited.carried": "Derselbe Prompt und dasselbe Rauschen; übertragen: {which}.",
    "edited.no_level": "ohne ihr Niveau",
    "edited.none": "in Ruhe gelassen",
    "edited.own_mean": "auf ihr eigenes Mittel geglättet",
    "edited.reads": "Derselbe Prompt und dasselbe Rauschen, {which} {done} an den Lesestellen.",
    "edited.scale": "mal {factor}",
    "edited.shuffle": "über das Bild gemischt",
    "edited.stream": "Derselbe Prompt und dasselbe Rauschen, {which} {done}.",
    "edited.zero": "auf null",
    "experiment.1.answer.0": "Bis zu dreimal",
    "experiment.1.answer.1": "Etwa zehnmal",
    "experiment.1.answer.2": "Mehr als dreißigmal",
    "experiment.1.look": "Unter den Balken ablesen, wie viel größer als der Median der gewählte Kanal ist; dann andere Blöcke, einen anderen Prompt und anderes Rauschen wählen. Ist es immer derselbe Kanal?",
    "experiment.1.question": "Jeder Fleck des Bildes ist 192 Zahlen, eine je Kanal. Wie viel größer als die mittlere ist die größte?",
    "experiment.1.title": "Massive Kanäle",
    "experiment.2.answer.0": "Das Motiv",
    "experiment.2.answer.1": "Der Hintergrund",
    "experiment.2.answer.2": "Beides",
    "experiment.2.answer.3": "Kaum etwas",
    "experiment.2.look": "Die beiden Bilder und die Wörter darunter vergleichen, dann die Änderung mit der von ebenso vielen zufälligen Kanälen. Nun nur einen Kanal nehmen, dann die acht ohne den ersten: Welcher von ihnen ist es?",
    "experiment.2.question": "Die acht größten Kanäle in jedem Block auf null setzen. Was geht verloren: das Motiv, der Hintergrund oder beides?",
    "experiment.2.title": "Entscheidend",
    "experiment.3.answer.0": "Am Umriss des Motivs",
    "experiment.3.answer.1": "Irgendwo nahe am Motiv",
    "experiment.3.answer.2": "Irgendwo",
    "experiment.3.look": "Das Bild ist die eigene Schätzung des Modells in diesem Schritt, und was nicht Motiv ist, ist abgedunkelt. Den Schritt nach links schieben, bis die Grenze verschwindet. Anderes Rauschen ausprobieren und ein riesiges Motiv.",
    "experiment.3.question": "Die Flecken allein nach den acht größten Kanälen in zwei Haufen sortieren, solange das Bild noch fast nur Rauschen ist. Wo verläuft die Grenze?",
    "experiment.3.title": "Wo das Motiv steht",
    "experiment.4.answer.0": "Farbe und Ort der Quelle",
    "experiment.4.answer.1": "Ort der Quelle, meine Farbe",
    "experiment.4.answer.2": "Meine Farbe und mein Ort",
    "experiment.4.answer.3": "Keins von beiden ist zu sehen",
    "experiment.4.look": "Die Wörter unter dem veränderten Bild neben beiden Prompts lesen. 16 und 32 Kanäle übertragen, dann zufällige. Gibt es eine Zahl, bei der das Bild die Seite wechselt?",
    "experiment.4.question": "Die acht größten Kanäle aus der Zeichnung eines anderen Prompts übertragen. Wessen Farbe gewinnt, und wessen Ort?",
    "experiment.4.title": "Übertragen zwischen Prompts",
    "experiment.5.answer.0": "Ja, mit seiner Farbe",
    "experiment.5.answer.1": "Nur sein Ort",
    "experiment.5.answer.2": "Nein",
    "experiment.5.look": "Mit dem Übertragen aus einem Prompt vergleichen. Die Stärke verändern und die Wörter, die das Bild beschreiben. Dann ein eigenes Bild ablegen: Es bleibt auf diesem Rechner.",
    "experiment.5.question": "Nun ist die Quelle ein Bild, das nicht das Modell gezeichnet hat, in jedem Schritt neu verrauscht. Kommt sein Motiv mit?",
    "experiment.5.title": "Ein Motiv aus einem Bild",
    "experiment.6.answer.0": "Kaum",
    "experiment.6.answer.1": "Das Motiv verliert seine Form",
    "experiment.6.answer.2": "Alles ist verloren",
    "experiment.6.look": "Dann andersherum: ihnen das Niveau nehmen und das Muster lassen. Was kostet das Bild mehr, und ist es für einen Kanal dasselbe wie für acht?",
    "experiment.6.question": "Das Niveau der acht größten Kanäle behalten und ihr Muster über das Bild mischen. Merkt es das Bild?",
    "experiment.6.title": "Niveau oder Muster",
    "experiment.7.answer.0": "Ja, sie bewirken mehr",
    "experiment.7.answer.1": "Nein, Energie ist alles",
    "experiment.7.answer.2": "Die anderen bewirken mehr",
    "experiment.7.look": "Die Änderung notieren, dann die acht größten ohne den ersten wählen und vergleichen. Die anderen ein paarmal neu ziehen. Wie viele Kanäle braucht es, und reicht ein Bild, um es zu sagen?",
    "experiment.7.question": "Statt der größten ohne den ersten so viele andere nehmen, wie dieselbe Energie enthalten. Sind die größten noch besonders?",
    "experiment.7.title": "Wie man sich täuscht",
    "experiment.9.answer.0": "Nichts, niemand hat sie verändert",
    "experiment.9.answer.1": "Sie verblassen, und das Bild auch",
    "experiment.9.answer.2": "Sie wachsen, und das Bild wird kräftig",
    "experiment.9.look": "Mit demselben Eingriff in dem vergleichen, was Normen weitergeben, und mit beiden. Dann die Kanäle kleiner statt größer machen: Leistet dieselbe Hälfte die Arbeit?",
    "experiment.9.question": "Eine Norm teilt durch die Größe aller Kanäle. Die größten um die Hälfte vergrößern, aber nur in dem, wodurch die Norm teilt. Was geschieht mit den anderen und mit dem Bild?",
    "experiment.9.title": "Inhalt oder Verstärkung",
    "fact.change": "Änderung des Bildes",
    "fact.control": "dasselbe, zufällige Kanäle",
    "fact.energy": "bewegte Energie",
    "fact.words": "geänderte Wörter",
    "guide.again": "Noch einmal raten",
    "guide.chapter": "Kapitel {chapter}",
    "guide.done": "geraten",
    "guide.guessed": "Die Vermutung war: {answer}.",
    "guide.head": "Kapitel {chapter} · {title}",
    "guide.lead": "Eine Frage zu jedem Kapitel. Erst raten, dann ansehen und verändern.",
    "guide.look": "Was zu sehen ist.",
    "guide.more": "Über viele Prompts gezählt, mit Kontrollen: {link}.",
    "guide.other": "etwas anderes",
    "guide.panel": "Kapitel {chapter}: {title}",
    "guide.pass": "auslassen",
    "guide.passed": "Ohne Vermutung weiter.",
    "guide.setup": "Noch einmal einstellen",
    "guide.title": "Erst raten",
    "guide.yours": "Die Vermutung, nur auf diesem Rechner gespeichert:",
    "how.no_level": "nimm ihnen das Niveau",
    "how.none": "lass sie in Ruhe",
    "how.own_mean": "glätte sie auf ihr eigenes Mittel",
    "how.scale": "multipliziere sie mit {factor}",
    "how.shuffle": "mische sie über das Bild",
    "how.zero": "setze sie auf null",
    "lab.carry.sentence": "Übertrage {set} {from}, {part}, in {blocks}, in {steps}, {whose}.",
    "lab.choose": "Wörter wählen",
    "lab.copied": "Kopiert.",
    "lab.copy.failed": "Dieser Browser lässt die Seite nicht kopieren; der Text steht unten.",
    "lab.copy.link": "Link kopieren",
    "lab.copy.python": "Als Python kopieren",
    "lab.draw": "Zeichne",
    "lab.draw.tail": ", aus Rauschen {seed} in {steps}.",
    "lab.drawing": "zeichnet",
    "lab.drawing.step": "zeichnet, Schritt {step} von {steps}",
    "lab.drawn": "Das Bild ist gezeichnet.",
    "lab.edit.sentence": "Nimm {set} und {how}, in {blocks}, in {steps}, {where}, {through}.",
    "lab.example": "Dies ist ein gespeichertes Beispiel. Das Modell läuft erst nach dem Start.",
    "lab.example.stays": "Wo es nicht geht, bleibt dieses Beispiel stehen.",
    "lab.failed": "Das Modell ließ sich nicht starten. {why} Was hilft: die Seite neu laden; ein anderer Browser von 2023 oder später; mehr freier Speicher (es braucht etwa 250 MB).",
    "lab.failed.example": "Bis dahin bleibt das gespeicherte Beispiel stehen.",
    "lab.from.picture": "aus meinem Bild",
    "lab.from.source": "aus der Quelle",
    "lab.kernel.silent": "Der Kernel des Notebooks antwortet nicht: Arbeitet er gerade, oder wurde er neu gestartet? Die Zelle noch einmal ausführen.",
    "lab.keys": "Tasten, in den Balken: Pfeile gehen zwischen Kanälen und Blöcken, Bild auf und ab die Rangfolge entlang, Pos1 zum größten; die Leertaste nimmt einen oder lässt ihn los, [ und ] ändern die Stärke. Überall: Strg+Z macht rückgängig.",
    "lab.link.copied": "Link kopiert.",
    "lab.loading": "das Modell wird geladen",
    "lab.loading.share": "das Modell wird geladen: {percent} %",
    "lab.loads.file": "Seine Gewichte liegen in dieser Datei. Es zeichnet auf dieser Seite, auf diesem Rechner, und nichts davon verlässt ihn.",
    "lab.loads.kernel": "Beim Start werden {size} MB vom Kernel des Notebooks geladen; das dauert eine halbe Minute. Dann zeichnet das Modell auf dieser Seite, auf diesem Rechner, und nichts davon verlässt ihn. Auf einem Telefon geht es auch, um ein Mehrfaches langsamer.",
    "lab.loads.site": "Beim Start werden {size} MB von dieser Website geladen, einmal. Dann zeichnet das Modell auf dieser Seite, auf diesem Rechner, und nichts davon verlässt ihn. Auf einem Telefon geht es auch, um ein Mehrfaches langsamer.",
    "lab.maximise": "Vergrößern",
    "lab.menu.background": "{what}: Farbe des Hintergrunds",
    "lab.menu.background.second": "{what}: zweite Farbe des Hintergrunds",
    "lab.menu.blocks": "In welchen Blöcken",
    "lab.menu.count": "{what}: wie viele Motive",
    "lab.menu.first": "{what}: {part} des Motivs",
    "lab.menu.how": "Was mit ihnen geschieht",
    "lab.menu.part": "Was von den Kanälen übertragen wird",
    "lab.menu.second": "{what}: {part} des zweiten Motivs",
    "lab.menu.seed": "Rauschen (Seed)",
    "lab.menu.set": "Welche Kanäle",
    "lab.menu.stepcount": "Zahl der Schritte",
    "lab.menu.steps": "In welchen Schritten",
    "lab.menu.texture": "{what}: Muster des Hintergrunds",
    "lab.menu.through": "Im Strom oder wo Normen ihn lesen",
    "lab.menu.where": "In welchem Teil des Bildes",
    "lab.menu.whose": "Wo Kanäle ersetzt werden",
    "lab.menus.only": "Die Menüs kennen nur Sätze der Grammatik: {grammar}.",
    "lab.model.forbidden": "Diese Seite darf das Programm, das zeichnet, nicht starten (ihre Inhaltsregeln verbieten es). Die Seite von einem anderen Ort oder vom Datenträger öffnen.",
    "lab.model.stopped": "Das Modell ist stehen geblieben.",
    "lab.modes": "Was geschehen soll",
    "lab.noexample": "Noch ist nichts gezeichnet. Nach dem Start zeichnet das Modell, was die Sätze unten verlangen.",
    "lab.paint.clear": "Bereich löschen",
    "lab.paint.how": "Auf dem unberührten Bild malen: durch Ziehen oder mit Pfeiltasten und Leertaste.",
    "lab.paint.label": "Bereich des Eingriffs; Pfeile bewegen, die Leertaste malt",
    "lab.part.ask": "Fragen",
    "lab.part.edit": "Eingriff",
    "lab.part.keep": "Behalten",
    "lab.part.look": "Ansehen",
    "lab.part.numbers": "Was sich änderte",
    "lab.picture.bad": "{file} ließ sich nicht als Bild lesen. PNG, JPEG und WebP gehen.",
    "lab.picture.choose": "Bild wählen",
    "lab.picture.drop": "Hier ein Bild ablegen. Es wird auf dieser Seite gelesen und bleibt auf diesem Rechner; die Mitte wird ausgeschnitten und verkleinert.",
    "lab.picture.read": "{file}: unten aufschreiben, was es zeigt; die Wörter zählen.",
    "lab.picture.unwritten": "Dieser Browser konnte das Bild nicht schreiben.",
    "lab.problem.energy": "Nichts zu ändern: Alle anderen Kanäle zusammen enthalten weniger Energie. Weniger von den größten nehmen.",
    "lab.problem.hand": "Kein Kanal ist gewählt: welche in den Balken nehmen, mit Doppelklick oder Leertaste.",
    "lab.problem.missing.one": "In Block {blocks} enthalten alle anderen Kanäle zusammen weniger Energie, darum wird dort nichts geändert.",
    "lab.problem.missing.other": "In den Blöcken {blocks} enthalten alle anderen Kanäle zusammen weniger Energie, darum wird dort nichts geändert.",
    "lab.problem.picture": "Erst ein Bild ablegen oder das Beispiel nehmen.",
    "lab.progress": "Wie viel vom Modell geladen ist",
    "lab.python": "Dasselbe in Python",
    "lab.quiet": "nichts verlässt diese Seite",
    "lab.quiet.seconds": "{seconds} s je Bild · nichts verlässt diese Seite",
    "lab.sample": "Beispiel nehmen",
    "lab.sample.what": "Das Beispiel ist ein Bild, das ein Programm gezeichnet hat, nicht das Modell.",
    "lab.save.channels": "Kanäle speichern",
    "lab.save.pictures": "Bilder speichern",
    "lab.save.run": "Lauf speichern",
    "lab.script.missing": "Die Seite enthält {name} nicht.",
    "lab.second.none": "keine zweite Farbe",
    "lab.small": "Verkleinern",
    "lab.source": "Quelle",
    "lab.source.lead": "Die Quelle:",
    "lab.start": "Modell starten",
    "lab.steps.one": "{n} Schritt",
    "lab.steps.other": "{n} Schritten",
    "lab.stop": "Anhalten",
    "lab.stopped": "angehalten",
    "lab.subjects.none": "kein Motiv",
    "lab.subjects.one": "ein Motiv",
    "lab.subjects.two": "zwei Motive",
    "lab.surprise": "überrasch mich",
    "lab.type": "tippen",
    "lab.typed": "{what}, getippt",
    "lab.unchosen": "Kein Kanal ist gewählt.",
    "lab.undo": "Rückgängig",
    "lab.undo.none": "Nichts rückgängig zu machen.",
    "lab.undone": "Rückgängig gemacht.",
    "lab.ungrammatical": "Bekannte Wörter, aber kein Satz der Grammatik: Das Modell hat so einen Prompt nie gesehen. Es zeichnet trotzdem etwas.",
    "lab.unstarted": "nicht gestartet",
    "lab.write": "Aufschreiben, was das Bild zeigen soll, auf Englisch: {grammar}.",
    "lane.control": "Kontrolle",
    "lane.edited": "verändert",
    "lane.source": "Quelle",
    "lane.untouched": "unberührt",
    "link.address": "Der Link steht in der Adresszeile",
    "link.copied": "Link kopiert",
    "link.copy": "Link zu dieser Ansicht kopieren",
    "link.none": "Diese Seite kann keine Links erzeugen",
    "maps.few": "{set} ({count} von {all} haben hier Karten)",
    "mode.edit": "Eingreifen",
    "mode.picture": "Eigenes Bild",
    "mode.transport": "Übertragen",
    "noise": "Rauschen",
    "none": "keine",
    "ordinal.few": "{n}.",
    "ordinal.one": "{n}.",
    "ordinal.other": "{n}.",
    "ordinal.two": "{n}.",
    "over.none": "nichts",
    "part.both": "Niveau und Muster",
    "part.level": "nur ihr Niveau",
    "part.pattern": "nur ihr Muster",
    "picture": "Bild",
    "pictures.unread": "die Bilder dieser Abbildung sind nicht lesbar (WebP)",
    "prompt": "Prompt",
    "reading": "{file} wird gelesen …",
    "saved": "{file} gespeichert.",
    "seed": "Seed",
    "set.bottom.one": "den kleinsten Kanal",
    "set.bottom.other": "die {n} kleinsten Kanäle",
    "set.energy.one": "Kanäle mit der Energie des größten Kanals ohne den ersten",
    "set.energy.other": "Kanäle mit der Energie der {n} größten Kanäle ohne den ersten",
    "set.hand": "{count} von Hand gewählte Kanäle",
    "set.hand.range": "{few} bis {many} von Hand gewählte Kanäle",
    "set.next.one": "den größten Kanal ohne den ersten",
    "set.next.other": "die {n} größten Kanäle ohne den ersten",
    "set.random.one": "{n} zufälligen Kanal",
    "set.random.other": "{n} zufällige Kanäle",
    "set.rest.one": "alle außer dem größten Kanal",
    "set.rest.other": "alle außer den {n} größten Kanälen",
    "set.top.one": "den größten Kanal",
    "set.top.other": "die {n} größten Kanäle",
    "sky.cell": "Kanal {channel} in Block {block}: {value}",
    "sky.label": "Kanäle aller Blöcke; Pfeile bewegen, die Leertaste nimmt einen oder lässt ihn los, Pos1 geht zum größten",
    "stage.asasked": "Wie verlangt.",
    "stage.asked.later": "Verlangt: {prompt}. Gezeichnet wird es nach dem Start des Modells.",
    "stage.at.edited": "Verändert, Schritt {step} von {steps}.",
    "stage.at.untouched": "Unberührt, Schritt {step} von {steps}.",
    "stage.control": "Zufällige Kanäle",
    "stage.control.what": "so viele wie verändert wurden, außerhalb zufällig gezogen.",
    "stage.course": "Die Größe von {name} über die Schritte: von {first} bis {last}; der mittlere Kanal: {median}",
    "stage.edited": "Verändert",
    "stage.edited.later": "{edit} Gezeichnet wird es nach dem Start des Modells.",
    "stage.energy": "Über Kalibrierungsprompts enthält er {share} der Energie des Blocks.",
    "stage.estimate": "Die eigene Schätzung des Modells nach Schritt {step}.",
    "stage.everystep": "in jedem Schritt verändert",
    "stage.here": "in diesem Block",
    "stage.leave": "Loslassen",
    "stage.map": "seine Karte",
    "stage.map.label": "Kanal {channel} über dem Bild, von {low} bis {high}",
    "stage.map.later": "Die Karte des Kanals kommt mit dem Bild",
    "stage.mask": "Maske",
    "stage.mask.label": "Die Maske des Motivs aus {count} Kanälen von Block {block}: {share} des Bildes",
    "stage.mask.later": "Die Maske kommt mit dem Bild",
    "stage.nothere": "nicht in diesem Block",
    "stage.only": "Nur diesen",
    "stage.over": "Über den Bildern",
    "stage.over.map": "der Kanal",
    "stage.over.mask": "die Maske",
    "stage.picture": "Bild",
    "stage.play": "Abspielen, wie das Bild entsteht",
    "stage.play.stop": "Abspielen beenden",
    "stage.seen": "Gesehen: {what}.",
    "stage.shown": "Balken und Karte von",
    "stage.shown.edited": "verändert",
    "stage.somesteps": "in {count} von {steps} Schritten verändert",
    "stage.spot": "Kanal {channel} in Block {block}",
    "stage.spot.size": "{spot}: {value}, der {rank} von {count}",
    "stage.spot.size.ranking": "{spot}: {value} über Kalibrierungsprompts, der {rank} von {count}",
    "stage.standing.first": "Kanal {channel} ist der größte in Block {block}, {ratio}-mal so groß wie der Median.",
    "stage.standing.first.ranking": "Kanal {channel} ist der größte in Block {block}, {ratio}-mal so groß wie der Median über Kalibrierungsprompts.",
    "stage.standing.none": "Kanal {channel}",
    "stage.standing.other": "Kanal {channel} ist der Größe nach der {rank} in Block {block}, {ratio}-mal so groß wie der Median.",
    "stage.standing.other.ranking": "Kanal {channel} ist der Größe nach der {rank} in Block {block}, {ratio}-mal so groß wie der Median über Kalibrierungsprompts.",
    "stage.standing.zero": "Kanal {channel} ist in Block {block} auf null.",
    "stage.step": "Gezeigter Schritt, vom Rauschen zum Bild",
    "stage.stepof": "Schritt {step} von {steps}",
    "stage.stored": "Gespeichertes Beispiel, {lane}: {words}",
    "stage.take": "Nehmen",
    "stage.taken": "genommen",
    "stage.undrawn": "Noch nicht gezeichnet, {lane}: {words}",
    "stage.unedited": "Nichts ist verändert.",
    "stage.untouched": "Unberührt",
    "stage.view": "{lane}: {words}",
    "step": "Schritt",
    "stepper.lower": "{label} verringern",
    "stepper.raise": "{label} erhöhen",
    "steps": "Schritte",
    "steps.all": "allen Schritten",
    "steps.firstHalf": "der ersten Hälfte",
    "steps.firstQuarter": "dem ersten Viertel",
    "steps.lastQuarter": "dem letzten Viertel",
    "steps.one": "Schritt {step}",
    "steps.range": "den Schritten {from} bis {to}",
    "steps.secondHalf": "der zweiten Hälfte",
    "steps.some": "einigen Schritten …",
    "through.both": "an den Lesestellen, Inhalt und Verstärkung",
    "through.both.short": "an den Lesestellen",
    "through.content": "an den Lesestellen, nur Inhalt (was Normen weitergeben)",
    "through.content.short": "an den Lesestellen, nur Inhalt",
    "through.gain": "an den Lesestellen, nur Verstärkung (wodurch Normen teilen)",
    "through.gain.short": "an den Lesestellen, nur Verstärkung",
    "through.stream": "im Strom",
    "through.stream.short": "im Strom",
    "untouched": "unberührt",
    "where.all": "im ganzen Bild",
    "where.background": "im Hintergrund",
    "where.painted": "in einem gemalten Bereich",
    "where.subject": "im Motiv",
    "whose.none": "im ganzen Bild",
    "whose.painted": "in einem gemalten Bereich",
    "whose.source": "wo das Motiv der Quelle steht",
    "whose.target": "wo mein Motiv steht",
    "whose.union": "wo eines der beiden Motive steht",
    "widget.failed": "Diese Abbildung lässt sich nicht zeigen: {why}",
    "widget.unknown": "kein Widget der Art {kind}",
    "word.background": "Hintergrund",
    "word.colour": "Farbe",
    "word.number": "Zahl der Motive",
    "word.position": "Ort",
    "word.shape": "Form",
    "word.size": "Größe",
    "word.texture": "Muster",
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

// js/live/prompt.js
class PromptError extends Error {}

const BLANK = /[\s\x1c-\x1f\x85]+/u;

function wordsOf(prompt) {
  return prompt.toLowerCase().split(BLANK).filter((word) => word);
}

function checkWords(prompt, { vocabulary, shapes, sentence }) {
  const words = wordsOf(prompt);
  for (const word of words) {
    if (vocabulary.includes(word)) continue;
    const near = nearest(word, vocabulary);
    const hint = near ? `the nearest word the toy world knows is ${quote(near)}` : "the toy world knows none like it";
    throw new PromptError(
      `unknown word ${quote(word)} in the prompt ${quote(prompt)}; ${hint}. It knows: ${vocabulary.join(", ")}`
    );
  }
  const named = words.filter((word) => shapes.includes(word));
  if (named.length > 2) {
    throw new PromptError(
      `the prompt ${quote(prompt)} names ${named.length} subjects (${named.join(", ")}); a scene of the toy world has ` +
        `at most two: expected ${sentence}`
    );
  }
}

function parsePrompt(prompt, grammar) {
  checkWords(prompt, grammar);
  const { sizes, colours, shapes, positions, textures } = grammar;
  const one = (words) => `(${words.join("|")})`;
  const subject = new RegExp(`^a ${one(sizes)} ${one(colours)} ${one(shapes)} at the ${one(positions)}$`);
  const ground = new RegExp(`^${one(textures)} ${one(colours)}(?: and ${one(colours)})? background$`);
  const text = wordsOf(prompt).join(" ");
  const cut = text.lastIndexOf(" on a ");
  const found = cut < 0 ? null : ground.exec(text.slice(cut + 6));
  const head = text.slice(0, Math.max(cut, 0));
  const subjects = head === "nothing" ? [] : head.split(/ and (?=a )/).map((part) => subject.exec(part));
  if (!found || subjects.includes(null)) return null;
  return {
    subjects: subjects.map(([, size, colour, shape, position]) => ({ size, colour, shape, position })),
    texture: found[1],
    background: found[2],
    second: found[3] || null,
  };
}

class WordEncoder {
  constructor(weights, config, ids) {
    this.words = weights.values("words.weight");
    this.places = weights.values("places.weight");
    Object.assign(this, { ids, width: config.width, length: config.max_tokens });
  }

  encode(prompt, grammar) {
    checkWords(prompt, grammar);
    const words = wordsOf(prompt);
    const { width, length } = this;
    if (words.length > length) {
      throw new PromptError(
        `the prompt ${quote(prompt)} has ${words.length} words; the toy world reads at most ${length}`
      );
    }
    const states = new Float32Array(length * width);
    const sums = new Float64Array(width);
    for (let place = 0; place < length; place++) {
      const id = place < words.length ? this.ids[words[place]] : this.ids["<pad>"];
      for (let i = 0; i < width; i++) {
        states[place * width + i] = this.words[id * width + i] + this.places[place * width + i];
        sums[i] += states[place * width + i];
      }
    }
    return { states, pooled: Float32Array.from(sums, (sum) => sum / length) };
  }
}

function quote(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const plain = text.replace(/[\\]/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t").replace(/\r/g, "\\r");
  return mark + (mark === "'" ? plain.replace(/'/g, "\\'") : plain) + mark;
}

function nearest(word, known) {
  const scored = known.map((other) => [(2 * matching(other, word)) / (other.length + word.length), other]);
  const near = scored.filter(([score]) => score >= 0.6);
  return near.sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1)).map(([, other]) => other)[0];
}

function matching(a, b) {
  let [best, i, j] = [0, 0, 0];
  for (let x = 0; x < a.length; x++) {
    for (let y = 0; y < b.length; y++) {
      let size = 0;
      while (x + size < a.length && y + size < b.length && a[x + size] === b[y + size]) size++;
      if (size > best) [best, i, j] = [size, x, y];
    }
  }
  if (!best) return 0;
  return best + matching(a.slice(0, i), b.slice(0, j)) + matching(a.slice(i + best), b.slice(j + best));
}

// js/lab/menus.js
function wordMenu({ label, options = [], onpick }) {
  const select = el("select", { "aria-label": label });
  const word = el("span.fc-word", { "aria-hidden": "true" });
  const node = el("span.fc-menu", {}, word, select);
  select.addEventListener("change", () => onpick(select.value));
  let listed = "";
  let shorts = new Map();
  const menu = {
    node,
    select,
    fill(given) {
      const key = JSON.stringify(given);
      if (key === listed) return;
      listed = key;
      const kept = select.value;
      shorts = new Map(given.map(({ value, text, short }) => [String(value), short ?? text]));
      select.replaceChildren(...given.map(({ value, text }) => el("option", { value }, text)));
      if (shorts.has(kept)) select.value = kept;
    },
    set(value) {
      const text = String(value);
      if (!shorts.has(text)) {
        shorts.set(text, text);
        select.append(el("option", { value: text }, text));
      }
      if (select.value !== text) select.value = text;
      setText(word, shorts.get(text));
    },
  };
  menu.fill(options);
  return menu;
}

const optionsOf = (values) => values.map((value) => ({ value, text: String(value) }));

function dial({ label, count, onpick, onrest = () => {} }) {
  const shown = el("output.fc-dial-out");
  const input = el("input", { type: "range", min: 0, max: count - 1, step: 1, "aria-label": label });
  input.addEventListener("input", () => onpick(Number(input.value)));
  input.addEventListener("change", () => onrest());
  return {
    node: el("label.fc-dial", {}, el("span", {}, label), input, shown),
    input,
    set(index, text) {
      if (Number(input.value) !== index) input.value = index;
      input.setAttribute("aria-valuetext", text);
      input.style.setProperty("--fc-fill", index / (count - 1));
      setText(shown, text);
    },
  };
}

const glued = (menu, text) => el("span.fc-glued", {}, menu.node, text);

function sentence(key, menus) {
  const parts = filled(key, menus);
  return parts.map((part, i) => {
    const sign = typeof part === "object" && /^[,.]/.exec(parts[i + 1] ?? "")?.[0];
    if (!sign) return part.node ?? part;
    parts[i + 1] = parts[i + 1].slice(1);
    return glued(part, sign);
  });
}

// js/lab/words.js
function sentenceOf({ subjects, texture, background, second }) {
  const named = subjects.map((s) => `a ${s.size} ${s.colour} ${s.shape} at the ${s.position}`).join(" and ");
  return `${named || "nothing"} on a ${texture} ${background}${second ? ` and ${second}` : ""} background`;
}

function wordsChanged(before, after) {
  const names = [];
  if (before.subjects.length !== after.subjects.length) names.push("number");
  else {
    for (const part of ["size", "colour", "shape", "position"]) {
      if (before.subjects.some((subject, i) => subject[part] !== after.subjects[i][part])) names.push(part);
    }
  }
  if (before.texture !== after.texture) names.push("texture");
  if (before.background !== after.background || before.second !== after.second) names.push("background");
  return names;
}

// js/lab/ask.js
const OPPOSITE_OF = { left: "right", right: "left", top: "bottom", bottom: "top", center: "top" };

function nextWords(words, { shapes, colours, sizes, positions, textures }) {
  let subjects = 0;
  let expected = ["a", "nothing"];
  let after = () => {};
  const subject = [() => sizes, () => colours, () => shapes, () => ["at"], () => ["the"], () => positions];
  const ground = [() => ["a"], () => textures, () => colours];
  const chain = (steps, end) => (i = 0) => {
    expected = i < steps.length ? steps[i]() : [];
    after = () => (i + 1 < steps.length ? chain(steps, end)(i + 1) : end());
    if (!steps.length) end();
  };
  const background = () => {
    expected = ["and", "background"];
    after = (word) => {
      if (word === "background") [expected, after] = [[], () => (expected = [])];
      else chain([() => colours, () => ["background"]], () => (expected = []))();
    };
  };
  const on = () => chain(ground, background)();
  const ended = () => {
    subjects++;
    expected = subjects < 2 ? ["and", "on"] : ["on"];
    after = (word) => (word === "on" ? on() : chain([() => ["a"], ...subject], ended)());
  };
  after = (word) => {
    if (word === "nothing") [expected, after] = [["on"], on];
    else chain(subject, ended)();
  };
  for (const word of words) {
    if (!expected.includes(word)) return [];
    after(word);
  }
  return expected;
}

function completions(text, grammar) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const whole = !text || /\s$/.test(text);
  const begun = whole ? "" : words.pop();
  const before = words.length ? `${words.join(" ")} ` : "";
  return nextWords(words, grammar).filter((word) => word.startsWith(begun) && word !== begun).map((word) => before + word);
}

function judged(text, grammar) {
  try {
    if (!text.trim()) return { error: phrase("lab.write", { grammar: grammar.sentence }) };
    if (parsePrompt(text, grammar)) return {};
    return { note: phrase("lab.ungrammatical") };
  } catch (error) {
    return { error: error.message };
  }
}

function randomScene({ shapes, colours, sizes, positions, textures }, random = Math.random) {
  const one = (list) => list[Math.floor(random() * list.length)];
  const order = [...colours].sort(() => random() - 0.5);
  const first = { size: one(sizes), colour: order[1], shape: one(shapes), position: one(positions) };
  const subjects = [first];
  if (random() < 0.2) {
    const place = one(["left", "right", "top", "bottom"]);
    Object.assign(first, { size: "small", position: place });
    subjects.push({ size: "large", colour: order[2], shape: one(shapes.filter((shape) => shape !== first.shape)), position: OPPOSITE_OF[place] });
  }
  const texture = one(textures);
  return { subjects, texture, background: order[0], second: texture !== "plain" && random() < 0.3 ? order[3] : null };
}

function promptSentence({ grammar, lead, what, tail = [], change }) {
  const { shapes, colours, sizes, positions, textures } = grammar;
  let scene = null;
  let shown = "";
  const alter = (edit) => {
    const next = { ...scene, subjects: scene.subjects.map((subject) => ({ ...subject })) };
    edit(next);
    change(sentenceOf(next));
  };
  const count = wordMenu({
    label: phrase("lab.menu.count", { what }),
    options: [{ value: "1", text: phrase("lab.subjects.one"), short: "a" }, { value: "2", text: phrase("lab.subjects.two"), short: "two, a" }, { value: "0", text: phrase("lab.subjects.none"), short: "nothing" }],
    onpick: (value) =>
      alter((next) => {
        const free = colours.filter((colour) => colour !== next.background);
        const first = next.subjects[0] || { size: "large", colour: free[0], shape: shapes[0], position: "left" };
        const second = { size: "small", colour: free.find((colour) => colour !== first.colour), shape: shapes.find((shape) => shape !== first.shape), position: OPPOSITE_OF[first.position] };
        next.subjects = [[], [first], [first, second]][Number(value)];
      }),
  });
  const subjectMenus = [0, 1].map((i) => {
    const subject = i ? "second" : "first";
    const menu = (part, options) => wordMenu({ label: phrase(`lab.menu.${subject}`, { what, part: phrase(`word.${part}`) }), options: optionsOf(options), onpick: (value) => alter((next) => (next.subjects[i][part] = value)) });
    return { size: menu("size", sizes), colour: menu("colour", colours), shape: menu("shape", shapes), position: menu("position", positions) };
  });
  const spans = subjectMenus.map(({ size, colour, shape, position }, i) =>
    el("span", {}, i ? " and a " : " ", size.node, " ", colour.node, " ", shape.node, " at the ", position.node),
  );
  const texture = wordMenu({ label: phrase("lab.menu.texture", { what }), options: optionsOf(textures), onpick: (value) => alter((next) => Object.assign(next, { texture: value, second: value === "plain" ? null : next.second })) });
  const background = wordMenu({ label: phrase("lab.menu.background", { what }), options: optionsOf(colours), onpick: (value) => alter((next) => (next.background = value)) });
  const second = wordMenu({ label: phrase("lab.menu.background.second", { what }), onpick: (value) => alter((next) => (next.second = value || null)) });
  const secondSpan = el("span", {}, " ", second.node);
  const words = el("p.fc-sentence", {}, `${lead} `, count.node, ...spans, " on a ", texture.node, " ", background.node, secondSpan, " background", ...tail);

  const id = uid("fc-typed");
  const list = el("datalist", { id: `${id}-list` });
  const input = el("input.fc-typed", { type: "text", id, list: list.id, maxlength: 400, autocomplete: "off", spellcheck: "false", autocapitalize: "off", "aria-describedby": `${id}-said` });
  const said = el("p.fc-said", { id: `${id}-said`, role: "status" });
  const tailAgain = el("span.fc-sentence");
  const typed = el("div.fc-type", { hidden: true }, el("label.fc-sr", { for: id }, phrase("lab.typed", { what })), input, list, tailAgain, said);
  input.addEventListener("input", () => {
    list.replaceChildren(...completions(input.value, grammar).map((value) => el("option", { value })));
    say();
  });
  const commit = () => {
    if (!say()) change(input.value.trim().toLowerCase().replace(/\s+/g, " "));
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  function say() {
    const { error, note } = judged(input.value, grammar);
    setText(said, error || note || "");
    said.classList.toggle("fc-bad", Boolean(error));
    input.setAttribute("aria-invalid", String(Boolean(error)));
    return Boolean(error);
  }

  const toggle = el("button.fc-link", { type: "button", "aria-expanded": "false" }, phrase("lab.type"));
  let typing = false;
  function type(on) {
    typing = on;
    words.hidden = on;
    typed.hidden = !on;
    setText(toggle, on ? phrase("lab.choose") : phrase("lab.type"));
    toggle.setAttribute("aria-expanded", String(on));
    (on ? tailAgain : words).append(...tail);
    if (on) {
      input.value = shown;
      say();
    }
  }
  toggle.addEventListener("click", () => {
    if (typing && !scene) {
      setText(said, phrase("lab.menus.only", { grammar: grammar.sentence }));
      return;
    }
    type(!typing);
    (typing ? input : count.select).focus();
  });
  return {
    node: el("div.fc-prompt-line", {}, words, typed),
    toggle,
    set(prompt) {
      if (prompt === shown) return;
      shown = prompt;
      try {
        checkWords(prompt, grammar);
        scene = parsePrompt(prompt, grammar);
      } catch {
        scene = null;
      }
      if (!scene || typing) {
        if (!typing) type(true);
        if (document.activeElement !== input) input.value = prompt;
        say();
      }
      if (!scene) return;
      count.set(scene.subjects.length);
      spans.forEach((span, i) => {
        span.hidden = i >= scene.subjects.length;
        if (scene.subjects[i]) for (const part of ["size", "colour", "shape", "position"]) subjectMenus[i][part].set(scene.subjects[i][part]);
      });
      texture.set(scene.texture);
      background.set(scene.background);
      secondSpan.hidden = scene.texture === "plain" && !scene.second;
      second.fill([{ value: "", text: phrase("lab.second.none"), short: "+" }, ...colours.filter((colour) => colour !== scene.background).map((colour) => ({ value: colour, text: `and ${colour}` }))]);
      second.set(scene.second || "");
    },
  };
}

// js/live/float32.js
const r = Math.fround;

// js/live/random.js
function seedWords(numbers, count) {
  const entropy = numbers.flatMap((number) => {
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`seed ${number}: expected a whole number from 0 on`);
    return number < 2 ** 32 ? [number] : [number >>> 0, Math.floor(number / 2 ** 32)];
  });
  let hash = 0x43b0d7e5;
  const hashed = (value) => {
    value ^= hash;
    hash = Math.imul(hash, 0x931e8875);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  };
  const mixed = (x, y) => {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return value ^ (value >>> 16);
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] || 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  for (const word of entropy.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(word));
  hash = 0x8b51f9dd;
  return Uint32Array.from({ length: count }, (_, i) => {
    const value = pool[i & 3] ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    const product = Math.imul(value, hash);
    return product ^ (product >>> 16);
  });
}

function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function noise(seed, sample, count) {
  const next = twister(seedWords([seed, sample], 1)[0]);
  const values = Float32Array.from({ length: count }, () => (next() & 0xffffff) / 2 ** 24);
  for (let block = 0; block < count; block += 16) {
    for (let j = block; j < block + 8; j++) {
      const radius = r(Math.sqrt(r(-2 * r(Math.log(r(1 - values[j]))))));
      const angle = r(r(2 * Math.PI) * values[j + 8]); // as torch has it with AVX2; without, 1.5e-6 away
      values[j] = radius * r(Math.cos(angle));
      values[j + 8] = radius * r(Math.sin(angle));
    }
  }
  return values;
}

const MASK = (1n << 128n) - 1n;
const STEP = 0x2360ed051fc65da44385df649fccf645n;

function permutation(numbers, count) {
  const words = seedWords(numbers, 8);
  const wide = (i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);
  const increment = ((((wide(4) << 64n) | wide(6)) << 1n) | 1n) & MASK;
  const advanced = (state) => (state * STEP + increment) & MASK;
  let state = advanced(increment + ((wide(0) << 64n) | wide(2)));
  let kept = null; // a 64-bit number serves two draws, its low half first
  const next = () => {
    if (kept !== null) {
      const high = kept;
      kept = null;
      return high;
    }
    state = advanced(state);
    const folded = (state >> 64n) ^ (state & 0xffffffffffffffffn);
    const turn = state >> 122n;
    const value = ((folded >> turn) | (folded << (64n - turn))) & 0xffffffffffffffffn;
    kept = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  };
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j;
    do j = (next() & mask) >>> 0; while (j > i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// js/lab/draws.js
const PCG_MASK = (1n << 128n) - 1n;
const PCG_STEP = 0x2360ed051fc65da44385df649fccf645n;
const WORD = 0xffffffffffffffffn;

class Draws {
  constructor(...numbers) {
    const words = seedWords(numbers, 8);
    const wide = (i) => (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);
    this.increment = ((((wide(4) << 64n) | wide(6)) << 1n) | 1n) & PCG_MASK;
    this.state = this._advanced(this.increment + ((wide(0) << 64n) | wide(2)));
    this.kept = null; // a 64-bit number serves two draws, its low half first
  }

  _advanced(state) {
    return (state * PCG_STEP + this.increment) & PCG_MASK;
  }

  _next() {
    if (this.kept !== null) {
      const high = this.kept;
      this.kept = null;
      return high;
    }
    this.state = this._advanced(this.state);
    const folded = (this.state >> 64n) ^ (this.state & WORD);
    const turn = this.state >> 122n;
    const value = ((folded >> turn) | (folded << (64n - turn))) & WORD;
    this.kept = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  }

  _masked(most) {
    if (!most) return 0;
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    let value;
    do value = (this._next() & mask) >>> 0; while (value > most);
    return value;
  }

  _bounded(most) {
    if (!most) return 0;
    const count = BigInt(most + 1);
    let product = BigInt(this._next()) * count;
    const bound = (0xffffffffn - BigInt(most)) % count;
    while ((product & 0xffffffffn) < bound) product = BigInt(this._next()) * count;
    return Number(product >> 32n);
  }

  permutation(values) {
    const order = [...values];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this._masked(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  choice(values, k) {
    const taken = new Set();
    const order = [];
    for (let j = values.length - k; j < values.length; j++) {
      const value = this._bounded(j);
      const place = taken.has(value) ? j : value;
      taken.add(place);
      order.push(place);
    }
    for (let i = k - 1; i > 0; i--) {
      const j = this._bounded(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order.map((place) => values[place]);
  }
}

// js/lab/state.js
const HOWS = ["none", "zero", "scale", "own_mean", "no_level", "shuffle"];
const SETS = ["top", "next", "bottom", "random", "energy", "rest", "hand"];
const THROUGHS = ["stream", "content", "gain", "both"];
const WHERES = ["all", "subject", "background", "painted"];
const WHOSE = ["union", "source", "target", "none", "painted"];
const PARTS_MOVED = ["both", "level", "pattern"];
const MODES = ["edit", "transport", "picture"];
const OVERS = ["none", "map", "mask"];
const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const STEP_COUNTS = [4, 8, 12, 16, 24, 32];
const FACTORS = [-1, 2];

const START = {
  prompt: "a large red star at the left on a striped blue background",
  seed: 2,
  steps: 16,
  mode: "edit",
  how: "zero",
  factor: 0.5,
  set: "top",
  k: 8,
  draw: 1,
  hand: "",
  through: "stream",
  blocks: "all",
  window: "all",
  where: "all",
  paint: "",
  source: "a small yellow heart at the right on a plain green background",
  part: "both",
  strength: 1,
  whose: "union",
  picture: "",
  block: 3,
  channel: -1,
  step: -1,
  shown: "untouched",
  over: "none",
  guide: "",
};

const among = (value, allowed, otherwise) => (allowed.includes(value) ? value : otherwise);

function whole(value, low, high, otherwise) {
  const n = Math.round(Number(value));
  return value !== "" && value !== null && Number.isFinite(n) ? Math.max(low, Math.min(high, n)) : otherwise;
}

function real(value, low, high, otherwise) {
  const n = Number(value);
  return value !== "" && value !== null && Number.isFinite(n) ? Math.max(low, Math.min(high, Math.round(n * 100) / 100)) : otherwise;
}

function rangeText(value, count) {
  const found = /^(\d+)-(\d+)$/.exec(String(value));
  if (!found) return "all";
  const [from, to] = [Number(found[1]), Number(found[2])].map((n) => Math.min(n, count - 1));
  return from > to || (from === 0 && to === count - 1) ? "all" : `${from}-${to}`;
}

function rangeOf(text, count) {
  const found = /^(\d+)-(\d+)$/.exec(text);
  return found ? [Number(found[1]), Number(found[2])] : [0, count - 1];
}

function numbersOf(text, count) {
  if (text === "all") return null;
  const [from, to] = rangeOf(text, count);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function handLists(text, blocks, width) {
  const parts = String(text).split("_");
  const list = (part) => [...new Set(part.split(".").filter((n) => /^\d+$/.test(n)).map(Number))].filter((n) => n < width);
  return Array.from({ length: blocks }, (_, block) => list(parts.length === 1 ? parts[0] : parts[block] ?? ""));
}

function handText(lists) {
  const texts = lists.map((list) => list.join("."));
  return texts.every((text) => text === texts[0]) ? texts[0] : texts.join("_");
}

function paintText(mask) {
  if (!mask.some(Boolean)) return "";
  let text = "";
  for (let i = 0; i < mask.length; i += 4) text += (8 * mask[i] + 4 * (mask[i + 1] || 0) + 2 * (mask[i + 2] || 0) + (mask[i + 3] || 0)).toString(16);
  return text;
}

function paintMask(text, tokens) {
  const mask = new Uint8Array(tokens);
  if (!/^[0-9a-f]*$/.test(text) || text.length !== Math.ceil(tokens / 4)) return mask;
  for (let i = 0; i < tokens; i++) mask[i] = (parseInt(text[i >> 2], 16) >> (3 - (i & 3))) & 1;
  return mask;
}

function labState({ shape }, given = {}) {
  const text = (name) => (typeof given[name] === "string" && given[name].trim() ? given[name].trim().replace(/\s+/g, " ").slice(0, 400) : START[name]);
  const steps = whole(given.steps, 1, 64, START.steps);
  const painted = paintMask(String(given.paint ?? ""), shape.tokens);
  return {
    prompt: text("prompt"),
    seed: whole(given.seed, 0, 999_999, START.seed),
    steps,
    mode: among(given.mode, MODES, START.mode),
    how: among(given.how, HOWS, START.how),
    factor: real(given.factor, ...FACTORS, START.factor),
    set: among(given.set, SETS, START.set),
    k: whole(given.k, 1, 96, START.k),
    draw: whole(given.draw, 1, 99, START.draw),
    hand: handText(handLists(given.hand ?? "", shape.blocks, shape.width)),
    through: among(given.through, THROUGHS, START.through),
    blocks: rangeText(given.blocks, shape.blocks),
    window: rangeText(given.window, steps),
    where: among(given.where, WHERES, START.where),
    paint: paintText(painted),
    source: text("source"),
    part: among(given.part, PARTS_MOVED, START.part),
    strength: real(given.strength, 0, 1.5, START.strength),
    whose: among(given.whose, WHOSE, START.whose),
    picture: among(given.picture, ["", "sample", "own"], START.picture),
    block: whole(given.block, 0, shape.blocks - 1, Math.min(START.block, shape.blocks - 1)),
    channel: whole(given.channel, -1, shape.width - 1, START.channel),
    step: whole(given.step, -1, steps - 1, START.step),
    shown: among(given.shown, ["untouched", "edited"], START.shown),
    over: among(given.over, OVERS, START.over),
    guide: /^[0-9]$/.test(given.guide ?? "") ? String(given.guide) : "",
  };
}

function changedState(data, state, part) {
  const next = { ...state, ...part };
  if ("steps" in part && part.steps !== state.steps) {
    const share = part.steps / state.steps;
    if (!("window" in part) && state.window !== "all") next.window = scaledWindow(state.window, state.steps, part.steps);
    if (!("step" in part) && state.step >= 0) next.step = Math.min(part.steps - 1, Math.floor(state.step * share));
  }
  if ("prompt" in part || "seed" in part || "steps" in part || "mode" in part) next.step = "step" in part ? part.step : -1;
  return labState(data, next);
}

function scaledWindow(text, steps, others) {
  if (text === "all" || steps === others) return text;
  const [from, to] = rangeOf(text, steps);
  const first = Math.min(others - 1, Math.round((from * others) / steps));
  const last = Math.max(first, Math.round(((to + 1) * others) / steps) - 1);
  return first === 0 && last >= others - 1 ? "all" : `${first}-${Math.min(last, others - 1)}`;
}

function told(state) {
  return Object.fromEntries(Object.entries(state).filter(([name, value]) => value !== START[name]));
}

function edits(state) {
  return state.mode !== "edit" || state.how !== "none";
}

// js/lab/sets.js
function setWords(state, lists) {
  const { set, k } = state;
  if (set !== "hand") return counted(`set.${set}`, k);
  const sizes = lists.map((list) => list.length);
  const [few, many] = [Math.min(...sizes), Math.max(...sizes)];
  return few === many ? phrase("set.hand", { count: few }) : phrase("set.hand.range", { few, many });
}

const rankings = { [1]: new WeakMap(), [-1]: new WeakMap() };

function ranked(row, sign = 1) {
  const known = rankings[sign];
  if (!known.has(row)) known.set(row, row.map((_, c) => c).sort((a, b) => sign * (row[b] - row[a]) || a - b));
  return known.get(row);
}

function outsideOf(width, ...lists) {
  const inside = new Set(lists.flat());
  return Array.from({ length: width }, (_, c) => c).filter((c) => !inside.has(c));
}

function channelsOf({ score, energy }, state) {
  const { set, k, draw } = state;
  const width = score[0].length;
  const top = score.map((row) => ranked(row).slice(0, k));
  if (set === "hand") return { lists: handLists(state.hand, score.length, width), label: "by hand", missing: [] };
  if (set === "next") return { lists: top.map((list) => list.slice(1)), label: `top ${k} without the first`, missing: [] };
  if (set === "rest") return { lists: top.map((list) => outsideOf(width, list)), label: `all but top ${k}`, missing: [] };
  if (set === "bottom") return { lists: score.map((row) => ranked(row, -1).slice(0, k)), label: `bottom ${k}`, missing: [] };
  if (set === "random") {
    const draws = new Draws(0, draw - 1);
    return { lists: top.map((list) => draws.choice(outsideOf(width, list), k)), label: `random ${k}, draw ${draw}`, missing: [] };
  }
  if (set === "energy") return energyMatched(energy, top, draw - 1);
  return { lists: top, label: `top ${k}`, missing: [] };
}

function energyMatched(energy, top, seed) {
  const draws = new Draws(seed);
  const missing = [];
  const lists = energy.map((row, block) => {
    const others = draws.permutation(outsideOf(row.length, top[block]));
    const target = top[block].slice(1).reduce((sum, c) => sum + row[c], 0);
    let [sum, size] = [0, 0];
    while (size < others.length && sum < target) sum += row[others[size++]];
    if (top[block].length > 1 && sum >= target) return others.slice(0, size);
    missing.push(block);
    return [];
  });
  return { lists, label: `energy-matched to top ${top[0].length} without the first`, missing };
}

function controlOf(lists, width, draw = 0) {
  const draws = new Draws(0, draw);
  return lists.map((list) => {
    const pool = outsideOf(width, list);
    return pool.length < list.length ? [] : draws.choice(pool, list.length);
  });
}

function channelSetJson({ lists, label }, width) {
  return { indices: lists, width, label };
}

function placeOf(levels, energy, block, channel) {
  const sorted = Float64Array.from(levels).sort();
  const half = sorted.length >> 1;
  const middle = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const value = levels[channel];
  let rank = 1;
  for (let c = 0; c < levels.length; c++) if (levels[c] > value || (levels[c] === value && c < channel)) rank++;
  const total = energy[block].reduce((sum, one) => sum + one, 0);
  return { value, rank, median: middle, ratio: value / middle, share: energy[block][channel] / total };
}

// js/lab/edit_part.js
const HOW_MENU = ["none", "zero", "own_mean", "no_level", "shuffle"];
const WHERE_MENU = ["all", "subject", "background", "painted"];
const WHOSE_MENU = ["union", "source", "target", "none", "painted"];
const PART_MENU = ["both", "level", "pattern"];
const THROUGH_MENU = ["stream", "both", "content", "gain"];
const FACTOR_STEP = 0.05;
const listed = (values, word) => values.map((value) => ({ value, text: word(value) }));
const throughs = () => THROUGH_MENU.map((value) => ({ value, text: phrase(`through.${value}`), short: phrase(`through.${value}.short`) }));
const signed = (value) => value.toFixed(2).replace(/0$/, "").replace("-", "−");

function blockOptions(blocks) {
  const options = [{ value: "all", text: phrase("blocks.all") }];
  for (let from = 0; from < blocks; from++) {
    for (let to = from; to < blocks; to++) {
      if (to - from < blocks - 1) options.push({ value: `${from}-${to}`, text: from === to ? phrase("blocks.one", { block: from }) : phrase("blocks.range", { from, to }) });
    }
  }
  return options;
}

function stepOptions(steps, now) {
  const named = { all: [0, 1], firstHalf: [0, 1 / 2], secondHalf: [1 / 2, 1], firstQuarter: [0, 1 / 4], lastQuarter: [3 / 4, 1] };
  const options = Object.entries(named).map(([name, [from, to]]) => {
    const [first, last] = [Math.round(from * steps), Math.round(to * steps) - 1];
    return { value: first === 0 && last === steps - 1 ? "all" : `${first}-${Math.max(first, last)}`, text: phrase(`steps.${name}`) };
  });
  const own = options.some(({ value }) => value === now) ? null : now;
  if (own) options.push({ value: own, text: stepWords(own, steps) });
  options.push({ value: "own", text: phrase("steps.some") });
  return options.filter(({ value }, i) => options.findIndex((other) => other.value === value) === i);
}

function stepWords(text, steps) {
  const [from, to] = rangeOf(text, steps);
  return from === to ? phrase("steps.one", { step: from + 1 }) : phrase("steps.range", { from: from + 1, to: to + 1 });
}

function editPart({ data, change, onfile, onsample }) {
  const { grammar, shape } = data;
  const modes = choices({
    label: phrase("lab.modes"),
    kind: "fc-seg.fc-modes-seg.fc-unlabelled",
    options: MODES.map((value) => ({ value, content: phrase(`mode.${value}`) })),
    onpick: (mode) => change({ mode }),
  });
  const menu = (label, options, name) => wordMenu({ label, options, onpick: (value) => change({ [name]: value }) });
  const sets = [0, 1].map(() => menu(phrase("lab.menu.set"), [], "set"));
  const how = menu(phrase("lab.menu.how"), [], "how");
  const blocks = [0, 1].map(() => menu(phrase("lab.menu.blocks"), blockOptions(shape.blocks), "blocks"));
  const steps = [0, 1].map(() => wordMenu({ label: phrase("lab.menu.steps"), onpick: (value) => change({ window: value === "own" ? openWindow() : value }) }));
  const where = menu(phrase("lab.menu.where"), listed(WHERE_MENU, (value) => phrase(`where.${value}`)), "where");
  const through = menu(phrase("lab.menu.through"), throughs(), "through");
  const whose = menu(phrase("lab.menu.whose"), listed(WHOSE_MENU, (value) => phrase(`whose.${value}`)), "whose");
  const part = menu(phrase("lab.menu.part"), listed(PART_MENU, (value) => phrase(`part.${value}`)), "part");
  const source = promptSentence({ grammar, lead: phrase("lab.source.lead"), what: phrase("lab.source"), tail: ["."], change: (prompt) => change({ source: prompt }) });
  const sourceRow = el("div.fc-source-row", {}, source.node, source.toggle);
  const editWords = el("p.fc-sentence.fc-orange", {}, ...sentence("lab.edit.sentence", { set: sets[0], how, blocks: blocks[0], steps: steps[0], where, through }));
  const carryLead = el("span");
  const carryWords = el("p.fc-sentence.fc-orange", {}, ...sentence("lab.carry.sentence", { set: sets[1], from: { node: carryLead }, part, blocks: blocks[1], steps: steps[1], whose }));

  const fileInput = el("input.fc-sr", { type: "file", accept: "image/*", "aria-label": phrase("mode.picture") });
  const fileSaid = el("p.fc-said", { role: "status" });
  const sample = el("button.fc-button", { type: "button" }, phrase("lab.sample"));
  const choose = el("button.fc-button", { type: "button" }, phrase("lab.picture.choose"));
  const drop = el("div.fc-dropzone", {}, el("p", {}, phrase("lab.picture.drop")), el("div.fc-droprow", {}, choose, fileInput, data.sample ? sample : null), fileSaid);
  choose.addEventListener("click", () => fileInput.click());
  sample.addEventListener("click", onsample);
  fileInput.addEventListener("change", () => {
    if (fileInput.files.length) onfile(fileInput.files[0]);
    fileInput.value = "";
  });

  const counts = dial({ label: phrase("dial.count"), count: COUNTS.length, onpick: (i) => change({ k: COUNTS[i] }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const factorCount = Math.round((FACTORS[1] - FACTORS[0]) / FACTOR_STEP) + 1;
  const factor = dial({ label: phrase("dial.factor"), count: factorCount, onpick: (i) => change({ how: "scale", factor: Math.round((FACTORS[0] + i * FACTOR_STEP) * 100) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const strength = dial({ label: phrase("dial.strength"), count: 31, onpick: (i) => change({ strength: Math.round(i * 5) / 100 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const draws = dial({ label: phrase("dial.draw"), count: 10, onpick: (i) => change({ draw: i + 1 }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const from = dial({ label: phrase("dial.from"), count: 16, onpick: (i) => change({ window: windowText(i, null) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const to = dial({ label: phrase("dial.to"), count: 16, onpick: (i) => change({ window: windowText(null, i) }, { moving: true }), onrest: () => change({}, { moving: false }) });
  const clear = el("button.fc-button", { type: "button", onclick: () => change({ paint: "" }) }, phrase("lab.paint.clear"));
  const paintRow = el("p.fc-paint-row", {}, phrase("lab.paint.how"), " ", clear);
  const problem = el("p.fc-said.fc-bad", { role: "alert" });
  const dials = el("div.fc-dials-grid", {}, counts.node, factor.node, strength.node, draws.node, from.node, to.node);

  let now = null;
  let windowed = false;
  function openWindow() {
    windowed = true;
    const [first, last] = rangeOf(now.window, now.steps);
    return now.window === "all" ? `0-${Math.max(0, now.steps - 2)}` : `${first}-${last}`;
  }
  function windowText(first, last) {
    const [a, b] = rangeOf(now.window, now.steps);
    const low = first ?? Math.min(a, last);
    const high = last ?? Math.max(b, first);
    windowed = true;
    return `${low}-${high}`;
  }
  return {
    node: el("section.fc-part.fc-edit-part", { "aria-label": phrase("lab.part.edit") }, modes.node, editWords, carryWords, sourceRow, drop, dials, paintRow, problem),
    drop,
    say: (text) => setText(fileSaid, text),
    sourceToggle: source.toggle,
    show(state, { lists, missing, hasPicture }) {
      now = state;
      const carrying = state.mode !== "edit";
      modes.set(state.mode);
      editWords.hidden = carrying;
      carryWords.hidden = !carrying;
      sourceRow.hidden = !carrying;
      drop.hidden = state.mode !== "picture";
      setText(carryLead, phrase(state.mode === "picture" ? "lab.from.picture" : "lab.from.source"));
      const setOptions = ["top", "next", "bottom", "random", "energy", "rest", "hand"].map((set) => {
        return { value: set, text: setWords({ ...state, set }, lists) };
      });
      for (const one of sets) {
        one.fill(setOptions.filter(({ value }) => value !== "next" || state.k > 1 || state.set === "next"));
        one.set(state.set);
      }
      how.fill([...listed(HOW_MENU, (value) => phrase(`how.${value}`)), { value: "scale", text: phrase("how.scale", { factor: signed(state.factor) }) }]);
      how.set(state.how);
      for (const one of blocks) one.set(state.blocks);
      for (const one of steps) {
        one.fill(stepOptions(state.steps, state.window));
        one.set(state.window);
      }
      where.set(state.where);
      through.set(state.through);
      whose.set(state.whose);
      part.set(state.part);
      if (carrying) source.set(state.source);
      counts.node.hidden = state.set === "hand" || (state.mode === "edit" && state.how === "none");
      const place = COUNTS.reduce((best, count, i) => (Math.abs(count - state.k) < Math.abs(COUNTS[best] - state.k) ? i : best), 0);
      counts.set(place, String(state.k));
      factor.node.hidden = carrying || !["zero", "scale"].includes(state.how);
      const value = state.how === "zero" ? 0 : state.factor;
      factor.set(Math.round((value - FACTORS[0]) / FACTOR_STEP), signed(value));
      strength.node.hidden = !carrying;
      strength.set(Math.round(state.strength * 20), signed(state.strength));
      draws.node.hidden = !["random", "energy"].includes(state.set);
      draws.set(state.draw - 1, String(state.draw));
      const shown = windowed && state.window !== "all";
      const [first, last] = rangeOf(state.window, state.steps);
      for (const [one, value] of [[from, first], [to, last]]) {
        one.node.hidden = !shown;
        one.input.max = state.steps - 1;
        one.set(value, String(value + 1));
      }
      paintRow.hidden = (carrying ? state.whose : state.where) !== "painted";
      const empty = !lists.some((list) => list.length);
      setText(
        problem,
        empty && state.set === "hand" ? phrase("lab.problem.hand")
        : empty ? phrase("lab.problem.energy")
        : missing.length && (carrying || state.how !== "none") ? counted("lab.problem.missing", missing.length, {}, { blocks: missing.join(", ") })
        : state.mode === "picture" && !hasPicture ? phrase("lab.problem.picture")
        : "",
      );
    },
  };
}

// js/live/client.js
async function startEngine(base, { onProgress = () => {}, kernels = "fused", load = loadScript, connect = startWorker } = {}) {
  const { about, parts, engine: program } = await begun(base, load);
  const port = await connect(program);
  const waiting = new Map();
  let asked = 0;
  let lost = null;
  const fail = (message) => {
    lost = lost || new Error(message);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    port.close();
  };
  port.onfail = () => fail("The model stopped, perhaps for want of memory. Load the page again, or close other pages.");
  const heard = {
    opened: ({ share }) => onProgress(share),
    step: (message) => waiting.get(message.id)?.onStep(message),
  };
  port.onmessage = ({ data }) => {
    if (heard[data.type]) {
      heard[data.type](data);
      return;
    }
    const id = data.type === "ready" ? 0 : data.id;
    if (data.type === "failed" && id === undefined) {
      fail(data.text);
      return;
    }
    const { resolve, reject } = waiting.get(id) || {};
    waiting.delete(id);
    if (data.type === "failed") reject?.(new Error(data.text));
    else resolve?.(data.type === "dropped" ? null : data.type === "ready" ? data.about : data);
  };
  const ask = (id, message, onStep = () => {}) =>
    new Promise((resolve, reject) => {
      if (lost) {
        reject(lost);
        return;
      }
      waiting.set(id, { resolve, reject, onStep });
      if (message) port.postMessage({ ...message, id });
    });

  const ready = ask(0, null);
  ready.catch(() => {}); // heard below, and where a part is missing that is the error
  try {
    port.postMessage({ type: "open", about, kernels });
    await handed(base, parts, load, (text) => port.postMessage({ type: "part", text }, [text.buffer]));
    const shape = await ready;
    return {
      about: shape,
      grammar: about.grammar,
      draw: (lane, given, { onStep, ...watch } = {}) => ask(++asked, { type: "draw", lane, given, watch }, onStep),
      stop: (lane) => port.postMessage({ type: "stop", lane }),
      map: async (run, step, block, channel) => (await ask(++asked, { type: "map", run, step, block, channel })).values,
      encode: (pixels) => ask(++asked, { type: "encode", pixels }),
      close: () => fail("The model was closed."),
    };
  } catch (error) {
    fail(error.message);
    throw error;
  }
}

async function begun(base, load) {
  let told = null;
  registry().begin = (given) => (told = given);
  const script = await load(`${base}live.js`);
  if (script) told = begunBy(new TextDecoder().decode(script));
  if (!told) throw new Error(`${base}live.js is not the live engine's: build the page again.`);
  return told;
}

async function handed(base, parts, load, hand) {
  const run = [];
  registry().part = (number, text) => (run[number] = new TextEncoder().encode(text));
  const coming = parts.map((name) => load(base + name));
  for (const one of coming) one.catch(() => {}); // the first that fails is heard below
  for (const [number, one] of coming.entries()) {
    const script = await one;
    const text = script ? textOf(script, number) : run[number];
    if (!text) throw new Error(`Only ${number} of ${parts.length} parts of the model came: load the page again.`);
    delete run[number];
    hand(text);
  }
}

function registry() {
  const page = (globalThis.fewchannels = globalThis.fewchannels || {});
  return (page.live = page.live || {});
}

function begunBy(script) {
  const found = /^fewchannels\.live\.begin\((.*)\);\s*$/s.exec(script);
  return found && JSON.parse(found[1]);
}

function textOf(script, number) {
  const head = `fewchannels.live.part(${number},"`;
  const begins = new TextDecoder().decode(script.subarray(0, head.length));
  return begins === head ? script.subarray(head.length, script.lastIndexOf(34)) : null; // 34: the closing quote
}

async function loadScript(address) {
  const name = address.split("/").pop();
  const lost = () => new Error(`${name} could not be loaded: are you still online, and was the page moved without the folder beside it?`);
  if (new URL(address, document.baseURI).protocol.startsWith("http")) {
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) throw lost();
    return new Uint8Array(await answer.arrayBuffer().catch(() => Promise.reject(lost())));
  }
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = false;
    script.src = address;
    const leave = (heard, value) => {
      script.remove();
      heard(value);
    };
    script.onload = () => leave(resolve);
    script.onerror = () => leave(reject, lost());
    document.head.append(script);
  });
}

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function startWorker(program) {
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const port = { postMessage: (message, moved) => worker.postMessage(message, moved), close: () => worker.terminate() };
    worker.onmessage = (event) => port.onmessage(event);
    worker.onerror = (event) => {
      event.preventDefault();
      port.onfail();
    };
    return port;
  } catch {
    throw new Error("This page may not start the program that draws (its content rules forbid it). Open the page from another place, or from the disk.");
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

// js/lab/engine.js
async function startLab(base, { onProgress, load, connect = labWorker } = {}) {
  const waiting = new Map();
  let asked = 0;
  let port = null;
  const engine = await startEngine(base, {
    onProgress,
    ...(load ? { load } : {}),
    connect: async () => {
      const far = await connect();
      port = { onmessage: () => {}, onfail: () => {}, postMessage: far.postMessage, close: far.close };
      far.onmessage = (event) => {
        if (event.data.type !== "lab") return port.onmessage(event);
        const { resolve, reject } = waiting.get(event.data.id) || {};
        waiting.delete(event.data.id);
        if (event.data.error !== undefined) reject?.(new Error(event.data.error));
        else resolve?.(event.data.value);
      };
      far.onfail = () => {
        for (const { reject } of waiting.values()) reject(new Error(phrase("lab.model.stopped")));
        waiting.clear();
        port.onfail();
      };
      return port;
    },
  });
  return {
    ...engine,
    ask: (what, given) =>
      new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject });
        port.postMessage({ type: "lab", id: asked, what, given });
      }),
  };
}

async function labWorker() {
  const address = URL.createObjectURL(new Blob([`${LAB_WORKER}\nspeak(${JSON.stringify(language())});\nserveLab(self);`], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const far = { postMessage: (message, moved) => worker.postMessage(message, moved), close: () => worker.terminate() };
    worker.onmessage = (event) => far.onmessage(event);
    worker.onerror = (event) => {
      event.preventDefault();
      far.onfail();
    };
    return far;
  } catch {
    throw new Error(phrase("lab.model.forbidden"));
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

// js/lab/experiments.js
const EXPERIMENTS = [
  {
    id: "1",
    chapter: 1,
    answers: 3,
    state: { how: "none", over: "map" },
  },
  {
    id: "2",
    chapter: 2,
    answers: 4,
    state: { how: "zero", set: "top", k: 8 },
  },
  {
    id: "3",
    chapter: 3,
    answers: 3,
    state: { how: "none", set: "top", k: 8, over: "mask", step: 3 },
  },
  {
    id: "4",
    chapter: 4,
    answers: 4,
    state: { mode: "transport", set: "top", k: 8, whose: "none" },
  },
  {
    id: "5",
    chapter: 5,
    answers: 3,
    state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", set: "top", k: 16, whose: "source" },
  },
  {
    id: "6",
    chapter: 6,
    answers: 3,
    state: { how: "shuffle", set: "top", k: 8 },
  },
  {
    id: "7",
    chapter: 7,
    answers: 3,
    state: { how: "zero", set: "energy", k: 8 },
  },
  {
    id: "9",
    chapter: 9,
    answers: 3,
    state: { how: "scale", factor: 1.5, set: "top", k: 8, through: "gain" },
  },
];

const TRIES = [
  { chapter: 1, state: { how: "none", over: "map" } },
  { chapter: 2, state: { how: "zero", set: "top", k: 1 } },
  { chapter: 3, state: { how: "none", over: "mask", step: 2 } },
  { chapter: 4, state: { mode: "transport", k: 32, window: "0-7", whose: "none" } },
  { chapter: 5, state: { mode: "picture", picture: "sample", source: "a large green heart at the right on a dotted yellow background", k: 16, whose: "source" } },
  { chapter: 6, state: { how: "no_level", k: 8 } },
  { chapter: 7, state: { how: "zero", set: "random", k: 8 } },
  { chapter: 9, state: { how: "scale", factor: 1.5, k: 8, through: "gain" } },
];

const SHELF = "fewchannels.guesses";

function guessesOf(storage) {
  try {
    const found = JSON.parse(storage().getItem(SHELF) || "{}");
    return typeof found === "object" && found ? found : {};
  } catch {
    return {};
  }
}

function keepGuess(storage, id, answer) {
  const guesses = { ...guessesOf(storage), [id]: answer };
  try {
    storage().setItem(SHELF, JSON.stringify(guesses));
  } catch {
  }
  return guesses;
}

// js/lab/guide.js
const title = ({ id }) => phrase(`experiment.${id}.title`);
const question = ({ id }) => phrase(`experiment.${id}.question`);
const look = ({ id }) => phrase(`experiment.${id}.look`);
const answers = ({ id, answers: count }) => Array.from({ length: count }, (_, i) => phrase(`experiment.${id}.answer.${i}`));

function guide({ onpick, ondo, storage = () => localStorage, chapters = {} }) {
  let guesses = guessesOf(storage);
  const cards = EXPERIMENTS.map((experiment) => {
    const done = el("span.fc-card-done");
    const button = el("button.fc-card", { type: "button", "aria-expanded": "false", onclick: () => onpick(shown === experiment.id ? "" : experiment.id) }, el("span.fc-card-head", {}, phrase("guide.head", { chapter: experiment.chapter, title: title(experiment) })), el("span", {}, question(experiment)), done);
    return { experiment, button, done };
  });
  const panel = el("div.fc-guess", { hidden: true, tabindex: -1, role: "group" });
  let shown = "";
  let passed = false;

  function open(experiment) {
    panel.replaceChildren();
    if (!experiment) return;
    const guess = guesses[experiment.id];
    panel.setAttribute("aria-label", phrase("guide.panel", { chapter: experiment.chapter, title: title(experiment) }));
    panel.append(el("p.fc-guess-question", {}, question(experiment)));
    const link = chapters[experiment.id] ? el("p.fc-guess-more", {}, ...filled("guide.more", { link: el("a", { href: chapters[experiment.id] }, phrase("guide.chapter", { chapter: experiment.chapter })) })) : null;
    if (guess !== undefined || passed) {
      panel.append(
        el("p", {}, guess === undefined ? phrase("guide.passed") : phrase("guide.guessed", { answer: answers(experiment)[guess] ?? phrase("guide.other") })),
        el("p", {}, el("strong", {}, phrase("guide.look"), " "), look(experiment)),
        el("div.fc-droprow", {}, el("button.fc-button", { type: "button", onclick: () => ondo(experiment) }, phrase("guide.setup")), el("button.fc-button", { type: "button", onclick: () => again(experiment) }, phrase("guide.again"))),
      );
      if (link) panel.append(link);
      return;
    }
    const answer = (index) => {
      guesses = keepGuess(storage, experiment.id, index);
      passed = index === null;
      ondo(experiment);
      refresh(experiment);
    };
    panel.append(
      el("p", {}, phrase("guide.yours")),
      el("div.fc-answers", {}, ...answers(experiment).map((text, index) => el("button.fc-button", { type: "button", onclick: () => answer(index) }, text)), el("button.fc-link", { type: "button", onclick: () => {
        passed = true;
        ondo(experiment);
        refresh(experiment);
      } }, phrase("guide.pass"))),
    );
  }
  function again(experiment) {
    guesses = keepGuess(storage, experiment.id, undefined);
    passed = false;
    refresh(experiment);
  }
  function refresh(experiment) {
    open(experiment);
    panel.focus({ preventScroll: true });
    marks();
  }
  function marks() {
    for (const { experiment, button, done } of cards) {
      const own = experiment.id === shown;
      button.classList.toggle("fc-on", own);
      button.setAttribute("aria-expanded", String(own));
      setText(done, guesses[experiment.id] !== undefined && guesses[experiment.id] !== null ? phrase("guide.done") : "");
    }
  }
  return {
    node: el("section.fc-part.fc-guide-part", { "aria-label": phrase("guide.title") }, el("p.fc-part-title", {}, phrase("guide.title")), el("p.fc-part-lead", {}, phrase("guide.lead")), el("div.fc-cards", {}, ...cards.map(({ button }) => button)), panel),
    show(id) {
      if (id === shown && panel.hidden === !id) {
        marks();
        return;
      }
      shown = id;
      passed = false;
      panel.hidden = !id;
      const card = cards.find(({ experiment }) => experiment.id === id);
      open(card?.experiment);
      if (card) card.button.after(panel);
      else cards[cards.length - 1].button.after(panel);
      marks();
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

// js/lab/request.js
const QUICK = 8; // steps while a slider moves

function plainGiven(state, steps = state.steps) {
  return { prompt: state.prompt, seed: state.seed, steps };
}

function sourceGiven(state, clean, steps = state.steps) {
  return { prompt: state.source, seed: state.seed, steps, ...(state.mode === "picture" ? { clean } : {}) };
}

function needsMasks(state) {
  return state.mode === "edit" ? ["subject", "background"].includes(state.where) : ["union", "source", "target"].includes(state.whose);
}

function painted(state) {
  return (state.mode === "edit" ? state.where : state.whose) === "painted";
}

function tokensOf(state, masks, tokens) {
  if (painted(state)) {
    const mask = paintMask(state.paint, tokens);
    return mask.some(Boolean) ? mask : null;
  }
  if (state.mode === "edit") {
    if (state.where === "all" || !masks.untouched) return null;
    const mask = state.where === "subject" ? masks.untouched : masks.untouched.map((inside) => 1 - inside);
    return mask.some(Boolean) ? mask : null;
  }
  const owners = { union: ["untouched", "source"], source: ["source"], target: ["untouched"] }[state.whose] || [];
  const found = owners.map((name) => masks[name]).filter(Boolean);
  if (!found.length) return null;
  const mask = found[0].map((_, i) => (found.some((one) => one[i]) ? 1 : 0));
  return mask.some(Boolean) ? mask : null;
}

function editsOf(state, lists, tokens, { blocks }, steps, clean) {
  const common = {
    channels: lists,
    layers: numbersOf(state.blocks, blocks),
    steps: numbersOf(scaledWindow(state.window, state.steps, steps), steps),
    tokens,
    through: state.mode === "edit" ? state.through : "stream",
  };
  if (state.mode !== "edit") {
    const { prompt, clean: latents } = sourceGiven(state, clean, steps);
    return [{ ...common, how: "transport", strength: state.strength, part: state.part, source: { prompt, ...(latents ? { clean: latents } : {}) } }];
  }
  if (state.how === "none") return [];
  return [{ ...common, how: state.how, ...(state.how === "scale" ? { factor: state.factor } : {}) }];
}

function changeOf(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (i % 4 < 3) sum += ((a[i] - b[i]) / 255) ** 2;
  return sum / (0.75 * a.length);
}

function energyMoved(change) {
  const made = Array.from(change || []).filter((value) => Number.isFinite(value));
  return made.length ? made.reduce((sum, value) => sum + value * value, 0) / made.length : 0;
}

// js/lab/python.js
const quoted = (text) => JSON.stringify(text);

function numbersText(numbers) {
  if (numbers.length < 4) return `[${numbers.join(", ")}]`;
  return `range(${numbers[0]}, ${numbers[numbers.length - 1] + 1})`;
}

function listsText(lists) {
  return lists.map((list) => `    [${list.join(", ")}],`).join("\n");
}

function setLines(state, { lists, label }, width) {
  const { set, k, draw } = state;
  const top = `fc.top_channels(stats, k=${k})`;
  const next = `fc.ChannelSet(tuple(row[1:] for row in top.indices), top.width, "without the first")`;
  const given = {
    top: [`channels = ${top}`],
    next: [`top = ${top}`, `channels = ${next}`],
    rest: [`channels = fc.complement(${top})`],
    bottom: [`channels = fc.bottom_channels(stats, k=${k})`],
    random: [`channels = fc.random_channels(stats, outside=${top}, draws=${draw})[${draw - 1}]`],
    energy: [`top = ${top}`, `without_first = ${next}`, `channels = fc.energy_matched_channels(stats, without_first, seed=${draw - 1}, outside=top).channels`],
  }[set];
  if (given) return given;
  if (lists.every((list) => `${list}` === `${lists[0]}`)) return [`channels = fc.ChannelSet.same([${lists[0].join(", ")}], layers=${lists.length}, width=${width})`];
  return [`channels = fc.ChannelSet.from_json({"width": ${width}, "label": ${quoted(label)}, "indices": [`, listsText(lists), "]})"];
}

function maskLines(mask, grid) {
  const rows = Array.from({ length: grid }, (_, y) => Array.from(mask.slice(y * grid, (y + 1) * grid)).join(""));
  return ["mask = np.array([[token == \"1\" for token in row] for row in [", ...rows.map((row) => `    "${row}",`), "]])"];
}

function pythonLines(state, set, { shape, calibration, maskCount = 8 }) {
  const grid = Math.round(Math.sqrt(shape.tokens));
  const generation = `seed=${state.seed}, steps=${state.steps}`;
  const layers = numbersOf(state.blocks, shape.blocks);
  const steps = numbersOf(state.window, state.steps);
  const mask = painted(state) ? paintMask(state.paint, shape.tokens) : null;
  const masked = mask?.some(Boolean);
  const subject = state.mode === "edit" && ["subject", "background"].includes(state.where);
  const imports = ["import fewchannels as fc"];
  if (masked) imports.push("import numpy as np");
  if (state.mode === "picture") imports.push("from fewchannels.edits.inversion import image_trajectory");
  const editing = edits(state) && set.lists.some((list) => list.length);
  const ranked = editing && (state.set !== "hand" || subject);
  if (ranked) imports.push("from fewchannels.notebook.chapters import prompts_for");
  const lines = [...imports, "", 'model = fc.load("toyworld")', `prompt = ${quoted(state.prompt)}`];
  if (ranked) {
    lines.push(
      "with fc.capture(model, stats := fc.ChannelStats()):  # other prompts rank the channels",
      `    model.generate(prompts_for(model, ${calibration.prompts}, "calibration"), seed=${calibration.seed}, steps=${calibration.steps})`,
    );
  }
  if (editing) lines.push(...setLines(state, set, shape.width));
  lines.push("");
  if (masked) lines.push(...maskLines(mask, grid));
  if (subject && editing) {
    const block = shape.blocks >> 1;
    lines.push(
      `kept = fc.KeepTokens(layers=[${block}], steps=[${state.steps - 1}], channels=fc.top_channels(stats, k=${maskCount}), dtype="float32")`,
      "with fc.capture(model, kept):",
      `    untouched = model.generate([prompt], ${generation})`,
      `mask = ${state.where === "background" ? "~" : ""}fc.subject_masks(kept.array[:, 0, 0], grid=kept.grid)[0]`,
    );
  } else lines.push(`untouched = model.generate([prompt], ${generation})`);
  if (editing) lines.push(...(state.mode === "edit" ? ablateLines(state, layers, steps, masked || subject, generation) : transportLines(state, layers, steps, masked, generation)));
  return `${lines.join("\n")}\n`;
}

function ablateLines(state, layers, steps, masked, generation) {
  const more = [`how=${quoted(state.how)}`];
  if (state.how === "scale") more.push(`factor=${state.factor}`);
  if (state.through !== "stream") more.push(`through=${quoted(state.through)}`);
  if (layers) more.push(`layers=${numbersText(layers)}`);
  if (steps) more.push(`steps=${numbersText(steps)}`);
  if (masked) more.push("tokens=mask");
  return [`with fc.ablate(model, channels, ${more.join(", ")}):`, `    edited = model.generate([prompt], ${generation})`];
}

function transportLines(state, layers, steps, masked, generation) {
  const lines = [];
  const more = [`mask=${masked ? "mask" : state.whose === "none" || state.whose === "painted" ? "None" : quoted(state.whose)}`];
  if (state.strength !== 1) more.push(`strength=${state.strength}`);
  if (state.part !== "both") more.push(`part=${quoted(state.part)}`);
  if (layers) more.push(`layers=${numbersText(layers)}`);
  if (steps) more.push(`window=${numbersText(steps)}`);
  if (state.mode === "picture") {
    lines.push('# picture.png: the picture that you dropped, and the words that describe it', `source = image_trajectory(model, "picture.png", ${quoted(state.source)}, channels, ${generation})`);
  } else lines.push(`source = ${quoted(state.source)}`);
  return [...lines, `moved = fc.transport(model, source, prompt, channels, ${more.join(", ")}, ${generation})`, "edited = moved.images"];
}

// js/lab/webp.js
class Bits {
  constructor(bytes) {
    this.bytes = new Uint8Array(bytes);
    this.at = 0;
  }

  put(value, count) {
    for (let i = 0; i < count; i++, this.at++) this.bytes[this.at >> 3] |= ((value >> i) & 1) << (this.at & 7);
  }

  code(value) {
    for (let i = 7; i >= 0; i--) this.put((value >> i) & 1, 1);
  }

  table(more) {
    this.put(0, 1); // no simple code
    this.put(8, 4); // twelve lengths of the code of lengths, in the order 17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8
    for (const symbol of [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8]) this.put(symbol === 0 || symbol === 8 ? 1 : 0, 3);
    this.put(0, 1); // for all symbols
    for (let i = 0; i < 256; i++) this.put(1, 1);
    for (let i = 0; i < more; i++) this.put(0, 1);
  }

  single(symbol, wide) {
    this.put(1, 1);
    this.put(0, 1);
    this.put(wide ? 1 : 0, 1);
    this.put(symbol, wide ? 8 : 1);
  }
}

function webpOf(rgba, width, height) {
  const bits = new Bits(400 + 3 * width * height);
  bits.put(0x2f, 8);
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  bits.put(0, 1 + 3); // no alpha, version 0
  bits.put(0, 3); // no transform, no cache of colours, one set of codes
  bits.table(24); // green, and lengths of copies
  bits.table(0); // red
  bits.table(0); // blue
  bits.single(255, true); // alpha
  bits.single(0, false); // distances
  for (let i = 0; i < 4 * width * height; i += 4) for (const part of [1, 0, 2]) bits.code(rgba[i + part]);
  const size = Math.ceil(bits.at / 8);
  const padded = size + (size & 1);
  const file = new Uint8Array(20 + padded);
  const view = new DataView(file.buffer);
  const text = (at, letters) => [...letters].forEach((letter, i) => (file[at + i] = letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 12 + padded, true);
  text(8, "WEBPVP8L");
  view.setUint32(16, size, true);
  file.set(bits.bytes.subarray(0, size), 20);
  return file;
}

// js/lab/saves.js
const encoded = (text) => new TextEncoder().encode(text);

function runFile(record, arrays) {
  const header = { __metadata__: { fewchannels: JSON.stringify({ format: "fewchannels.run", version: 1, ...record }) } };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(arrays)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.byteLength] };
    at += bytes.byteLength;
  }
  const text = encoded(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + padded + at).fill(32);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(text, 8);
  let place = 8 + padded;
  for (const { bytes } of Object.values(arrays)) {
    out.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), place);
    place += bytes.byteLength;
  }
  return out;
}

function labRun({ state, set, shape, digest, version, date, stats, edited, pictures, side, sigmas }) {
  const { blocks, width } = shape;
  const grid = Math.round(Math.sqrt(shape.tokens));
  const arrays = {};
  const size = [1, blocks, state.steps, width];
  for (const [name, bytes] of Object.entries(stats)) arrays[`stats/${name}`] = { dtype: "F32", shape: size, bytes };
  for (const [name, bytes] of Object.entries(edited || {})) arrays[`stats/edited_${name}`] = { dtype: "F32", shape: size, bytes };
  const images = {};
  for (const [condition, rgba] of Object.entries(pictures)) {
    const bytes = webpOf(rgba, side, side);
    images[condition] = { count: 1, height: side, width: side, lossless: true };
    arrays[condition ? `images/${condition}/00000` : "images/00000"] = { dtype: "U8", shape: [bytes.byteLength], bytes };
  }
  const chosen = channelSetJson(set, width);
  return runFile(
    {
      provenance: {
        model: "toyworld",
        revision: digest,
        seed: state.seed,
        steps: state.steps,
        dtype: "float32",
        versions: { "live lab": version },
        date,
        edit: edited ? { how: state.mode === "edit" ? state.how : "transport", channels: chosen, label: "edited" } : null,
      },
      prompts: [state.prompt],
      index: {
        layers: Array.from({ length: blocks }, (_, i) => `transformer_blocks.${i}`),
        steps: Array.from({ length: state.steps }, (_, i) => i),
        grid: [grid, grid],
        score: "abs_mean",
        channels: chosen.indices.every((row) => row.length) ? { chosen } : {},
        sigmas,
        label: "live lab",
        lab: told(state),
      },
      images,
    },
    arrays,
  );
}

// js/lab/sheet.js
const SHEET_SIDE = 384;
const SHEET_EDGE = 24;

function sheetOf(pictures, prompt, side) {
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

// js/lab/keep.js
function keeping({ data, store, session, views, say, python, page }) {
  const lines = () => pythonLines(store.get(), channelsOf(data.known, store.get()), { shape: data.shape, calibration: data.calibration });
  const finished = () => session()?.lanes.untouched?.done;
  async function copied(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      say(said);
    } catch {
      say(phrase("lab.copy.failed"));
      python.open = true;
    }
  }
  let written = page ? location.hash : "";
  const gone = () => (written = location.hash);
  if (page) addEventListener("hashchange", gone);
  function keepAddress() {
    if (!page || location.hash !== written) return;
    try {
      history.replaceState(history.state, "", toHash(data.key, told(store.get())));
      written = location.hash;
    } catch {
    }
  }
  async function saved() {
    const state = store.get();
    const { engine, lanes: { untouched, edited } } = session();
    const both = edited?.done && !edited.moving && edited.steps === untouched.steps;
    const bytes = labRun({
      state,
      set: channelsOf(data.known, state),
      shape: data.shape,
      digest: engine.about.digest,
      version: data.version || "",
      date: new Date().toISOString().slice(0, 19),
      stats: await engine.ask("stats", { tag: "untouched" }),
      edited: both ? await engine.ask("stats", { tag: "edited" }) : null,
      pictures: { "": untouched.final, ...(both ? { edited: edited.final } : {}) },
      side: data.side,
      sigmas: Array.from({ length: state.steps }, (_, i) => Math.round(1e4 * (1 - i / state.steps)) / 1e4),
    });
    download(new Blob([bytes], { type: "application/octet-stream" }), "live-lab.safetensors");
    say(phrase("saved", { file: "live-lab.safetensors" }));
  }
  return {
    lines,
    keepAddress,
    stop: () => removeEventListener("hashchange", gone),
    copyPython() {
      python.open = true;
      copied(lines(), phrase("lab.copied"));
    },
    copyLink() {
      keepAddress();
      copied(location.href, phrase("lab.link.copied"));
    },
    savePictures() {
      if (!finished()) return;
      const { untouched, edited } = session().lanes;
      const pictures = Object.entries({ untouched, edited }).filter(([, lane]) => lane?.done);
      const words = (name) => views[name].node.querySelector("figcaption").textContent;
      sheetOf(pictures.map(([name, lane]) => ({ pixels: lane.final, text: words(name) })), store.get().prompt, data.side).then(
        (blob) => download(blob, "live-lab.png"),
        (error) => say(error.message),
      );
    },
    saveSet() {
      const set = channelsOf(data.known, store.get());
      if (!set.lists.some((list) => list.length)) {
        say(phrase("lab.unchosen"));
        return;
      }
      download(new Blob([`${JSON.stringify(channelSetJson(set, data.shape.width))}\n`], { type: "application/json" }), "channels.json");
      say(phrase("saved", { file: "channels.json" }));
    },
    async saveRun() {
      if (!finished()) return;
      try {
        await saved();
      } catch (error) {
        say(error.message);
      }
    },
  };
}

// js/lab/loading.js
const RATE = 800; // bytes a millisecond: Jupyter's servers drop what is more than a megabyte a second

function loaderFor({ files }, model, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))) {
  if (files === "page") {
    return async (name) => {
      const packed = document.querySelector(`script[data-fc-live="${name}"]`);
      if (!packed) throw new Error(phrase("lab.script.missing", { name }));
      await new Promise((resolve) => setTimeout(resolve)); // lets the page show how far it is
      return new TextEncoder().encode(packed.textContent);
    };
  }
  if (files !== "kernel" || typeof model.send !== "function") return undefined;
  let turn = Promise.resolve();
  const ask = (name) =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => leave(new Error(phrase("lab.kernel.silent"))), 120_000);
      const pieces = [];
      const hear = (message, buffers) => {
        if (message?.kind !== "live" || message.name !== name) return;
        if (message.text) {
          leave(new Error(message.text));
          return;
        }
        const [piece] = buffers;
        pieces.push(new Uint8Array(piece.buffer || piece, piece.byteOffset || 0, piece.byteLength));
        wait(piece.byteLength / RATE).then(() => {
          if (pieces.length === message.pieces) leave(null, joined(pieces));
          else model.send({ kind: "live", name, piece: pieces.length });
        });
      };
      const leave = (error, bytes) => {
        clearTimeout(patience);
        model.off("msg:custom", hear);
        if (error) reject(error);
        else resolve(bytes);
      };
      model.on("msg:custom", hear);
      model.send({ kind: "live", name, piece: 0 });
    });
  return (name) => (turn = turn.then(() => ask(name))); // one after the other
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

// js/lab/session.js
const MASK_SET = 8; // channels that say where the subject is, where an edit is kept to it

class Session {
  constructor({ engine, data, onchange, onfail = () => {} }) {
    Object.assign(this, { engine, data, onchange, onfail });
    this.lanes = { untouched: null, source: null, edited: null, control: null };
    this.turn = 0;
    this.clean = null; // latents of the reader's own picture
    this.maskBlock = data.shape.blocks >> 1;
    this.side = Math.round(Math.sqrt(data.shape.tokens)); // the toy's own grid, which is square
    this.maskList = channelsOf(data.known, { set: "top", k: MASK_SET, draw: 1, hand: "" }).lists[this.maskBlock];
  }

  async wish(state, { moving = false } = {}) {
    const { edited: quick } = this.lanes;
    if (moving && quick?.moving && quick.pending && !quick.done) {
      this.following = state;
      return false;
    }
    this.following = null;
    const turn = ++this.turn;
    const late = () => turn !== this.turn;
    const { shape, known } = this.data;
    const steps = moving ? Math.min(QUICK, state.steps) : state.steps;
    const { lists, missing } = channelsOf(known, state);
    const some = lists.some((list) => list.length);
    this.lists = lists;
    this.missing = missing;
    this.working = true;
    try {
      if (!moving) {
        this.engine.stop("control");
        this.lanes.control = null;
        const plain = this._draw("untouched", plainGiven(state), state);
        await plain;
        if (late()) return false;
      }
      const edited = edits(state) && some && !(state.mode === "picture" && !this.clean);
      if (!edited) {
        this.engine.stop("edited");
        this.lanes.edited = null;
        this.onchange("edited");
        if (state.mode === "edit") this._forgetSource();
        return true;
      }
      if (state.mode !== "edit") {
        await this._draw("source", sourceGiven(state, this.clean), state);
        if (late()) return false;
      } else this._forgetSource();
      const tokens = await this._tokens(state);
      if (late()) return false;
      this.tokens = tokens;
      const made = (own) => ({ ...plainGiven(state, steps), edits: editsOf(state, own, tokens, shape, steps, this.clean) });
      await this._draw("edited", made(lists), state, moving);
      if (late()) return false;
      if (moving) return this.following ? await this.wish(this.following, { moving }) : true;
      const others = controlOf(lists, shape.width, state.set === "random" ? state.draw : 0);
      if (others.some((list) => list.length)) await this._draw("control", made(others), state);
      return !late();
    } catch (error) {
      if (!late()) this.onfail(error);
      return false;
    } finally {
      if (!late()) {
        this.working = false;
        this.onchange("rest");
      }
    }
  }

  stop() {
    this.turn++;
    this.following = null;
    this.working = false;
    this.engine.stop();
    for (const name of Object.keys(this.lanes)) {
      const lane = this.lanes[name];
      if (lane && !lane.done) this.lanes[name] = lane.before?.done ? lane.before : null;
    }
    this.onchange("rest");
  }

  watched(state) {
    const focus = this.focus(state);
    const seen = Array.from({ length: this.data.shape.blocks }, (_, block) => [block, focus]);
    const masking = new Set([...this.maskList, ...this.maskChannels()]);
    masking.delete(focus);
    return [...seen, ...this._masking([...masking])];
  }

  _masking(channels) {
    return channels.map((channel) => [this.maskBlock, channel]);
  }

  maskChannels() {
    const own = this.lists?.[this.maskBlock] || [];
    return own.length && own.length <= 32 ? own : this.maskList;
  }

  focus(state) {
    if (state.channel >= 0) return state.channel;
    const row = this.data.known.score[state.block];
    return row.reduce((best, value, c) => (value > row[best] ? c : best), 0);
  }

  async _draw(name, given, state, moving = false) {
    const key = JSON.stringify(given, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value));
    const known = this.lanes[name];
    if (known?.key === key && (known.done || known.pending)) return known.pending;
    const lane = { key, given, steps: given.steps, step: -1, levels: [], maps: new Map(), done: false, moving, before: known?.done ? known : known?.before || null };
    this.lanes[name] = lane;
    const watched = name === "control" ? [] : this.watched(state);
    const { tokens } = this.data.shape;
    const onStep = ({ step, levels, maps, picture }) => {
      if (this.lanes[name] !== lane) return;
      lane.step = step;
      lane.levels[step] = levels;
      watched.forEach((pair, i) => {
        const key = pair.join();
        if (!lane.maps.has(key)) lane.maps.set(key, []);
        lane.maps.get(key)[step] = maps.subarray(i * tokens, (i + 1) * tokens);
      });
      if (picture) lane.picture = picture;
      this.onchange(name);
    };
    this.onchange(name);
    lane.pending = this.engine.draw(name, { ...given, tag: name }, { onStep, maps: watched, pictures: name !== "control" }).then(async (done) => {
      if (!done || this.lanes[name] !== lane) return;
      Object.assign(lane, { done: true, picture: done.picture, final: done.picture, latents: done.latents, change: done.change, ms: done.ms });
      lane.before = null;
      this.onchange(name);
      if (moving || name === "control") return;
      const reading = await this.engine.ask("read", { pixels: done.picture });
      if (this.lanes[name] !== lane) return;
      lane.reading = reading;
      this.onchange(name);
    });
    return lane.pending;
  }

  async fetch(name, pairs) {
    const lane = this.lanes[name];
    const wanted = pairs.filter((pair) => lane?.done && lane.maps.get(pair.join())?.length !== lane.steps);
    if (!wanted.length) return false;
    const { tokens } = this.data.shape;
    const values = await this.engine.ask("maps", { tag: name, maps: wanted });
    if (this.lanes[name] !== lane) return false;
    wanted.forEach((pair, i) => {
      const steps = Array.from({ length: lane.steps }, (_, step) => values.subarray((i * lane.steps + step) * tokens, (i * lane.steps + step + 1) * tokens));
      lane.maps.set(pair.join(), steps);
    });
    this.onchange(name);
    return true;
  }

  map(name, step, block, channel) {
    return this.lanes[name]?.maps.get(`${block},${channel}`)?.[step] ?? null;
  }

  mask(name, step, channels) {
    const maps = channels.map((channel) => this.map(name, step, this.maskBlock, channel));
    if (!maps.length || maps.includes(null)) return null;
    return subjectMask(maps, this.side, this.side)?.mask ?? null;
  }

  _forgetSource() {
    if (!this.lanes.source) return;
    this.lanes.source = null;
    this.engine.ask("forget", { tag: "source" }).catch(() => {}); // the engine has stopped, which is said elsewhere
    this.onchange("source");
  }

  async _tokens(state) {
    const masks = { untouched: null, source: null };
    if (needsMasks(state)) {
      const channels = state.mode === "edit" ? this.maskList : this.lists[this.maskBlock];
      for (const name of ["untouched", "source"]) {
        const lane = this.lanes[name];
        if (!lane?.done) continue;
        await this.fetch(name, this._masking(channels));
        masks[name] = this.mask(name, lane.steps - 1, channels);
      }
    }
    return tokensOf(state, masks, this.data.shape.tokens);
  }
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

// js/lab/picture_view.js
function pictureView({ title, side, grid, tone = "" }) {
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
    still(image) {
      if (drawn === image) return;
      drawn = image;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, side, side);
      if (image) context.drawImage(image, 0, 0, side, side);
    },
    canvas,
    cover(values, mask) {
      over.hidden = !values && !mask;
      over.classList.toggle("fc-masking", Boolean(mask));
      if (mask) drawMask(over, mask, grid);
      else if (values) drawMap(over, values, grid);
    },
  };
}

function drawMap(canvas, values, grid) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  drawValues(canvas, values, grid, grid, scaleFor(low, high));
}

function drawMask(canvas, mask, grid) {
  canvas.width = canvas.height = grid;
  const context = canvas.getContext("2d");
  const image = context.createImageData(grid, grid);
  mask.forEach((inside, i) => image.data.set(inside ? [0, 0, 0, 0] : [20, 24, 30, 190], 4 * i));
  context.putImageData(image, 0, 0);
}

function paintGrid({ grid, onpaint }) {
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

// js/lab/sky.js
const SKY_HIGH = 100;
const ROOM_ABOVE = 1.5; // of the largest channel's size over calibration prompts

const TENTHS = Array.from({ length: 10_000 }, (_, i) => String(i / 10)); // as texts

function skyPaths(levels, untouched, chosen, full) {
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

function sky({ shape, known, onlook: pick, ontake, onstrength }) {
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
  const onlook = (place) => {
    now = { ...now, ...place };
    pick(place);
  };

  const at = (event, box) => {
    const { left, width: wide } = box.getBoundingClientRect();
    return Math.max(0, Math.min(width - 1, Math.floor(((event.clientX - left) / wide) * width)));
  };
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

// js/lab/stage.js
const PLAY = 140; // ms a step, when the forming is played again

const rowsOf = (levels, { blocks, width }) => Array.from({ length: blocks }, (_, b) => levels.subarray(b * width, (b + 1) * width));

const seenText = (reading) => (reading ? phrase("stage.seen", { what: sentenceOf(reading) }) : "");

function courseChart() {
  const svg = svgNode("svg", { viewBox: "0 0 170 64", class: "fc-course", role: "img" });
  const middle = svg.appendChild(svgNode("path", { class: "fc-course-median" }));
  const line = svg.appendChild(svgNode("path", { class: "fc-course-line" }));
  const dot = svg.appendChild(svgNode("circle", { r: 3, class: "fc-course-dot" }));
  const label = (text, x, anchor) => {
    const node = svg.appendChild(svgNode("text", { x, y: 63, "text-anchor": anchor }));
    node.textContent = text;
  };
  label(phrase("noise"), 4, "start");
  label(phrase("stage.picture"), 166, "end");
  return {
    node: svg,
    show(values, medians, step, steps, name) {
      const most = 1.1 * Math.max(...values.filter(Number.isFinite), 1e-9);
      const point = (value, i) => `${(4 + (162 * i) / Math.max(1, steps - 1)).toFixed(1)},${(50 - (46 * value) / most).toFixed(1)}`;
      const path = (list) => list.map((value, i) => (Number.isFinite(value) ? `${i ? "L" : "M"}${point(value, i)}` : "")).join("");
      line.setAttribute("d", path(values));
      middle.setAttribute("d", path(medians));
      const here = Number.isFinite(values[step]) ? point(values[step], step).split(",") : null;
      dot.toggleAttribute("hidden", !here);
      if (here) {
        dot.setAttribute("cx", here[0]);
        dot.setAttribute("cy", here[1]);
      }
      svg.setAttribute("aria-label", phrase("stage.course", { name, first: number(values[0]), last: number(values[values.length - 1]), median: number(medians[medians.length - 1]) }));
    },
  };
}

function stage({ data, change, take, onstrength }) {
  const { shape, known, side } = data;
  const grid = Math.round(Math.sqrt(shape.tokens));
  const views = {
    untouched: pictureView({ title: phrase("stage.untouched"), side, grid }),
    edited: pictureView({ title: phrase("stage.edited"), side, grid, tone: "edited-figure" }),
    source: pictureView({ title: phrase("lab.source"), side, grid, tone: "small-figure" }),
    control: pictureView({ title: phrase("stage.control"), side, grid, tone: "small-figure" }),
  };
  const paint = paintGrid({ grid, onpaint: (mask) => change({ paint: paintText(mask) }) });
  views.untouched.frame.append(paint.node);
  const skyline = sky({ shape, known, onlook: (place) => change(place, { look: true }), ontake: take, onstrength });
  const shown = choices({ label: phrase("stage.shown"), kind: "fc-seg.fc-small-seg", options: [{ value: "untouched", content: phrase("untouched") }, { value: "edited", content: phrase("stage.shown.edited") }], onpick: (value) => change({ shown: value }, { look: true }) });
  const over = choices({ label: phrase("stage.over"), kind: "fc-seg.fc-small-seg", options: [{ value: "none", content: phrase("over.none") }, { value: "map", content: phrase("stage.over.map") }, { value: "mask", content: phrase("stage.over.mask") }], onpick: (value) => change({ over: value }, { look: true }) });
  const mapCanvas = el("canvas.fc-thumb", { role: "img" });
  const maskCanvas = el("canvas.fc-thumb", { role: "img" });
  const mapFigure = el("figure", {}, mapCanvas, el("figcaption", {}, phrase("stage.map")));
  const maskFigure = el("figure", {}, maskCanvas, el("figcaption", {}, phrase("stage.mask")));
  const cardText = el("p.fc-channel-text");
  const cardMore = el("p.fc-channel-more");
  let now = null;
  const finder = channelFinder({ current: () => ({ channel: now?.channel ?? 0, width: shape.width }), onpick: (channel) => change({ channel }, { look: true }) });
  const taking = el("button.fc-button", { type: "button", "aria-pressed": "false", onclick: () => take(now.channel, now.block, "all") }, phrase("stage.take"));
  const here = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "block") }, phrase("stage.here"));
  const only = el("button.fc-button", { type: "button", onclick: () => take(now.channel, now.block, "only") }, phrase("stage.only"));
  const course = courseChart();
  const card = el("div.fc-channel-card", {}, el("div.fc-thumbs", {}, mapFigure, maskFigure), el("div.fc-channel-words", {}, cardText, cardMore, el("div.fc-channel-take", {}, finder.node, taking, here, only)), course.node);

  const step = el("input", { type: "range", min: 0, step: 1, "aria-label": phrase("stage.step") });
  step.addEventListener("input", () => change({ step: Number(step.value) === Number(step.max) ? -1 : Number(step.value) }, { look: true }));
  const dots = el("div.fc-dots", { "aria-hidden": "true" });
  const timeText = el("span.fc-time-text");
  const play = el("button.fc-button.fc-icon", { type: "button", "aria-label": phrase("stage.play") }, "▶");
  let playing = null;
  play.addEventListener("click", () => {
    if (playing) {
      stopPlay();
      return;
    }
    let at = -1;
    setText(play, "■");
    play.setAttribute("aria-label", phrase("stage.play.stop"));
    playing = setInterval(() => {
      at++;
      const last = at >= Number(step.max);
      change({ step: last ? -1 : at }, { look: true });
      if (last) stopPlay();
    }, PLAY);
  });
  function stopPlay() {
    clearInterval(playing);
    playing = null;
    setText(play, "▶");
    play.setAttribute("aria-label", phrase("stage.play"));
  }
  const time = el("div.fc-time", {}, play, el("div.fc-time-line", {}, dots, step, el("div.fc-time-ends", {}, el("span", {}, phrase("noise")), timeText, el("span", {}, phrase("stage.picture")))));

  const facts = ["change", "energy", "control", "words"].map((name) => ({ name: el("dt", {}, phrase(`fact.${name}`)), value: el("dd") }));
  const found = el("dl.fc-found", {}, ...facts.map(({ name, value }) => el("div", {}, name, value)));

  const node = el(
    "section.fc-part.fc-look-part",
    { "aria-label": phrase("lab.part.look") },
    el(
      "div.fc-stage",
      {},
      el("div.fc-side", {}, views.untouched.node, views.source.node),
      el("div.fc-middle", {}, el("div.fc-over-row", {}, shown.node, over.node), skyline.node),
      el("div.fc-side", {}, views.edited.node, views.control.node),
      card,
    ),
    time,
  );
  const numbers = el("section.fc-part.fc-numbers-part", { "aria-label": phrase("lab.part.numbers") }, found);

  const levelsAt = (lane, at) => (lane?.levels[at] ? rowsOf(lane.levels[at], shape) : null);

  return {
    node,
    numbers,
    views,
    stop: () => {
      stopPlay();
      paint.stop();
    },
    show(state, session, { lists, set, estimate, example }) {
      const lanes = session ? session.lanes : {};
      const name = state.shown === "edited" && lanes.edited ? "edited" : "untouched";
      const lane = lanes[name]?.levels.length ? lanes[name] : lanes[name]?.before || lanes[name];
      const stepOf = (one) => (!one ? -1 : one.done ? (state.step < 0 ? one.steps - 1 : Math.min(one.steps - 1, Math.round((state.step * (one.steps - 1)) / Math.max(1, state.steps - 1)))) : one.step);
      const at = stepOf(lane);
      const block = state.block;
      const channel = session ? session.focus(state) : largestOf(known.score[block]);
      now = { block, channel };
      const levels = levelsAt(lane, at) || example?.levels || (session ? null : known.score);
      const ranking = !session && !example ? ".ranking" : ""; // sizes over calibration prompts
      const plain = name === "edited" ? levelsAt(lanes.untouched, Math.min(stepOf(lanes.untouched), at)) : null;
      const chosen = edits(state) ? lists : lists.map(() => []);
      const place = levels ? placeOf(levels[block], known.energy, block, channel) : null;
      const taken = lists[block].includes(channel);
      const spot = phrase("stage.spot", { channel, block });
      const text = place ? [phrase(`stage.spot.size${ranking}`, { spot, value: number(place.value), rank: ordinal(place.rank), count: shape.width }), taken && phrase("stage.taken")].filter(Boolean).join(", ") : spot;
      skyline.show({ levels, untouched: plain, taken: chosen, block, channel, text });
      shown.set(state.shown);
      over.set(state.over);

      const standing = !place ? "none" : place.value === 0 ? "zero" : `${place.rank === 1 ? "first" : "other"}${ranking}`;
      setText(cardText, phrase(`stage.standing.${standing}`, { channel, block, rank: place && ordinal(place.rank), ratio: place && number(place.ratio) }));
      setText(cardMore, [phrase("stage.energy", { share: percent(place?.share ?? 0) }), at >= 0 && lane && phrase(`stage.at.${name}`, { step: at + 1, steps: lane.steps })].filter(Boolean).join(" "));
      finder.show();
      const everywhere = lists.every((list) => list.includes(channel));
      setText(taking, everywhere ? phrase("stage.leave") : phrase("stage.take"));
      taking.setAttribute("aria-pressed", String(everywhere));
      setText(here, taken ? phrase("stage.nothere") : phrase("stage.here"));
      const map = lane ? session.map(name, at, block, channel) : null;
      if (map) drawMap(mapCanvas, map, grid);
      mapCanvas.setAttribute("aria-label", map ? phrase("stage.map.label", { channel, low: number(Math.min(...map)), high: number(Math.max(...map)) }) : phrase("stage.map.later"));
      const maskChannels = session ? session.maskChannels() : [];
      const mask = lane ? session.mask(name, at, maskChannels) : null;
      if (mask) drawMask(maskCanvas, mask, grid);
      maskCanvas.setAttribute("aria-label", mask ? phrase("stage.mask.label", { count: maskChannels.length, block: session.maskBlock, share: percent(mask.reduce((sum, one) => sum + one, 0) / mask.length) }) : phrase("stage.mask.later"));
      mapFigure.hidden = !map;
      maskFigure.hidden = !mask;
      course.node.toggleAttribute("hidden", !lane);
      if (lane) {
        const series = Array.from({ length: lane.steps }, (_, i) => lane.levels[i]?.[block * shape.width + channel] ?? NaN);
        const medians = Array.from({ length: lane.steps }, (_, i) => (lane.levels[i] ? middleOf(lane.levels[i].subarray(block * shape.width, (block + 1) * shape.width)) : NaN));
        if (series.some(Number.isFinite)) course.show(series, medians, at, lane.steps, spot);
      }

      const asked = { untouched: state.prompt, edited: "", source: state.source, control: "" };
      for (const [lane_, view] of Object.entries(views)) {
        const own = lanes[lane_];
        view.node.hidden = (lane_ === "source" && !own) || (lane_ === "control" && !own?.done);
        if (!session) {
          if (!(lane_ in UNDRAWN)) continue;
          const words = example ? example[`${lane_}_text`] : UNDRAWN[lane_](state, set, lists);
          view.still(example?.images[lane_] ?? null);
          view.show({ pixels: null, caption: words, label: phrase(example ? "stage.stored" : "stage.undrawn", { lane: phrase(`lane.${lane_}`), words }), share: 1 });
          continue;
        }
        const step_ = stepOf(own);
        const pixels = !own ? null : own.done && state.step >= 0 && step_ < own.steps - 1 ? estimate(lane_, step_) : own.picture || own.before?.picture || null;
        const early = own?.done && step_ < own.steps - 1;
        const reading = own?.done ? own.reading : null;
        const words = lane_ === "untouched" ? askedText(own, early, step_, reading)
          : lane_ === "edited" ? (own ? `${editedText(state, set, lists)} ${early ? phrase("stage.estimate", { step: step_ + 1 }) : seenText(reading)}`.trim() : phrase("stage.unedited"))
          : lane_ === "source" ? `${asked.source}.`
          : phrase("stage.control.what");
        view.show({ pixels: own ? pixels : lanes.untouched?.picture ?? null, caption: words, label: phrase("stage.view", { lane: phrase(`lane.${lane_}`), words: asked[lane_] || words }), share: own ? (own.done ? 1 : (own.step + 1) / own.steps) : 1 });
        if (lane_ === "untouched" || lane_ === "edited") {
          const values = own && state.over === "map" ? session.map(lane_, step_, block, channel) : null;
          const inside = own && state.over === "mask" ? session.mask(lane_, step_, maskChannels) : null;
          view.cover(values, inside);
        }
      }
      paint.node.hidden = !painted(state) || !session;
      paint.set(paintMask(state.paint, shape.tokens));

      const steps = state.steps;
      step.max = steps - 1;
      const shownStep = lane && !lane.done ? Math.max(0, lane.step) : state.step < 0 ? steps - 1 : state.step;
      if (Number(step.value) !== shownStep) step.value = shownStep;
      step.setAttribute("aria-valuetext", phrase("stage.stepof", { step: shownStep + 1, steps }));
      const inWindow = edits(state) ? numbersOf(state.window, steps) || Array.from({ length: steps }, (_, i) => i) : [];
      if (dots.childElementCount !== steps) dots.replaceChildren(...Array.from({ length: steps }, () => el("i")));
      [...dots.children].forEach((dot, i) => {
        dot.className = `${inWindow.includes(i) ? "fc-dot-edited" : ""} ${i === shownStep ? "fc-dot-here" : ""}`;
      });
      setText(timeText, edits(state) ? (inWindow.length === steps ? phrase("stage.everystep") : phrase("stage.somesteps", { count: inWindow.length, steps })) : phrase("stage.stepof", { step: shownStep + 1, steps }));

      const [u, e, c] = [lanes.untouched, lanes.edited, lanes.control];
      const whole = u?.done && e?.done && !e.moving && e.steps === u.steps;
      const changed = whole && u.reading && e.reading ? wordsChanged(u.reading, e.reading) : null;
      const texts = [
        whole && changeOf(u.final, e.final).toFixed(4),
        whole && percent(energyMoved(e.change)),
        whole && c?.done && changeOf(u.final, c.final).toFixed(4),
        changed && (changed.map((word) => phrase(`word.${word}`)).join(", ") || phrase("none")),
      ];
      const stored = session || !example ? [] : [example.change, example.energy, example.control, example.words];
      facts.forEach(({ value }, i) => setText(value, texts[i] || stored[i] || "–"));
    },
  };
}

const UNDRAWN = {
  untouched: ({ prompt }) => phrase("stage.asked.later", { prompt }),
  edited: (state, set, lists) => (edits(state) ? phrase("stage.edited.later", { edit: editedText(state, set, lists) }) : phrase("stage.unedited")),
};

function askedText(lane, early, step, reading) {
  if (!lane) return "";
  return early ? phrase("stage.estimate", { step: step + 1 }) : `${phrase("stage.asasked")} ${seenText(reading)}`.trim();
}

function editedText(state, set, lists) {
  const which = setWords(state, lists);
  if (state.mode !== "edit") return phrase("edited.carried", { which });
  const done = phrase(`edited.${state.how}`, { factor: String(state.factor).replace("-", "−") });
  return phrase(state.through === "stream" ? "edited.stream" : "edited.reads", { which, done });
}

const largestOf = (row) => row.reduce((best, value, c) => (value > row[best] ? c : best), 0);

function middleOf(row) {
  const sorted = Float32Array.from(row).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

// js/lab/lab.js
const UNDO = 100; // states that are kept
const REST = 250; // ms without a move, after which all is drawn with all steps
const PARTS_SHOWN = ["ask", "look", "edit", "numbers", "guide", "more"];

function openLab(header, blob, model) {
  const [blocks, width] = header.known;
  const values = new Float64Array(blob.buffer.slice(blob.byteOffset, blob.byteOffset + 16 * blocks * width));
  const rows = (from) => Array.from({ length: blocks }, (_, b) => Array.from(values.subarray(from + b * width, from + (b + 1) * width)));
  return { ...header, known: { score: rows(0), energy: rows(blocks * width) }, load: loaderFor(header, model) };
}

function drawnOf(state) {
  const { block, channel, step, shown, over, guide: card, ...drawn } = state;
  return JSON.stringify(drawn);
}

function partsOf(search) {
  const found = new URLSearchParams(search).get("embed");
  const named = (found || "").split(/[\s,]+/).filter((part) => PARTS_SHOWN.includes(part));
  return { embedded: found !== null, parts: named.length ? named : PARTS_SHOWN };
}

const labKind = {
  open: openLab,
  state: labState,
  own: true, // has its own button for links
  build(root, data, store, host) {
    root.classList.add("fc-lab");
    const page = host === "page";
    const { embedded, parts } = page ? partsOf(location.search) : { embedded: false, parts: PARTS_SHOWN };
    let session = null;
    let starting = false;
    let past = []; // for undo
    let moving = false;
    let timer = null;
    let wished = "";
    let seconds = null;
    let own = null; // the reader's picture: RGBA bytes
    let stopped = false;
    const estimates = new Map();
    const inerted = []; // what is out of reach while the lab fills the window

    const live = announcer();
    const status = el("p.fc-lab-status", { role: "status", "aria-live": "polite" });
    const failure = el("p.fc-lab-failure", { role: "alert" });
    const hint = bubble();
    const stopButton = el("button.fc-button", { type: "button", hidden: true, onclick: () => halt() }, phrase("lab.stop"));
    const maximise = el("button.fc-button", { type: "button", "aria-pressed": "false", onclick: () => enlarge(!root.classList.contains("fc-max")) }, phrase("lab.maximise"));

    function change(part, { look = false, moving: moves } = {}) {
      const state = store.get();
      const next = changedState(data, state, part);
      if (moves !== undefined) {
        moving = moves;
        clearTimeout(timer);
        if (moves) timer = setTimeout(() => rest(), REST);
      }
      if (JSON.stringify(next) !== JSON.stringify(state)) {
        const soon = past.length && Date.now() - past[past.length - 1].at < 700 && Object.keys(part).join() === past[past.length - 1].of;
        if (!look && !soon) past = [...past.slice(-UNDO), { state, at: Date.now(), of: Object.keys(part).join() }];
        else if (soon) past[past.length - 1].at = Date.now();
        store.set(next);
      } else if (moves === false) rest();
    }
    function rest() {
      moving = false;
      show(store.get());
    }
    function undo() {
      const last = past.pop();
      if (!last) {
        hint.say(phrase("lab.undo.none"));
        return;
      }
      moving = false;
      store.set(last.state);
      hint.say(phrase("lab.undone"));
    }
    function take(channel, block, how = "all") {
      const state = store.get();
      let lists = channelsOf(data.known, state).lists.map((list) => [...list]);
      if (how === "only") lists = lists.map(() => [channel]);
      else {
        const places = how === "block" ? [block] : lists.map((_, b) => b);
        const add = how === "block" ? !lists[block].includes(channel) : !lists.every((list) => list.includes(channel));
        for (const b of places) lists[b] = add ? [...new Set([...lists[b], channel])] : lists[b].filter((c) => c !== channel);
      }
      change({ set: "hand", hand: handText(lists), channel, block, ...(state.mode === "edit" && state.how === "none" ? { how: "zero" } : {}) });
    }
    function strengthen(by) {
      const state = store.get();
      if (state.mode !== "edit") change({ strength: state.strength + by }, { moving: true });
      else {
        const from = state.how === "scale" ? state.factor : state.how === "zero" ? 0 : 1;
        change({ how: "scale", factor: Math.max(FACTORS[0], Math.min(FACTORS[1], from + by)) }, { moving: true });
      }
    }

    const seed = wordMenu({ label: phrase("lab.menu.seed"), options: optionsOf(Array.from({ length: 20 }, (_, i) => i)), onpick: (value) => change({ seed: Number(value) }) });
    const steps = wordMenu({ label: phrase("lab.menu.stepcount"), options: STEP_COUNTS.map((count) => ({ value: count, text: counted("lab.steps", count) })), onpick: (value) => change({ steps: Number(value) }) });
    const prompt = promptSentence({ grammar: data.grammar, lead: phrase("lab.draw"), what: phrase("prompt"), tail: [el("span", {}, ...sentence("lab.draw.tail", { seed, steps }))], change: (text) => change({ prompt: text }) });
    const surprise = el("button.fc-link", { type: "button", onclick: () => change({ prompt: sentenceOf(randomScene(data.grammar)), seed: Math.floor(Math.random() * 20) }) }, phrase("lab.surprise"));
    const ask = el("section.fc-part.fc-ask-part", { "aria-label": phrase("lab.part.ask") }, prompt.node, el("div.fc-quiet-row", {}, prompt.toggle, surprise));
    const looking = stage({ data, change, take, onstrength: strengthen });
    const editing = editPart({ data, change, onfile: takeFile, onsample: takeSample });
    const guiding = guide({ onpick: (id) => change({ guide: id }, { look: true }), ondo: (experiment) => doIt(experiment), chapters: data.chapters || {} });

    const button = (text, onclick, kind = "") => el(`button.fc-button${kind}`, { type: "button", onclick }, text);
    const python = el("pre.fc-python", { tabindex: 0, "aria-label": phrase("lab.python") });
    const pythonBox = el("details.fc-python-box", {}, el("summary", {}, phrase("lab.python")), python);
    const keep = keeping({ data, store, session: () => session, views: looking.views, say: hint.say, python: pythonBox, page });
    const more = el(
      "section.fc-part.fc-more-part",
      { "aria-label": phrase("lab.part.keep") },
      el("div.fc-actions", {}, button(phrase("lab.copy.python"), keep.copyPython, ".fc-strong"), page ? button(phrase("lab.copy.link"), keep.copyLink) : null, button(phrase("lab.save.pictures"), keep.savePictures), button(phrase("lab.save.channels"), keep.saveSet), button(phrase("lab.save.run"), keep.saveRun), button(phrase("lab.undo"), undo), hint.node),
      pythonBox,
      el("p.fc-keys", {}, phrase("lab.keys")),
    );

    const startButton = el("button.fc-button.fc-go", { type: "button", onclick: () => start() }, phrase("lab.start"));
    const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": phrase("lab.progress") });
    const startText = el("p");
    const startTitle = el("p.fc-title");
    const startCard = el("div.fc-start", {}, el("div", {}, startTitle, startText), el("div.fc-start-go", {}, startButton, bar));
    const size = (data.bytes / 1e6).toFixed(0);
    const loads = phrase(!data.bytes ? "lab.loads.file" : page ? "lab.loads.site" : "lab.loads.kernel", { size });
    const controls = el("fieldset.fc-lab-body", { disabled: true }, ask, looking.node, editing.node, looking.numbers);
    const tail = el("fieldset.fc-lab-body", { disabled: true }, more);
    const shownParts = { ask, look: looking.node, edit: editing.node, numbers: looking.numbers, guide: guiding.node, more };
    for (const [name, node] of Object.entries(shownParts)) node.hidden = !parts.includes(name);
    root.append(el("div.fc-lab-top", {}, status, el("div.fc-actions", {}, stopButton, embedded ? null : maximise)), startCard, failure, controls, guiding.node, tail, live.node);
    setText(status, phrase("lab.unstarted"));
    if (embedded) enlarge(true);

    const images = {};
    for (const name of data.example ? ["untouched", "edited"] : []) {
      const image = new Image();
      image.onload = () => {
        images[name] = image;
        if (!session) paintNow();
      };
      image.src = data.example[name];
    }
    const exampleFor = (state) => (data.example && !session && drawnOf(state) === drawnOf(labState(data, data.example.of)) ? { ...data.example, images } : null);
    function showStart(state) {
      const example = exampleFor(state);
      setText(startTitle, example ? phrase("lab.example") : phrase("lab.noexample"));
      setText(startText, [loads, example && data.bytes && phrase("lab.example.stays")].filter(Boolean).join(" "));
    }

    async function start() {
      if (session || starting) return;
      starting = true;
      startButton.disabled = true;
      bar.hidden = false;
      setText(failure, "");
      setText(status, phrase("lab.loading"));
      const began = performance.now();
      try {
        const engine = await startLab(data.base || "", {
          load: data.load,
          onProgress: (share) => {
            bar.value = share;
            setText(status, phrase("lab.loading.share", { percent: Math.round(100 * share) }));
          },
        });
        session = new Session({ engine, data, onchange: heard, onfail: failed });
        startCard.hidden = true;
        controls.disabled = tail.disabled = false;
        root.setAttribute("data-fc-started", Math.round(performance.now() - began));
        const state = store.get();
        if (state.mode === "picture" && state.picture === "sample") await takeSample();
        show(state);
      } catch (error) {
        setText(failure, [phrase("lab.failed", { why: error.message }), exampleFor(store.get()) && phrase("lab.failed.example")].filter(Boolean).join(" "));
        setText(status, phrase("lab.unstarted"));
        startButton.disabled = false;
        bar.hidden = true;
      }
      starting = false;
    }
    function failed(error) {
      setText(failure, error.message);
    }
    function halt() {
      clearTimeout(timer);
      moving = false;
      stopped = true;
      session.stop();
      setText(status, phrase("lab.stopped"));
    }

    let drawing = false;
    let rested = false;
    function heard(lane) {
      if (lane !== "rest" && session?.lanes.edited?.done) seconds = session.lanes.edited.ms / 1000;
      else if (session?.lanes.untouched?.done && !seconds) seconds = session.lanes.untouched.ms / 1000;
      if (lane === "rest") rested = true;
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => {
        drawing = false;
        paintNow();
        if (!rested || session.working) return;
        rested = false;
        const { untouched, edited } = session.lanes;
        if (edited?.done && !edited.moving) live.say(editedSentence());
        else if (untouched?.done) live.say(phrase("lab.drawn"));
        root.setAttribute("data-fc-rest", wished);
      });
    }
    function editedSentence() {
      return [...looking.numbers.querySelectorAll(".fc-found div")].map((box) => `${box.firstChild.textContent}: ${box.lastChild.textContent}`).join("; ");
    }
    function estimate(name, step) {
      const lane = session.lanes[name];
      const key = `${name} ${step}`;
      const known = estimates.get(key);
      if (known?.lane === lane) return known.pixels;
      estimates.set(key, { lane, pixels: null });
      session.engine.ask("estimate", { tag: name, step }).then((pixels) => {
        if (session.lanes[name] !== lane) return;
        estimates.set(key, { lane, pixels });
        heard(name);
      }, () => estimates.delete(key));
      return null;
    }
    function paintNow() {
      const state = store.get();
      const set = channelsOf(data.known, state);
      looking.show(state, session, { lists: set.lists, set, estimate, example: exampleFor(state) });
      if (!session) {
        showStart(state);
        return;
      }
      const busy = session.working;
      stopButton.hidden = !busy;
      if (busy) {
        const lane = Object.values(session.lanes).find((one) => one && !one.done);
        setText(status, lane ? phrase("lab.drawing.step", { step: Math.max(1, lane.step + 1), steps: lane.steps }) : phrase("lab.drawing"));
      } else if (!stopped) {
        setText(status, seconds ? phrase("lab.quiet.seconds", { seconds: seconds.toFixed(1) }) : phrase("lab.quiet"));
      }
      const watched = session.watched(state);
      for (const name of ["untouched", "edited"]) if (session.lanes[name]?.done) session.fetch(name, watched).catch(() => {});
    }

    async function takePixels(pixels, kind) {
      if (!session) return;
      const { latents } = await session.engine.encode(pixels);
      session.clean = latents;
      own = pixels;
      wished = "";
      if (store.get().picture !== kind || store.get().mode !== "picture") change({ picture: kind, mode: "picture" });
      else show(store.get());
    }
    async function takeFile(file) {
      editing.say(phrase("reading", { file: file.name }));
      try {
        const bitmap = await createImageBitmap(file);
        const pixels = squareOfImage(bitmap, bitmap.width, bitmap.height, data.side);
        await takePixels(pixels, "own");
        editing.say(phrase("lab.picture.read", { file: file.name }));
      } catch {
        editing.say(phrase("lab.picture.bad", { file: file.name }));
      }
    }
    async function takeSample() {
      const image = new Image();
      image.src = data.sample;
      await image.decode();
      await takePixels(squareOfImage(image, image.naturalWidth, image.naturalHeight, data.side), "sample");
      editing.say(phrase("lab.sample.what"));
    }
    const carriesFile = (event) => Array.from(event.dataTransfer?.types || []).includes("Files");
    root.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
    root.addEventListener("drop", (event) => {
      if (!carriesFile(event) || !session) return;
      event.preventDefault();
      takeFile(event.dataTransfer.files[0]);
    });
    function doIt(experiment) {
      start();
      change({ ...experiment.state, guide: experiment.id });
      const wants = experiment.state.picture === "sample" && session && !session.clean;
      if (wants) takeSample();
    }
    function enlarge(on) {
      root.classList.toggle("fc-max", on);
      maximise.setAttribute("aria-pressed", String(on));
      setText(maximise, on ? phrase("lab.small") : phrase("lab.maximise"));
      document.documentElement.classList.toggle("fc-lab-large", on);
      for (const node of inerted.splice(0)) node.inert = false;
      if (!on) return;
      for (let node = root; node.parentElement; node = node.parentElement) {
        for (const other of node.parentElement.children) {
          if (other === node || other.inert || ["SCRIPT", "STYLE", "HEAD"].includes(other.tagName)) continue;
          other.inert = true;
          inerted.push(other);
        }
      }
    }
    root.addEventListener("keydown", (event) => {
      const typing = event.target.matches?.("input[type=text], input[type=number], textarea");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
        event.preventDefault();
        undo();
      }
      if (event.key === "Escape" && root.classList.contains("fc-max") && !embedded) enlarge(false);
    });

    let addressTimer = null;
    function show(state) {
      seed.set(state.seed);
      steps.fill([...new Set([...STEP_COUNTS, state.steps])].sort((a, b) => a - b).map((count) => ({ value: count, text: counted("lab.steps", count) })));
      steps.set(state.steps);
      prompt.set(state.prompt);
      const set = channelsOf(data.known, state);
      editing.show(state, { lists: set.lists, missing: set.missing, hasPicture: Boolean(session?.clean) });
      guiding.show(state.guide);
      setText(python, keep.lines());
      paintNow();
      if (page) {
        clearTimeout(addressTimer);
        addressTimer = setTimeout(keep.keepAddress, 500);
      }
      if (!session) return;
      const key = `${drawnOf(state)} ${moving} ${own ? "own" : ""}`;
      if (key === wished) return;
      wished = key;
      stopped = false;
      setText(failure, "");
      session.wish(state, { moving });
    }
    if (page && new URLSearchParams(location.search).has("start")) start();
    return {
      stop() {
        clearTimeout(timer);
        clearTimeout(addressTimer);
        live.stop();
        keep.stop();
        looking.stop();
        enlarge(false);
        session?.engine.close();
      },
      show,
      note: "",
    };
  },
};

function squareOfImage(image, width, height, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const cut = Math.min(width, height);
  context.drawImage(image, (width - cut) / 2, (height - cut) / 2, cut, cut, 0, 0, side, side);
  return context.getImageData(0, 0, side, side).data;
}

// js/lab/index.js
export default { render: rendererOf({ lab: labKind }) };
