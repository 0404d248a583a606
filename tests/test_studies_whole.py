"""Every study runs whole at the smallest size, on the toy world and on a real class; what it keeps is what it gives."""

from __future__ import annotations

import importlib

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.studies.__main__ import NAMES
from fewchannels.studies.files import load_study, save_study
from tiny_pipelines import PIPELINES

# conditions that a study has on every model; those that it has on the toy world alone; a measure of them
HELD = {
    "critical": ({"untouched", "zero top 8", "resample random 3 of 8", "shift bottom 8", "zero top of each prompt 8",
                  "zero top 8 by 0.5", "zero top 8 on text"}, {"another prompt"}, "change"),
    "spatial": ({"scenes: top", "generated: frozen", "generated: other noise", "k: top, k = 4", "protocol: as stated",
                 "scenes: on pixels", "generated: priors"}, {"scenes: attention to noun"}, "iou"),
    "text_transport": ({"top", "all", "wrong source", "best transport", "swept: top, k 1", "tried: prompts, weight 0.5",
                        "swept: top, target"}, {"asked for", "swept: top, the judge's"}, "to_target"),
    "subject_transport": ({"same: top 8", "same: best inversion", "ways: invert 3", "sweep: image-to-image 1",
                           "calibration: pasting 1, union mask", "elsewhere: pasting", "nothing: untouched",
                           "empty caption: top 8"}, set(), "to_target"),
    "level_pattern": ({"untouched", "no level/top", "mean level/random 1", "zero in block 0", "writers/top",
                       "levels/random 1", "carry pattern/bottom", "difference", "levels, background 1"},
                      {"probes", "probes, no caption"}, "change"),
}  # fmt: skip


@pytest.fixture(scope="module")
def real():
    """Stable Diffusion 3 of random parts, whose blocks all studies can read, at the size of the toy world's judge."""
    made = PIPELINES["SD3"]()
    asked = {"height": 48, "width": 48, **made.common, **made.plain}
    return fc.load(made.pipeline, generation=asked)


def run(name, model, store, lines):
    more = {"scenes": 24} if name == "level_pattern" else {}
    study = importlib.import_module(f"fewchannels.studies.{name}")
    return study.full_study(model, store, lines.append, n=2, steps=2 if name == "subject_transport" else 1, **more)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["toy", pytest.param("real", marks=pytest.mark.slow)])
def test_a_study_runs_whole_is_kept_and_goes_on(name, kind, request, tmp_path):
    model, lines = request.getfixturevalue(kind), []
    case, cells, index = run(name, model, tmp_path / "store", lines)
    everywhere, on_the_toy, read = HELD[name]
    assert everywhere <= set(cells)
    assert on_the_toy <= set(cells) if kind == "toy" else not {"probes", "scenes: attention to noun"} & set(cells)
    assert not any("failed" in line for line in lines)
    for condition, cell in cells.items():
        for part, array in cell.items():
            assert not np.isinf(np.asarray(array, np.float64)).any(), (condition, part)
    known = [cell[read] for cell in cells.values() if read in cell]
    assert len(known) > 10
    assert any(np.nanmax(array) > 0 for array in known), "nothing was done to any picture"
    kept = load_study(save_study(tmp_path / f"{name}.safetensors", case, cells, index))
    assert list(kept.cells) == list(cells)
    done = len(lines)
    _, again, told = run(name, model, tmp_path / "store", lines)
    assert lines[done:] == [], "all was kept"
    assert told == index
    for condition, cell in cells.items():
        for part, array in cell.items():
            np.testing.assert_array_equal(again[condition][part], array, err_msg=f"{condition}: {part}")
            np.testing.assert_array_equal(kept[condition][part], array, err_msg=f"{condition}: {part}")


def test_a_study_of_subjects_says_how_many_steps_it_takes(toy, tmp_path):
    with pytest.raises(ValueError, match="steps=1: expected at least 2"):
        importlib.import_module("fewchannels.studies.subject_transport").full_study(toy, tmp_path, n=2, steps=1)
