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
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from ..channels import ChannelSet
from ..watch.hooks import capture
from ..watch.sinks import PerSample
from ..wrapping import hooked
from .levels import variance_shares

SUPPORTED = ("JointTransformerBlock",)
GATES = ("attention", "MLP")
PARTS = ("stream", "attention", "MLP")  # what a block's output is the sum of; stream: what came in
OF = ("level", "pattern")


class Writers(PerSample):
    """What `watch_writers` gives for S samples, L blocks, T steps and D channels, float32 arrays.

    gates [S, L, T, 2, D], in the order of `GATES`. content [S, L, 2, D]: root mean square over tokens and steps of what
    attention and MLP give before the gate. written [S, L, 2, 3, D]: the mean product of each of `PARTS` with the
    block's output, once for levels and once for patterns (`OF`), mean over steps: over all four last numbers of a
    channel the sum is its energy. read [S, L, 2, D]: how strongly what follows reads the block's output: norm of a
    channel's weight column times |1 + AdaLN scale|, mean over steps, by the next block's attention (q, k, v) and MLP;
    of the last block by the output layer, where the second is NaN.
    """

    def __init__(self, model):
        super().__init__()
        self._model = model
        self._now: dict[int, dict[str, torch.Tensor]] = {}
        self._sums: dict[tuple[str, int], dict[int, list]] = {}  # of what in which block: of a sample, over its steps
        self._due: tuple | None = None

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
        """The output layer's scale, of the samples whose first block has just been seen."""
        if self._due is not None:
            (samples, rows), self._due = self._due, None
            scale = output.detach().chunk(2, dim=1)[0]  # AdaLayerNormContinuous has its scale first
            self._sum("gain", len(self._model.layers), samples, (1 + scale[rows].float()).abs())

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
        super().add(torch.stack([gate, gate_mlp], dim=1), layer=layer, step=step, samples=samples, grid=grid)
        self._sum("written", layer, samples, torch.stack(written, dim=2))
        self._sum("content", layer, samples, torch.stack([c.square().mean(dim=1) for c in content], dim=1))
        self._sum("gain", layer, samples, (1 + torch.stack([scale, scale_mlp], dim=1)).abs())
        if layer == 0:
            self._due = samples, rows

    def look(self, tokens, *, layer, step, grid):
        return {"gates": tokens.cpu().numpy()}

    def _sum(self, what: str, layer: int, samples, rows: torch.Tensor) -> None:
        for sample, row in zip(samples, rows.cpu().double().numpy(), strict=True):
            total = self._sums.setdefault((what, layer), {}).setdefault(sample, [0.0, 0])
            total[0], total[1] = total[0] + row, total[1] + 1

    def _mean(self, what: str, layer: int) -> np.ndarray:
        """float32 [S, ...] over steps."""
        rows = self._sums[what, layer]
        return np.stack([rows[sample][0] / rows[sample][1] for sample in sorted(rows)]).astype(np.float32)

    def _means(self, what: str) -> np.ndarray:
        return np.stack([self._mean(what, layer) for layer in range(len(self._model.layers))], axis=1)

    @property
    def gates(self) -> np.ndarray:
        return self.kept("gates")

    @property
    def written(self) -> np.ndarray:
        return self._means("written")

    @property
    def content(self) -> np.ndarray:
        return np.sqrt(self._means("content"))

    @property
    def read(self) -> np.ndarray:
        last, transformer = len(self._model.layers), self._model.transformer
        found = [self._mean("gain", b) * columns(transformer.transformer_blocks[b]) for b in range(1, last)]
        head = self._mean("gain", last) * _norms([transformer.proj_out])
        return np.stack([*found, np.stack([head, np.full_like(head, np.nan)], axis=1)], axis=1)


@contextmanager
def watch_writers(model) -> Iterator[Writers]:
    """Take every block's update apart while the model generates; the arrays can be read afterwards.

    Raises NotImplementedError for a transformer whose blocks are of another class than `SUPPORTED`, and ValueError for
    a feed-forward in chunks, which would be seen one chunk at a time.
    """
    blocks = check_blocks(model)
    seen = Writers(model)
    with ExitStack() as stack:
        for layer, block in enumerate(blocks):
            inner = {"modulation": block.norm1.linear, "attention": block.attn, "MLP": block.ff}
            if getattr(block, "attn2", None) is not None:
                inner["second"] = block.attn2
            stack.enter_context(hooked(block, seen.note_input(layer), pre=True))
            for what, module in inner.items():
                stack.enter_context(hooked(module, seen.note(layer, what)))
        stack.enter_context(hooked(model.transformer.norm_out.linear, seen.note_head))
        stack.enter_context(capture(model, seen))
        yield seen


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


def read_blindness(model) -> np.ndarray:
    """[L, D]: how little the next block's weights read each channel, 1 / (1 + D G_kk / tr G) with G = A^T A, where A
    holds the rows of attention's q, k, v and of the MLP's first layer; of the last block's output, of the last layer.
    Half is what a channel has that is read like the average one; 1 is not read at all. From weights alone, so AdaLN's
    scale is not in it (after "Which the Eye Fears"). Errors as for `watch_writers`."""
    blocks = check_blocks(model)
    squares = [(columns(block) ** 2).sum(axis=0) for block in blocks[1:]] + [_norms([model.transformer.proj_out]) ** 2]
    read = np.stack(squares).astype(np.float64)
    mean = read.mean(axis=1, keepdims=True)
    return 1 / (1 + np.divide(read, mean, out=np.zeros_like(read), where=mean > 0))


def _norms(layers) -> np.ndarray:
    weights = torch.cat([layer.weight.detach().float() for layer in layers])
    return torch.linalg.vector_norm(weights, dim=0).cpu().numpy()


def writing_weights(model) -> dict[str, np.ndarray]:
    """What writes a channel, from weights alone: the mean |weight| of its rows in each block's "gate" (AdaLN's two, of
    attention and MLP) and "output" (the last layers of attention and MLP), both [L, D]; in the "embedding" of the
    latents and the "head" scale of the last norm, both [D]. Errors as for `watch_writers`."""
    blocks, transformer = check_blocks(model), model.transformer
    width = transformer.pos_embed.proj.weight.shape[0]

    def rows(*weights) -> np.ndarray:
        return sum(w.detach().float().flatten(1).abs().mean(dim=1) for w in weights).cpu().numpy() / len(weights)

    gates = [block.norm1.linear.weight.split(width) for block in blocks]  # shift, scale, gate; the same for the MLP
    return {
        "gate": np.stack([rows(own[2], own[5]) for own in gates]),
        "output": np.stack([rows(block.attn.to_out[0].weight, block.ff.net[2].weight) for block in blocks]),
        "embedding": rows(transformer.pos_embed.proj.weight),
        "head": rows(transformer.norm_out.linear.weight[:width]),
    }


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
    sizes = *np.moveaxis(size.mean(axis=2), 2, 0), size.mean(axis=(2, 3))
    mask = chosen.mask()
    part = np.where(mask[:, None, None], seen.written, 0).sum(axis=-1)  # [P, L, 2, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        written = part / part.sum(axis=-1, keepdims=True)
    filled = mask.any(axis=1) & ~mask.all(axis=1)
    steps = [over_steps(size.mean(axis=3)[:, filled], m[filled]) for m in (mask, ~mask)]

    def beside(values) -> np.ndarray:
        return np.stack([over_others(one, chosen) for one in values], axis=-1)

    cell = {
        "gate": beside(sizes),
        "content": beside(np.moveaxis(seen.content, 2, 0)),
        "written": written,
        "read": beside(np.moveaxis(seen.read, 2, 0)),
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
