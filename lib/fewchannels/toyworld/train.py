"""Train the toy world's text-to-image flow transformer:  python -m fewchannels.toyworld.train --help

What is trained, and on what, is in `recipe`. Here is the run: AdamW, bf16 where the machine has it, an exponential
moving average of the weights, a schedule counted in images. Every batch is a function of the seed and the number of
images seen, so a run that was killed goes on as if it had not been. The state lies outside the work tree;
`--init-from` goes on from the committed 16-bit weights alone. `--processes` share each batch: one a core is fastest,
since two processes of one thread train 1.7 times as fast as one of two threads; noise and levels are drawn by each for
its own share, so another number of processes is another run.

On a CPU that does anything else meanwhile set OMP_WAIT_POLICY=PASSIVE: two threads that wait for each other by
spinning were seen to be eleven times slower beside one busy process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import scenes
from .learner import Learner, halved, tidy_vae_config
from .pipeline import ToyWorldPipeline
from .processes import ALONE, Processes, together
from .recipe import (
    ARCHITECTURES,
    EMA_DECAY,
    MEAN_LOGIT_T,
    RECIPE,
    WARMUP_STEPS,
    SceneStream,
    build_pipeline,
    clean_latents,
    cpu_attention,
    fitting_precision,
    flow_loss,
    learning_rate,
    snapshot_due,
)

STATE_EVERY = 4_000  # images
REPORT_EVERY = 32_000  # images
GO_ON = "python -m fewchannels.toyworld.train --init-from lib/fewchannels/toyworld/weights/pipeline --images 1000000"


class Trainer(Learner):
    """The pipeline in training; what is trained are its transformer and its text encoder."""

    def __init__(self, args: argparse.Namespace, processes: Processes = ALONE):
        self.args = args
        self.device = device_of(args.device, processes)
        self.pipeline = self.build()
        self.pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        modules = {"transformer": self.pipeline.transformer, "text_encoder": self.pipeline.text_encoder}
        facts = {} if not args.init_from else json.loads((args.init_from / "training.json").read_text())
        super().__init__(
            {f"{m}.{n}": p for m, module in modules.items() for n, p in module.named_parameters()},
            args.state,
            args.lr,
            EMA_DECAY,
            lambda name, parameter: parameter.ndim >= 2 and not name.startswith("text_encoder"),
            {"images_before": facts.get("images", 0), "hours_before": facts.get("hours", 0.0)},
            processes,
        )

    def build(self) -> ToyWorldPipeline:
        """The pipeline as it is before the first step."""
        args = self.args
        if not args.init_from:
            return build_pipeline(args.seed_weights, args.architecture, args.vae)
        pipeline = ToyWorldPipeline.from_pretrained(args.init_from, use_safetensors=True)
        pipeline.vae.eval().requires_grad_(False)
        return pipeline

    @property
    def images_before(self) -> int:
        """Images that the weights had seen where this run began."""
        return self.counts["images_before"]

    @property
    def total(self) -> int:
        return self.images_before + self.images

    def rate(self) -> float:
        return learning_rate(self.images, self.step, self.args.lr, self.args.decay_from, self.args.images)

    def loss(self, images: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        args = self.args
        # a new run from old weights must not see the old run's noise again
        first = self.processes.share(self.total, args.batch).start
        generator = torch.Generator().manual_seed((args.seed_data << 40) + first)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=args.precision == "bf16"):
            return flow_loss(self.pipeline, self.clean(images.to(self.device)), ids.to(self.device), generator)

    def clean(self, images: torch.Tensor) -> torch.Tensor:
        """The latents of a batch of the stream."""
        return clean_latents(self.pipeline.vae, images)

    def moment(self, before: int) -> None:
        if snapshot_due(self.images_before + before, self.total):
            self.export(self.args.state / f"snapshot-{self.total:08d}")

    def export(self, folder: Path) -> None:
        """The averaged weights as a 16-bit pipeline folder."""
        pipeline = self.pipeline
        with self.averaged():
            halves = {m: halved(getattr(pipeline, m)) for m in ("transformer", "text_encoder", "vae")}
        shipped = ToyWorldPipeline(pipeline.tokenizer, scheduler=pipeline.scheduler, **halves)
        shipped.save_pretrained(folder, safe_serialization=True)
        tidy_vae_config(folder / "vae")
        (folder / "training.json").write_text(json.dumps(self.facts(), indent=1) + "\n")

    def facts(self) -> dict:
        """What the model card says of the training; `--init-from` reads images and hours back."""
        args, count = self.args, self.processes.count
        threads = f"a CPU, {count} x {torch.get_num_threads()} threads"
        return {
            "images": self.total,
            "hours": round(self.counts["hours_before"] + self.seconds / 3600, 3),
            "hardware": threads if self.device.type == "cpu" else f"{count} x {torch.cuda.get_device_name()}",
            "seed": args.seed_weights,
            "seed_data": args.seed_data,
            "recipe": RECIPE.format(
                mean=MEAN_LOGIT_T,
                batch=args.batch,
                processes=count,
                es="" if count == 1 else "es",
                lr=args.lr,
                decay_from=self.images_before + args.decay_from,
                ema=EMA_DECAY,
                warmup=WARMUP_STEPS,
                precision="bf16 autocast" if args.precision == "bf16" else "fp32",
            ),
            "go_on": GO_ON,
        }

    def report(self, before: int) -> dict:
        """At times a sample sheet beside the state, and the judge's score on 64 prompts."""
        if self.images // self.args.report_every == before // self.args.report_every:
            return {}
        samples = [scenes.random_scene((999, i)) for i in range(64)]
        with self.averaged():
            images = self.pipeline(
                [s.prompt for s in samples],
                num_inference_steps=16,
                output_type="np",
                generator=[torch.Generator().manual_seed(i) for i in range(64)],
            ).images
        rows = [np.concatenate(images[i : i + 16], axis=1) for i in range(0, 64, 16)]
        sheet = Image.fromarray(np.rint(np.concatenate(rows) * 255).astype(np.uint8))
        sheet.save(self.args.state / f"sheet-{self.total:08d}.png")
        try:
            from .judge import load_judge, score

            return score(load_judge(), np.rint(images * 255).astype(np.uint8), [s.attributes for s in samples])
        except Exception as error:  # a judge that is missing or broken must not end a run of hours
            return {"judge": f"no score: {error!r}"}

    def train(self) -> None:
        """The run, to its end or until a signal stops it."""
        args, say = self.args, print if self.processes.first else lambda *_, **__: None
        stream = SceneStream(args.seed_data, self.images_before + args.images)
        say(f"training from {self.total} to {len(stream)} images; state in {args.state}", flush=True)
        batches = self.batches(stream, args.batch, self.total, len(stream), args.workers)
        if not self.run(batches, args.batch, STATE_EVERY, self.images_before):
            say(f"stopped at {self.total} images; the same command goes on", flush=True)
            return
        if self.processes.first:
            self.export(args.out)
        say(f"done: {self.total} images, weights in {args.out}", flush=True)


def device_of(name: str, processes: Processes) -> torch.device:
    """Where a process computes: of several on GPUs, each on its own."""
    return torch.device("cuda", processes.rank) if name == "cuda" and processes.count > 1 else torch.device(name)


def shared_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Options that both trainings have; folder: of the default state."""
    parser.add_argument("--processes", type=int, default=1, help="that share each batch: one a core, or one a GPU")
    parser.add_argument("--precision", choices=("bf16", "fp32"), help="default: bf16 where the device computes in it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads of a process (default: torch's choice, shared out)")
    parser.add_argument("--workers", type=int, default=0, help="processes that render scenes")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path.home() / ".cache" / "fewchannels" / folder,
        help="folder for state, snapshots, sheets and log, outside the work tree",
    )


def check_shared(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Fill in and check what `shared_options` has, and make the folder of the state."""
    if args.batch < 1 or args.processes < 1 or args.batch % args.processes:
        parser.error(f"--batch {args.batch} --processes {args.processes}: expected an equal share for each process")
    if args.device == "cuda" and args.processes > torch.cuda.device_count():
        parser.error(f"--processes {args.processes}: there are {torch.cuda.device_count()} GPUs, and each needs one")
    args.precision = args.precision or fitting_precision(args.device)
    args.state.mkdir(parents=True, exist_ok=True)


def in_processes(work, args: argparse.Namespace):
    """What work(args, processes) gives in the first process, run as `shared_options` ask for it."""
    threads = args.threads or (max(1, (os.cpu_count() or 1) // args.processes) if args.processes > 1 else None)
    backend = "nccl" if args.device == "cuda" else "gloo"
    return together(_prepared, (work, args, threads), args.processes, backend)


def _prepared(given, processes: Processes):
    work, args, threads = given
    if threads:
        torch.set_num_threads(threads)
    plain = args.device == "cpu" and args.precision == "bf16"
    with cpu_attention() if plain else contextlib.nullcontext():
        return work(args, processes)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fewchannels.toyworld.train", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1_000_000, help="images of this run, and the end of its schedule")
    parser.add_argument("--decay-from", type=int, help="images after which the rate falls to zero (default: 70 %%)")
    parser.add_argument("--batch", type=int, default=32, help="images a step, of all processes together")
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0, help="of weights and of data, where they are not given apart")
    parser.add_argument("--seed-weights", type=int, help="of the first weights")
    parser.add_argument("--seed-data", type=int, help="of scenes, noise and dropped prompts")
    parser.add_argument("--architecture", default="sd3", choices=ARCHITECTURES)
    parser.add_argument("--vae", type=Path, help="folder of the autoencoder (default: the shipped one)")
    parser.add_argument("--report-every", type=int, default=REPORT_EVERY, help="images between two sheets of samples")
    shared_options(parser, "train")
    parser.add_argument("--out", type=Path, help="folder for the finished pipeline (default: STATE/pipeline)")
    parser.add_argument("--init-from", type=Path, help="a pipeline folder whose weights are the start")
    args = parser.parse_args(argv)
    if args.images < args.batch or args.batch < 1:
        parser.error(f"--images {args.images} --batch {args.batch}: expected at least one batch of at least one image")
    args.seed_weights = args.seed if args.seed_weights is None else args.seed_weights
    args.seed_data = args.seed if args.seed_data is None else args.seed_data
    args.decay_from = args.images * 7 // 10 if args.decay_from is None else args.decay_from
    args.out = args.out or args.state / "pipeline"
    check_shared(parser, args)
    return args


def work(args: argparse.Namespace, processes: Processes) -> None:
    Trainer(args, processes).train()


def main(argv: list[str] | None = None) -> None:
    in_processes(work, parse_args(argv))


if __name__ == "__main__":
    main()
