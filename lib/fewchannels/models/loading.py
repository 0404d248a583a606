"""`load`: a pipeline with its layout, from a name, a local folder, or what is already in memory.

Weights are read from safetensors only, and no code from a hub is ever run. What is asked of the machine is checked
before anything large is downloaded or read.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.resources
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError

from ..identity import NoContent, digest
from ..layouts import layout_of
from ..layouts.table import TABLE, NoLayout
from . import folders, hub, needs, overflow
from .model import Model
from .placing import Placing, place, placing_of, quantisation
from .presets import PRESETS


def load(
    source,
    device=None,
    dtype=None,
    revision: str | None = None,
    generation: Mapping[str, object] | None = None,
    offload: str | None = None,
    quantize: int | None = None,
    check: bool = True,
) -> Model:
    """A model from "toyworld", a local pipeline folder, a hub name, a pipeline, or a bare transformer in memory.

    device: where it runs, a CUDA device where there is one, else the CPU. dtype: float32 on a CPU; on a GPU bfloat16
    from compute capability 8.0, else float16, and where a short trial then overflows (`provenance()["overflow"]`),
    float32. A pipeline in memory stays where and as it is unless asked. revision: the branch, tag or commit of a hub
    model; the commit is pinned and recorded. generation: arguments that the model's generate takes where none are
    given, such as {"height": 768, "width": 768, "steps": 20}; they go before what its preset says.

    offload: "model" keeps in GPU memory only the part of the pipeline that runs, "sequential" only the layer that
    runs (slow); both hold the rest in main memory. quantize: 8 or 4, the transformer's weights in as many bits, by
    bitsandbytes: its activations are then those of the quantised model. check: compare what the model wants with the
    free disk, main memory and GPU memory first; False tries regardless.

    Raises FileNotFoundError for a folder without a pipeline or without weights and for a model that the hub does not
    have, PermissionError for a gated one, ConnectionError without a network, OSError for a file that is a pointer of
    Git LFS, empty or cut short, naming it, and with the hub's reason for all else that it refuses; NoLayout (a
    KeyError) for a transformer class that the table does not hold; ImportError for a class or a library that is
    missing; NotEnough (a RuntimeError) for too little disk or memory, RuntimeError for what takes a GPU where there is
    none; ValueError for a pipeline without a transformer, and arguments that clash.
    """
    if isinstance(source, Model):
        return source
    if not isinstance(source, (str, Path)):
        return _in_memory(source, device, dtype, generation, offload, quantize)
    name = str(source)
    # as a whole, since the working folder may be another one when it is read again
    path = _toyworld() if name == "toyworld" else Path(name).expanduser().absolute()
    if not path.exists() and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        raise FileNotFoundError(
            f"{name!r} is no folder, and no hub name of the form 'owner/model': pass 'toyworld', a folder with a "
            f"model_index.json, or a hub name"
        )
    local = path.is_dir()
    if local and revision is not None:
        raise ValueError(f"revision={revision!r} is for models of a hub; {name!r} is a folder")
    placing = placing_of(device, dtype, offload, quantize)
    if local:
        config, commit = _index_of(path), None
    else:
        config, commit = hub.fetch_index(name, revision)
    weights, variant = _checked(name, path, local, config, commit, placing, check)

    def read(dtype) -> Model:
        more = {"local_files_only": True} if local else {"revision": commit}
        if variant:
            more["variant"] = variant
        if quantize:
            more["quantization_config"] = quantisation(config["transformer"][1], quantize, dtype)
        pipeline = _from_pretrained(config, path if local else name, dtype, **more)
        pipeline.set_progress_bar_config(disable=True)
        own = path.name if local and name != "toyworld" else name
        model = Model(
            place(pipeline, placing.device, offload),
            pipeline.transformer,
            own,
            commit,
            path if local else None,
            generation,
            offload,
            quantize,
        )
        with contextlib.suppress(NoContent):
            model.as_loaded = digest(model)
        return model

    if not placing.own_dtype or placing.dtype != torch.float16:
        return read(placing.dtype)
    return _without_overflow(read, lambda: _check_memory(name, weights, placing, torch.float32, check))


def _without_overflow(read, check_memory) -> Model:
    """The model in float16, where that holds what it computes; else in float32, with a warning."""
    model = read(torch.float16)
    try:
        count = overflow.count_overflow(model)
    except (TypeError, ValueError, RuntimeError) as error:
        count = None
        warnings.warn(
            f"{model.name} was loaded in float16, and could not be tried for overflow ({error}): see stats.nonfinite, "
            f"or load it with dtype=torch.float32",
            stacklevel=3,
        )
    if count is not None and overflow.overflowed(count):
        warnings.warn(
            f"{model.name} overflows in float16: {count['nonfinite']} inf or nan and {count['saturated']} values cut "
            f"off at 65,504 among {count['values']} (first in {count['first']}), and this GPU has no bfloat16. It is "
            f"loaded again in float32; dtype=torch.float16 keeps it as it was",
            stacklevel=3,
        )
        del model  # the only reference: both together need not fit
        gc.collect()
        torch.cuda.empty_cache()
        check_memory()
        model = read(torch.float32)
    model.overflow = count
    return model


def _checked(name, path, local, config, commit, placing, check) -> tuple[needs.Weights | None, str | None]:
    """(the model's weights, None where nothing says how large; the variant of its files), after all checks."""
    transformers = _transformers_of(config, name)
    if local:
        folders.check_files(path, config)
    sizes = folders.local_sizes(path, config) if local else hub.file_sizes(name, commit)
    weights, variant = needs.weights_of(PRESETS[name]) if name in PRESETS else None, None
    if sizes is not None:
        files, variant = folders.weight_files(config, sizes), folders.variant_of(sizes)
        if not any(file.startswith("transformer/") for file in files):
            raise FileNotFoundError(
                f"the transformer of {name!r} has no .safetensors file: the weights are missing, or in a format that "
                f"is not read. Load it with diffusers, save_pretrained(folder, safe_serialization=True), and pass the "
                f"folder"
            )
        weights = weights or folders.weights_by_files(files, transformers)
        if check and not local:
            needs.check_disk(name, hub.missing_bytes(name, commit, files), _cache_folder())
    if check and weights is not None and placing.only_cpu:
        needs.check_gpu(name, weights)
    _check_memory(name, weights, placing, placing.dtype, check)
    return weights, variant


def _check_memory(name, weights, placing: Placing, dtype, check: bool) -> None:
    if check and weights is not None:
        needs.check_memory(name, weights, placing.device, dtype, placing.offload, placing.quantize)


def _cache_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _toyworld() -> Path:
    folder = importlib.resources.files("fewchannels") / "toyworld" / "weights" / "pipeline"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the toy world's weights are missing: expected a pipeline in {folder}. They come with the package; "
            f"train them with python -m fewchannels.toyworld.train"
        )
    return Path(str(folder))


def _in_memory(source, device, dtype, generation, offload, quantize) -> Model:
    if quantize:
        raise ValueError("quantize is for models that are loaded by name or from a folder: this one is in memory")
    moves = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
    if isinstance(source, torch.nn.Module):
        if offload:
            raise ValueError("offload is for whole pipelines: a bare transformer in memory stays where it is")
        _refuse_wrapped(source, "transformer")
        return Model(None, source.to(**moves) if moves else source, type(source).__name__, generation=generation)
    if not callable(getattr(source, "progress_bar", None)):
        raise TypeError(f"load got {type(source).__name__}: expected a name, a folder, a pipeline or a transformer")
    transformer = getattr(source, "transformer", None)
    if transformer is None:
        raise _no_transformer(type(source).__name__)
    _refuse_wrapped(transformer, "pipeline.transformer")
    if offload:
        placing = placing_of(device, dtype, offload)
        place(source.to(dtype) if dtype else source, placing.device, offload)
    elif moves:
        source.to(**moves)
    return Model(source, transformer, type(source).__name__, generation=generation, offload=offload)


def _refuse_wrapped(transformer: torch.nn.Module, where: str) -> None:
    """Raise as `layout_of` does, and ValueError for a class without an entry that wraps one with an entry."""
    try:
        layout_of(transformer)
    except NoLayout:
        for part, module in transformer.named_modules():
            if part and type(module).__name__ in TABLE:
                raise ValueError(
                    f"{where} is a {type(transformer).__name__} around a {type(module).__name__}: pass the plain "
                    f"module, which is in {where}.{part} (LoRA layers stay in it)"
                ) from None
        raise


def _no_transformer(name: str) -> ValueError:
    return ValueError(
        f"{name} has no transformer (a U-Net pipeline has none): this library reads diffusion transformers only"
    )


def _index_of(path: Path) -> dict:
    index = path / hub.INDEX
    if not index.is_file():
        raise FileNotFoundError(f"{path} holds no {hub.INDEX}, so it is no diffusers pipeline folder")
    return folders.read_json(index)


def _transformers_of(config: Mapping, name: str) -> tuple[str, ...]:
    """The parts of a pipeline that are transformers. Raises ValueError where there is none, NoLayout for a class that
    the table does not hold, ImportError for one that diffusers does not."""
    kind = (config.get("transformer") or (None, None))[1]
    if kind is None:
        raise _no_transformer(f"{name} ({config.get('_class_name')})")
    second = layout_of(kind).second
    if not hasattr(importlib.import_module("diffusers"), kind):
        raise ImportError(f"the installed diffusers has no {kind} (0.42.1 has): pip install -U diffusers")
    return ("transformer", second) if second else ("transformer",)


def _pipeline_class(config: Mapping, source):
    if config.get("_class_name") == "ToyWorldPipeline":
        # diffusers neither finds a pipeline class outside itself nor imports a component's module: both are done here.
        from ..toyworld import text_encoder  # noqa: F401
        from ..toyworld.pipeline import ToyWorldPipeline, refuse_pixels

        refuse_pixels(config, source)
        return ToyWorldPipeline
    from diffusers import DiffusionPipeline

    return DiffusionPipeline


def _from_pretrained(config: Mapping, source, dtype, **more):
    import diffusers
    from diffusers.utils import logging

    # The argument was renamed in diffusers 0.42, where the old name warns.
    name = "dtype" if tuple(map(int, diffusers.__version__.split(".")[:2])) >= (0, 42) else "torch_dtype"
    shown, kind = logging.is_progress_bar_enabled(), _pipeline_class(config, source)
    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(source, use_safetensors=True, trust_remote_code=False, **{name: dtype}, **more)
    except Exception as error:  # each library has its own for a damaged file
        _name_damaged(config, source, more.get("revision"), error)
        if not isinstance(error, (OSError, ValueError, SafetensorError)):
            raise
        raise OSError(
            f"{str(source)!r} could not be loaded: {error}\nA download that broke off goes on where it stopped when it "
            f"is started again; a damaged file goes away with `hf cache rm`"
        ) from error
    finally:
        if shown:
            logging.enable_progress_bar()


def _name_damaged(config: Mapping, source, commit: str | None, error: Exception) -> None:
    """Raise OSError where a file is damaged, which is then why a pipeline could not be read."""
    folder = source if isinstance(source, Path) else hub.cached_folder(source, commit)
    try:
        if folder is not None:
            folders.check_files(folder, config, thorough=True)
    except OSError as damage:
        remedy = "" if isinstance(source, Path) else ": a damaged file goes away with `hf cache rm`"
        raise OSError(f"{str(source)!r} could not be loaded: {damage}{remedy}") from error
