"""The explorers without a browser: precision of what is packed, safety of the page, freshness of the bundle, size."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import PIL.Image
import pytest
from fewchannels import names
from fewchannels.widgets import ChannelBrowser, Flipbook, bundle, host, packing
from in_node import HOSTILE, Page, node
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[2]


def arrays(prompts=2, layers=3, steps=4, width=16, channels=(3, 7, 15), grid=(2, 5), seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0.2, 1, (prompts, layers, steps, grid[0] * grid[1], width)).astype(np.float32)
    x[..., 7] = 40 + 3 * x[..., 7]
    return {
        "scores_abs_mean": np.abs(x.mean(3)),
        "scores_mean_abs": np.abs(x).mean(3),
        "energy": (x**2).mean(3),
        "maps": x[..., list(channels)],
        "map_channels": channels,
        "grid": grid,
        "images": rng.integers(0, 255, (prompts, 20, 24, 3), dtype=np.uint8),
        "prompts": [f"prompt {i}" for i in range(prompts)],
        "layers": [f"transformer_blocks.{i}" for i in range(layers)],
    }


def unpacked(widget, folder: Path) -> dict:
    """What the front end's own code reads from a widget."""
    given = {"kind": widget.kind, "data": widget.data, "blob": base64.b64encode(widget.blob).decode("ascii")}
    path = folder / "widget.json"
    path.write_text(json.dumps(given))
    return json.loads(node("tests/js/unpack.mjs", str(path)))


def test_node_tests_pass():
    assert "# fail 0" in node("--test", "--test-reporter=tap", "tests/js/")


def test_front_end_reads_what_was_packed(tmp_path):
    given = arrays()
    read = unpacked(ChannelBrowser(**given), tmp_path)
    for name, array in (
        ("abs_mean", given["scores_abs_mean"]),
        ("mean_abs", given["scores_mean_abs"]),
        ("energy", given["energy"]),
    ):
        values = np.reshape(read[name], array.shape)
        np.testing.assert_allclose(values, array, rtol=packing.RELATIVE_ERROR * 1.001, atol=1e-6 * array.max())
    maps = np.moveaxis(given["maps"], 4, 3)  # [P, L, T, C, N]
    values = np.reshape(read["maps"], maps.shape)
    half = np.ptp(maps, axis=-1, keepdims=True) / (2 * (packing.LEVELS - 1))
    assert (np.abs(values - maps) <= half * 1.01).all()
    assert np.abs(values - maps).max() > 0  # the statement about precision is needed
    assert read["map_channels"] == [[3, 7, 15]] * 3


def test_front_end_colours_are_matplotlibs(tmp_path):
    import matplotlib

    read = unpacked(ChannelBrowser(**arrays()), tmp_path)
    for ours, theirs in (("sequential", "cividis"), ("diverging", "PuOr")):
        wanted = np.round(matplotlib.colormaps[theirs](np.arange(256))[:, :3] * 255)
        assert (
            np.abs(np.reshape(read[ours], (256, 3)) - wanted).max() <= 6
        )  # of 255; ours are straight lines between 33 samples


def test_constant_maps_and_zero_scores_survive(tmp_path):
    given = arrays()
    given["maps"][..., 0] = -2.5
    given["scores_abs_mean"][:, 0] = 0
    read = unpacked(ChannelBrowser(**given), tmp_path)
    maps = np.reshape(read["maps"], (2, 3, 4, 3, 10))
    assert (maps[:, :, :, 0] == -2.5).all()
    assert (np.reshape(read["abs_mean"], (2, 3, 4, 16))[:, 0] == 0).all()


def test_three_forms_of_maps_are_one():
    given = arrays()
    tokens = given.pop("maps")
    channels, grid = given.pop("map_channels"), given.pop("grid")
    full = np.moveaxis(tokens, 4, 3).reshape(2, 3, 4, 3, 2, 5)
    blobs = {
        ChannelBrowser(**given, maps=tokens, map_channels=channels, grid=grid).blob,
        ChannelBrowser(**given, maps=full, map_channels=channels).blob,
        ChannelBrowser(**given, maps=full, map_channels=[channels] * 3).blob,
        ChannelBrowser(**given, maps={c: full[:, :, :, i] for i, c in enumerate(channels)}).blob,
    }
    assert len(blobs) == 1


def test_browser_of_a_real_capture(toy, prompts, tmp_path):
    import fewchannels as fc

    with fc.capture(toy, stats := fc.ChannelStats(), first := fc.KeepTokens(channels=[1, 5], steps=[0, 3])):
        images = toy.generate(prompts, seed=0, steps=4)
    massive = fc.top_channels(stats, k=4)
    with fc.capture(toy, again := fc.ChannelStats(), tokens := fc.KeepTokens(channels=massive)):
        toy.generate(prompts, seed=0, steps=4)
    browser = ChannelBrowser.from_capture(again, tokens, images=images, prompts=prompts, top=massive)
    assert browser.data["steps"] == [0, 1, 2, 3]
    assert browser.data["top"] == [list(map(int, row)) for row in massive.indices]
    read = unpacked(browser, tmp_path)
    # the mean of a kept map is the mean that the statistics have, within both precisions
    kept = np.reshape(read["maps"], (3, len(toy.layers), 4, 4, *first.grid))
    layer, step = 2, 3
    channels = read["map_channels"][layer]
    means = np.abs(kept[1, layer, step].mean((-2, -1)))
    np.testing.assert_allclose(means, np.abs(again.mean[1, layer, step, channels]), rtol=0.02, atol=0.02)
    some = ChannelBrowser.from_capture(stats, first, prompts=prompts, sigmas=[0.9, 0.6, 0.4, 0.1])
    assert some.data["steps"] == [0, 3]
    assert some.data["sigmas"] == [0.9, 0.1]


def test_hostile_strings_stay_strings():
    given = arrays()
    given["prompts"] = [HOSTILE, "plain"]
    given["layers"][0] = HOSTILE
    browser = ChannelBrowser(**given, title=HOSTILE, key=HOSTILE, start={"prompt": 0})
    page = Page(browser.to_html())
    assert page.tags.count("script") == 3  # program, data, loader: none was opened by the strings
    assert "img" not in page.tags
    data = next(text for attributes, text in page.scripts if attributes.get("type") == "application/json")
    assert "<" not in data
    assert "\u2028" not in data
    assert json.loads(data)["data"]["prompts"][0] == HOSTILE
    flip = Flipbook(
        given["images"], {HOSTILE: [1, 2]}, captions=[HOSTILE, "b"], numbers={HOSTILE: [0, 1]}, label=HOSTILE
    )
    page = Page(flip.to_html())
    assert (page.tags.count("script"), page.tags.count("img")) == (3, 0)


def test_sources_never_write_markup():
    for path in bundle.SOURCES.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path.name
        )
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path.name


def test_bundle_is_fresh():
    text = bundle.BUNDLE.read_text(encoding="utf-8")
    assert text == bundle.build(), "run python lib/fewchannels/widgets/bundle.py and commit bundle.js"
    assert len(text.encode()) < 240_000


def test_names_of_scores_and_edits_are_those_of_python():
    """One tuple: the page has a word for each score that is shown and for each edit that can be asked for."""
    text = (bundle.SOURCES / bundle.STRINGS).read_text(encoding="utf-8")
    words = {prefix: set(re.findall(rf'"{prefix}\.(\w+)":', text)) for prefix in ("score", "asked")}
    assert words["score"] - {"axis"} == set(names.SHOWN)
    assert set(names.ASKED) < words["asked"] <= {"none", *names.EDITS}
    assert (bundle.SOURCES / bundle.NAMES).read_text(encoding="utf-8") == bundle.names()


def test_bundle_refuses_what_it_does_not_understand(tmp_path):
    (tmp_path / "style.css").write_text(".fc-widget { color: red; }")
    (tmp_path / "part.js").write_text("export const one = 1;\n")
    (tmp_path / "index.js").write_text('import { one as two } from "./part.js";\nexport default two;\n')
    with pytest.raises(ValueError, match="renames"):
        bundle.build(tmp_path)
    (tmp_path / "index.js").write_text('import { one } from "./part.js";\nconst one = 2;\nexport default one;\n')
    with pytest.raises(ValueError, match="already declared in js/part"):
        bundle.build(tmp_path)
    (tmp_path / "part.js").write_text('import { x } from "./index.js";\nexport const one = 1;\n')
    with pytest.raises(ValueError, match="circle"):
        bundle.build(tmp_path)


def test_the_toy_world_browser_stays_small():
    rng = np.random.default_rng(0)
    prompts, layers, steps, width, channels = 3, 6, 8, 192, 24
    smooth = np.exp(rng.normal(0, 1, (prompts, layers, 1, width)) + rng.normal(0, 0.1, (prompts, layers, steps, width)))
    browser = ChannelBrowser(
        scores_abs_mean=smooth,
        scores_mean_abs=1.2 * smooth,
        energy=smooth**2,
        maps=rng.normal(size=(prompts, layers, steps, channels, 12, 12)),  # noise: no map packs worse
        map_channels=range(channels),
        images=np.repeat(rng.integers(0, 255, (prompts, 12, 12, 3), dtype=np.uint8), 4, 1).repeat(4, 2),
        prompts=["a large red star at the left on a striped blue and white background"] * prompts,
        layers=[f"transformer_blocks.{i}" for i in range(layers)],
    )
    data = len(browser.to_html(with_module=False).encode())
    assert data < 700_000
    assert len(browser.to_html().encode()) - data < 90_000  # the program, once a page


def test_program_is_carried_once_a_page(monkeypatch):
    monkeypatch.setattr(host.PageWidget, "_module_shown", False)
    widget = Flipbook(np.zeros((3, 8, 8, 3), np.uint8), {"k": [0, 1, 2]})
    assert "application/vnd.jupyter.widget-view+json" in widget._repr_mimebundle_()[0]
    monkeypatch.setenv("FEWCHANNELS_BOOK", "1")
    first, second = widget._repr_mimebundle_()["text/html"], widget._repr_mimebundle_()["text/html"]
    assert (first.count("data-fc-module>"), second.count("data-fc-module>")) == (1, 0)
    assert "<noscript>" in second


def saved_by_hand(widget) -> dict:
    """What a notebook holds of a widget that a cell's last line showed, without its state: by IPython's own way."""
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(widget)
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("widget", outputs=[output])])


def test_a_notebook_that_was_run_by_hand_becomes_a_page_with_what_the_book_shows(monkeypatch):
    monkeypatch.delenv("FEWCHANNELS_BOOK", raising=False)
    widget = ChannelBrowser(**arrays())
    notebook = saved_by_hand(widget)
    text = HTMLExporter().from_notebook_node(notebook)[0]
    scripts = Page(text).scripts
    assert any("data-fc-module" in attributes for attributes, _ in scripts)
    shown = [json.loads(text) for attributes, text in scripts if attributes.get("type") == "application/json"]
    assert [given["data"] for given in shown] == [json.loads(json.dumps(widget.data))]
    data = notebook.cells[0].outputs[0].data
    assert "application/vnd.jupyter.widget-view+json" in data, "a live front end takes this first"
    assert data["text/plain"].startswith("Channel browser: it runs in a live notebook")
    assert "widget.save('page.html')" in data["text/plain"]


def test_what_is_too_large_for_a_saved_notebook_leaves_a_sentence_with_the_remedy(monkeypatch):
    monkeypatch.delenv("FEWCHANNELS_BOOK", raising=False)
    monkeypatch.setattr(host, "STATIC", 10_000)
    text = HTMLExporter().from_notebook_node(saved_by_hand(ChannelBrowser(**arrays())))[0]
    assert not any("data-fc-module" in attributes for attributes, _ in Page(text).scripts)
    assert "widget.save('page.html')" in text
    assert "FEWCHANNELS_BOOK=1" in text


def pictures(html_or_sheet: dict) -> np.ndarray:
    data = base64.b64decode(html_or_sheet["url"].split(",", 1)[1])
    sheet = np.array(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    width, height, cell = html_or_sheet["width"], html_or_sheet["height"], html_or_sheet["cell"]
    out = []
    for place in html_or_sheet["order"]:
        top, left = place // html_or_sheet["columns"] * cell[1], place % html_or_sheet["columns"] * cell[0]
        out.append(sheet[top : top + height, left : left + width])
    return np.stack(out)


def test_sheets_keep_small_pictures_exactly_and_repeated_ones_once():
    images = np.random.default_rng(0).integers(0, 255, (5, 10, 17, 3), dtype=np.uint8)
    images[3] = images[1]
    packed = packing.sheet(images)
    np.testing.assert_array_equal(pictures(packed), images)
    assert packed["order"] == [0, 1, 2, 1, 3]
    for bad in (images.astype(np.float32), images[0], images[..., :1]):
        with pytest.raises(ValueError, match="expected uint8"):
            packing.sheet(bad)


def test_flipbook_packs_cells_in_the_order_of_its_axes(tmp_path):
    images = np.random.default_rng(1).integers(0, 255, (2, 3, 4, 8, 8, 3), dtype=np.uint8)
    values = np.arange(6.0).reshape(2, 3)
    values[1, 2] = np.nan
    flip = Flipbook(
        images,
        {"which": ["top", "random"], "k": [1, 2, 4]},
        numbers={"share": (values, values - 1, values + 1)},
        captions=[["a", "b", "c"], ["d", "e", "f"]],
        tile_labels=list("wxyz"),
        reference=images[0, 0],
        start={"which": "random", "k": 4},
    )
    assert [axis["control"] for axis in flip.data["axes"]] == ["buttons", "slider"]
    assert flip.state == {"axis0": 1, "axis1": 2}
    np.testing.assert_array_equal(pictures(flip.data["images"])[:24], images.reshape(24, 8, 8, 3))
    first = flip.data["reference"]["first"]
    np.testing.assert_array_equal(pictures(flip.data["images"])[first:], images[0, 0])
    assert unpacked(flip, tmp_path)["numbers"] == [["share", [0, 1, 2, 3, 4, None]]]


def test_a_flipbooks_skyline_keeps_sizes_and_stays_in_the_frame_of_its_start(tmp_path):
    sizes = np.random.default_rng(2).lognormal(size=(3, 2, 40)).astype(np.float32)
    chosen = np.zeros((2, 40), bool)
    chosen[0, 7] = chosen[1, 30] = True
    sizes[:, chosen] = [[50, 60], [0, 0], [5000, 600]]  # cells: at the start, without the chosen, with more of them
    flip = Flipbook(
        np.zeros((3, 4, 8, 8, 3), np.uint8),
        {"strength": ["0", "1", "2"]},
        controls={"strength": "slider"},
        marks={"strength": {"0": "untouched", "2": "more"}},
        skyline=(sizes, chosen, ["block 0", "block 1"]),
    )
    assert flip.data["axes"][0]["marks"] == [[0, "untouched"], [2, "more"]]
    assert flip.data["skyline"]["first"] == 0
    read = unpacked(flip, tmp_path)["skyline"]
    np.testing.assert_allclose(np.reshape(read["sizes"], sizes.shape), sizes, rtol=0.02)
    for cell, rows in enumerate(read["rows"]):
        for row, (others, few, most, ratio, top) in enumerate(rows):
            own = sizes[cell, row]
            assert (others, few) == (39, int(cell != 1))  # what is at zero has no bar
            assert most == own.argmax()
            assert ratio == pytest.approx(own.max() / np.median(own), rel=0.05)
            full = 1.25 * sizes[0, row].max()
            assert top == pytest.approx(100 * (1 - min(1, (own.max() / full) ** 0.5)), abs=1.5)


def test_a_skyline_that_does_not_fit_is_named():
    images, axes = np.zeros((2, 8, 8, 3), np.uint8), {"k": [1, 2]}
    with pytest.raises(ValueError, match=r"skyline sizes of shape \(2, 3\): expected \[2, 1, D\]"):
        Flipbook(images, axes, skyline=(np.ones((2, 3)), np.ones((1, 3), bool), ["a"]))
    with pytest.raises(ValueError, match=r"skyline chosen of float64 \(1, 3\): expected bool"):
        Flipbook(images, axes, skyline=(np.ones((2, 1, 3)), np.ones((1, 3)), ["a"]))


def test_readers_without_javascript_get_the_still_picture():
    widget = Flipbook(np.zeros((3, 8, 8, 3), np.uint8), {"k": [0, 1, 2]})
    assert "turned off here" in widget.to_html()
    assert "<noscript><img></noscript>" in widget.to_html(still="<img>")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores_abs_mean": np.zeros((2, 3))}, r"expected \[prompts, blocks, steps, channels\]"),
        (
            {"scores_mean_abs": np.zeros((2, 3, 4, 5))},
            r"scores_mean_abs of shape \(2, 3, 4, 5\): expected \(2, 3, 4, 16\)",
        ),
        ({"prompts": ["one"]}, "1 prompts: expected 2"),
        ({"steps": [0, 1]}, "2 steps: expected 4"),
        ({"map_channels": None}, "map_channels is missing"),
        ({"map_channels": (1, 2)}, r"map_channels of shape \(3, 2\)"),
        ({"map_channels": (1, 2, 16)}, "expected 0 to 15"),
        ({"grid": (3, 3)}, r"with grid=\(h, w\)"),
        ({"k": 0}, "k=0: expected 1 to 16"),
        ({"top": [[1], [2]]}, "top has 2 rows: expected 3"),
        ({"top": [[1], [2], [99]]}, r"channels \[99\]"),
    ],
)
def test_errors_say_what_was_given_and_what_is_expected(change, words):
    with pytest.raises(ValueError, match=words):
        ChannelBrowser(**{**arrays(), **change})


def test_values_that_no_page_can_draw_are_named():
    given = arrays()
    given["maps"][1, 2, 3, 4, 0] = np.inf
    with pytest.raises(ValueError, match="maps: 1 of 720 values are not finite"):
        ChannelBrowser(**given)
    with pytest.raises(ValueError, match="none below zero"):
        ChannelBrowser(**{**arrays(), "scores_abs_mean": -np.ones((2, 3, 4, 16))})
    with pytest.raises(ValueError, match="start names the axis"):
        Flipbook(np.zeros((2, 8, 8, 3), np.uint8), {"k": [1, 2]}, start={"q": 1})
    with pytest.raises(ValueError, match=r"images of shape \(2, 8, 8, 3\): expected \[3, H, W, 3\]"):
        Flipbook(np.zeros((2, 8, 8, 3), np.uint8), {"k": [1, 2, 3]})


def test_widgets_need_no_torch():
    code = "import sys, fewchannels.widgets; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
