"""What a scheduler knows of noise, and what a prediction says of the clean picture.

    alpha, sigma = signal_and_noise(scheduler)                   # [T] each: x = alpha clean + sigma noise
    noise_share(scheduler)                                       # [T], 1 is nothing but noise
    clean_estimate(scheduler, output, x, alpha[t], sigma[t])     # the clean picture that the model expects

Flow matching has alpha = 1 - sigma and predicts noise minus picture (Esser et al., 2024, arXiv 2403.03206). DDPM,
DDIM and DPM-Solver keep alpha^2 + sigma^2 = 1, and mostly predict the noise (Ho et al., 2020, arXiv 2006.11239).
Euler's own form of diffusion has alpha = 1 (Karras et al., 2022, arXiv 2206.00364). The share of noise,
sigma / (alpha + sigma), is the noise level t of the flow with the same ratio of noise to picture.
"""

from __future__ import annotations

import numpy as np
import torch

KARRAS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler")
KINDS = ("epsilon", "v_prediction", "sample")


def is_flow(scheduler) -> bool:
    """Whether the model behind it is a flow, whose velocity is noise minus picture."""
    config = scheduler.config
    named = type(scheduler).__name__.startswith("FlowMatch")
    return bool(named or config.get("use_flow_sigmas") or config.get("prediction_type") == "flow_prediction")


def signal_and_noise(scheduler) -> tuple[np.ndarray, np.ndarray]:
    """alpha, sigma float [T] at each step of the run that the scheduler is set to: x = alpha clean + sigma noise.

    Raises ValueError for a scheduler whose noise levels are not known here.
    """
    count = len(scheduler.timesteps)
    if getattr(scheduler, "sigmas", None) is not None:
        sigma = np.asarray(torch.as_tensor(scheduler.sigmas).cpu(), np.float64)[:count]
        if is_flow(scheduler):
            return 1 - sigma, sigma
        if hasattr(scheduler, "_sigma_to_alpha_sigma_t"):  # its sigmas are the ratio of noise to picture
            alpha = 1 / np.sqrt(1 + sigma**2)
            return alpha, alpha * sigma
        if type(scheduler).__name__ in KARRAS:
            return np.ones(count), sigma
    elif hasattr(scheduler, "alphas_cumprod"):
        at = torch.as_tensor(scheduler.timesteps).cpu().long()
        kept = scheduler.alphas_cumprod.cpu()[at].double().numpy()
        return np.sqrt(kept), np.sqrt(1 - kept)
    raise ValueError(f"{type(scheduler).__name__} has noise levels of a kind that is not known here")


def noise_share(scheduler) -> np.ndarray:
    """float [T]: how much of what the model sees is noise, 1 for nothing else; of a flow its sigma. Errors as for
    `signal_and_noise`."""
    alpha, sigma = signal_and_noise(scheduler)
    return sigma if is_flow(scheduler) else sigma / (alpha + sigma)


def clean_estimate(scheduler, output: torch.Tensor, sample: torch.Tensor, alpha: float, sigma: float) -> torch.Tensor:
    """The clean picture that a prediction `output` expects behind `sample`, both [B, ...]: float32 [B, ...].

    An output with twice the channels holds a variance in its second half, which is left out. Raises ValueError for a
    kind of prediction that is not known here.
    """
    sample = sample.float()
    if output.shape != sample.shape and output.shape[1] == 2 * sample.shape[1]:
        output = output.chunk(2, dim=1)[0]
    output = output.float()
    if is_flow(scheduler):
        return sample - sigma * output
    kind = scheduler.config.get("prediction_type", "epsilon")
    if kind == "epsilon":
        return (sample - sigma * output) / alpha
    if kind == "v_prediction" and abs(alpha**2 + sigma**2 - 1) < 1e-4:
        return alpha * sample - sigma * output
    if kind == "sample":
        return output
    raise ValueError(
        f"{type(scheduler).__name__} predicts {kind!r}: the clean picture is read from a flow, or from "
        f"{', '.join(KINDS)}"
    )
