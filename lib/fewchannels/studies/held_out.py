"""A fixed set of noised scenes that no training draws, and what one pass of it tells of a network: its loss, and how
its stream is spread over channels and over directions.

    held_out = HeldOut(pipeline.vae, 128)
    held_out.measure(pipeline)                              # {"loss": [], "size": [L], "kurtosis": [L], ...}

Scenes, prompts, noise and noise levels are the same for every network, so what differs is the network. Levels are
evenly spread over the training's own distribution of them.
"""

from __future__ import annotations

import numpy as np
import torch

from ..channels import kurtosis, largest_over_median, rank_channels, top_share
from ..models import load
from ..toyworld.encoded_scenes import encode
from ..toyworld.recipe import MEAN_LOGIT_T, SceneStream
from ..watch.hooks import capture

SEED = 90_000  # of scenes and noise; trainings have small ones
BATCH = 32
QUARTERS = 4  # of the noise levels, from clean to noisy
K = 8


class HeldOut:
    """n scenes as latents [n, 8, 12, 12], each with its ids, noise and level. Raises ValueError where n is no multiple
    of four."""

    def __init__(self, vae, n: int = 128):
        if n < QUARTERS or n % QUARTERS:
            raise ValueError(f"n={n}: expected a multiple of {QUARTERS}, as many of each quarter of the noise levels")
        self.clean, self.ids = encode(SceneStream(SEED, n), vae, range(n), BATCH)
        self.noise = torch.randn(self.clean.shape, generator=torch.Generator().manual_seed(SEED))
        self.t = torch.sigmoid(torch.special.ndtri((torch.arange(n) + 0.5) / n) + MEAN_LOGIT_T)

    def __len__(self) -> int:
        return len(self.t)

    @torch.no_grad()
    def measure(self, pipeline) -> dict[str, np.ndarray]:
        """One pass. "loss" [], the mean squared error of the velocity; and of each block's output: "size" [L], the
        largest channel over the median channel in |mean over tokens|; "by_level" [L, 4], the same in each quarter of
        the noise levels, the cleanest first; "median" [L], that channel; "kurtosis" [L] of the channels' RMS;
        "token_kurtosis" [L], of a token's values over channels, mean over tokens (3 for a normal distribution);
        "top" int16 [L, 8], the largest channels, "top_share" [L] of the energy in them; and free of the
        basis, the shares of the energy along the "first" principal direction [L], along the first 8, "principal" [L],
        and in the mean over tokens, "level" [L]; "rms" [L].
        """
        model, errors, device = load(pipeline), [], pipeline.device
        with capture(model, kept := Spread(len(model.layers))):
            for rows in torch.arange(len(self)).split(BATCH):
                weight = self.t[rows, None, None, None]
                noisy = (1 - weight) * self.clean[rows] + weight * self.noise[rows]
                words = pipeline.text_encoder(self.ids[rows].to(device))
                with model.trajectory(len(rows), 1):
                    velocity = pipeline.velocity(noisy.to(device), 1000 * self.t[rows].to(device), *words)
                wanted = self.noise[rows] - self.clean[rows]
                errors.append((velocity.float().cpu() - wanted).square().mean(dim=(1, 2, 3)))
        return {"loss": torch.cat(errors).double().mean().numpy(), **kept.found()}


class Spread:
    """A sink of capture: sums over all tokens of each block."""

    def __init__(self, layers: int):
        self.score: list[list[torch.Tensor]] = [[] for _ in range(layers)]
        self.moments: list = [0.0] * layers
        self.fourth = np.zeros(layers)
        self.tokens = np.zeros(layers, int)

    def add(self, tokens: torch.Tensor, *, layer: int, step: int, samples, grid=None) -> None:
        x = tokens.detach().float()
        self.score[layer].append(x.mean(dim=1).abs().cpu())
        x = x.flatten(0, 1)
        self.moments[layer] = self.moments[layer] + (x.T @ x).double().cpu()
        squares = x.square()
        self.fourth[layer] += float((squares.square().mean(dim=1) / squares.mean(dim=1).square()).double().sum())
        self.tokens[layer] += len(x)

    def found(self) -> dict[str, np.ndarray]:
        """As `HeldOut.measure` says."""
        scores = torch.stack([torch.cat(rows) for rows in self.score]).double().numpy()  # [L, n, D]
        moments = torch.stack(self.moments).numpy() / self.tokens[:, None, None]
        score, energy = scores.mean(axis=1), np.diagonal(moments, axis1=1, axis2=2)
        quarters = scores.reshape(len(scores), QUARTERS, -1, scores.shape[-1]).mean(axis=2)
        directions = np.linalg.eigvalsh(moments)  # rising
        arrays = {
            "size": largest_over_median(score),
            "by_level": largest_over_median(quarters),
            "median": np.median(score, axis=1),
            "kurtosis": kurtosis(energy),
            "token_kurtosis": self.fourth / self.tokens,
            "top_share": top_share(energy, K, by=score),
            "principal": directions[:, -K:].sum(axis=1) / directions.sum(axis=1),
            "first": directions[:, -1] / directions.sum(axis=1),
            "level": np.square(scores).sum(axis=2).mean(axis=1) / energy.sum(axis=1),
            "rms": np.sqrt(energy.mean(axis=1)),
        }
        found = {name: array.astype(np.float32) for name, array in arrays.items()}
        return {**found, "top": rank_channels(score, K).astype(np.int16)}
