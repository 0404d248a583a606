"""The right answers and the hints of the exercises, by chapter and exercise: out of the learner's sight, who sees
`answer("ch3.coin", by_coin)` beside the question.

    right_answer("ch3.coin")                     # 0.2
    right_answer("ch2.dearest", by_depth)        # of this run, from what the cell passes on

An answer that hangs on the run is a function of what the learner's cell passes on after the answer given. It is called
once an answer is given, so that "run all" computes no solution.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..channels import channel_scores, expected_jaccard
from ..figures import content_or_gain, level_pattern
from ..measure.contributed import channels_for_share


@dataclass(frozen=True)
class Exercise:
    """right: what `answer` compares with, a number, a text or a collection; where it hangs on the run, the function
    that gives it, or that gives another function, which takes the answer and tells. hint: what a wrong answer gets,
    never the solution. within: how far a number may be off, absolute."""

    right: Any
    hint: str
    within: float = 0.0


def exercise(name: str, *run: Any) -> Exercise:
    """The exercise of this name. Raises LookupError where there is none, TypeError where the run does not fit it."""
    if name not in EXERCISES:
        raise LookupError(f"there is no exercise {name!r}; there are {', '.join(EXERCISES)}")
    one = EXERCISES[name]
    wanted = inspect.signature(one.right).parameters if callable(one.right) else {}
    if len(wanted) != len(run):
        asked = ", ".join(wanted) or "nothing"
        raise TypeError(f"the exercise {name!r} takes of the run: {asked}; got {len(run)} values")
    return one


def right_answer(name: str, *run: Any) -> Any:
    """What `answer` compares with. run: what the learner's cell passes on. Errors as for `exercise`."""
    one = exercise(name, *run)
    return one.right(*run) if callable(one.right) else one.right


def _smallest_that_changes(changes_the_first):
    return next((few for few in (1, 2, 4, 8, 16) if changes_the_first(few)), None)


def _in_most_blocks(frozen, blocks, width):
    counts = np.bincount(np.concatenate([frozen[b] for b in blocks]), minlength=width)
    most = set(np.flatnonzero(counts == counts.max()).tolist())
    return lambda channel: channel in most


def _times_its_width(share):
    return share["energy"] / share["width"]


def _highest(by_depth):
    return by_depth["x"][by_depth["lines"]["top"][0].argmax()]


def _worst(by_block, depths):
    return depths[int(np.argmin(np.nan_to_num(by_block, nan=2)))]


def _strongest(found, k):
    same = [kind for kind in found.options("channels") if found.shares[kind, k, 0]["count"] == k]
    return max(same, key=lambda kind: found.mean("taken", channels=kind).value)


def _held_for(found, goals):
    return len(found.best(*goals, edit="image to image", prompts="few").steps)


def _lightest_without_level(found):
    return int(np.argmin(level_pattern.divisors(found)["lines"]["level gone, top"][0]))


def _most_by_gain(found):
    return int(np.argmax(content_or_gain.by_place(found, "blocks")["lines"]["gain"][0]))


def _one_of_the_top(width, k):
    rest = np.arange(width - 2 * k + 1, width - k + 1)
    return 1 - np.prod(rest / (rest + k))


def _tenfold(trainings):
    course = trainings["weights 1, data 1"]
    return int(course.images[course.first(course.size[:, -1] > 10)])


EXERCISES = {
    "ch0.how_many": Exercise(
        right=_smallest_that_changes, hint="Try changes_the_first(1), changes_the_first(2), ... in a cell of your own."
    ),
    "ch0.where": Exercise(
        right=lambda stats, tallest: int(channel_scores(stats)[..., tallest].mean(axis=(0, 2)).argmax()),
        hint="fc.channel_scores(stats) has the axes prompts, blocks, steps, channels. Average over two of them.",
    ),
    "ch1.chance": Exercise(
        right=lambda report: report.chance,
        within=0.005,
        hint="On average 8 x 8 / D channels are shared; the union then has 16 minus that many.",
    ),
    "ch1.faithful": Exercise(
        right=_in_most_blocks, hint="Look for a number that comes back from row to row in the table of top channels."
    ),
    "ch2.proportion": Exercise(
        right=_times_its_width, within=0.2, hint="Both shares stand in `found.shares`; divide one by the other."
    ),
    "ch2.dearest": Exercise(right=_highest, hint="Look for the highest point of the curve over blocks."),
    "ch3.coin": Exercise(
        right=0.25 / 1.25,
        within=0.01,
        hint="Of the subject half is hit, f / 2. In either mask: the subject, and half of the rest.",
    ),
    "ch3.worst": Exercise(
        right=_worst, hint="Look down one column of the first panel under 'Where and when', that of the claims."
    ),
    "ch4.lost": Exercise(
        right=lambda found: found.mean("neither", channels="top").value,
        within=0.01,
        hint="Taken, kept and neither add up to 1 for each pair; found.mean gives two of them.",
    ),
    "ch4.strongest": Exercise(
        right=_strongest,
        hint="The table has the count of each. Does the winner know the pairs, or was it frozen before?",
    ),
    "ch5.both_goals": Exercise(right=0.0, within=1e-9, hint="The harmonic mean of a and b is 2ab / (a + b)."),
    "ch5.held_for": Exercise(
        right=_held_for, hint="Look for the point of image-to-image that is least far from the upper right corner."
    ),
    "ch6.share_of_level": Exercise(
        right=9 / 25, within=0.005, hint="Energy is level squared plus the mean square of the pattern."
    ),
    "ch6.heaviest": Exercise(
        right=_lightest_without_level, hint="Look for the lowest point of “level gone, top” in the figure of divisors."
    ),
    "ch7.coin": Exercise(
        right=0.25 * 0.5 / (0.25 + 0.5 - 0.25 * 0.5),
        within=0.02,
        hint="With f the subject's share, the intersection is f / 2 of the picture. What is the union?",
    ),
    "ch7.contaminated": Exercise(
        right=_one_of_the_top,
        within=0.02,
        hint="Ask for the probability that none is: the first channel misses with (D - 8) / D, the next ...",
    ),
    "ch8.chance": Exercise(
        right=expected_jaccard(12, 3072),
        within=0.0005,
        hint="On average 12 x 12 / 3,072 channels are shared, out of a union of 24 less that.",
    ),
    "ch8.half": Exercise(
        right=lambda run: int(channels_for_share(*run.frozen(), 0.5)[-1]),
        hint="energy_held(scores, energy) gives the share of the 1, 2, ... largest, block by block.",
    ),
    "ch9.louder": Exercise(
        right=1 / 0.16**0.5, within=0.01, hint="The divisor is the root of the mean square that is left of the whole."
    ),
    "ch9.heaviest": Exercise(
        right=_most_by_gain, hint="Look for the highest point of “gain” in the figure of single blocks."
    ),
    "ch10.moments": Exercise(right=14, hint="From 1,000 to 100,000 there are six doublings and a half."),
    "ch10.overlap": Exercise(right=1 / 3, within=0.001, hint="How many channels are in either of the two?"),
    "ch10.tenfold": Exercise(
        right=_tenfold, hint="course.size is [moments, blocks]; course.first tells the number of the first moment."
    ),
    "ch90.begins_at": Exercise(right=8 + 77, hint="Count what stands before it: registers and text."),
    "ch90.blocks": Exercise(
        right=lambda passes: passes,
        hint="A tuple of two: which of them is the picture? Print the shapes for two sizes.",
    ),
}
