"""Mean, mean |x|, max |x| and variance over tokens in one cheap pass each, in float32, without losing small deviations.

    sums, bad = reduce_tokens(tokens)                       # [B, N, D] -> [4, B, D], [B, D] or None
    mean, mean_abs, max_abs, var = pooled(counts, ...)      # groups as one

On a CPU `sum` and `amax` down the columns run at the speed of memory, while `var` and vector norms are tens of times
slower (torch 2.13); a row of ones times the tokens is as fast as `sum`, and less exact. Squares are summed around each
channel's own mean, so that a mean of 1e5 with a deviation of 30 keeps its deviation, and pieces are put together in
float64.

Reference: Chan, Golub and LeVeque, Algorithms for computing the sample variance, The American Statistician 37 (1983).
"""

from __future__ import annotations

import math

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


def reduce_tokens(tokens: torch.Tensor, scratch: dict | None = None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """tokens [B, N, D] to (float32 [4, B, D] of mean, mean |x|, max |x|, variance; non-finite counts [B, D] or None).

    None means that every value was finite. scratch: a dict in which working memory is kept from call to call, since
    fresh memory costs a CPU more than the arithmetic does. Tokens are taken in pieces, which bounds the working memory
    (4 MB on a CPU) and the error of float32 sums.
    """
    rows, length, width = tokens.shape
    on_cpu = tokens.device.type == "cpu"
    size = min(1024, max(32, (2**20 if on_cpu else 2**24) // (rows * width)))
    pieces = [tokens[:, i : i + size] for i in range(0, length, size)] if size < length else [tokens]
    if on_cpu:
        scratch = {} if scratch is None else scratch
        sums = _together([(piece.shape[1], _sums(_as_float(piece, scratch), scratch=scratch)) for piece in pieces])
        # One inf or nan makes the total not finite. Finite values that overflow it go the long way, and come out right.
        if math.isfinite(sums.sum().item()):
            return sums, None
    # On a GPU this is the only way, without a look at the result: waiting for it costs more than counting every time.
    counted = []
    for piece in pieces:
        piece = piece.double() if on_cpu else piece.float()
        finite = torch.isfinite(piece)
        count = finite.sum(1, keepdim=True)
        counted.append((count[:, 0], _sums(torch.where(finite, piece, 0.0), finite, count.clamp(min=1))))
    return _together(counted), length - sum(count for count, _ in counted)


def _as_float(piece, scratch):
    return piece if piece.dtype is torch.float32 else _kept(scratch, "x", piece).copy_(piece)


def _kept(scratch, name, like):
    """Working memory in the shape of a piece; two shapes at most are met in a run, whole pieces and the last."""
    key = (name, like.shape)
    if key not in scratch:
        if len(scratch) > 8:
            scratch.clear()
        with torch.inference_mode(False):  # memory made under it could be written to only under it
            scratch[key] = torch.empty(like.shape, dtype=torch.float32)
    return scratch[key]


def _sums(x, finite=None, counts=None, scratch=None):
    """[4, B, D] of x [B, N, D]. finite: which values count, counts: how many of them a channel has [B, 1, D]; the
    others are zero in x."""
    # The magnitudes come first: tokens that lie far from the core stream in best through an elementwise pass.
    work = torch.abs(x, out=None if scratch is None else _kept(scratch, "work", x))
    max_abs = work.amax(1, keepdim=True)
    mean_abs = _mean(work, counts)
    mean = _mean(x, counts)
    torch.sub(x, mean, out=work)
    if finite is not None:
        work *= finite
    return torch.stack([mean, mean_abs, max_abs, _mean(work.square_(), counts)]).squeeze(2)


def _mean(x, counts):
    return x.mean(1, keepdim=True) if counts is None else x.sum(1, keepdim=True) / counts


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
