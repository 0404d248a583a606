"""Chapter 3 on models that are not the toy world: their own pictures, at any grid, depth, width and number of steps."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels import capture
from fewchannels.masks import partition
from fewchannels.natural_prompts import natural_prompts
from fewchannels.studies.cases import calibrate, plain_case
from fewchannels.studies.clusters import Maps, Rule
from fewchannels.studies.looked import look
from fewchannels.studies.mask_baselines import priors_of_others
from fewchannels.studies.own_pictures import PictureClusters, ks_of, own_conditions, with_middle
from fewchannels.studies.watched import at_levels, tokens_of, watched
from fewchannels.sweep import sweep
from tiny_pipelines import PIPELINES

SUBJECTS = [prompt.subject for prompt in natural_prompts(3)]


def loaded(name):
    case = PIPELINES[name]()
    generation = {**case.common, **case.plain, "height": 64, "width": 96}
    return fc.load(case.pipeline, generation=generation)


@pytest.fixture(scope="module", params=["SD3", "PixArt-Sigma", "FLUX.2-klein"])
def dit(request):
    return loaded(request.param)


def test_indices_are_spread_evenly_with_first_middle_and_last():
    for count in range(1, 70):
        found = with_middle(count, 8)
        assert found == sorted(set(found))
        assert len(found) == min(count, 8)
        assert {0, count - 1, count // 2} <= set(found)
    assert ks_of(24) == (1, 2, 4, 8, 16, 24)


@pytest.mark.parametrize(("n", "steps"), [(2, 1), (3, 2)])
def test_every_condition_has_its_shape_on_any_model(dit, tmp_path, n, steps):
    case = plain_case(dit, n, steps=steps)
    calibration = calibrate(dit, case.prompts, steps=steps)
    layers, at = with_middle(len(dit.layers), 2), list(range(steps))
    conditions = own_conditions(case, SUBJECTS[:n], PictureClusters(), calibration, 4, layers, at, early=0)
    cells = sweep(conditions, tmp_path, case.key(k=4))
    assert cells["generated: top"]["iou"].shape == (n, 2, steps)
    assert cells["generated: own estimate"]["iou"].shape == (n, 1, steps)
    assert cells["generated: other noise"]["iou"].shape == (n, 2, 1)
    assert cells["protocol: as stated"]["best"].shape == (n, 2, 1)
    assert cells["k: top, k = 2"]["iou"].shape == (n, 1, 1)
    assert {"everything", "random half", "centred disc", "average mask"} == set(cells["generated: priors"])
    for name, cell in cells.items():
        for part, values in cell.items():
            known = values[~np.isnan(values)]
            assert ((known >= 0) & (known <= 1 + 1e-6)).all(), (name, part)
    again = sweep(dict.fromkeys(conditions, lambda: pytest.fail("computed twice")), tmp_path, case.key(k=4))
    assert (again["generated: top"]["iou"] == cells["generated: top"]["iou"]).all()


def test_some_blocks_and_steps_are_those_of_a_look_at_all(dit):
    prompts = [str(p) for p in natural_prompts(2)]
    whole = look(dit, prompts, {"top": Rule("top", 4)}, steps=3)
    part = look(dit, prompts, {"top": Rule("top", 4)}, steps=3, layers=[1], at=[0, 2], keep_loop=False)
    assert (part.clusters["top"] == whole.clusters["top"][:, 1:2, [0, 2]]).all()
    assert (part.clusters["own estimate"] == whole.clusters["own estimate"][:, :, [0, 2]]).all()
    assert part.sigmas == pytest.approx(whole.sigmas[[0, 2]])
    assert part.loop is None
    assert whole.loop.noisy(whole.grid).shape[:3] == (2, 3, 24)


@pytest.mark.parametrize("name", ["SD3", "PixArt-Sigma"])
def test_the_last_estimate_is_the_picture_itself_whatever_the_scheduler(name):
    model = loaded(name)
    with watched(model) as loop:
        latents = model.generate(["a blue teapot on a wooden kitchen table"], steps=3, output="latent")
    assert (np.diff(loop.sigmas) < 0).all()
    assert loop.estimate((4, 6))[:, -1] == pytest.approx(tokens_of(latents.float(), (4, 6)).numpy(), abs=2e-2)


def test_what_cannot_be_looked_at_is_left_out_with_its_reason(dit, monkeypatch):
    for module in ("scheduler", "studies.watched"):
        monkeypatch.setattr(
            f"fewchannels.{module}.signal_and_noise", lambda s: (_ for _ in ()).throw(ValueError("unheard of"))
        )
    looked = look(dit, ["a black cat on a window sill in the rain"], {"top": Rule("top", 4)}, steps=2)
    assert looked.left_out == dict.fromkeys(["own estimate", "own estimate, scaled"], "unheard of")
    truth = np.ones((1, *looked.grid), bool)
    assert np.isnan(looked.iou("own estimate", truth)).all()
    assert looked.iou("noisy pixels", truth).shape == (1, 1, 2)
    assert looked.sigmas == pytest.approx([1, 0.5])
    with pytest.raises(RuntimeError, match="no estimate of the clean picture: unheard of"):
        looked.loop.estimate(looked.grid)


def test_noise_levels_of_choice_need_a_flow():
    with (
        pytest.raises(ValueError, match="DPMSolverMultistepScheduler has no noise levels"),
        at_levels(loaded("PixArt-Sigma"), [0.5]),
    ):
        pass


def test_maps_are_those_of_partition(dit):
    with capture(dit, maps := Maps(4), kept := fc.KeepTokens(dtype="float32")):
        dit.generate([str(p) for p in natural_prompts(2)], steps=2)
    expected = partition(kept.array[:, 1, 1], k=4, grid=kept.grid)
    assert maps.width == kept.array.shape[-1]
    assert (maps.mask[:, 1, 1] == expected.mask).all()
    assert maps.heat[:, 1, 1] == pytest.approx(expected.heat)
    assert maps.largest[:, 1, 1].std(axis=(1, 2)) == pytest.approx(1, abs=1e-3)


def test_without_a_segmenter_a_picture_is_divided_by_its_own_pixels():
    pictures = np.full((2, 60, 90, 3), 30, np.uint8)
    pictures[0, 20:40, 30:60] = 220
    masks = PictureClusters().masks(pictures)
    truth = np.zeros((60, 90), bool)
    truth[20:40, 30:60] = True
    assert (masks[0] & truth).sum() / (masks[0] | truth).sum() > 0.9
    assert not masks[1].any()  # nothing to divide


def test_priors_are_fitted_on_the_others_alone():
    masks = np.zeros((3, 6, 6), bool)
    masks[0, :2], masks[1, 3:5, 3:5], masks[2, 3:5, 3:5] = True, True, True
    found = priors_of_others(masks)
    assert (found["average mask"][0] == masks[1]).all()
    assert found["everything"].shape == masks.shape
    assert priors_of_others(np.zeros((2, 3, 3), bool))["average mask"].all()
    with pytest.raises(ValueError, match="at least 2"):
        priors_of_others(masks[:1])


def test_latents_of_one_frame_are_read_and_others_refused():
    latents = torch.arange(24.0).reshape(1, 1, 1, 4, 6)
    assert tokens_of(latents, (2, 3)).shape == (1, 6, 1)
    with pytest.raises(ValueError, match="do not divide"):
        tokens_of(latents.expand(1, 1, 2, 4, 6), (2, 3))
