"""What stands on a model while contexts are open: closed in any order, copied plain, and of one thread."""

import copy
import inspect
import io
import itertools
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import diffusers
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.edits.blending import blend_latents, interpolate_prompts, record_steps
from fewchannels.edits.inversion import encode, renoised
from fewchannels.measure.recording import recorder
from fewchannels.scheduler import noise_levels
from fewchannels.watch.attention import attention_to
from fewchannels.watch.loop import at_levels, watched
from fewchannels.wrapping import around
from tiny_models import Keep
from tiny_pipelines import PIPELINES, guidance_of

NAMED = ["FLUX.1", "Qwen-Image", "FLUX.2-klein", "HunyuanImage"]  # their pipelines name their passes
PROMPT = ["a large red star"]


def traces(model):
    """What contexts have left on the parts of a pipeline."""
    parts = [model.pipeline, model.pipeline.scheduler, *model.transformer.modules()]
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.transformer.modules())
    ours = {"__getstate__", "step", "set_timesteps", "cache_context", "encode_prompt"}
    return hooks, [names for part in parts if (names := ours & set(vars(part)))]


class Thing:
    def said(self, word, times=1):
        """A method."""
        return [word] * times


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_layers_leave_in_any_order(order):
    thing, stacks = Thing(), [ExitStack() for _ in range(3)]
    for number, stack in enumerate(stacks):
        stack.enter_context(around(thing, "said", lambda inner, *a, n=number, **k: [n, *inner(*a, **k)]))
    assert thing.said("a", times=2) == [2, 1, 0, "a", "a"]
    assert list(inspect.signature(thing.said).parameters) == ["word", "times"]
    open_still = {0, 1, 2}
    for number in order:
        stacks[number].close()
        open_still.remove(number)
        assert thing.said("a") == [*sorted(open_still, reverse=True), "a"]
    assert not vars(thing)


def test_what_another_hand_has_put_there_stays():
    thing = Thing()
    thing.said = lambda word: [word.upper()]
    with around(thing, "said", lambda inner, word: [0, *inner(word)]):
        assert thing.said("a") == [0, "A"]
    assert thing.said("a") == ["A"]
    thing = Thing()
    with around(thing, "said", lambda inner, word: [0, *inner(word)]):
        ours = thing.said
        thing.said = lambda word: ["theirs", *ours(word)]
    assert thing.said("a") == ["theirs", "a"]


@pytest.mark.parametrize("name", NAMED)
def test_contexts_on_named_passes_close_in_the_order_of_their_opening(name):
    case = PIPELINES[name]()
    model, options = fc.load(case.pipeline), guidance_of(case, True)
    if name == "HunyuanImage":
        from diffusers.guiders import SkipLayerGuidance
        from diffusers.hooks import LayerSkipConfig

        skipped = LayerSkipConfig([0], fqn="transformer_blocks")
        case.pipeline.guider = SkipLayerGuidance(
            skip_layer_config=skipped, skip_layer_guidance_start=0.0, skip_layer_guidance_stop=1.0
        )

    def kept(branch):
        with fc.capture(model, sink := Keep(), layers=1, branch=branch):
            model.generate(PROMPT, steps=2, **options)
        return [call[-1] for call in sink.calls]

    apart = {branch: kept(branch) for branch in ("cond", "uncond")}
    first, second = ExitStack(), ExitStack()
    first.enter_context(fc.capture(model, Keep(), layers=0))
    second.enter_context(fc.capture(model, cond := Keep(), layers=1))
    second.enter_context(fc.capture(model, uncond := Keep(), layers=1, branch="uncond"))
    model.generate(PROMPT, steps=2, **options)
    first.close()
    model.generate(PROMPT, steps=2, **options)
    second.close()
    for sink, branch in ((cond, "cond"), (uncond, "uncond")):
        assert [call[1:3] for call in sink.calls] == [(0, [0]), (1, [0]), (0, [1]), (1, [1])]
        for call, expected in zip(sink.calls, apart[branch] * 2, strict=True):
            assert torch.equal(call[-1], expected)
    assert not torch.equal(apart["cond"][0], apart["uncond"][0])
    assert traces(model) == (0, [])


def every_context(toy, prompts):
    """One of each kind that stands on the toy world's pipeline, of which none changes a picture, for ten samples."""
    clean = encode(toy, toy.generate(prompts[:1] * 10, steps=2))
    with record_steps(toy) as source:
        toy.generate(prompts[:1] * 10, steps=2)
    levels = noise_levels(toy)
    return [
        lambda: fc.capture(toy, fc.ChannelStats()),
        lambda: fc.edit(toy, lambda tokens, **_: tokens),
        lambda: watched(toy),
        lambda: record_steps(toy),
        lambda: blend_latents(toy, source, weight=0.0),
        lambda: renoised(toy, clean, mask=np.zeros((12, 12), bool)),
        lambda: at_levels(toy, levels),
        lambda: interpolate_prompts(toy, {}, 0.5),
        lambda: attention_to(toy, {"noun": [[0]] * 10}),
    ]


def test_contexts_of_every_kind_close_in_the_order_of_their_opening(toy, prompts):
    bare = toy.generate(prompts[:1], steps=2)
    before = traces(toy)
    kinds = every_context(toy, prompts)
    stacks = [ExitStack() for _ in kinds]
    for stack, kind in zip(stacks, kinds, strict=True):
        stack.enter_context(kind())
    for stack in stacks:
        assert toy.generate(prompts[:1], steps=2) == pytest.approx(bare, abs=1)
        stack.close()
    assert traces(toy) == before == (0, [])
    assert {type(block.attn.processor).__name__ for block in toy.transformer.transformer_blocks} == {
        "JointAttnProcessor2_0"
    }
    assert np.array_equal(bare, toy.generate(prompts[:1], steps=2))


def test_attention_is_looked_at_twice_and_closes_in_the_order_of_opening(toy, prompts):
    first, second = ExitStack(), ExitStack()
    one = first.enter_context(attention_to(toy, {"noun": [[0]]}))
    two = second.enter_context(attention_to(toy, {"noun": [[0]] * 2}))
    copied = copy.deepcopy(toy.pipeline)
    toy.generate(prompts[:1], steps=1)
    first.close()
    toy.generate(prompts[:1], steps=1)
    second.close()
    assert (len(one.maps["noun"]), len(two.maps["noun"])) == (1, 2)
    assert np.array_equal(one.maps["noun"][0], two.maps["noun"][1])
    for transformer in (toy.transformer, copied.transformer):
        assert {type(block.attn.processor).__name__ for block in transformer.transformer_blocks} == {
            "JointAttnProcessor2_0"
        }


def test_a_step_that_is_wrapped_still_gets_the_generator():
    """Pipelines read the signature of step, and give a generator to one that takes it: DDPM's noise is the seed's."""
    case = PIPELINES["PixArt-Sigma"]()
    model, options = fc.load(case.pipeline), guidance_of(case, False)
    case.pipeline.scheduler = diffusers.DDPMScheduler()
    bare = model.generate(PROMPT, steps=3, output="latent", **options)
    with watched(model), record_steps(model):
        assert torch.equal(bare, model.generate(PROMPT, steps=3, output="latent", **options))


def by_torch(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=False)


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda value: pickle.loads(pickle.dumps(value)), "torch": by_torch}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_made_inside_a_context_is_plain_and_runs(how, flux):
    """Its forwards are no part of the context; those of the model still are."""
    options = {"height": 32, "width": 48, "steps": 2, "output": "latent"}
    bare = flux.generate(PROMPT, **options)
    with (
        fc.capture(flux, sink := Keep(), layers=0),
        fc.edit(flux, lambda tokens, **_: tokens + 1),
        watched(flux) as loop,
        interpolate_prompts(flux, {PROMPT[0]: "a small blue circle"}, 1.0),
    ):
        edited = flux.generate(PROMPT, **options)
        pipeline, transformer = COPIES[how](flux.pipeline), COPIES[how](flux.transformer)
        own = fc.load(pipeline)
        assert torch.equal(own.generate(PROMPT, **options), bare)
        assert (len(sink.calls), loop.pixels().shape[:2]) == (2, (1, 2))
        assert not torch.equal(edited, bare)
        assert torch.equal(flux.generate(PROMPT, **options), edited)
        assert [call[1:3] for call in sink.calls] == [(0, [0]), (1, [0]), (0, [1]), (1, [1])]
        model = COPIES[how](flux)
    assert traces(own) == traces(fc.load(pipeline)) == traces(model) == traces(flux) == (0, [])
    assert model.run is None
    for plain in (transformer, flux.transformer):
        assert set(vars(plain)) == set(vars(flux.transformer))
    with fc.capture(own, again := fc.ChannelStats()):
        own.generate(PROMPT, **options)
    assert len(again.steps) == 2


def test_a_copy_keeps_the_hooks_of_others(flux):
    def theirs(module, args, output):
        return None

    handle = flux.transformer.register_forward_hook(theirs)
    try:
        with fc.capture(flux, Keep()):
            assert list(copy.deepcopy(flux.transformer)._forward_hooks.values()) == [theirs]
            flux.generate(PROMPT, height=32, width=32, steps=1)
        assert list(flux.transformer._forward_hooks.values()) == [theirs]
    finally:
        handle.remove()


def test_a_copy_made_while_it_runs_is_at_no_work(toy, prompts):
    copies = []

    def between(pipeline, step, timestep, tensors):
        copies.append(copy.deepcopy(toy))
        return tensors

    toy.generate(prompts[:1], steps=1, callback_on_step_end=between)
    assert copies[0].run is None
    assert copies[0].generate(prompts[:1], steps=1).shape == (1, 48, 48, 3)


def in_another_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=60)


def test_a_model_at_work_in_one_thread_is_refused_in_another(toy, prompts):
    bare, refused = toy.generate(prompts[:1], steps=2), []

    def tried(pipeline, step, timestep, tensors):
        for attempt in (
            lambda: toy.generate(prompts[:1], steps=2),
            lambda: fc.capture(toy, Keep()).__enter__(),
            lambda: watched(toy).__enter__(),
            lambda: toy.trajectory(1, 1).__enter__(),
        ):
            with pytest.raises(RuntimeError, match="the model is at work in another thread"):
                in_another_thread(attempt)
            refused.append(toy.run is not None)
        return tensors

    assert np.array_equal(toy.generate(prompts[:1], steps=2, callback_on_step_end=tried), bare)
    assert refused == [True] * 8
    assert toy.run is None
    assert traces(toy) == (0, [])
    assert np.array_equal(in_another_thread(lambda: toy.generate(prompts[:1], steps=2)), bare)


def test_two_threads_at_once_get_their_own_pictures_or_are_refused(toy, prompts):
    alone = [toy.generate([prompt], steps=4) for prompt in prompts[:2]]
    start, found = threading.Barrier(2), [None, None]

    def work(number):
        start.wait()
        try:
            with fc.capture(toy, stats := fc.ChannelStats()):
                found[number] = toy.generate([prompts[number]], steps=4), stats.mean.shape[0]
        except RuntimeError as error:
            found[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    refused = [one for one in found if isinstance(one, RuntimeError)]
    assert len(refused) < 2
    assert all("at work in another thread" in str(error) for error in refused)
    for one, expected in zip(found, alone, strict=True):
        assert one in refused or (np.array_equal(one[0], expected) and one[1] == 1)
    assert toy.run is None
    assert traces(toy) == (0, [])
    toy.pipeline([prompts[0]] * 2, num_inference_steps=1, guidance_scale=1.0, output_type="np")
    with fc.capture(toy, sink := Keep(), layers=0):
        toy.pipeline(prompts[:2], num_inference_steps=1, guidance_scale=1.0, output_type="np")
    assert sink.calls[0][2] == [0, 1]


def test_a_context_is_not_fed_by_a_pipeline_that_another_thread_calls(toy, prompts):
    def call():
        toy.pipeline(prompts[:1], num_inference_steps=1, output_type="np")

    with fc.capture(toy, sink := Keep(), layers=0):
        with pytest.raises(RuntimeError, match="at work in another thread"):
            in_another_thread(call)
        assert not sink.calls
        toy.generate(prompts[:1], steps=1)
    assert len(sink.calls) == 1


def test_the_explorer_says_that_the_model_is_at_work_and_no_longer_than_it_is(toy):
    ask = recorder(toy)
    request = {"prompt": "a large red star at the left on a plain blue background", "seed": 0, "steps": 1}
    with fc.edit(toy, lambda tokens, **_: None):
        with pytest.raises(RuntimeError, match="at work"):
            in_another_thread(lambda: ask(request))
        toy.generate(["a large red star"], steps=1)
    assert len(in_another_thread(lambda: ask(request)).images) == 1


def test_what_a_thread_left_open_does_not_lock_the_model(toy, prompts):
    context = fc.capture(toy, Keep())
    in_another_thread(context.__enter__)
    with pytest.raises(RuntimeError, match="in another thread"):
        toy.generate(prompts[:1], steps=1)
    with pytest.raises(RuntimeError, match="the model never ran"):
        context.__exit__(None, None, None)
    assert toy.generate(prompts[:1], steps=1).shape == (1, 48, 48, 3)
    assert traces(toy) == (0, [])
