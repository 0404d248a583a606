"""Subclasses of what diffusers and the library know are taken for their parents: pipelines, transformers, the toy."""

import inspect

import diffusers
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels import layouts
from fewchannels.edits import image_latents
from fewchannels.layouts import TABLE, Layout, is_open, layout_of, signature_of
from fewchannels.toyworld.pipeline import ToyWorldPipeline
from tiny_pipelines import flux

SMALL = {"height": 32, "width": 48, "steps": 1}


class HandsOn(diffusers.FluxPipeline):
    """As people write them: everything is handed on to the parent."""

    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class WithItsOwn(diffusers.FluxPipeline):
    @torch.no_grad()
    def __call__(self, *args, num_inference_steps=3, strength=1.0, **kwargs):
        return super().__call__(*args, num_inference_steps=num_inference_steps, **kwargs)


class Grandchild(WithItsOwn):
    pass


class ByHand(diffusers.FluxPipeline):
    """It names what it takes, and no more is taken."""

    def __call__(self, prompt=None, generator=None, output_type="np", num_inference_steps=2):
        return super().__call__(
            prompt, generator=generator, output_type=output_type, num_inference_steps=num_inference_steps
        )


class Around(diffusers.DiffusionPipeline):
    """It names nothing, and has no parent that does."""

    def __init__(self, transformer, vae):
        super().__init__()
        self.register_modules(transformer=transformer, vae=vae)

    def __call__(self, *args, **kwargs):
        return None


def as_kind(kind):
    return kind(**flux().pipeline.components)


def loaded(kind):
    """With the preset of FLUX.1-schnell, as a hub model of that name would be."""
    pipeline = as_kind(kind)
    return fc.Model(pipeline, pipeline.transformer, "black-forest-labs/FLUX.1-schnell")


@pytest.fixture(scope="module")
def plain():
    return loaded(diffusers.FluxPipeline)


@pytest.mark.parametrize("kind", [HandsOn, WithItsOwn, Grandchild])
def test_a_pipeline_that_hands_its_arguments_on_keeps_defaults_and_shift(kind, plain):
    model = loaded(kind)
    assert (
        model.defaults
        == plain.defaults
        == {"num_inference_steps": 4, "height": 1024, "width": 1024, "guidance_scale": 0.0}
    )
    pictures = [np.zeros((32, 48, 3), np.uint8), np.full((32, 48, 3), 200, np.uint8)]
    latents = [image_latents.encode(one, pictures, 32, 48) for one in (model, plain)]
    assert torch.equal(*latents), "the shift of the autoencoder is taken in"
    with pytest.raises(TypeError, match=rf"{kind.__name__} does not accept guidance; it accepts .*guidance_scale"):
        model.generate("a star", guidance=3)
    images = [one.generate("a star", seed=0, **SMALL) for one in (model, plain)]
    assert np.array_equal(*images)


def test_what_a_subclass_names_goes_before_its_parent_s(plain):
    own = fc.load(as_kind(Grandchild))
    assert (own.steps, fc.load(as_kind(HandsOn)).steps) == (3, 28)
    own.generate("a star", strength=0.5, **SMALL)
    assert "strength" not in signature_of(diffusers.FluxPipeline, "__call__").parameters
    assert set(fc.load(as_kind(ByHand)).defaults) == set()
    closed = loaded(ByHand)
    assert closed.defaults == {"num_inference_steps": 4}, "a pipeline that takes no size is given none"
    with pytest.raises(TypeError, match="does not accept height"):
        closed.generate("a star", height=32)


def test_a_pipeline_that_names_nothing_is_given_its_preset(plain):
    parts = flux().pipeline.components
    pipeline = Around(parts["transformer"], parts["vae"])
    model = fc.Model(pipeline, pipeline.transformer, "black-forest-labs/FLUX.1-schnell")
    assert model.defaults == plain.defaults
    assert is_open(signature_of(Around, "__call__").parameters)


@pytest.mark.parametrize("kind", [diffusers.FluxPipeline, diffusers.PixArtSigmaPipeline, ToyWorldPipeline])
def test_a_pipeline_that_is_no_subclass_is_read_as_it_is(kind):
    assert signature_of(kind, "__call__").parameters == inspect.signature(kind.__call__).parameters


@pytest.mark.parametrize("name", sorted(TABLE))
def test_forwards_of_the_table_are_read_as_they_are(name, tiny):
    kind = type(tiny(name)[0])
    assert signature_of(kind, "forward").parameters == inspect.signature(kind.forward).parameters


class Same(diffusers.FluxTransformer2DModel):
    pass


class Passing(diffusers.FluxTransformer2DModel):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


class Renamed(Passing):
    def forward(self, hidden_states, *args, note=None, **kwargs):
        return super().forward(hidden_states, *args, **kwargs)


class Tokens:
    def __init__(self):
        self.found = {}

    def add(self, tokens, *, layer, step, samples, grid):
        self.found[layer, step] = tokens.clone()


@pytest.mark.parametrize("kind", [Same, Passing, Renamed])
def test_a_subclass_of_a_known_transformer_has_its_layout(kind, tiny):
    transformer, call = tiny("FluxTransformer2DModel")
    model = fc.load(transformer)
    with model.trajectory(2, 1), fc.capture(model, expected := Tokens()):
        call()
    own = kind(**transformer.config).eval().requires_grad_(False)
    own.load_state_dict(transformer.state_dict())
    inner = transformer.forward
    model = fc.load(own)
    assert model.layout is TABLE["FluxTransformer2DModel"]

    def positional(hidden_states, encoder_hidden_states, pooled_projections, timestep, **more):
        return own(hidden_states, encoder_hidden_states, pooled_projections, timestep, **more)

    transformer.forward = positional
    try:
        with model.trajectory(2, 1), fc.ablate(model, [3], layers=-1), fc.capture(model, found := Tokens()):
            call()
    finally:
        del transformer.forward
    assert transformer.forward == inner
    assert not found.found[3, 0][..., 3].any()
    for place, tokens in found.found.items():
        if place[0] != 3:
            assert torch.equal(tokens, expected.found[place])


def test_an_entry_of_its_own_goes_before_the_parent_s(monkeypatch):
    monkeypatch.setattr(layouts.table, "TABLE", dict(TABLE))
    parent = TABLE["FluxTransformer2DModel"]
    layouts.register(Layout("Passing", "mine", parent.blocks, grid="img_ids", text="joint", guidance="two passes"))
    config = flux().pipeline.transformer.config
    assert layout_of(Renamed(**config)).family == "mine"
    assert layout_of(Same(**config)) is parent
    with pytest.raises(KeyError, match="no layout for the transformer class 'Renamed'"):
        layout_of("Renamed")  # a name alone has no parents


def test_a_subclass_of_the_toy_is_the_toy(toy):
    class Mine(ToyWorldPipeline):
        def __call__(self, *args, **kwargs):
            return super().__call__(*args, **kwargs)

    mine = fc.load(Mine(**toy.pipeline.components))
    assert mine.is_toy
    assert (mine.preset, mine.defaults, mine.steps) == (toy.preset, toy.defaults, toy.steps)
