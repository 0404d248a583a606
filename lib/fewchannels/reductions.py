"""Mean, mean |x|, max |x| and variance over tokens in one cheap pass each, in float32, without losing small deviations.

    sums, bad = reduce_tokens(tokens)                       # [B, N, D] -> [4, B, D], [B, D] or None
    mean, mean_abs, max_abs, var = pooled(counts, ...)      # groups as one

A sum over tokens is a row of ones times the tokens: as a matrix product it is several times faster on a CPU than a
reduction down the columns. Sums are taken around each channel's own mean, so that a mean of 1e5 with a deviation of 30
keeps its deviation, and pieces are put together in float64.

Reference: Chan, Golub and LeVeque, Algorithms for computing the sample variance, The American Statistician 37 (1983).
"""

from __future__ import annotations

import numpy as np
import torch

FIELDS = ("mean", "mean_abs", "max_abs", "var")


def pooled(counts, mean, mean_abs, max_abs, var):
    """Statistics over groups as one, after Chan, Golub and LeVeque (1983): all [G, ...], counts of finite values."""
    share = counts / counts.sum(0).clip(1)
    level = (share * mean).sum(0)
    return (
        level,
        (share * mean_abs).sum(0),
        max_abs.max(0) if isinstance(max_abs, np.ndarray) else max_abs.amax(0),
        (share * (var + (mean - level) ** 2)).sum(0),
    )


def reduce_tokens(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """tokens [B, N, D] to (float32 [4, B, D] of mean, mean |x|, max |x|, variance; non-finite counts [B, D] or None).

    None means that every value was finite. Tokens are taken in pieces, which bounds the scratch memory (4 MB on a
    CPU) and the error of float32 sums.
    """
    rows, length, width = tokens.shape
    on_cpu = tokens.device.type == "cpu"
    size = min(1024, max(32, (2**20 if on_cpu else 2**24) // (rows * width)))
    pieces = [tokens[:, start : start + size] for start in range(0, length, size)]
    if on_cpu:
        sums = _together([(piece.shape[1], _sums(piece.float())) for piece in pieces])
        if bool(torch.isfinite(sums).all()):
            return sums, None
    # On a GPU this is the only way, without a look at the result: waiting for it costs more than counting every time.
    counted = []
    for piece in pieces:
        piece = piece.double() if on_cpu else piece.float()
        finite = torch.isfinite(piece)
        count = finite.sum(1)
        counted.append((count, _sums(torch.where(finite, piece, 0.0), count.clamp(min=1), finite)))
    return _together(counted), length - sum(count for count, _ in counted)


def _sums(x, counts=None, finite=None):
    """[4, B, D] of x [B, N, D]. counts: values that are not left out [B, D], where `finite` leaves some out."""
    rows, length, _ = x.shape
    ones = x.new_ones(1, 1, length).expand(rows, 1, length)
    counts = length if counts is None else counts
    mean = torch.bmm(ones, x)[:, 0] / counts
    apart = x - mean[:, None]
    if finite is not None:
        apart = torch.where(finite, apart, 0.0)
    shift = torch.bmm(ones, apart)[:, 0] / counts
    var = torch.bmm(ones, apart.square_())[:, 0] / counts - shift.square()
    size = torch.abs(x, out=apart)
    mean = mean + shift
    # |mean| <= mean |x|, with equality where all signs agree: there the mean, summed around itself, is the better sum.
    mean_abs = torch.maximum(torch.bmm(ones, size)[:, 0] / counts, mean.abs())
    return torch.stack([mean, mean_abs, size.amax(1), var.clamp_(min=0)])


def _together(pieces):
    if len(pieces) == 1:
        return pieces[0][1].float()
    sums = torch.stack([piece for _, piece in pieces])
    sums = sums.double() if sums.device.type != "mps" else sums
    if isinstance(pieces[0][0], int):
        counts = torch.tensor([count for count, _ in pieces], device=sums.device)[:, None, None]
    else:
        counts = torch.stack([count for count, _ in pieces])
    return torch.stack(pooled(counts, *sums.unbind(1))).float()
