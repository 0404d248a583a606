"""Load any image diffusion transformer by one call, and generate so that each sample's noise is its own.

    model = fc.load("toyworld")                                             # the embedded model, on a CPU
    model = fc.load("black-forest-labs/FLUX.2-klein-4B", device="cuda")     # a model by its hub name
    images = model.generate(["a large red star at the center on a plain white background"], seed=0)

Weights are read from safetensors only, and no code from a hub is ever run.
"""

from __future__ import annotations

import datetime
import importlib.resources
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .layouts import blocks_of, layout_of
from .origins import as_output, digest_of, generator_of, versions


@dataclass(frozen=True, eq=False)
class Run:
    """One trajectory: the number of samples in the batch, and of steps where it is not the scheduler that tells."""

    samples: int
    steps: int | None = None


class Model:
    """A pipeline with its layout. `load` makes one.

    pipeline, transformer, layout; layers: block names in depth order; name, revision, device, dtype; steps: the
    number of steps that generate takes by default; run: the trajectory that runs now, or None.
    """

    def __init__(self, pipeline, transformer, name: str, revision: str | None = None, folder: Path | None = None):
        self.pipeline = pipeline
        self.transformer = transformer
        self.layout = layout_of(transformer)
        self.layers = tuple(name for name, _, _ in blocks_of(self.layout, transformer))
        self.name = name
        self.folder = folder
        self._revision = revision
        self.run: Run | None = None
        self._accepted = dict(inspect.signature(type(pipeline).__call__).parameters) if pipeline is not None else {}
        self.steps = self._accepted["num_inference_steps"].default if "num_inference_steps" in self._accepted else None

    def __repr__(self):
        return f"<Model {self.name}: {self.layout.name}, {len(self.layers)} blocks, {self.dtype} on {self.device}>"

    @property
    def device(self) -> torch.device:
        return next(self.transformer.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.transformer.parameters()).dtype

    @property
    def revision(self) -> str | None:
        """The commit of a hub model; for a local folder "sha256:" and the start of the transformer files' digest."""
        if self._revision is None and self.folder is not None:
            self._revision = digest_of(self.folder / "transformer")
        return self._revision

    def provenance(self) -> dict:
        """What a figure needs to say where it came from, as JSON values."""
        return {
            "model": self.name,
            "revision": self.revision,
            "pipeline": type(self.pipeline).__name__ if self.pipeline is not None else None,
            "class": self.layout.name,
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": self.device.type,
            "steps": self.steps,
            "versions": versions(),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def generate(
        self,
        prompts: str | list[str],
        seed: int = 0,
        steps: int | None = None,
        guidance_scale: float | None = None,
        height: int | None = None,
        width: int | None = None,
        latents: torch.Tensor | None = None,
        batch_size: int | None = None,
        samples: list[int] | None = None,
        output: str = "np",
        progress: bool = False,
        **more,
    ) -> np.ndarray | list | torch.Tensor:
        """Images of a list of prompts, one each.

        Sample i starts from noise that (seed, samples[i]) alone decides, samples being 0, 1, ... where not given: the
        same seed on the same machine and batch size gives the same bits, another batch size the same to about 1e-4.
        latents [B, ...] replaces that noise. What is None is left to the pipeline's own default. More arguments by
        name go to the pipeline (such as negative_prompt, a string or a list of one a prompt, true_cfg_scale,
        callback_on_step_end).

        Returns output="np" uint8 [B, H, W, 3]; "float" float32 [B, H, W, 3] in 0 to 1; "pil" a list of images;
        "latent" the latents as a tensor. Raises TypeError for an argument that this pipeline does not accept.
        """
        if self.pipeline is None:
            raise RuntimeError(f"{self.name} is a bare transformer and cannot generate: load a whole pipeline")
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        if not prompts:
            raise ValueError("prompts is empty: pass at least one")
        samples = list(range(len(prompts))) if samples is None else list(samples)
        if len(samples) != len(prompts):
            raise ValueError(f"{len(samples)} samples for {len(prompts)} prompts: pass one sample index a prompt")
        if latents is not None and len(latents) != len(prompts):
            raise ValueError(f"latents of shape {tuple(latents.shape)} for {len(prompts)} prompts: pass one a prompt")
        if output not in ("np", "float", "pil", "latent"):
            raise ValueError(f"output={output!r}: expected 'np', 'float', 'pil' or 'latent'")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size={batch_size}: expected at least 1")
        given = {"num_inference_steps": steps, "guidance_scale": guidance_scale, "height": height, "width": width}
        given = {name: value for name, value in {**given, **more}.items() if value is not None}
        if isinstance(negative := given.get("negative_prompt"), str):
            given["negative_prompt"] = [negative] * len(prompts)  # Z-Image and others take none but one a prompt
        given["output_type"] = "latent" if output == "latent" else "np"
        self._refuse_unknown(given)
        size = batch_size or (32 if type(self.pipeline).__name__ == "ToyWorldPipeline" else 4)
        self.pipeline.set_progress_bar_config(disable=not progress)
        found = []
        for start in range(0, len(prompts), size):
            part = slice(start, start + size)
            own = {"generator": [generator_of(seed, sample) for sample in samples[part]]}
            if latents is not None:
                own["latents"] = latents[part]
            for name, value in given.items():
                if "prompt" in name and isinstance(value, list) and len(value) == len(prompts):
                    own[name] = value[part]
            self._refuse_unknown(own)
            with self.trajectory(len(prompts[part]), None):
                found.append(self.pipeline(prompt=prompts[part], **{**given, **own}).images)
        return as_output(found, output)

    @contextmanager
    def trajectory(self, samples: int, steps: int | None) -> Iterator[None]:
        """Say that the forwards inside are one trajectory of so many samples and steps (None: as many as
        the scheduler's timesteps), for code that calls the transformer itself: without it, hooks would count those
        forwards on from the last call of the pipeline."""
        before, self.run = self.run, Run(samples, steps)
        try:
            yield
        finally:
            self.run = before

    def _refuse_unknown(self, given):
        if any(kind.kind is inspect.Parameter.VAR_KEYWORD for kind in self._accepted.values()):
            return
        for name in given:
            if name not in self._accepted:
                known = ", ".join(n for n in self._accepted if n != "self")
                raise TypeError(f"{type(self.pipeline).__name__} does not accept {name}; it accepts {known}")


def load(source, device=None, dtype=None, revision: str | None = None) -> Model:
    """A model from "toyworld", a local pipeline folder, a hub name, a pipeline, or a bare transformer in memory.

    device: where it runs, a CUDA device where there is one, else the CPU. dtype: float32 on a CPU; on a GPU bfloat16
    from compute capability 8.0, else float16. A pipeline in memory stays where and as it is unless asked. revision:
    the branch, tag or commit of a hub model.

    Raises FileNotFoundError for a folder without a pipeline or without weights, NoLayout (a KeyError) for a
    transformer class that the table does not hold, ImportError for one that diffusers lacks, and OSError with the
    hub's reason where a model cannot be fetched.
    """
    if isinstance(source, Model):
        return source
    if not isinstance(source, (str, Path)):
        return _in_memory(source, device, dtype)
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
        revision, path if local else None,
    )  # fmt: skip


def _fitting_dtype(device: torch.device) -> torch.dtype:
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def _in_memory(source, device, dtype) -> Model:
    moves = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
    if isinstance(source, torch.nn.Module):
        return Model(None, source.to(**moves) if moves else source, type(source).__name__)
    if not callable(getattr(source, "progress_bar", None)):
        raise TypeError(f"load got {type(source).__name__}: expected a name, a folder, a pipeline or a transformer")
    transformer = _transformer_of(source)
    layout_of(transformer)
    return Model(source.to(**moves) if moves else source, transformer, type(source).__name__)


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
        from .toyworld import text_encoder  # noqa: F401
        from .toyworld.pipeline import ToyWorldPipeline as kind
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
