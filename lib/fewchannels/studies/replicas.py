"""The headlines on other trainings: would another seed, or another architecture, have told the same story?

    found = run_models({"this model": model, **replicas_in(folders)}, n=64)
    differences(found, "critical")                          # {"this model": Interval(...), ...}

For each model: the top, bottom and random-outside k at zero; top and random carried from one prompt into another;
masks of noised scenes from top and bottom. Replicas are trained briefly and draw less well, so they say whether a
direction is one training's accident, and nothing about sizes. Each model is a group of prompts of the results.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..channels import channel_scores, largest_over_median
from ..instruments.clusters import Rule
from ..instruments.looks import look
from ..masks.subjects import to_grid
from ..metrics import Interval, mean_interval
from ..models import load
from ..reading.readers import Adoption, Agreement, Change, Distances
from ..reading.second import AdoptionByEye, AgreementByEye
from .condition import Condition, each
from .edits import UNTOUCHED
from .groups import Group, evaluation, pairs, scenes
from .results import Results
from .sets import Sets
from .study import Instrument, Study, run

LEVELS = 1.0, 0.6  # noise levels of the scenes: re-noising starts at 1, and the second is measured
OWN = "this model"
# what is compared: the measure of two conditions, whose difference is above 0 where the claim holds
HEADLINES: dict[str, tuple[str, dict, dict]] = {
    "critical": ("change", {"channels": "top"}, {"channels": "bottom"}),
    "transport": ("to_source", {"edit": "transport", "channels": "random"}, {"edit": "transport", "channels": "top"}),
}


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """What the headlines need."""
    top = Condition(channels="top", k=sets.k)
    moved = top.but(edit="transport", prompts="pairs")
    return [
        Condition(UNTOUCHED, k=sets.k),
        *each(top, channels=("top", "bottom", "random")),
        *each(moved, channels=("top", "random")),
    ]


def masks(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """IoU [n] of noised scenes' subjects with the clusters of "top", "bottom" and "random", in the middle block."""
    rules = {kind: Rule(kind, sets.k) for kind in ("top", "bottom", "random")}
    seen = look(model, group.prompts, rules, clean=list(group.images), levels=LEVELS, seed=group.seed)
    truth, middle = to_grid(group.masks, seen.grid), len(model.layers) // 2
    return {name: seen.iou(name, truth)[:, middle, 1].astype(np.float32) for name in rules}


def channels(model, group: Group, sets: Sets) -> dict[str, np.ndarray]:
    """Of each block, on calibration prompts: "score" [L, D], "ratio" [L] of the largest to the median, and "energy"
    [L], the share that the top holds."""
    calibration = sets.calibration()
    scores = channel_scores(calibration.stats)
    return {
        "score": scores.mean(axis=(0, 2)).astype(np.float16),
        "ratio": largest_over_median(scores).mean(axis=(0, 2)).astype(np.float32),
        "energy": calibration.shares(sets.of("top"))["energy"].astype(np.float32),
    }


replicas = Study(
    "replicas",
    conditions,
    prompts={"all": evaluation(), "pairs": pairs(), "scenes": scenes()},
    readers=(
        Change(prompts=("all",)),
        Agreement(prompts=("all",)),
        AgreementByEye(prompts=("all",)),
        Distances(),
        Adoption(),
        AdoptionByEye(),
    ),
    base=Condition(channels="top"),
    instruments=lambda sets: {"masks": Instrument(masks, "scenes"), "channels": Instrument(channels)},
    about="The headlines of each training: at zero, carried, clustered.",
)


def run_models(models: Mapping[str, object], n: int = 64, **more) -> Results:
    """The study on several models of the toy world, each a group of the results; arguments as for `run`."""
    found = {name: run(replicas, model, n=n, **more) for name, model in models.items()}
    return together(found, {name: _facts(model) for name, model in models.items()})


def together(found: Mapping[str, Results], facts: Mapping[str, dict]) -> Results:
    """Results of several models as one: pairs and plain prompts of a model are one group, by its name."""
    first = next(iter(found.values()))
    cells = {c.but(prompts=name): cell for name, own in found.items() for c, cell in own.cells.items()}
    return dataclasses.replace(
        first,
        cells=cells,
        groups={name: max(own.groups.values()) for name, own in found.items()},
        instruments={f"{part} of {name}": a for name, own in found.items() for part, a in own.instruments.items()},
        index={**first.index, "models": dict(facts), "order": list(found)},
    )


def beside(found: Results, kept: Results, name: str) -> Results:
    """The models of `found`, and the own model of an earlier file as one more, by this name: a predecessor whose
    weights are gone. What its file did not measure stays unknown."""
    cells = {c.but(prompts=name): cell for c, cell in kept.cells.items() if c.prompts == OWN}
    looks = {f"{part.removesuffix(OWN)}{name}": own for part, own in kept.instruments.items() if part.endswith(OWN)}
    index = found.index | {"order": [*found.index["order"], name]}
    index["models"] = found.index["models"] | {name: kept.index["models"][OWN]}
    groups = found.groups | {name: kept.groups[OWN]}
    return dataclasses.replace(
        found, cells=found.cells | cells, groups=groups, instruments=found.instruments | looks, index=index
    )


def replicas_in(folders: Sequence[Path]) -> dict[str, object]:
    """The pipelines in folders, by their class and the seeds that their training card names."""
    return {name_of(folder): load(folder) for folder in folders}


def _facts(model) -> dict:
    file = None if model.folder is None else model.folder / "training.json"
    known = json.loads(file.read_text()) if file is not None and file.exists() else {}
    own = {"class": model.layout.name, "revision": model.revision}
    return own | {name: known.get(name) for name in ("images", "seed", "seed_data")}


def name_of(folder: Path) -> str:
    """What a replica is called in figures."""
    kind = json.loads((folder / "transformer" / "config.json").read_text())["_class_name"]
    facts = json.loads((folder / "training.json").read_text())
    seeds = f"weights {facts['seed']}, data {facts.get('seed_data', facts['seed'])}"
    return f"{kind.removesuffix('Transformer2DModel')} class, {seeds}"


def differences(found: Results, headline: str) -> dict[str, Interval]:
    """The difference that a headline claims to be above 0, for each model, with its interval. headline: of `HEADLINES`,
    or "spatial", the IoU of masks from the top less that of masks from the bottom."""
    if headline not in (*HEADLINES, "spatial"):
        raise ValueError(f"headline={headline!r}: expected one of {', '.join(HEADLINES)}, spatial")
    rows = {}
    for name in found.index["order"]:
        if headline == "spatial":
            own = found.instruments[f"masks of {name}"]
            rows[name] = mean_interval(own["top"].astype(np.float64) - own["bottom"])
            continue
        measure, *sides = HEADLINES[headline]
        rows[name] = found.minus(measure, *({**side, "prompts": name} for side in sides))
    return rows
