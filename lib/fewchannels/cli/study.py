"""`fewchannels study`: one of the book's studies on any model, kept as it comes, as a run file and a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..disk import check_place
from .arguments import positive

NAMES = ("critical", "spatial", "text_transport", "subject_transport", "level_pattern", "content_or_gain")
STORE = Path.home() / ".cache" / "fewchannels" / "studies"
HELP = f"""\
Run a study: {", ".join(NAMES)}; or "replicas", the headlines on several trainings; or "birth", the moments of
trainings; or "ingredients", trainings with one thing changed in each (hours; python -m fewchannels.studies.ingredients
runs some of them). What was measured is kept in the store until weights, prompts or code change its meaning: stop the
command when you like, and give it again to go on.

  fewchannels study critical --out results/critical.safetensors
  fewchannels study critical --model black-forest-labs/FLUX.2-klein-4B --prompts mine.txt --n 16 --plan
  fewchannels study replicas --replicas seed1 seed2 --n 64 --out results/replicas.safetensors
  fewchannels study birth --trainings state1 state2 --n 24 --out results/birth.safetensors
  fewchannels study ingredients --out results/ingredients.safetensors
"""


def add_study(commands: Any) -> None:
    """Add the command to the parser's commands."""
    study = commands.add_parser(
        "study",
        help="run one of the book's studies",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = study.add_argument
    add("name", choices=(*NAMES, "replicas", "birth", "ingredients"), metavar="NAME", help="which one")
    add("--model", default="toyworld", metavar="NAME", help="toyworld, a pipeline folder, or a hub name (%(default)s)")
    add("--revision", help="commit, tag or branch of a hub model")
    add(
        "--prompts",
        type=Path,
        metavar="FILE",
        help="prompts in place of the study's own; pairs and scenes stay its own",
    )
    add("--n", type=positive, default=128, metavar="N", help="prompts, pairs or scenes (%(default)s)")
    add("--k", type=positive, metavar="N", help="channels a block that count as top (what suits the model)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the noise (%(default)s)")
    add("--steps", type=positive, metavar="N", help="denoising steps (what suits the model)")
    add("--judge", metavar="NAME", help="a CLIP model, by name or folder, that reads pictures of the real world")
    add("--segmenter", metavar="NAME", help="a CLIPSeg model that draws masks of their subjects")
    add("--replicas", type=Path, nargs="+", default=[], metavar="FOLDER", help="pipeline folders of other trainings")
    add("--trainings", type=Path, nargs="+", default=[], metavar="FOLDER", help="state folders of toyworld.train")
    add(
        "--store",
        type=Path,
        default=STORE,
        metavar="FOLDER",
        help="keep results here, and take what is there (%(default)s)",
    )
    add("--threads", type=positive, metavar="N", help="CPU threads (torch's choice)")
    add("--plan", action="store_true", help="say what would be done, with pictures and minutes, and stop")
    add("--out", type=Path, metavar="FILE", help="write a run file, FILE.safetensors")
    add("--quiet", action="store_true", help="no word while it runs")
    add("--debug", action="store_true", help="show the traceback of an error")
    study.set_defaults(command=run_study)


def run_study(options: argparse.Namespace) -> None:
    """Carry the study out, write its run file and print its table. Raises what `studies.run` raises."""
    if options.name == "replicas" and not options.replicas:
        raise ValueError("replicas needs --replicas FOLDER ...: pipelines that other trainings gave")
    if options.name == "birth" and not options.trainings:
        raise ValueError("birth needs --trainings FOLDER ...: state folders of python -m fewchannels.toyworld.train")
    if options.out is not None:
        check_place(options.out)
    if options.name == "ingredients":
        return _ingredients(options)
    import torch

    from .. import load, studies
    from ..reading.judges import ClipJudge, ClipSegJudge
    from ..reading.worlds import world_of
    from ..studies.birth import run_trainings
    from ..studies.replicas import OWN, replicas_in, run_models

    if options.threads:
        torch.set_num_threads(options.threads)
    asked = {"n": options.n, "seed": options.seed, "steps": options.steps, "k": options.k, "store": options.store}
    report = None if options.quiet else _tell
    if options.name == "birth":
        return _finish(options, run_trainings(options.trainings, **asked, report=report))
    model = load(options.model, revision=options.revision)
    if options.name == "replicas":
        models = {OWN: model, **replicas_in(options.replicas)}
        return _finish(options, run_models(models, **asked, report=report))
    judge = ClipJudge(options.judge) if options.judge else None
    segmenter = ClipSegJudge(options.segmenter) if options.segmenter else None
    asked |= {"world": world_of(model, judge, segmenter), "prompts": options.prompts}
    study = studies.STUDIES[options.name]
    if options.plan:
        return print(study.table(model, **asked))
    return _finish(options, studies.run(study, model, **asked, report=report))


def _ingredients(options: argparse.Namespace) -> None:
    """All arms and seeds, with a training a core. Raises RuntimeError where some are not finished."""
    from ..studies import ingredients

    if ingredients.main([] if options.out is None else ["--out", str(options.out)]):
        raise RuntimeError("some trainings are not finished: give the same command again")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _finish(options: argparse.Namespace, found: Any) -> None:
    if options.out is not None:
        path = found.save(options.out)
        _tell(f"{path}: {len(found.cells)} conditions, {path.stat().st_size / 1000:.0f} kB")
    for name, reason in found.left_out.items():
        _tell(f"left out: {name}: {reason}")
    print(found.table())
