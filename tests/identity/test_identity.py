"""A value is known by its content: another content is another digest, and an equal one the same, in any process."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib.util
import json
import operator
import pickle
import subprocess
import sys
import threading

import fewchannels as fc
import numpy as np
import pytest
import tiny_judges
import torch
from fewchannels.channels import ChannelSet
from fewchannels.edits.blending import blend_latents, record_steps
from fewchannels.edits.inversion import renoised
from fewchannels.identity import NoContent, code_digest, content, digest
from fewchannels.identity.codes import Codes
from fewchannels.identity.weights import of_tensor, tensors_of
from fewchannels.reading.judges import ClipJudge, ClipSegJudge, ToyJudge
from fewchannels.watch.loop import at_levels, watched
from tiny_pipelines import PIPELINES


@pytest.fixture
def model():
    """A random FLUX.1 pipeline that may be changed."""
    return fc.load(PIPELINES["FLUX.1"]().pipeline)


# Values


@dataclasses.dataclass
class Dose:
    strength: float
    seen: dict = dataclasses.field(default_factory=dict, compare=False)

    @functools.cached_property
    def doubled(self):
        return 2 * self.strength


def noted(scale):
    dose = Dose(0.5)
    dose.scale = scale
    return dose


class Slotted:
    __slots__ = ("threshold",)

    def __init__(self, threshold):
        self.threshold = threshold


class Reader:
    def __init__(self, threshold):
        self._threshold = threshold

    def __call__(self, images):
        return {"bright": images.mean(axis=(1, 2, 3)) > self._threshold}

    def dark(self, images):
        return {"dark": images.mean(axis=(1, 2, 3)) < self._threshold}


def scaled(images, untouched, factor=1.0):
    return {"scaled": factor * images.mean(axis=(1, 2, 3))}


def closed_over(factor):
    return lambda images, untouched: {"scaled": factor * images.mean(axis=(1, 2, 3))}


def decorated(factor):
    def decorate(function):
        @functools.wraps(function)
        def inner(images, untouched):
            return function(images, untouched, factor)

        return inner

    return decorate


ONE, TWO = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
TOP = ChannelSet((np.array([1, 2]), np.array([3])), 8, "top")

DIFFERENT = {
    "names of a dict": ({1: "a"}, {"1": "a"}),
    "both names": ({1: "a", "1": "b"}, {1: "b", "1": "a"}),
    "a truth value": (True, 1),
    "kinds of numbers": (1, 1.0),
    "signs of zero": (0.0, -0.0),
    "infinities": (float("inf"), float("-inf")),
    "types of an array": (np.arange(3), np.arange(3.0)),
    "shapes of an array": (np.zeros((2, 3)), np.zeros((3, 2))),
    "arrays of objects": (np.array([1, "a"], object), np.array([1, "b"], object)),
    "tensors that float32 would make one": (
        torch.tensor(1.0, dtype=torch.float64),
        torch.tensor(1 + 1e-12, dtype=torch.float64),
    ),
    "large whole numbers": (torch.tensor(2**53 + 1), torch.tensor(2**53)),
    "types of a tensor": (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)),
    "complex numbers": (1j, 2j),
    "bytes": (b"a", b"b"),
    "sets": ({1, 2}, {1, 3}),
    "slices": (slice(0, 4), slice(0, 5)),
    "a seed": (torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)),
    "NumPy's state": (np.random.default_rng(0), np.random.default_rng(1)),
    "fields": (Dose(0.5), Dose(0.25)),
    "attributes beside fields": (noted(1), noted(2)),
    "slots": (Slotted(1), Slotted(2)),
    "private attributes": (Reader(1), Reader(2)),
    "channels": (TOP, ChannelSet((np.array([2, 1]), np.array([3])), 8, "top")),
    "partial's options": (functools.partial(scaled, factor=1), functools.partial(scaled, factor=2)),
    "partial's arguments": (functools.partial(scaled, 1), functools.partial(scaled, 2)),
    "partial's function": (functools.partial(scaled), functools.partial(closed_over)),
    "a bound object": (Reader(1).dark, Reader(2).dark),
    "methods": (Reader(1).dark, Reader(1).__call__),
    "closures": (closed_over(1), closed_over(2)),
    "closures of arrays": (closed_over(np.zeros(2)), closed_over(np.ones(2))),
    "decorators": (decorated(1)(scaled), decorated(2)(scaled)),
    "defaults": (lambda x, k=1: x * k, lambda x, k=2: x * k),
    "defaults by name": (lambda x, *, k=1: x * k, lambda x, *, k=2: x * k),
    "lambdas of one line": (lambda x: x + 1, lambda x: x + 2),
    "names of what is called": (lambda x: x.min(), lambda x: x.max()),
    "built-in methods": ([1].count, [2].count),
    "getters": (operator.itemgetter(1), operator.itemgetter(2)),
    "weights": (ONE, TWO),
    "methods of networks": (ONE.forward, TWO.forward),
    "classes": (type("A", (), {"f": lambda self: 1}), type("A", (), {"f": lambda self: 2})),
    "bases": (type("A", (Dose,), {}), type("A", (Slotted,), {})),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_not_the_same_is_known_apart_and_a_copy_is_not(name):
    one, other = DIFFERENT[name]
    assert digest(one) != digest(other)
    assert digest(one) == digest(one)
    if name not in ("closures", "decorators", "classes", "bases") and "lambda" not in name and "default" not in name:
        assert digest(copy.deepcopy(one)) == digest(one)
    json.dumps(content(one), allow_nan=False)


def test_content_is_readable_and_names_do_not_count():
    assert content({"a": (1, float("nan"))}) == {"a": [1, {"float": "nan"}]}
    assert content(TOP) == content(ChannelSet.from_json(TOP.to_json() | {"label": "other"}))
    assert content([np.float32(0.5), np.int64(3)]) == [0.5, 3]
    assert digest(closed_over(3)) == digest(closed_over(3))
    assert digest(decorated(3)(scaled)) == digest(decorated(3)(scaled))
    assert digest({3, 1, 2}) == digest({2, 3, 1})
    strided = np.arange(12).reshape(3, 4)
    assert digest(strided.T) == digest(np.ascontiguousarray(strided.T))
    assert digest(torch.from_numpy(strided).T) == digest(torch.from_numpy(strided).T.contiguous())


def test_what_was_worked_out_or_noted_meanwhile_does_not_count():
    dose = Dose(0.5)
    before = digest(dose)
    assert dose.doubled == 1
    dose.seen["a"] = 1
    assert digest(dose) == before

    @functools.cache
    def kept(x):
        return x

    before = digest(kept)
    kept(1)
    assert digest(kept) == before


def test_what_holds_itself_is_read():
    ring, other = [1], [2]
    ring.append(ring)
    other.append(other)
    assert digest(ring) == digest(ring) != digest(other)

    def again(n):
        return n and again(n - 1)

    assert digest(again) == digest(again)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"measure": (x for x in "ab")}, r"generator \(measure\) has no content"),
        ([1, threading.Lock()], r"lock \(\[1\]\) has no content"),
        (closed_over(threading.Lock()), r"'factor' of closed_over"),
        (functools.partial(scaled, factor=threading.Lock()), r"partial's options\.factor"),
        (torch.zeros(2, device="meta"), "has no numbers to read"),
        (torch.zeros(2, 2).to_sparse(), "has no numbers to read"),
    ],
)
def test_what_has_no_content_is_refused_by_name(value, words):
    with pytest.raises(NoContent, match=words) as error:
        content(value)
    assert "known_by()" in str(error.value)


# Code


def module_of(path, text, name=None):
    path.write_text(text)
    name = name or path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two modules of a reader's own, one of which imports the other inside of a function."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    helper = "FACTOR = 2\n\n\ndef twice(x):\n    return FACTOR * x\n"
    main = "def measure(images, untouched):\n    from helper_of_mine import twice\n\n    return {'a': twice(images)}\n"
    made = {
        "helper": module_of(tmp_path / "helper_of_mine.py", helper),
        "main": module_of(tmp_path / "reader_of_mine.py", main),
    }
    yield tmp_path, made
    for name in ("helper_of_mine", "reader_of_mine"):
        del sys.modules[name]


def test_code_that_is_imported_counts_wherever_it_stands(files):
    folder, made = files
    before = digest(made["main"].measure)
    assert digest(made["main"].measure) == before
    source = (folder / "helper_of_mine.py").read_text()
    made["helper"] = module_of(folder / "helper_of_mine.py", '"""Words."""\n# more\n' + source)
    assert digest(made["main"].measure) == before, "words are no code"
    module_of(folder / "helper_of_mine.py", source.replace("FACTOR * x", "FACTOR * x + 1"))
    assert digest(made["main"].measure) != before


@pytest.mark.parametrize("change", ["function", "constant", "file"])
def test_code_that_was_changed_in_memory_or_on_disk_alone_counts(files, monkeypatch, change):
    """In memory as by a debugger's or a notebook's assignment; on disk, while what runs is still the old."""
    folder, made = files
    before = digest(made["main"].measure)
    if change == "function":
        monkeypatch.setattr(made["helper"], "twice", lambda x: x)
    elif change == "constant":
        monkeypatch.setattr(made["helper"], "FACTOR", 3)
    else:
        source = (folder / "helper_of_mine.py").read_text()
        (folder / "helper_of_mine.py").write_text(source.replace("FACTOR * x", "FACTOR + x"))
    mixed = digest(made["main"].measure)
    assert mixed != before
    if change == "file":
        made["helper"] = module_of(folder / "helper_of_mine.py", (folder / "helper_of_mine.py").read_text())
        assert digest(made["main"].measure) not in (mixed, before), "the new code alone is a third"


def test_a_library_function_that_was_replaced_counts(monkeypatch):
    from fewchannels import metrics
    from fewchannels.sweep import batches

    before = code_digest(batches.Batch)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "iou", lambda a, b: 0)
        assert code_digest(batches.Batch) != before
    assert code_digest(batches.Batch) == before


def test_what_a_function_takes_from_a_notebook_counts():
    """In a notebook there is no file: functions stand by their bytecode and by what they name."""

    def cell(factor, more="", body="factor * images.mean()"):
        space = {"__name__": "no_file_has_this"}
        exec(
            f"import numpy as np\nfactor = {factor}\n{more}\ndef half(x): return x / 2\n"
            f"def measure(images):\n    return half({body})",
            space,
        )
        sys.modules["no_file_has_this"] = sys.__class__("no_file_has_this")
        vars(sys.modules["no_file_has_this"]).update(space)
        return space["measure"]

    try:
        assert digest(cell(1)) == digest(cell(1)) != digest(cell(2))
        assert digest(cell(1)) == digest(cell(1, "other = 3")), "what it does not name does not count"
        assert digest(cell(1)) != digest(cell(1, body="factor * images.sum()"))
        assert code_digest(cell(1)) == code_digest(cell(2)) != code_digest(cell(1, body="factor + images.mean()"))
        assert digest(cell("np.zeros(2)")) != digest(cell("np.ones(2)"))
    finally:
        del sys.modules["no_file_has_this"]


def test_code_is_the_same_in_a_process_that_has_loaded_other_modules():
    name = "fewchannels.studies.subject_transport"
    ask = f"import json; from fewchannels.identity.codes import Codes; print(json.dumps(Codes().reached({name!r})))"
    alone = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    here = Codes().reached(name)
    assert json.loads(alone.stdout) == here
    assert {"fewchannels.toyworld.judge", "fewchannels.store.workers"} <= set(here)


# Networks

EDITS = {
    "in place, without gradients": lambda weight: weight.mul_(1.5),
    "through .data": lambda weight: weight.data.mul_(1.5),
    "through NumPy": lambda weight: np.multiply(weight.detach().numpy(), 1.5, out=weight.detach().numpy()),
    "two signs": lambda weight: weight[0, :2].neg_(),
    "rows exchanged": lambda weight: weight.copy_(weight.flip(0)),
    "its last number": lambda weight: weight[-1, -1].add_(1e-6),
}


@pytest.mark.parametrize("how", EDITS)
@pytest.mark.parametrize("part", ["transformer", "text_encoder_2", "vae"])
@pytest.mark.parametrize("inference", [False, True])
def test_weights_count_however_they_were_changed(flux, how, part, inference):
    module = getattr(flux.pipeline, part)
    weight = next(p for p in module.parameters() if p.ndim >= 2 and p.any())
    weight = weight if weight.ndim == 2 else weight.detach().view(weight.shape[0], -1)
    kept, before = weight.detach().clone(), digest(flux)
    try:
        with torch.inference_mode() if inference else torch.no_grad():
            EDITS[how](weight)
        assert digest(flux) != before
    finally:
        with torch.no_grad():
            weight.copy_(kept)
    assert digest(flux) == before


def test_every_number_of_a_tensor_counts_and_where_it_lies_does_not():
    rng = torch.Generator().manual_seed(0)
    for dtype, size in ((torch.float32, 70_001), (torch.bfloat16, 131_073), (torch.uint8, 7), (torch.bool, 3)):
        tensor = (torch.rand(size, generator=rng) > 0.5).to(dtype)
        known = of_tensor(tensor)
        assert of_tensor(torch.cat([tensor[:1], tensor])[1:]) == known, "it begins at another byte"
        for place in (0, size // 2, size - 1):
            other = tensor.clone()
            other[place] = 1 - other[place].to(torch.uint8)
            assert of_tensor(other) != known
        assert of_tensor(torch.cat([tensor, tensor[:0], torch.zeros(1, dtype=dtype)])) != known


def hooked(model):
    model.transformer.transformer_blocks[0].register_forward_hook(lambda module, args, output: None)


def adapted(model):
    class Adapted(torch.nn.Module):
        def __init__(self, plain):
            super().__init__()
            self.plain, self.down, self.up = plain, torch.nn.Linear(32, 2), torch.nn.Linear(2, 32)

        def forward(self, x):
            return self.plain(x) + self.up(self.down(x))

    model.transformer.transformer_blocks[0].attn.to_q = Adapted(model.transformer.transformer_blocks[0].attn.to_q)


def patched(model):
    plain = model.transformer.forward
    model.transformer.forward = lambda *args, **options: plain(*args, **options)


def other_scheduler(model):
    import diffusers

    model.pipeline.scheduler = diffusers.FlowMatchHeunDiscreteScheduler.from_config(model.pipeline.scheduler.config)


def renamed(model):
    tokenizer = model.pipeline.tokenizer
    words = tokenizer.backend_tokenizer.to_str().replace('"red":', '"green":', 1)
    from transformers import PreTrainedTokenizerFast

    model.pipeline.tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=type(tokenizer.backend_tokenizer).from_str(words), pad_token="<pad>", model_max_length=77
    )


CHANGES = {
    "a hook": hooked,
    "an adapter": adapted,
    "another forward": patched,
    "another class of scheduler": other_scheduler,
    "the scheduler's configuration": lambda model: model.pipeline.scheduler.register_to_config(shift=2.0),
    "the scheduler's shift": lambda model: model.pipeline.scheduler.set_shift(3.0),
    "defaults": lambda model: model.defaults.update(guidance_scale=2.0),
    "a buffer": lambda model: model.pipeline.text_encoder.register_buffer("more", torch.ones(1), persistent=False),
    "a norm's epsilon": lambda model: setattr(model.transformer.norm_out.norm, "eps", 1e-2),
    "training, where dropout draws": lambda model: model.transformer.train(),
    "a component put out": lambda model: setattr(model.pipeline, "text_encoder_2", copy.deepcopy(model.pipeline.vae)),
    "another attention processor": lambda model: setattr(
        model.transformer.transformer_blocks[0].attn, "processor", functools.partial(print)
    ),
    "the tokenizer": renamed,
    "a method of the pipeline": lambda model: setattr(model.pipeline, "encode_prompt", lambda *args: None),
    "a setting of the pipeline": lambda model: setattr(model.pipeline, "vae_scale_factor", 4),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_a_models_pictures_changes_its_digest(model, name):
    before = digest(model)
    CHANGES[name](model)
    assert digest(model) != before


def test_a_lora_counts_and_is_gone_when_it_is_taken_off(model):
    peft = pytest.importorskip("peft")
    before = digest(model)
    model.transformer.add_adapter(peft.LoraConfig(r=2, target_modules=["to_q"], init_lora_weights=False))
    on = digest(model)
    assert on != before
    model.transformer.disable_adapters()
    assert digest(model) not in (on, before), "its weights are still there, and do nothing"
    model.transformer.delete_adapters("default")
    assert digest(model) != on


def test_an_open_edit_is_another_model(toy):
    before = digest(toy)
    with pytest.raises(RuntimeError, match="never ran"), fc.ablate(toy, [1], layers=[0]):
        assert digest(toy) != before
    assert digest(toy) == before


def test_what_stands_around_the_loop_is_another_model_too(toy, prompts):
    """Latents that are blended or renoised, and other noise levels: no attribute of the scheduler says so."""
    with record_steps(toy) as one:
        toy.generate(prompts[:1], seed=0, steps=1)
    with record_steps(toy) as other:
        toy.generate(prompts[:1], seed=1, steps=1)
    contexts = [
        blend_latents(toy, one),
        blend_latents(toy, other),
        blend_latents(toy, one, weight=0.5),
        renoised(toy, one.latents[0]),
        at_levels(toy, [1.0]),
        at_levels(toy, [0.9]),
    ]
    found = [digest(toy)]
    for context in contexts:
        with context:
            found.append(digest(toy))
    assert len({*found}) == len(found)
    assert digest(toy) == found[0]


def test_a_model_that_is_looked_at_can_be_known(toy, prompts):
    """Before the run has begun, when statistics have nothing to tell."""
    before = digest(toy)
    with fc.capture(toy, fc.ChannelStats()), fc.capture(toy, fc.KeepTokens()), watched(toy):
        assert digest(toy)
        toy.generate(prompts[:1], steps=1)
        assert digest(toy)
    assert digest(toy) == before


@pytest.mark.parametrize("name", [name for name in PIPELINES if name != "CogView4"])
def test_every_pipeline_is_known_as_before_when_it_has_run(name):
    """And a second one of the same numbers is the same."""
    model, case = fc.load(PIPELINES[name]().pipeline), PIPELINES[name]()
    before, (height, width) = digest(model), case.size
    model.generate(["a red star"], steps=2, height=height, width=width, **case.common, **case.plain)
    assert digest(model) == before == digest(fc.load(case.pipeline))


@pytest.mark.parametrize(
    "name",
    [
        "DDIM",
        "DDPM",
        "DPMSolverMultistep",
        "EulerDiscrete",
        "FlowMatchHeunDiscrete",
        "FlowMatchLCM",
        "LCM",
        "PNDM",
        "UniPCMultistep",
    ],
)
def test_every_scheduler_is_known_as_before_when_it_has_run(name):
    import diffusers

    scheduler = getattr(diffusers, f"{name}Scheduler")()
    before, sample = digest(scheduler), torch.ones(1, 4, 4, 4)
    scheduler.set_timesteps(5)
    for timestep in scheduler.timesteps[:3]:
        sample = scheduler.step(torch.ones(1, 4, 4, 4), timestep, sample).prev_sample
    assert digest(scheduler) == before


def test_a_model_that_travels_or_is_offloaded_stays_the_same(model):
    import accelerate

    before = digest(model)
    assert digest(pickle.loads(pickle.dumps(model.pipeline))) == digest(model.pipeline)
    accelerate.cpu_offload(model.transformer, execution_device="cpu")
    assert next(model.transformer.parameters()).device.type == "meta"
    assert {tensor.device.type for tensor in tensors_of(model.transformer).values()} == {"cpu"}
    assert digest(model) == before


def test_a_folder_that_was_moved_holds_the_same_model(tmp_path, model):
    for place in ("one", "two"):
        model.pipeline.save_pretrained(tmp_path / place, safe_serialization=True)
    one, two = (fc.load(tmp_path / place) for place in ("one", "two"))
    assert digest(one) == digest(two)


def test_a_judge_is_known_by_its_weights():
    one, two = ToyJudge(), ToyJudge()
    assert digest(one) == digest(two)
    with torch.no_grad():
        next(two.judge.network.parameters()).mul_(1.01)
    assert digest(one) != digest(two)


@pytest.mark.parametrize("kind", ["clip", "clipseg"])
def test_a_judge_of_transformers_is_known_by_its_network_and_its_processor(kind):
    judges = {"clip": ClipJudge, "clipseg": ClipSegJudge}

    def made():
        model, processor = getattr(tiny_judges, kind)()
        return judges[kind](model=model, processor=processor)

    one, two = made(), made()
    images = np.zeros((1, 40, 40, 3), np.uint8)
    one.scores(images, ["a red star"]) if kind == "clip" else one.masks(images, ["a red star"])
    assert digest(one) == digest(two), "what it has read does not count"
    with torch.no_grad():
        next(two.model.parameters()).add_(1e-3)
    assert digest(one) != digest(two)
    two = made()
    two.processor.image_processor.image_mean = [0.1, 0.2, 0.3]
    assert digest(one) != digest(two)
