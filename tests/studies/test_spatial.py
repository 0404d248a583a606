"""Masks of the subject: one value a picture from the study's arrays, and what its figures take."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels import plots
from fewchannels.figures import spatial as figures
from fewchannels.instruments.clusters import Maps
from fewchannels.notebook.chapters import other_trainings, prompts_for, truth_for
from fewchannels.studies.replicas import PREDECESSOR
from fewchannels.studies.results import Results
from fewchannels.studies.spatial import CLAIMED, at, difference, mean_of, places
from fewchannels.studies.spatial import tested as of_claims
from fewchannels.watch.loop import watched

N, BLOCKS, LEVELS = 6, 4, (1.0, 0.8, 0.6)


def looks(levels=LEVELS, seed=0):
    """What one look gives: the top at block / 10 + step / 100, everything else by chance."""
    rng = np.random.default_rng(seed)
    shape = (N, BLOCKS, len(levels))
    top = np.broadcast_to(np.arange(BLOCKS)[:, None] / 10 + np.arange(len(levels)) / 100, shape)
    cell = {"sigmas": np.array(levels), "layers": np.arange(BLOCKS), "top: iou": top}
    for name in ("bottom", "random 1", "random 2", "random 3", "all", "frozen", "next"):
        cell[f"{name}: iou"] = rng.random(shape)
    for rule in ("larger_sum", "smaller_sum", "smaller", "centre", "best", "area"):
        cell[f"top: {rule}"] = rng.random(shape)
    for name in ("noisy pixels", "own estimate", "own estimate, scaled"):
        cell[f"{name}: iou"] = rng.random((N, 1, len(levels)))
    for name in ("everything", "centred disc", "average mask", "random half"):
        cell[f"priors: {name}"] = rng.random(N)
    for name in ("other prompt", "empty prompt", "other noise"):
        cell[f"{name}: iou"] = rng.random((N, BLOCKS, 2))
    for kind, ks in {
        "top": (1, 2, 4),
        "bottom": (1, 2, 4),
        "random 1": (1, 2),
        "random 2": (1, 2),
        "random 3": (1, 2),
    }.items():
        for k in ks:
            cell[f"k: {kind}, k = {k}: iou"] = np.full((N, 1, 1), k / 10)
            cell[f"k: {kind}, k = {k}: energy"] = np.full((N, 1, 1), k / 4)
    for name in ("as stated", "percentile range", "mean of abs", "frozen set"):
        for part in ("iou", "larger_sum", "best", "area"):
            cell[f"protocol: {name}: {part}"] = rng.random((N, BLOCKS, 1))
    return cell


@pytest.fixture
def found():
    looked = {"scenes": looks(), "generated": looks((1.0, 0.85, 0.3), seed=1)}
    return Results("spatial", {}, {"all": N}, looked, index={"blocks": BLOCKS})


def test_a_value_is_of_the_middle_block_at_the_claimed_level_where_nothing_is_named(found):
    assert at(found, "scenes", "top") == pytest.approx([0.22] * N)
    assert at(found, "scenes", "top", 3, 1.0) == pytest.approx([0.3] * N)
    assert at(found, "generated", "top") == pytest.approx([0.21] * N)  # 0.85 is nearest to 0.8
    assert CLAIMED == {"scenes": 0.6, "generated": 0.8}
    estimate = found.instruments["scenes"]["own estimate: iou"]
    assert (at(found, "scenes", "own estimate", 3) == estimate[:, 0, 2]).all()  # of no block, the same in all
    assert (at(found, "scenes", "priors: everything") == found.instruments["scenes"]["priors: everything"]).all()


def test_draws_come_together_and_what_a_model_lacks_is_nan(found):
    draws = [at(found, "scenes", f"random {draw}") for draw in (1, 2, 3)]
    assert (at(found, "scenes", "random") == np.stack(draws, axis=1)).all()
    assert at(found, "scenes", "random").shape == (N, 3)
    assert at(found, "scenes", "k: random, k = 2") == pytest.approx(np.full((N, 3), 0.2))
    for lacking in ("priors: words", "attention to noun, all blocks", "PCA", "frozen without the first"):
        assert np.isnan(at(found, "scenes", lacking)).all()
        assert np.isnan(mean_of(at(found, "scenes", lacking))).all()
    with pytest.raises(KeyError, match="nothing in scenes is called 'tops: iou'"):
        at(found, "scenes", "tops")


def test_claims_are_tested_on_scenes_where_there_are_any(found):
    assert of_claims(found) == "scenes"
    del found.instruments["scenes"]
    assert of_claims(found) == "generated"


def test_every_block_and_step_of_a_small_model_and_eight_of_a_large_one():
    assert places(6, 8) == (list(range(6)), list(range(8)))
    blocks, steps = places(57, 28)
    assert 28 in blocks
    assert len(blocks) == len(steps) == 8


@pytest.mark.parametrize("scenes", [True, False])
def test_figures_are_drawn_with_scenes_and_without(found, scenes):
    if not scenes:
        del found.instruments["scenes"]
    group = of_claims(found)
    grid = figures.grids(found, group, ("top", "random"))
    assert grid["panels"]["top"][3] == pytest.approx([0.3, 0.31, 0.32])
    plots.panels_of_numbers(**grid)
    table = figures.polarities(found)
    assert table["rows"][-1] == "all"
    assert (len(table["rows"]) > 1) == scenes  # kinds of scenes are known where they are rendered
    assert table["values"][-1][3] == pytest.approx(mean_of(at(found, group, "top")).value)
    plots.table_of_numbers(**table)
    sizes = figures.by_kind(found, {"top": "top", "words alone": "priors: words", "a coin": "priors: random half"})
    assert sizes["rows"] == table["rows"]
    assert sizes["columns"] == ["top", "a coin"]  # nobody rendered words here
    assert sizes["values"][-1][0] == pytest.approx(table["values"][-1][3])
    plots.table_of_numbers(**sizes)
    plots.panels_of_numbers(**figures.protocols(found))
    plots.dots(figures.beside(found, group), "IoU")
    origins = figures.origins(found)
    assert origins["pure noise"] == figures.scores(found, "generated", figures.ORIGINS, level=1.0)
    assert origins["a little later"] == figures.scores(found, "generated", figures.ORIGINS)
    plots.dots(origins, "IoU")


def test_curves_over_channels_and_levels_leave_out_what_is_not_there(found):
    curve = figures.over_k(found)
    assert curve["x"] == [1, 2, 4]
    assert curve["lines"]["top"][0] == pytest.approx([0.1, 0.2, 0.4])
    assert curve["lines"]["energy of the top"] == pytest.approx([0.25, 0.5, 1])
    assert np.isnan(curve["lines"]["random"][0][2])  # four of them outside the top there are not
    curve = figures.over_levels(found, "generated")
    assert curve["x"] == ["1", ".85", ".30"]
    assert list(curve["lines"]) == ["top", "random", "noisy latents", "own estimate"]
    assert isinstance(curve["lines"]["noisy latents"], tuple)
    assert isinstance(curve["lines"]["own estimate"], np.ndarray)


def test_a_verdict_is_shown_under_every_choice(found):
    shown = figures.turning(found, "scenes", {"all channels": "all", "the words": "priors: words"})
    top, rival = (at(found, "scenes", name, 3) for name in ("top", "all"))
    assert shown["all channels"]["a block later"] == difference(top, rival)
    assert shown["all channels"]["as claimed"] == difference(at(found, "scenes", "top"), at(found, "scenes", "all"))
    assert np.isnan(shown["the words"]["at pure noise"]).all()
    assert shown["all channels"]["at pure noise"] == difference(
        at(found, "scenes", "top", level=1.0), at(found, "scenes", "all", level=1.0)
    )
    on_generated = difference(at(found, "generated", "top"), at(found, "generated", "all"))
    assert shown["all channels"]["generated pictures"] == on_generated
    assert "generated pictures" not in figures.turning(found, "generated", {"all": "all"})["all"]
    plots.dots(shown, "IoU")


def test_sets_stand_beside_their_energy(found):
    found.instruments["scenes"]["next: energy"] = np.full((N, BLOCKS, len(LEVELS)), 0.5)
    for name in ("top", "bottom", "random 1"):
        found.instruments["scenes"][f"{name}: energy"] = np.full((N, BLOCKS, len(LEVELS)), 0.25)
    shown = figures.sets(found, "scenes")
    assert shown["energy"]["next in rank"].value == 0.5
    assert shown["energy"]["random"].value == 0.25
    assert shown["IoU"]["top"] == mean_of(at(found, "scenes", "top"))
    assert "PCA" not in shown["IoU"]  # not on this model
    plots.dots(shown, "IoU")


def test_the_best_blind_mask_is_found(found):
    found.instruments["scenes"]["priors: centred disc"] = np.full(N, 2.0)
    assert figures.best_blind(found, "scenes") == "priors: centred disc"


def test_a_chapters_own_pictures_are_looked_at_by_hand():
    model = fc.load("toyworld")
    prompts = prompts_for(model, 2)
    with watched(model) as loop, fc.capture(model, maps := Maps(4), layers=[3]):
        pictures = model.generate(prompts, seed=0, steps=4)
    truth = truth_for(model, pictures, prompts, maps.grid)
    assert truth.shape == (2, *maps.grid)
    assert truth.any(axis=(1, 2)).all()
    assert maps.iou(truth).shape == (2, 1, 4)
    assert maps.iou(maps.mask[:, 0, 3])[:, 0, 3] == pytest.approx([1, 1])
    seen = loop.colours(maps.grid)
    assert seen.shape == (2, 4, *maps.grid, 3)
    assert seen.dtype == np.uint8
    assert seen.std() > 20
    assert (loop.colours((5, 7)) == 128).all()  # a grid that latents do not lie on
    others, before = other_trainings(model, "spatial")
    assert set(before) == {PREDECESSOR}
    assert np.isfinite(before[PREDECESSOR]).all()
    assert not set(before) & set(others)
