"""What a chapter does on any model: open it, try one picture, run a study or read the run that comes with the book.

    dit = open_chapter(model, options)             # options go to load: {"offload": "model", "generation": {...}}
    prompts = prompts_for(dit, 4)                  # or pairs_for(dit, 4): sources, targets
    found = run_study(studies.critical, dit, n)    # Results: the committed run where it fits, else one made now

On the toy world, which draws in a moment, all of it is silent. On another model nothing is downloaded before its
weights are known to fit, and one picture is drawn and measured before anything long begins.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..channels import StrictCriterion, largest_over_median
from ..edits.inversion import why_no_picture
from ..masks.subjects import to_grid
from ..measure.survey import Survey, survey_channels
from ..metrics import UNKNOWN, Interval
from ..models import Model, load, preset_of
from ..prompts.natural import natural_prompts
from ..reading.judges import ClipJudge, ClipSegJudge, ImageJudge
from ..reading.worlds import World, texts, world_of
from ..runfile import load_run
from ..studies.groups import own_pictures, references
from ..studies.replicas import OWN, PREDECESSOR, differences, replicas
from ..studies.results import Results
from ..studies.shipped import disagreeing, shipped
from ..studies.spatial import final_masks
from ..studies.study import Study, run
from ..watch.hooks import capture
from ..watch.statistics import ChannelStats
from .cells import say, show, start
from .claims import beside_the_code

JUDGES = {"clip": ClipJudge, "segmenter": ClipSegJudge}
DRIVE = Path("/content/drive")


def open_chapter(
    model: str | Model, options: Mapping[str, object] | None = None, store: str | Path = "", changed: bool = False
) -> Model:
    """The model, ready for a chapter: loaded by `load(model, **options)`, tried on one prompt, and introduced.

    Where the model is gated and no token is at hand, a form asks for one, and PermissionError says to run it again.
    Raises what `load` raises, whose messages say what to do next, and TypeError for an option that load does not take.
    store: the folder that will keep results; one on Google Drive is mounted here, on Colab. changed: whether a reader
    has set n, seed, steps or k, in a chapter that reads no committed run: then claims are told instead of asserted.
    """
    if store and DRIVE in Path(store).parents and "google.colab" in sys.modules and not DRIVE.is_dir():
        importlib.import_module("google.colab.drive").mount(str(DRIVE))
    start(model)
    _log_in(model)
    dit = load(model, **dict(options or {}))
    start(f"{dit.name}, other settings" if changed else dit)
    if world_of(dit).exact:
        return dit
    record = dit.provenance()
    say(
        f"**{dit.name}** ({record['class']}, revision {str(record['revision'])[:19]}), {len(dit.layers)} blocks, "
        f"{record['dtype']} on {record['device']}, {dit.steps} steps"
        + "".join(f", {name} {value}" for name, value in dit.defaults.items() if name != "num_inference_steps")
        + ". The words of this chapter were written for the toy world: where a sentence names its scenes, read it as "
        "an example. Numbers and figures are this model's own, and claims are reported, not asserted."
    )
    _smoke(dit)
    return dit


def _log_in(model: str | Model) -> None:
    preset = preset_of(getattr(model, "name", model))
    if not preset.gated:
        return
    import huggingface_hub

    if huggingface_hub.get_token() is None:
        huggingface_hub.notebook_login()
        raise PermissionError(
            f"{preset.name} is gated ({preset.licence or 'its page names the licence'}): accept its licence on "
            f"https://huggingface.co/{preset.name}, log in above with a token that may read, and run this cell again"
        )


def _smoke(dit: Model) -> None:
    """One prompt, with what a chapter will do at the least: every block read."""
    prompt = str(natural_prompts(1, "calibration")[0])
    began = time.monotonic()
    with capture(dit, stats := ChannelStats()):
        picture = dit.generate([prompt], seed=0)
    dit.seconds = time.monotonic() - began  # of one picture at the model's own steps, capture included
    from ..plots import images_grid

    show(
        images_grid(picture, titles=[prompt]),
        alt=f"The picture that {dit.name} drew for the prompt: {prompt}.",
        caption=f"A first picture: {prompt}; seed 0, {len(stats.steps)} steps.",
    )
    bad = int(stats.nonfinite.sum())
    grid = " x ".join(map(str, stats.grid))
    say(
        f"One picture took **{dit.seconds:.1f} s** at {len(stats.steps)} steps, on {grid} image tokens of "
        f"{stats.mean.shape[-1]} channels{_peak(dit)}."
        + (f" **{bad} activations were inf or nan**: load it with dtype float32 or bfloat16." if bad else "")
    )


def _peak(dit: Model) -> str:
    import torch

    if dit.device.type != "cuda":
        return ""
    most, whole = torch.cuda.max_memory_allocated(dit.device), torch.cuda.mem_get_info(dit.device)[1]
    return f", with {most / 2**30:.1f} of {whole / 2**30:.0f} GiB of GPU memory at the peak"


def picture_judge(dit: Model, judges: Mapping[str, object] | None = None, kind: str = "clip") -> ImageJudge | None:
    """The judge of real pictures, or None on the toy world, and where it cannot be had, which is said.

    kind: "clip" (scores, features) or "segmenter" (masks). judges: a hub name, a folder or a judge for each kind;
    what is missing takes the judge's default, and None as a value does without.
    """
    if kind not in JUDGES:
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(JUDGES)}")
    unknown = set(judges or {}) - set(JUDGES)
    if unknown:
        raise ValueError(f"judges has {', '.join(sorted(unknown))}: expected {', '.join(JUDGES)}")
    if world_of(dit).exact:
        return None
    wanted = dict(judges or {}).get(kind, JUDGES[kind].default)
    if wanted is None or isinstance(wanted, ImageJudge):
        return wanted
    try:
        return JUDGES[kind](wanted)
    except OSError as error:
        say(
            f"The judge {wanted} could not be loaded ({str(error).splitlines()[0]}), so what needs it is left out. "
            f'Pass a folder that holds it: judges = {{"{kind}": "..."}}.'
        )
        return None


def run_study(
    study: Study,
    dit: Model,
    n: int = 0,
    *,
    k: int = 0,
    seed: int = 0,
    steps: int = 0,
    store: str = "",
    judges: Mapping[str, object] | None = None,
    prompts: str = "",
    **more: object,
) -> Results:
    """What a study finds on this model: the run that comes with the book, where there is one of this model with these
    settings, after a slice of it on n prompts was run again and agrees; else a run of all of it on n prompts.

    n: 0 for 24 where prompts have an exact truth, else 16. k, steps: 0 for what suits the model. judges: as for
    `picture_judge`. prompts: a file of prompts in place of the study's own, and images: a reader's files, neither of
    which is ever a committed run. more: to `run`; with pictures=True the results have those that were drawn now, the
    first n. Says which of the two it is. Raises AssertionError that names the
    conditions which do not agree.
    """
    world = world_for(dit, judges)
    n, k, steps = (
        n or (24 if world.exact else 16),
        k or dit.preset.k,
        steps or world.study_steps or dit.preset.study_steps or dit.steps,
    )
    asked = {"seed": seed, "steps": steps, "k": k, "world": world, "store": store or None, **more}
    kept = None if prompts or more.get("images") else shipped(study, dit, seed=seed, steps=steps, k=k)
    if kept is None:
        start(f"{dit.name}, {n} prompts")  # not what the text was written for: claims are told here, and never raise
        report = None if world.exact else _Cost(store).told
        found = run(study, dit, n=n, prompts=prompts or None, report=report, **asked)
        say(
            f"There is no run of the study *{study.name}* on this model with these settings here, so all numbers below "
            f"come from a run of {n} prompts just now. Read intervals over so few with caution."
            + _left_out(found.left_out)
        )
        return found
    asked = {"instruments": lambda one: one.again, **asked}
    fresh = run(study, dit, n=n, conditions=[c for c in kept.cells if study.again(c) and not c.draw], **asked)
    if apart := disagreeing(fresh, kept):
        raise AssertionError(f"computed again, these disagree with the study {study.name}: {', '.join(apart)}")
    for c, cell in fresh.cells.items():
        kept.cells[c] |= {name: cell[name] for name in ("pictures",) if name in cell}
    parts = {"condition": len(fresh.cells), "look": len(fresh.instruments)}
    again = " and ".join(f"{count} {what}{'s' * (count > 1)}" for what, count in parts.items() if count)
    one = sum(parts.values()) == 1
    say(
        f"The numbers below are from the study *{study.name}*, a run that comes with the book. {kept.source()} {again} "
        f"of it {'was' if one else 'were'} run again just now, on {n} prompts, and {'agrees' if one else 'agree'}."
    )
    return kept


def world_for(dit: Model, judges: Mapping[str, object] | None = None) -> World:
    """What the model draws, with the judges that read it (see `picture_judge`)."""
    return world_of(dit, picture_judge(dit, judges), picture_judge(dit, judges, "segmenter"))


def pairs_for(dit: Model, n: int, split: str = "evaluation") -> tuple[list[str], list[str]]:
    """n pairs of prompts of the model's world that differ in all that it names: sources, targets."""
    world = world_of(dit)
    pairs = world.pairs(n, split)
    return texts(world, [pair.source for pair in pairs]), texts(world, [pair.target for pair in pairs])


def other_trainings(dit: Model, headline: str, seed: int = 0) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """A headline of `replicas.HEADLINES`, or "spatial", by model: on other trainings of this one, which claims are
    about; and on the model that came before it. Where no run of others comes with the book that is said, and their row
    is NaN."""
    steps = world_of(dit).study_steps or dit.preset.study_steps or dit.steps
    found = shipped(replicas, dit, seed=seed, steps=steps, k=dit.preset.k)
    rows = {} if found is None else differences(found, headline)
    before = {name: rows.pop(name) for name in (OWN, PREDECESSOR) if name in rows}
    before.pop(OWN, None)
    if not rows:
        say("No run of other trainings of this model comes with the book.")
    return rows or {"another training": UNKNOWN}, before


def prompts_for(dit: Model, n: int, split: str = "evaluation", file: str | Path = "") -> list[str]:
    """n prompts of the model's world. split: "evaluation", or "calibration", on which channel sets are frozen. file: a
    file of prompts in place of the world's own, with errors as for `World.from_file`."""
    world = world_of(dit)
    if file:
        return texts(world, world.from_file(file, n))
    return texts(world, world.prompts(min(n, world.calibration) if split == "calibration" else n, split))


def before_training(dit: Model, report: Survey, prompts: Sequence[str], steps: int = 4) -> Survey:
    """The survey of the same network with its random starting weights, beside the `report` of the trained one. All NaN,
    with a sentence, for a model whose starting weights nobody kept."""
    if (untrained := world_of(dit).untrained()) is not None:
        return survey_channels(load(untrained), prompts, seeds=range(1), steps=steps, k=report.k)
    say(f"*How {dit.name} was before training is not known here, so what it is compared with is left blank.*")
    parts = ("ratio", "energy_share", "over_prompts")
    return dataclasses.replace(report, **{part: np.full_like(getattr(report, part), np.nan) for part in parts})


def text_stream(
    dit: Model, report: Survey, prompts: Sequence[str], *, steps: int | None = None, store: str = ""
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], StrictCriterion | None]:
    """Largest over median channel by block, (value, low, high): "image tokens", as in `report`, and "text tokens"; and
    how far the text tokens are from the strict criterion.

    NaN where a block has no text; everywhere, with None and a sentence, where text enters by cross-attention alone.
    """
    rows, strict = np.full_like(report.ratio, np.nan), None
    if dit.layout.text == "joint":
        words = survey_channels(
            dit, prompts, seeds=range(1), steps=steps, k=report.k, stream="text", store=store or None
        )
        strict = words.strict
        for name, row in zip(words.layers, words.ratio, strict=True):
            if name in report.layers:
                rows[report.layers.index(name)] = row
    else:
        say(f"*{dit.name} has no text tokens between its blocks: the text enters by cross-attention alone.*")
    return {"image tokens": tuple(report.ratio.T), "text tokens": tuple(rows.T)}, strict


def growth_in_training(dit: Model) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images seen at the kept moments of the toy world's training [M], the ratio of largest to median channel then
    [M, L], and the blocks' names; NaN, with a sentence, for another model."""
    run = load_run(beside_the_code("results/growth.safetensors", "results/growth.safetensors"))
    ratio = largest_over_median(run.stats["abs_mean"][:, :, 0])
    if not world_of(dit).exact:
        say(f"*Nobody kept the moments of the training of {dit.name}, so this figure is left blank.*")
        ratio = np.full_like(ratio, np.nan)
    return np.array(run.index["images"]), ratio, list(run.index["layers"])


def drawn_right(dit: Model, attribute: str) -> Interval:
    """How often the toy gets an attribute right that it is asked for, as the judge reads it: from the scores beside its
    weights (`toyworld.evaluate`). NaN for another model."""
    file = (dit.folder / "scores.json") if world_of(dit).exact and dit.folder else None
    if file is None or not file.exists():
        return UNKNOWN
    row = json.loads(file.read_text())["scores"]["all prompts"][attribute]
    return Interval(row["value"], row["low"], row["high"])


def _left_out(reasons: Mapping[str, str]) -> str:
    """What this model cannot have, a paragraph a reason."""
    told = ""
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, own in reasons.items() if own == reason]
        more = f"; and {len(names) - 3} more" if len(names) > 3 else ""
        told += f"\n\n*Left out: {'; '.join(names[:3])}{more}: {reason}.*"
    return told


def references_for(
    dit: Model, n: int, images: Sequence[str | Path] = (), *, seed: int = 0, steps: int | None = None
) -> tuple[np.ndarray, list[str], list[str]]:
    """n reference pictures uint8 [n, H, W, 3], their captions, and as many prompts for new scenes.

    On the toy world they are rendered; another model draws them itself, from other noise than the new scenes. images:
    a reader's own files, one subject each, whose names are their captions ("a_red_fox.png"). Raises ValueError, with
    the reason, for a model whose run no picture can enter.
    """
    if reason := why_no_picture(dit):
        raise ValueError(
            f"no picture can enter a run of {dit.name}: {reason}. This chapter has nothing to measure here"
        )

    def draw(prompts: list[str], noise: int) -> np.ndarray:
        return dit.generate(prompts, seed=noise, steps=steps)

    group = references().of(world_of(dit), n, seed, draw=draw, own=own_pictures(dit, images))
    return group.images, group.sources, group.prompts


def truth_for(
    dit: Model,
    images: np.ndarray,
    prompts: Sequence[str],
    grid: tuple[int, int],
    judges: Mapping[str, object] | None = None,
) -> np.ndarray:
    """Where the subjects of pictures of `prompts_for` stand, bool [n, h, w] on a token grid, as the study `spatial` has
    it: by the toy's judge, else by the segmenter of judges, else by the picture's own pixels."""
    world = world_of(dit, segmenter=picture_judge(dit, judges, "segmenter"))
    known = {world.text(one): one for one in world.prompts(len(prompts))}
    return to_grid(final_masks(world, images, [known.get(text, text) for text in prompts]), grid)


class _Cost:
    """What a long run says of itself: first what it will cost, and then nothing."""

    def __init__(self, store: str):
        self.store, self.first = store, True

    def told(self, line: str) -> None:
        if not self.first:
            return
        self.first = False
        kept = "Set `store` to a folder, and what is done is kept should the machine stop."
        if self.store:
            kept = f"Results are kept in {self.store} as they come: run it again after a stop, and it goes on there."
        say(f"{line} Interrupt the kernel and lower n if that is too long. {kept}")
