"""Watch or change the tokens of a model while it generates; everything is put back when the `with` block ends.

    with fc.capture(model, stats := fc.ChannelStats(), steps=slice(0, 8)):
        model.generate(prompts, seed=0)
    with fc.edit(model, lambda tokens, **labels: tokens * 0.5, layers=[3]):
        model.generate(prompts, seed=0)

Contexts nest in either order, and their hooks run in the order of entry: a capture that is entered inside an edit
sees the edited tokens, one that is entered outside (before) it sees what the block itself returned. Nothing is kept
here: sinks get views. The `with` form follows baukit's Trace.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from ..choices import chosen_layers, chosen_steps, listed
from ..layouts import PERTURBED, Labels, Residuals, blocks_of, read, refuse_silent_wrongs, write
from ..layouts.guards import refuse_replaced
from ..wrapping import hooked

STREAMS = ("image", "text")
BRANCHES = ("cond", "uncond")


@contextmanager
def capture(model, *sinks, layers=None, steps=None, branch: str = "cond", stream: str = "image") -> Iterator:
    """Hand the tokens of each chosen block and step to sinks while the context is open.

    A sink has `add(tokens, *, layer, step, samples, grid)`: tokens [B, N, D] is a view that it must neither keep nor
    change, layer the depth index into `model.layers`, step the index within the trajectory, samples the B sample
    numbers (they count on over several generate() calls inside one context), grid (height, width) in tokens. Where a
    sink has `start(layers, grid)` it is called once, before its first add, with all of `model.layers`; where it has
    `trajectory(steps)`, before the first add of each trajectory, with its number of steps, None where nothing tells.

    layers, steps: None for all, a whole number, a slice, a list of these, or a mask with a truth value of each;
    negative numbers count from the end, and steps are those that run (image-to-image begins late in its schedule). A
    layer may also be named, as in "transformer_blocks.3". branch: "cond" or "uncond". stream: "image" or "text" (text
    with its padding; a last block that returns no text is left out unless it is asked for). A context that is opened
    between two steps of a generation begins with the step that comes next.

    Yields the sink, or a tuple of several. Raises at the start for an unknown layer, an active cache, no sink or a
    model that is at work in another thread, and at the end where something asked for never ran.
    """
    if not sinks:
        raise ValueError("capture got no sink: pass at least one, such as fc.ChannelStats()")
    for sink in sinks:
        if not callable(getattr(sink, "add", None)):
            raise TypeError(f"{sink!r} is no sink: it has no method add(tokens, *, layer, step, samples, grid)")
    _one_of("branch", branch, BRANCHES)
    begun = 0

    def look(tokens, *, layer, step, samples, grid):
        nonlocal begun
        if labels.trajectories != begun:
            for sink in sinks:
                if not begun and hasattr(sink, "start"):
                    sink.start(model.layers, grid)
                if hasattr(sink, "trajectory"):
                    sink.trajectory(labels.total)
            begun = labels.trajectories
        for sink in sinks:
            sink.add(tokens, layer=layer, step=step, samples=samples, grid=grid)

    with _attached(model, look, False, layers, steps, (branch,), stream) as labels:
        yield sinks[0] if len(sinks) == 1 else sinks


@contextmanager
def edit(
    model, function: Callable, layers=None, steps=None, branch: str = "both", stream: str = "image"
) -> Iterator[None]:
    """Replace tokens on their way from block to block: the one place where the library writes into a model.

    function(tokens [B, N, D], *, layer, step, samples, grid) gives new tokens of the same shape, or None to leave
    them as they are; its tokens are a copy that it may change. It is called once a guidance branch. branch: "cond",
    "uncond" or "both", which edits all rows of every pass, those of perturbed-attention and skip-layer guidance too;
    with one branch alone these are left as they are, and a warning says so. Other arguments and errors as for capture.
    """
    _one_of("branch", branch, (*BRANCHES, "both"))
    with _attached(model, function, True, layers, steps, None if branch == "both" else (branch,), stream):
        yield


@contextmanager
def _attached(model, visit, writes, layers, steps, branches, stream):
    _one_of("stream", stream, STREAMS)
    if stream == "text" and model.layout.text != "joint":
        raise ValueError(f"{model.layout.name} has no text tokens between its blocks (text: {model.layout.text})")
    labels = Labels(model)
    for transformer in labels.transformers:
        refuse_silent_wrongs(transformer)
    refuse_replaced(model)
    chosen = chosen_layers(model.layers, layers)
    residuals, steps = Residuals(model, labels, writes), listed("steps", steps)
    watch = _Watch(labels, residuals, visit, writes, steps, branches, stream, named=layers is not None)
    with ExitStack() as stack:
        for transformer in labels.transformers:
            stack.enter_context(hooked(transformer, watch.forward_begins, pre=True))
            stack.enter_context(residuals.attached(transformer))
            for index, (name, group, block) in enumerate(blocks_of(model.layout, transformer)):
                if index in chosen:
                    stack.enter_context(hooked(block, watch.of_block(index, name, group)))
        stack.enter_context(labels.listening())
        yield labels
    watch.complain(model, chosen)


class _Watch:
    """The hooks of one context, and the record of what fired that its closing complaint needs."""

    def __init__(self, labels, residuals, visit, writes, steps, branches, stream, named):
        self.labels, self.residuals, self.visit, self.writes = labels, residuals, visit, writes
        self.steps, self.branches, self.stream, self.named = steps, branches, stream, named
        self.chosen: frozenset[int] | None = None
        self.fired: dict[int, int] = {}
        self.seen_steps: set[int] = set()
        self.seen_branches: set[str] = set()
        self.visits = 0

    def forward_begins(self, transformer, args, kwargs):
        labels = self.labels
        trajectories = labels.trajectories
        refuse_silent_wrongs(transformer)  # they may be turned on while the context is open
        labels.forward_begins(transformer, args, kwargs)
        if labels.trajectories != trajectories:
            self.chosen = chosen_steps(self.steps, labels.total, run=labels.model.run)
        self.seen_steps.add(labels.step)
        self.seen_branches.update(labels.rows)

    def of_block(self, index, name, group):
        def block_returned(block, args, output):
            labels = self.labels
            if self.residuals.elsewhere:
                return None
            if self.fired.get(index) == labels.forwards:
                raise RuntimeError(
                    f"{name} ran twice in one forward (or outside the transformer's own forward), so its tokens cannot "
                    f"be labelled. Call the transformer itself, and leave gradient checkpointing off"
                )
            self.fired[index] = labels.forwards
            if self.chosen is not None and labels.step not in self.chosen:
                return None
            wanted = [branch for branch in labels.rows if self.branches is None or branch in self.branches]
            if not wanted:
                return None
            tokens = read(group, output, labels.frame, self.stream)
            if tokens is None:
                if self.named:
                    raise ValueError(f"{name} returns no {self.stream} tokens: leave it out of layers")
                return None
            self.visits += 1
            told = {"layer": index, "step": labels.step, "samples": labels.samples, "grid": labels.frame.grid}
            if not self.writes:
                rows = labels.rows[wanted[0]]
                self.visit(tokens if len(labels.rows) == 1 else tokens[rows], **told)
                return None
            return self._written(group, output, tokens, wanted, told)

        return block_returned

    def _written(self, group, output, tokens, wanted, told):
        labels = self.labels
        new = {branch: self.visit(tokens[labels.rows[branch]].clone(), **told) for branch in wanted}
        if all(part is None for part in new.values()):
            return None
        parts = []
        for branch, rows in labels.rows.items():
            old, part = tokens[rows], new.get(branch)
            if part is not None and (not isinstance(part, torch.Tensor) or part.shape != old.shape):
                raise ValueError(
                    f"the edit of layer {told['layer']} returned {_shape(part)}; expected a tensor of shape "
                    f"{tuple(old.shape)}, as it was given, or None"
                )
            parts.append(old if part is None else part.to(device=old.device, dtype=old.dtype))
        return write(group, output, labels.frame, torch.cat(parts) if len(parts) > 1 else parts[0], self.stream)

    def complain(self, model, chosen):
        """Raise RuntimeError where what was asked for never ran."""
        if not self.labels.forwards:
            raise RuntimeError(
                "the model never ran inside the context: call model.generate(...) inside the `with` block, and on "
                "the model that was given to it"
            )
        asked = {item for item in self.steps or () if isinstance(item, int) and item >= 0}
        if unseen := sorted(asked - self.seen_steps):
            first, last = min(self.seen_steps), max(self.seen_steps)
            ran = f"those that ran were {first} to {last}" if first else f"the trajectory had {last + 1} steps, from 0"
            raise RuntimeError(f"steps {unseen} never ran: {ran}")
        if self.branches is not None and self.seen_branches.isdisjoint(self.branches):
            seen = ", ".join(sorted(self.seen_branches)) or "none"
            raise RuntimeError(
                f"no pass of branch {self.branches[0]!r} ran (seen: {seen}): "
                f"the unconditional branch runs only with guidance on, such as guidance_scale=4"
            )
        if self.writes and self.branches is not None and PERTURBED in self.seen_branches:
            warnings.warn(
                f"the edit of branch {self.branches[0]!r} left the rows of perturbed-attention or skip-layer guidance "
                f"as they were, and guidance multiplies the difference: edit, ablate and inject with branch='both' "
                f"take these too",
                stacklevel=5,
            )
        silent = [model.layers[index] for index in sorted(chosen) if index not in self.fired]
        if silent:
            raise RuntimeError(
                f"the model ran, but no hook fired on {', '.join(silent)}: the blocks may be compiled, fused or "
                f"skipped. Load the model again without compile() and without layer skipping"
            )
        if not self.visits:
            raise RuntimeError(f"no {self.stream} tokens were seen: steps={self.steps!r} chose no step that ran")


def _one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: expected {' or '.join(map(repr, allowed))}")


def _shape(part) -> str:
    return f"shape {tuple(part.shape)}" if isinstance(part, torch.Tensor) else type(part).__name__
