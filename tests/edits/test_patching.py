"""Transport: a run given its own states stays the same, one given another's moves towards it, misfits are errors."""

import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.channels import random_directions
from fewchannels.edits import patching
from fewchannels.origins import generator_of

STEPS = 3


@pytest.fixture(scope="module")
def massive(toy, prompts):
    with fc.capture(toy, stats := fc.ChannelStats()):
        toy.generate(prompts, seed=5, steps=STEPS)
    return fc.top_channels(stats, k=8)


@pytest.fixture(scope="module")
def source(toy, prompts):
    """A whole recorded run of the first prompt."""
    with patching.record(toy) as trajectory:
        trajectory.images = toy.generate(prompts[:1], seed=0, steps=STEPS)
    return trajectory


def distance(a, b):
    return float(((a.astype(float) - b) ** 2).mean())


def test_transport_moves_the_picture_towards_the_source(toy, prompts, massive, source):
    moved = fc.transport(toy, prompts[0], prompts[2], massive, mask=None, steps=STEPS)
    assert moved.images.shape == (1, 48, 48, 3)
    assert moved.masks.all()
    assert np.array_equal(moved.source_images, source.images)
    untouched = distance(moved.target_images, moved.source_images)
    assert distance(moved.images, moved.source_images) < 0.7 * untouched
    with patching.inject(toy, source, fc.complement(massive)), patching.inject(toy, source, massive):
        whole = toy.generate(prompts[2:], seed=0, steps=STEPS)  # both together are the whole state
    assert distance(whole, source.images) < 0.05 * untouched


def test_one_recorded_sample_shares_its_noise_with_the_first_target_alone(toy, prompts, source):
    given = {"channels": None, "mask": None, "steps": STEPS}
    noise = torch.randn(8, 12, 12, generator=generator_of(0, 0))
    moved = fc.transport(toy, source, prompts[1:3], **given)
    first, second = (distance(image, source.images[0]) for image in moved.images)
    assert second > 20 * first, "another noise comes along"
    for same in (
        fc.transport(toy, prompts[0], prompts[1:3], **given),
        fc.transport(toy, source, prompts[1:3], latents=torch.stack([noise, noise]), **given),
    ):
        apart = [distance(*pair) for pair in zip(same.images, same.source_images, strict=True)]
        assert max(apart) < 0.05 * second


def test_a_run_given_its_own_states_changes_no_bit(toy, flux, prompts, massive, source):
    for channels in (massive, None, [3, 160], random_directions(192, 4, 6)):
        with patching.inject(toy, source, channels) as done:
            assert np.array_equal(toy.generate(prompts[:1], seed=0, steps=STEPS), source.images)
        assert np.nanmax(done.change) < 1e-6
    small = {"seed": 0, "steps": 2, "height": 64, "width": 96, "guidance_scale": 1.0}
    moved = fc.transport(flux, prompts[0], prompts[0], [3, 7], **small)
    assert np.array_equal(moved.images, moved.target_images)
    assert moved.masks.shape == (1, 4, 6)
    other = fc.transport(flux, prompts[0], prompts[1], [3, 7], mask=None, **small)
    assert not np.array_equal(other.images, other.target_images)


def test_only_the_masked_tokens_of_the_chosen_channels_are_replaced(toy, prompts, massive, source):
    class Keep:
        def add(self, tokens, *, layer, step, samples, grid):
            self.tokens = tokens.clone()

    mask = np.zeros((12, 12), bool)
    mask[2:5, 3:9] = True
    outer, inner = Keep(), Keep()
    where = {"layers": 3, "steps": 1}
    with (
        fc.capture(toy, outer, **where),
        patching.inject(toy, source, massive, mask=mask, **where),
        fc.capture(toy, inner, **where),
    ):
        toy.generate(prompts[2:], seed=0, steps=STEPS)
    inside = torch.from_numpy(mask.reshape(-1, 1)) & torch.from_numpy(massive.mask()[3])
    whole = source.take(3, 1, [0], None)
    assert torch.equal(inner.tokens, torch.where(inside, whole, outer.tokens))


def test_level_and_pattern_are_carried_apart(toy, prompts, massive, source):
    class Keep:
        def add(self, tokens, *, layer, step, samples, grid):
            self.values = tokens[..., massive[3]].clone()

    def level(values):
        return values.mean(dim=1, keepdim=True)

    where, taken = {"layers": 3, "steps": 1}, source.take(3, 1, [0], None)[..., massive[3]]
    for part, levels, patterns in (("level", "source", "own"), ("pattern", "own", "source"), ("both", *["source"] * 2)):
        outer, inner = Keep(), Keep()
        with (
            fc.capture(toy, outer, **where),
            patching.inject(toy, source, massive, part=part, **where),
            fc.capture(toy, inner, **where),
        ):
            toy.generate(prompts[2:], seed=0, steps=STEPS)
        sides = {"source": taken, "own": outer.values}
        torch.testing.assert_close(level(inner.values), level(sides[levels]), rtol=1e-4, atol=1e-4)
        expected = sides[patterns] - level(sides[patterns])
        torch.testing.assert_close(inner.values - level(inner.values), expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="part='mean': expected one of both, level, pattern"):
        patching.channel_transport(toy, source, massive, part="mean")


def test_masks_come_from_source_target_or_both(toy, prompts, massive):
    found = {m: fc.transport(toy, prompts[1], prompts[2], massive, mask=m, steps=STEPS) for m in patching.OWNERS}
    union = found["union"]
    assert np.array_equal(union.masks, union.source_masks | union.target_masks)
    assert np.array_equal(found["source"].masks, union.source_masks)
    assert np.array_equal(found["target"].masks, union.target_masks)
    assert found["source"].target_masks is None
    again = fc.transport(toy, prompts[1], prompts[2], massive, mask=union.masks, steps=STEPS)
    assert np.array_equal(again.images, union.images)


def test_one_part_is_moved_alone(toy, prompts, massive, source):
    moved = {}
    for part in patching.PARTS:
        moved[part] = fc.transport(toy, source, prompts[2], massive, mask=None, part=part, steps=STEPS).images
        with patching.inject(toy, source, massive, part=part):
            assert np.array_equal(toy.generate(prompts[2:], seed=0, steps=STEPS), moved[part])
    assert len({images.tobytes() for images in moved.values()}) == 3
    with pytest.raises(ValueError, match="part='mean': expected one of both, level, pattern"):
        fc.transport(toy, source, prompts[2], massive, part="mean", steps=STEPS)


def test_pairs_in_a_batch_equal_pairs_alone(toy, prompts, massive):
    both = fc.transport(toy, prompts[:2], prompts[1:], massive, mask=None, steps=STEPS)
    assert np.array_equal(both.change.shape, (2, 6, STEPS))
    alone = fc.transport(toy, prompts[1], prompts[2], massive, mask=None, steps=STEPS, samples=[1])
    assert np.abs(alone.images.astype(int) - both.images[1:].astype(int)).max() <= 1
    to_all = fc.transport(toy, prompts[1], [prompts[2], prompts[0]], massive, mask=None, steps=STEPS)
    assert to_all.source_images.shape == (2, 48, 48, 3)
    assert not np.array_equal(to_all.source_images[0], to_all.source_images[1])  # each pair shares its own noise


def test_one_recording_serves_many_conditions(toy, prompts, massive, source):
    sets = [massive, [1, 2], None]
    with patching.inject(toy, source, sets, sources=[0, 0, 0], strength=[1, 0.5, 1]) as done:
        images = toy.generate([prompts[2]] * 3, seed=0, steps=STEPS, samples=[0, 0, 0])
    alone = fc.transport(toy, source, prompts[2], massive, mask=None, steps=STEPS)
    assert np.abs(images[0].astype(int) - alone.images[0]).max() <= 1
    assert np.abs(images[2].astype(int) - alone.target_images[0]).max() <= 1
    assert np.isnan(done.change[2]).all()


def test_window_layers_and_other_numbers_of_steps(toy, prompts, massive):
    part = fc.transport(toy, prompts[0], prompts[2], massive, layers=[4, 5], window=slice(0, 2), steps=STEPS)
    assert np.isnan(part.change[:, :4]).all()
    assert part.change.shape[2] == 2
    more = fc.transport(toy, prompts[0], prompts[2], massive, mask=None, steps=STEPS, source_steps=2 * STEPS)
    assert more.source.steps == list(range(2 * STEPS))
    assert distance(more.images, more.source_images) < distance(more.target_images, more.source_images)
    levels = more.source.sigmas
    assert [more.source.nearest_step(s) for s in levels] == list(range(2 * STEPS))
    assert more.source.nearest_step((levels[2] + 2 * levels[3]) / 3) == 3
    with patching.record(toy, massive, steps=[0, 1]) as early:
        toy.generate(prompts[:1], steps=6)
    with pytest.raises(ValueError, match="noise level"), patching.inject(toy, early):
        toy.generate(prompts[2:], steps=STEPS)


def test_each_pair_may_have_channels_of_its_own(toy, prompts):
    moved = fc.transport(toy, prompts[:2], prompts[1:], 5, channels_from="union", mask=None, steps=2)
    assert len(moved.channels) == 2
    assert all(5 <= size <= 10 for one in moved.channels for size in one.sizes)
    assert not np.array_equal(moved.images, moved.target_images)


def test_storage_in_sixteen_bit(toy, prompts, massive, source):
    for dtype, error in (("float16", 1e-3), ("bfloat16", 8e-3)):
        with patching.record(toy, massive, dtype=dtype) as half:
            toy.generate(prompts[:1], seed=0, steps=STEPS)
        kept = half.take(3, 1, [0], None)
        assert str(kept.dtype) == f"torch.{dtype}"
        whole = source.take(3, 1, [0], None)[..., massive[3]]
        assert (kept.float() - whole).abs().max() < error * whole.abs().max()
    huge = patching.Trajectory(dtype="float16")
    huge.start(toy.layers, (1, 1))
    with pytest.raises(ValueError, match="65504"):
        huge.add(torch.full((1, 1, 4), 1e5), layer=0, step=0, samples=[0], grid=(1, 1))


def test_nesting_with_ablation_has_a_defined_order(toy, prompts, massive, source):
    def after(first, second):
        with first as done, second:
            return toy.generate(prompts[2:], seed=0, steps=STEPS), done

    zero = lambda: fc.ablate(toy, massive)  # noqa: E731
    inject = lambda: patching.inject(toy, source, massive, branch="both")  # noqa: E731
    zeroed, _ = after(zero(), fc.capture(toy, fc.ChannelStats()))
    images, _ = after(inject(), zero())
    assert np.array_equal(images, zeroed)  # the later edit of the same channels wins
    moved, _ = after(inject(), fc.capture(toy, fc.ChannelStats()))
    images, _ = after(zero(), inject())
    assert np.array_equal(images, moved)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mask": "both"}, "union"),
        ({"mask": np.ones((12, 13), bool)}, r"\(12, 12\)"),
        ({"mask": np.ones((48, 48), bool)}, "to_grid"),
        ({"channels": []}, "empty"),
        ({"channels": [200]}, "channels 0 to 191"),
        ({"channels": 0}, "k=0"),
        ({"channels_from": "me"}, "channels_from"),
        ({"layers": 9}, "out of range"),
        ({"window": [9]}, "2 steps"),
        ({"mask_layer": 6}, "mask_layer"),
        ({"dtype": "int8"}, "bfloat16"),
        ({"target": ["a", "b", "c"]}, "2 sources and 3 targets"),
    ],
)
def test_bad_input_is_named_and_leaves_the_model_alone(toy, prompts, more, message):
    given = {"source": prompts[:2], "target": prompts[1:], "channels": [1, 2], "steps": 2, **more}
    with pytest.raises(ValueError, match=message):
        fc.transport(toy, **given)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in toy.transformer.modules())


def test_trajectories_that_do_not_fit_are_errors(toy, flux, prompts, massive, source):
    small = {"steps": 2, "guidance_scale": 1.0}
    with patching.record(flux, [3]) as wide:
        flux.generate(prompts[:1], height=64, width=96, **small)
    with pytest.raises(ValueError, match=r"\(4, 6\)"), patching.inject(flux, wide):
        flux.generate(prompts[:1], height=96, width=96, **small)
    with pytest.raises(ValueError, match="not recorded"), patching.inject(flux, wide, [4]):
        flux.generate(prompts[:1], height=64, width=96, **small)
    with pytest.raises(ValueError, match="empty"), patching.inject(toy, patching.Trajectory()):
        pass
    with pytest.raises(TypeError, match=r"target\[1\] is None: expected a text"):
        fc.transport(toy, prompts[:2], [prompts[0], None], massive)
    with pytest.raises(TypeError, match="source=None: expected a text or a list of texts"):
        fc.transport(toy, None, prompts[:2], massive)
    with pytest.raises(TypeError, match="Trajectory"), patching.inject(toy, "a red star"):
        pass
    with pytest.raises(ValueError, match="sample 1 was not recorded"), patching.inject(toy, source, massive):
        toy.generate(prompts[:2], steps=STEPS)
