"""Chapter 2: a hook that sets channels to zero; shares of energy and width; the dearest block."""

from __future__ import annotations

import functools

import numpy as np

from .. import plots
from ..channels import ChannelSet, complement, top_channels
from ..edits.ablation import ablate
from ..watch.hooks import capture, edit
from ..watch.statistics import ChannelStats
from .asked import Built, Choice, Number, Unread, extreme, prompts_of, quoted
from .hooked import STEPS, drawing, no_hook_left, returned

CLOSE = 0.5  # of 255, mean over a picture: the same edit, computed in another order


class Ablation(Built):
    """Pictures with channels at zero at all image tokens, after every block, in every step and both guidance passes."""

    name = "ch2.ablation"
    signature = "zero(dit, channels, generate)"

    def wrongs(self):
        return {
            "nothing": lambda: self._drawn(),
            "text too": lambda: self._drawn({}, {"stream": "text"}) if self._text else None,
            "text alone": lambda: self._drawn({"stream": "text"}) if self._text else None,
            "unconditional": lambda: self._drawn({"branch": "uncond"}) if self.dit.is_toy else None,
            "conditional": lambda: self._drawn({"branch": "cond"}) if self.dit.is_toy else None,
            "tokens": lambda: self._tokens_gone(),
            "all others": lambda: self._drawn({"channels": complement(self.channels)}),
            "last block's": lambda: self._drawn({"channels": self._rows([self.channels[-1]] * len(self.channels))}),
            "block late": lambda: self._drawn({"channels": self._rows([*self.channels][-1:] + [*self.channels][:-1])}),
            "one block": lambda: self._drawn({"layers": [-1]}) if len(self.channels) > 1 else None,
            "first step left": lambda: self._drawn({"steps": slice(1, None)}),
        }

    def __init__(self, dit, variant=0):
        super().__init__(variant)
        self.dit = dit
        self.prompts = prompts_of(dit, 2, self.rng)
        self.calibration = prompts_of(dit, 4, self.rng, among=16, split="calibration")
        self.k = int(self.rng.integers(4, 11))

    def question(self):
        return (
            f"Write `{self.signature}`. `channels[b]` are the {self.k} largest channels of block b. Set them to zero "
            "at all image tokens, after every block, in every step, in both guidance passes; draw by `generate()`; "
            f"take your hooks away; return the pictures. {returned(self.dit, 0)}\n\n{quoted(self.prompts)}"
        )

    @functools.cached_property
    def channels(self) -> ChannelSet:
        """The largest of each block, on other prompts."""
        with capture(self.dit, stats := ChannelStats()):
            self.dit.generate(self.calibration, seed=1, steps=STEPS)
        return top_channels(stats, self.k)

    @property
    def _text(self):
        return self.dit.layout.text == "joint"

    def _rows(self, rows):
        return ChannelSet(tuple(rows), self.channels.width)

    def _drawn(self, *edits):
        """The pictures under these edits, each a change of the right one's arguments."""
        draw = drawing(self.dit, self.prompts)
        if not edits:
            return draw()
        own = dict(edits[0])
        if own.get("stream") == "text":  # the last block returns none
            own["layers"] = list(range(len(self.channels) - 1))
        with ablate(self.dit, own.pop("channels", self.channels), how="zero", **own):
            return self._drawn(*edits[1:]) if len(edits) > 1 else draw()

    def _tokens_gone(self):
        def gone(tokens, *, layer, step, samples, grid):
            tokens[:, [c for c in self.channels[layer] if c < tokens.shape[1]]] = 0
            return tokens

        with edit(self.dit, gone):
            return drawing(self.dit, self.prompts)()

    def right(self):
        return self._drawn({})

    def use(self, function):
        channels = self.channels
        with no_hook_left(self.dit):
            given = function(self.dit, channels, drawing(self.dit, self.prompts))
        if given is None:
            raise Unread("Your function returned nothing: return what `generate()` gives.")
        given = np.asarray(given)
        if given.shape != self.expected.shape:
            raise Unread(f"Return the pictures that `generate()` gives, {list(self.expected.shape)}.")
        return given

    def agrees(self, obtained, expected):
        return float(np.abs(obtained.astype(np.float64) - expected).mean()) <= CLOSE

    def unlike(self, obtained):
        same = self._drawn()
        moved, wanted = (float(((one / 255 - same / 255) ** 2).mean()) for one in (obtained, self.expected))
        how = "less" if moved < wanted else "more"
        return (
            f"Your edit changes the pictures {how} than it should (mean square {moved:.3f}, expected {wanted:.3f}), "
            "and in a way that is none of the mistakes known here."
        )

    def draw(self, obtained):
        rows = {"untouched": self._drawn(), "expected": self.expected, "yours": obtained.astype(np.uint8)}
        return plots.images_rows(rows), "The pictures untouched, as expected, and as you have them."


class Proportion(Number):
    """A set's share of the energy over its share of the width."""

    name = "ch2.proportion"
    within = 0.03

    def wrongs(self):
        return {
            "upside down": lambda: self.share["width"] / self.share["energy"],
            "energy alone": lambda: self.share["energy"],
            "a channel": lambda: self.share["energy"] / self.share["count"],
            "difference": lambda: self.share["energy"] - self.share["width"],
            "another k": lambda: self._of_another("energy") / self._of_another("width") if self.others else None,
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        sizes = sorted({key[1] for key in found.shares if key[0] == "top"})
        self.kind, self.k = "top", int(found.base.k if not self.variant else self.rng.choice(sizes))
        self.share = found.shares[self.kind, self.k, 0]
        self.others = [found.shares["top", size, 0] for size in sizes if size != self.k]

    def _of_another(self, part):
        return self.others[0][part]

    def question(self):
        return (
            f"How many times larger is the share of the energy of the {self.kind} {self.k} channels (mean over "
            "blocks) than their share of the width? (To within 3 per cent. `task.kind`, `task.k`.)"
        )

    def right(self):
        return self.share["energy"] / self.share["width"]


class Dearest(Choice):
    """The block in which a set at zero, alone, changes the picture most."""

    name = "ch2.dearest"
    label = "change"

    def wrongs(self):
        return {
            "from one": lambda: self.expected + 1,
            "least": lambda: extreme(self.known, "least"),
            "another set": lambda: extreme(self._by_block(self.other)),
        }

    def __init__(self, found, variant=0):
        super().__init__(variant)
        self.found = found
        self.kind = "top" if self.variant % 2 == 0 else "random"
        self.other = "random" if self.kind == "top" else "top"

    def question(self):
        of = "the top channels" if self.kind == "top" else "the random channels (the first draw)"
        return f"In which block, alone, does setting {of} to zero change the picture most? (`task.kind`, in `found`.)"

    def _by_block(self, kind):
        blocks = sorted({c.blocks[0] for c in self.found.cells if c.blocks and len(c.blocks) == 1 and not c.steps})
        own = {block: {"channels": kind, "blocks": (block,), "draw": 0} for block in blocks}
        return {block: self.found.mean("change", **one).value for block, one in own.items() if self.found.has(**one)}

    def values(self):
        return self._by_block(self.kind)


CHECKED = (Ablation, Proportion, Dearest)
