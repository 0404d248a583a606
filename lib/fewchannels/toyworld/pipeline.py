"""`ToyWorldPipeline`: a text-to-image pipeline of real diffusers parts, which denoises an autoencoder's latents.

The saved pipeline names this module and `text_encoder` by path, so neither may be moved or renamed.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from diffusers import DiffusionPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor


@dataclass
class ToyWorldPipelineOutput(BaseOutput):
    """images: a list of B PIL images, or an array [B, H, W, 3] / tensor [B, 3, H, W] in 0 to 1."""

    images: list[PIL.Image.Image] | np.ndarray | torch.Tensor


class ToyWorldPipeline(DiffusionPipeline):
    """Text to image on rendered scenes: SD3's (or PixArt's) transformer class on latents, flow matching, Euler.

    Latents are [B, 8, 12, 12], one token each; the autoencoder makes 48 x 48 px of them. As in Stable Diffusion 3,
    they are scaled as the autoencoder's configuration says, and guidance, where it is on, is one batched pass in the
    order [uncond, cond].
    """

    model_cpu_offload_seq = "text_encoder->transformer->vae"
    _callback_tensor_inputs = ["latents", "prompt_embeds", "pooled_prompt_embeds"]

    def __init__(self, tokenizer, text_encoder, transformer, scheduler, vae):
        super().__init__()
        self.register_modules(
            tokenizer=tokenizer, text_encoder=text_encoder, transformer=transformer, scheduler=scheduler, vae=vae
        )
        self.vae_scale_factor = 2 ** (len(vae.config.encoder_block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)
        self.default_sample_size = transformer.config.sample_size

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """As any pipeline's. Raises ValueError for a folder of the kind that drew pixels."""
        index = Path(pretrained_model_name_or_path) / cls.config_name
        if index.is_file() and "vae" not in kwargs:
            refuse_pixels(json.loads(index.read_text()), pretrained_model_name_or_path)
        return super().from_pretrained(pretrained_model_name_or_path, **kwargs)

    @property
    def guidance_scale(self) -> float:
        return self._guidance_scale

    @property
    def do_classifier_free_guidance(self) -> bool:
        return self._guidance_scale > 1

    def encode_prompt(self, prompt: str | list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Prompts to (states [B, 24, D], pooled [B, D]). The empty prompt is allowed and means no condition.

        Raises ValueError for an unknown word, naming one that is spelt alike and all that are known, for more than two
        subjects, and for a prompt of more than 24 words. Warns of known words that are no sentence of the grammar
        (text_encoder.ToyTokenizer.read).
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        ids = self.tokenizer.read(prompts)
        return self.text_encoder(ids.to(self._execution_device))

    def velocity(self, latents, timestep, prompt_embeds, pooled_prompt_embeds) -> torch.Tensor:
        """One pass of the transformer: latents [B, C, h, w], timestep [B] in 0 to 1000 -> noise - clean latents."""
        if type(self.transformer).__name__ == "PixArtTransformer2DModel":
            own = {"added_cond_kwargs": {"resolution": None, "aspect_ratio": None}}  # it has no use for a pooled vector
        else:
            own = {"pooled_projections": pooled_prompt_embeds}
        return self.transformer(
            hidden_states=latents, timestep=timestep, encoder_hidden_states=prompt_embeds, return_dict=False, **own
        )[0]

    def check_inputs(self, prompt, num_inference_steps, latents, output_type, callback_on_step_end_tensor_inputs):
        listed = isinstance(prompt, (list, tuple)) and prompt and all(isinstance(text, str) for text in prompt)
        if not (isinstance(prompt, str) or listed):
            raise ValueError(f"prompt={prompt!r}: expected a string or a non-empty list of strings")
        if num_inference_steps < 1:
            raise ValueError(f"num_inference_steps={num_inference_steps}: expected at least 1")
        if output_type not in ("pil", "np", "pt", "latent"):
            raise ValueError(f"output_type={output_type!r}: expected 'pil', 'np', 'pt' or 'latent'")
        unknown = set(callback_on_step_end_tensor_inputs) - set(self._callback_tensor_inputs)
        if unknown:
            raise ValueError(f"callback tensors {sorted(unknown)}: expected some of {self._callback_tensor_inputs}")
        count = 1 if isinstance(prompt, str) else len(prompt)
        if latents is not None and tuple(latents.shape) != (count, *self.latent_shape):
            raise ValueError(
                f"latents of shape {tuple(latents.shape)}: expected {(count, *self.latent_shape)}, one a prompt"
            )

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one sample's latents."""
        config = self.transformer.config
        return config.in_channels, config.sample_size, config.sample_size

    def set_noise_levels(self, steps: int, device: torch.device) -> None:
        """Give the scheduler equal steps from noise to picture, as FLUX's pipeline does, so that the last one counts.

        What it does by itself ends at 0.001, so that the last of its steps changes nothing. A scheduler that takes no
        noise levels keeps its own.
        """
        if "sigmas" in inspect.signature(self.scheduler.set_timesteps).parameters:
            self.scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)], device=device)
        else:
            self.scheduler.set_timesteps(steps, device=device)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | list[str],
        num_inference_steps: int = 16,
        guidance_scale: float = 1.0,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Callable[[Any, int, int, dict], dict] | None = None,
        callback_on_step_end_tensor_inputs: tuple[str, ...] = ("latents",),
    ) -> ToyWorldPipelineOutput | tuple:
        """Pictures of 48 x 48 px for one prompt or a list of them.

        generator: one for the batch, or a list with one a prompt, so that a sample's noise is its own.
        latents: start noise [B, 8, 12, 12]. guidance_scale above 1 turns classifier-free guidance on.
        callback_on_step_end(pipeline, step, timestep, tensors) may return replaced tensors.
        output_type: "pil", "np" [B, H, W, 3] in 0 to 1, "pt" [B, 3, H, W] in 0 to 1, "latent" [B, 8, 12, 12].
        """
        self.check_inputs(prompt, num_inference_steps, latents, output_type, callback_on_step_end_tensor_inputs)
        self._guidance_scale, self._interrupt = guidance_scale, False
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        device, dtype = self._execution_device, self.transformer.dtype
        prompt_embeds, pooled_prompt_embeds = self.encode_prompt(prompts)
        if self.do_classifier_free_guidance:
            empty_embeds, empty_pooled = self.encode_prompt([""] * len(prompts))
            prompt_embeds = torch.cat([empty_embeds, prompt_embeds])
            pooled_prompt_embeds = torch.cat([empty_pooled, pooled_prompt_embeds])
        if latents is None:
            shape = (len(prompts), *self.latent_shape)
            latents = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        latents = latents.to(device=device, dtype=torch.float32)
        self.set_noise_levels(num_inference_steps, device)

        for i, t in enumerate(self.progress_bar(self.scheduler.timesteps)):
            if self._interrupt:
                continue
            both = torch.cat([latents] * 2) if self.do_classifier_free_guidance else latents
            velocity = self.velocity(
                both.to(dtype), t.expand(both.shape[0]), prompt_embeds.to(dtype), pooled_prompt_embeds.to(dtype)
            ).float()
            if self.do_classifier_free_guidance:
                uncond, cond = velocity.chunk(2)
                velocity = uncond + guidance_scale * (cond - uncond)
            latents = self.scheduler.step(velocity, t, latents, return_dict=False)[0]
            if callback_on_step_end is not None:
                given = {
                    "latents": latents,
                    "prompt_embeds": prompt_embeds,
                    "pooled_prompt_embeds": pooled_prompt_embeds,
                }
                given = {name: given[name] for name in callback_on_step_end_tensor_inputs}
                changed = callback_on_step_end(self, i, t, given) or {}
                latents = changed.get("latents", latents)
                prompt_embeds = changed.get("prompt_embeds", prompt_embeds)
                pooled_prompt_embeds = changed.get("pooled_prompt_embeds", pooled_prompt_embeds)

        images = latents
        if output_type != "latent":
            scaled = latents / self.vae.config.scaling_factor + self.vae.config.shift_factor
            images = self.vae.decode(scaled.to(self.vae.dtype), return_dict=False)[0].float()
            images = self.image_processor.postprocess(images, output_type=output_type)
        self.maybe_free_model_hooks()
        return ToyWorldPipelineOutput(images) if return_dict else (images,)


def refuse_pixels(config: Mapping[str, Any], source: str | os.PathLike) -> None:
    """Raises ValueError where a pipeline's index is one of the toy world's earlier kind, without an autoencoder."""
    if "vae" not in config:
        raise ValueError(
            f"{str(source)!r} is a toy world of the earlier kind, which drew pixels and has no autoencoder: this one "
            f"draws latents; train it anew with python -m fewchannels.toyworld.train"
        )
