"""Examine the judge and write its card:  python -m fewchannels.toyworld.judge_card FOLDER

The exam: 2,000 rendered scenes that no training drew; the same under mild noise, blur, colour shift and all three;
500 broken pictures of each kind, the held-out kind among them. Figures go to `scores.json`, the card to `README.md`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..disk import check_place, write_whole
from ..metrics import Interval, attribute_accuracy, bootstrap_interval, iou, shuffled
from . import breakage, scenes
from .judge import ATTRIBUTES, Judge, agreement, load_judge
from .train_judge import TEST_SEED, ablated_samples

MILD = {"noise": {"noise": 8}, "blur": {"blur": 0.7}, "colour shift": {"shift": 12}}
MILD["all three"] = {k: v for part in MILD.values() for k, v in part.items()}
TARGETS = {"attributes": 0.99, "iou": 0.97, "iou_small": 0.93, "mild": 0.95, "none": 0.95}


def accuracies(judge: Judge, images: np.ndarray, truths: list, order=None) -> dict[str, Interval]:
    """Accuracy per attribute with intervals; `order` pairs the pictures with other truths, for chance levels."""
    order = np.arange(len(truths)) if order is None else order
    read = [r.attributes for r in judge.read(images)]
    rows = [agreement(r, truths[i]) for r, i in zip(read, order, strict=True)]
    return attribute_accuracy({name: np.array([row[name] for row in rows]) for name in ATTRIBUTES}, draws=1000)


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


def recall_of_none(judge: Judge, images: np.ndarray) -> Interval:
    """Share of pictures in which no subject is found."""
    return bootstrap_interval(
        np.array([not r.attributes.subjects for r in judge.read(images)], dtype=float), draws=1000
    )


def examine(judge: Judge, count: int = 2000, broken: int = 500, samples: np.ndarray | None = None) -> dict:
    """All figures of the card, as JSON values; every score is [value, low, high]."""
    drawn = [scenes.random_scene((TEST_SEED, 0, i)) for i in range(count)]
    images, truths = np.stack([s.image for s in drawn]), [s.attributes for s in drawn]
    result = {"scenes": count, "seed": TEST_SEED, "clean": accuracies(judge, images, truths)}
    result["chance"] = accuracies(judge, images, truths, shuffled(count))
    result |= mask_scores(judge, drawn)
    result["mild"] = {n: accuracies(judge, breakage.mild(images, 1, **how), truths) for n, how in MILD.items()}
    subjects = images[[bool(a.subjects) for a in truths]][:broken]
    result["none"] = {
        kind: recall_of_none(judge, breakage.break_pictures(kind, subjects, 2)) for kind in breakage.KINDS
    }
    if samples is not None:
        result["none"]["ablated"] = recall_of_none(judge, samples)
    empty = images[[not a.subjects for a in truths]]
    result["none"]["rendered scenes without a subject"] = recall_of_none(judge, empty)
    return result


def shortfalls(scores: dict) -> list[str]:
    """The targets that were missed, in words."""
    names = [n for n in ATTRIBUTES if n not in ("second", "all")]  # the targets name neither
    rows = [(f"{n} on clean scenes", scores["clean"][n][0], TARGETS["attributes"]) for n in names]
    rows += [(f"{n} under {how}", v[n][0], TARGETS["mild"]) for how, v in scores["mild"].items() for n in names]
    rows += [
        ("median IoU", scores["iou"][0], TARGETS["iou"]),
        ("of small", scores["iou_small"][0], TARGETS["iou_small"]),
    ]
    rows.append((f"recall of none on {breakage.HELD_OUT}", scores["none"][breakage.HELD_OUT][0], TARGETS["none"]))
    return [f"{what}: {value:.3f} (target {target})" for what, value, target in rows if value < target]


def _cell(score) -> str:
    value, low, high = score
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def render_card(facts: dict, scores: dict) -> str:
    """The card as Markdown, from the training's facts and the exam's scores."""
    attributes = "\n".join(
        f"| {name} | {_cell(scores['clean'][name])} | {scores['chance'][name][0]:.3f} | "
        + " | ".join(f"{scores['mild'][how][name][0]:.3f}" for how in scores["mild"])
        + " |"
        for name in ATTRIBUTES
    )
    kinds = "\n".join(
        f"| {kind}{' (held out of training)' if kind == breakage.HELD_OUT else ''} | {_cell(score)} |"
        for kind, score in scores["none"].items()
    )
    if "ablated" in scores["none"]:
        kinds += (
            f"\n\nAblated: pictures by the toy world's model after {scores['ablated_model_images']:,} images, its "
            "largest\nchannels zero after one to three blocks; some may still show a subject, so this has no target."
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
On {scores["scenes"]:,} rendered scenes that were never trained on (seed {scores["seed"]}); 95 % bootstrap
intervals over scenes. Subject attributes: the share of the named subjects of which they are read rightly. Chance: the
same readings, scored against other scenes' truths. {verdict}

| attribute | clean | chance | noise | blur | colour shift | all three |
|---|---|---|---|---|---|---|
{attributes}

Mild damage: noise of deviation 8 of 255, blur of 0.7 px, a shift of each channel by up to 12 of 255.

| mask | median IoU |
|---|---|
| all subjects | {_cell(scores["iou"])} |
| scenes with small subjects only | {_cell(scores["iou_small"])} |
| each subject's own, where it was found | {_cell(scores["iou_each_subject"])} |

Recall of "none", the share of pictures in which no subject is found:

| pictures | recall |
|---|---|
{kinds}

## Limits
It knows the toy world's renderer and little else: between a scene and a broken picture it has seen nothing, so on a
half-formed subject its words are a guess, and `certainty` should be read with them. Stripes and checks in two named
colours cover the same area, so which one is the background cannot be seen: either counts. A picture always gets a
texture and a background colour, also a broken one.
"""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m fewchannels.toyworld.judge_card", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="the judge's folder: judge.safetensors, config.json, training.json")
    parser.add_argument(
        "--samples-from", type=Path, help="a pipeline folder; its ablated pictures are examined as well"
    )
    args = parser.parse_args(argv)
    facts = json.loads((args.folder / "training.json").read_text())
    for name in ("scores.json", "README.md"):
        check_place(args.folder / name)
    # not the seed of the ablated pictures that were trained on
    samples = ablated_samples(args.samples_from, 96, seed=TEST_SEED) if args.samples_from else None
    scores = examine(load_judge(args.folder), samples=samples)
    if args.samples_from:
        scores["ablated_model_images"] = json.loads((args.samples_from / "training.json").read_text())["images"]
    write_whole(args.folder / "scores.json", f"{json.dumps(scores, indent=1)}\n".encode())
    write_whole(args.folder / "README.md", render_card(facts, scores).encode())
    print("\n".join(shortfalls(scores)) or "all targets are met")


if __name__ == "__main__":
    main()
