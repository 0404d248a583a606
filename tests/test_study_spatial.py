"""Chapter 3: what is clustered, seen and compared, and that looking changes nothing."""

import numpy as np
import pytest
import torch
from fewchannels import capture
from fewchannels.channels import ChannelSet
from fewchannels.inversion import encode, renoised
from fewchannels.kept import KeepTokens
from fewchannels.masks import partition, to_grid
from fewchannels.studies import spatial
from fewchannels.studies.attention_maps import attention_to, word_places
from fewchannels.studies.cases import calibrate
from fewchannels.studies.clusters import Clusters, Rule
from fewchannels.studies.looked import iou_of, look
from fewchannels.studies.mask_baselines import masks_from_words, priors, two_clusters
from fewchannels.studies.watched import at_levels, tokens_of, watched
from fewchannels.sweep import sweep

GRID = (12, 12)


@pytest.fixture(scope="module")
def scenes():
    return spatial.rendered_scenes(3)


@pytest.fixture(scope="module")
def cells(toy, scenes):
    case = spatial.scene_case(toy, scenes[:2], steps=3)
    calibration = calibrate(toy, [s.prompt for s in spatial.rendered_scenes(2, "calibration")], steps=2)
    return sweep(spatial.conditions(case, scenes, calibration, levels=(1.0, 0.6), ks=(8, 150)))


def test_scenes_have_subjects_and_depend_on_nothing_but_their_number(scenes):
    again = spatial.rendered_scenes(2)
    assert all(s.attributes.subjects and s.mask.any() for s in scenes)
    assert (again[1].image == scenes[1].image).all()
    assert {s.kind for s in spatial.rendered_scenes(40)} == {"small", "large", "huge", "two subjects"}
    assert not {s.prompt for s in spatial.rendered_scenes(10, "calibration")} & {s.prompt for s in scenes}


def test_a_run_stops_at_the_levels_it_is_given_and_sees_noise_and_picture_in_that_share(toy, scenes):
    clean = encode(toy, [s.image for s in scenes])
    with at_levels(toy, (1.0, 0.5, 0.1)), watched(toy) as loop, renoised(toy, clean):
        toy.generate([s.prompt for s in scenes], steps=3)
    assert loop.sigmas == pytest.approx([1.0, 0.5, 0.1])
    noise, half, tenth = np.moveaxis(loop.pixels(), 1, 0)
    assert half == pytest.approx(0.5 * clean.numpy() + 0.5 * noise, abs=1e-5)
    assert tenth == pytest.approx(0.9 * clean.numpy() + 0.1 * noise, abs=1e-5)
    truth = tokens_of(clean, GRID).numpy()
    error = np.abs(loop.estimate(GRID) - truth[:, None]).mean(axis=(0, 2, 3))
    assert error[0] > error[1] > error[2]
    assert error[2] < 0.05
    assert "step" not in vars(toy.pipeline.scheduler)
    assert "set_timesteps" not in vars(toy.pipeline.scheduler)


def test_levels_that_make_no_sense_and_wrong_step_counts_are_refused(toy):
    for levels in ((0.5, 0.8), (1.2, 0.5), (1.0, 0.0), ()):
        with pytest.raises(ValueError, match="falling noise levels"), at_levels(toy, levels):
            pass
    with pytest.raises(ValueError, match="pass steps=2"), at_levels(toy, (1.0, 0.5)):
        toy.generate("a large red star at the center on a plain white background", steps=4)
    with pytest.raises(RuntimeError, match="nothing ran"), watched(toy) as loop:
        loop.noisy(GRID)


def test_clusters_are_those_of_partition_and_their_energy_is_right(toy, scenes):
    prompts = [s.prompt for s in scenes]
    rules = {"top": Rule("top", 4), "bottom": Rule("bottom", 4), "all": Rule("all"), "late": Rule(steps=(1,))}
    with capture(toy, found := Clusters(rules), kept := KeepTokens(dtype="float32")):
        toy.generate(prompts, seed=0, steps=2)
    tokens = kept.array[:, 3, 1]
    assert found.grid == GRID
    assert found.larger_sum["top"].shape == (3, 6, 2, 12, 12)
    assert found.larger_sum["late"].shape == (3, 6, 1, 12, 12)
    expected = partition(tokens, k=4, grid=GRID, polarity="larger_sum")
    assert (found.larger_sum["top"][:, 3, 1] == expected.mask).all()
    share = np.take_along_axis((tokens**2).sum(axis=1), expected.channels, axis=1).sum(axis=1) / (tokens**2).sum((1, 2))
    assert found.energy["top"][:, 3, 1] == pytest.approx(share, rel=1e-4)
    assert (found.energy["bottom"] < found.energy["top"]).all()
    assert found.energy["all"] == pytest.approx(1, rel=1e-5)


def test_random_channels_lie_outside_each_samples_own_top():
    scores = np.random.default_rng(0).random((5, 40))
    top, drawn, other = (rule.channels(scores, 2) for rule in (Rule("top"), Rule("random"), Rule("random", draw=1)))
    for a, b, c in zip(top, drawn, other, strict=True):
        assert not set(a) & set(b)
        assert set(b) != set(c)
    frozen = Rule("frozen", frozen=ChannelSet.same([3, 5], 4, 40))
    assert (frozen.channels(scores, 2) == [3, 5]).all()


def test_rules_that_cannot_be_followed_are_refused():
    with pytest.raises(ValueError, match="expected one of top"):
        Rule("best")
    with pytest.raises(ValueError, match="frozen=ChannelSet"):
        Rule("frozen")
    with pytest.raises(ValueError, match="left outside the top"):
        Rule("random", 30).channels(np.ones((1, 40)), 0)
    with pytest.raises(ValueError, match="no rules"):
        Clusters({})


def test_looking_at_attention_changes_no_bit_and_processors_come_back_after_an_exception(toy, scenes):
    prompts = [s.prompt for s in scenes]
    own = [block.attn.processor for block in toy.transformer.transformer_blocks]
    untouched = toy.generate(prompts, seed=0, steps=2)
    places = word_places(toy, prompts, spatial.words_of(scenes)["noun"])
    words = [[prompt.split()[place] for place in row] for prompt, row in zip(prompts, places, strict=True)]
    assert words == spatial.words_of(scenes)["noun"]
    everything = [list(range(24))] * 3
    with attention_to(toy, {"noun": places, "all": everything}) as looking:
        assert (toy.generate(prompts, seed=0, steps=2) == untouched).all()
    maps = looking.maps
    assert maps["noun"].shape == (3, 6, 2, 144)
    assert (maps["all"] * 24 < 1).all()  # what goes to all words is what image tokens leave
    assert (maps["noun"] > 0).all()
    with pytest.raises(KeyboardInterrupt), attention_to(toy, {"noun": places}):
        raise KeyboardInterrupt
    assert [block.attn.processor for block in toy.transformer.transformer_blocks] == own


def test_the_attention_map_is_the_softmax_that_the_block_computes(toy, scenes):
    """With values that are one at a single text token, the block's own attention gives its weight."""
    block = toy.transformer.transformer_blocks[2].attn
    seen = {}

    def spy(module, args, kwargs):
        seen.update(image=kwargs["hidden_states"], text=kwargs["encoder_hidden_states"])

    handle = block.register_forward_pre_hook(spy, with_kwargs=True)
    with attention_to(toy, {"fifth": [[5]]}) as looking:
        toy.generate(scenes[0].prompt, seed=0, steps=1)
    handle.remove()
    with torch.no_grad():
        heads = []
        for to_key, norm, tokens in (
            (block.to_k, block.norm_k, "image"),
            (block.add_k_proj, block.norm_added_k, "text"),
        ):
            heads.append(norm(to_key(seen[tokens]).view(1, -1, block.heads, 32).transpose(1, 2)))
        query = block.norm_q(block.to_q(seen["image"]).view(1, -1, block.heads, 32).transpose(1, 2))
        value = torch.zeros(1, block.heads, 144 + 24, 32)
        value[:, :, 144 + 5] = 1
        weight = torch.nn.functional.scaled_dot_product_attention(query, torch.cat(heads, dim=2), value)
    assert looking.maps["fifth"][0, 2, 0] == pytest.approx(weight[0, :, :, 0].mean(dim=0).numpy(), rel=1e-4)


def test_words_that_a_prompt_lacks_and_blocks_of_another_kind_are_refused(toy, flux):
    with pytest.raises(ValueError, match="does not hold the word 'moon'"):
        word_places(toy, ["a large red star at the left on a plain blue background"], [["moon"]])
    with pytest.raises(ValueError, match="places is empty"), attention_to(toy, {"noun": [[]]}):
        pass
    with pytest.raises(ValueError, match="JointAttnProcessor2_0 only"), attention_to(flux, {"noun": [[1]]}):
        pass


def test_priors_are_the_best_of_their_kind_and_words_say_where_a_subject_is():
    scenes = spatial.rendered_scenes(24, "calibration")
    truth = to_grid(np.stack([s.mask for s in scenes]), GRID)
    found = priors(truth)
    scores = {name: np.nanmean(iou_of(np.broadcast_to(mask, truth.shape), truth)) for name, mask in found.items()}
    assert scores["everything"] == pytest.approx(truth.mean(), abs=1e-6)
    assert scores["centred disc"] >= scores["everything"]
    words = masks_from_words([s.attributes for s in scenes], GRID)
    assert np.nanmean(iou_of(words, truth)) > 2 * scores["average mask"]
    with pytest.raises(ValueError, match="not all empty"):
        priors(np.zeros((2, 3, 3), bool))


def test_clusters_of_pixels_find_a_bright_square_whatever_the_scaling():
    truth = np.zeros((1, 6, 6), bool)
    truth[:, 1:4, 2:5] = True
    tokens = (truth.reshape(1, 1, 36, 1) * np.array([0.5, 0.2, 0.9])).astype(np.float32)
    for scaling in (None, "minmax"):
        assert (two_clusters(tokens, (6, 6), scaling)[:, 0, 0] == truth).all()


def test_the_chapters_conditions_have_their_shapes_and_their_order(cells):
    assert cells["scenes: top"]["iou"].shape == (3, 6, 2)
    assert cells["generated: top"]["iou"].shape == (2, 6, 3)
    assert cells["generated: own estimate"]["iou"].shape == (2, 1, 3)
    assert cells["scenes: other prompt"]["iou"].shape == (3, 6, 2)
    assert cells["k: top, k = 150"]["iou"].shape == (3, 1, 1)
    assert "k: random 1, k = 150" not in cells
    for cell in cells.values():
        best = cell.get("best")
        assert best is None or all(
            (np.nan_to_num(best - cell[rule]) >= 0).all() for rule in ("iou", "larger_sum") if rule in cell
        )
    assert spatial.random_at(cells, "scenes", 3, 1).shape == (3, 3)
    assert spatial.at(cells, "scenes: own estimate", 3, 1).shape == (3,)
    gap = spatial.difference(spatial.at(cells, "scenes: top", 3, 1), spatial.random_at(cells, "scenes", 3, 1))
    assert gap.low <= gap.value <= gap.high
    top = spatial.at(cells, "scenes: top", 3, 1)
    assert top == pytest.approx(spatial.at(cells, "k: top, k = 8", 0, 0))  # the same channels, block and level
    assert np.nanmean(top) > np.nanmean(spatial.at(cells, "scenes: bottom", 3, 1))


def test_names_and_prompts_that_do_not_fit_say_what_there_is(toy, scenes):
    looked = look(toy, [scenes[0].prompt], {"top": Rule("top", 2)}, levels=(1.0,))
    with pytest.raises(KeyError, match="there are top, noisy pixels"):
        looked.masks("bottom")
    with pytest.raises(ValueError, match="scene_case"):
        spatial.conditions(spatial.scene_case(toy, scenes[1:]), scenes, calibrate(toy, [scenes[0].prompt] * 2, steps=1))


def test_other_pipelines_can_be_looked_at_too(flux, prompts):
    """FLUX passes its own sigmas and a shift to the scheduler, and packs its latents."""
    pictures = [np.full((64, 64, 3), value, np.uint8) for value in (40, 200)]
    looked = look(flux, prompts[:2], {"top": Rule("top", 4)}, clean=pictures, levels=(1.0, 0.5), height=64, width=64)
    assert looked.sigmas == pytest.approx([1.0, 0.5])
    assert looked.clusters["top"].shape == (2, 4, 2, *looked.grid)
    assert looked.clusters["own estimate"].shape == (2, 1, 2, *looked.grid)
