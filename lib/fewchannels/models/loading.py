"""`load`: a pipeline with its layout, from a name, a local folder, or what is already in memory.

Weights are read from safetensors only, and no code from a hub is ever run.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from pathlib import Path

import torch

from ..layouts import layout_of
from .model import Model


def load(
    source, device=None, dtype=None, revision: str | None = None, generation: Mapping[str, object] | None = None
) -> Model:
    """A model from "toyworld", a local pipeline folder, a hub name, a pipeline, or a bare transformer in memory.

    device: where it runs, a CUDA device where there is one, else the CPU. dtype: float32 on a CPU; on a GPU bfloat16
    from compute capability 8.0, else float16. A pipeline in memory stays where and as it is unless asked. revision:
    the branch, tag or commit of a hub model. generation: arguments that the model's generate takes where none are
    given, such as {"height": 768, "width": 768, "steps": 20}; they go before what its preset says.

    Raises FileNotFoundError for a folder without a pipeline or without weights, NoLayout (a KeyError) for a
    transformer class that the table does not hold, ImportError for one that diffusers lacks, and OSError with the
    hub's reason where a model cannot be fetched.
    """
    if isinstance(source, Model):
        return source
    if not isinstance(source, (str, Path)):
        return _in_memory(source, device, dtype, generation)
    name = str(source)
    if name == "toyworld":
        folder = importlib.resources.files("fewchannels") / "toyworld" / "weights" / "pipeline"
        if not folder.is_dir():
            raise FileNotFoundError(
                f"the toy world's weights are missing: expected a pipeline in {folder}. They come with the package; "
                f"train them with python -m fewchannels.toyworld.train"
            )
        path = Path(str(folder))
    else:
        path = Path(name).expanduser()
        if not path.exists() and (name.startswith((".", "/", "~")) or name.count("/") != 1):
            raise FileNotFoundError(
                f"{name!r} is no folder, and no hub name of the form 'owner/model': pass 'toyworld', a folder with a "
                f"model_index.json, or a hub name"
            )
    local = path.is_dir()
    if local and revision is not None:
        raise ValueError(f"revision={revision!r} is for models of a hub; {name!r} is a folder")
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype is None:
        dtype = _fitting_dtype(torch.device(device))
    pipeline, revision = _from_folder(path, dtype) if local else _from_hub(name, dtype, revision)
    pipeline.set_progress_bar_config(disable=True)
    return Model(
        pipeline.to(device), _transformer_of(pipeline), path.name if local and name != "toyworld" else name,
        revision, path if local else None, generation,
    )  # fmt: skip


def _fitting_dtype(device: torch.device) -> torch.dtype:
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def _in_memory(source, device, dtype, generation) -> Model:
    moves = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
    if isinstance(source, torch.nn.Module):
        return Model(None, source.to(**moves) if moves else source, type(source).__name__, generation=generation)
    if not callable(getattr(source, "progress_bar", None)):
        raise TypeError(f"load got {type(source).__name__}: expected a name, a folder, a pipeline or a transformer")
    transformer = _transformer_of(source)
    layout_of(transformer)
    return Model(source.to(**moves) if moves else source, transformer, type(source).__name__, generation=generation)


def _transformer_of(pipeline):
    transformer = getattr(pipeline, "transformer", None)
    if transformer is None:
        raise ValueError(
            f"{type(pipeline).__name__} has no transformer (a U-Net pipeline has none): this library reads diffusion "
            f"transformers only"
        )
    return transformer


def _from_folder(path: Path, dtype):
    index = path / "model_index.json"
    if not index.is_file():
        raise FileNotFoundError(f"{path} holds no model_index.json, so it is no diffusers pipeline folder")
    config = json.loads(index.read_text())
    _known(config.get("transformer", (None, "no transformer"))[1])
    if not list((path / "transformer").glob("*.safetensors")):
        raise FileNotFoundError(
            f"{path / 'transformer'} holds no .safetensors file: the weights are missing, or in a format that is not "
            f"read here. Save the pipeline with safe_serialization=True"
        )
    if config["_class_name"] == "ToyWorldPipeline":
        # diffusers neither finds a pipeline class outside itself nor imports a component's module: both are done here.
        from ..toyworld import text_encoder  # noqa: F401
        from ..toyworld.pipeline import ToyWorldPipeline as kind
    else:
        from diffusers import DiffusionPipeline as kind
    return _from_pretrained(kind, path, dtype, local_files_only=True), None


def _known(name: str):
    """Raise NoLayout for a class that the table does not hold, ImportError for one that diffusers does not."""
    layout_of(name)
    if not hasattr(importlib.import_module("diffusers"), name):
        raise ImportError(f"the installed diffusers has no {name} (0.42.1 has): pip install -U diffusers")


def _from_pretrained(kind, source, dtype, **more):
    import diffusers
    from diffusers.utils import logging

    # The argument was renamed in diffusers 0.42, where the old name warns.
    name = "dtype" if tuple(map(int, diffusers.__version__.split(".")[:2])) >= (0, 42) else "torch_dtype"
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(source, use_safetensors=True, trust_remote_code=False, **{name: dtype}, **more)
    finally:
        if shown:
            logging.enable_progress_bar()


def _from_hub(name: str, dtype, revision):
    from diffusers import DiffusionPipeline
    from huggingface_hub import hf_hub_download

    try:
        index = Path(hf_hub_download(name, "model_index.json", revision=revision))
        _known(json.loads(index.read_text()).get("transformer", (None, "no transformer"))[1])
        # The cache keeps a file under the commit it came from.
        commit = index.parent.name
        pipeline = _from_pretrained(DiffusionPipeline, name, dtype, revision=commit)
    except (OSError, ValueError) as error:
        raise OSError(
            f"{name!r} could not be loaded from the hub: {error}\nIf the model is gated, accept its licence on its "
            f"page and log in (huggingface_hub.login()); without a network, pass a local folder"
        ) from error
    return pipeline, commit
