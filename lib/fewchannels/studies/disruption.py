"""Disruptions of one model: which channels are edited, how, in which blocks and steps, and how much of the signal
that is.

    bench = Bench(case, calibrate(model))
    cells = sweep(bench.cells([Probe(), Probe(kind="bottom"), Probe("shuffle", "random 1", k=4)]))
    cells["zero top 8"]["change"]                          # [n]
    bench.shares(Probe())                                  # {"count": 8.0, "width": 0.042, "energy": 0.31}

The channel sets are frozen on calibration prompts. What mean and resample put in their place comes from calibration
prompts as well, so that no prompt sees anything of its own run in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..ablation import ablate
from ..channels import ChannelSet, channel_scores, energy_matched_channels, rank_channels, top_channels
from ..identity import digest
from ..measuring import measure_channels
from ..natural_prompts import natural_prompts
from ..prompts import toyworld_prompts
from ..trajectories import Trajectory, record
from .cases import DRAWS, MOST_BYTES, Calibration, Case, control_sets

OTHERS = 16  # calibration prompts whose tokens `resample` puts in
FEW_OTHERS = 4  # where they are recorded for each probe anew
MATCHES = 3  # draws of energy-matched sets
OWN_TOP = "top of each prompt"  # ranked anew for every prompt, as the paper's masks are
OTHER_SCORE = "top by mean of |x|"
SIZED = ("noise", "shift")  # as large as the top channels are, on channels that are not


@dataclass(frozen=True)
class Probe:
    """One condition. how: an edit of `ablate`; kind: a set of `Bench.sets`; k: how many channels the top set has.

    layers, steps: int tuples, None for all, and `where` their words. strength: share of the way to the edit.
    """

    how: str = "zero"
    kind: str = "top"
    k: int = 8
    layers: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None
    where: str = ""
    stream: str = "image"
    strength: float = 1.0

    @property
    def name(self) -> str:
        """What the condition is called, such as "zero top 8" or "zero random 1 of 8 in block 3"."""
        count = f" of {self.k}" if self.kind[-1].isdigit() else f" {self.k}"
        parts = [
            f"{self.how} {self.kind}{count}",
            self.where,
            "" if self.strength == 1 else f"by {self.strength:g}",
            "" if self.stream == "image" else f"on {self.stream}",
        ]
        return " ".join(part for part in parts if part)


@dataclass(eq=False)
class Bench:
    """A case and what its probes need, each made once, when it is first asked for.

    others: prompts whose tokens `resample` puts in (default: 16 calibration prompts). store: a folder that keeps what
    the probes need of other runs; errors of `sweep`.
    """

    case: Case
    calibration: Calibration
    others: list[str] = field(default_factory=list)
    seed: int = 0
    store: str | Path | None = None
    _made: dict = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        if not self.others:
            prompts = toyworld_prompts if self.case.model.is_toy else natural_prompts
            self.others = [str(prompt) for prompt in prompts(OTHERS, "calibration")]

    def key(self) -> dict:
        """What the cells hang on, as JSON values, for `sweep`."""
        return self.case.key(calibration=digest(self.calibration), others=self.others, draw=self.seed)

    def _once(self, key, make: Callable):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def on(self, case: Case) -> Bench:
        """The same sets and references for other prompts to the same model."""
        kept = {key: made for key, made in self._made.items() if key[0] != OWN_TOP}
        return replace(self, case=case, _made=kept)

    def sets(self, k: int) -> dict[str, object]:
        """All sets for a k by name: those of `control_sets`, further energy-matched draws, the top by the other score.

        "energy-matched 2" ... are missing where no block has a match. The ranking of each prompt (`OWN_TOP`) is not
        among them: it takes a run of its own, when a probe asks for it.
        """
        return self._once(("sets", k), lambda: self._sets(k))

    def _sets(self, k):
        stats = self.calibration.stats
        sets = control_sets(self.calibration, k, DRAWS, self.seed)
        for number in range(2, MATCHES + 1):
            matched = energy_matched_channels(stats, self.calibration.top(k), self.seed + number - 1).channels
            if matched is not None:
                sets[f"energy-matched {number}"] = matched
        return sets | {OTHER_SCORE: top_channels(stats, k, "mean_abs")}

    def matched_layers(self, k: int) -> tuple[int, ...]:
        """Blocks in which other channels hold as much energy as the top k do."""
        match = energy_matched_channels(self.calibration.stats, self.calibration.top(k), self.seed)
        return tuple(int(layer) for layer in np.flatnonzero(match.feasible))

    def channels(self, probe: Probe):
        """What `ablate` takes as channels: one set, or one a prompt. Raises ValueError for an unknown kind."""
        if probe.stream == "text":
            sets = self._once(("text", probe.k), lambda: control_sets(self._text(), probe.k, DRAWS, self.seed))
            return self._deep(self._of(sets, probe.kind))
        if probe.kind == OWN_TOP:
            return self._once((OWN_TOP, probe.k), lambda: self._own_top(probe.k))
        return self._of(self.sets(probe.k), probe.kind)

    @staticmethod
    def _of(sets, kind):
        if kind not in sets:
            raise ValueError(f"kind={kind!r}: no such set here; there are {', '.join(sets)}, {OWN_TOP}")
        return sets[kind]

    def _text(self) -> Calibration:
        def measure():
            stats = measure_channels(
                self.case.model, self.others, seed=1, steps=self.case.steps, stream="text", store=self.store,
                **self.case.generation,
            )  # fmt: skip
            return Calibration(stats, None, self.calibration.score)

        return self._once(("text statistics",), measure)

    def _deep(self, chosen: ChannelSet) -> ChannelSet:
        """A set of those blocks that have text, with nothing in the others."""
        names = self._text().stats.layers
        rows = [chosen[names.index(name)] if name in names else [] for name in self.case.model.layers]
        return ChannelSet(tuple(np.asarray(row, dtype=int) for row in rows), chosen.width, chosen.label)

    def _own_top(self, k) -> list[ChannelSet]:
        stats = measure_channels(
            self.case.model, self.case.prompts, seed=self.case.seed, steps=self.case.steps, store=self.store,
            **self.case.generation,
        )  # fmt: skip
        scores = channel_scores(stats, self.calibration.score).mean(axis=2)  # [n, L, D]
        return [
            ChannelSet(tuple(rank_channels(row, k)), scores.shape[-1], f"top {k} of prompt {i}")
            for i, row in enumerate(scores)
        ]

    def _reference(self, probe: Probe) -> object:
        """What `mean` and `resample` put in. Where all hidden states of the other prompts are too many, those on the
        probe's channels are kept, of as many prompts as fit; where not even two fit, the next prompt of the batch
        stands in."""
        if probe.how == "mean":
            return self.calibration.stats
        if probe.how != "resample":
            return None
        stats = self.calibration.stats
        places = 2 * int(stats.count.max()) * len(stats.steps)  # bytes of a channel in a block
        if len(self.others) * places * len(stats.layers) * self.calibration.width <= MOST_BYTES:
            return self._once(("resample",), lambda: self._recorded(self.others))
        chosen = self.channels(probe)
        if isinstance(chosen, list):  # one set a prompt: the others have none of these
            return None
        held = sum(chosen.sizes) if isinstance(chosen, ChannelSet) else chosen.k * len(chosen)
        count = min(len(self.others), FEW_OTHERS, MOST_BYTES // (places * held))
        alone = len(self.case.prompts) % self.case.model.preset.batch_size == 1  # then the last has no next one
        return self._recorded(self.others[: max(2, count)], chosen) if count > 1 or alone else None

    def _recorded(self, prompts: list[str], channels=None) -> Trajectory:
        with record(self.case.model, channels, dtype="float16" if self.case.model.is_toy else None) as kept:
            self.case.model.generate(prompts, seed=1, steps=self.case.steps, **self.case.generation)
        return kept

    def condition(self, probe: Probe) -> Callable[[], dict[str, np.ndarray]]:
        """The probe as a condition for `sweep`; its sets and references are made when it is run."""

        def compute():
            options = {"match": self.channels(replace(probe, kind="top"))} if probe.how in SIZED else {}
            return self.case.condition(
                ablate, self.channels(probe), probe.how, stream=probe.stream, strength=probe.strength, seed=self.seed,
                layers=None if probe.layers is None else list(probe.layers),
                steps=None if probe.steps is None else list(probe.steps),
                reference=self._reference(probe), **options,
            )()  # fmt: skip

        return compute

    def cells(self, probes: Iterable[Probe]) -> dict[str, Callable]:
        """Conditions for `sweep`, by name, without those whose set does not exist on this model."""
        return {p.name: self.condition(p) for p in probes if p.stream == "text" or p.kind in (*self.sets(p.k), OWN_TOP)}

    def shares(self, probe: Probe) -> dict[str, float]:
        """What is edited of the image tokens' hidden state, as a mean over all blocks: "count" of channels or
        directions, and "width" and "energy" as shares. A block that is left alone counts as 0.

        energy: that of what zeroing takes away. Part of the way to zero (strength s) counts s^2 of it; noise and shift
        count what they add, which is the energy of the top set.
        """
        sized = probe.how in SIZED
        chosen = self.channels(replace(probe, kind="top") if sized else probe)
        sets = chosen if isinstance(chosen, list) else [chosen]
        edited = np.zeros(len(self.calibration.stats.layers))
        edited[list(range(len(edited)) if probe.layers is None else probe.layers)] = 1
        rows = [self.calibration.shares(one) for one in sets]
        found = {part: float(np.mean([(row[part] * edited).mean() for row in rows])) for part in rows[0]}
        return found | {"energy": found["energy"] * probe.strength**2}
