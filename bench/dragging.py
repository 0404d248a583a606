"""What a drag costs in the explorer: a run file of FLUX.1's shape is opened in Chromium and each slider is dragged.

    python bench/dragging.py --repeats 5

Script, layout, style and painting of one change, in time of the processor that the page's main thread took (the clock
would count other programs). A frame at 60 a second lasts 16.7 ms. What a user would use instead has no such view.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np
from fewchannels import save_run
from fewchannels.runfile import Run
from fewchannels.widgets.explorer import Explorer
from playwright.sync_api import sync_playwright

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
BLOCKS, STEPS, WIDTH, GRID, K = 57, 4, 3072, (32, 32), 8
CHANGES = 40
SLIDERS = {"block": (".fc-scope .fc-slider input", 0, BLOCKS), "step": (".fc-scope .fc-slider input", 1, STEPS)}
DRAG = """async ([selector, which, count, changes]) => {
    const input = document.querySelectorAll(selector)[which];
    for (let i = 0; i < changes; i++) {
        input.value = i % count;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise(requestAnimationFrame);
    }
}"""


def large_run() -> Run:
    """Random statistics of FLUX.1's blocks and channels, one prompt, with maps of the top channels."""
    rng = np.random.default_rng(0)
    mean = rng.normal(0, 1, (1, BLOCKS, STEPS, WIDTH)).astype(np.float32)
    top = np.argsort(-np.abs(mean).mean((0, 2)), axis=1)[:, :K]
    return Run(
        {
            "model": "random numbers of FLUX.1's shape",
            "revision": None,
            "seed": 0,
            "steps": STEPS,
            "dtype": "float32",
            "versions": {},
            "date": "2026-01-01T00:00:00",
        },
        ["random numbers"],
        stats={"mean": mean, "mean_abs": np.abs(mean) + 0.5, "var": np.ones_like(mean)},
        maps={"top": rng.normal(0, 1, (1, BLOCKS, STEPS, *GRID, K)).astype(np.float16)},
        images={"": rng.integers(0, 255, (1, 48, 48, 3), dtype=np.uint8)},
        index={
            "layers": [f"blocks.{i}" for i in range(BLOCKS)],
            "steps": list(range(STEPS)),
            "grid": list(GRID),
            "channels": {"top": {"indices": top.tolist(), "width": WIDTH, "label": f"top {K}"}},
            "maps": {
                "top": {
                    "axes": ["sample", "layer", "step", "row", "column", "channel"],
                    "channels": "top",
                    "samples": [0],
                    "steps": list(range(STEPS)),
                }
            },
        },
    )


def rows(repeats: int) -> list[dict]:
    """One row a slider: seconds of one change as [median, lowest, highest] over the repeats."""
    executable = next((path for path in BROWSERS if Path(path).exists()), None)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        file = save_run(folder / "large.safetensors", large_run())
        small = large_run()
        small.maps, small.index["maps"] = {}, {}
        page_file = Explorer([small]).save(folder / "page.html", title="Explorer")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("[data-fc-ready]")
        page.locator(".fc-drop input").set_input_files(file)
        page.get_by_text("large.safetensors: 57 blocks").wait_for(state="attached")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def busy() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

        found = []
        for what, (selector, which, count) in SLIDERS.items():
            page.evaluate(DRAG, [selector, which, count, count])  # every value has been read once
            page.wait_for_timeout(500)
            taken = []
            for _ in range(repeats):
                before = busy()
                page.evaluate(DRAG, [selector, which, count, CHANGES])
                taken.append((busy() - before) / CHANGES)
            found.append(
                {
                    "what": what,
                    "workload": f"{BLOCKS} blocks of {WIDTH:,} channels",
                    "seconds": [statistics.median(taken), min(taken), max(taken)],
                }
            )
        browser.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="drags of a slider (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    made = rows(options.repeats)
    for row in made:
        print(f"{row['what']:10}{1000 * row['seconds'][0]:8.1f} ms a change")
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
