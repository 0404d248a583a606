"""Examine the toy world's readers and write the judge's card:  python -m fewchannels.toyworld.judge_card FOLDER

The exam of the judge, and beside it of the reader without a network (`by_eye`): 2,000 rendered scenes that no training
drew; 1,000 under grain and washed out, with the share that can be seen at all by the rule of `visible`; what is said of
pictures without a subject; and whether certainty is right. Figures go to `scores.json`, the card to `README.md`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..disk import check_place, write_whole
from ..metrics import Interval, attribute_accuracy, bootstrap_interval, iou, shuffled
from . import breakage, scenes
from .by_eye import by_eye
from .damage import damage, grain, washed
from .judge import ATTRIBUTES, IMAGE_HEADS, Judge, agreement, load_judge
from .prompts import Attributes
from .train_judge import TEST_SEED, owners
from .visible import is_visible

Reads = Callable[[np.ndarray], list[Attributes]]
MILD = {"noise": {"noise": 8}, "blur": {"blur": 0.7}, "colour shift": {"shift": 12}}
MILD["all three"] = {k: v for part in MILD.values() for k, v in part.items()}
HURT = {"grain 40": 40, "grain 60": 60, "grain 80": 80, "washed 40 %": 0.4, "washed 60 %": 0.6}
NAMED = ("colour", "size", "position", "shape")
TARGETS = {
    "attributes": 0.99,
    "by eye": 0.97,
    "iou": 0.97,
    "iou_small": 0.93,
    "mild": 0.95,
    "none": 0.95,
    "visible": 0.9,
    "found": 0.95,
}
BINS = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.001)


def read_by(judge: Judge) -> Reads:
    """A judge as a function of pictures."""
    return lambda images: [reading.attributes for reading in judge.read(images)]


def accuracies(reads: Reads, images: np.ndarray, truths: list, order=None) -> dict[str, Interval]:
    """Accuracy per attribute with intervals; `order` pairs the pictures with other truths, for chance levels."""
    order = np.arange(len(truths)) if order is None else order
    rows = [agreement(r, truths[i]) for r, i in zip(reads(images), order, strict=True)]
    return attribute_accuracy({name: np.array([row[name] for row in rows]) for name in ATTRIBUTES}, draws=1000)


def hurt(images: np.ndarray, how: str) -> np.ndarray:
    """Pictures under one of `HURT`: grain of that deviation (of 255), or mixed with a random tint."""
    rng, amount = np.random.default_rng((TEST_SEED, 3)), HURT[how]
    tint = rng.uniform(0, 255, (len(images), 3))
    out = grain(images, amount, rng) if how.startswith("grain") else washed(images, amount, tint)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def found_and_named(reads: Reads, images: np.ndarray, drawn: list[scenes.Scene]) -> dict[str, Interval]:
    """Of scenes with one subject: the share in which one is found, and in which the nearest one has each attribute."""
    rows = []
    for read, scene in zip(reads(images), drawn, strict=True):
        right = agreement(read, scene.attributes)
        rows.append([bool(read.subjects), *[right[name] for name in NAMED], all(right[n] == 1 for n in NAMED)])
    columns = np.array(rows, dtype=float).T
    return {name: bootstrap_interval(c, draws=500) for name, c in zip(("found", *NAMED, "named"), columns, strict=True)}


def under_damage(readers: dict[str, Reads], count: int, kinds: Sequence[str] = tuple(HURT)) -> dict:
    """For these kinds of `HURT` the share of scenes whose subject is visible, and of these what each reads."""
    drawn = [scenes.random_scene((TEST_SEED, 2, i), subjects=1) for i in range(count)]
    result = {}
    for how in kinds:
        images = hurt(np.stack([s.image for s in drawn]), how)
        seen = np.array([is_visible(image, s.mask) for image, s in zip(images, drawn, strict=True)])
        kept = [s for s, there in zip(drawn, seen, strict=True) if there]
        result[how] = {"visible": bootstrap_interval(seen.astype(float), draws=500)}
        result[how] |= {name: found_and_named(reads, images[seen], kept) for name, reads in readers.items()}
    return result


def reliability(judge: Judge, count: int) -> dict[str, list]:
    """By attribute rows of [certainty, share right, answers] in bins of certainty, over scenes of one subject under
    everything that `damage` does, where the subject is still visible and found."""
    drawn = [scenes.random_scene((TEST_SEED, 4, i), subjects=1) for i in range(count)]
    damaged = damage(np.stack([s.image for s in drawn]), np.stack([owners(s) for s in drawn]), (TEST_SEED, 5))
    pairs: dict[str, list] = {name: [] for name in (*NAMED, *IMAGE_HEADS)}
    for i, (reading, scene) in enumerate(zip(judge.read(damaged.images), drawn, strict=True)):
        if (damaged.shown[i] == i).sum() != 1 or (damaged.shown[i] != -1).sum() != 1:
            continue
        right = agreement(reading.attributes, scene.attributes)
        if len(reading.attributes.subjects) == 1:
            for name in NAMED:
                pairs[name].append((reading.certainties[name][0], right[name]))
        if damaged.known[i]:
            for name in IMAGE_HEADS:
                pairs[name].append((reading.certainties[name][0], right[name]))
    rows = {}
    for name, values in pairs.items():
        sure, right = np.array(values, dtype=float).reshape(-1, 2).T
        bins = np.digitize(sure, BINS) - 1
        rows[name] = [
            [float(sure[bins == b].mean()), float(right[bins == b].mean()), int((bins == b).sum())]
            for b in np.unique(bins)
        ]
    return rows


def calibration_error(rows: list) -> float:
    """Mean distance of certainty and share right over the bins, weighted by answers (Guo et al. 2017)."""
    sure, right, n = np.array(rows, dtype=float).T
    return float((np.abs(sure - right) * n).sum() / n.sum())


def mask_scores(judge: Judge, drawn: list[scenes.Scene]) -> dict[str, Interval]:
    """Median IoU of the masks with the exact ones: of all scenes with a subject, of those whose subjects are all
    small, and of each named subject's own mask where the judge found it at its position."""
    shown = [s for s in drawn if s.attributes.subjects]
    read = judge.read(np.stack([s.image for s in shown]))
    values = iou(np.stack([r.mask for r in read]), np.stack([s.mask for s in shown]))
    small = np.array([all(t.size == "small" for t in s.attributes.subjects) for s in shown])
    own = []
    for reading, scene in zip(read, shown, strict=True):
        places = [s.position for s in reading.attributes.subjects]
        for subject, mask in zip(scene.attributes.subjects, scene.subject_masks, strict=True):
            if subject.position in places:
                own.append(iou(reading.subject_masks[places.index(subject.position)][None], mask[None])[0])
    groups = {"iou": values, "iou_small": values[small], "iou_each_subject": np.array(own)}
    return {name: bootstrap_interval(v, np.median, draws=500) for name, v in groups.items()}


def recall_of_none(reads: Reads, images: np.ndarray) -> Interval:
    """Share of pictures in which no subject is found."""
    return bootstrap_interval(np.array([not read.subjects for read in reads(images)], dtype=float), draws=1000)


def examine(judge: Judge, count: int = 2000) -> dict:
    """All figures of the card, as JSON values; every score is [value, low, high]."""
    drawn = [scenes.random_scene((TEST_SEED, 0, i)) for i in range(count)]
    images, truths = np.stack([s.image for s in drawn]), [s.attributes for s in drawn]
    readers = {"judge": read_by(judge), "by eye": by_eye}
    result = {"scenes": count, "seed": TEST_SEED}
    result["clean"] = {name: accuracies(reads, images, truths) for name, reads in readers.items()}
    result["chance"] = accuracies(readers["judge"], images, truths, shuffled(count))
    result |= mask_scores(judge, drawn)
    result["mild"] = {
        n: accuracies(readers["judge"], breakage.mild(images, 1, **how), truths) for n, how in MILD.items()
    }
    result["damage"] = under_damage(readers, count // 2)
    bare = np.stack([scenes.random_scene((TEST_SEED, 6, i), subjects=0).image for i in range(count // 5)])
    nobody = np.full(bare.shape[:3], 5, dtype=np.uint8)
    pictures = {"scenes without a subject": bare, "the same, damaged": damage(bare, nobody, (TEST_SEED, 7)).images}
    pictures |= {kind: breakage.break_pictures(kind, images[: count // 5], 2) for kind in breakage.KINDS}
    result["none"] = {
        kind: {name: recall_of_none(reads, shown) for name, reads in readers.items()}
        for kind, shown in pictures.items()
    }
    result["reliability"] = reliability(judge, count)
    return result


def shortfalls(scores: dict) -> list[str]:
    """The targets that were missed, in words."""
    names = [n for n in ATTRIBUTES if n not in ("second", "all")]  # the targets name neither
    clean = scores["clean"]
    rows = [(f"judge, {n} on clean scenes", clean["judge"][n][0], TARGETS["attributes"]) for n in names]
    rows += [
        (f"by eye, {n} on clean scenes", clean["by eye"][n][0], TARGETS["by eye"])
        for n in ("colour", "size", "position", "background")
    ]
    rows += [(f"judge, {n} under {how}", v[n][0], TARGETS["mild"]) for how, v in scores["mild"].items() for n in names]
    for how, found in scores["damage"].items():
        if how != "grain 80":
            rows.append((f"share visible, {how}", found["visible"][0], TARGETS["visible"]))
        rows += [(f"judge, {n}, {how}", found["judge"][n][0], TARGETS["found"]) for n in ("found", *NAMED)]
    rows.append(("judge, median IoU", scores["iou"][0], TARGETS["iou"]))
    rows.append(("judge, median IoU of small", scores["iou_small"][0], TARGETS["iou_small"]))
    rows += [
        (f"judge, recall of none, {kind}", scores["none"][kind]["judge"][0], TARGETS["none"])
        for kind in ("scenes without a subject", *breakage.TRAINED, breakage.HELD_OUT)
    ]
    return [f"{what}: {value:.3f} (target {target})" for what, value, target in rows if value < target]


def _cell(score) -> str:
    value, low, high = score
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def render_card(facts: dict, scores: dict) -> str:
    """The card as Markdown, from the training's facts and the exam's scores."""
    readers = list(scores["clean"])
    clean = _table(
        ["attribute", *readers, "chance", *[f"judge, {how}" for how in scores["mild"]]],
        [
            [name, *[_cell(scores["clean"][r][name]) for r in readers], f"{scores['chance'][name][0]:.3f}"]
            + [f"{scores['mild'][how][name][0]:.3f}" for how in scores["mild"]]
            for name in ATTRIBUTES
        ],
    )
    found = _table(
        ["pictures", "visible", "reader", "found", *NAMED, "all four"],
        [
            [how, f"{entry['visible'][0]:.3f}", r, *[f"{entry[r][n][0]:.3f}" for n in ("found", *NAMED, "named")]]
            for how, entry in scores["damage"].items()
            for r in readers
        ],
    )
    none = _table(
        ["pictures", *readers],
        [
            [
                f"{kind}{' (held out of training)' if kind == breakage.HELD_OUT else ''}",
                *[f"{entry[r][0]:.3f}" for r in readers],
            ]
            for kind, entry in scores["none"].items()
        ],
    )
    sure = _table(
        ["attribute", "mean distance", "certainty: share right (answers)"],
        [
            [name, f"{calibration_error(rows):.3f}", ", ".join(f"{c:.2f}: {r:.2f} ({n})" for c, r, n in rows)]
            for name, rows in scores["reliability"].items()
        ],
    )
    missed = shortfalls(scores)
    verdict = "All targets are met." if not missed else "Missed: " + "; ".join(missed) + "."
    return f"""# The toy world's judge

Reads a 48 x 48 picture of the toy world back into attributes and subject masks (`fewchannels.toyworld.judge`).
{facts["parameters"]:,} parameters, stored in 16 bit. Licence: CC BY 4.0.

## Data and recipe
{facts["recipe"]}
Pictures seen: {facts["images"]:,}. Hours: {facts["hours"]:.2f} on {facts["hardware"]}. Seed: {facts["seed"]}.
`python -m fewchannels.toyworld.train_judge` repeats it; the same command with a larger `--images` goes on from its
state folder.

## Figures
Of the judge and, beside it, of the second reader, which has no network (`fewchannels.toyworld.by_eye`) and whose rules
were chosen on other renders. {verdict}

### Clean scenes
{scores["scenes"]:,} rendered scenes that were never trained on (seed {scores["seed"]}); 95 % bootstrap intervals over
scenes. Subject attributes: the share of the named subjects of which they are read rightly. Chance: the judge's
readings, scored against other scenes' truths. Mild damage: noise of deviation 8 of 255, blur of 0.7 px, a shift of each
channel by up to 12 of 255.

{clean}

### Scenes under grain and washed out
{scores["scenes"] // 2:,} scenes of one subject; grain of a deviation of 40, 60 and 80 of 255, or mixed with 40 and
60 % of a random tint. Visible: the share that the written rule of `fewchannels.toyworld.visible` calls so. Of these:
the share in which a subject is found, and in which it has the right colour, size, position, shape, and all four.

{found}

### Pictures without a subject
The share in which none is found.

{none}

### Masks
| the judge's mask | median IoU |
|---|---|
| all subjects | {_cell(scores["iou"])} |
| scenes with small subjects only | {_cell(scores["iou_small"])} |
| each subject's own, where it was found | {_cell(scores["iou_each_subject"])} |

### Certainty
Reliability over {scores["scenes"]:,} scenes of one subject under all that `damage` does, where it is still visible
and found: in bins of certainty, mean certainty and share right; and their mean distance. Logits are divided by a
temperature for each head, fitted on other scenes.

{sure}

## Limits
It knows the toy world's renderer, and damage as we could think of it: a picture that a model drew under an edit may be
like neither, so a headline about such pictures is read by the second reader as well. Where a picture is washed out, it
names the colour that was there and the second reader the one that is left. Stripes and checks in two named colours
cover the same area, so which one is the background cannot be seen: either counts. A picture always gets a texture and
a background colour, also a broken one.
"""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m fewchannels.toyworld.judge_card", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="the judge's folder: judge.safetensors, config.json, training.json")
    args = parser.parse_args(argv)
    facts = json.loads((args.folder / "training.json").read_text())
    for name in ("scores.json", "README.md"):
        check_place(args.folder / name)
    scores = examine(load_judge(args.folder))
    write_whole(args.folder / "scores.json", f"{json.dumps(scores, indent=1)}\n".encode())
    write_whole(args.folder / "README.md", render_card(facts, scores).encode())
    print("\n".join(shortfalls(scores)) or "all targets are met")


if __name__ == "__main__":
    main()
