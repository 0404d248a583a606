"""`fewchannels sweep`: conditions from a file or from flags, what each does to the pictures, kept in a store."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..names import ALONE, READERS, THROUGH, WRITTEN
from .arguments import positive, read_prompts

HELP = """\
Edit chosen channels in many ways, and measure how much each changes the pictures. Every condition is kept in the store
as soon as it is done: stop the command when you like, and give it again to go on. Conditions that share prompts and
seed run in one batch, and the steps before their edit run once.

  fewchannels sweep --prompt "a large red star at the left on a plain blue background" --steps 8 \\
      --sets top bottom "random 1" --k 4 8 --edit zero shuffle --blocks each --store study
  fewchannels sweep table.yml --store study --jobs 4 --json
  fewchannels export study --to study.csv
"""
FILE = """\
The file is JSON or YAML: a list of conditions, or a grid of them.

  shared:
    model: toyworld
    prompts: ["a large red star at the left on a plain blue background"]
    seed: 0
    generation: {steps: 8}
  axes:
    edit: [zero, own_mean]
    channels:
      top 8: {set: top, k: 8}
      three: [5, 33, 160]
    blocks: {all: null, "first half": [0, 1, 2]}
    steps: [[0], [4, 5, 6, 7]]
    options: {stream: {}, "gain, MLP": {through: gain, into: [mlp]}}

Columns of a condition: name, model, revision, prompts, samples, seed, generation (arguments of generate), channels,
blocks, steps (of the edit), options (strength, factor, values, match, branch, stream, through, into, seed), and edit
(EDITS).
channels: numbers, {"indices": [[...], ...], "width": D}, or {"set": NAME, "k": N}, which is ranked on calibration
prompts: top, bottom, random 1 to 3, energy-matched, complement.

Exit status: 0 all is done, 1 something failed (the others are done) or could not begin, 2 not understood.
""".replace("EDITS", ", ".join(WRITTEN))


def add_sweep(commands: Any) -> None:
    """Add the command to the parser's commands."""
    sweep = commands.add_parser(
        "sweep",
        help="measure many edits, kept as they come",
        description=HELP,
        epilog=FILE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = sweep.add_argument
    add("table", type=Path, nargs="?", metavar="FILE", help="conditions, as below; or give the flags that follow")
    add("--model", default="toyworld", metavar="NAME", help="toyworld, a pipeline folder, or a hub name (%(default)s)")
    add("--revision", help="commit, tag or branch of a hub model")
    add("--prompt", action="append", default=[], metavar="TEXT", help="a prompt; may be given several times")
    add("--prompts", type=Path, metavar="FILE", help="prompts, one a line or a JSON list")
    add("--seed", type=int, nargs="+", default=[0], metavar="N", help="seeds of the noise (0)")
    add("--steps", type=positive, metavar="N", help="denoising steps (the model's own default)")
    add("--edit", nargs="+", default=["zero"], metavar="HOW", help=f"{', '.join(ALONE)} (zero)")
    add("--sets", nargs="+", default=["top", "random 1"], metavar="SET", help='sets of channels ("top" "random 1")')
    add("--k", type=positive, nargs="+", default=[8], metavar="N", help="channels a block (8)")
    add("--blocks", default="all", metavar="WHICH", help='"all" at once, "each" apart, or numbers such as 0,1,2 (all)')
    add(
        "--through",
        nargs="+",
        default=["stream"],
        choices=THROUGH,
        metavar="WAY",
        help=f"{', '.join(THROUGH)}: the block's output, or what norms read of it (stream)",
    )
    add(
        "--into",
        nargs="+",
        choices=READERS,
        metavar="READER",
        help=f"with --through other than stream: {', '.join(READERS)} (all that the model has)",
    )
    add("--edited-steps", default="all", metavar="WHICH", help='"all", "each", or numbers such as 0,1,2 (all)')
    add(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="prompts on which sets are ranked (of the toy world: 32 of its own)",
    )
    add("--store", type=Path, metavar="FOLDER", help="keep results here, and take what is there")
    add("--jobs", type=int, metavar="N", help="processes (1; -1 for one a core)")
    add("--rows", type=positive, metavar="N", help="pictures at once (16 of the toy world, else 4)")
    add("--no-share", action="store_true", help="run every step of every condition")
    add("--pictures", action="store_true", help="keep the pictures too")
    add("--json", action="store_true", help="results as JSON")
    add("--quiet", action="store_true", help="no word while it runs")
    add("--debug", action="store_true", help="show the traceback of an error")
    sweep.set_defaults(command=run_sweep)


def run_sweep(options: argparse.Namespace) -> None:
    """Carry the sweep out and print what came of it. Raises what `sweep_conditions` raises."""
    from ..sweep import SweepFailed, sweep_conditions
    from ..sweep.batches import change, change_and_pictures

    def tell(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr, flush=True)

    table = from_file(options.table) if options.table else from_flags(options)
    calibration = None if options.calibration is None else _prompts(options.calibration, [])
    table = with_channels(table, calibration, options.store, tell)
    tell(f"{len(table)} conditions")
    measure = change_and_pictures if options.pictures else change
    failed = None
    try:
        found = sweep_conditions(
            table,
            options.store,
            tell,
            measure=measure,
            jobs=options.jobs,
            rows=options.rows,
            share=not options.no_share,
        )
    except SweepFailed as error:
        failed, found = error, error.found
    means = {name: {part: float(a.mean()) for part, a in cell.items() if a.ndim == 1} for name, cell in found.items()}
    if options.json:
        failures = {} if failed is None else {name: str(why) for name, why in failed.failures.items()}
        store = None if options.store is None else str(options.store)
        print(json.dumps({"store": store, "means": means, "failed": failures}, indent=2))
    else:
        print(as_table(means))
    if failed is not None:
        raise failed


def as_table(means: Mapping[str, Mapping[str, float]]) -> str:
    """Rows of condition, mean change, and the size of the edit."""
    columns = ["condition", *dict.fromkeys(part for cell in means.values() for part in cell)]
    rows = [columns]
    rows += [[name, *(f"{cell[c]:.4g}" if c in cell else "" for c in columns[1:])] for name, cell in means.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def from_file(path: Path) -> list[dict]:
    """Conditions of a JSON or YAML file. Raises ValueError that names the file and what was expected."""
    import yaml

    from ..sweep import grid

    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is neither JSON nor YAML: {error}") from None
    if isinstance(read, list) and read and all(isinstance(row, dict) for row in read):
        return read
    if not isinstance(read, dict) or not set(read) <= {"shared", "axes"} or not isinstance(read.get("shared"), dict):
        raise ValueError(f"{path}: expected a list of conditions, or 'shared' and 'axes' (fewchannels sweep --help)")
    try:
        return grid(read["shared"], **{str(name): values for name, values in (read.get("axes") or {}).items()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def from_flags(options: argparse.Namespace) -> list[dict]:
    """The grid that the flags ask for."""
    from ..sweep import grid

    shared = {
        "model": options.model,
        "revision": options.revision,
        "prompts": _prompts(options.prompts, options.prompt),
        "generation": {} if options.steps is None else {"steps": options.steps},
    }
    channels = {
        f"{name} {k}" if not name[-1].isdigit() else f"{name} of {k}": {"set": name, "k": k}
        for name in options.sets
        for k in options.k
    }
    axes: dict[str, Any] = {"edit": options.edit, "channels": channels}
    if options.into and "stream" in options.through:
        raise ValueError(f"--into {' '.join(options.into)}: the stream is before all reads: leave --through stream out")
    if options.through != ["stream"]:
        read = {"into": options.into} if options.into else {}
        axes["options"] = {way: {} if way == "stream" else {"through": way, **read} for way in options.through}
    if len(options.seed) > 1:
        axes["seed"] = options.seed
    else:
        shared["seed"] = options.seed[0]
    for flag, column in (("blocks", "blocks"), ("edited_steps", "steps")):
        chosen = getattr(options, flag)
        if chosen == "each":
            axes[column] = [[i] for i in range(_count(column, options))]
        elif chosen != "all":
            try:
                shared[column] = [int(part) for part in chosen.split(",")]
            except ValueError:
                said = flag.replace("_", "-")
                raise ValueError(f"--{said} {chosen}: expected all, each, or numbers such as 0,1,2") from None
    return grid(shared, **axes)


def _count(column: str, options) -> int:
    from ..store.workers import named, source_of

    model = named(source_of(options.model), options.revision)
    return len(model.layers) if column == "blocks" else options.steps or model.steps


def with_channels(table: Sequence[dict], calibration, store, tell: Callable[[str], None]) -> list[dict]:
    """The conditions with each {"set": ..., "k": ...} replaced by its channels, ranked once a model and kept in the
    store. Raises ValueError for a set that the model does not have."""
    made, known = [], functools.cache(_known)
    for condition in table:
        asked = condition.get("channels") if isinstance(condition, dict) else None
        if isinstance(asked, dict) and "set" in asked:
            condition = {**condition, "channels": _set(condition, asked, known, calibration, store, tell)}
        made.append(condition)
    return made


def _known(model: str, revision: str | None) -> tuple:
    """(what `named` takes, name and revision) of a model: which it is now, wherever the command stands."""
    from ..store.workers import files_of, identity, source_of

    source = source_of(model)
    return (source, revision, files_of(source)), identity(source, revision)[:2]


def _set(condition, asked: Mapping, known, calibration, store, tell):
    from ..channels import ChannelSet

    if set(asked) != {"set", "k"} or not isinstance(asked["k"], int) or asked["k"] < 1:
        raise ValueError(f"channels {dict(asked)}: expected {{'set': NAME, 'k': N}}, such as {{'set': 'top', 'k': 8}}")
    generation = condition.get("generation") or {}
    model = known(condition.get("model", "toyworld"), condition.get("revision"))
    where = *model, json.dumps(generation, sort_keys=True)
    sets = _sets(where, asked["k"], tuple(calibration or ()), store, tell)
    if asked["set"] not in sets:
        raise ValueError(f"no set {asked['set']!r} of {asked['k']} channels here; there are {', '.join(sets)}")
    return ChannelSet.from_mask(sets[asked["set"]], f"{asked['set']} {asked['k']}")


# names of the command -> kind, k (None: that of the sets) and draw of `studies.sets`
KINDS = {
    "top": ("top",),
    "bottom": ("bottom",),
    "energy-matched": ("energy-matched",),
    "complement": ("complement",),
    **{f"random {draw + 1}": ("random", None, draw) for draw in range(3)},
}
_ranked: dict[tuple, dict] = {}


def _sets(where, k: int, calibration: tuple[str, ...], store, tell) -> dict:
    """Masks bool [L, D] by name, made once a process, and once a store."""
    from ..reading.worlds import world_of
    from ..store.workers import named
    from ..studies.sets import Sets
    from ..sweep import sweep

    if (where, k, calibration) in _ranked:
        return _ranked[where, k, calibration]
    asked, (name, revision), generation = where
    source = asked[0]
    if not calibration and source != "toyworld":
        raise ValueError(f"sets of channels of {source} are ranked on prompts: give --calibration FILE")

    def compute():
        tell(f"{source}: ranking channels on {len(calibration) or 32} calibration prompts")
        model = named(*asked)
        given = {"steps": model.steps, **json.loads(generation)}
        sets = Sets(model, world_of(model), k, prompts=list(calibration) or None, **given)
        return {name: made.mask() for name, kind in KINDS.items() if (made := sets.find(*kind)) is not None}

    key = {
        "model": name,
        "revision": revision,
        "files": asked[2],
        "generation": generation,
        "k": k,
        "prompts": list(calibration),
    }
    _ranked[where, k, calibration] = sweep({"sets of channels": compute}, store, key)["sets of channels"]
    return _ranked[where, k, calibration]


def _prompts(file: Path | None, given: Sequence[str]) -> list[str]:

    return read_prompts(file, given)
