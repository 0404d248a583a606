"""A loaded model: its pipeline, its layout, what it takes by default, and how it generates.

Each sample's noise is its own, whatever the batch.
"""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..layouts import blocks_of, layout_of
from ..origins import as_output, digest_of, generator_of, versions
from .placing import computing_device, computing_dtype
from .presets import preset_of


@dataclass(frozen=True, eq=False)
class Run:
    """One trajectory: the number of samples in the batch, and of steps where it is not the scheduler that tells."""

    samples: int
    steps: int | None = None


class Model:
    """A pipeline with its layout. `load` makes one.

    pipeline, transformer, layout; layers: block names in depth order; name, revision, device, dtype; preset: what
    suits it; defaults: arguments that generate takes where none are given; steps: how many steps that makes; run: the
    trajectory that runs now, or None; generation, offload, quantize: as `load` was asked; as_loaded: its
    `identity.digest` when it came from a folder or the hub, else None; overflow: what a trial in float16 counted (see
    overflow.py), None where there was none.
    """

    def __init__(
        self,
        pipeline,
        transformer,
        name: str,
        revision: str | None = None,
        folder: Path | None = None,
        generation: Mapping[str, object] | None = None,
        offload: str | None = None,
        quantize: int | None = None,
    ):
        self.pipeline = pipeline
        self.transformer = transformer
        self.layout = layout_of(transformer)
        self.layers = tuple(name for name, _, _ in blocks_of(self.layout, transformer))
        self.name = name
        self.folder = folder
        self._revision = revision
        self.offload, self.quantize = offload, quantize
        self.generation = dict(generation or {})
        self.as_loaded: str | None = None
        self.overflow: dict | None = None
        self.run: Run | None = None
        self._accepted = dict(inspect.signature(type(pipeline).__call__).parameters) if pipeline is not None else {}
        self.is_toy = type(pipeline).__name__ == "ToyWorldPipeline"
        self.preset = preset_of(name, self.layout.name, self.is_toy)
        self.defaults = self._defaults(self.generation)
        self.steps = self.defaults.get("num_inference_steps")
        if self.steps is None and "num_inference_steps" in self._accepted:
            self.steps = self._accepted["num_inference_steps"].default

    def _defaults(self, given: dict) -> dict:
        """The preset's arguments, then those given, by the pipeline's own names; what is None is left out."""
        short = {"steps": "num_inference_steps"}
        given = {short.get(name, name): value for name, value in given.items()}
        own = {"num_inference_steps": self.preset.steps, "height": self.preset.size, "width": self.preset.size,
               **self.preset.generation}  # fmt: skip
        if self.pipeline is not None:
            self._refuse_unknown(given)
            own = {name: value for name, value in own.items() if name in self._accepted}
        return {name: value for name, value in {**own, **given}.items() if value is not None}

    def __repr__(self):
        return f"<Model {self.name}: {self.layout.name}, {len(self.layers)} blocks, {self.dtype} on {self.device}>"

    @property
    def device(self) -> torch.device:
        """Where the transformer computes; of an offloaded one, where it is moved to."""
        return computing_device(self.transformer)

    @property
    def dtype(self) -> torch.dtype:
        """What the transformer computes in; of a quantised one, its activations."""
        return computing_dtype(self.transformer)

    @property
    def revision(self) -> str | None:
        """The commit of a hub model; for a local folder "sha256:" and the start of the transformer files' digest."""
        if self._revision is None and self.folder is not None:
            self._revision = digest_of(self.folder / "transformer")
        return self._revision

    def known_by(self) -> dict:
        """What its results hang on, for `identity`: all parts of the pipeline as they are now, whatever it was loaded
        from, and the defaults of generate."""
        own = self.transformer is getattr(self.pipeline, "transformer", None)
        return {"pipeline": self.pipeline, "transformer": None if own else self.transformer, "defaults": self.defaults}

    def provenance(self) -> dict:
        """What a figure needs to say where it came from, as JSON values."""
        return {
            "model": self.name,
            "revision": self.revision,
            "pipeline": type(self.pipeline).__name__ if self.pipeline is not None else None,
            "class": self.layout.name,
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": self.device.type,
            "offload": self.offload,
            "quantize": self.quantize,
            "overflow": self.overflow,
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
        """Images of a list of prompts, one each; of a model of classes (DiT), the names of the classes.

        Sample i starts from noise that (seed, samples[i]) alone decides, samples being 0, 1, ... where not given: the
        same seed on the same machine and batch size gives the same bits, another batch size the same to about 1e-4.
        latents [B, ...] replaces that noise. What is None takes the model's `defaults`, else the pipeline's.
        More arguments by name go to the pipeline (such as negative_prompt, a string or a list of one a prompt,
        true_cfg_scale, callback_on_step_end).

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
        given = {**self.defaults, **given}
        if isinstance(negative := given.get("negative_prompt"), str):
            given["negative_prompt"] = [negative] * len(prompts)  # Z-Image and others take none but one a prompt
        given["output_type"] = "latent" if output == "latent" else "np"
        self._refuse_unknown(given)
        size = batch_size or self.preset.batch_size
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
            asked = {"prompt": prompts[part]}
            if "class_labels" in self._accepted:
                asked = {"class_labels": self.pipeline.get_label_ids(prompts[part])}
            with self.trajectory(len(prompts[part]), None):
                found.append(self.pipeline(**asked, **{**given, **own}).images)
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
