"""The reader of run files in Chromium, from a page on the disk: in a worker, without one, on a run of FLUX.1's size."""

from __future__ import annotations

import json
import math
import shutil
import struct

import numpy as np
import pytest
from fewchannels.runfile import FORMAT, PROVENANCE, VERSION
from fewchannels.widgets import bundle

LAYERS, STEPS, WIDTH = 57, 50, 3072
INDEX = 'import { openRun } from "./run_file.js";\nexport default { openRun };\n'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">{rules}<title>reader</title><input type="file">
<script type="text/plain">{program}</script><script>
window.ready = import(URL.createObjectURL(new Blob([document.querySelector('[type="text/plain"]').textContent],
  {{ type: "text/javascript" }}))).then((module) => (window.openRun = module.default.openRun));
</script></html>"""
RULES = """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'; script-src 'unsafe-inline' blob:">"""


@pytest.fixture(scope="module")
def reader(browser, tmp_path_factory):
    """reader(rules, file) -> a page whose window.run is the opened file."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(bundle.SOURCES, folder / "js")
    (folder / "js" / "index.js").write_text(INDEX, encoding="utf-8")
    program = bundle.build(folder / "js")
    pages = []

    def opened(rules: str, file):
        path = folder / f"page{len(pages)}.html"
        path.write_text(PAGE.format(rules=rules, program=program), encoding="utf-8")
        page = browser.new_page()
        page.set_default_timeout(120_000)
        pages.append(page)
        page.goto(path.as_uri())
        page.evaluate("window.ready")
        page.locator("input").set_input_files(str(file))
        page.evaluate("""async () => {
            const began = performance.now();
            window.run = await window.openRun(document.querySelector("input").files[0]);
            window.opened = performance.now() - began;
        }""")
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """(path, mean): a merged run of FLUX.1's shape; mean holds numbers, what is not looked at is a hole on the disk."""
    shape = [1, LAYERS, STEPS, WIDTH]
    size = 4 * math.prod(shape)
    header = {
        f"stats/{name}": {"dtype": "F32", "shape": shape, "data_offsets": [i * size, (i + 1) * size]}
        for i, name in enumerate(("mean", "mean_abs", "max_abs", "var"))
    }
    record = {
        "format": FORMAT,
        "version": VERSION,
        "provenance": dict.fromkeys(PROVENANCE),
        "prompts": ["a", "b"],
        "index": {"layers": [f"block {i}" for i in range(LAYERS)]},
        "images": {},
    }
    text = json.dumps({"__metadata__": {"fewchannels": json.dumps(record)}, **header}).encode()
    mean = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)[0]
    path = tmp_path_factory.mktemp("large") / "flux.safetensors"
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.write(mean.tobytes())
        file.truncate(8 + len(text) + 4 * size)
    return path, mean


@pytest.mark.parametrize("rules", ["", RULES], ids=["worker", "no worker"])
def test_values_are_the_file_s_with_and_without_a_worker(reader, large, rules):
    path, mean = large
    page = reader(rules, path)
    assert len(page.workers) == (0 if rules else 1)
    assert page.evaluate("run.perPrompt") is False
    row = page.evaluate(
        "run.scores('abs_mean', 0, 17).then((all) => Array.from(all.subarray(8 * 3072, 8 * 3072 + 40)))"
    )
    np.testing.assert_array_equal(np.float32(row), np.abs(mean[8, 17, :40]))
    along = page.evaluate("run.alongTime('energy', -1, 3071).then((all) => Array.from(all))")
    np.testing.assert_allclose(np.reshape(along, (LAYERS, STEPS)), mean[..., 3071] ** 2, rtol=1e-6)
    with pytest.raises(Exception, match="no score"):
        page.evaluate("run.scores('median', 0, 0)")


def test_moving_through_a_run_of_flux_s_size_leaves_the_page_free(reader, large):
    """One change of step takes far less than a frame of the page's own processor time; the rest is the view's."""
    page = reader("", large[0])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        return next(
            m["value"] for m in session.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration"
        )

    before = busy()
    waits = page.evaluate("""async () => {
        const waits = [];
        for (let step = 0; step < 50; step++) {
            const began = performance.now();
            await run.scores("abs_mean", 0, step);
            waits.push(performance.now() - began);
        }
        return waits;
    }""")
    each = (busy() - before) / STEPS
    print(
        f"opened in {page.evaluate('opened'):.0f} ms; a step: {1000 * each:.2f} ms of the page, "
        f"answered in {np.median(waits):.0f} ms"
    )
    assert each < 0.004
