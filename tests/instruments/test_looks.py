"""One look over the noise levels: some blocks and steps are those of a look at all, and what cannot be seen says so."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.edits.image_latents import decode
from fewchannels.edits.inversion import encode
from fewchannels.instruments.clusters import Rule
from fewchannels.instruments.looks import look, look_decoded
from fewchannels.instruments.mask_baselines import two_clusters
from fewchannels.prompts.natural import natural_prompts
from fewchannels.reading.worlds import ToyWorld
from fewchannels.studies.groups import scenes
from fewchannels.studies.spatial import words_of
from fewchannels.watch.loop import tokens_of
from tiny_pipelines import PIPELINES, guidance_of

TOP = {"top": Rule("top", 4)}


@pytest.fixture(scope="module")
def group():
    return scenes().of(ToyWorld(), 2, 0)


@pytest.fixture(scope="module", params=["SD3", "PixArt-Sigma", "FLUX.2-klein"])
def dit(request):
    case = PIPELINES[request.param]()
    return fc.load(case.pipeline, generation={**guidance_of(case, False), "height": 64, "width": 96})


def test_pictures_under_noise_are_looked_at_by_channels_pixels_and_words(toy, group):
    seen = look(toy, group.prompts, TOP, clean=list(group.images), levels=(1.0, 0.3), words=words_of(group.truth))
    assert seen.sigmas == pytest.approx([1.0, 0.3])
    assert seen.clusters["top"].shape == (2, 6, 2, 12, 12)
    for name in ("noisy pixels", "own estimate, scaled", "attention to noun, all blocks"):
        assert seen.clusters[name].shape == (2, 1, 2, 12, 12), name
    assert seen.clusters["attention to phrase"].shape == (2, 6, 2, 12, 12)
    clean = tokens_of(encode(toy, list(group.images)), (12, 12)).numpy()
    of_pictures = two_clusters(clean[:, None], (12, 12))[:, 0, 0]
    near = (seen.clusters["own estimate"][:, 0, 1] == of_pictures).mean(axis=(1, 2))
    assert (near > 0.9).all(), "at little noise the model's own estimate is the picture"
    assert seen.energy["top"].shape == (2, 6, 2)
    assert seen.nearest(0.4) == 1


def test_the_better_of_two_and_a_maps_own_side(toy, group):
    seen = look(toy, group.prompts, TOP, clean=list(group.images), levels=(1.0, 0.6), words=words_of(group.truth))
    truth = ~seen.clusters["top"][:, 3, 1]
    assert seen.iou("top", truth, "best")[:, 3, 1].tolist() == [1, 1]
    assert seen.iou("top", truth, "smaller_sum")[:, 3, 1].tolist() == [1, 1]
    assert seen.iou("top", truth, "larger_sum")[:, 3, 1].tolist() == [0, 0]
    assert seen.area("top", "larger_sum")[:, 3, 1] == pytest.approx(1 - truth.mean(axis=(1, 2)))
    for polarity in ("border", "smaller_sum"):
        masks = seen.masks("attention to noun", polarity)
        assert (masks == seen.clusters["attention to noun"]).all(), "more attention is the subject, whatever the rule"
    with pytest.raises(KeyError, match="there are top, noisy pixels"):
        seen.masks("bottom")


def test_some_blocks_and_steps_are_those_of_a_look_at_all(dit):
    prompts = [str(p) for p in natural_prompts(2)]
    whole = look(dit, prompts, TOP, steps=3)
    part = look(dit, prompts, TOP, steps=3, layers=[1], at=[0, 2], keep_loop=False)
    assert (part.clusters["top"] == whole.clusters["top"][:, 1:2, [0, 2]]).all()
    assert (part.clusters["own estimate"] == whole.clusters["own estimate"][:, :, [0, 2]]).all()
    assert part.sigmas == pytest.approx(whole.sigmas[[0, 2]])
    assert part.loop is None
    assert whole.loop.noisy(whole.grid).shape[:3] == (2, 3, 24)
    assert (whole.images == dit.generate(prompts, seed=0, steps=3)).all(), "looking changes no bit"


def test_a_run_that_is_not_finished_shows_the_same_in_fewer_passes(dit, toy, group):
    for model, texts in ((dit, [str(p) for p in natural_prompts(2)]), (toy, group.prompts)):
        _shows_the_same_in_fewer_passes(model, texts)


def _shows_the_same_in_fewer_passes(model, texts):
    passes = []
    for finish in (True, False):
        counted = []
        hook = model.transformer.register_forward_pre_hook(lambda *_, counted=counted: counted.append(1))
        try:
            seen = look(model, texts, TOP, steps=4, at=[0, 1], keep_loop=False, finish=finish)
        finally:
            hook.remove()
        passes.append((len(counted), seen))
    (whole, of_whole), (few, of_few) = passes
    left = type(model.pipeline).__name__ != "PixArtSigmaPipeline"  # which cannot be interrupted
    assert 2 * few == whole if left else few == whole
    assert (of_few.sigmas == of_whole.sigmas).all()
    assert of_few.clusters.keys() == of_whole.clusters.keys()
    for clusters in of_whole.clusters:
        assert (of_few.clusters[clusters] == of_whole.clusters[clusters]).all(), clusters
    assert model.generate(texts, steps=4).std() > 0, "and the next run goes to its end"


def test_what_cannot_be_looked_at_is_left_out_with_its_reason(dit, monkeypatch):
    def unknown(scheduler):
        raise ValueError("unheard of")

    for module in ("scheduler", "watch.loop"):
        monkeypatch.setattr(f"fewchannels.{module}.signal_and_noise", unknown)
    looked = look(dit, ["a black cat on a window sill in the rain"], TOP, steps=2)
    assert looked.left_out == dict.fromkeys(["own estimate", "own estimate, scaled"], "unheard of")
    truth = np.ones((1, *looked.grid), bool)
    assert np.isnan(looked.iou("own estimate", truth)).all()
    assert looked.iou("noisy pixels", truth).shape == (1, 1, 2)
    assert looked.sigmas == pytest.approx([1, 0.5])
    with pytest.raises(RuntimeError, match="no estimate of the clean picture: unheard of"):
        looked.loop.estimate(looked.grid)


def test_a_pipeline_that_packs_its_latents_is_looked_at_under_noise_too(flux, prompts):
    """FLUX passes its own sigmas and a shift to the scheduler."""
    pictures = [np.full((64, 64, 3), value, np.uint8) for value in (40, 200)]
    looked = look(flux, prompts[:2], TOP, clean=pictures, levels=(1.0, 0.5), height=64, width=64)
    assert looked.sigmas == pytest.approx([1.0, 0.5])
    assert looked.clusters["top"].shape == (2, 4, 2, *looked.grid)
    assert looked.clusters["own estimate"].shape == (2, 1, 2, *looked.grid)


def test_what_was_seen_is_decoded_into_pictures(toy, group):
    clean = encode(toy, list(group.images))
    pictures = decode(toy, clean)
    assert pictures.shape == (2, 3, 48, 48)
    assert np.abs(pictures.permute(0, 2, 3, 1).numpy() - group.images / 255).mean() < 0.05
    seen = look_decoded(toy, look(toy, group.prompts, TOP, clean=list(group.images), levels=(1.0, 0.01)))
    of_pictures = two_clusters(tokens_of(pictures, (12, 12)).numpy()[:, None], (12, 12))[:, 0, 0]
    near = (seen.clusters["decoded"][:, 0, 1] == of_pictures).mean(axis=(1, 2))
    assert (np.maximum(near, 1 - near) > 0.95).all()


def test_what_cannot_be_decoded_is_left_out(dit, toy, group):
    prompts = [str(one) for one in natural_prompts(1)]
    seen = look_decoded(dit, look(dit, prompts, TOP, steps=2))
    packs = hasattr(dit.pipeline, "_pack_latents") or hasattr(dit.pipeline, "_patchify_latents")
    assert ("decoded" in seen.left_out) == packs
    assert ("decoded" in seen.clusters) == (not packs)
    unkept = look_decoded(toy, look(toy, group.prompts, TOP, steps=2, keep_loop=False))
    assert "not kept" in unkept.left_out["decoded"]
