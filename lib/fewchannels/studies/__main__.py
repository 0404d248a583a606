"""The long studies:  python -m fewchannels.studies critical spatial ... --out results

Each goes on where it stopped: what was measured lies in the store until the weights, the prompts or the code change
their meaning. With no name, all of them run, the replicas last. Results are small run files with their provenance.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import torch

from .. import load
from ..disk import check_place
from .files import save_study

NAMES = ("critical", "spatial", "text_transport", "subject_transport", "level_pattern")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m fewchannels.studies", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(NAMES)} or replicas (default: all)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the run files (default: results)")
    parser.add_argument("--model", default="toyworld", help="a name or folder that load takes (default: toyworld)")
    parser.add_argument("--n", type=int, default=128, help="prompts or pairs (default: 128); replicas take half")
    parser.add_argument(
        "--store", type=Path, default=Path.home() / ".cache" / "fewchannels" / "studies",
        help="folder in which conditions are kept as soon as they are measured",
    )  # fmt: skip
    parser.add_argument(
        "--replicas", type=Path, nargs="*", default=[],
        help="pipeline folders of other trainings (python -m fewchannels.toyworld.train --seed 1 --images 25000 ...)",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    args = parser.parse_args(argv)
    unknown = set(args.names) - {*NAMES, "replicas"}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(NAMES)} or replicas")
    if "replicas" in args.names and not args.replicas:
        parser.error("replicas needs --replicas FOLDER ...: pipelines that other trainings gave")
    if args.threads:
        torch.set_num_threads(args.threads)
    names = args.names or [*NAMES, *(["replicas"] if args.replicas else [])]
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        for name in names:
            check_place(args.out / f"{name}.safetensors")
    except OSError as error:
        parser.error(f"--out {args.out}: {error}")
    model = load(args.model)
    for name in names:
        print(f"== {name}", flush=True)
        module = importlib.import_module(f"{__package__}.{name}")
        options = {"folders": args.replicas} if name == "replicas" else {}
        n = args.n // 2 if name == "replicas" else args.n
        case, cells, index = module.full_study(model, args.store, lambda line: print(line, flush=True), n, **options)
        path = save_study(args.out / f"{name}.safetensors", case, cells, index)
        print(f"{path}: {len(cells)} conditions, {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
