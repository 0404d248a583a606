"""A subject from an image file into new scenes, by the channels of the image's own trajectory (paper, image-conditioned
transport; what the paper leaves open is a choice of ours here).

case = subject_case(model, 64, folder, masks_on=massive)
cells = sweep({"top 8": moved(case, massive), "image-to-image": image_to_image(case, 3)})
bootstrap_interval(goals(cells["top 8"]), statistic=harmonic)  # subject adoption and scene retention in one number

Beside transport stand image-to-image (SDEdit, Meng et al., 2022, arXiv 2108.01073), pasting the noised reference's
latents under the same mask (as in Blended Diffusion, Avrahami et al., 2022, arXiv 2111.14818), and the subject's name
in the prompt, without any image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..inversion import encode, renoised
from ..judges import ToyJudge
from ..metrics import squared_distance
from ..patching import inject
from ..sweep import sweep
from ..toyworld.prompts import Attributes, format_prompt
from .cases import STEPS, Calibration, calibrate, control_sets
from .pairs import SCENE, SUBJECT, harmonic_mean, mean_over
from .subjects import SubjectCase, subject_case

K = 8
COUNTS = (1, 2, 4, 8, 16, 32, 64)
FEW = (8, 16, 32)  # the counts that transport's best setting is chosen among: few channels are the claim
# What `choose` took on 16 calibration pairs; `full_study` chooses anew and keeps its choice beside its numbers.
CHOSEN = {
    "transport": {"k": 32, "mask": "source"},
    "image-to-image": {"steps": 3},
    "pasting": {"steps": 7, "mask": "source"},
    "inversion": {"iterations": 1, "own_noise": False},
}


def moved(case: SubjectCase, channels, mask: str | None = "union", steps=None) -> Callable[[], dict]:
    """A condition: the reference's channels (None: all) into the target, under one of `case.masks` (None: everywhere)
    and in a window of steps (None: all)."""
    return lambda: case.condition(
        inject, case.source, channels, mask=None if mask is None else case.masks[mask], steps=steps
    )()


def image_to_image(case: SubjectCase, steps: int) -> Callable[[], dict]:
    """A condition: the target prompt takes over from the noised reference after `steps` steps (SDEdit, Meng et al.)."""
    return lambda: case.condition(renoised, encode(case.model, case.files, *_size(case)), steps)()


def pasted(case: SubjectCase, steps: int, mask: str = "union") -> Callable[[], dict]:
    """A condition: for `steps` steps the noised reference is pasted over the target's latents, under the same mask."""
    return lambda: case.condition(
        renoised, encode(case.model, case.files, *_size(case)), steps, mask=case.masks[mask]
    )()


def _size(case: SubjectCase) -> tuple[int | None, int | None]:
    return case.generation.get("height"), case.generation.get("width")


def in_words(case: SubjectCase) -> Callable[[], dict]:
    """A condition without any image: the new scene's prompt names the reference's subject."""
    pairs = [(p.source, p.target) for p in case.pairs]
    words = [format_prompt(Attributes(s.subjects, t.texture, t.background)) for s, t in pairs]
    return lambda: case.measure(case.draw(prompts=words))


def untouched(case: SubjectCase) -> Callable[[], dict]:
    """A condition: the target as it is. From inverted noise that is what the noise alone brings along."""
    return lambda: case.measure(case.untouched)


def goals(cell: dict[str, np.ndarray]) -> np.ndarray:
    """[P, 2]: the share of the subject's differences that was adopted, and of the scene's that was retained."""
    return np.stack([mean_over(cell["adopted"], SUBJECT), mean_over(cell["retained"], SCENE)], axis=1)


def harmonic(rows: np.ndarray) -> float:
    """The harmonic mean of both goals' means; rows [P, 2] as of `goals`. With [P, 4], the first two columns' minus
    that of the last two, for the difference of two methods on the same pairs."""
    means = np.nanmean(rows, axis=0)
    values = harmonic_mean(means[0::2], means[1::2])
    return float(values[0] if len(values) == 1 else values[0] - values[1])


def choose(cells: dict[str, dict[str, np.ndarray]]) -> str:
    """The condition with the highest harmonic mean of both goals; the first of equals."""
    return max(cells, key=lambda name: harmonic(goals(cells[name])))


def trajectories(case_of: Callable[..., SubjectCase], ways: dict[str, dict]) -> dict[str, dict[str, np.ndarray]]:
    """What each way makes of the same references: "error" [P], the mean squared distance of what its trajectory ends in
    to the reference; and of its start noise "mean", "deviation" and "neighbours" [P], the correlation of horizontal
    neighbours in the latents, 0 for white noise. case_of(**options) gives the case of a way."""
    found = {}
    for name, options in ways.items():
        case = case_of(**options)
        found[name] = {"error": squared_distance(case.source.images, case.references).astype(np.float32)}
        noise = case.source.latents
        if noise is not None and noise.ndim == 4:
            flat, left, right = (x.flatten(1).double() for x in (noise, noise[..., :-1], noise[..., 1:]))
            left, right = (x - x.mean(dim=1, keepdim=True) for x in (left, right))
            together = (left * right).mean(dim=1) / (left.square().mean(dim=1) * right.square().mean(dim=1)).sqrt()
            for part, values in (("mean", flat.mean(dim=1)), ("deviation", flat.std(dim=1)), ("neighbours", together)):
                found[name][part] = values.cpu().numpy().astype(np.float32)
    return found


def candidates(case: SubjectCase, calibration: Calibration) -> dict[str, dict[str, tuple[dict, Callable]]]:
    """The settings of each method that compete on calibration pairs: {method: {name: (setting, condition)}}."""
    return {
        "transport": {
            f"top {k}, {mask} mask": ({"k": k, "mask": mask}, moved(case, calibration.top(k), mask))
            for k in FEW
            for mask in ("source", "union")
        },
        "image-to-image": {
            f"image-to-image {n}": ({"steps": n}, image_to_image(case, n)) for n in range(1, max(2, case.steps - 2))
        },
        "pasting": {
            f"pasting {n}, {mask} mask": ({"steps": n, "mask": mask}, pasted(case, n, mask))
            for n in range(case.steps // 2, case.steps + 1, 2)
            for mask in ("source", "union")
        },
    }


def inversions(case_of: Callable[..., SubjectCase], calibration: Calibration, k: int, mask: str, iterations=(1, 3)):
    """The variants of inversion that compete, as `candidates`: rounds of the fixed point, and the target's start."""
    found = {}
    for rounds in iterations:
        for own in (False, True):
            case = case_of(way="invert", iterations=rounds, own_noise=own)
            setting = {"iterations": rounds, "own_noise": own}
            name = f"inverted {rounds}, {'own' if own else 'shared'} noise"
            found[name] = (setting, moved(case, calibration.top(k), mask))
    return found


def best_conditions(case, inverted, calibration: Calibration, chosen: dict) -> dict[str, Callable]:
    """Each method at its chosen setting: "best transport", "best image-to-image", "best pasting", "best inversion"."""
    transport = calibration.top(chosen["transport"]["k"]), chosen["transport"]["mask"]
    return {
        "best transport": moved(case, *transport),
        "best image-to-image": image_to_image(case, **chosen["image-to-image"]),
        "best pasting": pasted(case, **chosen["pasting"]),
        "best inversion": moved(inverted, *transport),
        "inverted noise alone": untouched(inverted),
    }


def headline(case: SubjectCase, sets: dict, k: int = K) -> dict[str, Callable]:
    """k channels under the union of both masks, beside their controls, no transport, and the subject in words."""
    own = {f"top {k}": sets["top"], f"bottom {k}": sets["bottom"]}
    own |= {name: chosen for name, chosen in sets.items() if name.startswith("random ") and name[-1].isdigit()}
    own |= {"energy-matched": sets["energy-matched"]} if "energy-matched" in sets else {}
    return {
        "untouched": untouched(case), "in words": in_words(case),
        **{name: moved(case, chosen) for name, chosen in own.items()},
        "all channels": moved(case, None),
    }  # fmt: skip


def sweeps(case: SubjectCase, calibration: Calibration, chosen: dict) -> dict[str, Callable]:
    """Counts, mask owners, step windows, strengths of image-to-image, steps of pasting, wider controls."""
    k, last = chosen["transport"]["k"], case.steps
    found = {f"top {n}": moved(case, calibration.top(n)) for n in COUNTS if n <= calibration.width}
    found["all channels"] = moved(case, None)
    wide = control_sets(calibration, k, draws=1)
    found |= {
        f"{name} {k}": moved(case, wide[key])
        for name, key in (("random", "random 1"), ("bottom", "bottom"), ("complement of", "complement"))
    }
    for mask in ("source", "target", "truth", None):
        found[f"top {k}, {mask or 'no'} mask"] = moved(case, calibration.top(k), mask)
    half = last // 2
    for first, end in ((0, half), (half, last), (0, last - 2), (2, last)):
        if first < end:
            found[f"top {k}, steps {first + 1} to {end}"] = moved(case, calibration.top(k), steps=slice(first, end))
    found |= {f"image-to-image {n}": image_to_image(case, n) for n in range(1, last)}
    found |= {f"pasting {n}, source mask": pasted(case, n, "source") for n in range(2, last + 1)}
    return found


def full_study(model, store, report=None, n: int = 128, seed: int = 0, steps: int = STEPS):
    """All of it: (case, cells by "group: condition", index with the chosen settings); n pairs for headline numbers, a
    quarter of them for all else, and as many calibration pairs for the choice of settings. Raises ValueError for fewer
    than 2 steps, between which image-to-image could take over."""
    if steps < 2:
        raise ValueError(f"steps={steps}: expected at least 2, between which image-to-image takes over")
    with tempfile.TemporaryDirectory() as folder:
        return _full_study(model, store, report, n, seed, steps, Path(folder))


def _full_study(model, store, report, n, seed, steps, folder):
    calibration = calibrate(model, steps=steps)
    sets, few, judge = control_sets(calibration, K), max(2, n // 4), ToyJudge()
    cells: dict[str, dict[str, np.ndarray]] = {}
    chosen: dict[str, dict] = {}

    def case_of(count, **options):
        options = {"seed": seed, "steps": steps, **options}
        return subject_case(model, count, folder, masks_on=calibration.top(K), judge=judge, **options)

    def run(group, case, conditions):
        done = sweep(conditions, store, case.key(study="subject_transport", group=group, chosen=chosen), report)
        cells.update({f"{group}: {name}": cell for name, cell in done.items()})
        return done

    apart = {"split": "calibration", "seed": seed + 1}
    tuning = case_of(few, **apart)
    for method, options in candidates(tuning, calibration).items():
        done = run("calibration", tuning, {name: condition for name, (_, condition) in options.items()})
        chosen[method] = options[choose(done)][0]
    variants = inversions(lambda **options: case_of(few, **apart, **options), calibration, **chosen["transport"])
    done = run("calibration", tuning, {name: condition for name, (_, condition) in variants.items()})
    chosen["inversion"] = variants[choose(done)][0]
    del tuning, variants, options

    ways = {"renoise": {}, "invert 1": {"way": "invert"}, "invert 3": {"way": "invert", "iterations": 3}}
    for name in ways:
        measured = sweep(
            {name: lambda name=name: trajectories(lambda **o: case_of(few, **o), {name: ways[name]})[name]},
            store, case_of(few).key(study="subject_transport", group="ways"), report,
        )  # fmt: skip
        cells[f"ways: {name}"] = measured[name]

    case = case_of(n)
    inverted = case_of(n, way="invert", **chosen["inversion"])
    run("same", case, {**headline(case, sets), **best_conditions(case, inverted, calibration, chosen)})
    del inverted
    swept = case_of(few)
    run("sweep", swept, sweeps(swept, calibration, chosen))
    del swept
    k = chosen["transport"]["k"]
    empty = case_of(few, caption="")
    run("empty caption", empty, {f"top {c}": moved(empty, calibration.top(c)) for c in sorted({K, k})})
    for place in ("elsewhere", "nothing"):
        other = case_of(few, place=place)
        mask = "source" if place == "nothing" else "union"  # an empty scene has no subject to find a mask of
        found = {"untouched": untouched(other), "random 1": moved(other, sets["random 1"], mask)}
        found |= {f"top {c}": moved(other, calibration.top(c), mask) for c in sorted({K, k})}
        if mask == "union":
            found[f"top {k}, source mask"] = moved(other, calibration.top(k), "source")
        found |= {
            "all channels": moved(other, None, mask),
            "image-to-image": image_to_image(other, **chosen["image-to-image"]),
            "pasting": pasted(other, **chosen["pasting"]),
        }
        run(place, other, found)
    index = {"k": K, "chosen": chosen, "counts": list(COUNTS), "sweep": few}
    return case, cells, index
