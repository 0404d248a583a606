"""Edits of what is read of the picture's stream, at the norms that read it; the stream itself stays as it is.

    with fc.edit(model, function, through="content"): ...

A channel that holds much of a token's energy is read, and it sets the divisor of the norm by which all others are read.
With x into a norm, y = x as the edit changes it, mean and deviation over channels, what the norm puts out is

    "both"       (y - mean(y)) / sd(y)
    "content"    (y - mean(x)) / sd(x)      the channels changed, mean and divisor held
    "gain"       (x - mean(y)) / sd(y)      mean and divisor as if they were changed, the channels left

and the same without the mean for an RMSNorm. So each read has values and sizes, which are one until an edit parts them:
the norm itself runs on the sizes, and where values differ from them (`normed`) its output is made anew. Contexts nest:
each edits the values, the sizes, or both, in the order of entry.

What the same norm feeds beside attention and MLP goes along: the routers of Nucleus and HiDream. OmniGen's two norms
behind the last block are one read. Much of a change of gain is undone where a model norms again what a branch adds
(Z-Image, Lumina 2, Ideogram 4), or queries and keys: smaller effects there are the model's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from weakref import WeakKeyDictionary

import torch

from ..layouts import Site, blocks_of, normed, reads_of
from ..wrapping import hooked


class Reads:
    """The edits of one context. through: one of names.THROUGH but "stream".

    A block's output is held until the next block's: what reads the stream in between sees it changed.
    """

    def __init__(self, labels, residuals, through: str):
        self.labels, self.residuals, self.through = labels, residuals, through
        self._wanted: set[str] = set()
        self._due: set[str] = set()
        self._held: tuple[int, Callable] | None = None
        self._read: set[str] = set()

    @contextmanager
    def attached(self, transformer, into, layers: frozenset[int]) -> Iterator[None]:
        """Hooks on all sites of a transformer. layers: those that are edited."""
        sites = reads_of(self.labels.layout, transformer)
        chosen = chosen_sites(self.labels.layout, transformer, self.through, into, layers)
        ends = {site.block for site in sites if site.read.ends}
        self._wanted.update(site.name for site in chosen)
        for site in chosen:
            others = site.after or "*" in site.read.path or (site.block in ends and not site.read.ends)
            if _layer(site, len(self.labels.model.layers)) in layers and not others:
                self._due.add(site.name)
        with ExitStack() as stack:
            for site in sites:
                stack.enter_context(_shared(site, self))
            yield

    def hold(self, width: int, change: Callable) -> None:
        """From now on reads see change(tokens [B, N, width], again), new tokens or None."""
        self._held = width, change

    def drop(self) -> None:
        """Nothing is held: another block has run, or none yet, or the stream goes on as another."""
        self._held = None

    def changed(self, site: Site, values: torch.Tensor, sizes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and sizes [B, N, D] of a read as this context changes them; the same objects where it does not."""
        if self._held is None or site.name not in self._wanted:
            return values, sizes
        self._read.add(site.name)
        together = values is sizes and self.through == "both"
        if self.through != "gain":
            values = self._new(values)
        if together:
            sizes = values
        elif self.through != "content" and site.read.norm:
            sizes = self._new(sizes, again=self.through == "both")
        return values, sizes

    def _new(self, tokens: torch.Tensor, again: bool = False) -> torch.Tensor:
        width, change = self._held
        new = change(tokens[..., :width], again)
        if new is None:
            return tokens
        return new if tokens.shape[-1] == width else torch.cat([new, tokens[..., width:]], dim=-1)

    def complain(self) -> None:
        """Raise RuntimeError where nothing was read, or a norm never was that should have been."""
        if not self._read:
            raise RuntimeError(
                "nothing that was edited was read: into= names reads that do not follow the blocks of layers= (the "
                "last block is read by 'last' alone, and the first block's own norms read the embedding)"
            )
        if missing := sorted(self._due - self._read):
            raise RuntimeError(
                f"the model ran, but {missing[0]} did not, so what it reads could not be edited: the block may run on "
                f"fused kernels. Load the model without them, or pass through='stream'"
            )


class _Shared:
    """What all contexts that are open at a site share: their edits in the order of entry, and the read that runs."""

    def __init__(self, site: Site):
        self.site, self.edits = site, []
        self.state: tuple[torch.Tensor, torch.Tensor] | None = None
        self.left: tuple[torch.Tensor, torch.Tensor] | None = None  # for the norm behind, with which it is one read
        self._ran = None

    def begins(self, reads: Reads, args, kwargs):
        """The norm is given the sizes; a reader without a norm the values."""
        self.state = self.left = None
        site, frame = self.site, reads.labels.frame
        if reads.residuals.elsewhere or frame is None:
            return None
        if not args or not isinstance(args[0], torch.Tensor):
            raise RuntimeError(f"{site.name} was called without tokens in the first place, so they cannot be edited")
        if site.after is not None:
            self.state = _open[site.after.module].left
            if self.state is None:
                return None
            return (site.written(args[0], frame, self.state[1]), *args[1:]), kwargs
        if self._again(reads.labels):
            return None
        tokens = values = sizes = site.tokens(args[0], frame)
        for edit in self.edits:
            values, sizes = edit.changed(site, values, sizes)
            if site.read.ends:
                edit.drop()
        if values is not sizes and site.read.norm:
            self.state = values, sizes
        given = sizes if site.read.norm else values
        return None if given is tokens else ((site.written(args[0], frame, given), *args[1:]), kwargs)

    def _again(self, labels) -> bool:
        """Whether it ran in this forward already: then on the text, or it is refused."""
        ran, self._ran = self._ran, (labels, labels.forwards)
        if ran is None or ran[0] is not labels or ran[1] != labels.forwards:
            return False
        if self.site.read.twice:
            return True
        raise RuntimeError(
            f"{self.site.name} ran twice in one forward, so it is not known when it reads the picture: leave gradient "
            f"checkpointing off, or pass through='stream'"
        )

    def ends(self, reads: Reads, output: torch.Tensor):
        """What was put out of the sizes is so of the values where they are the same, and is made anew elsewhere."""
        if self.state is None:
            return None
        values, sizes = self.state
        frame = reads.labels.frame
        out = self.site.tokens(output, frame)
        new = torch.where(values == sizes, out, normed(self.site.module, values, sizes).to(out.dtype))
        self.state, self.left = None, (new, out)
        return self.site.written(output, frame, new)


_open: WeakKeyDictionary[torch.nn.Module, _Shared] = WeakKeyDictionary()


@contextmanager
def _shared(site: Site, reads: Reads) -> Iterator[None]:
    """While open, a context's edits are among those of a site; the hooks of the first one work for all."""
    if site.module not in _open:
        _open[site.module] = _Shared(site)
    shared = _open[site.module]

    def begins(module, args, kwargs):
        return shared.begins(reads, args, kwargs) if shared.edits[0] is reads else None

    def ends(module, args, output):
        return shared.ends(reads, output) if shared.edits[0] is reads else None

    with hooked(site.module, begins, pre=True), hooked(site.module, ends):
        shared.edits.append(reads)
        try:
            yield
        finally:
            shared.edits.remove(reads)
            if not shared.edits:
                del _open[site.module]


def chosen_sites(layout, transformer, through: str, into, layers: frozenset[int]) -> list[Site]:
    """The sites that `into` chooses. Raises ValueError for a reader that the model does not have, for one of several
    that have one norm together, behind a layer that is edited, for gain where no norm is, and as reads_of does."""
    sites = reads_of(layout, transformer)
    known = list(dict.fromkeys(reader for site in sites for reader in site.readers))
    asked = known if into is None else [into] if isinstance(into, str) else list(into)
    if not asked or not set(asked) <= set(known):
        raise ValueError(
            f"into={into!r}: the stream of {layout.name} is read for {', '.join(known)}; expected some of these, or "
            f"None for all"
        )
    count = len(blocks_of(layout, transformer))
    chosen = []
    for site in sites:
        own = set(site.readers) & set(asked)
        if own and len(own) < len(site.readers) and _layer(site, count) in layers:
            raise ValueError(
                f"into={into!r}: {site.name} is one norm for {' and '.join(site.readers)}, which cannot be parted: ask "
                f"for all of them, or leave block {_layer(site, count)} out of layers"
            )
        if len(own) == len(site.readers):
            chosen.append(site)
    if through == "gain" and not any(site.read.norm for site in chosen):
        raise ValueError(
            f"through='gain', into={into!r}: {layout.name} has no norm at these reads, so there is no gain: pass "
            f"through='content', or other reads"
        )
    return chosen


def _layer(site: Site, count: int) -> int:
    """The block, of `count`, whose output a site reads; -1 for the embedding."""
    return (count if site.block is None else site.block) - 1
