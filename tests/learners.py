"""Learners' answers with each mistake that the exercises recognise: exercise -> mistake -> task to answer.

They are written as a learner would write them, by another way than the library computes what a mistake gives.
"""

from __future__ import annotations

import numpy as np
import torch
from fewchannels.layouts.forms import Blocks

# Chapter 0


def reader(pick=lambda text, image: image[len(image) // 2 :], off=0, deeper=0, all_over=False, left=False):
    """The hook of chapter 0, with a mistake."""

    def read_tokens(dit, block, step, generate):
        kept, passed = [], 0

        def hook(module, inputs, output):
            nonlocal passed
            if all_over or passed == step + off:
                kept.append(pick(*output).clone())
            passed += 1

        handle = dit.transformer.transformer_blocks[block + deeper].register_forward_hook(hook)
        generate()
        if not left:
            handle.remove()
        return kept[-1]

    return read_tokens


HOOK = {
    "text tokens": lambda task: reader(lambda text, image: text[len(text) // 2 :]),
    "text and image": lambda task: reader(lambda text, image: torch.cat([text, image], 1)[len(text) // 2 :]),
    "unconditional": lambda task: reader(lambda text, image: image[: len(image) // 2]),
    "both passes": lambda task: reader(lambda text, image: image),
    "step late": lambda task: reader(off=1),
    "step early": lambda task: reader(off=-1),
    "last step": lambda task: reader(all_over=True),
    "block late": lambda task: reader(deeper=1),
    "block early": lambda task: reader(deeper=-1),
    "averaged": lambda task: reader(lambda text, image: image[len(image) // 2 :].mean(1)),
    "hook left on": lambda task: reader(left=True),
}


def first_over(task, chosen, size):
    """The first count whose change is over the threshold, by a measure of it."""
    import fewchannels as fc

    before = task.dit.generate([task.prompt], seed=0, steps=task.steps).astype(float)
    for few in (1, 2, 4, 8, 16):
        with fc.ablate(task.dit, chosen(task.calibration, k=few), how="zero"):
            after = task.dit.generate([task.prompt], seed=0, steps=task.steps).astype(float)
        if size(after - before) > task.threshold:
            return few
    return 0


def how_many(name):
    import fewchannels as fc

    return {
        "smallest channels": lambda task: first_over(task, fc.bottom_channels, lambda d: ((d / 255) ** 2).mean()),
        "not squared": lambda task: first_over(task, fc.top_channels, lambda d: abs(d / 255).mean()),
        "bytes": lambda task: first_over(task, fc.top_channels, lambda d: (d**2).mean()),
    }[name]


# Chapter 1


def scorer(scores, largest=lambda scores, k: np.argsort(-scores)[:k]):
    """The score of chapter 1, from the states of image and text tokens, and the ranking."""

    def score(states, words, k):
        made = scores(states[:, words:], states[:, :words], states)
        return made, largest(made if made.ndim == 1 else made.ravel(), k)

    return score


def level(image):
    return np.abs(image.mean(1)).mean(0)


SCORE = {
    "text counted": scorer(lambda image, text, both: level(both)),
    "text alone": scorer(lambda image, text, both: level(text)),
    "absolute first": scorer(lambda image, text, both: np.abs(image).mean((0, 1))),
    "signed": scorer(lambda image, text, both: image.mean((0, 1))),
    "prompts first": scorer(lambda image, text, both: np.abs(image.mean(0).mean(0))),
    "channel axis": scorer(lambda image, text, both: np.abs(image.mean(2)).mean(0)),
    "prompt axis": scorer(lambda image, text, both: np.abs(image.mean(0))),
    "a row a prompt": scorer(lambda image, text, both: np.abs(image.mean(1))),
    "sum": scorer(lambda image, text, both: np.abs(image.sum(1)).mean(0)),
    "smallest": scorer(lambda image, text, both: level(image), lambda scores, k: np.argsort(scores)[:k]),
    "backwards": scorer(lambda image, text, both: level(image), lambda scores, k: np.argsort(scores)[-k:]),
}

# Chapter 2


def zeroer(change=None, own=lambda channels, b: channels[b], blocks=slice(None), skip=0, left=False, late=False):
    """The hooks of chapter 2, with a mistake. change(text, image, numbers) -> text, image."""

    def gone(text, image, numbers):
        image = image.clone()
        image[..., numbers] = 0
        return text, image

    def zero(dit, channels, generate):
        handles, passed = [], {}
        for b, block in list(enumerate(dit.transformer.transformer_blocks))[blocks]:

            def hook(module, inputs, output, b=b):
                passed[b] = passed.get(b, -1) + 1
                if passed[b] < skip:
                    return None
                numbers = channels[handles.index(handles[-1])] if late else own(channels, b)
                return (change or gone)(*output, numbers)

            handles.append(block.register_forward_hook(hook))
        pictures = generate()
        for handle in handles if not left else ():
            handle.remove()
        return pictures

    return zero


def at_zero(tensor, index):
    tensor = tensor.clone()
    tensor[index] = 0
    return tensor


def both_at_zero(text, image, numbers):
    index = (..., numbers)
    return None if text is None else at_zero(text, index), at_zero(image, index)


def text_at_zero(text, image, numbers):
    return None if text is None else at_zero(text, (..., numbers)), image


def half(which):
    def change(text, image, numbers):
        image, middle = image.clone(), len(image) // 2
        image[slice(0, middle) if which == "uncond" else slice(middle, None)][..., numbers] = 0
        return text, image

    return change


def others_at_zero(text, image, numbers):
    kept = torch.zeros_like(image)
    kept[..., numbers] = image[..., numbers]
    return text, kept


ABLATION = {
    "nothing": zeroer(lambda text, image, numbers: None),
    "text too": zeroer(both_at_zero),
    "text alone": zeroer(text_at_zero),
    "unconditional": zeroer(half("uncond")),
    "conditional": zeroer(half("cond")),
    "tokens": zeroer(
        lambda text, image, n: (text, at_zero(image, (slice(None), [c for c in n if c < image.shape[1]])))
    ),
    "all others": zeroer(others_at_zero),
    "last block's": zeroer(late=True),
    "block late": zeroer(own=lambda channels, b: channels[b - 1]),
    "one block": zeroer(blocks=slice(-1, None)),
    "first step left": zeroer(skip=1),
    "hook left on": zeroer(left=True),
}

# Chapter 3


def kmeans(points):
    """Two clusters: bool [tokens]."""
    centres = points[[points.sum(1).argmin(), points.sum(1).argmax()]]
    for _ in range(100):
        labels = ((points[:, None] - centres) ** 2).sum(2).argmin(1)
        centres = np.stack(
            [points[labels == heap].mean(0) if (labels == heap).any() else centres[heap] for heap in (0, 1)]
        )
    return labels == 1


def by_range(axis):
    def scale(values):
        low, high = values.min(axis, keepdims=True), values.max(axis, keepdims=True)
        return (values - low) / np.where(high > low, high - low, 1)

    return scale


OWN_RANGE = by_range(0)


def fewer_on_the_edge(mask, points):
    edge = np.ones(mask.shape, bool)
    edge[1:-1, 1:-1] = False
    return ~mask if mask[edge].mean() > 0.5 else mask


def by_sum(larger):
    def rule(mask, points):
        heat = points.sum(1).reshape(mask.shape)
        return mask if (heat[mask].mean() > heat[~mask].mean()) == larger else ~mask

    return rule


def clusterer(scale=OWN_RANGE, rule=fewer_on_the_edge, all_channels=False, together=False, turned=False):
    def subject(tokens, channels, grid):
        values = [t if all_channels else t[:, c] for t, c in zip(tokens.astype(float), channels, strict=True)]
        values = by_range((0, 1))(np.stack(values)) if together else [scale(one) for one in values]
        masks = [rule(kmeans(points).reshape(grid), points) for points in values]
        return np.stack([mask.T for mask in masks] if turned else masks)

    return subject


CLUSTERS = {
    "not scaled": clusterer(scale=lambda values: values),
    "one range for all": clusterer(scale=by_range(None)),
    "wrong axis": clusterer(scale=by_range(1)),
    "over pictures": clusterer(together=True),
    "all channels": clusterer(all_channels=True),
    "polarity": clusterer(rule=lambda mask, points: ~fewer_on_the_edge(mask, points)),
    "larger sum": clusterer(rule=by_sum(True)),
    "smaller sum": clusterer(rule=by_sum(False)),
    "smaller": clusterer(rule=lambda mask, points: ~mask if mask.mean() > 0.5 else mask),
    "transposed": clusterer(turned=True),
}


def argbest(values, largest=True):
    return (max if largest else min)(values, key=values.get)


def block_means(task, kind):
    """Of chapter 2: the change with one block at zero."""
    found, means = task.found, {}
    for block in range(64):
        if found.has(channels=kind, blocks=(block,), draw=0):
            means[block] = found.mean("change", channels=kind, blocks=(block,), draw=0).value
    return means


def by_noise(task, kind, level=None):
    """Of chapter 3: the mean IoU by block."""
    from fewchannels.studies.spatial import at

    return {block: np.nanmean(at(task.found, task.where, kind, block, level)) for block in range(6)}


def brought(task, exactly):
    shares = task.found.shares
    kinds = [kind for kind in task.found.options("channels") if (kind, task.k, 0) in shares]
    kinds = [kind for kind in kinds if not exactly or shares[kind, task.k, 0]["count"] == task.k]
    return {kind: task.found.mean(task.reading, channels=kind).value for kind in kinds}


def best_held(task, *goals):
    own = {"edit": "image to image", "prompts": "few"}
    held = task.found.options("steps", edit="image to image", mask="", prompts="few")
    means = {len(s): sum(task.found.mean(goal + task.reader, steps=s, **own).value for goal in goals) for s in held}
    return argbest(means)


def line_of(figures, task, name, largest):
    values = figures(task)["lines"][name][0]
    return int(np.argmax(values) if largest else np.argmin(values))


def divisors(task):
    from fewchannels.figures.level_pattern import divisors

    return divisors(task.found)


def places(task):
    from fewchannels.figures.content_or_gain import by_place

    return by_place(task.found, "blocks")


def held_count(task, by=0, block=None):
    """Of chapter 8: how many channels hold the share, ranked by scores (0) or by energy (1)."""
    arrays = task.run.frozen()
    block = task.block if block is None else block
    order = np.argsort(-arrays[by][block], kind="stable")
    held = np.cumsum(arrays[1][block][order]) / arrays[1][block].sum()
    return int((held < task.share).sum()) + 1


def reached(task, name="", block=-1):
    """Of chapter 10: the number of the moment."""
    course = task.trainings[name or task.training]
    return int(course.first(course.size[:, block] > task.times))


def pictures_at(task, name="", block=-1, before=0):
    return int(task.trainings[name or task.training].images[reached(task, name, block) - before])


def trained(task, *changes, seeds=(0, 1, 2), at="loss"):
    """Of chapter 11: trainings of the recipe with each of these changes."""
    return [({**task.recipe, **change}, seed) for change in changes for seed in seeds], at


def of_seed(task, arm):
    return next(one for one in task.arms[arm] if one.seed == task.seed)


def ended(task, arm):
    return of_seed(task, arm)["kurtosis"][-1, -1]


def equally_far(task, block):
    ours, base = of_seed(task, task.arm), of_seed(task, "base")
    level = max(ours["loss"].min(), base["loss"].min())
    return ours.at_loss("kurtosis", level)[block] / base.at_loss("kurtosis", level)[block]


def first_of_covariance(tokens):
    values = np.linalg.eigvalsh(np.cov(tokens, rowvar=False))
    return values[-1] / values.sum()


def design(**changes):
    return lambda task: task.base.but(**changes)


DESIGN = {"no change": design(), "nothing edited": design(strength=0)}
PAIRS = {  # claims about what is moved between pairs: the set may change
    **DESIGN,
    "two things": design(channels="bottom", blocks=(0,)),
    "another question": design(blocks=(0,)),
    "another count": lambda task: task.base.but(channels="bottom", k=2 * task.k),
    "holds the top": design(channels="random of all", draw=3),
    "calibration": design(channels="bottom", prompts="tried"),
    "cannot be run": design(channels="largest"),
}

MISTAKES = {
    "ch0.hook": HOOK,
    "ch0.how_many": {name: how_many(name) for name in ("smallest channels", "not squared", "bytes")},
    "ch0.where": {
        "wrong axis": lambda task: int(np.abs(task.stats.mean)[..., task.channel].mean((0, 1)).argmax()),
        "from one": lambda task: task.expected + 1,
        "signed": lambda task: int(task.stats.mean[..., task.channel].mean((0, 2)).argmax()),
        "least": lambda task: int(np.abs(task.stats.mean)[..., task.channel].mean((0, 2)).argmin()),
    },
    "ch1.score": {name: lambda task, one=one: one for name, one in SCORE.items()},
    "ch1.chance": {
        "share of one set": lambda task: task.k / task.width,
        "union too large": lambda task: task.k**2 / task.width / (2 * task.k),
        "count": lambda task: task.k**2 / task.width,
        "percent": lambda task: 100 * (task.k / task.width) / (2 - task.k / task.width),
    },
    "ch1.faithful": {
        "count": lambda task: int(np.bincount(np.concatenate(task.rows)).max()),
        "once": lambda task: next(
            int(c) for row in task.rows for c in row if sum(c in other for other in task.rows) == 1
        ),
        "index": lambda task: 0,
    },
    "ch2.ablation": {name: lambda task, one=one: one for name, one in ABLATION.items()},
    "ch2.proportion": {
        "upside down": lambda task: task.share["width"] / task.share["energy"],
        "energy alone": lambda task: task.share["energy"],
        "a channel": lambda task: task.share["energy"] / task.share["count"],
        "difference": lambda task: task.share["energy"] - task.share["width"],
        "another k": lambda task: np.divide(*(task.others[0][part] for part in ("energy", "width"))),
    },
    "ch2.dearest": {
        "from one": lambda task: argbest(block_means(task, task.kind)) + 1,
        "least": lambda task: argbest(block_means(task, task.kind), False),
        "another set": lambda task: argbest(block_means(task, task.other)),
    },
    "ch3.clusters": {name: lambda task, one=one: one for name, one in CLUSTERS.items()},
    "ch3.coin": {
        "not over the union": lambda task: task.subject * task.coin,
        "counted twice": lambda task: task.subject * task.coin / (task.subject + task.coin),
        "of the subject": lambda task: task.coin,
        "Dice": lambda task: 2 * task.subject * task.coin / (task.subject + task.coin),
        "percent": lambda task: 100 * task.expected,
    },
    "ch3.worst": {
        "from one": lambda task: task.expected + 1,
        "other end": lambda task: argbest(by_noise(task, task.kind), task.best == "least"),
        "another level": lambda task: argbest(by_noise(task, task.kind, 1.0), task.best != "least"),
        "another set": lambda task: argbest(
            by_noise(task, "all" if task.kind != "all" else "top"), task.best != "least"
        ),
    },
    "ch4.design": PAIRS,
    "ch4.lost": {
        "taken": lambda task: task.found.mean("taken", channels=task.kind).value,
        "kept": lambda task: task.found.mean("kept", channels=task.kind).value,
        "both": lambda task: 1 - task.expected,
        "not taken": lambda task: 1 - task.found.mean("taken", channels=task.kind).value,
        "another set": lambda task: (
            task.found.mean("neither", channels="random" if task.kind == "top" else "top").value
        ),
    },
    "ch4.strongest": {
        "another count": lambda task: argbest(brought(task, False)),
        "weakest": lambda task: argbest(brought(task, True), False),
        "top": lambda task: "Top ".strip().lower(),
    },
    "ch5.design": {
        **DESIGN,
        "two things": design(mask="", blocks=(0,)),
        "another question": design(channels="bottom"),
        "calibration": design(mask="", prompts="tried"),
        "cannot be run": design(blocks=(11,)),
    },
    "ch5.both_goals": {
        "plain mean": lambda task: np.mean([task.adopted, task.kept]),
        "geometric": lambda task: np.sqrt(task.adopted * task.kept),
        "product": lambda task: task.adopted * task.kept,
        "half": lambda task: 1 / (1 / task.adopted + 1 / task.kept),
    },
    "ch5.held_for": {
        "subject alone": lambda task: best_held(task, "subject taken"),
        "scene alone": lambda task: best_held(task, "scene kept"),
        "index": lambda task: task.expected - 1,
        "plain mean": lambda task: best_held(task, "subject taken", "scene kept"),
    },
    "ch6.design": {
        **DESIGN,
        "two things": design(edit="shuffle", blocks=(0,)),
        "another question": design(mask="union"),
        "another count": lambda task: task.base.but(channels="bottom", k=2 * task.k),
        "holds the top": design(channels="random of all", draw=3),
        "cannot be run": design(edit="flip"),
    },
    "ch6.share_of_level": {
        "not squared": lambda task: task.level / (task.level + task.pattern),
        "pattern": lambda task: 1 - task.expected,
        "ratio": lambda task: (task.level / task.pattern) ** 2,
        "root": lambda task: np.sqrt(task.expected),
    },
    "ch6.heaviest": {
        "from one": lambda task: task.expected + 1,
        "least": lambda task: line_of(divisors, task, task.line, True),
        "another line": lambda task: line_of(
            divisors, task, "pattern gone, top" if "level" in task.line else "level gone, top", False
        ),
    },
    "ch7.design": {**{name: one for name, one in PAIRS.items() if name != "calibration"}},
    "ch7.contaminated": {
        "none": lambda task: np.prod([(task.width - task.k - i) / (task.width - i) for i in range(task.k)]),
        "count": lambda task: task.k * task.k / task.width,
        "first alone": lambda task: task.k / task.width,
        "all blocks": lambda task: 1 - (1 - task.expected) ** 6,
    },
    "ch8.design": {
        "tokens": lambda task: max(1, task.expected / 144),
        "steps": lambda task: max(1, task.expected / len(task.run.steps)),
        "one deviation": lambda task: np.ceil((task.deviation / task.difference) ** 2),
        "not squared": lambda task: np.ceil(1.96 * task.deviation / task.difference),
        "far too many": lambda task: 10 * task.expected,
    },
    "ch8.chance": {
        "share of one set": lambda task: task.k / task.width,
        "count": lambda task: task.k**2 / task.width,
        "percent": lambda task: 100 * task.expected,
    },
    "ch8.half": {
        "one short": lambda task: held_count(task) - 1,
        "another block": lambda task: held_count(task, block=0 if task.block else -1),
        "by energy": lambda task: held_count(task, by=1),
        "share of the width": lambda task: round(task.share * task.run.width),
    },
    "ch9.design": {
        **DESIGN,
        "two things": design(through="content", blocks=(0,)),
        "another question": design(blocks=(0,)),
        "cannot be run": design(through="content", edit="louder"),
        "not content": design(strength=2),
    },
    "ch9.louder": {
        "no root": lambda task: 1 / (1 - task.share),
        "softer": lambda task: np.sqrt(1 - task.share),
        "of the channel": lambda task: 1 / np.sqrt(task.share),
        "increase": lambda task: 1 / np.sqrt(1 - task.share) - 1,
    },
    "ch9.heaviest": {
        "from one": lambda task: task.expected + 1,
        "other way": lambda task: line_of(
            places, task, "content" if task.way == "gain" else "gain", task.best == "most"
        ),
        "other end": lambda task: line_of(places, task, task.way, task.best != "most"),
    },
    "ch10.design": {
        "old ones": lambda task: [(0, task.first), (task.first, task.first)],
        "one": lambda task: [(task.first, task.first)],
        "together": lambda task: [(task.first, task.first), (task.first + 1, task.first + 1)],
        "weights alone": lambda task: [(task.first, task.first), (task.first + 1, task.first)],
        "data alone": lambda task: [(task.first, task.first), (task.first, task.first + 1)],
        "not crossed": lambda task: [(task.first + a, task.first + b) for a, b in ((0, 0), (0, 1), (1, 0))],
    },
    "ch10.moments": {
        "doublings": lambda task: int(np.log2(task.last / 1000)) + 1,
        "without the first": lambda task: int(2 * np.log2(task.last / 1000)),
        "one beyond": lambda task: int(2 * np.log2(task.last / 1000)) + 2,
    },
    "ch10.overlap": {
        "of one set": lambda task: task.shared / task.k,
        "counted twice": lambda task: task.shared / task.k / 2,
        "apart": lambda task: 1 - task.shared / (2 * task.k - task.shared),
    },
    "ch10.tenfold": {
        "number of the moment": lambda task: reached(task),
        "moment before": lambda task: pictures_at(task, before=1),
        "first block": lambda task: pictures_at(task, block=0),
        "another training": lambda task: next(
            made for name in task.trainings if (made := pictures_at(task, name)) != pictures_at(task)
        ),
    },
    "ch11.design": {
        "no base": lambda task: trained(task, {task.part: 0}),
        "another part": lambda task: trained(task, {}, {"batch": 64}),
        "two things": lambda task: trained(task, {}, {task.part: 0, "batch": 64}),
        "unpaired": lambda task: ([*trained(task, {})[0], *trained(task, {task.part: 0}, seeds=(3, 4, 5))[0]], "loss"),
        "few seeds": lambda task: trained(task, {}, {task.part: 0}, seeds=(0,)),
        "equal images": lambda task: trained(task, {}, {task.part: 0}, at="images"),
    },
    "ch11.equal_loss": {
        "equal images": lambda task: ended(task, task.arm) / ended(task, "base"),
        "other way up": lambda task: 1 / task.expected,
        "first block": lambda task: equally_far(task, block=0),
    },
    "ch11.direction": {
        "of a channel": lambda task: ((task.tokens**2).sum(axis=0) / (task.tokens**2).sum()).max(),
        "not squared": lambda task: np.linalg.norm(task.tokens, 2) / np.linalg.norm(task.tokens, "nuc"),
        "centred": lambda task: first_of_covariance(task.tokens),
    },
    "ch90.begins_at": {
        "from one": lambda task: task.registers + task.text + 1,
        "no registers": lambda task: task.text,
        "from the end": lambda task: task.grid[0] * task.grid[1],
        "last of the text": lambda task: task.registers + task.text - 1,
    },
    "ch90.blocks": {
        "order": lambda task: Blocks("ribbons", "txt_img"),
        "one row": lambda task: Blocks("ribbons", "fused", image="last"),
        "image alone": lambda task: Blocks("ribbons", "img"),
        "path": lambda task: Blocks("blocks", "img_txt"),
    },
}
