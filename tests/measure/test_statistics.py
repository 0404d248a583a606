"""Statistics that are kept batch by batch are those of one run, and what is kept is not measured again."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.measure.statistics import key_of, measure_channels, spread
from fewchannels.measure.survey import survey_channels
from fewchannels.models import Model
from tiny_pipelines import PIPELINES

FIELDS = ("mean", "mean_abs", "max_abs", "var", "nonfinite", "count")


@pytest.mark.parametrize(("name", "stream"), [("toy", "image"), ("flux", "text")])
def test_a_store_changes_no_bit(name, stream, request, prompts, tmp_path):
    model = request.getfixturevalue(name)
    if name == "flux":
        model = fc.load(model.pipeline, generation={"height": 32, "width": 48})
    asked = {"seed": 2, "steps": 2, "at": [1], "stream": stream, "batch_size": 2}
    plain = measure_channels(model, prompts, **asked)
    kept = measure_channels(model, prompts, **asked, store=tmp_path)
    again = measure_channels(model, prompts, **asked, store=tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    for stats in (kept, again):
        assert (stats.layers, stats.steps, stats.grid) == (plain.layers, plain.steps, plain.grid)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(stats, field), getattr(plain, field))


def test_lists_of_one_a_prompt_are_shared_out_over_what_is_kept(flux, prompts, tmp_path):
    asked = {
        "seed": 2,
        "steps": 1,
        "batch_size": 2,
        "height": 32,
        "width": 32,
        "true_cfg_scale": 4.0,
        "negative_prompt": prompts[::-1],
        "prompt_2": prompts,
    }
    with fc.capture(flux, plain := fc.ChannelStats()):
        flux.generate(prompts, **asked)
    for given in (prompts, np.array(prompts)):
        kept = measure_channels(flux, given, **asked, store=tmp_path)
        np.testing.assert_array_equal(kept.mean, plain.mean)
    with pytest.raises(TypeError, match=r"prompts\[1\] is None: expected a text"):
        measure_channels(flux, [prompts[0], None], store=tmp_path)


def test_what_is_kept_is_not_drawn_again(toy, prompts, tmp_path, monkeypatch):
    drawn, generate = [], Model.generate

    def counted(self, texts, *args, **options):
        drawn.extend(texts)
        return generate(self, texts, *args, **options)

    monkeypatch.setattr(Model, "generate", counted)
    for count in (2, 3):
        stats = measure_channels(toy, prompts[:count], steps=1, batch_size=1, store=tmp_path)
        assert len(stats.mean) == count
    assert drawn == prompts, "two, and then the third alone"
    measure_channels(toy, prompts[:1], steps=1, batch_size=1, seed=1, store=tmp_path)
    assert len(drawn) == 4, "another seed is another measurement"


def test_inf_is_counted_in_what_is_kept_and_a_picture_of_it_is_refused(toy, prompts, tmp_path):
    def plant(tokens, samples, **_):
        tokens[[sample == 1 for sample in samples], 5, 7] = float("inf")
        return tokens

    asked = {"steps": 1, "batch_size": 1, "store": tmp_path}
    with fc.edit(toy, plant, layers=[5]):
        with pytest.raises(FloatingPointError, match="overflowed"):
            measure_channels(toy, prompts[:2], **asked)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    with fc.edit(toy, plant, layers=[5]):
        stats = measure_channels(toy, prompts[:2], output="latent", **asked)
    assert stats.nonfinite.sum(axis=(1, 2, 3)).tolist() == [0, 1]


def test_what_is_kept_is_of_the_model_as_it_is_now(prompts, tmp_path):
    """A weight changed in place, a hook, an edit that is open, another scheduler, other defaults: none is handed the
    numbers of before, and each finds its own again."""
    toy = fc.load("toyworld", device="cpu")
    weight = toy.transformer.transformer_blocks[2].ff.net[2].weight
    scheduler = toy.pipeline.scheduler

    def measured(**more):
        asked = {"steps": 2, **more}
        kept = measure_channels(toy, prompts[:1], store=tmp_path, **asked)
        np.testing.assert_array_equal(kept.mean_abs, measure_channels(toy, prompts[:1], **asked).mean_abs)
        return kept.mean_abs.tobytes()

    def other_scheduler():
        toy.pipeline.scheduler = type(scheduler).from_config(scheduler.config, shift=4.0)

    def hook():
        toy.handle = toy.transformer.transformer_blocks[1].register_forward_hook(lambda m, a, out: (out[0], 2 * out[1]))

    plain = measured()
    changes = {
        "weight": (lambda: weight.data.mul_(2), lambda: weight.data.div_(2)),
        "scheduler": (other_scheduler, lambda: setattr(toy.pipeline, "scheduler", scheduler)),
        "hook": (hook, lambda: toy.handle.remove()),
    }
    for change, back in changes.values():
        change()
        assert measured() != plain
        back()
        assert measured() == plain
    with fc.ablate(toy, [5], layers=[0]):
        assert measured() != plain
    assert len(list(tmp_path.glob("*.safetensors"))) == 2 + len(changes)


def test_prompts_are_told_apart_by_where_they_end(toy):
    assert key_of(toy, ["a\nb", "c"]) != key_of(toy, ["a", "b\nc"])


def test_a_survey_is_of_the_model_as_it_is_now(prompts, tmp_path):
    model = fc.load(PIPELINES["FLUX.1"]().pipeline, generation={"height": 32, "width": 48})
    before = survey_channels(model, prompts[:2], seeds=(0,), steps=1, k=2, store=tmp_path)
    model.transformer.x_embedder.weight.data[3] *= 50
    after = survey_channels(model, prompts[:2], seeds=(0,), steps=1, k=2, store=tmp_path)
    fresh = survey_channels(model, prompts[:2], seeds=(0,), steps=1, k=2)
    np.testing.assert_array_equal(after.ratio, fresh.ratio)
    assert (after.ratio != before.ratio).any()


def test_the_key_names_what_results_hang_on(toy, flux):
    assert key_of(toy, ["a"])["revision"].startswith("sha256:")
    assert key_of(toy, ["a"], k=1) != key_of(toy, ["a"], k=2) != key_of(toy, ["b"], k=2)
    named = key_of(flux, ["a"])
    assert (named["class"], named["dtype"], named["quantize"]) == ("FluxTransformer2DModel", "float32", None)
    assert not {"date", "versions", "device", "offload"} & set(named)


def test_spread_holds_both_ends():
    assert spread(6, 8) == [0, 1, 2, 3, 4, 5]
    assert spread(57, 8) == [0, 8, 16, 24, 32, 40, 48, 56]
    assert spread(1, 3) == [0]
