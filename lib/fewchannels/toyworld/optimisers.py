"""Optimisers that do not work channel by channel, as AdamW does: Muon, and AdamW in a rotated basis.

    Muon([{"params": matrices, "orthogonal": True}, {"params": others}], lr=2e-3, betas=(0.9, 0.95))
    RotatedAdamW(groups, {weight: 1, bias: 0}, rotation, lr=2e-3, betas=(0.9, 0.95))

Adam divides each entry of a gradient by that entry's own size, so that the basis in which the entries are counted
matters; Elhage et al. (2023, "Privileged Bases in the Transformer Residual Stream") and He et al. (arXiv 2410.17174)
hold that to make outlier channels. A step of Muon is the same in every rotated basis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

QUINTIC = (3.4445, -4.7750, 2.0315)  # a x + b x^3 + c x^5 takes singular values of 0.01 to 1 near 1 in five steps
MOMENTUM = 0.95
# Root mean square of a step's entries, in learning rates. 0.2 as in arXiv 2502.16982 learnt more slowly than AdamW here
# (1.61 against 1.23 at 4,800 images), 0.7 as fast (1.25, and 1.08 against 1.13 at 6,400); chosen by the loss alone.
STEP = 0.7


class Muon(torch.optim.AdamW):
    """Muon on the groups that are marked `orthogonal`, whose parameters are matrices; AdamW on all others.

    A matrix's step is its Nesterov momentum with all singular values near 1 (Jordan et al. 2024, "Muon: an optimizer
    for hidden layers in neural networks"), times 0.7 sqrt(max(rows, columns)), so that its entries are as large as
    Adam's early ones in matrices of any shape, and one learning rate serves both (Liu et al. 2025, arXiv 2502.16982,
    with 0.2). dtype: what the iteration is computed in.
    """

    def __init__(self, groups: list[dict], lr: float, dtype: torch.dtype = torch.float32, **more):
        super().__init__([{"orthogonal": False, **group} for group in groups], lr=lr, **more)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            if not group["orthogonal"]:
                continue
            pushed = {p: self._pushed(p) for p in group["params"] if p.grad is not None}
            for alike in _by_shape(pushed):
                updates = orthogonalised(torch.stack([pushed[p] for p in alike]), self.dtype)
                for p, update in zip(alike, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update, alpha=-group["lr"] * STEP * max(p.shape) ** 0.5)
                    p.grad = None  # AdamW passes over it
        return super().step(closure)

    def _pushed(self, p: torch.Tensor) -> torch.Tensor:
        """The gradient, once more pushed by its momentum."""
        momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - MOMENTUM)
        return p.grad.lerp(momentum, MOMENTUM)


def _by_shape(parameters: Iterable[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Parameters in lots of one shape: one product of many small matrices is faster than many products."""
    lots: dict[tuple, list[torch.Tensor]] = {}
    for p in parameters:
        lots.setdefault(tuple(p.shape), []).append(p)
    return list(lots.values())


def orthogonalised(matrices: torch.Tensor, dtype: torch.dtype = torch.float32, steps: int = 5) -> torch.Tensor:
    """Matrices [..., m, n] with the same singular vectors and all singular values between about 0.7 and 1.2, by five
    steps of a Newton-Schulz iteration; those that are zero, or much smaller than the largest, stay small."""
    a, b, c = QUINTIC
    x = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if matrices.shape[-2] > matrices.shape[-1] else x).to(matrices.dtype)


class RotatedAdamW(torch.optim.AdamW):
    """AdamW that sees one axis of some parameters in a rotated basis, so that no channel is an axis of its steps.

    axes: parameter -> the axis that is rotated, 0 or 1; its length is a multiple of the rotation's, since layers that
    give several vectors hold them one behind the other. rotation: orthonormal [D, D]. As OrthoAdam (He et al., arXiv
    2410.17174), which draws a rotation for each parameter; here all that lie along one stream share one.
    """

    def __init__(self, groups: list[dict], axes: Mapping[torch.Tensor, int], rotation: torch.Tensor, **more):
        super().__init__(groups, **more)
        self.axes, self.rotation = dict(axes), rotation

    @torch.no_grad()
    def step(self, closure=None):
        for p, axis in self.axes.items():
            if p.grad is not None:
                p.grad = rotated(p.grad, axis, self.rotation)
                p.copy_(rotated(p, axis, self.rotation))
        found = super().step(closure)
        for p, axis in self.axes.items():
            if p.grad is not None:
                p.copy_(rotated(p, axis, self.rotation.T))
        return found


def rotated(values: torch.Tensor, axis: int, rotation: torch.Tensor) -> torch.Tensor:
    """rotation [D, D] applied along an axis, 0 or 1, of values whose length there is a multiple of D."""
    width = len(rotation)
    if axis == 0:
        return (rotation @ values.reshape(-1, width, values[0].numel())).reshape(values.shape)
    return (values.reshape(-1, width) @ rotation.T).reshape(values.shape)


def random_rotation(width: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Orthonormal [D, D], evenly distributed (QR of a Gaussian matrix, signs fixed; Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    return (q * r.diagonal().sign()).float()
