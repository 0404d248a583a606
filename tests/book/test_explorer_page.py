"""The explorer's page: its runs are made once, its placeholders are filled, its sizes are those of real files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import explorer_page
import fewchannels as fc
import numpy as np
import pytest
from fewchannels.channels import ChannelSet
from fewchannels.identity.codes import Codes
from fewchannels.runfile import PROVENANCE, Run, save_run
from fewchannels.widgets.explorer_runs import AXES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The page's runs with one prompt and two steps, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorer_page, "BUILT", tmp_path_factory.mktemp("explorer"))
        for name in ("PROMPTS", "SAMPLE_PROMPTS"):
            patch.setattr(explorer_page, name, getattr(explorer_page, name)[:1])
        patch.setattr(explorer_page, "STEPS", 2)
        patch.setattr(explorer_page, "MAP_STEPS", [0, 1])
        yield explorer_page.runs()


def test_the_runs_belong_together(small):
    runs = [fc.load_run(small / f"{name}.safetensors") for name in ("untouched", "other-seed", "zeroed")]
    assert [run.provenance["seed"] for run in runs] == [0, 1, 0]
    assert len({str(run.index["channels"]) for run in runs}) == 1  # the same channels before and after
    top = ChannelSet.from_json(runs[0].index["channels"]["top"])
    assert runs[2].provenance["edit"]["channels"] == top.to_json()
    assert not runs[2].stats["max_abs"][0, 3][:, top[3]].any()
    np.testing.assert_array_equal(runs[0].images["top 8 at zero"], runs[2].images)
    assert set(runs[0].images) == {"", "top 8 at zero", "random 8 at zero", "bottom 8 at zero"}
    sample = fc.load_run(small / explorer_page.SAMPLE)
    assert sample.provenance["seed"] == 2


def test_runs_are_made_once(small, monkeypatch):
    monkeypatch.setattr(explorer_page, "_make", lambda folder: pytest.fail("made again"))
    assert explorer_page.runs() == small
    monkeypatch.setattr(explorer_page, "CODE", explorer_page.CODE[1:])
    with pytest.raises(pytest.fail.Exception, match="made again"):
        explorer_page.runs()


def test_placeholders_are_filled(small, tmp_path):
    book = tmp_path / "book"
    (book / "assets").mkdir(parents=True)
    assert explorer_page.write_page(tmp_path) is False
    text = (ROOT / "book" / "explorer.md").read_text(encoding="utf-8")
    assert all(text.count(mark) == 1 for mark in explorer_page.PLACEHOLDERS)
    (book / "explorer.md").write_text(text, encoding="utf-8")
    assert explorer_page.write_page(tmp_path) is True
    page = (book / "explorer.md").read_text(encoding="utf-8")
    assert not any(mark in page for mark in explorer_page.PLACEHOLDERS)
    assert page.count('class="fc-widget"') == 1
    assert page.count("```{raw} html") == 1
    assert (book / "assets" / explorer_page.SAMPLE).stat().st_size < 2_000_000
    assert f'href="../_static/{explorer_page.SAMPLE}"' in page
    assert len(re.findall(r"\| [\d.]+ [MG]B \|", page)) == 5


def test_a_page_that_outgrows_its_bound_is_an_error(small, monkeypatch):
    monkeypatch.setattr(explorer_page, "MOST_BYTES", 10_000)
    with pytest.raises(ValueError, match="at most 10000"):
        explorer_page.explorer_page_html(small)


@pytest.mark.parametrize("prompts", [None, 3])
def test_sizes_of_large_runs_are_those_of_files(tmp_path, monkeypatch, prompts):
    shape = {"layers": 3, "steps": 4, "width": 64, "grid": (6, 8), "k": 2, "map_prompts": 2, "map_steps": 3}
    monkeypatch.setattr(explorer_page, "FLUX", shape)
    stats = np.zeros((prompts or 1, 3, 4, 64), np.float32)
    run = Run(
        provenance=dict.fromkeys(PROVENANCE),
        prompts=["a"] * 3,
        stats={name: stats for name in ("mean", "mean_abs", "max_abs", "var")},
        maps={"top": np.zeros((2, 3, 3, 6, 8, 2), np.float16)},
        index={"maps": {"top": {"axes": AXES}}},
    )
    size = save_run(tmp_path / "run.safetensors", run).stat().st_size
    assert 0 < size - explorer_page.flux_bytes(prompts) < 2000  # the header


def test_everything_that_a_recording_loads_is_in_the_digest():
    code = (
        "import sys, fewchannels as fc, fewchannels.measure.recording\n"
        "fc.load('toyworld').generate(['a red star'], steps=1)\n"
        # a package is its modules
        "modules = {name for name, one in sys.modules.items() if name != getattr(one, '__package__', None)}\n"
        "print(*{name for name in modules if name.startswith('fewchannels.')})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    reached = {module for name in explorer_page.CODE for module in Codes().reached(name)}
    assert set(found.split()) <= reached
