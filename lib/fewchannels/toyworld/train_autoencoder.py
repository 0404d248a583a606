"""Train the toy world's autoencoder:  python -m fewchannels.toyworld.train_autoencoder --help

First encoder and decoder jointly: L1, L2 and half the L1 of the gradients, with noise of up to 0.1 on the latents. Then
each latent channel is brought to mean 0 and deviation 1 by the encoder's last convolution, so that the pipeline needs
no scaling factor; and the decoder alone is trained on, on those latents. Both are counted in images, survive being
killed, and share their batches among processes as `train` does.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny

from . import scenes
from .learner import Learner, halved, tidy_vae_config
from .processes import ALONE, Processes
from .recipe import SceneStream, build_autoencoder, learning_rate
from .train import check_shared, device_of, in_processes, shared_options

EMA_DECAY, WARMUP_STEPS, LEAST = 0.999, 100, 0.01
PEAK = {"joint": 2e-3, "decoder": 1e-3}
SECOND_PART = 10_000_000  # the number of the first image that the decoder alone is shown
NOISE = 0.1
STATE_EVERY = 4_000  # images
MEASURED = 4_096  # images whose latents say what mean and deviation are


class Trainer(Learner):
    """One of the two parts: "joint" or "decoder"."""

    def __init__(self, vae: AutoencoderTiny, part: str, args: argparse.Namespace, processes: Processes = ALONE):
        self.vae, self.part, self.args = vae, part, args
        self.device = device_of(args.device, processes)
        self.vae.to(self.device)
        self.end = args.images if part == "joint" else args.decoder_images
        learns = vae if part == "joint" else vae.decoder
        vae.requires_grad_(False)
        state = args.state / part
        state.mkdir(parents=True, exist_ok=True)
        parameters = dict(learns.requires_grad_(True).named_parameters())
        super().__init__(parameters, state, PEAK[part], EMA_DECAY, processes=processes)

    def rate(self) -> float:
        return learning_rate(self.images, self.step, PEAK[self.part], self.end // 2, self.end, WARMUP_STEPS, LEAST)

    def loss(self, images: torch.Tensor, ids: torch.Tensor | None = None) -> torch.Tensor:
        joint, x = self.part == "joint", images.to(self.device)
        first = self.processes.share(self.start + self.images, self.args.batch).start
        generator = torch.Generator().manual_seed((self.args.seed_data << 32) + first)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.precision == "bf16"):
            with torch.set_grad_enabled(joint):
                z = self.vae.encoder(x.contiguous(memory_format=torch.channels_last)).float()
            noise = torch.randn(z.shape, generator=generator) * torch.rand(len(z), 1, 1, 1, generator=generator)
            y = self.vae.decoder(z + NOISE * noise.to(z.device)).float()
        loss = (y - x).abs().mean() + (y - x).square().mean() + 0.5 * _gradients_apart(x, y)
        if joint:  # keeps latents near mean 0 and deviation 1, which is made exact afterwards
            loss = loss + 0.01 * (z.square().mean() - 1).clamp(min=0) + 0.01 * z.mean((0, 2, 3)).square().mean()
        return loss

    @property
    def start(self) -> int:
        return 0 if self.part == "joint" else SECOND_PART

    def train(self) -> bool:
        """True where it came to its end; then the network has its averaged weights."""
        args = self.args
        stream, start = SceneStream(args.seed_data, self.start + self.end), self.start + self.images
        if self.processes.first:
            print(f"{self.part}: from {self.images} to {self.end} images; state in {args.state}", flush=True)
        if not self.run(self.batches(stream, args.batch, start, len(stream), args.workers), args.batch, STATE_EVERY):
            return False
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self.average[name])
        return True


def _gradients_apart(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    d = y - x
    return d.diff(dim=-1).abs().mean() + d.diff(dim=-2).abs().mean()


def _images(seed: int, count: int) -> torch.Tensor:
    """Rendered scenes [n, 3, H, W] in -1 to 1."""
    images = np.stack([scenes.random_scene((seed, i)).image for i in range(count)])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def _by_parts(network, x: torch.Tensor) -> torch.Tensor:
    device = next(network.parameters()).device
    return torch.cat([network(some.to(device)).float().cpu() for some in x.split(32)])


@torch.no_grad()
def standardise(vae: AutoencoderTiny, images: torch.Tensor) -> None:
    """Bring each latent channel to mean 0 and deviation 1 over these images, by the encoder's last convolution; the
    decoder's first one takes the scale back, and learns the rest."""
    z = _by_parts(vae.encoder, images)
    mean, deviation = (of((0, 2, 3)).to(vae.device) for of in (z.mean, z.std))
    last, first = vae.encoder.layers[-1], vae.decoder.layers[0]
    last.weight.div_(deviation[:, None, None, None])
    last.bias.sub_(mean).div_(deviation)
    first.weight.mul_(deviation[None, :, None, None])


def examine(vae: AutoencoderTiny, count: int = 512) -> dict:
    """On unseen scenes: peak signal-to-noise ratio in dB, mean and deviation of each latent channel, and what the
    judge reads through the autoencoder."""
    x = _images(999, count)
    z = _by_parts(vae.encoder, x)
    y = _by_parts(vae.decoder, z).clamp(-1, 1)
    found = {
        "psnr": round(10 * math.log10(4 / float((y - x).square().mean())), 2),
        "mean": [round(v, 3) for v in z.mean((0, 2, 3)).tolist()],
        "deviation": [round(v, 3) for v in z.std((0, 2, 3)).tolist()],
    }
    try:
        from .judge import load_judge, score

        pictures = np.rint((y.permute(0, 2, 3, 1).numpy() + 1) * 127.5).astype(np.uint8)
        return found | score(load_judge(), pictures, [scenes.random_scene((999, i)).attributes for i in range(count)])
    except Exception as error:  # a judge that is missing or broken must not end a run of half an hour
        return found | {"judge": f"no score: {error!r}"}


def save(vae: AutoencoderTiny, folder: Path) -> None:
    """In 16 bit."""
    halved(vae).save_pretrained(folder, safe_serialization=True)
    tidy_vae_config(folder)


def work(args: argparse.Namespace, processes: Processes) -> None:
    vae = build_autoencoder(args.seed_weights)
    for part in PEAK:
        if not Trainer(vae, part, args, processes).train():
            if processes.first:
                print("stopped; the same command goes on", flush=True)
            return
        if part == "joint":
            standardise(vae, _images(31, MEASURED))
        if processes.first:
            print(f"{part}: {examine(vae)}", flush=True)
    if processes.first:
        save(vae.eval(), args.out)
        print(f"done: weights in {args.out}", flush=True)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    name = "python -m fewchannels.toyworld.train_autoencoder"
    parser = argparse.ArgumentParser(prog=name, description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=112_000, help="images of the joint training")
    parser.add_argument("--decoder-images", type=int, default=32_000, help="images of the decoder's own")
    parser.add_argument("--batch", type=int, default=16, help="images a step, of all processes together")
    parser.add_argument("--seed-weights", type=int, default=0)
    parser.add_argument("--seed-data", type=int, default=20261128, help="of scenes and noise")
    shared_options(parser, "autoencoder")
    parser.add_argument("--out", type=Path, help="folder for the finished autoencoder (default: STATE/vae)")
    args = parser.parse_args(argv)
    if min(args.images, args.decoder_images) < args.batch:
        parser.error(f"--images {args.images} --decoder-images {args.decoder_images}: expected at least one batch")
    check_shared(parser, args)
    args.out = args.out or args.state / "vae"
    return args


def main(argv: list[str] | None = None) -> None:
    in_processes(work, parse_args(argv))


if __name__ == "__main__":
    main()
