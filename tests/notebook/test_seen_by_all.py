"""What chapter 7 looks at: rendered scenes under noise on the toy world, a real model's own pictures elsewhere."""

import fewchannels as fc
import numpy as np
from fewchannels.figures.spatial import looked_at
from fewchannels.reading.worlds import world_of
from fewchannels.studies.sets import Sets
from fewchannels.studies.spatial import seen_by_all
from tiny_pipelines import PIPELINES, guidance_of


def test_scenes_are_rendered_on_the_toy_world(toy):
    seen, truth = seen_by_all(Sets(toy, world_of(toy), 8, steps=2), 3, (1.0, 0.3))
    assert truth.shape == (3, *seen.grid)
    assert seen.sigmas.tolist() == np.float32([1.0, 0.3]).tolist()
    whole = seen.iou("top", truth)
    np.testing.assert_array_equal(seen.score("top", truth, 0.3), whole[:, whole.shape[1] // 2, 1])
    np.testing.assert_array_equal(seen.score("noisy pixels", truth, 1), seen.iou("noisy pixels", truth)[:, 0, 0])
    assert seen.mask("top", 0.3).shape == truth.shape
    shown = looked_at(seen, truth, {"one": "first", "decoded": "decoded"})
    assert shown["columns"] == ["1", ".30"]
    np.testing.assert_array_equal(shown["panels"]["one"], seen.iou("first", truth).mean(axis=0))
    assert shown["panels"]["one"].shape == (6, 2)
    assert shown["panels"]["decoded"].shape == (1, 2)
    seen.left_out["attention"] = "not here"
    assert not seen.mask("attention", 0.3).any()


def test_another_model_is_watched_while_it_draws():
    case = PIPELINES["SD3"]()
    guidance = guidance_of(case, True)["guidance_scale"]
    model = fc.load(case.pipeline)
    given = {"guidance_scale": guidance, "height": 64, "width": 96, "max_sequence_length": 24, "steps": 2}
    seen, truth = seen_by_all(Sets(model, world_of(model), 4, **given), 2, (1.0, 0.3))
    assert truth.shape == (2, *seen.grid)
    assert len(seen.sigmas) == 2
    assert set(seen.clusters) >= {"top", "bottom", "all", "noisy pixels"}
