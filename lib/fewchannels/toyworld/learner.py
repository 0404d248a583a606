"""A network in training, as both trainings of the toy world need it: AdamW, an exponential moving average of the
weights, a count of images, and a state on disk from which a killed run goes on as if it had not been.

A subclass says what it learns:

    class Trainer(Learner):
        def loss(self, *batch): ...             # of this process's share, a tensor
        def rate(self): ...                     # the learning rate at self.images, self.step
"""

from __future__ import annotations

import contextlib
import copy
import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from ..disk import rename
from .processes import ALONE, Processes

LOG_EVERY = 1_600  # images
SLOTS = {"first": "exp_avg", "second": "exp_avg_sq", "momentum": "momentum"}  # what an optimiser keeps of a parameter


def halved(module: torch.nn.Module) -> torch.nn.Module:
    """A copy in float16: for weights, all small numbers, ten mantissa bits serve better than bfloat16's seven."""
    clone = copy.deepcopy(module)
    for tensor in (*clone.parameters(), *clone.buffers()):
        tensor.data = tensor.data.half()
    return clone


def tidy_vae_config(folder: Path) -> None:
    """Take out of an autoencoder's saved configuration what diffusers warns of when it reads it."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config.pop("block_out_channels", None)
    file.write_text(json.dumps(config, indent=2) + "\n")


class Learner:
    """Parameters by name, their average, the optimiser and the counts; one safetensors file holds all of it.

    state: its folder, which has to exist. decayed(name, parameter): whether weight decay holds. most: of the average's
    memory. counts: further numbers that are kept with the state and are read back from it.
    """

    def __init__(
        self,
        parameters: dict[str, torch.nn.Parameter],
        state: Path,
        lr: float,
        most: float,
        decayed: Callable[[str, torch.nn.Parameter], bool] = lambda name, parameter: True,
        counts: dict | None = None,
        processes: Processes = ALONE,
    ):
        self.parameters, self.folder, self.most, self.processes = parameters, state, most, processes
        self.average = {n: p.detach().clone() for n, p in parameters.items()}
        with_decay = [p for n, p in parameters.items() if decayed(n, p)]
        without = [p for n, p in parameters.items() if not decayed(n, p)]
        self.optimiser = self.make_optimiser(
            [{"params": with_decay, "weight_decay": 0.01}, {"params": without, "weight_decay": 0.0}], lr
        )
        self.images = self.step = 0
        self.seconds = 0.0
        self.counts = dict(counts or {})
        self.stopped = False
        self.state_file = state / "state.safetensors"
        if self.state_file.exists():
            self.restore()

    def make_optimiser(self, groups: list[dict], lr: float) -> torch.optim.Optimizer:
        """Of groups of parameters, each with its weight decay. What it keeps of a parameter is of `SLOTS`."""
        return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True)

    def loss(self, *batch) -> torch.Tensor:
        raise NotImplementedError

    def rate(self) -> float:
        raise NotImplementedError

    def moment(self, before: int) -> None:
        """What is done after a step, in the first process; `before` it there were so many images."""

    def report(self, before: int) -> dict:
        """What a line of the log says besides the loss."""
        return {}

    def restore(self) -> None:
        tensors = load_file(self.state_file)
        counts = json.loads((self.folder / "state.json").read_text())
        if counts["step"] != int(tensors.pop("step")):  # killed between the two writes: the tensors are newer
            counts = json.loads((self.folder / "state.next.json").read_text())
        self.images, self.step, self.seconds = counts["images"], counts["step"], counts["seconds"]
        self.counts |= {name: counts[name] for name in self.counts if name in counts}
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[f"weight.{name}"])
                self.average[name].copy_(tensors[f"average.{name}"])
                kept = {key: f"{slot}.{name}" for slot, key in SLOTS.items() if f"{slot}.{name}" in tensors}
                if kept:
                    state = {key: tensors[stored].to(parameter.device) for key, stored in kept.items()}
                    step = torch.tensor(float(self.step), device=parameter.device)
                    self.optimiser.state[parameter] = {"step": step, **state}
        if self.processes.first:
            print(f"resumed at {self.images} images", flush=True)

    def save(self) -> None:
        tensors = {"step": torch.tensor(self.step)}
        for name, parameter in self.parameters.items():
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
            tensors[f"average.{name}"] = self.average[name]
            state = self.optimiser.state.get(parameter, {})
            tensors |= {f"{slot}.{name}": state[key] for slot, key in SLOTS.items() if key in state}
        counts = {"images": self.images, "step": self.step, "seconds": self.seconds, **self.counts}
        (self.folder / "state.next.json").write_text(json.dumps(counts))
        save_file(tensors, self.folder / "state.tmp")
        rename(self.folder / "state.tmp", self.state_file)
        rename(self.folder / "state.next.json", self.folder / "state.json")

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with its averaged weights."""
        kept = {n: p.detach().clone() for n, p in self.parameters.items()}
        with torch.no_grad():
            for n, p in self.parameters.items():
                p.copy_(self.average[n])
        try:
            yield
        finally:
            with torch.no_grad():
                for n, p in self.parameters.items():
                    p.copy_(kept[n])

    def train_step(self, *batch, stop: bool = False) -> float:
        """One step on this process's share of a batch; its loss. Where any process was told to stop, `stopped`."""
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(*batch)
        loss.backward()
        self.stopped = self.processes.average(self.parameters.values(), stop)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(self.most, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.parameters.values()], 1 - decay)
        return float(loss.detach())

    def batches(self, stream, batch: int, start: int, end: int, workers: int = 0) -> Iterable:
        """This process's share of every batch from image `start` to `end`."""
        shares = [list(self.processes.share(first, batch)) for first in range(start, end - batch + 1, batch)]
        return torch.utils.data.DataLoader(stream, batch_sampler=shares, num_workers=workers)

    def run(self, batches: Iterable, batch: int, state_every: int, shown: int = 0) -> bool:
        """Train to the end of the batches (True), or until a signal stops it (False). shown: images of earlier runs.

        The loss in a line of the log is the mean over the first process's share of the images since the last line.
        """
        told: list[bool] = []
        for name in (signal.SIGTERM, *([signal.SIGINT] if self.processes.first else [])):
            signal.signal(name, lambda *_: told.append(True))
        clock = reported = time.monotonic()
        losses: list[float] = []
        for shares in batches:
            losses.append(self.train_step(*shares, stop=bool(told)))
            before, self.images = self.images, self.images + batch
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            if self.processes.first:
                self.moment(before)
                if self.images // LOG_EVERY > before // LOG_EVERY:
                    line = {
                        "images": shown + self.images,
                        "loss": round(float(np.mean(losses)), 4),
                        "images_per_s": round(len(losses) * batch / (now - reported), 1),
                        "hours": round(self.seconds / 3600, 3),
                    }
                    line |= self.report(before)
                    print(json.dumps(line), flush=True)
                    with open(self.folder / "log.jsonl", "a") as log:
                        log.write(json.dumps(line) + "\n")
                    losses, clock = [], time.monotonic()
                    reported = clock
                if self.stopped or self.images // state_every > before // state_every:
                    self.save()
            if self.stopped:
                return False
        if self.processes.first:
            self.save()
        return True
