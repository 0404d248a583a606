"""Runs of several models beside each other, from here and from files, in the form that figures and tables take; and
what the chapters would cost a model that nobody has loaded.

ahead("black-forest-labs/FLUX.2-klein-4B")                # pictures and hours of each chapter, a table
runs, refused = gathered(model, n=12)
show(plots.lines(over_depth(runs, ModelRun.ratio), "depth", "largest / median channel"), alt="...")
at_equal_energy(runs)                                      # a table
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..measure.contributed import ModelRun, channels_for_share, energy_held, measured_run, read_folder, results_folder
from ..models import load
from ..models.needs import GPUS, Gpu, minutes
from ..models.preset import Preset
from ..models.presets import PRESETS
from ..reading.worlds import texts, world_of
from ..runfile import save_run
from ..studies import STUDIES
from ..studies.cost import Ahead
from ..studies.views import Table

TOY_PROMPTS = 12
CHAPTERS = {  # that have a study, and on how many prompts they run it on a model that no committed run is of
    2: ("critical", 16),
    3: ("spatial", 16),
    4: ("text_transport", 12),
    5: ("subject_transport", 16),
    6: ("level_pattern", 12),
}
SHORT, LONG = 1, 8  # hours for which an n is recommended
KNOWN = (  # of each family one, small and large
    "black-forest-labs/FLUX.2-klein-4B",
    "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS",
    "Tongyi-MAI/Z-Image-Turbo",
    "black-forest-labs/FLUX.1-schnell",
    "stabilityai/stable-diffusion-3.5-medium",
    "black-forest-labs/FLUX.1-dev",
    "Qwen/Qwen-Image",
)


def ahead(name: str, steps: int = 0) -> Table:
    """A Markdown table of what each chapter with a study would cost a checkpoint, before anything is loaded: its
    pictures, and for every GPU the hours, and the n that `SHORT` and `LONG` hours allow. steps: of a picture, 0 for the
    checkpoint's own. Raises ValueError for a name that the table of models does not hold, or of which a part is not
    known."""
    preset = _known(name, steps)
    cards = {gpu.name.partition(" ")[0]: gpu for gpu in GPUS}  # the two A100 compute alike
    head = ("chapter", "n", "pictures", *(f"hours on {card}" for card in cards))
    rows = []
    for chapter, (study, n) in CHAPTERS.items():
        told = Ahead.of(STUDIES[study], preset)
        rows.append((chapter, n, f"{told.pictures(n):,}", *(_hours(told, n, gpu) for gpu in cards.values())))
    return Table.of(head, rows, 0)


def hours(gpu: str, names: Sequence[str] = KNOWN, steps: int = 0) -> Table:
    """A Markdown table of checkpoints by chapter, the quickest first: hours on a GPU, by its name in `models.needs`, at
    the chapter's own n, and the n that `SHORT` and `LONG` hours allow. Errors as of `ahead`, and ValueError for an
    unknown GPU."""
    card, rows = _card(gpu), []
    presets = {name: _known(name, steps) for name in names}
    for name, preset in sorted(presets.items(), key=lambda one: minutes(one[1], card, 1)):
        cells = (_hours(Ahead.of(STUDIES[study], preset), n, card) for study, n in CHAPTERS.values())
        rows.append((name.rpartition("/")[2], preset.steps, f"{60 * minutes(preset, card, 1):.1f}", *cells))
    chapters = (
        f"chapter {chapter}, n = {n}".replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
        for chapter, (_, n) in CHAPTERS.items()
    )
    return Table.of(("model", "steps", "seconds a picture", *chapters), rows)


def _known(name: str, steps: int) -> Preset:
    if name not in PRESETS:
        raise ValueError(
            f"{name!r} is not in the table of models, so its size is not known: it has {', '.join(PRESETS)}"
        )
    preset = replace(PRESETS[name], **({"steps": steps, "study_steps": None} if steps else {}))
    if minutes(preset, GPUS[0], 1) is None:
        raise ValueError(f"of {name} the steps, the size or the parameters are not known: draw one picture and time it")
    return preset


def _card(name: str) -> Gpu:
    found = next((gpu for gpu in GPUS if gpu.name == name), None)
    if found is None:
        raise ValueError(f"gpu={name!r}: expected one of {', '.join(gpu.name for gpu in GPUS)}")
    return found


def _hours(told: Ahead, n: int, gpu: Gpu) -> str:
    """Hours, and behind them the n that the short and the long time allow; a dash where they allow no two prompts."""
    taken = told.hours(n, gpu)
    sizes = (str(told.largest(limit, gpu) or "\N{EN DASH}") for limit in (SHORT, LONG))
    shown = "< 0.1" if taken < 0.05 else f"{taken:.1f}" if taken < 10 else f"{taken:,.0f}"
    return f"{shown} ({', '.join(sizes)})".replace(" ", "\N{NO-BREAK SPACE}")


def gathered(
    model, n: int, *, seed: int = 0, steps: int = 0, k: int = 0, folder: str = "", save: str = "", store=None
) -> tuple[dict[str, ModelRun], dict[str, str]]:
    """Runs by name, and for each file that is no run the reason why: one of `model` made here on n prompts; the toy
    world's, where that is another; and all that lie in a folder (results/real of the repository).

    save: a file to keep the run made here in. Raises FileNotFoundError where its folder is not there.
    """
    path = Path(save).expanduser()
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save={save!r}: that folder is not there; make it first")
    runs = {model.name: _run(model, n, seed, steps, k, store)}
    if save:
        save_run(path, runs[model.name].run)
    if not world_of(model).exact:
        runs["toyworld"] = _run(load("toyworld", device="cpu"), TOY_PROMPTS, seed, 0, 0, store)
    found, refused = read_folder(results_folder(folder))
    runs |= {name if name not in runs else f"{name} (from a file)": run for name, run in found.items()}
    return runs, refused


def _run(model, n: int, seed: int, steps: int, k: int, store) -> ModelRun:
    steps, world = steps or model.preset.study_steps or model.steps, world_of(model)
    prompts = texts(world, world.prompts(n))
    made = measured_run(model, prompts, seed=seed, steps=steps, k=k or model.preset.k, store=store)
    return ModelRun.of(made, model.name)


def sources(runs: Mapping[str, ModelRun]) -> str:
    """For under a figure: what made each run."""
    return " ".join(f"{name}: {run.source()}" for name, run in runs.items())


def over_depth(runs: Mapping[str, ModelRun], measure: Callable[[ModelRun], np.ndarray | None]) -> dict:
    """What `plots.lines` takes: a measure [L, 3] of each run that has it, over relative depth."""
    rows = {name: measure(run) for name, run in runs.items()}
    return {name: (runs[name].depth, *np.asarray(row).T) for name, row in rows.items() if row is not None}


def by_rank(runs: Mapping[str, ModelRun]) -> dict:
    """What `plots.lines` takes: scores of the middle block over the median, largest first, by share of the width."""
    found = {}
    for name, run in runs.items():
        scores = run.frozen()[0][len(run.depth) // 2]
        ranks = np.arange(1, run.width + 1) / run.width
        found[name] = ranks, np.sort(scores)[::-1] / max(np.median(scores), 1e-12)
    return found


def held_by_largest(runs: Mapping[str, ModelRun]) -> dict:
    """What `plots.lines` takes: the share of the middle block's energy in a growing share of its largest channels."""
    return {
        name: (np.arange(1, run.width + 1) / run.width, energy_held(*run.frozen())[len(run.depth) // 2])
        for name, run in runs.items()
    }


def compared_share(runs: Mapping[str, ModelRun]) -> float:
    """The share of the energy at which models are compared: what the toy's top k hold in its median block, with one set
    for all prompts and steps (of the first run, where the toy is not among them)."""
    reference = runs.get("toyworld", next(iter(runs.values())))
    return float(np.median(energy_held(*reference.frozen())[:, reference.k - 1]))


def described(runs: Mapping[str, ModelRun]) -> Table:
    """A Markdown table: what each run is of, and what made it."""
    head = ("model", "class", "blocks", "channels", "tokens", "k", "prompts", "made by")
    rows = []
    for name, one in runs.items():
        made, grid = one.run.provenance, one.run.index.get("grid") or ["unknown"]
        size = len(one.depth), f"{one.width:,}", " x ".join(map(str, grid)), f"{one.k} ({one.k / one.width:.1%})"
        count = f"{len(one.run.prompts)}{' (merged)' if one.merged else ''}"
        rows.append((name, made.get("class") or "unknown", *size, count, made.get("command") or "a run"))
    return Table.of(head, rows, 2)


def at_equal_energy(runs: Mapping[str, ModelRun]) -> Table:
    """A Markdown table: how much the top k hold, and how many channels hold `compared_share`."""
    share = compared_share(runs)
    head = ("model", "top k", "hold, ranked for each prompt and step", f"channels for {share:.0%} (median block)")
    rows = []
    for name, run in runs.items():
        needed = channels_for_share(*run.frozen(), share)
        middle = np.median(needed)
        top = f"{run.k} ({run.k / run.width:.1%})", f"{run.share()[:, 0].mean():.0%}"
        rows.append((name, *top, int(middle), f"{middle / run.width:.1%}", f"{needed.min()} to {needed.max()}"))
    return Table.of((*head, "of the width", "blocks apart"), rows)


def steadiness(runs: Mapping[str, ModelRun]) -> Table:
    """A Markdown table: overlap of the top sets between prompts and between steps, mean over blocks with the least and
    the most, at k and at the number that holds `compared_share`, beside chance."""
    share = compared_share(runs)
    rows = []
    for name, run in runs.items():
        equal = min(int(np.median(channels_for_share(*run.frozen(), share))), run.width)
        for kind, count in (("at k", run.k), (f"at {share:.0%} of the energy", equal)):
            overlaps = map(_told, (run.over_prompts(count), run.over_steps(count)))
            rows.append((name, kind, count, *overlaps, f"{run.chance(count):.3f}"))
    return Table.of(("model", "compared", "channels", "between prompts", "between steps", "chance"), rows, 2)


def _told(rows: np.ndarray | None) -> str:
    if rows is None:
        return "not in the file"
    return f"{np.nanmean(rows[:, 0]):.2f} ({np.nanmin(rows[:, 0]):.2f} to {np.nanmax(rows[:, 0]):.2f})"


def steady_channels(run: ModelRun, most: int = 6) -> np.ndarray:
    """Up to `most` channels that are in the top k of more than half of the blocks, most frequent first."""
    scores = run.frozen()[0]
    tops = np.argsort(-scores, axis=1)[:, : run.k]
    counts = np.bincount(tops.ravel(), minlength=run.width)
    order = np.argsort(-counts, kind="stable")[:most]
    return order[counts[order] > len(scores) / 2]


def first_maps(runs: Mapping[str, ModelRun]) -> dict:
    """`ModelRun.maps` of each run whose file keeps them."""
    return {name: shown for name, run in runs.items() if (shown := run.maps()) is not None}
