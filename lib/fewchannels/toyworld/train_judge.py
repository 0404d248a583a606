"""Train the toy world's judge:  python -m fewchannels.toyworld.train_judge --help

It learns from rendered scenes under everything that edits do to pictures (`damage`), some of them first through an
autoencoder with noise on the latents (`--vae`), with their labels as long as they can be seen by the rule of `visible`;
and from pictures without a scene (`breakage`), where every subject attribute is "none". No picture by a generating
model is among them, edited or not. The run renders a pool of scenes first, and is resumable. At its end the certainty
of each answer is calibrated on scenes that were not trained on. `judge_card` examines the result and writes its card.
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
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss

from ..disk import rename
from . import breakage, damage, scenes
from .judge import EVEN_TEXTURES, IMAGE_HEADS, SUBJECT_HEADS, Judge, JudgeNetwork, normalise, save_judge, score
from .prompts import COLOURS, POSITIONS

TRAIN_SEED, TEST_SEED, CALIBRATION_SEED = 7001, 7002, 7003  # the flow model's own training and reports use others
CHUNK = 4_000
BROKEN = 0.08  # share of each batch that has no scene at all
DECODED = 0.4  # share of the pool that comes through the autoencoder
FITTED = 60_000  # pictures on which the reading of `tones` is fitted at the end
OPEN = -100  # a target that is not trained on


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
    return slots | whole


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


def pool(folder: Path, count: int, vae: Path | None = None) -> dict[str, np.ndarray]:
    """The training scenes, rendered once into `folder`; more chunks are added where `count` asks for them. vae: a
    folder of an autoencoder that some of them go through."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for i in range(math.ceil(count / CHUNK)):
        file = folder / f"chunk-{i:03d}.safetensors"
        if not file.exists():
            chunk = render_chunk((TRAIN_SEED, i), CHUNK)
            if vae:
                some = slice(0, int(DECODED * CHUNK))
                chunk["images"][some] = through_autoencoder(chunk["images"][some], vae, (TRAIN_SEED, 1, i))
            save_arrays(chunk, folder / "chunk.tmp")
            rename(folder / "chunk.tmp", file)
        parts.append(load_arrays(file))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def through_autoencoder(images: np.ndarray, folder: Path, seed: tuple[int, ...], batch: int = 50) -> np.ndarray:
    """uint8 [B, 48, 48, 3] through the autoencoder in `folder`, and back: half of them with noise in place of up to
    60 % of each latent, all over or in some of its cells, and with latents up to 40 % weaker or stronger."""
    from diffusers import AutoencoderTiny

    vae = AutoencoderTiny.from_pretrained(folder, use_safetensors=True, torch_dtype=torch.float32).eval()
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, len(images), batch):
        with torch.no_grad():
            latents = vae.encode(normalise(torch.from_numpy(images[start : start + batch]))).latents
            count, _, *size = latents.shape
            hurt = rng.random((count, 1, 1, 1)) < 0.5
            some = rng.random((count, 1, *size)) < np.where(rng.random((count, 1, 1, 1)) < 0.5, 1, 0.4)
            share = torch.from_numpy((hurt * some * rng.uniform(0, 0.6, (count, 1, 1, 1))).astype(np.float32))
            noise = torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32))
            scale = torch.from_numpy(np.where(hurt, rng.uniform(0.6, 1.4, hurt.shape), 1).astype(np.float32))
            decoded = vae.decode(scale * ((1 - share) * latents + share * noise)).sample
        pixels = decoded.permute(0, 2, 3, 1).numpy()
        parts.append(np.clip(np.rint(pixels * 127.5 + 127.5), 0, 255).astype(np.uint8))
    return np.concatenate(parts)


def draw_batch(scenes_pool, size: int, rng: np.random.Generator, often: float = 0.3) -> dict[str, np.ndarray]:
    """A batch of the pool's scenes with their damage and what is left of their targets (-100 where that is open), and
    as its last part pictures without a scene. often: the chance of each kind of damage; 0 leaves scenes whole."""
    chosen = rng.integers(len(scenes_pool["images"]), size=size)
    drawn = {name: array[chosen] for name, array in scenes_pool.items()}
    hurt = damage.damage(drawn["images"], drawn["pixels"], rng, often)
    images, known, before = hurt.images.copy(), hurt.known.copy(), hurt.before.copy()
    batch, places = {}, np.arange(len(POSITIONS))
    for name, names in SUBJECT_HEADS.items():
        said = drawn[name].astype(np.int64)[np.maximum(hurt.shown, 0), places]
        batch[name] = np.where(hurt.shown >= 0, said, np.where(hurt.shown == damage.DOUBT, OPEN, len(names)))
    for name in IMAGE_HEADS:
        batch[name] = drawn[name].astype(np.int64)
    batch["pixels"] = np.where(hurt.owners == damage.DOUBTFUL, OPEN, hurt.owners.astype(np.int64))
    nothing = slice(size - max(1, int(size * BROKEN)), None) if often else slice(size, None)
    if often:
        images[nothing] = breakage.break_pictures(str(rng.choice(breakage.TRAINED)), images[nothing], rng)
        known[nothing] = False
        before[nothing] = images[nothing]
        for name, names in SUBJECT_HEADS.items():
            batch[name][nothing] = len(names)
        batch["pixels"][nothing] = len(POSITIONS)
    batch["presence"] = presence_of(batch)
    sure = (batch["shape"] != OPEN).all(axis=1)
    return batch | {"images": images, "before": before, "known": known, "sure": sure}


def presence_of(batch: dict[str, np.ndarray]) -> np.ndarray:
    """int [B, 26]: which of `PRESENCE` the subjects have whose targets stand in `batch`."""
    there = (batch["shape"] >= 0) & (batch["shape"] < len(SUBJECT_HEADS["shape"]))
    rows = [(batch[name][..., None] == np.arange(len(names))).any(axis=1) for name, names in SUBJECT_HEADS.items()]
    return np.concatenate([*rows, there], axis=1).astype(np.int64)


def loss_of(out: dict[str, torch.Tensor], batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropies of all heads, those of the background over pictures that still have their own; and how far the
    restored pictures are from what they were."""
    known, sure = batch["known"], batch["sure"]
    total = 2 * smooth_l1_loss(out["restored"], normalise(batch["before"]), beta=0.1)
    total = total + 4 * cross_entropy(out["pixels"].float(), batch["pixels"], ignore_index=OPEN)
    for name in SUBJECT_HEADS:
        total = total + 2 * cross_entropy(out[name].float().flatten(0, 1), batch[name].flatten(), ignore_index=OPEN)
    for name in IMAGE_HEADS:
        total = total + cross_entropy(out[name][known].float(), batch[name][known])
    return total + binary_cross_entropy_with_logits(out["presence"][sure].float(), batch["presence"][sure].float())


def fit_tones(
    network: JudgeNetwork, scenes_pool, seed: int, count: int = FITTED, rounds: int = 20, batch: int = 100
) -> None:
    """Train what reads colours from `judge.tones` to its end, over `count` pictures under damage, with all else of the
    network as it is: a faint rim takes many looks, which are cheap when nothing else is computed again."""
    device = next(network.parameters()).device
    parts: dict[str, list] = {"tones": [], "others": [], "wanted": []}
    network.eval()
    with torch.no_grad():
        for start in range(0, count, batch):
            drawn = draw_batch(scenes_pool, batch, np.random.default_rng((seed, 1, start)))
            out = network(normalise(torch.from_numpy(drawn["images"])).to(device))
            keep = torch.from_numpy(drawn["colour"] != OPEN).to(device)
            parts["tones"].append(seen := out["tones"][keep])
            parts["others"].append(out["colour"][keep] - network.tone(seen))
            parts["wanted"].append(torch.from_numpy(drawn["colour"]).to(device)[keep])
    seen, others, wanted = (torch.cat(part) for part in parts.values())
    network.tone.train()
    optimiser = torch.optim.AdamW(network.tone.parameters(), lr=2e-3, weight_decay=1e-3)
    steps = rounds * (len(seen) // 512)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(rounds):
        for rows in torch.randperm(len(seen), generator=generator).to(device).split(512)[: len(seen) // 512]:
            loss = cross_entropy(others[rows] + network.tone(seen[rows]), wanted[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            decay.step()
    network.eval()


def calibrate(network: JudgeNetwork, count: int = 3_000, batch: int = 100) -> dict[str, float]:
    """The temperature of each head with which held-out scenes under damage are likeliest, none of them trained on."""
    network.eval()
    held = render_chunk((CALIBRATION_SEED,), count)
    logits: dict[str, list] = {name: [] for name in (*SUBJECT_HEADS, *IMAGE_HEADS)}
    targets: dict[str, list] = {name: [] for name in logits}
    device = next(network.parameters()).device
    for start in range(0, count, batch):
        drawn = draw_batch(held, batch, np.random.default_rng((CALIBRATION_SEED, start)))
        with torch.no_grad():
            out = network(normalise(torch.from_numpy(drawn["images"])).to(device))
        for name in logits:
            rows = out[name].float().cpu().flatten(0, -2)
            wanted = torch.from_numpy(drawn[name].ravel())
            keep = wanted != OPEN if name in SUBJECT_HEADS else torch.from_numpy(drawn["known"])
            logits[name].append(rows[keep])
            targets[name].append(wanted[keep])
    ladder = np.exp(np.linspace(np.log(0.5), np.log(3), 60))
    best = {}
    for name in logits:
        rows, wanted = torch.cat(logits[name]), torch.cat(targets[name])
        best[name] = float(min(ladder, key=lambda t, r=rows, w=wanted: float(cross_entropy(r / t, w))))
    return best


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
        scenes_pool = pool(args.state / "pool", args.pool, args.vae)
        tested = [scenes.random_scene((TEST_SEED, 1, i)) for i in range(300)]  # for the log; the test draws others
        losses, clock = [], time.monotonic()
        while self.images < args.images:
            self.network.train()
            batch = draw_batch(scenes_pool, args.batch, np.random.default_rng((args.seed, self.images)))
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
        fit_tones(self.network, scenes_pool, args.seed)
        self.seconds += time.monotonic() - clock
        save_judge(self.network, args.out, calibrate(self.network))
        (args.out / "training.json").write_text(json.dumps(self.facts(), indent=2) + "\n")

    def facts(self) -> dict:
        """What the card says of the training."""
        args = self.args
        decoded = (
            f", {DECODED:.0%} of them through an autoencoder, half of these with noisy latents" if args.vae else ""
        )
        return {
            "images": self.images,
            "hours": round(self.seconds / 3600, 3),
            "seed": args.seed,
            "hardware": f"{args.device}, {torch.get_num_threads()} thread(s)" if args.device == "cpu" else args.device,
            "parameters": sum(p.numel() for p in self.parameters.values()),
            "recipe": (
                f"A pool of {args.pool:,} rendered scenes, one in ten without a subject{decoded}. Each is drawn with a "
                "few kinds of damage (grain, washing out, blur, shifts of colour and contrast, "
                "blotches, patches of another scene or all of it shining through, bent outlines), washed out alone, or "
                "left as it is; "
                "a subject keeps its label while it is visible by the rule of `visible` and loses it where it is "
                "gone; what lies between is not trained on. "
                "Beside its labels it is asked for the picture as it was before blur, grain and changes of colour. "
                f"{BROKEN:.0%} of each batch have no scene at all ({', '.join(breakage.TRAINED)}). "
                "No picture by a generating model was trained on. "
                f"AdamW at {args.lr:g}, batch {args.batch}, linear decay from {args.decay_from:.0%} "
                f"of the run, bf16 autocast; then what reads colours from a subject's rim alone, on {FITTED:,} more."
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
    parser.add_argument("--images", type=int, default=250_000, help="pictures of this run, and the end of its schedule")
    parser.add_argument("--decay-from", type=float, default=0.3, help="share of the run after which the rate falls")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=80_000, help="scenes that are rendered once and drawn from")
    parser.add_argument("--vae", type=Path, help="an autoencoder's folder; a part of the scenes goes through it")
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
