"""The checks that one forward can make, with hooks of their own on the blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import torch

from ..layouts import Labels, blocks_of, read, reads_of, write
from ..watch.hooks import capture, edit
from ..watch.statistics import ChannelStats

CHECKS = ("blocks", "grid", "tokens", "inverse", "text", "place", "residual", "reach", "identity", "planted", "reads")
PLANTED = 100.0  # times the largest activation


def one_forward(
    model, call: Callable, change: Callable | None = None, only: str | None = None, text_only=False, **given
):
    """What call(**given) returns, the Frame of that forward, and {block name: (group, output)} in the order of running.

    change(group, output, frame) replaces the output of block `only`. text_only: the blocks that hold text alone.
    """
    labels = Labels(SimpleNamespace(layout=model.layout, transformer=model.transformer, pipeline=None, run=None))
    seen: dict[str, tuple] = {}

    def begins(transformer, args, kwargs):
        labels.forward_begins(transformer, args, kwargs)

    def hook(name, group):
        def returned(block, args, output):
            seen[name] = (group, output)
            return change(group, output, labels.frame) if change is not None and name == only else None

        return returned

    blocks = blocks_of(model.layout, model.transformer, text_only)
    handles = [model.transformer.register_forward_pre_hook(begins, with_kwargs=True)]
    handles += [block.register_forward_hook(hook(name, group)) for name, group, block in blocks]
    try:
        out = call(**given)
    finally:
        for handle in handles:
            handle.remove()
    return out, labels.frame, seen


class Bench:
    """The checks that one forward can make; each gives (passed, what was found)."""

    def __init__(self, model, call, arguments, asked):
        self.model, self.call, self.arguments, self.asked = model, call, arguments, asked
        self._first = None

    def run(self, change=None, only=None, text_only=False):
        return one_forward(self.model, self.call, change, only, text_only, **self.arguments)

    @property
    def bare(self):
        """Output, frame and blocks of an unchanged forward; made once."""
        if self._first is None:
            self._first = self.run()
        return self._first

    def blocks(self):
        _, _, seen = self.bare
        named = [name for name, _, _ in blocks_of(self.model.layout, self.model.transformer)]
        if sorted(seen) != sorted(named):
            return False, f"{', '.join(sorted(set(named) - set(seen)))} never ran"
        if list(seen) != named:
            return False, f"they ran as {', '.join(seen)}"
        return True, f"{len(named)} ran, in the order of the table"

    def grid(self):
        (height, width), asked = self.bare[1].grid, self.asked
        if None in asked:
            return None, f"{height} x {width}, and the pipeline takes no size to compare it with"
        if height * asked[1] != width * asked[0]:
            return False, f"read as {height} x {width}, for a picture of {asked[0]} x {asked[1]}"
        if asked[0] == asked[1]:
            return None, f"{height} x {width}: a square hides an exchange of height and width, so ask for another size"
        return True, f"{height} x {width} tokens, for a picture of {asked[0]} x {asked[1]}"

    def tokens(self):
        _, frame, seen = self.bare
        shapes = {tuple(read(*found, frame).shape) for found in seen.values()}
        counts = {shape[:2] for shape in shapes}
        good = counts == {(frame.rows, frame.tokens)}
        return good, f"[batch, token, channel] = {', '.join(map(str, map(list, sorted(shapes))))}"

    def inverse(self):
        _, frame, seen = self.bare
        for name, (group, output) in seen.items():
            before = [None if part is None else part.clone() for part in _parts(output)]
            tokens = read(group, output, frame)
            new = tokens + _noise(tokens)
            changed = write(group, output, frame, new)
            if type(changed) is not type(output) or not torch.equal(read(group, changed, frame), new):
                return False, f"{name}: what is written is not what is read"
            again = _parts(write(group, output, frame, tokens))
            for old, part, now in zip(before, _parts(output), again, strict=True):
                if old is not None and not (torch.equal(old, part) and torch.equal(old, now)):
                    return False, f"{name}: writing what was read changes the output"
        return True, f"in all {len(seen)} blocks"

    def text(self):
        if self.model.layout.text != "joint":
            return None, f"no text tokens between the blocks (text: {self.model.layout.text})"
        _, frame, seen = self.bare
        counts = set()
        for name, (group, output) in seen.items():
            text = read(group, output, frame, "text")
            if text is None:
                continue
            counts.add(text.shape[1])
            tokens = read(group, output, frame)
            changed = write(group, output, frame, tokens + _noise(tokens))
            if not torch.equal(read(group, changed, frame, "text"), text):
                return False, f"{name}: a write of the image changes the text"
            back = write(group, changed, frame, text + 1, "text")
            if not torch.equal(read(group, back, frame), read(group, changed, frame)):
                return False, f"{name}: a write of the text changes the image"
            whole = sum(part.shape[0 if group.axes == "SBD" else 1] for part in _parts(output))
            told = text.shape[1] + frame.packed + group.registers + group.gap + frame.trailing
            if whole != told and frame.text_at is None:
                return False, f"{name} returns {whole} tokens, and the entry accounts for {told}"
        moved = self._text_reaches()
        return bool(counts) and moved, (
            f"{', '.join(map(str, sorted(counts))) or 'no'} text tokens (compare: what the text encoder gives)"
            + ("" if moved else "; a change of them does not reach the output")
        )

    def _text_reaches(self) -> bool:
        out, frame, seen = self.bare
        first = next((name for name, found in seen.items() if read(*found, frame, "text") is not None), None)
        moved = self.run(lambda g, o, f: write(g, o, f, read(g, o, f, "text") * -2, "text"), only=first)[0]
        return not torch.equal(out, moved)

    def place(self):
        out, frame, seen = self.bare
        place = frame.tokens // 2 + 1

        def bump(group, output, frame):
            tokens = read(group, output, frame).clone()
            tokens[-1, place] = tokens[-1, place] * -1 + torch.linspace(-1, 1, tokens.shape[-1]).to(tokens)
            return write(group, output, frame, tokens)

        moved = self.run(bump, only=list(seen)[-1])[0]
        where = _tokens_that_differ(out, moved, frame.grid)
        if where is None:
            return None, f"an output of shape {list(out.shape)} is not seen as a grid of {frame.grid}"
        found = where.nonzero().tolist()
        row, column = divmod(place, frame.grid[1])
        if found == [[len(where) - 1, row, column]]:
            return True, f"row {row}, column {column} of the last block is that patch of the output, and no other"
        return False, (
            f"a change of row {row}, column {column} in the last block changed {len(found)} patches of the output"
            + (f", the first in row {found[0][1]}, column {found[0][2]}" if found else "")
        )

    def residual(self):
        _, frame, seen = self.bare
        names, place = list(seen), frame.tokens - 2
        before = read(*seen[names[-1]], frame)
        for name in names[:-1]:
            after = self.run(lambda g, o, f: write(g, o, f, _pushed(read(g, o, f), place)), only=name)[2]
            change = (read(*after[names[-1]], frame) - before).abs().sum(-1)
            if divmod(int(change.argmax()), frame.tokens) != (len(change) - 1, place):
                return False, f"a push on token {place} of {name} is largest at another token of the last block"
        return True, f"a push on token {place} of any block is largest at that token of the last one"

    def reach(self):
        out, _, seen = self.bare
        for name in seen:
            moved = self.run(lambda g, o, f: write(g, o, f, read(g, o, f) * 2 + 1), only=name)[0]
            if torch.equal(out, moved):
                return False, f"an edit of {name} does not reach the output"
        if not torch.equal(out, self.run()[0]):
            return False, "two forwards of the same input differ, or an edit has left a trace"
        return True, "an edit of any block reaches the output and leaves no trace"

    def _one_trajectory(self):
        """All rows as samples: pipelines that double the batch need not tell whether they did."""
        return self.model.trajectory(self.bare[1].rows, 1)

    def identity(self):
        out = self.bare[0]
        with self._one_trajectory(), edit(self.model, lambda tokens, **labels: tokens):
            same = torch.equal(out, self.call(**self.arguments))
        return (
            same,
            "an edit that changes nothing changes no bit" if same else "an edit that changes nothing changes it",
        )

    def planted(self):
        _, frame, seen = self.bare
        middle = len(self.model.layers) // 2
        group, output = seen[self.model.layers[middle]]
        tokens = read(group, output, frame)
        channel, size = tokens.shape[-1] // 2, PLANTED * max(1.0, float(tokens.abs().max()))

        def plant(block, args, output):
            parts = [None if part is None else part.clone() for part in _parts(output)]
            for part in parts:
                if part is not None:
                    part[..., channel] += size
            return parts[0] if isinstance(output, torch.Tensor) else type(output)(parts)

        handle = self.model.transformer.get_submodule(self.model.layers[middle]).register_forward_hook(plant)
        try:
            with self._one_trajectory(), capture(self.model, stats := ChannelStats(), layers=middle):
                self.call(**self.arguments)
        finally:
            handle.remove()
        means = abs(stats.mean).mean(axis=(0, 1, 2))
        good = (
            int(means.argmax()) == channel and means[channel] > 0.5 * size and set(stats.count.flat) == {frame.tokens}
        )
        return bool(good), f"channel {channel} of {self.model.layers[middle]}, found as {means.argmax()}"

    def reads(self):
        """What follows a block that is pushed in the stream, or at all that reads it, differs by the push alone."""
        layout, (out, frame, seen) = self.model.layout, self.bare
        if not layout.last or not all(group.reads for group in layout.blocks if group.returns != "txt"):
            return None, "the entry does not say where the stream is read, so content and gain cannot be told apart"
        sites, names = reads_of(layout, self.model.transformer), self.model.layers
        for layer, name in enumerate(names):
            tokens = read(*seen[name], frame)
            push = _noise(tokens) * tokens.std()

            def pushed(tokens, push=push, **labels):
                return tokens + push.to(tokens)

            stream = self._behind(layer, *self.run(lambda g, o, f: write(g, o, f, pushed(read(g, o, f))), only=name))
            with self._one_trajectory(), edit(self.model, pushed, layers=layer, through="both"):
                reads = self._behind(layer, *self.run())
            rounding = 4 * torch.finfo(self.model.dtype).eps * _size(stream)
            if layer + 1 < len(names) and not any(site.read.ends and site.block == layer + 1 for site in sites):
                stream = stream - push.to(stream)
            response, wrong = _size(reads - self._behind(layer, *self.bare)), _size(stream - reads)
            if wrong > 0.02 * response + rounding:
                return False, f"a push of {name} in the stream, and one of all that reads it, do not do the same"
        for through in ("both", "content", "gain"):
            with self._one_trajectory(), edit(self.model, lambda tokens, **labels: tokens, through=through):
                if not torch.equal(out, self.call(**self.arguments)):
                    return False, f"an edit through {through!r} that changes nothing changes it"
        return True, f"{len(sites)} places read the picture's stream, and no other does"

    def _behind(self, layer: int, out, frame, seen) -> torch.Tensor:
        """What the block after a layer returned of the picture; behind the last one the output."""
        names = self.model.layers
        return out if layer + 1 == len(names) else read(*seen[names[layer + 1]], frame)


def _size(tokens: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tokens.float()))


def _parts(output) -> list:
    return [output] if isinstance(output, torch.Tensor) else list(output)


def _noise(tokens: torch.Tensor) -> torch.Tensor:
    return torch.randn(tokens.shape, generator=torch.Generator().manual_seed(0)).to(tokens)


def _pushed(tokens: torch.Tensor, place: int) -> torch.Tensor:
    tokens = tokens.clone()
    tokens[-1, place] += 1e4
    return tokens


def _tokens_that_differ(a: torch.Tensor, b: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor | None:
    """bool [B, h, w] of an output [B, N, C] or [B, C, H, W] (or with one frame), None for another form."""
    differs = a != b
    if differs.ndim == 5 and 1 in (differs.shape[1], differs.shape[2]):
        differs = differs[:, 0].movedim(-1, 1) if differs.shape[1] == 1 else differs[:, :, 0]
    if differs.ndim == 3 and differs.shape[1] == grid[0] * grid[1]:
        return differs.any(-1).unflatten(1, grid)
    if differs.ndim != 4 or differs.shape[2] % grid[0] or differs.shape[3] % grid[1]:
        return None
    down, across = differs.shape[2] // grid[0], differs.shape[3] // grid[1]
    return differs.any(1).unflatten(1, (grid[0], down)).unflatten(3, (grid[1], across)).any(4).any(2)
