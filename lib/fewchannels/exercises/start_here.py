"""Chapter 0: a hook that reads the tokens; how many channels it takes; where a channel is largest."""

from __future__ import annotations

import functools
from contextlib import ExitStack

import numpy as np

from .. import plots
from ..channels import bottom_channels, channel_scores, top_channels
from ..edits.ablation import ablate
from ..watch.hooks import capture
from ..watch.tokens import KeepTokens
from .asked import Built, Choice, Number, as_array, prompts_of, quoted
from .hooked import STEPS, drawing, no_hook_left, returned


class Hook(Built):
    """The tokens of the image, of one block and step, of the prompts' own pass: [prompts, tokens, channels]."""

    name = "ch0.hook"
    signature = "read_tokens(dit, block, step, generate)"

    def wrongs(self):
        return {
            "text tokens": lambda: self._at("text"),
            "text and image": lambda: (
                None if self._at("text") is None else np.concatenate([self._at("text"), self._at("cond")], 1)
            ),
            "unconditional": lambda: self._at("uncond"),
            "both passes": lambda: (
                None if self._at("uncond") is None else np.concatenate([self._at("uncond"), self._at("cond")])
            ),
            "step late": lambda: self._at(step=1),
            "step early": lambda: self._at(step=-1),
            "last step": lambda: self._at(step=STEPS - 1 - self.step),
            "block late": lambda: self._at(block=1),
            "block early": lambda: self._at(block=-1),
            "averaged": lambda: self._at("cond").mean(axis=1),
        }

    def __init__(self, dit, variant=0):
        super().__init__(variant)
        self.dit = dit
        self.prompts = prompts_of(dit, 2, self.rng)
        self.block = int(self.rng.integers(1, max(2, len(dit.layers) - 1)))
        self.step = int(self.rng.integers(1, STEPS - 2))

    def question(self):
        return (
            f"Write `{self.signature}`. It hangs a forward hook on block {self.block} of `dit.transformer`, calls "
            f"`generate()`, which draws {len(self.prompts)} prompts in {STEPS} steps, takes the hook away, and "
            f"returns the image tokens of step {self.step} (both counted from 0) for the prompts: "
            f"[{len(self.prompts)}, tokens, channels]. {returned(self.dit, self.block)}\n\n{quoted(self.prompts)}"
        )

    def right(self):
        return self._at("cond")

    def _at(self, what="cond", block=0, step=0):
        """What the library reads: "cond", "uncond" or "text", so many blocks and steps away; None for none."""
        block, step = self.block + block, self.step + step
        array = self._seen.get(what)
        if array is None or not (0 <= block < array.shape[1] and 0 <= step < array.shape[2]):
            return None
        return array[:, block, step].astype(np.float64)

    @functools.cached_property
    def _seen(self):
        asked = {"cond": {}}
        if self.dit.is_toy:
            asked["uncond"] = {"branch": "uncond"}
        if self.dit.layout.text == "joint":
            asked["text"] = {"stream": "text"}
        kept = {name: KeepTokens(dtype="float32") for name in asked}
        with ExitStack() as stack:
            for name, how in asked.items():
                stack.enter_context(capture(self.dit, kept[name], **how))
            drawing(self.dit, self.prompts)()
        return {name: sink.array for name, sink in kept.items()}

    def use(self, function):
        with no_hook_left(self.dit):
            given = function(self.dit, self.block, self.step, drawing(self.dit, self.prompts))
        return as_array(given, "a tensor [prompts, tokens, channels]")

    def agrees(self, obtained, expected):
        return obtained.shape == expected.shape and np.allclose(obtained, expected, rtol=1e-3, atol=1e-3)

    def unlike(self, obtained):
        if obtained.shape != self.expected.shape:
            return (
                f"The shape is {list(obtained.shape)}, and [prompts, tokens, channels] is {list(self.expected.shape)}."
            )
        off = float((~np.isclose(obtained, self.expected, rtol=1e-3, atol=1e-3)).mean())
        return f"The shape is right, and {off:.0%} of the values are not."

    def draw(self, obtained):
        axes = ("channel",) if obtained.ndim < 2 else ("token", "channel")
        figure = plots.expected_obtained(self.expected, obtained, axes)
        return figure, "Tokens by channels of the first prompt, as expected and as you have them."


class HowMany(Number):
    """The smallest of a few counts that changes a picture by more than a threshold."""

    name = "ch0.how_many"
    within = 0.0
    COUNTS = (1, 2, 4, 8, 16)

    def wrongs(self):
        return {
            "smallest channels": lambda: self._first("bottom"),
            "not squared": lambda: self._first("absolute"),
            "bytes": lambda: self._first("bytes"),
        }

    def __init__(self, dit, calibration, variant=0):
        super().__init__(variant)
        self.dit, self.calibration, self.steps = dit, calibration, 4
        self.prompt = prompts_of(dit, 1, self.rng)[0]
        self.threshold = float(self.rng.choice([0.03, 0.045, 0.06, 0.09]))
        self._moved: dict[tuple[str, int], np.ndarray] = {}

    def question(self):
        return (
            "Set the largest 1, 2, 4, 8, 16 channels of each block to zero, by `calibration`. What is the smallest "
            f"of these counts that changes the picture of *{self.prompt}* (`task.prompt`, seed 0, {self.steps} "
            f"steps) by a mean square of more than {self.threshold}, of values from 0 to 1? Where none does, answer "
            "0."
        )

    def right(self):
        return self._first("top")

    @functools.cached_property
    def _untouched(self):
        return self._draw()

    def _draw(self):
        return self.dit.generate([self.prompt], seed=0, steps=self.steps).astype(np.float64)

    def _changed(self, kind, few):
        if (kind, few) not in self._moved:
            chosen = (bottom_channels if kind == "bottom" else top_channels)(self.calibration, k=few)
            before = self._untouched
            with ablate(self.dit, chosen, how="zero"):
                self._moved[kind, few] = self._draw() - before
        return self._moved[kind, few]

    def _first(self, way):
        for few in self.COUNTS:
            moved = self._changed("bottom" if way == "bottom" else "top", few)
            size = (
                np.abs(moved / 255).mean()
                if way == "absolute"
                else (moved**2).mean() / (1 if way == "bytes" else 255**2)
            )
            if size > self.threshold:
                return float(few)
        return 0.0


class Where(Choice):
    """The block in which a channel has its largest score."""

    name = "ch0.where"
    label = "score"

    def wrongs(self):
        return {
            "wrong axis": lambda: int(self._scores.mean(axis=(0, 1)).argmax()),
            "from one": lambda: int(self.expected) + 1,
            "signed": lambda: int(self._signed.mean(axis=(0, 2)).argmax()),
            "least": lambda: int(self._scores.mean(axis=(0, 2)).argmin()),
        }

    def __init__(self, stats, variant=0):
        super().__init__(variant)
        self.stats = stats
        scores = channel_scores(stats).mean(axis=(0, 1, 2))
        self.channel = int(np.argsort(-scores, kind="stable")[self.variant % min(8, len(scores))])

    def question(self):
        return (
            f"In which block, counted from 0, does channel {self.channel} (`task.channel`) have its largest score, "
            "averaged over prompts and steps? Ask `stats`."
        )

    @functools.cached_property
    def _scores(self):
        return np.asarray(channel_scores(self.stats)[..., self.channel], np.float64)

    @functools.cached_property
    def _signed(self):
        return np.asarray(self.stats.mean[..., self.channel], np.float64)

    def values(self):
        return {block: value for block, value in enumerate(self._scores.mean(axis=(0, 2)))}


CHECKED = (Hook, HowMany, Where)
