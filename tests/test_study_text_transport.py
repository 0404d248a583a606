"""Transport between prompts: its controls and rivals do what they say, and choosing never sees the evaluation pairs."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.studies import outcomes
from fewchannels.studies import text_transport as study
from fewchannels.studies.blending import blend_latents, blend_velocities, interpolate_prompts, record_steps
from fewchannels.studies.cases import calibrate
from fewchannels.studies.files import load_study, save_study
from fewchannels.studies.levels import looked_blocks
from fewchannels.studies.pairs import pair_case, prompt_pairs
from fewchannels.studies.rivals import METHODS, flat, methods_of, mixable, reaches, rivals
from fewchannels.sweep import sweep


@pytest.fixture(scope="module")
def toy():
    return fc.load("toyworld")


@pytest.fixture(scope="module")
def calibration(toy):
    return calibrate(toy, fc.prompts.toyworld_prompts(2, "calibration"), steps=2)


@pytest.fixture(scope="module")
def case(toy, calibration):
    return pair_case(toy, prompt_pairs(3, first=1), steps=2, masks_on=calibration.top(8))


@pytest.fixture(scope="module")
def recorded(toy, case):
    with record_steps(toy) as steps:
        case.draw(prompts=case.sources)
    return steps


def test_blending_all_gives_the_source_and_nothing_the_target(toy, case, recorded):
    nowhere = np.zeros((3, 12, 12), bool)
    pairs = dict(zip(case.prompts, case.sources, strict=True))
    for blend in (blend_latents, blend_velocities):
        assert np.array_equal(case.draw(blend(toy, recorded)), case.source.images)
        assert np.array_equal(case.draw(blend(toy, recorded, weight=0.0)), case.untouched)
        assert np.array_equal(case.draw(blend(toy, recorded, nowhere)), case.untouched)
    assert np.array_equal(case.draw(interpolate_prompts(toy, pairs, 1.0)), case.source.images)
    assert np.array_equal(case.draw(interpolate_prompts(toy, pairs, 0.0)), case.untouched)
    half = case.draw(interpolate_prompts(toy, pairs, 0.5))
    assert (half != case.untouched).any()
    assert (half != case.source.images).any()


def test_blending_stays_inside_its_mask_and_its_steps(toy, case, recorded):
    mask = np.zeros((12, 12), bool)
    mask[3:6, 3:6] = True
    pasted = case.draw(blend_latents(toy, recorded, mask, steps=-1))
    inside = np.kron(mask, np.ones((4, 4), bool))
    assert np.array_equal(pasted[:, inside], case.source.images[:, inside])
    assert np.array_equal(pasted[:, ~inside], case.untouched[:, ~inside])
    assert not np.array_equal(case.draw(blend_latents(toy, recorded, mask, steps=0)), pasted)


def test_batches_are_matched_with_their_sources(toy, case, recorded):
    with record_steps(toy) as again:
        toy.generate(case.sources, seed=0, steps=2, batch_size=2)
    assert again.samples == 3
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(again.latents, recorded.latents, strict=True))
    with blend_latents(toy, recorded):
        images = toy.generate(case.prompts, seed=0, steps=2, batch_size=2)
    assert np.array_equal(images, case.source.images)


def test_blending_leaves_the_pipeline_as_it_was_and_refuses_what_does_not_fit(toy, case, recorded):
    with pytest.raises(ValueError, match="sample 2 has none"), blend_latents(toy, recorded, np.ones((2, 12, 12), bool)):
        case.draw()
    with pytest.raises(ValueError, match="over 2 steps"), blend_velocities(toy, recorded):
        toy.generate(case.prompts, seed=0, steps=3)
    with pytest.raises(ValueError, match="weight=2"), interpolate_prompts(toy, {}, 2):
        pass
    with pytest.raises(TypeError, match="record_steps"), blend_latents(toy, case.source):
        pass
    with pytest.raises(RuntimeError, match="on purpose"), interpolate_prompts(toy, {}, 0.5):
        raise RuntimeError("on purpose")
    assert not {"step"} & set(vars(toy.pipeline.scheduler))
    assert "encode_prompt" not in vars(toy.pipeline)
    assert np.array_equal(case.draw(), case.untouched)


def test_headline_has_every_control_with_its_ceiling_and_chance(case, calibration):
    sets = study.transport_sets(case, calibration, case)
    assert {"complement", "random directions", "PCA", "PCA of the difference", "top of the difference"} <= set(sets)
    conditions = study.headline(case, sets)
    cells = sweep({name: conditions[name] for name in ("source", "untouched", "all", "wrong source", "all, in mask")})
    assert (cells["source"]["to_source"] == 0).all()
    assert (cells["untouched"]["to_target"] == 0).all()
    assert (cells["all"]["to_source"] < 0.1 * cells["untouched"]["to_source"]).all()
    assert (cells["wrong source"]["to_source"] > cells["all"]["to_source"]).all()
    assert outcomes.covered(cells, "source") == (1, 1, 1)
    assert outcomes.covered(cells, "untouched").value == 0
    assert 0 < outcomes.covered(cells, "all, in mask").value < outcomes.covered(cells, "all").value
    assert outcomes.ahead(cells, "source", ["untouched", "untouched"]).low > 0
    rows = study.described(case, calibration, sets)
    assert rows["all"]["difference"] == pytest.approx(1)
    assert rows["top"]["difference"] + rows["complement"]["difference"] == pytest.approx(1)
    assert rows["top of the difference"]["difference"] > rows["top"]["difference"]


def test_names_of_windows_zones_and_settings():
    assert list(study.windows(8)) == ["steps 1-2", "steps 3-4", "steps 5-6", "steps 7-8"]
    assert study.zones(6) == {"blocks 0-1": [0, 1], "blocks 2-3": [2, 3], "blocks 4-5": [4, 5]}
    assert list(reaches(8)) == ["first 2", "first 4", "first 6", "all 8", "last 6", "last 4"]
    assert list(reaches(2)) == ["first 1", "all 2", "last 1"]


def test_sizes_and_blocks_grow_with_the_model_and_stay_few():
    assert study.sizes(192) == [1, 2, 4, 16, 32, 64]
    assert study.sizes(16) == [1, 2, 4, 16]
    assert study.sizes(3072) == [1, 2, 4, 16, 32, 64, 256]
    assert looked_blocks(6) == [0, 1, 2, 3, 4, 5]
    assert looked_blocks(1) == [0]
    assert looked_blocks(57)[-1] == 56
    assert len(looked_blocks(57)) == 8


def test_a_pipeline_that_cannot_mix_prompts_has_no_such_rival(toy, case, calibration, monkeypatch):
    assert mixable(case)
    monkeypatch.setattr(toy.pipeline, "encode_prompt", None)
    assert not mixable(case)
    conditions = flat(rivals(case, calibration.top(8), mixed=False))
    assert methods_of(conditions) == ["transport", "latents", "velocities"]
    assert "asked for, prompt" in conditions


def _cell(adopted, retained):
    subject = np.tile(np.array(adopted, float)[:, None], (1, 4))
    scene = np.tile(np.array(retained, float)[:, None], (1, 2))
    return {"adopted": np.hstack([subject, 1 - scene]), "retained": np.hstack([1 - subject, scene])}


def test_choice_ratio_and_lead():
    cells = {"latents, a": _cell([1, 0], [1, 1]), "latents, b": _cell([1, 1], [0, 0]), "prompts, a": _cell([0], [1])}
    assert outcomes.choose(cells, "latents") == "latents, a"
    with pytest.raises(ValueError, match="'velocities'"):
        outcomes.choose(cells, "velocities")
    assert outcomes.both_goals(outcomes.goals(cells["latents, a"])) == pytest.approx(2 / 3)
    assert outcomes.ratio(np.array([0.5, 0.5]), np.array([1.0, 1.0])) == (0.5, 0.5, 0.5)
    assert outcomes.lead(cells["latents, a"], cells["latents, b"]).value == pytest.approx(2 / 3)


def test_the_study_runs_goes_on_and_is_kept(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(
        study, "calibrate", lambda model, steps: calibrate(model, fc.prompts.toyworld_prompts(2), steps=steps)
    )
    lines = []
    case, cells, index = study.full_study(toy, tmp_path / "store", lines.append, n=2, steps=1)
    assert {"top", "best transport", "swept: top, k 1", "tried: prompts, weight 0.5", "asked for"} <= set(cells)
    done = len(lines)
    study.full_study(toy, tmp_path / "store", lines.append, n=2, steps=1)
    assert len(lines) == done
    kept = load_study(save_study(tmp_path / "text_transport.safetensors", case, cells, index))
    assert np.array_equal(kept["top"]["adopted"], cells["top"]["adopted"], equal_nan=True)
    assert set(kept.index["best"]) == set(METHODS)
