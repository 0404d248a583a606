"""`fewchannels run`: images, and what every channel did while they were made, in one run file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..disk import check_place
from ..names import SCORES
from .arguments import natural, positive, read_prompts, setting

FP16_MAX = 65504.0


def add_run(commands: Any) -> None:
    """Add the command to the parser's commands."""
    run = commands.add_parser(
        "run",
        help="generate images and write what the channels did",
        description="Generate images and write statistics of every channel in every block and step, token maps of "
        "the top channels, and the images, into one file with its provenance (see `fewchannels inspect`).",
    )
    add = run.add_argument
    add("--model", default="toyworld", metavar="NAME", help="toyworld, a pipeline folder, or a hub name (%(default)s)")
    add("--revision", help="commit, tag or branch of a hub model")
    add("--prompt", action="append", default=[], metavar="TEXT", help="a prompt; may be given several times")
    add(
        "--prompts",
        type=Path,
        metavar="FILE",
        help="prompts, one a line or a JSON list, or GenAI-Bench's, PartiPrompts' or DrawBench's own file",
    )
    add("--steps", type=positive, metavar="N", help="denoising steps (the model's own default)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the noise (%(default)s)")
    add("--guidance", type=float, metavar="X", help="guidance scale (the model's own default)")
    add("--height", type=positive, metavar="PX")
    add("--width", type=positive, metavar="PX")
    add("--batch-size", type=positive, metavar="N", help="images at once")
    add(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        dest="settings",
        help="one more argument of the pipeline, its value as JSON or text; may be given several times",
    )
    add("--device", help='"cpu", "cuda" (a GPU where there is one)')
    add("--dtype", choices=("float32", "bfloat16", "float16"), help="of the computation (what fits the device)")
    add("--offload", choices=("model", "sequential"), help="keep in GPU memory only the part, or the layer, that runs")
    add("--quantize", type=int, choices=(8, 4), help="the transformer's weights in as many bits (takes bitsandbytes)")
    add("--no-check", action="store_true", help="load without a look at free disk and memory")
    add("--k", type=positive, default=8, metavar="N", help="how many channels a block count as top (%(default)s)")
    add("--score", choices=SCORES, default=SCORES[0], help="what ranks them (%(default)s)")
    add(
        "--maps",
        type=natural,
        default=4,
        metavar="N",
        help="keep token maps of the top channels for the first N prompts, at the first, middle and last step; those "
        "prompts run twice (%(default)s)",
    )
    add("--merge", action="store_true", help="statistics over all prompts together: smaller, but no intervals")
    add("--lossless", action="store_true", help="store the images without loss")
    add("--out", type=Path, required=True, metavar="FILE", help="the run file, FILE.safetensors")
    add("--quiet", action="store_true", help="no word while it runs")
    add("--debug", action="store_true", help="show the traceback of an error")
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> None:
    prompts = read_prompts(options.prompts, options.prompt)
    check_place(options.out)

    import torch

    from ..channels import energy_share, top_channels
    from ..measure.recording import run_of
    from ..models import load
    from ..models.arguments import of_rows
    from ..runfile import save_run
    from ..watch.hooks import capture
    from ..watch.statistics import ChannelStats

    def tell(text: str) -> None:
        if not options.quiet:
            print(text, file=sys.stderr, flush=True)

    model = load(
        options.model,
        device=options.device,
        dtype=getattr(torch, options.dtype) if options.dtype else None,
        revision=options.revision,
        offload=options.offload,
        quantize=options.quantize,
        check=not options.no_check,
    )
    tell(f"{model.name}: {len(model.layers)} blocks, {len(prompts)} prompt{'s' * (len(prompts) > 1)}")
    asked = {
        "seed": options.seed,
        "steps": options.steps,
        "guidance_scale": options.guidance,
        "height": options.height,
        "width": options.width,
        "batch_size": options.batch_size,
        **dict(options.settings),
    }
    with capture(model, stats := ChannelStats(per_sample=not options.merge)):
        images = model.generate(prompts, **asked)
    massive = top_channels(stats, k=options.k, score=options.score)
    maps = {}
    if options.maps:
        tell("once more for the maps of the top channels")
        few = slice(options.maps)
        own = of_rows(model.pipeline, asked, few, len(prompts))
        maps["top"] = _top_tokens(model, prompts[few], own, stats, massive)
    made = {**model.provenance(), **asked, "steps": len(stats.steps), "command": "fewchannels run"}
    run = run_of(made, prompts, stats, images, {"top": massive}, options.score, maps)
    save_run(options.out, run, quality=None if options.lossless else 90)
    share = energy_share(stats, massive)
    held = f"{share.min():.1%} to {share.max():.1%}"
    tell(f"the top {options.k} of {massive.width} channels hold {held} of the energy, from block to block")
    print(options.out)


def _top_tokens(model: Any, prompts: list[str], asked: dict, stats: Any, massive: Any) -> Any:
    """The top channels at the first, middle and last step, as `KeepTokens`."""
    from ..watch.hooks import capture
    from ..watch.tokens import KeepTokens

    steps = sorted({stats.steps[0], stats.steps[len(stats.steps) // 2], stats.steps[-1]})
    dtype = "float32" if stats.max_abs.max() >= FP16_MAX else "float16"
    with capture(model, tokens := KeepTokens(steps=steps, channels=massive, dtype=dtype)):
        model.generate(prompts, **asked)
    return tokens
