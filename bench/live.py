"""What a picture costs in the live lab: 16 steps and one decode by the engine in headless Chromium, beside PyTorch.

    python bench/live.py --repeats 5

Both have one thread, the same prompt, seeds and steps, and each run of the one stands next to a run of the other. Time
is that of the processor, of this process and of the page's (the clock would count other programs): on a core that does
nothing else it is what a reader waits. The page's is from the wish to the picture, with the messages to its worker and
back. "while it forms" is the same with a picture of the moment at most ten times a second; 8 steps are what is drawn
while a slider moves.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import fewchannels as fc
import torch
from fewchannels.widgets import bundle, live_weights
from paired import paired
from playwright.sync_api import sync_playwright

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PROMPT = "a large red star at the left on a striped blue and white background"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>engine</title><script type="module">
{client}
window.begun = startEngine("live/");
</script></html>"""
DRAW = """async ([given, pictures]) => {
    const engine = await window.begun;
    const done = await engine.draw("bench", given, { pictures });
    return done.latents[0];
}"""
TORCH = "PyTorch, one thread"


def rows(repeats: int) -> list[dict]:
    """One row a way and number of steps: seconds of a picture, and their ratio to PyTorch's, [median, low, high]."""
    torch.set_num_threads(1)
    model = fc.load("toyworld", device="cpu")
    executable = next((path for path in BROWSERS if Path(path).exists()), None)
    found = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        live_weights.write(folder / "live")
        client = (bundle.LIVE / "client.js").read_text(encoding="utf-8")
        (folder / "index.html").write_text(PAGE.format(client=client), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((folder / "index.html").as_uri())
        session = browser.new_browser_cdp_session()

        def busy() -> float:
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return time.process_time() + sum(one["cpuTime"] for one in processes if one["type"] == "renderer")

        seeds = itertools.count()  # a picture that was drawn is not drawn again

        def in_page(steps: int, pictures: bool):
            page.evaluate(DRAW, [{"prompt": PROMPT, "seed": next(seeds), "steps": steps}, pictures])

        for steps in (16, 8):
            methods = {
                TORCH: lambda steps: model.generate([PROMPT], seed=next(seeds), steps=steps),
                "the live engine": lambda steps: in_page(steps, False),
                "the live engine, shown while it forms": lambda steps: in_page(steps, True),
            }
            in_page(steps, False)  # the compiler of WebAssembly is done only after a picture
            for what, timing in paired(methods, TORCH, steps, repeats, busy).items():
                found.append(
                    {
                        "what": what,
                        "workload": f"a picture in {steps} steps",
                        "ratio": list(timing.ratio),
                        "seconds": list(timing.seconds),
                    }
                )
        browser.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="pairs a way (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    made = rows(options.repeats)
    for row in made:
        (ratio, *_), (seconds, least, most) = row["ratio"], row["seconds"]
        print(f"{row['workload']}: {row['what']:40}{seconds:7.3f} s ({least:.3f} to {most:.3f}), ratio {ratio:.2f}")
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
