"""The headlines on other trainings: would another seed, or another architecture, have told the same story?

    case, cells, index = full_study(model, store, print, n=64, folders=[...])    # pipeline folders of other trainings
    differences(load_study("results/replicas.safetensors"), "critical")          # {"this model": Interval(...), ...}

For each model: the top, bottom and random-outside eight at zero; top and random carried from one prompt into another;
masks of noised scenes from top and bottom. Replicas are trained briefly and draw less well, so they say whether a
direction is one training's accident, and nothing about sizes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..ablation import ablate
from ..channels import ChannelSet, channel_scores, largest_over_median
from ..masks import to_grid
from ..metrics import Interval, bootstrap_interval
from ..models import load
from ..patching import inject
from ..prompts import toyworld_prompts
from ..sweep import sweep
from .cases import Case, calibrate, control_sets, toy_case
from .files import Study
from .pairs import pair_case, prompt_pairs
from .spatial import look, rendered_scenes, rules

K = 8
LEVELS = 1.0, 0.6  # noise levels of the scenes: re-noising starts at 1, and the second is measured
OWN = "this model"
# what is compared: the measure of two conditions, whose difference is above 0 where the claim holds
HEADLINES = {
    "critical": ("zero top/change", "zero bottom/change"),
    "transport": ("carry random 1/to_source", "carry top/to_source"),
    "spatial": ("masks/top", "masks/bottom"),
}


def conditions(model, n: int) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """Functions for `sweep`: every measure has one row a prompt, pair or scene, those of "channels" one a block."""
    calibration = calibrate(model, toyworld_prompts(max(4, n // 2), "calibration"))
    sets = control_sets(calibration, K, draws=1)
    case = toy_case(model, n, features=False)
    moved = {name: sets[name] for name in ("top", "random 1")}
    keep = ChannelSet.from_mask(np.logical_or.reduce([chosen.mask() for chosen in moved.values()]))
    pairs = replace(pair_case(model, prompt_pairs(n)), keep=keep)
    cells = {f"zero {name}": case.condition(ablate, sets[name]) for name in ("top", "bottom", "random 1")}
    for name, chosen in moved.items():
        cells[f"carry {name}"] = lambda chosen=chosen: _carried(pairs, chosen)
    return cells | {
        "untouched": lambda: case.read(case.untouched),
        "masks": lambda: _masks(model, n),
        "channels": lambda: _channels(calibration, sets["top"]),
    }


def _carried(pairs, chosen):
    with inject(pairs.model, pairs.source, chosen):
        images = pairs.draw()
    return pairs.measure(images)


def _masks(model, n):
    scenes = rendered_scenes(n)
    seen = look(model, [s.prompt for s in scenes], rules(K, draws=1), clean=[s.image for s in scenes], levels=LEVELS)
    truth = to_grid(np.stack([s.mask for s in scenes]), seen.grid)
    middle = len(model.layers) // 2
    return {name: seen.iou(name, truth)[:, middle, 1].astype(np.float32) for name in ("top", "bottom", "random 1")}


def _channels(calibration, top):
    scores = channel_scores(calibration.stats, calibration.score)
    return {
        "score": scores.mean(axis=(0, 2)).astype(np.float16),
        "ratio": largest_over_median(scores).mean(axis=(0, 2)).astype(np.float32),
        "energy": calibration.shares(top)["energy"].astype(np.float32),
    }


def full_study(
    model, store, report=None, n: int = 64, folders: Sequence[Path] = ()
) -> tuple[Case, dict[str, dict[str, np.ndarray]], dict]:
    """The headlines of `model` and of the pipelines in `folders`; conditions are named "MODEL/CONDITION"."""
    models = {OWN: model} | {name_of(folder): load(folder) for folder in folders}
    cells: dict[str, dict[str, np.ndarray]] = {}
    facts = {}
    for name, one in models.items():
        if report is not None:
            report(name)
        made = sweep(conditions(one, n), store, toy_case(one, n).key(study="replicas"), report)
        cells |= {f"{name}/{condition}": cell for condition, cell in made.items()}
        facts[name] = {"class": one.layout.name, "revision": one.revision, **_facts(one)}
    return toy_case(model, n), cells, {"models": facts, "order": list(facts), "k": K, "level": LEVELS[1]}


def _facts(model) -> dict:
    file = None if model.folder is None else model.folder / "training.json"
    known = json.loads(file.read_text()) if file is not None and file.exists() else {}
    return {"images": known.get("images"), "seed": known.get("seed")}


def name_of(folder: Path) -> str:
    """What a replica is called in figures: its class and the seed that its training card names."""
    kind = json.loads((folder / "transformer" / "config.json").read_text())["_class_name"]
    seed = json.loads((folder / "training.json").read_text())["seed"]
    return f"{kind.removesuffix('Transformer2DModel')} class, seed {seed}"


def differences(study: Study, headline: str) -> dict[str, Interval]:
    """The difference that a headline (of `HEADLINES`) claims to be above 0, for each model, with its interval."""
    if headline not in HEADLINES:
        raise ValueError(f"headline={headline!r}: expected one of {', '.join(HEADLINES)}")
    found = {}
    for name in study.index["order"]:
        rows = []
        for place in HEADLINES[headline]:
            condition, _, measure = place.rpartition("/")
            rows.append(study[f"{name}/{condition}"][measure].astype(np.float64))
        found[name] = bootstrap_interval(rows[0] - rows[1], statistic=np.nanmean)
    return found


def described(study: Study) -> str:
    """A Markdown table of the models: how long each was trained, how well it draws, how massive its channels are."""
    rows = ["| model | pictures seen | attributes right | largest over median channel | energy of the top 8 |"]
    rows.append("|---|---|---|---|---|")
    for name in study.index["order"]:
        seen = study.index["models"][name]["images"]
        right = float(np.nanmean(study[f"{name}/untouched"]["agree"][:, :-1].astype(np.float64)))
        channels = study[f"{name}/channels"]
        ratio, energy = channels["ratio"], channels["energy"]
        rows.append(
            f"| {name} | {'unknown' if seen is None else f'{seen:,}'} | {right:.0%} | "
            f"{ratio.min():.0f} to {ratio.max():.0f} | {energy.min():.0%} to {energy.max():.0%} |"
        )
    return "\n".join(rows)
