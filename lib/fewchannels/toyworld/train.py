"""Train the toy world's text-to-image flow transformer:  python -m fewchannels.toyworld.train --help

What is trained, and on what, is in `recipe`. Here is the run: AdamW, bf16 where the machine has it, an exponential
moving average of the weights, a schedule counted in images. Every batch is a function of the seed and the number of
images seen, so a run that was killed goes on as if it had not been. The state lies outside the work tree;
`--init-from` goes on from the committed 16-bit weights alone.

On a CPU that does anything else meanwhile set OMP_WAIT_POLICY=PASSIVE: two threads that wait for each other by
spinning were seen to be eleven times slower beside one busy process.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import signal
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from ..disk import rename
from . import scenes
from .pipeline import ToyWorldPipeline
from .recipe import (
    ARCHITECTURES,
    EMA_DECAY,
    RECIPE,
    WARMUP_STEPS,
    SceneStream,
    build_pipeline,
    cpu_attention,
    fitting_precision,
    flow_loss,
    learning_rate,
    snapshot_due,
)

STATE_EVERY = 4_000  # images
REPORT_EVERY = 16_000  # images


def halved(module: torch.nn.Module) -> torch.nn.Module:
    """A copy in float16: for weights, all small numbers, ten mantissa bits serve better than bfloat16's seven."""
    clone = copy.deepcopy(module)
    for tensor in (*clone.parameters(), *clone.buffers()):
        tensor.data = tensor.data.half()
    return clone


class Trainer:
    """Model, average, optimiser and count of images; saved to and restored from one safetensors file."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = torch.device(args.device)
        if args.init_from:
            self.pipeline = ToyWorldPipeline.from_pretrained(
                args.init_from, use_safetensors=True, torch_dtype=torch.float32
            )
        else:
            self.pipeline = build_pipeline(args.seed, args.architecture)
        self.pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        modules = {"transformer": self.pipeline.transformer, "text_encoder": self.pipeline.text_encoder}
        self.parameters = {f"{m}.{n}": p for m, module in modules.items() for n, p in module.named_parameters()}
        self.average = {n: p.detach().clone() for n, p in self.parameters.items()}
        decayed = [p for n, p in self.parameters.items() if p.ndim >= 2 and not n.startswith("text_encoder")]
        others = [p for n, p in self.parameters.items() if p.ndim < 2 or n.startswith("text_encoder")]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
            lr=args.lr,
            betas=(0.9, 0.95),
            fused=True,
        )
        self.images = self.step = 0
        facts = {} if not args.init_from else json.loads((args.init_from / "training.json").read_text())
        self.images_before, self.hours_before = facts.get("images", 0), facts.get("hours", 0.0)
        self.seconds = 0.0
        self.state_file = args.state / "state.safetensors"
        if self.state_file.exists():
            self.restore()

    def restore(self) -> None:
        tensors = load_file(self.state_file)
        counts = json.loads((self.args.state / "state.json").read_text())
        if counts["step"] != int(tensors.pop("step")):  # killed between the two writes: the tensors are newer
            counts = json.loads((self.args.state / "state.next.json").read_text())
        self.images, self.step, self.seconds = counts["images"], counts["step"], counts["seconds"]
        self.images_before, self.hours_before = counts["images_before"], counts.get("hours_before", 0.0)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"weight.{name}"])
                self.average[name].copy_(tensors[f"average.{name}"])
                if f"first.{name}" in tensors:
                    self.optimiser.state[parameter] = {
                        "step": torch.tensor(float(self.step)),
                        "exp_avg": tensors[f"first.{name}"].to(self.device),
                        "exp_avg_sq": tensors[f"second.{name}"].to(self.device),
                    }
        print(f"resumed at {self.images} images", flush=True)

    def save(self) -> None:
        tensors = {"step": torch.tensor(self.step)}
        for name, parameter in self.parameters.items():
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
            tensors[f"average.{name}"] = self.average[name]
            if state := self.optimiser.state.get(parameter):
                tensors[f"first.{name}"] = state["exp_avg"]
                tensors[f"second.{name}"] = state["exp_avg_sq"]
        counts = {
            "images": self.images,
            "step": self.step,
            "seconds": self.seconds,
            "images_before": self.images_before,
            "hours_before": self.hours_before,
        }
        folder = self.args.state
        (folder / "state.next.json").write_text(json.dumps(counts))
        save_file(tensors, folder / "state.tmp")
        rename(folder / "state.tmp", self.state_file)
        rename(folder / "state.next.json", folder / "state.json")

    @contextlib.contextmanager
    def averaged(self):
        """The pipeline with its averaged weights."""
        kept = {n: p.detach().clone() for n, p in self.parameters.items()}
        with torch.no_grad():
            for n, p in self.parameters.items():
                p.copy_(self.average[n])
        try:
            yield self.pipeline
        finally:
            with torch.no_grad():
                for n, p in self.parameters.items():
                    p.copy_(kept[n])

    def export(self, folder: Path) -> None:
        """The averaged weights as a 16-bit pipeline folder."""
        with self.averaged() as pipeline:
            halves = {m: halved(getattr(pipeline, m)) for m in ("transformer", "text_encoder")}
        shipped = ToyWorldPipeline(pipeline.tokenizer, scheduler=pipeline.scheduler, **halves)
        shipped.save_pretrained(folder, safe_serialization=True)
        (folder / "training.json").write_text(json.dumps(self.facts(), indent=1) + "\n")

    def facts(self) -> dict:
        """What the model card says of the training; `--init-from` reads images and hours back."""
        args, total = self.args, self.images_before + self.images
        on_cpu = self.device.type == "cpu"
        return {
            "images": total,
            "hours": round(self.hours_before + self.seconds / 3600, 3),
            "hardware": f"a CPU, {torch.get_num_threads()} threads" if on_cpu else torch.cuda.get_device_name(),
            "seed": args.seed,
            "recipe": RECIPE.format(
                batch=args.batch,
                lr=args.lr,
                ema=EMA_DECAY,
                warmup=WARMUP_STEPS,
                precision="bf16 autocast" if args.precision == "bf16" else "fp32",
            ),
            "go_on": "python -m fewchannels.toyworld.train --init-from lib/fewchannels/toyworld/weights/pipeline "
            "--images 1000000",
        }

    def train_step(self, images: torch.Tensor, ids: torch.Tensor) -> float:
        args = self.args
        rate = learning_rate(self.images, self.step, args.lr, args.decay_from, args.images)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # a new run from old weights must not see the old run's noise again
        generator = torch.Generator().manual_seed((args.seed << 40) + self.images_before + self.images)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=args.precision == "bf16"):
            loss = flow_loss(self.pipeline, images.to(self.device), ids.to(self.device), generator)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.parameters.values()], 1 - decay)
        return float(loss.detach())

    def report(self) -> dict:
        """A sample sheet beside the state and, where the judge's weights are there, its score on 64 prompts."""
        samples = [scenes.random_scene((999, i)) for i in range(64)]
        with self.averaged() as pipeline:
            images = pipeline(
                [s.prompt for s in samples],
                num_inference_steps=16,
                output_type="np",
                generator=[torch.Generator().manual_seed(i) for i in range(64)],
            ).images
        rows = [np.concatenate(images[i : i + 16], axis=1) for i in range(0, 64, 16)]
        sheet = Image.fromarray(np.rint(np.concatenate(rows) * 255).astype(np.uint8))
        sheet.save(self.args.state / f"sheet-{self.images_before + self.images:08d}.png")
        try:
            from .judge import load_judge, score

            return score(load_judge(), np.rint(images * 255).astype(np.uint8), [s.attributes for s in samples])
        except Exception as error:  # a judge that is missing or broken must not end a run of hours
            return {"judge": f"no score: {error!r}"}

    def run(self) -> None:
        args = self.args
        stream = SceneStream(args.seed, self.images_before + args.images)
        start = self.images_before + self.images
        batches = torch.utils.data.DataLoader(
            stream, batch_size=args.batch, sampler=range(start, len(stream)), num_workers=args.workers, drop_last=True
        )
        stop = []
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.append(True))
        print(f"training from {start} to {len(stream)} images; state in {args.state}", flush=True)
        clock = reported = time.monotonic()
        losses: list[float] = []
        for images, ids in batches:
            losses.append(self.train_step(images, ids))
            before, self.images = self.images, self.images + len(images)
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            total = self.images_before + self.images
            if snapshot_due(self.images_before + before, total):
                self.export(args.state / f"snapshot-{total:08d}")
            if self.images // 1600 > before // 1600:
                line = {
                    "images": total,
                    "loss": round(float(np.mean(losses)), 4),
                    "images_per_s": round(len(losses) * args.batch / (now - reported), 1),
                    "hours": round(self.seconds / 3600, 3),
                }
                losses, reported = [], now
                if self.images // REPORT_EVERY > before // REPORT_EVERY:
                    line |= self.report()
                print(json.dumps(line), flush=True)
                with open(args.state / "log.jsonl", "a") as log:
                    log.write(json.dumps(line) + "\n")
            if stop or self.images // STATE_EVERY > before // STATE_EVERY:
                self.save()
            if stop:
                print(f"stopped at {total} images; the same command goes on", flush=True)
                return
        self.save()
        self.export(args.out)
        print(f"done: {self.images_before + self.images} images, weights in {args.out}", flush=True)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fewchannels.toyworld.train", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1_000_000, help="images of this run, and the end of its schedule")
    parser.add_argument("--decay-from", type=int, help="images after which the rate falls to zero (default: 75 %%)")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--architecture", default="sd3", choices=ARCHITECTURES)
    parser.add_argument("--precision", choices=("bf16", "fp32"), help="default: bf16 where the device computes in it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    parser.add_argument("--workers", type=int, default=0, help="processes that render scenes")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path.home() / ".cache" / "fewchannels" / "train",
        help="folder for state, snapshots, sheets and log, outside the work tree",
    )
    parser.add_argument("--out", type=Path, help="folder for the finished pipeline (default: STATE/pipeline)")
    parser.add_argument("--init-from", type=Path, help="a pipeline folder whose weights are the start")
    args = parser.parse_args(argv)
    if args.images < args.batch or args.batch < 1:
        parser.error(f"--images {args.images} --batch {args.batch}: expected at least one batch of at least one image")
    args.decay_from = args.images * 3 // 4 if args.decay_from is None else args.decay_from
    args.precision = args.precision or fitting_precision(args.device)
    args.out = args.out or args.state / "pipeline"
    args.state.mkdir(parents=True, exist_ok=True)
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    plain = args.device == "cpu" and args.precision == "bf16"
    with cpu_attention() if plain else contextlib.nullcontext():
        Trainer(args).run()


if __name__ == "__main__":
    main()
