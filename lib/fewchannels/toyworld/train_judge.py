"""Train the toy world's judge:  python -m fewchannels.toyworld.train_judge --help

It learns from rendered scenes, one in ten without a subject, under mild noise, blur and colour shift; and from broken
pictures (`breakage`) and, with `--samples-from`, pictures by an ablated model, where every subject attribute is
"none". The run renders a pool of scenes first, and is resumable. `judge_card` examines the result and writes its card.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ..disk import rename
from . import breakage, scenes
from .judge import (
    EVEN_TEXTURES,
    IMAGE_HEADS,
    PRESENCE,
    SUBJECT_HEADS,
    Judge,
    JudgeNetwork,
    normalise,
    save_judge,
    score,
)
from .prompts import COLOURS, POSITIONS

TRAIN_SEED, TEST_SEED = 7001, 7002  # the flow model's own training and reports use others
CHUNK = 4_000
BROKEN = 0.2  # share of each batch


def labels_of(attributes: scenes.Attributes) -> dict[str, np.ndarray]:
    """One scene's targets: class indices for each head of the network, as int64 arrays."""
    slots = {name: np.full(len(POSITIONS), len(names)) for name, names in SUBJECT_HEADS.items()}
    for subject in attributes.subjects:
        for name, names in SUBJECT_HEADS.items():
            slots[name][POSITIONS.index(subject.position)] = names.index(getattr(subject, name))
    tones = attributes.background, attributes.second
    if attributes.second and attributes.texture in EVEN_TEXTURES:  # which is which cannot be seen
        tones = sorted(tones, key=COLOURS.index)
    seen = dict(zip(IMAGE_HEADS, (attributes.texture, *tones), strict=True))
    whole = {name: np.array(names.index(seen[name])) for name, names in IMAGE_HEADS.items()}
    said = {getattr(s, f) for s in attributes.subjects for f in ("shape", "colour", "size", "position")}
    return slots | whole | {"presence": np.array([int(word in said) for word in PRESENCE])}


def owners(scene: scenes.Scene) -> np.ndarray:
    """uint8 [48, 48]: the position whose subject covers a pixel, or 5 for none."""
    owner = np.full(scene.image.shape[:2], len(POSITIONS), dtype=np.uint8)
    for subject, mask in zip(scene.attributes.subjects, scene.subject_masks, strict=True):
        owner[mask] = POSITIONS.index(subject.position)
    return owner


def render_chunk(seed: tuple[int, ...], count: int) -> dict[str, np.ndarray]:
    """`count` scenes with their targets, stacked; 5 % more than in the world have no subject."""
    drawn = [scenes.random_scene((*seed, i), **({"subjects": 0} if i % 20 == 0 else {})) for i in range(count)]
    labels = [labels_of(s.attributes) for s in drawn]
    arrays = {name: np.stack([label[name] for label in labels]).astype(np.uint8) for name in labels[0]}
    return arrays | {"images": np.stack([s.image for s in drawn]), "pixels": np.stack([owners(s) for s in drawn])}


def pool(folder: Path, count: int) -> dict[str, np.ndarray]:
    """The training scenes, rendered once into `folder`; more chunks are added where `count` asks for them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for i in range(math.ceil(count / CHUNK)):
        file = folder / f"chunk-{i:03d}.safetensors"
        if not file.exists():
            save_arrays(render_chunk((TRAIN_SEED, i), CHUNK), folder / "chunk.tmp")
            rename(folder / "chunk.tmp", file)
        parts.append(load_arrays(file))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def ablated_samples(folder: Path, count: int, seed: int, steps: int = 8, batch: int = 8) -> np.ndarray:
    """uint8 [count, 48, 48, 3]: pictures by the pipeline in `folder` while the channels with the largest |mean over
    tokens|, an eighth to a half of the width, are zero after one to three of the blocks."""
    from . import text_encoder  # noqa: F401  diffusers loads only components whose module is imported
    from .pipeline import ToyWorldPipeline

    pipeline = ToyWorldPipeline.from_pretrained(folder, use_safetensors=True, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    rng = np.random.default_rng((seed, 5))
    width = pipeline.transformer.inner_dim
    parts = []
    for start in range(0, count, batch):
        blocks = rng.permutation(pipeline.transformer.config.num_layers)[: rng.integers(1, 4)]
        k = int(rng.integers(width // 8, width // 2))

        def zero(module, inputs, output, k=k):
            context, tokens = output
            top = tokens.mean(dim=1).abs().mean(dim=0).topk(k).indices
            return context, tokens.index_fill(-1, top, 0.0)

        hooked = [pipeline.transformer.transformer_blocks[i] for i in blocks]
        handles = [b.register_forward_hook(zero) for b in hooked]
        prompts = [scenes.random_scene((seed, 6, start + i)).prompt for i in range(min(batch, count - start))]
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        images = pipeline(prompts, num_inference_steps=steps, generator=generator, output_type="np").images
        parts.append(np.rint(images * 255).astype(np.uint8))
        for handle in handles:
            handle.remove()
    return np.concatenate(parts)


def draw_batch(scenes_pool, samples: np.ndarray | None, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A batch of the pool's scenes, mildly damaged, whose last fifth are broken pictures with their targets "none"."""
    chosen = rng.integers(len(scenes_pool["images"]), size=size)
    batch = {name: array[chosen].astype(np.int64) for name, array in scenes_pool.items() if name != "images"}
    images = scenes_pool["images"][chosen]
    broken = max(3, int(size * BROKEN))
    kind = str(rng.choice([*breakage.TRAINED, *(["ablated"] if samples is not None else [])]))
    last = slice(size - broken, None)
    if kind == "ablated":
        images[last] = samples[rng.integers(len(samples), size=broken)]
    else:
        images[last] = breakage.break_pictures(kind, images[last], rng)
    for name, names in SUBJECT_HEADS.items():
        batch[name][last] = len(names)
    batch["presence"][last] = 0
    batch["pixels"][last] = len(POSITIONS)
    half = slice(0, size // 2)  # the other half, and what is broken, stays sharp
    blur = rng.uniform(0, 0.9) if rng.random() < 0.4 else 0
    images[half] = breakage.mild(images[half], rng, blur=blur, noise=rng.uniform(0, 12), shift=16)
    batch["known"] = np.arange(size) < size - broken  # broken pictures have no true background
    return batch | {"images": images}


def loss_of(out: dict[str, torch.Tensor], batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropies of all heads; those of the background over scenes alone."""
    known = batch["known"]
    total = 4 * cross_entropy(out["pixels"].float(), batch["pixels"])
    for name in SUBJECT_HEADS:
        total = total + 2 * cross_entropy(out[name].float().flatten(0, 1), batch[name].flatten())
    for name in IMAGE_HEADS:
        total = total + cross_entropy(out[name][known].float(), batch[name][known])
    return total + binary_cross_entropy_with_logits(out["presence"].float(), batch["presence"].float())


class Trainer:
    """Network, optimiser and count of images; saved to and restored from one safetensors file."""

    def __init__(self, args: argparse.Namespace):
        torch.manual_seed(args.seed)
        self.args, self.images, self.seconds = args, 0, 0.0
        self.network = JudgeNetwork().to(args.device, memory_format=torch.channels_last)
        self.parameters = dict(self.network.named_parameters())
        self.optimiser = torch.optim.AdamW(self.parameters.values(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.02)
        self.state_file = args.state / "judge-state.safetensors"
        if self.state_file.exists():
            self.restore()

    def restore(self) -> None:
        tensors = load_file(self.state_file)
        images, self.seconds = tensors.pop("images"), float(tensors.pop("seconds"))
        self.images = int(images)
        self.network.load_state_dict({n[7:]: t for n, t in tensors.items() if n.startswith("weight.")})
        for name, parameter in self.parameters.items():
            self.optimiser.state[parameter] = {
                "step": torch.tensor(self.images / self.args.batch),
                "exp_avg": tensors[f"first.{name}"].to(self.args.device),
                "exp_avg_sq": tensors[f"second.{name}"].to(self.args.device),
            }
        print(f"resumed at {self.images} images", flush=True)

    def save(self) -> None:
        tensors = {"images": torch.tensor(self.images), "seconds": torch.tensor(self.seconds)}
        tensors |= {f"weight.{n}": t.contiguous() for n, t in self.network.state_dict().items()}
        for name, parameter in self.parameters.items():
            tensors[f"first.{name}"] = self.optimiser.state[parameter]["exp_avg"].contiguous()
            tensors[f"second.{name}"] = self.optimiser.state[parameter]["exp_avg_sq"].contiguous()
        save_file(tensors, self.args.state / "judge-state.tmp")
        rename(self.args.state / "judge-state.tmp", self.state_file)

    def train_step(self, batch: dict[str, np.ndarray]) -> float:
        args = self.args
        done = self.images / args.images
        rate = args.lr * min(1.0, (1 + self.images / args.batch) / 200) * min(1.0, (1 - done) / (1 - args.decay_from))
        for group in self.optimiser.param_groups:
            group["lr"] = max(0.0, rate)
        tensors = {name: torch.from_numpy(array).to(args.device) for name, array in batch.items()}
        images = normalise(tensors.pop("images")).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(args.device).type, torch.bfloat16):
            out = self.network(images)
        loss = loss_of(out, tensors)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 5.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def run(self) -> None:
        args = self.args
        scenes_pool = pool(args.state / "pool", args.pool)
        samples = None
        if args.samples_from:
            file = args.state / "ablated.safetensors"
            if not file.exists():
                save_arrays({"images": ablated_samples(args.samples_from, args.samples, args.seed)}, file)
            samples = load_arrays(file)["images"]
        tested = [
            scenes.random_scene((TEST_SEED, 1, i)) for i in range(300)
        ]  # for the log; the test proper draws others
        losses, clock = [], time.monotonic()
        while self.images < args.images:
            self.network.train()
            batch = draw_batch(scenes_pool, samples, args.batch, np.random.default_rng((args.seed, self.images)))
            losses.append(self.train_step(batch))
            before, self.images = self.images, self.images + args.batch
            if self.images // 8_000 > before // 8_000 or self.images >= args.images:
                self.seconds, clock = self.seconds + time.monotonic() - clock, time.monotonic()
                self.save()
                line = {"images": self.images, "loss": round(float(np.mean(losses)), 4), "hours": self.seconds / 3600}
                judge = Judge(self.network)
                line |= score(judge, np.stack([s.image for s in tested]), [s.attributes for s in tested])
                line["iou"] = float(np.median(mask_ious(judge, tested)))
                print(json.dumps(line), flush=True)
                save_judge(self.network, args.out)
                (args.out / "training.json").write_text(json.dumps(self.facts(), indent=2) + "\n")
                losses = []

    def facts(self) -> dict:
        """What the card says of the training."""
        args = self.args
        ablated = f", pictures by an ablated toy-world model ({args.samples} of them)" if args.samples_from else ""
        return {
            "images": self.images,
            "hours": round(self.seconds / 3600, 3),
            "seed": args.seed,
            "hardware": f"{args.device}, {torch.get_num_threads()} thread(s)" if args.device == "cpu" else args.device,
            "parameters": sum(p.numel() for p in self.parameters.values()),
            "recipe": (
                f"A pool of {args.pool:,} rendered scenes, one in ten without a subject, half of each batch under mild "
                f"noise, blur and colour shift; {BROKEN:.0%} of each batch are broken pictures "
                f'({", ".join(breakage.TRAINED)}{ablated}), whose subject attributes are "none". '
                f"AdamW at {args.lr:g}, batch {args.batch}, linear decay from {args.decay_from:.0%} "
                "of the run, bf16 autocast."
            ),
        }


def mask_ious(judge: Judge, tested: list[scenes.Scene]) -> np.ndarray:
    """IoU of the mask of all subjects with the exact one, over the scenes that have a subject."""
    shown = [s for s in tested if s.attributes.subjects]
    read = [r.mask for r in judge.read(np.stack([s.image for s in shown]))]
    return np.array([(m & s.mask).sum() / (m | s.mask).sum() for m, s in zip(read, shown, strict=True)])


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fewchannels.toyworld.train_judge", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--images", type=int, default=160_000, help="pictures of this run, and the end of its schedule")
    parser.add_argument("--decay-from", type=float, default=0.3, help="share of the run after which the rate falls")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=80_000, help="scenes that are rendered once and drawn from")
    parser.add_argument(
        "--samples-from", type=Path, help="a pipeline folder; its ablated pictures join the broken ones"
    )
    parser.add_argument("--samples", type=int, default=480, help="how many ablated pictures")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path.home() / ".cache" / "fewchannels" / "judge",
        help="folder for state and rendered scenes, outside the work tree",
    )
    parser.add_argument("--out", type=Path, help="folder for the judge (default: STATE/weights)")
    args = parser.parse_args(argv)
    args.out = args.out or args.state / "weights"
    args.state.mkdir(parents=True, exist_ok=True)
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    Trainer(args).run()


if __name__ == "__main__":
    main()
