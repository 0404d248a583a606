"""Who writes a channel, and what reads it: the update of each block taken apart, for Stable Diffusion 3's block.

    with watch_writers(model) as seen:
        model.generate(prompts, seed=0, steps=8)
    over_others(np.abs(seen.gates).mean(axis=2)[:, :, 0], massive)     # [S, L], attention's gate, the set over the rest
    seen.written                                           # [S, L, 2, 3, D]

A block adds gate * attention(x) and gate * MLP(x) to its input, with one gate a channel that AdaLN makes from timestep
and pooled text (Peebles & Xie, 2023, arXiv 2212.09748). Detail Guidance (Gan et al., arXiv 2510.11538) puts the origin
of massive activations into that gate. The next block reads a channel through its own AdaLN scale and the columns of
its query, key, value and MLP weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..channels import ChannelSet
from ..watch.hooks import capture
from .levels import variance_shares

SUPPORTED = ("JointTransformerBlock",)
GATES = ("attention", "MLP")
PARTS = ("stream", "attention", "MLP")  # what a block's output is the sum of; stream: what came in
OF = ("level", "pattern")


class Writers:
    """What `watch_writers` gives for S samples, L blocks, T steps and D channels, float32 arrays.

    gates [S, L, T, 2, D], in the order of `GATES`. content [S, L, 2, D]: root mean square over tokens and steps of what
    attention and MLP give before the gate. written [S, L, 2, 3, D]: the mean product of each of `PARTS` with the
    block's output, once for levels and once for patterns (`OF`), mean over steps: over all four last numbers of a
    channel the sum is its energy. read [S, L, 2, D]: how strongly what follows reads the block's output: norm of a
    channel's weight column times |1 + AdaLN scale|, mean over steps, by the next block's attention (q, k, v) and MLP;
    of the last block by the output layer, where the second is NaN.
    """

    def __init__(self, model):
        self._model = model
        self._now: dict[int, dict[str, torch.Tensor]] = {}
        self._gates: dict[tuple[int, int], list[np.ndarray]] = {}
        self._scales: dict[tuple[int, int], list[np.ndarray]] = {}
        self._sums: dict[int, dict[int, list]] = {}

    def note(self, layer: int, what: str):
        """A hook that notes a submodule's output until the block is done."""

        def returned(module, args, output):
            value = output[0] if isinstance(output, tuple) else output
            self._now.setdefault(layer, {})[what] = value.detach()

        return returned

    def note_input(self, layer: int):
        def called(module, args, kwargs):
            value = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
            self._now.setdefault(layer, {})["stream"] = value.detach()

        return called

    def note_head(self, module, args, output):
        self._head = output.detach().chunk(2, dim=1)[0]  # AdaLayerNormContinuous has its scale first

    def add(self, tokens, *, layer, step, samples, grid):
        """One block's output, as capture hands it on, with what was noted inside the block."""
        now = self._now.pop(layer)
        rows = slice(-len(samples), None)  # with guidance in one batch the unconditional half comes first
        chunks = [part[rows].float() for part in now["modulation"].chunk(9 if "second" in now else 6, dim=1)]
        _, scale, gate, _, scale_mlp, gate_mlp = chunks[:6]
        content = [now["attention"][rows].float(), now["MLP"][rows].float()]
        update = [gate[:, None] * content[0], gate_mlp[:, None] * content[1]]
        if "second" in now:
            update[0] = update[0] + chunks[8][:, None] * now["second"][rows].float()
        output = tokens.detach().float()
        level = output.mean(dim=1, keepdim=True)
        written = []
        for part in (now["stream"][rows].float(), *update):
            own = part.mean(dim=1, keepdim=True)
            written.append(torch.stack([(own * level)[:, 0], ((part - own) * (output - level)).mean(dim=1)], dim=1))
        size = torch.stack([c.square().mean(dim=1) for c in content], dim=1)
        key = layer, step
        self._gates.setdefault(key, []).append(torch.stack([gate, gate_mlp], dim=1).cpu().numpy())
        self._scales.setdefault(key, []).append(torch.stack([scale, scale_mlp], dim=1).cpu().numpy())
        sums = torch.stack(written, dim=2), size
        total = self._sums.setdefault(layer, {}).setdefault(samples[0], [0, 0, 0])  # of a batch, over its steps
        for i, part in enumerate(sums):
            total[i] = total[i] + part.cpu().double()
        total[2] += 1
        if layer == 0:
            self._head_due = step, rows

    def head_done(self, module, args, output):
        """The output layer's scale belongs to the step whose first block has just been seen."""
        step, rows = self._head_due
        self._scales.setdefault((len(self._model.layers), step), []).append(self._head[rows].float().cpu().numpy())

    def _array(self, kept) -> np.ndarray:
        layers, steps = (sorted({key[i] for key in kept}) for i in (0, 1))
        return np.stack([np.stack([np.concatenate(kept[b, t]) for t in steps], axis=1) for b in layers], axis=1)

    def _mean(self, part: int) -> np.ndarray:
        """[S, L, ...] over steps, batches in their order."""
        batches = [[sums[first] for first in sorted(sums)] for _, sums in sorted(self._sums.items())]
        means = [np.concatenate([np.asarray(b[part] / b[2]) for b in rows]) for rows in batches]
        return np.stack(means, axis=1).astype(np.float32)

    @property
    def gates(self) -> np.ndarray:
        return self._array(self._gates)

    @property
    def written(self) -> np.ndarray:
        return self._mean(0)

    @property
    def content(self) -> np.ndarray:
        return np.sqrt(self._mean(1))

    @property
    def read(self) -> np.ndarray:
        last, transformer = len(self._model.layers), self._model.transformer
        found = []
        for layer in range(1, last):
            own = {key: value for key, value in self._scales.items() if key[0] == layer}
            gain = np.abs(1 + self._array(own)[:, 0]).mean(axis=1)  # [S, 2, D]
            found.append(gain * columns(transformer.transformer_blocks[layer]))
        own = {key: value for key, value in self._scales.items() if key[0] == last}
        gain = np.abs(1 + self._array(own)[:, 0]).mean(axis=1)
        head = gain * _norms([transformer.proj_out])
        found.append(np.stack([head, np.full_like(head, np.nan)], axis=1))
        return np.stack(found, axis=1)


@contextmanager
def watch_writers(model, branch: str = "cond") -> Iterator[Writers]:
    """Take every block's update apart while the model generates; the arrays can be read afterwards.

    Raises NotImplementedError for a transformer whose blocks are of another class than `SUPPORTED`, and ValueError for
    a feed-forward in chunks, which would be seen one chunk at a time.
    """
    blocks = check_blocks(model)
    seen = Writers(model)
    handles = []
    try:
        for layer, block in enumerate(blocks):
            handles.append(block.register_forward_pre_hook(seen.note_input(layer), with_kwargs=True))
            for what, module in (("modulation", block.norm1.linear), ("attention", block.attn), ("MLP", block.ff)):
                handles.append(module.register_forward_hook(seen.note(layer, what)))
            if getattr(block, "attn2", None) is not None:
                handles.append(block.attn2.register_forward_hook(seen.note(layer, "second")))
        head = model.transformer.norm_out
        handles.append(head.linear.register_forward_hook(seen.note_head))
        handles.append(head.register_forward_hook(seen.head_done))
        with capture(model, seen, branch=branch):
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def why_not(model) -> str:
    """Why the update of this model's blocks cannot be taken apart here; "" where it can."""
    blocks = list(getattr(model.transformer, "transformer_blocks", ()))
    kinds = sorted({type(block).__name__ for block in blocks})
    if blocks and not set(kinds) - set(SUPPORTED) and len(blocks) == len(model.layers):
        return ""
    return (
        f"{type(model.transformer).__name__} has blocks of class {', '.join(kinds) or 'unknown'}"
        f"{'' if len(blocks) == len(model.layers) else ' and more than one list of them'}: the update is taken "
        f"apart for {', '.join(SUPPORTED)} only (Stable Diffusion 3 and the toy world)"
    )


def check_blocks(model) -> list:
    """The blocks, where their class is one of `SUPPORTED`; errors as for `watch_writers`."""
    if reason := why_not(model):
        raise NotImplementedError(
            f"{reason}. For another class say here which of its submodules give the gates, the attention and the MLP"
        )
    blocks = list(model.transformer.transformer_blocks)
    if any(getattr(block, "_chunk_size", None) is not None for block in blocks):
        raise ValueError("the feed-forward runs in chunks: call transformer.set_chunk_feed_forward(None, 0) first")
    return blocks


def columns(block) -> np.ndarray:
    """[2, D]: norms of the weight columns that read a channel, of attention's q, k, v and of the MLP's first layer."""
    attention = [block.attn.to_q, block.attn.to_k, block.attn.to_v]
    return np.stack([_norms(attention), _norms([block.ff.net[0].proj])])


def _norms(layers) -> np.ndarray:
    weights = torch.cat([layer.weight.detach().float() for layer in layers])
    return torch.linalg.vector_norm(weights, dim=0).cpu().numpy()


def over_others(values: np.ndarray, chosen: ChannelSet) -> np.ndarray:
    """[S, L]: mean of [S, L, D] over a set's channels, over the mean over all others of the block.

    NaN in a block where the set is empty or leaves nothing. Raises ValueError for another number of blocks.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 3 or values.shape[1:] != (len(chosen), chosen.width):
        raise ValueError(
            f"values of shape {values.shape}: expected [samples, {len(chosen)} blocks, {chosen.width} channels]"
        )
    mask = chosen.mask()
    counts = mask.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = np.where(mask, values, 0).sum(axis=2) / counts
        outside = np.where(mask, 0, values).sum(axis=2) / (chosen.width - counts)
        return inside / outside


def writers_cell(seen: Writers, chosen: ChannelSet) -> dict[str, np.ndarray]:
    """What a study keeps of one set, P prompts first.

    gate [P, L, 3]: mean |gate| over the set over that of all others, for attention, MLP, and both together. content
    [P, L, 2]: the same of what is gated. written [P, L, 2, 3]: the share of the set's output level, and of its pattern,
    that came in, that attention wrote and that the MLP wrote (each three add up to 1; a part that works against the
    whole is negative). read [P, L, 2]: how strongly the next layers read the set over the others. gate_size [P, T, 2]:
    mean |gate| of the set and of the others at each step, mean over blocks. gate_by [2, 2]: of the two
    gates' variance in the set's median channel, the share of the step and of the prompt; no prompts here. All float16.
    """
    size = np.abs(seen.gates)  # [P, L, T, 2, D]
    each = [over_others(size[:, :, :, i].mean(axis=2), chosen) for i in range(2)]
    both = over_others(size.mean(axis=(2, 3)), chosen)
    mask = chosen.mask()
    part = np.where(mask[:, None, None], seen.written, 0).sum(axis=-1)  # [P, L, 2, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        written = part / part.sum(axis=-1, keepdims=True)
    filled = mask.any(axis=1) & ~mask.all(axis=1)
    steps = [over_steps(size.mean(axis=3)[:, filled], m[filled]) for m in (mask, ~mask)]
    cell = {
        "gate": np.stack([*each, both], axis=-1),
        "content": np.stack([over_others(seen.content[:, :, i], chosen) for i in range(2)], axis=-1),
        "written": written,
        "read": np.stack([over_others(seen.read[:, :, i], chosen) for i in range(2)], axis=-1),
        "gate_size": np.stack(steps, axis=-1),
        "gate_by": gate_shares(seen.gates, chosen),
    }
    return {name: value.astype(np.float16) for name, value in cell.items()}


def gate_shares(gates: np.ndarray, chosen: ChannelSet) -> np.ndarray:
    """[2, 2], gates by (step, prompt): shares of a gate's variance over prompts and steps, in the median channel of a
    set over all blocks. gates: [P, L, T, 2, D], as from `Writers`. A gate does not see the noise."""
    found = []
    for i in range(2):
        each = [variance_shares(gates[:, None, b, :, i][..., own]) for b, own in enumerate(chosen) if len(own)]
        found.append([np.nanmedian(np.concatenate([s[what] for s in each])) for what in ("step", "prompt")])
    return np.array(found)


def over_steps(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean [P, T] of [P, L, T, D] over the channels of a mask [L, D] in each block, then over blocks."""
    inside = np.where(mask[:, None], values, 0).sum(axis=-1) / mask.sum(axis=1)[:, None]
    return inside.mean(axis=1)
