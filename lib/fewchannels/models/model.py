"""A loaded model: its pipeline, its layout, what it takes by default, and how it generates.

Each sample's noise is its own, whatever the batch.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..layouts import blocks_of, is_open, layout_of, signature_of
from ..origins import as_output, digest_of, generator_of, versions, whole
from ..scheduler import scheduler_of
from ..wrapping import around, hooked
from . import arguments
from .placing import computing_device, computing_dtype
from .presets import preset_of


@dataclass(eq=False)
class Run:
    """One trajectory: the number of samples in the batch, and of steps where it is not the scheduler that tells.
    stepped: the steps that its scheduler has taken; passes: forwards since then, counted where `steps` is given."""

    samples: int
    steps: int | None = None
    stepped: int = 0
    passes: int = 0

    def step(self, inner, *args, **kwargs):
        self.stepped, self.passes = self.stepped + 1, 0
        return inner(*args, **kwargs)

    def forward_begins(self, transformer, args, kwargs):
        self.passes += 1


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
        self._accepted = dict(signature_of(type(pipeline), "__call__").parameters) if pipeline is not None else {}
        self.is_toy = any(base.__name__ == "ToyWorldPipeline" for base in type(pipeline).__mro__)
        self.preset = preset_of(name, self.layout.name, self.is_toy)
        self.defaults = self._defaults(self.generation)
        self.steps = self.defaults.get("num_inference_steps")
        if self.steps is None and "num_inference_steps" in self._accepted:
            self.steps = self._accepted["num_inference_steps"].default

    def _defaults(self, given: dict) -> dict:
        """The preset's arguments, then those given, by the pipeline's own names; what is None is left out."""
        short = {"steps": "num_inference_steps"}
        given = {short.get(name, name): value for name, value in given.items()}
        own = {
            "num_inference_steps": self.preset.steps,
            "height": self.preset.size,
            "width": self.preset.size,
            **self.preset.generation,
        }
        if self.pipeline is not None:
            arguments.refuse(given, self._accepted)
            self._refuse_unknown(given)
            own = {name: value for name, value in own.items() if name in self._accepted or is_open(self._accepted)}
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
        (Not so CogView4, which pads prompts to the longest of their batch and has no mask: with lengths that differ,
        pictures do by some per cent, so take batch_size=1. The ControlNets of SD3 and HunyuanDiT draw from the global
        generator when they encode their picture: call torch.manual_seed first.)

        latents [B, ...] replaces that noise. What is None takes the model's `defaults`, else the pipeline's. More
        arguments by name go to the pipeline (such as true_cfg_scale, callback_on_step_end). Those that are one a prompt
        are shared out over the batches: negative_prompt and other texts (one string is for all), image, mask_image and
        other pictures, embeddings; lists of reference pictures belong to every prompt.

        Returns output="np" uint8 [B, H, W, 3]; "float" float32 [B, H, W, 3] in 0 to 1; "pil" a list of images;
        "latent" the latents as a tensor. Raises TypeError for an argument that this pipeline does not accept or that
        could not be honoured (generator, prompt_embeds, num_images_per_prompt above 1, ...), ValueError for lists of
        another length.
        """
        if self.pipeline is None:
            raise RuntimeError(f"{self.name} is a bare transformer and cannot generate: load a whole pipeline")
        prompts = arguments.texts("prompts", prompts)
        if not prompts:
            raise ValueError("prompts is empty: pass at least one")
        samples = list(range(len(prompts))) if samples is None else list(samples)
        if len(samples) != len(prompts):
            raise ValueError(f"{len(samples)} samples for {len(prompts)} prompts: pass one sample index a prompt")
        generators = [generator_of(seed, sample) for sample in samples]
        if latents is not None and not isinstance(latents, torch.Tensor):
            raise TypeError(f"latents of type {type(latents).__name__}: expected a tensor with one row a prompt")
        if latents is not None and len(latents) != len(prompts):
            raise ValueError(f"latents of shape {tuple(latents.shape)} for {len(prompts)} prompts: pass one a prompt")
        if output not in ("np", "float", "pil", "latent"):
            raise ValueError(f"output={output!r}: expected 'np', 'float', 'pil' or 'latent'")
        size = self.preset.batch_size if batch_size is None else whole("batch_size", batch_size, 1)
        if steps is not None and more.get("num_inference_steps", steps) != steps:
            raise TypeError(f"steps={steps} and num_inference_steps={more['num_inference_steps']}: pass one of them")
        given = {"num_inference_steps": steps, "guidance_scale": guidance_scale, "height": height, "width": width}
        given = {name: value for name, value in {**given, **more}.items() if value is not None}
        arguments.refuse(given, self._accepted)
        given = {**self.defaults, **given}
        self._refuse_unknown(given)
        given = arguments.for_prompts(given, len(prompts))
        given["output_type"] = "latent" if output == "latent" else "np"
        self.pipeline.set_progress_bar_config(disable=not progress)
        found = []
        for start in range(0, len(prompts), size):
            part = slice(start, start + size)
            own = arguments.of_rows(self.pipeline, given, part, len(prompts)) | {"generator": generators[part]}
            if latents is not None:
                own["latents"] = latents[part]
            self._refuse_unknown(own)
            asked = {"prompt": prompts[part]}
            if "class_labels" in self._accepted:
                asked = {"class_labels": self.pipeline.get_label_ids(prompts[part])}
            with self.trajectory(len(prompts[part]), None):
                drawn = self.pipeline(**asked, **own)
            found.append(drawn.images if hasattr(drawn, "images") else drawn.image)  # Kandinsky 5 has the latter
        return as_output(found, output)

    @contextmanager
    def trajectory(self, samples: int, steps: int | None) -> Iterator[None]:
        """Say that the forwards inside are one trajectory of so many samples and steps (None: as many as
        the scheduler's timesteps), for code that calls the transformer itself: without it, hooks would count those
        forwards on from the last call of the pipeline. Raises RuntimeError where the model is at work in another
        thread."""
        run, scheduler = Run(samples, steps), scheduler_of(self)
        with ExitStack() as stack:
            if callable(getattr(scheduler, "step", None)):
                stack.enter_context(around(scheduler, "step", run.step))
            if steps is not None:
                stack.enter_context(hooked(self.transformer, run.forward_begins, pre=True))
            before, self.run = self.run, run
            try:
                yield
            finally:
                self.run = before

    def __getstate__(self):
        return {**vars(self), "run": None}  # a copy of the model is at no work

    def _refuse_unknown(self, given):
        if is_open(self._accepted):
            return
        for name in given:
            if name not in self._accepted:
                known = ", ".join(n for n in self._accepted if n != "self")
                raise TypeError(f"{type(self.pipeline).__name__} does not accept {name}; it accepts {known}")
