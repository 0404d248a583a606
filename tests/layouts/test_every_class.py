"""Each class of the table through its own pipeline's `__call__`, from prompts to pictures, captured and edited."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.layouts import TABLE
from fewchannels.origins import as_output
from tiny_more_pipelines import ALL
from tiny_pipelines import guidance_of

STEPS = 2
NO_PIPELINE = {"Flux3Transformer2DModel"}  # diffusers runs it in modular pipelines alone


class Places:
    """A sink that notes where tokens came from."""

    def __init__(self):
        self.seen, self.grids = set(), set()

    def add(self, tokens, *, layer, step, samples, grid):
        self.seen.update((layer, step, sample) for sample in samples)
        self.grids.add(grid)
        assert tokens.shape[1] == grid[0] * grid[1]
        assert tokens.isfinite().all()


@pytest.fixture(scope="module")
def classes():
    """The transformer classes that were drawn with in this module."""
    return set()


@pytest.mark.parametrize("name", ALL)
def test_from_prompts_to_pictures(name, classes):
    case = ALL[name]()
    model = fc.load(case.pipeline)
    classes.add(model.layout.name)
    options = {"seed": 0, "steps": STEPS, **guidance_of(case, True)}
    with fc.capture(model, cond := Places()), fc.capture(model, uncond := Places(), branch="uncond"):
        images = model.generate(case.prompts, **options)
    assert (images.shape, images.dtype) == ((2, *case.size, 3), np.uint8)
    assert images.std(axis=(1, 2, 3)).min() > 1, "a picture, and no plain colour"
    assert not np.array_equal(images[0], images[1])
    every = {(layer, step, sample) for layer in range(len(model.layers)) for step in range(STEPS) for sample in (0, 1)}
    assert cond.seen == uncond.seen == every
    assert cond.grids == {case.grid}
    with fc.ablate(model, [3, 7]) as done:
        edited = model.generate(case.prompts[:1], **options)
    assert (done.change > 0).all()
    assert not np.array_equal(edited[0], images[0])
    for through in ("content", "gain"):
        with fc.ablate(model, [3, 7], "scale", factor=[1.0, -9.0], through=through) as done:
            edited = model.generate(case.prompts, **options)
        assert [np.array_equal(edited[i], images[i]) for i in (0, 1)] == [True, False], through
        assert np.nanmin(done.change[1]) > 0 == np.nanmax(done.change[0])


def test_no_class_is_left_out(classes):
    if len(classes) < len(ALL):
        pytest.skip("not all of the tests above ran")
    assert classes == set(TABLE) - NO_PIPELINE


def test_latents_that_a_pipeline_does_not_hand_over_are_refused():
    case = ALL["DiT"]()
    with pytest.raises(ValueError, match="hands over pictures alone"):
        fc.load(case.pipeline).generate(case.prompts, steps=1, output="latent")


def test_transparent_pictures_are_put_on_white():
    drawn = np.zeros((1, 16, 16, 4), np.float32)
    drawn[:, :8, :, 3] = 1
    drawn[:, 8:, :, 0] = 0.5
    drawn[:, 8:, :, 3] = 0.5
    images = as_output([drawn], "np")
    assert images.shape == (1, 16, 16, 3)
    assert not images[:, :8].any()
    assert images[0, 12, 3].tolist() == [191, 128, 128]
    assert as_output([drawn], "pil")[0].mode == "RGB"
