"""Statistics that are kept batch by batch are those of one run, and what is kept is not measured again."""

import fewchannels as fc
import numpy as np
import pytest
from fewchannels.measuring import key_of, measure_channels, spread
from fewchannels.models import Model

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
    asked = {"seed": 2, "steps": 1, "batch_size": 2, "height": 32, "width": 32, "true_cfg_scale": 4.0,
             "negative_prompt": prompts[::-1], "prompt_2": prompts}  # fmt: skip
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
    def plant(tokens, **_):
        tokens[:, 5, 7] = float("inf")
        return tokens

    asked = {"steps": 1, "batch_size": 1, "store": tmp_path}
    with fc.edit(toy, plant, layers=[5]), pytest.raises(FloatingPointError, match="overflowed"):
        measure_channels(toy, prompts[:1], **asked)
    assert not list(tmp_path.glob("*.safetensors"))
    measure_channels(toy, prompts[:1], output="latent", **asked)
    with fc.edit(toy, plant, layers=[5]):
        stats = measure_channels(toy, prompts[:2], output="latent", **asked)
    assert stats.nonfinite.sum(axis=(1, 2, 3)).tolist() == [0, 1], "the first prompt was kept from before"


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
