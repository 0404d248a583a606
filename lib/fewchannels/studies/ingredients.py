"""What makes massive channels: the toy world's training with one thing changed at a time, three seeds an arm.

    python -m fewchannels.studies.ingredients --out results/ingredients.safetensors
    python -m fewchannels.studies.ingredients --out results/ingredients.safetensors --only base,muon --seeds 0,1  # some

One process a core, of one thread, each with a training of its own. What is finished is skipped; what is not goes on
from its state, which is kept outside the work tree, so the same command goes on after a kill. No weights are left.
`--out` holds all that is finished as one `Results`, in which an arm and a seed are a group of prompts;
`training.trainings` reads their courses. What the file held before stays in it, so a part of the arms can be run at a
time, and on several machines.

Measured at log-spaced numbers of images on scenes that are held out (`held_out`); and at the end, in pictures: how
right they are by both readers, and what they lose with the top channels at zero and with as many others.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from safetensors.numpy import load_file, save

from ..disk import check_place, write_whole
from ..models import load
from ..reading.readers import Agreement, Change
from ..reading.second import AgreementByEye
from ..toyworld import train
from ..toyworld.arms import ARMS
from ..toyworld.encoded_scenes import EncodedScenes
from ..toyworld.recipe import snapshot_due
from .birth import size
from .condition import Condition, each
from .edits import UNTOUCHED
from .groups import evaluation
from .held_out import HeldOut
from .replicas import together
from .results import Results
from .sets import Sets
from .study import Instrument, Study, run
from .training import trainings

IMAGES = 50_000
SEEDS = (0, 1, 2)  # of weights and of data
PROMPTS = 64  # of the pictures at the end
STATE = Path.home() / ".cache" / "fewchannels" / "ingredients"
PARTS = STATE / "parts"
SCENES = "scenes"  # folder in the state, of what all arms draw; as long as one is not finished
STATE_EVERY = 3 * 1_600  # images; where a line of the log ends, so that a run that goes on logs the same


def conditions(sets: Sets, blocks: int, steps: int) -> list[Condition]:
    """The pictures as they are, and with the top and others at zero on a part of the prompts."""
    top = Condition(channels="top", k=sets.k, prompts="few")
    return [Condition(UNTOUCHED, k=sets.k), top, *each(top, channels=("random",), draw=range(2))]


ingredients = Study(
    "ingredients",
    conditions,
    prompts={"all": evaluation(), "few": evaluation(3 / 8)},
    readers=(Change(), Agreement(), AgreementByEye()),
    base=Condition(channels="top"),
    instruments=lambda sets: {"size": Instrument(size)},
    about="One training: how right its pictures are, and what they lose with the top channels at zero.",
)


class ArmTrainer(train.Trainer):
    """One arm's training, which measures itself at log-spaced moments and keeps what it found beside its state."""

    def __init__(self, args: argparse.Namespace, arm: str):
        self.name, self.arm = arm, ARMS[arm]
        super().__init__(args)
        self.held_out = HeldOut(self.pipeline.vae)

    def build(self):
        pipeline = super().build()
        torch.manual_seed(self.args.seed_weights)
        self.arm.change(pipeline.transformer)
        return pipeline

    def scenes(self, images: int, folder: Path) -> EncodedScenes:
        """What a training of so many images draws, as latents that are kept in a folder for the other arms."""
        stream = train.SceneStream(self.args.seed_data, images)
        return EncodedScenes(stream, self.pipeline.vae, folder, self.args.precision, self.args.batch)

    def clean(self, latents: torch.Tensor) -> torch.Tensor:
        return latents

    def make_optimiser(self, groups, lr):
        return self.arm.optimiser(self.parameters, groups, lr)

    def rate(self) -> float:
        return self.arm.rate * super().rate()

    def train_step(self, *batch, stop: bool = False) -> float:
        loss = super().train_step(*batch, stop=stop)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} after {self.images} images: this training has diverged")
        return loss

    def report(self, before: int) -> dict:
        return {"arm": self.name, "seed": self.args.seed}

    def moment(self, before: int) -> None:
        if snapshot_due(before, self.images):
            self.look()

    def look(self) -> None:
        """Measure the averaged weights on what is held out."""
        with self.averaged():
            found = self.held_out.measure(self.pipeline)
        write_whole(self.folder / f"moment-{self.images:08d}.safetensors", save(found))

    def course(self) -> dict[str, np.ndarray]:
        """What was measured at M moments: "images" [M], the rest [M, ...] as of `HeldOut.measure`; and the training's
        own loss, "trained" [N] images and "training_loss" [N]."""
        files = sorted(self.folder.glob("moment-*.safetensors"))
        found = [load_file(file) for file in files]
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        logged = {line["images"]: line["loss"] for line in lines}  # of two with one number, the run went on before it
        return {
            "images": np.array([int(file.stem.removeprefix("moment-")) for file in files]),
            **{name: np.stack([one[name] for one in found]) for name in found[0]},
            "trained": np.array(list(logged)),
            "training_loss": np.array(list(logged.values()), dtype=np.float32),
        }

    def finish(self) -> Results:
        """All that is kept of a training that has seen its images."""
        self.look()
        name = f"{self.name}, seed {self.args.seed}"
        with self.averaged():
            found = run(ingredients, load(self.pipeline), n=PROMPTS)
        found.instruments["course"] = self.course()
        facts = {"arm": self.name, "about": self.arm.about, "seed": self.args.seed, "images": self.args.images}
        facts |= {"seconds": round(self.seconds), "precision": self.args.precision, "device": self.device.type}
        return together({name: found}, {name: facts})


def begin(arm: str, seed: int = 0, images: int = 1024) -> dict[str, np.ndarray]:
    """Train an arm for its first images and measure it, as `HeldOut.measure` does. The learning rate is that of a whole
    training, so what is found is what the study finds at that moment. Nothing is kept. Raises ValueError for an arm
    that is not in `ARMS`, and for images that leave no step or go past the end."""
    if arm not in ARMS:
        raise ValueError(f"arm={arm!r}: expected one of {', '.join(ARMS)}")
    with tempfile.TemporaryDirectory() as state:
        args = _arguments(IMAGES, seed, Path(state))
        if not args.batch <= images <= IMAGES:
            raise ValueError(f"images={images}: expected {args.batch} (a step) to {IMAGES} (the end of the training)")

        def work(args, processes) -> dict[str, np.ndarray]:
            trainer = ArmTrainer(args, arm)
            stream = trainer.scenes(images, args.state)
            for batch in trainer.batches(stream, args.batch, 0, images):
                trainer.train_step(*batch)
                trainer.images += args.batch
            with trainer.averaged():
                return trainer.held_out.measure(trainer.pipeline)

        return train.in_processes(work, args)


def _arguments(images: int, seed: int, state: Path) -> argparse.Namespace:
    args = train.parse_args(
        [str(one) for one in ("--images", images, "--seed", seed, "--threads", 1, "--state", state)]
    )
    args.seed = seed
    return args


def run_arm(arm: str, seed: int, images: int, parts: Path, state: Path) -> bool:
    """Train an arm from where it stands, measure it, and write its part. False where a signal stopped it."""
    args = _arguments(images, seed, state / f"{arm}-{seed}-{images}")

    def work(args, processes) -> bool:
        trainer = ArmTrainer(args, arm)
        stream = trainer.scenes(images, state / SCENES)
        if not trainer.run(trainer.batches(stream, args.batch, trainer.total, images), args.batch, STATE_EVERY):
            return False
        for name, usual in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
            signal.signal(name, usual)  # all is kept but what is measured now
        trainer.finish().save(part_of(parts, arm, seed))
        shutil.rmtree(args.state)
        return True

    return train.in_processes(work, args)


def part_of(parts: Path, arm: str, seed: int) -> Path:
    """The file of an arm and a seed."""
    return parts / f"{arm}-{seed}.safetensors"


def run_arms(
    arms: Sequence[str],
    seeds: Sequence[int],
    images: int,
    parts: Path,
    state: Path,
    jobs: int,
    run_one: Callable[..., bool] = run_arm,
) -> list[tuple[str, int]]:
    """Run what is not finished, in `jobs` processes; those that are still not finished. Seeds come one after the other,
    so that a run that is stopped leaves as many of each arm. Raises ValueError for a finished part of another number of
    images."""
    listed = [(arm, seed) for seed in seeds for arm in arms]
    for arm, seed in listed:
        if (file := part_of(parts, arm, seed)).exists():
            (facts,) = Results.read(file).index["models"].values()
            if facts["images"] != images:
                raise ValueError(f"{file} is of {facts['images']} images, not {images}: name another folder of parts")
    parts.mkdir(parents=True, exist_ok=True)
    state.mkdir(parents=True, exist_ok=True)
    open_ = [one for one in listed if not part_of(parts, *one).exists()]
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    context = multiprocessing.get_context("spawn")
    given = open_, images, parts, state, run_one
    workers = [context.Process(target=_work, args=given) for _ in range(min(jobs, len(open_)))]

    def stop(*_) -> None:
        for worker in workers:
            worker.terminate()  # they keep where they are

    before = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    left = [one for one in listed if not part_of(parts, *one).exists()]
    if not left:
        shutil.rmtree(state / SCENES, ignore_errors=True)
    return left


def _work(listed, images: int, parts: Path, state: Path, run_one) -> None:
    """Do what nobody has done and nobody else does; a lock ends with the process that holds it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for arm, seed in listed:
        lock = FileLock(state / f"{arm}-{seed}.lock")
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(lock.acquire(blocking=False))
            except Timeout:
                continue
            if part_of(parts, arm, seed).exists():
                continue
            try:
                if not run_one(arm, seed, images, parts, state):
                    return
            except KeyboardInterrupt:
                return
            except Exception:  # the others are still worth their hours
                print(f"{arm}, seed {seed}: failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


def merged(found: Sequence[Results]) -> Results:
    """Parts as one, arms in the order of `ARMS`."""
    ranks = list(ARMS)
    facts = {name: own for one in found for name, own in one.index["models"].items()}
    order = sorted(facts, key=lambda name: (ranks.index(facts[name]["arm"]), facts[name]["seed"]))
    return dataclasses.replace(
        found[0],
        cells={c: cell for one in found for c, cell in one.cells.items()},
        groups={name: count for one in found for name, count in one.groups.items()},
        instruments={name: arrays for one in found for name, arrays in one.instruments.items()},
        index={**found[0].index, "models": {name: facts[name] for name in order}, "order": order},
    )


def unpack(out: Path, parts: Path) -> None:
    """Write what a file of results holds into a folder as parts, each that is not there yet."""
    if not out.exists():
        return
    found = Results.read(out)
    parts.mkdir(parents=True, exist_ok=True)
    for name, facts in found.index["models"].items():
        file = part_of(parts, facts["arm"], facts["seed"])
        if not file.exists():
            dataclasses.replace(
                found,
                cells={c: cell for c, cell in found.cells.items() if c.prompts == name},
                groups={name: found.groups[name]},
                instruments={of: arrays for of, arrays in found.instruments.items() if of.endswith(f" of {name}")},
                index={**found.index, "models": {name: facts}, "order": [name]},
            ).save(file)


def merge(parts: Path, out: Path | None) -> Results | None:
    """All finished parts of a folder as one, written to a file where one is named; None where there is none."""
    files = sorted(parts.glob("*.safetensors"))
    if not files:
        return None
    found = merged([Results.read(file) for file in files])
    if out is not None:
        found.save(out)
    return found


def table(found: Results) -> str:
    """A line for each training: loss and the last block at the end."""
    rows = ["arm, seed                      loss   largest/median  kurtosis  top 8  first direction"]
    for arm, seeds in trainings(found).items():
        for one in seeds:
            last = [one.at_images(name)[-1] for name in ("size", "kurtosis", "top_share", "first")]
            told = "{:14.1f} {:9.1f} {:6.2f} {:16.2f}".format(*last)
            rows.append(f"{f'{arm}, {one.seed}':28} {one.at_images('loss'):6.3f} {told}")
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fewchannels.studies.ingredients",
        description=f"{__doc__.splitlines()[0]} Arms: {', '.join(ARMS)}.",
    )
    add = parser.add_argument
    add("--only", type=lambda text: text.split(","), default=list(ARMS), metavar="ARM,...", help="these arms (all)")
    add("--seeds", type=lambda text: [int(one) for one in text.split(",")], default=list(SEEDS), metavar="0,1,...")
    add("--images", type=int, default=IMAGES, help="of each training (%(default)s)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes, each with a training (one a core)")
    add("--parts", type=Path, default=PARTS, help="folder of finished arms and seeds (%(default)s)")
    add("--state", type=Path, default=STATE, help="folder of those that are under way (%(default)s)")
    add("--out", type=Path, help="file of all that is finished; what it holds by now is not run again")
    args = parser.parse_args(argv)
    if unknown := set(args.only) - set(ARMS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there are {', '.join(ARMS)}")
    if args.jobs < 1 or args.images < 2_000 or min(args.seeds) < 0:
        parser.error("expected at least one of --jobs, 2,000 --images, and --seeds of 0 or more")
    if args.out is not None:
        check_place(args.out)
        unpack(args.out, args.parts)
    missing = run_arms(args.only, args.seeds, args.images, args.parts, args.state, args.jobs)
    found = merge(args.parts, args.out)
    if found is not None:
        print(table(found))
    if missing:
        print(f"not finished: {'; '.join(f'{arm}, seed {seed}' for arm, seed in missing)}. The same command goes on")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
