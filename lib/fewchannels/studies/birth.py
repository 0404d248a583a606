"""How massive channels are born: the same small study at each moment of a training at which weights were kept.

    found = run_trainings([state_folder], n=24)
    courses(found)["weights 0, data 0"].size                # [M, L]

For each moment: how large which channels are, and with which weights they are written; what the picture loses with the
top k, in the stream and at the norms' reads, beside random and energy-matched sets; what the top carries from one
prompt into another; masks of noised scenes. Each training and moment is a group of prompts of the results, "weights 0,
data 0 at 1024". So it can be seen whether the function of these channels comes before their size, with it, or after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..channels import channel_scores, largest_over_median, rank_channels, top_share
from ..instruments.writers import writing_weights
from ..metrics import Interval, known_mean
from ..models import load
from ..reading.readers import Agreement, Change, Distances
from ..reading.second import AgreementByEye
from ..toyworld.growth import moments
from ..toyworld.judge import ATTRIBUTES
from ..toyworld.recipe import build_pipeline
from ..watch.hooks import capture
from ..watch.tokens import KeepTokens
from .condition import Condition, each
from .edits import UNTOUCHED
from .groups import Group, evaluation, pairs, scenes
from .replicas import masks, together
from .results import Results
from .sets import Sets
from .study import Instrument, Study, run

SHOWN = 2  # prompts of the flipbook


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """What the top k does at one moment, and what as many others do."""
    top = Condition(channels="top", k=sets.k)
    moved = top.but(edit="transport", prompts="pairs")
    return [
        Condition(UNTOUCHED, k=sets.k),
        top,
        top.but(k=1),
        *each(top, through=("both", "content", "gain")),
        *each(top, channels=("random", "energy-matched"), draw=range(2)),
        *each(moved, channels=("top", "random")),
    ]


def size(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """On calibration prompts, over all steps: "score" [L, D], |mean over tokens|; "energy" [L, D]; "principal" [L], the
    share of energy that the first k principal directions hold."""
    calibration = sets.calibration()
    return {
        "score": channel_scores(calibration.stats).mean(axis=(0, 2)).astype(np.float32),
        "energy": calibration.stats.energy.mean(axis=(0, 2)).astype(np.float32),
        "principal": calibration.shares(sets.of("PCA"))["energy"].astype(np.float32),
    }


def look(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Of the first prompts: "pictures" uint8 [P, H, W, 3], and "map" [P, h, w] of the last block's largest channel,
    mean over steps."""
    largest = int(sets.of("top", 1)[-1][0])
    with capture(model, kept := KeepTokens(dtype="float32"), layers=[model.layers[-1]]):
        images = model.generate(group.prompts[:SHOWN], seed=group.seed, **sets.generation)
    values = kept.array[..., largest].mean(axis=2)[:, 0]
    return {"pictures": images, "map": values.reshape(len(values), *sets.calibration().stats.grid).astype(np.float32)}


birth = Study(
    "birth",
    conditions,
    prompts={"all": evaluation(), "pairs": pairs(), "scenes": scenes()},
    readers=(Change(prompts=("all",)), Agreement(prompts=("all",)), AgreementByEye(prompts=("all",)), Distances()),
    base=Condition(channels="top"),
    instruments=lambda sets: {
        "size": Instrument(size),
        "weights": Instrument(lambda model, group, sets: writing_weights(model)),
        "masks": Instrument(masks, "scenes"),
        "look": Instrument(look),
    },
    about="One moment of a training: sizes, what writes them, and what they do.",
)


def run_trainings(states: Sequence[Path], n: int = 24, **more) -> Results:
    """The study at each kept moment of several trainings: the state folders of `toyworld.train`. A training's first
    moment is the untrained model. Arguments as for `run`. Raises FileNotFoundError for a folder without a training."""
    rows = []
    for state in states:
        kept = moments(Path(state))
        seeds = json.loads((kept[1][1] / "training.json").read_text())
        training = f"weights {seeds['seed']}, data {seeds['seed_data']}"
        rows += [(training, images, folder or build_pipeline(seeds["seed"])) for images, folder in kept]
    return _at_moments(((training, images, load(whole)) for training, images, whole in rows), n, **more)


def run_moment(model, training: str, images: int, n: int = 24, **more) -> Course:
    """A course of one moment: of a model that is at hand."""
    return courses(_at_moments([(training, images, model)], n, **more))[training]


def _at_moments(rows: Iterable[tuple[str, int, object]], n: int, **more) -> Results:
    found, facts = {}, {}
    for training, images, model in rows:
        name = f"{training} at {images}"
        found[name] = run(birth, model, n=n, **more)
        facts[name] = {"training": training, "images": images}
    return together(found, facts)


@dataclass(frozen=True)
class Course:
    """One training: `images` seen by each of M moments, and the names of their groups of results."""

    found: Results
    images: np.ndarray
    names: tuple[str, ...]

    def array(self, instrument: str, part: str) -> np.ndarray:
        """[M, ...] of an instrument's part."""
        return np.stack([self.found.instruments[f"{instrument} of {name}"][part] for name in self.names])

    def has(self, instrument: str) -> bool:
        """Whether each moment could be asked by an instrument."""
        return all(f"{instrument} of {name}" in self.found.instruments for name in self.names)

    def mean(self, measure: str, **fields) -> list[Interval]:
        """A measure of a condition at each moment."""
        return [self.found.mean(measure, **fields, prompts=name) for name in self.names]

    def minus(self, measure: str, first: dict, second: dict) -> list[Interval]:
        """The difference of two conditions at each moment."""
        return [self.found.minus(measure, *({**c, "prompts": name} for c in (first, second))) for name in self.names]

    @property
    def size(self) -> np.ndarray:
        """float [M, L]: the largest channel over the median channel, in |mean over tokens|."""
        return largest_over_median(self.array("size", "score"))

    @property
    def top(self) -> np.ndarray:
        """int [M, L, k]: the massive channels, the largest first."""
        return rank_channels(self.array("size", "score"), self.found.base.k)

    @property
    def shares(self) -> dict[str, np.ndarray]:
        """Shares of the energy [M, L]: of the "top" k channels, of the "first" of them, of the first k "principal"
        directions."""
        energy, score = (self.array("size", part) for part in ("energy", "score"))
        k = self.found.base.k
        shares = {"top": top_share(energy, k, by=score), "first": top_share(energy, 1, by=score)}
        return {**shares, "principal": self.array("size", "principal")}

    @property
    def right(self) -> np.ndarray:
        """float [M]: how often the untouched picture has the colour that it was asked for, as the judge reads it."""
        column = ATTRIBUTES.index("colour")
        untouched = [Condition(UNTOUCHED, k=self.found.base.k, prompts=name) for name in self.names]
        return np.array([known_mean(self.found.cells[c]["agree"][:, column].astype(np.float64)) for c in untouched])

    def first(self, reached: np.ndarray) -> int | None:
        """The number of the first moment at which something is so; None where it never is. reached: bool [M]."""
        return int(np.argmax(reached)) if np.any(reached) else None


def courses(found: Results) -> dict[str, Course]:
    """The trainings of results by name, the moments of each in order."""
    rows: dict[str, list[tuple[int, str]]] = {}
    for name, own in found.index["models"].items():
        rows.setdefault(own["training"], []).append((own["images"], name))
    made = {}
    for training, kept in rows.items():
        images, names = zip(*sorted(kept), strict=True)
        made[training] = Course(found, np.array(images), names)
    return made
