"""What the studies share: a case draws and reads, channel sets come with their controls, files say what made them."""

from __future__ import annotations

import dataclasses

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.channels import ChannelSet
from fewchannels.judges import ToyJudge
from fewchannels.metrics import squared_distance
from fewchannels.prompt_files import PromptFileError
from fewchannels.runfile import RunFileError
from fewchannels.stats import ChannelStats
from fewchannels.studies import cases
from fewchannels.studies.cases import (
    Calibration,
    calibrate,
    control_sets,
    evaluation_prompts,
    plain_case,
    toy_case,
)
from fewchannels.studies.disruption import Bench
from fewchannels.studies.files import agrees, fitting_study, load_study, save_study
from fewchannels.studies.pairs import PairReader, prompt_pairs
from fewchannels.studies.readers import PicturesReader, smaller
from fewchannels.studies.subjects import subject_case
from fewchannels.sweep import sweep
from fewchannels.toyworld.judge import ATTRIBUTES
from PIL import Image

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


def test_prompts_come_from_a_file_or_are_those_of_the_model(toy, flux, tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("a red fox in snow\na cup\n")
    assert evaluation_prompts(flux, 2, path) == ["a red fox in snow", "a cup"]
    assert evaluation_prompts(flux, 1) == ["a red fox in fresh snow under pine trees"]
    assert evaluation_prompts(toy, 2) == fc.prompts.toyworld_prompts(2)
    with pytest.raises(PromptFileError, match=r"holds 2 prompts: n=3"):
        evaluation_prompts(flux, 3, path)
    with pytest.raises(ValueError, match=r"unknown word 'fox'"):
        toy_case(toy, 1, prompt_file=path)
    path.write_text("a Large red star at the left on a plain blue background\n")
    case = toy_case(toy, 1, steps=1, prompt_file=path)
    assert case.prompts == ["a large red star at the left on a plain blue background"]
    assert case.read.attributes[0].subjects[0].shape == "star"


class _Judge:
    """Fits a picture to a prompt by its mean: a judge that can be checked by hand."""

    def provenance(self):
        return {"judge": "mean", "model": "none", "revision": None}

    def scores(self, images, prompts):
        return images.mean(axis=(1, 2, 3)) / 255 + [len(prompt) for prompt in prompts]

    def features(self, images):
        return images.reshape(len(images), -1)[:, :4].astype(float)


def test_a_plain_case_is_read_by_its_judge_and_its_key_says_which(flux):
    case, bare = plain_case(flux, 2, steps=1, judge=_Judge()), plain_case(flux, 2, steps=1)
    images = np.full((2, 8, 8, 3), 51, np.uint8)
    found = case.read(images)
    assert found["score"].tolist() == pytest.approx([len(prompt) + 0.2 for prompt in case.prompts])
    assert (found["score"].dtype, found["features"].dtype, found["features"].shape) == ("float32", "float16", (2, 4))
    assert bare.read(images) == {}
    assert case.key()["judge"]["judge"] == "mean"
    assert "judge" not in bare.key()
    assert {"class", "dtype", "quantize"} <= set(bare.key())
    assert plain_case(flux, 1).steps == flux.steps
    with pytest.raises(ValueError, match="32 evaluation prompts"):
        plain_case(flux, 33)


def other_reader(case, patch, tmp_path):
    return dataclasses.replace(case, read=PicturesReader(case.read))


def other_pairs(case, patch, tmp_path):
    return dataclasses.replace(case, read=PairReader(prompt_pairs(1, "calibration"), case.read.judge))


def other_judge(case, patch, tmp_path):
    judge = ToyJudge()
    with torch.no_grad():
        judge.judge.network.subject["shape"].weight[0].mul_(1.001)
    return dataclasses.replace(case, read=PairReader(case.pairs, judge))


def other_picture(case, patch, tmp_path):
    image = np.asarray(Image.open(case.files[0])).copy()
    image[0, 0, 0] ^= 1
    Image.fromarray(image).save(case.files[0])
    return dataclasses.replace(case)


def other_masks(case, patch, tmp_path):
    return dataclasses.replace(case, masks_on=ChannelSet.same([3, 5], 6, 192, case.masks_on.label))


def other_captions(case, patch, tmp_path):
    return dataclasses.replace(case, sources=[""])


def other_kind(case, patch, tmp_path):
    return dataclasses.replace(case, way="invert")


def other_code_here(case, patch, tmp_path):
    patch.setattr(cases, "squared_distance", lambda a, b: 2 * squared_distance(a, b))
    return dataclasses.replace(case)


def other_code_there(case, patch, tmp_path):
    from fewchannels import clustering

    plain = clustering.two_means
    patch.setattr(clustering, "two_means", lambda *args, **options: plain(*args, **options))
    return dataclasses.replace(case)


def other_weights(case, patch, tmp_path):
    model = fc.load("toyworld", device="cpu")
    model.pipeline.text_encoder.words.weight.data[5, 5] += 1e-3
    return dataclasses.replace(case, model=model)


@pytest.mark.parametrize("change", [other_reader, other_pairs, other_judge, other_picture, other_masks, other_captions,
                                    other_kind, other_code_here, other_code_there, other_weights])  # fmt: skip
def test_a_kept_cell_is_not_that_of_another_reader_judge_picture_model_or_code(toy, tmp_path, monkeypatch, change):
    lines = []

    def made(folder):
        return subject_case(toy, 1, folder, steps=1, masks_on=ChannelSet.same([3, 4], 6, 192), judge=ToyJudge())

    def cell(case):
        return sweep({"cell": lambda: case.measure(case.untouched)}, tmp_path / "store", case.key(), lines.append)

    case = dataclasses.replace(made(tmp_path / "one"), read=None)
    case = dataclasses.replace(case, read=PairReader(case.pairs, ToyJudge()))
    cell(case)
    assert len(lines) == 1
    moved = made(tmp_path / "two")  # a judge, files and folder of their own, which are the same
    cell(dataclasses.replace(moved, read=PairReader(moved.pairs, ToyJudge())))
    assert len(lines) == 1
    with monkeypatch.context() as patch:
        cell(change(case, patch, tmp_path))
    assert len(lines) == 2, "the cell of before was handed over"


def test_a_bench_is_known_by_the_numbers_that_its_sets_are_made_of(toy, calibration):
    case = toy_case(toy, 1, steps=1)
    arrays = calibration.stats.to_arrays()
    other = Calibration(ChannelStats.from_arrays(arrays | {"mean": arrays["mean"] + 1}, calibration.stats.layers), None)
    same = Calibration(ChannelStats.from_arrays(arrays, calibration.stats.layers), None)
    keys = [Bench(case, one).key() for one in (Calibration(calibration.stats, None), same, other)]
    assert keys[0] == keys[1] != keys[2]


def test_a_study_is_not_that_of_a_model_that_was_changed_since(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    model = fc.load("toyworld", device="cpu")
    case = toy_case(model, 1, steps=1)
    save_study(tmp_path / "results" / "critical.safetensors", case, {"a": {"change": np.ones(1)}}, {})
    assert fitting_study("critical", case) is not None
    model.transformer.pos_embed.proj.weight.data.mul_(1.01)
    assert fitting_study("critical", case) is None


def test_pictures_that_are_kept_are_small():
    images = np.zeros((2, 64, 96, 3), np.uint8)
    assert smaller(images) is images
    images[:, :, 48:] = 200
    found = PicturesReader(lambda given: {"seen": np.array([given.shape[2]] * 2)})(np.repeat(images, 6, axis=2))
    assert found["pictures"].shape == (2, 28, 256, 3)
    assert found["seen"].tolist() == [576, 576], "the reader itself sees them whole"
    assert set(np.unique(found["pictures"])) == {0, 200}


def test_a_calibration_that_is_kept_is_the_same(toy, prompts, tmp_path):
    plain, kept, again = (calibrate(toy, prompts[:2], steps=2, store=store) for store in (None, tmp_path, tmp_path))
    for one in (kept, again):
        np.testing.assert_array_equal(one.stats.energy, plain.stats.energy)
        np.testing.assert_array_equal(one.moments, plain.moments)
        assert one.key == plain.key
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
