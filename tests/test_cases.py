"""What the studies share: a case draws and reads, channel sets come with their controls, files say what made them."""

from __future__ import annotations

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.runfile import RunFileError
from fewchannels.studies.cases import Calibration, calibrate, control_sets, toy_case
from fewchannels.studies.files import agrees, load_study, save_study
from fewchannels.sweep import sweep
from fewchannels.toyworld.judge import ATTRIBUTES

STEPS = 2


@pytest.fixture(scope="module")
def case(toy):
    return toy_case(toy, 3, steps=STEPS)


@pytest.fixture(scope="module")
def calibration(toy):
    return calibrate(toy, ["a large red star at the center on a plain white background"] * 2, steps=STEPS)


def test_the_untouched_pictures_are_drawn_once_and_differ_from_nothing(case):
    first = case.untouched
    assert case.untouched is first
    found = case.measure(case.draw())
    assert found["change"].tolist() == [0, 0, 0]
    assert found["agree"].shape == (3, len(ATTRIBUTES))
    assert found["features"].shape == (3, 32)


def test_a_condition_holds_while_its_pictures_are_drawn(case, calibration):
    found = case.condition(fc.ablate, calibration.top(8))()
    assert (found["change"] > 0).all()
    assert ((found["moved"] > 0) & (found["moved"] < 1)).all()
    assert case.measure(case.draw())["change"].tolist() == [0, 0, 0]


def test_the_key_names_what_results_hang_on(toy, case):
    keys = [case.key(), toy_case(toy, 3, seed=1, steps=STEPS).key(), toy_case(toy, 2, steps=STEPS).key(),
            case.key(k=8)]  # fmt: skip
    assert len({str(key) for key in keys}) == 4
    assert case.key()["revision"].startswith("sha256:")


def test_controls_lie_outside_the_top(calibration):
    sets = control_sets(calibration, k=8, draws=2)
    assert list(sets) == ["top", "bottom", "random 1", "random 2", "energy-matched", "complement",
                          "random directions", "PCA"]  # fmt: skip
    for layer in range(len(sets["top"])):
        top = set(sets["top"][layer])
        for name in ("bottom", "random 1", "random 2", "energy-matched", "complement"):
            assert not top & set(sets[name][layer])
        assert len(top) + len(sets["complement"][layer]) == calibration.width


def test_shares_add_up_and_agree_between_channels_and_axes(calibration):
    top, others = calibration.top(8), control_sets(calibration, 8)["complement"]
    np.testing.assert_allclose(calibration.shares(top)["energy"] + calibration.shares(others)["energy"], 1, rtol=1e-6)
    np.testing.assert_allclose(calibration.shares(top)["width"], 8 / calibration.width)
    pca = calibration.shares(control_sets(calibration, 8)["PCA"])
    assert (pca["energy"] >= 0.9 * calibration.shares(top)["energy"]).all()  # no 8 directions hold more


def test_without_moments_there_are_no_directions(calibration):
    sets = control_sets(Calibration(calibration.stats, None), k=8)
    assert "PCA" not in sets
    assert "random directions" not in sets


def test_a_study_comes_back_from_its_file(tmp_path, case, calibration):
    cells = sweep({"top 8/zero": case.condition(fc.ablate, calibration.top(8))})
    path = save_study(tmp_path / "study.safetensors", case, cells, {"k": [8]})
    study = load_study(path)
    np.testing.assert_array_equal(study["top 8/zero"]["change"], cells["top 8/zero"]["change"])
    assert study.prompts == case.prompts
    assert study.index["k"] == [8]
    assert "3 prompts" in study.source()
    assert f"{STEPS} steps" in study.source()
    with pytest.raises(KeyError, match=r"no condition 'top 9'.*top 8/zero"):
        study["top 9"]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunFileError, match="cut short"):
        load_study(path)


def test_a_slice_agrees_within_the_study_interval_and_not_beyond():
    kept = np.random.default_rng(0).normal(1, 0.2, 64)
    assert agrees(kept[:16] + 0.001, kept)
    assert not agrees(kept[:16] + 0.2, kept)
