"""load: what it refuses before a download, with the real client of the hub; offloading, quantising, overflow."""

import contextlib
import json
import os
import re
import shutil
from types import SimpleNamespace

import accelerate
import fewchannels as fc
import numpy as np
import pytest
import torch
from fewchannels.cli import main
from fewchannels.models import NotEnough, folders, loading, needs, overflow, placing
from fewchannels.models import hub as hub_client
from fewchannels.models.needs import GB, Weights
from hub_server import COMMIT, serving
from tiny_pipelines import PIPELINES, guidance_of

SMALL = {"height": 32, "width": 32, "max_sequence_length": 24}
PROMPTS = ["a large red star at the center on a plain white background"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A whole tiny FLUX.2-klein pipeline on disk."""
    path = tmp_path_factory.mktemp("hub") / "tiny"
    PIPELINES["FLUX.2-klein"]().pipeline.save_pretrained(path)
    return path


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """hub(sizes=...) -> the served hub, which the client asks instead of the real one, with a cache of its own."""
    from huggingface_hub import constants, hf_api

    models = {"lab/tiny": folder, "lab/gated": folder}
    for name, index in (
        ("empty", None),
        ("unet", {"unet": ["diffusers", "UNet2DConditionModel"]}),
        ("film", {"transformer": ["diffusers", "WanTransformer3DModel"]}),
        ("bare", {"transformer": ["diffusers", "Flux2Transformer2DModel"]}),
    ):
        models[f"lab/{name}"] = tmp_path / name
        (tmp_path / name).mkdir()
        if index is not None:
            (tmp_path / name / "model_index.json").write_text(json.dumps({"_class_name": "Some", **index}))

    def serve(sizes=None):
        served = context.enter_context(serving(models, {"lab/gated"}, sizes))
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        files = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(hf_api.api, "endpoint", served.address)
        return served

    with contextlib.ExitStack() as context:
        yield serve


def test_a_model_of_the_hub_is_loaded_at_a_pinned_commit(hub, folder):
    served = hub()
    model = fc.load("lab/tiny", revision="main")
    assert (model.name, model.revision) == ("lab/tiny", COMMIT)
    assert model.provenance()["revision"] == COMMIT
    case = PIPELINES["FLUX.2-klein"]()
    options = {"steps": 2, **guidance_of(case, False)}
    np.testing.assert_array_equal(model.generate(PROMPTS, **options), fc.load(folder).generate(PROMPTS, **options))
    assert not [path for path in served.asked if "resolve/main" in path and "model_index" not in path]


@pytest.mark.parametrize(
    ("name", "options", "kind", "words"),
    [
        (
            "lab/gated",
            {},
            PermissionError,
            r"gated: accept its licence on .*lab/gated, then log in .*no token was found",
        ),
        ("lab/none", {}, FileNotFoundError, r"no model 'lab/none', or shows it to members only"),
        ("lab/tiny", {"revision": "v9"}, FileNotFoundError, r"no revision 'v9'"),
        ("lab/empty", {}, FileNotFoundError, r"holds no model_index\.json, so it is no diffusers pipeline"),
        ("lab/unet", {}, ValueError, r"has no transformer \(a U-Net pipeline has none\)"),
        ("lab/film", {}, KeyError, r"no layout for the transformer class 'WanTransformer3DModel'"),
        ("lab/bare", {}, FileNotFoundError, r"no \.safetensors file"),
    ],
)
def test_what_the_hub_refuses_is_said_with_the_next_step(hub, monkeypatch, name, options, kind, words):
    import huggingface_hub

    served = hub()
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(kind, match=words):
        fc.load(name, **options)
    assert not [path for path in served.asked if path.endswith(".safetensors")], "nothing large was asked for"


def test_a_token_without_access_is_told_apart_from_none(hub, monkeypatch):
    import huggingface_hub

    hub()
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    with pytest.raises(PermissionError, match="account of the token that was found here, which has no access yet"):
        fc.load("lab/gated")


def test_without_a_network_it_is_said(hub, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match="'nobody/nothing' is not in the cache, and the hub could not be reached"):
        fc.load("nobody/nothing")


def test_sizes_that_cannot_be_had_hinder_nothing(hub, monkeypatch):
    from huggingface_hub import constants

    hub()
    fc.load("lab/tiny")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert hub_client.file_sizes("lab/tiny", COMMIT) is None
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fc.load("lab/tiny").revision == COMMIT, "from the cache"


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_said(monkeypatch):
    """The client tries for twenty seconds."""
    import huggingface_hub.constants

    address = "http://127.0.0.1:9"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    monkeypatch.setattr(
        huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(ConnectionError, match="check the network"):
        fc.load("nobody/nothing")


LARGE = "transformer/diffusion_pytorch_model.safetensors"


def test_too_little_disk_is_said_before_the_download(hub, monkeypatch):
    served = hub({LARGE: 10**15})
    with pytest.raises(NotEnough, match=r"lab/tiny wants 1000000\.\d GB of disk .* free under .*hf cache"):
        fc.load("lab/tiny", device="cpu")
    assert not [path for path in served.asked if path.endswith(".safetensors")]


def test_a_large_model_without_a_gpu_is_refused_and_too_little_memory_too(hub, monkeypatch):
    hub({LARGE: 30 * 10**9})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1e18))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"30\.0 GB of weights in 16 bit, and there is no GPU .*device=\"cpu\""):
        fc.load("lab/tiny")
    hub({LARGE: 10**15})
    with pytest.raises(NotEnough, match=r"wants about 2000004\.\d GB of main memory in float32, and .* smaller model"):
        fc.load("lab/tiny", device="cpu")


# Memory by formula


FLUX = Weights(23.8 * GB, 9.9 * GB)


@pytest.fixture
def card(monkeypatch):
    """card(gpu, main): a machine with so many GB free; the check asks torch and psutil, which answer so."""
    import psutil

    def has(gpu, main=64):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (gpu * GB, gpu * GB))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=main * GB))

    return has


def test_memory_is_compared_with_what_is_free_and_what_would_fit_is_named(card):
    cuda = torch.device("cuda")
    card(40)
    needs.check_memory("flux", FLUX, cuda, torch.bfloat16)
    card(30)
    with pytest.raises(NotEnough, match=r"flux wants about 37\.7 GB of GPU memory in bfloat16, and 30\.0 GB") as told:
        needs.check_memory("flux", FLUX, cuda, torch.bfloat16)
    assert 'offload="model" (27.8 GB of GPU memory), quantize=4 (21.0 GB' in str(told.value)
    needs.check_memory("flux", FLUX, cuda, torch.bfloat16, "model")
    card(15)
    with pytest.raises(NotEnough, match=r'What fits: offload="model" with quantize=4 \(13\.9 GB .*"sequential"'):
        needs.check_memory("flux", FLUX, cuda, torch.bfloat16)
    card(80, main=12)
    with pytest.raises(NotEnough, match=r"33\.7 GB of main memory .* What fits: quantize=4"):
        needs.check_memory("flux", FLUX, cuda, torch.bfloat16)
    card(2, main=2)
    with pytest.raises(NotEnough, match="No way of loading it fits"):
        needs.check_memory("flux", FLUX, cuda, torch.float32, "model")


def test_the_check_can_be_left_out(toy, folder, card):
    card(0, main=0)
    with pytest.raises(NotEnough, match="check=False"):
        fc.load(folder, device="cpu")
    assert fc.load(folder, device="cpu", check=False).layers


def test_weights_of_a_folder_are_counted(folder):
    sizes = folders.local_sizes(folder, loading._index_of(folder))
    model = fc.load(folder)
    parameters = sum(p.numel() for p in model.transformer.parameters())
    assert folders.weights_by_files(sizes).transformer == 2 * parameters
    assert set(folders.weight_files(loading._index_of(folder), sizes)) == set(sizes)


def test_files_of_another_precision_are_chosen_only_where_there_is_no_other():
    config = {"transformer": ["diffusers", "X"], "vae": ["diffusers", "Y"], "gone": [None, None]}
    sizes = {"transformer/a.bf16.safetensors": 2, "transformer/a.fp16.safetensors": 2, "vae/b.safetensors": 1}
    assert folders.variant_of(sizes) == "bf16"
    assert folders.weight_files(config, sizes) == {"transformer/a.bf16.safetensors": 2, "vae/b.safetensors": 1}


# Files that are not whole

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f\nsize 965349\n"
)
DAMAGES = {
    "is a pointer of Git LFS": lambda data: POINTER,
    "is empty": lambda data: b"",
    r"is cut short \(\d": lambda data: data[:-3],
    "is cut short or no safetensors file": lambda data: data[:60],
    "is longer than it says": lambda data: data + b"\0",
    r"is cut short or no safetensors file \(": lambda data: b"<!DOCTYPE html><html>Sign in</html>",
    "is damaged or no safetensors file": lambda data: (2).to_bytes(8, "little") + b"[]" + data[10:],
}


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    """A tiny SD3 on disk, in shards where a part has more than 40 kB."""
    path = tmp_path_factory.mktemp("sharded") / "tiny"
    PIPELINES["SD3"]().pipeline.save_pretrained(path, max_shard_size="40kB")
    return path


@pytest.fixture
def damaged(sharded, tmp_path):
    """damaged(file, change) -> the folder with that file changed, by links to the others; change None: without it."""

    def make(name, change):
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sharded, folder, copy_function=os.link)
        (folder / name).unlink()
        if change is not None:
            (folder / name).write_bytes(change((sharded / name).read_bytes()))
        return folder

    return make


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "text_encoder_3", "vae"])
def test_weights_that_are_not_whole_are_named_with_what_to_do(damaged, sharded, part, capsys):
    shards = sorted((sharded / part).glob("*.safetensors"))
    name = shards[len(shards) // 2].relative_to(sharded)
    for words, change in DAMAGES.items():
        with pytest.raises(OSError, match=words) as told:
            fc.load(damaged(name, change))
        assert f"damaged/{name} is " in str(told.value)
        assert str(told.value).endswith("download it again")
        assert "\n" not in str(told.value)
    assert main(["run", "--model", str(damaged(name, lambda data: POINTER)), "--prompt", "a", "--out", "x"]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert f"{name} is a pointer of Git LFS" in error[0]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("text_encoder_2/model.safetensors.index.json", lambda data: POINTER, "is a pointer of Git LFS"),
        (
            "transformer/diffusion_pytorch_model.safetensors.index.json",
            lambda data: data[:99],
            "is cut short or no JSON",
        ),
        ("vae/diffusion_pytorch_model.safetensors.index.json", lambda data: b"{}", "names no shards"),
        ("vae/diffusion_pytorch_model-00001-of-00003.safetensors", None, "is missing, which diffusion_pytorch_model"),
        ("tokenizer/tokenizer.json", lambda data: POINTER, "is a pointer of Git LFS"),
        ("tokenizer_3/chat_template.jinja", lambda data: POINTER, "is a pointer of Git LFS"),
        ("tokenizer_2/tokenizer.json", lambda data: data[:999], "is cut short or no JSON"),
        ("scheduler/scheduler_config.json", lambda data: b"", "is empty"),
        ("text_encoder/config.json", lambda data: data[:99], "is cut short or no JSON"),
        ("text_encoder/config.json", None, "is missing"),
        ("model_index.json", lambda data: data[:99], "is cut short or no JSON"),
        ("model_index.json", lambda data: POINTER, "is a pointer of Git LFS"),
        ("model_index.json", lambda data: b"[]", "holds a list, and no JSON object"),
    ],
)
def test_other_files_that_are_not_whole_are_named_too(damaged, name, change, words):
    with pytest.raises(OSError, match=re.escape(f"damaged/{name} {words}")):
        fc.load(damaged(name, change))


def test_files_that_are_not_read_may_be_pointers(sharded, damaged):
    folder = damaged("vae/config.json", lambda data: data)
    for part, name in (
        ("transformer", "diffusion_pytorch_model.fp16.safetensors"),
        ("text_encoder", "model.bin"),
        ("vae", "diffusion_pytorch_model.fp16-00001-of-00002.safetensors"),
    ):
        (folder / part / name).write_bytes(POINTER)
    index = {"weight_map": {"a": "diffusion_pytorch_model.fp16-00002-of-00002.safetensors"}}
    (folder / "vae" / "diffusion_pytorch_model.safetensors.index.fp16.json").write_text(json.dumps(index))
    (folder / "else").mkdir()
    (folder / "else" / "some.safetensors").write_bytes(POINTER)
    assert fc.load(folder).layers == fc.load(sharded).layers


def test_a_damaged_file_in_the_cache_is_named(hub):
    hub()
    fc.load("lab/tiny")
    folder = hub_client.cached_folder("lab/tiny", COMMIT)
    for name in ("text_encoder/model.safetensors", "transformer/diffusion_pytorch_model.safetensors"):
        whole = (folder / name).resolve().read_bytes()
        for change in (lambda data: POINTER, lambda data: b"", lambda data: data[:-3]):
            (folder / name).resolve().write_bytes(change(whole))
            with pytest.raises(OSError, match=rf"'lab/tiny' could not be loaded: .*{re.escape(name)} is .*hf cache rm"):
                fc.load("lab/tiny")
        (folder / name).resolve().write_bytes(whole)
    (folder / "model_index.json").resolve().write_bytes(b'{"_class')
    with pytest.raises(OSError, match=r"model_index\.json is cut short or no JSON"):
        fc.load("lab/tiny")


# Offloading and quantising


def offloaded(pipeline, how):
    """As place() does on a GPU. Sequential offloading by diffusers asks for device number 0, which no CPU has."""
    if how == "model":
        return placing.place(pipeline, torch.device("cpu"), how)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            accelerate.cpu_offload(part, torch.device("cpu"), offload_buffers=len(part._parameters) > 0)
    return pipeline


@pytest.mark.parametrize("how", ["model", "sequential"])
@pytest.mark.parametrize("name", ["SD3", "FLUX.2-klein", "Z-Image"])
def test_hooks_and_edits_see_blocks_under_offloading(name, how):
    case = PIPELINES[name]()
    model = fc.load(case.pipeline)
    options = {"seed": 0, "steps": 2, **guidance_of(case, True)}

    def drawn(**more):
        with fc.capture(model, stats := fc.ChannelStats()):
            return model.generate(PROMPTS, **options), stats.mean

    plain = drawn()
    offloaded(case.pipeline, how)
    assert next(model.transformer.parameters()).device.type == ("meta" if how == "sequential" else "cpu")
    assert (model.device.type, model.dtype) == ("cpu", torch.float32)
    for one, other in zip(plain, drawn(), strict=True):
        np.testing.assert_array_equal(one, other)
    with fc.ablate(model, [3], "zero"):
        assert not np.array_equal(model.generate(PROMPTS, **options), plain[0])
    np.testing.assert_array_equal(model.generate(PROMPTS, **options), plain[0])


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"offload": "disk"}, ValueError, "offload='disk': expected None, 'model' or 'sequential'"),
        ({"quantize": 3}, ValueError, "quantize=3: expected None, 8 or 4"),
        ({"quantize": 4, "offload": "sequential"}, ValueError, "use offload='model' with quantize"),
        ({"offload": "model"}, RuntimeError, "offload='model' moves weights .* no GPU here. In Colab"),
        ({"device": "cuda"}, RuntimeError, "device='cuda' asks for a GPU, and there is no GPU"),
    ],
)
def test_what_cannot_be_placed_is_said_before_anything_is_read(folder, monkeypatch, options, kind, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(kind, match=words):
        fc.load(folder, **options)


def test_a_missing_library_is_named_with_its_remedy(folder, monkeypatch):
    find = placing.importlib.util.find_spec
    monkeypatch.setattr(placing.importlib.util, "find_spec", lambda name: None if name in missing else find(name))
    missing = {"accelerate"}
    with pytest.raises(ImportError, match=r"offload='model' takes accelerate.*pip install accelerate"):
        fc.load(folder, offload="model")
    missing = {"bitsandbytes"}
    with pytest.raises(ImportError, match=r"quantize=4 takes bitsandbytes.*pip install bitsandbytes"):
        fc.load(folder, quantize=4)


def test_what_is_in_memory_is_not_quantised_and_a_bare_transformer_not_offloaded(tiny):
    transformer, _ = tiny("Flux2Transformer2DModel")
    with pytest.raises(ValueError, match="quantize is for models that are loaded by name"):
        fc.load(transformer, quantize=4)
    with pytest.raises(ValueError, match="offload is for whole pipelines"):
        fc.load(transformer, offload="model")


def test_a_wrapper_names_the_plain_module():
    pipeline = PIPELINES["SD3"]().pipeline
    plain = pipeline.transformer
    for wrapped, path in (
        (torch.nn.DataParallel(plain), "module"),
        (torch.nn.DataParallel(torch.nn.Sequential(plain)), r"module\.0"),
    ):
        words = rf"is a DataParallel around a SD3Transformer2DModel: pass the plain module, .*transformer\.{path} "
        with pytest.raises(ValueError, match="^transformer " + words):
            fc.load(wrapped)
        pipeline.transformer = wrapped
        with pytest.raises(ValueError, match=r"^pipeline\.transformer " + words):
            fc.load(pipeline)
        pipeline.transformer = plain
    assert fc.load(pipeline).transformer is plain


def test_a_lora_by_peft_names_the_plain_module_and_is_seen_in_it():
    peft = pytest.importorskip("peft")
    pipeline = PIPELINES["SD3"]().pipeline
    model = fc.load(pipeline)
    wrapped = peft.get_peft_model(model.transformer, peft.LoraConfig(target_modules=["to_q"], init_lora_weights=False))
    with pytest.raises(ValueError, match=r"is a PeftModel around .* in transformer\.base_model\.model "):
        fc.load(wrapped)
    options = {"steps": 1, "output": "latent", **guidance_of(PIPELINES["SD3"](), False)}
    pipeline.transformer = wrapped
    with fc.capture(model, stats := fc.ChannelStats()):
        images = model.generate(PROMPTS, **options)
    pipeline.transformer = wrapped.base_model.model
    with fc.capture(fc.load(pipeline), again := fc.ChannelStats()):
        assert torch.equal(model.generate(PROMPTS, **options), images)
    np.testing.assert_array_equal(stats.mean, again.mean)


def test_the_transformer_alone_is_quantised():
    pytest.importorskip("bitsandbytes")
    config = placing.quantisation("Ideogram4Transformer2DModel", 4, torch.float16)
    assert set(config.quant_mapping) == {"transformer", "unconditional_transformer"}
    assert config.quant_mapping["transformer"].bnb_4bit_compute_dtype == torch.float16
    assert placing.quantisation("FluxTransformer2DModel", 8, torch.float16).quant_mapping["transformer"].load_in_8bit


def test_hooks_see_the_blocks_of_a_transformer_in_4_bit(monkeypatch, tmp_path):
    """diffusers asks for a GPU, which bitsandbytes no longer does; that one question is answered here."""
    pytest.importorskip("bitsandbytes")
    from diffusers.quantizers.bitsandbytes.bnb_quantizer import BnB4BitDiffusersQuantizer as Quantizer

    monkeypatch.setattr(Quantizer, "validate_environment", lambda self, *args, **more: None)
    monkeypatch.setattr(Quantizer, "update_device_map", lambda self, device_map: {"": "cpu"})
    placed = placing.Placing(torch.device("cpu"), torch.float32, False, False, None, 4)
    monkeypatch.setattr(loading, "placing_of", lambda *asked: placed)
    path, options = saved(tmp_path, 1), {"seed": 0, "steps": 1, **SMALL}
    model = fc.load(path, quantize=4)
    assert "Params4bit" in {type(parameter).__name__ for parameter in model.transformer.parameters()}
    assert (model.dtype, model.provenance()["quantize"]) == (torch.float32, 4)
    monkeypatch.undo()
    found = []
    for one in (model, fc.load(path)):
        with fc.capture(one, stats := fc.ChannelStats()):
            one.generate(PROMPTS, **options)
        found.append(stats.mean)
    apart = np.abs(found[0] - found[1]).max()
    assert 0 < apart < 0.2 * np.abs(found[1]).max()


def test_the_dtype_of_quantised_weights_is_that_of_what_is_computed():
    module = torch.nn.Linear(4, 4, dtype=torch.bfloat16)
    module.weight = torch.nn.Parameter(torch.zeros(8, 1, dtype=torch.uint8), requires_grad=False)
    assert placing.computing_dtype(module) == torch.bfloat16


def test_dtype_follows_the_card(monkeypatch):
    assert placing.fitting_dtype(torch.device("cpu")) == torch.float32
    for capability, dtype in (((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert placing.fitting_dtype(torch.device("cuda")) == dtype


# Overflow


@pytest.fixture
def half(monkeypatch):
    """As on a GPU without bfloat16."""
    monkeypatch.setattr(placing, "fitting_dtype", lambda device: torch.float16)


def saved(path, scale):
    """A tiny SD3 pipeline whose second block writes values `scale` times as large."""
    case = PIPELINES["SD3"]()
    with torch.no_grad():
        case.pipeline.transformer.transformer_blocks[1].ff.net[2].weight.mul_(scale)
    case.pipeline.save_pretrained(path)
    return path


def test_a_model_that_holds_in_float16_stays_in_it(half, tmp_path):
    model = fc.load(saved(tmp_path, 1), generation=SMALL)
    count = model.provenance()["overflow"]
    assert model.dtype == torch.float16
    assert (count["nonfinite"], count["saturated"], count["first"], count["picture"]) == (0, 0, None, True)
    assert count["values"] > 1000
    json.dumps(count)


def test_a_model_that_overflows_in_float16_is_loaded_again_in_float32(half, tmp_path):
    with pytest.warns(UserWarning, match=r"overflows in float16: .*first in transformer_blocks\.1.*float32"):
        model = fc.load(saved(tmp_path, 1e7), generation=SMALL)
    assert model.dtype == torch.float32
    assert model.provenance()["overflow"]["nonfinite"] > 0
    assert model.provenance()["overflow"]["first"] == "transformer_blocks.1"
    asked = fc.load(tmp_path, dtype=torch.float16, generation=SMALL)
    assert (asked.dtype, asked.overflow) == (torch.float16, None), "what is asked for is neither tried nor changed"
    assert not any(block._forward_hooks for block in asked.transformer.transformer_blocks)


def test_values_that_float16_cuts_off_are_counted(flux):
    model = fc.load(flux.pipeline, generation={"height": 32, "width": 48})
    assert not overflow.overflowed(overflow.count_overflow(model))
    weight = model.transformer.transformer_blocks[1].ff.net[2].weight
    with torch.no_grad():
        before = weight.clone()
        weight.mul_(1e9)
        count = overflow.count_overflow(model)
        weight.copy_(before)
    assert count["saturated"] > 0
    assert overflow.overflowed(count)


def test_the_trial_is_of_a_small_picture_where_the_pipeline_has_larger_ones(flux):
    assert overflow._small(flux) == {"height": 512, "width": 512}
    assert overflow._small(fc.load(flux.pipeline, generation={"height": 64, "width": 32})) == {}
    assert overflow._small(fc.load(PIPELINES["Sana"]().pipeline)) == {"height": 512, "width": 512}


def test_a_model_that_cannot_be_tried_says_so(half, tmp_path, monkeypatch):
    def fails(model):
        raise TypeError("needs image=")

    monkeypatch.setattr(overflow, "count_overflow", fails)
    with pytest.warns(UserWarning, match=r"could not be tried for overflow \(needs image=\)"):
        assert fc.load(saved(tmp_path, 1)).overflow is None
