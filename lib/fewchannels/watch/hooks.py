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

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch

from ..choices import chosen_layers, chosen_steps, listed
from ..layouts import PERTURBED, Labels, Residuals, blocks_of, read, refuse_silent_wrongs, write
from ..layouts.guards import refuse_replaced
from ..names import THROUGH
from ..wrapping import hooked
from .reads import Reads, chosen_sites

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
    model,
    function: Callable,
    layers=None,
    steps=None,
    branch: str = "both",
    stream: str = "image",
    through: str = "stream",
    into: str | Sequence[str] | None = None,
) -> Iterator[None]:
    """Replace tokens on their way from block to block: the one place where the library writes into a model.

    function(tokens [B, N, D], *, layer, step, samples, grid) gives new tokens of the same shape, or None to leave
    them as they are; its tokens are a copy that it may change. It is called once a guidance branch. branch: "cond",
    "uncond" or "both", which edits all rows of every pass, those of perturbed-attention and skip-layer guidance too;
    with one branch alone these are left as they are, and a warning says so. Other arguments and errors as for capture.

    through: "stream" writes into the stream, which all later blocks carry on. "both", "content" and "gain" leave the
    stream as it is and change what is read of the picture in it, from the block's output to the next block's. The
    function is then called at each read with what the norm is given; where it takes arguments of these names, also
    with `block` [B, N, D], the block's output, and `again`, whether this read called it before (twice where other
    edits have parted what is read from what sets the divisor). With x given to the norm and y what the function makes
    of it, the norm puts out that of y ("both"), y with the mean and the divisor of x ("content"), or x with those of y
    ("gain"): see watch.reads. into: which reads, None for all, or some of "attention", "cross" (the queries of
    cross-attention), "mlp", "skip" and "last" (behind the last block), as the model has them. The first block's own
    norms read the embedding and are left alone. Where a reader has no norm before it (cross-attention of PixArt and
    Sana, the end of AuraFlow) there is content, which "both" is too, and no gain. HunyuanDiT's second half reads a
    block's output once, at the norm of the long skip. Text tokens and reference images stay as they are.

    Raises ValueError for reads that the model does not have or cannot part, and where the layout does not say where its
    stream is read; RuntimeError where a norm does not run, and where its weight lies on another device.
    """
    _one_of("branch", branch, (*BRANCHES, "both"))
    refuse_unread(model, layers, stream, through, into)
    branches = None if branch == "both" else (branch,)
    with _attached(model, function, True, layers, steps, branches, stream, through, into):
        yield


def refuse_unread(model, layers=None, stream: str = "image", through: str = "stream", into=None) -> None:
    """Raise ValueError, as `edit` does, where a model's stream is not read in the way that is asked for."""
    _one_of("through", through, THROUGH)
    if through == "stream" and into is not None:
        raise ValueError(f"into={into!r} chooses among reads, and through='stream' is before all of them: leave it out")
    if through != "stream" and stream != "image":
        raise ValueError(f"through={through!r} edits what is read of the picture's tokens alone: pass stream='image'")
    if through != "stream":
        chosen_sites(model.layout, model.transformer, through, into, chosen_layers(model.layers, layers))


@contextmanager
def _attached(model, visit, writes, layers, steps, branches, stream, through="stream", into=None):
    _one_of("stream", stream, STREAMS)
    if stream == "text" and model.layout.text != "joint":
        raise ValueError(f"{model.layout.name} has no text tokens between its blocks (text: {model.layout.text})")
    labels = Labels(model)
    for transformer in labels.transformers:
        refuse_silent_wrongs(transformer)
    refuse_replaced(model)
    chosen = chosen_layers(model.layers, layers)
    residuals = Residuals(model, labels, writes and through == "stream")
    reads, steps = None if through == "stream" else Reads(labels, residuals, through), listed("steps", steps)
    watch = _Watch(labels, residuals, visit, writes, steps, branches, stream, layers is not None, reads)
    with ExitStack() as stack:
        for transformer in labels.transformers:
            stack.enter_context(hooked(transformer, watch.forward_begins, pre=True))
            stack.enter_context(residuals.attached(transformer))
            blocks = blocks_of(model.layout, transformer)
            if reads is not None:
                stack.enter_context(reads.attached(transformer, into, chosen))
            for index, (name, group, block) in enumerate(blocks):
                if index in chosen:
                    stack.enter_context(hooked(block, watch.of_block(index, name, group)))
                elif reads is not None:
                    stack.enter_context(hooked(block, watch.other_returned))
        stack.enter_context(labels.listening())
        yield labels
    watch.complain(model, chosen)


class _Watch:
    """The hooks of one context, and the record of what fired that its closing complaint needs."""

    def __init__(self, labels, residuals, visit, writes, steps, branches, stream, named, reads):
        self.labels, self.residuals, self.visit, self.writes = labels, residuals, visit, writes
        self.steps, self.branches, self.stream, self.named = steps, branches, stream, named
        self.reads: Reads | None = reads
        self.takes = [name for name in ("block", "again") if reads is not None and _takes(visit, name)]
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
        if self.reads is not None:
            self.reads.drop()
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
            if self.reads is not None:
                self.reads.drop()
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
            if self.reads is not None:
                change = functools.partial(self._changed, wanted=wanted, told=told, block=tokens)
                self.reads.hold(tokens.shape[-1], change)
                return None
            new = self._changed(tokens, wanted=wanted, told=told)
            return None if new is None else write(group, output, labels.frame, new, self.stream)

        return block_returned

    def other_returned(self, block, args, output):
        """A block that was not chosen ran: the one before it has been read."""
        if not self.residuals.elsewhere:
            self.reads.drop()

    def _changed(self, tokens, again=False, *, wanted, told, block=None) -> torch.Tensor | None:
        """Tokens [B, N, D] as the visitor changes the wanted branches; None where it leaves all as they are."""
        labels = self.labels
        new = {}
        for branch in wanted:
            rows = labels.rows[branch]
            at_read = {} if block is None else {"block": block[rows], "again": again}
            more = {name: at_read[name] for name in self.takes}
            new[branch] = self.visit(tokens[rows].clone(), **told, **more)
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
        return torch.cat(parts) if len(parts) > 1 else parts[0]

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
        if self.reads is not None:
            self.reads.complain()


def _takes(function: Callable, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def _one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: expected {' or '.join(map(repr, allowed))}")


def _shape(part) -> str:
    return f"shape {tuple(part.shape)}" if isinstance(part, torch.Tensor) else type(part).__name__
