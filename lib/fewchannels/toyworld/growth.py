"""How massive channels are born: channel statistics at the log-spaced moments of training.

    python -m fewchannels.toyworld.growth --state ~/.cache/fewchannels/train --out results/growth.safetensors

Reads the weights that `train` keeps (STATE/snapshot-*), runs the same prompts through each, and writes one run file:
`abs_mean`, `mean_abs` and `energy` as [M, L, 1, D], averaged over prompts and steps, with one moment M where a run has
samples, and `index["images"]`, the images seen by then. The first moment is the untrained model.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from .. import capture, load
from ..prompts.toyworld import toyworld_prompts
from ..runfile import Run, save_run
from ..watch.statistics import ChannelStats
from .recipe import build_pipeline


def moments(state: Path) -> list[tuple[int, Path | None]]:
    """(images seen, folder) of each kept moment in order: the untrained model (0, None) first, a finished run last."""
    folders = sorted(state.glob("snapshot-*"))
    if not folders:
        raise FileNotFoundError(f"no snapshot-* folder in {state}: give the --state folder of the training run")
    kept = [(0, None), *((int(folder.name.removeprefix("snapshot-")), folder) for folder in folders)]
    facts = state / "pipeline" / "training.json"
    done = json.loads(facts.read_text())["images"] if facts.exists() else 0
    return [*kept, (done, facts.parent)] if done > kept[-1][0] else kept


def measure(model, prompts: list[str], steps: int, seed: int) -> dict[str, np.ndarray]:
    """Statistics of one model, each [L, 1, D], averaged over prompts and steps."""
    with capture(model, stats := ChannelStats()):
        model.generate(prompts, seed=seed, steps=steps)
    arrays = {"abs_mean": np.abs(stats.mean), "mean_abs": stats.mean_abs, "energy": stats.energy}
    return {name: array.mean(axis=(0, 2))[:, None].astype(np.float32) for name, array in arrays.items()}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m fewchannels.toyworld.growth", description=__doc__.split("\n")[0])
    parser.add_argument("--state", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--out", type=Path, required=True, help="run file to write")
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    prompts = toyworld_prompts(args.prompts, "calibration")
    rows, images = [], []
    for seen, folder in moments(args.state):
        model = load(folder if folder else build_pipeline())
        rows.append(measure(model, prompts, args.steps, args.seed))
        images.append(seen)
        print(f"{seen} images: largest channel {rows[-1]['abs_mean'].max():.2f}", flush=True)
    provenance = model.provenance() | {"model": "toyworld, at moments of its training", "seed": args.seed}
    save_run(
        args.out,
        Run(
            provenance=provenance | {"steps": args.steps},
            prompts=prompts,
            stats={name: np.stack([row[name] for row in rows]) for name in rows[0]},
            index={"images": images, "layers": list(model.layers)},
        ),
    )


if __name__ == "__main__":
    main()
