"""What a picture costs in the live lab: 16 steps and one decode by the engine in headless Chromium, beside PyTorch and
onnxruntime-web.

    python bench/live.py --repeats 5

All have one thread, the same prompt, seeds and steps, and each run of the one stands next to a run of PyTorch. Time
is that of the processor, of this process and of the pages' (the clock would count other programs): on a core that does
nothing else it is what a reader waits. A page's is from the wish to the picture, with the messages to its worker and
back. "while it forms" is the same with a picture of the moment at most ten times a second; 8 steps are what is drawn
while a slider moves. Before anything is timed, latents and pixels of both pages are held to PyTorch's: "apart" is how
far the latents lie from them at most. What onnxruntime-web is given, onnx_web.py says; where it cannot be had, its row
is left out, and the end of what is printed says so.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fewchannels as fc
import numpy as np
import onnx_web
import torch
from fewchannels.widgets import bundle, live_weights
from paired import paired
from playwright.sync_api import sync_playwright

CACHE = Path(__file__).resolve().parent.parent / "_build" / "bench"
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PROMPT = "a large red star at the left on a striped blue and white background"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>engine</title><script type="module">
{client}
window.begun = startEngine("live/");
</script></html>"""
DRAW = """async ([given, pictures, told]) => {
    const engine = await window.begun;
    const done = await engine.draw("bench", given, { pictures });
    return told && { latents: Array.from(done.latents), picture: Array.from(done.picture) };
}"""
LATENTS, LEVELS = 1e-3, 1  # how far latents and pixels may lie from PyTorch's, for a picture to be the same work
TORCH = "PyTorch, one thread"
ENGINE, FORMING = "the live engine", "the live engine, shown while it forms"
ONNX = f"{onnx_web.PACKAGE} {onnx_web.VERSION}"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """http://localhost:PORT of a server of the folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def furthest(drawn: dict, latents: np.ndarray, picture: np.ndarray, what: str) -> float:
    """How far the latents of a page's picture lie from PyTorch's at most. Raises ValueError beyond LATENTS, or
    for a pixel more than LEVELS apart: what is timed would not be the same work."""
    apart = float(np.abs(np.float32(drawn["latents"]).reshape(latents.shape) - latents).max())
    pixels = np.int16(drawn["picture"]).reshape(*picture.shape[:2], 4)[..., :3]
    levels = int(np.abs(pixels - picture).max())
    if apart > LATENTS or levels > LEVELS:
        raise ValueError(
            f"{what} draws another picture than PyTorch: latents up to {apart:.2g} apart, expected at most "
            f"{LATENTS:g}; pixels up to {levels} levels, expected at most {LEVELS}"
        )
    return apart


def onnx_files(folder: Path, pipeline) -> str | None:
    """Write the page of onnxruntime-web. -> why it cannot be had, or None."""
    if (lacking := onnx_web.absent()) is not None:
        return lacking
    try:
        web = onnx_web.fetched(CACHE)
    except RuntimeError as error:
        return str(error)
    onnx_web.write_page(folder, pipeline, web)
    return None


def rows(repeats: int) -> tuple[list[dict], str | None]:
    """One row a way and number of steps: seconds of a picture, their ratio to PyTorch's, [median, low, high], and how
    far its latents are apart; and why there is no row of onnxruntime-web, or None."""
    torch.set_num_threads(1)
    model = fc.load("toyworld", device="cpu")
    executable = next((path for path in BROWSERS if Path(path).exists()), None)
    found = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        live_weights.write(folder / "live")
        client = (bundle.LIVE / "client.js").read_text(encoding="utf-8")
        (folder / "index.html").write_text(PAGE.format(client=client), encoding="utf-8")
        left_out = onnx_files(folder, model.pipeline)
        address = stack.enter_context(served(folder))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        stack.callback(browser.close)
        page = browser.new_page()
        page.goto(f"{address}/index.html")
        if left_out is None:
            other = browser.new_page()
            other.goto(f"{address}/onnx.html")
        session = browser.new_browser_cdp_session()

        def busy() -> float:
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return time.process_time() + sum(one["cpuTime"] for one in processes if one["type"] == "renderer")

        seeds = itertools.count(1)  # a picture that was drawn is not drawn again

        # what is drawn comes out of the page where it is compared, and not where it is timed
        def in_page(steps: int, pictures: bool = False, seed: int | None = None) -> dict | None:
            own = next(seeds) if seed is None else seed
            return page.evaluate(DRAW, [{"prompt": PROMPT, "seed": own, "steps": steps}, pictures, seed is not None])

        def by_onnx(steps: int, seed: int | None = None) -> dict | None:
            own = next(seeds) if seed is None else seed
            wish = onnx_web.wish(model.pipeline, PROMPT, own, steps)
            return other.evaluate(onnx_web.DRAW, [wish, seed is not None])

        for steps in (16, 8):
            methods = {
                TORCH: lambda steps: model.generate([PROMPT], seed=next(seeds), steps=steps),
                ENGINE: in_page,
                FORMING: lambda steps: in_page(steps, pictures=True),
            }
            wanted = model.generate([PROMPT], seed=0, steps=steps, output="latent").numpy()
            picture = model.generate([PROMPT], seed=0, steps=steps)[0]
            engine = furthest(in_page(steps, seed=0), wanted, picture, ENGINE)
            apart = {TORCH: 0.0, ENGINE: engine, FORMING: engine}
            if left_out is None:
                methods[ONNX] = by_onnx
                apart[ONNX] = furthest(by_onnx(steps, seed=0), wanted, picture, ONNX)
            for what, timing in paired(methods, TORCH, steps, repeats, busy).items():
                found.append(
                    {
                        "what": what,
                        "workload": f"a picture in {steps} steps",
                        "ratio": list(timing.ratio),
                        "seconds": list(timing.seconds),
                        "apart": apart[what],
                    }
                )
    return found, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="pairs a way (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write the rows as a JSON list")
    options = parser.parse_args()
    made, left_out = rows(options.repeats)
    for row in made:
        (ratio, *_), (seconds, least, most) = row["ratio"], row["seconds"]
        print(f"{row['workload']}: {row['what']:40}{seconds:7.3f} s ({least:.3f} to {most:.3f}), ratio {ratio:.2f}")
    if left_out is not None:
        print(f"\nLEFT OUT: {onnx_web.PACKAGE}, {left_out}\n", file=sys.stderr)
    if options.json:
        Path(options.json).write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
