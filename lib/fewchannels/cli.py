"""The command line: run a model and keep what its channels did, measure many edits, look into files, list the models.

    fewchannels run --model toyworld --prompts prompts.txt --seed 0 --out run.safetensors
    fewchannels sweep table.yml --store study --jobs 4
    fewchannels study critical --out critical.safetensors
    fewchannels export study --to study.csv
    fewchannels inspect run.safetensors
    fewchannels models --json

Exit status: 0 done, 1 it could not be done (one line on stderr says why), 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import __version__
from .cli_export import add_export
from .cli_study import add_study
from .cli_sweep import add_sweep
from .disk import check_place
from .prompt_files import read_prompt_file

FP16_MAX = 65504.0


class Refused(Exception):
    """What was asked for cannot be done; the message is for the person at the terminal."""


# Errors whose message is enough; of others the name comes first.
SPEAKING = (Refused, ValueError, TypeError, LookupError, OSError, RuntimeError, ArithmeticError, ImportError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. `arguments` default to the process's own."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except BrokenPipeError:  # `fewchannels models | head` is no failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as stop:
        said = getattr(stop, "__notes__", ["stopped; nothing was written"])
        print(f"fewchannels: {' '.join(said)}", file=sys.stderr)
        return 1
    except Exception as error:  # whatever a library raises, one line says it
        if getattr(options, "debug", False):
            raise
        message = " ".join(str(error).split())
        if not isinstance(error, SPEAKING) or not message:
            message = f"{type(error).__name__}: {message}".rstrip(": ")
        print(f"fewchannels: {message}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fewchannels", description="Look inside image diffusion transformers, channel by channel."
    )
    parser.add_argument("--version", action="version", version=f"fewchannels {__version__}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="run | sweep | study | inspect | export | models"
    )

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
    add("--steps", type=_positive, metavar="N", help="denoising steps (the model's own default)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the noise (%(default)s)")
    add("--guidance", type=float, metavar="X", help="guidance scale (the model's own default)")
    add("--height", type=_positive, metavar="PX")
    add("--width", type=_positive, metavar="PX")
    add("--batch-size", type=_positive, metavar="N", help="images at once")
    add("--set", action="append", default=[], type=_setting, metavar="NAME=VALUE", dest="settings",
        help="one more argument of the pipeline, its value as JSON or text; may be given several times")  # fmt: skip
    add("--device", help='"cpu", "cuda" (a GPU where there is one)')
    add("--dtype", choices=("float32", "bfloat16", "float16"), help="of the computation (what fits the device)")
    add("--offload", choices=("model", "sequential"), help="keep in GPU memory only the part, or the layer, that runs")
    add("--quantize", type=int, choices=(8, 4), help="the transformer's weights in as many bits (takes bitsandbytes)")
    add("--no-check", action="store_true", help="load without a look at free disk and memory")
    add("--k", type=_positive, default=8, metavar="N", help="how many channels a block count as top (%(default)s)")
    add("--score", choices=("abs_mean", "mean_abs"), default="abs_mean", help="what ranks them (%(default)s)")
    add("--maps", type=_natural, default=4, metavar="N",
        help="keep token maps of the top channels for the first N prompts, at the first, middle and last step; those "
        "prompts run twice (%(default)s)")  # fmt: skip
    add("--merge", action="store_true", help="statistics over all prompts together: smaller, but no intervals")
    add("--lossless", action="store_true", help="store the images without loss")
    add("--out", type=Path, required=True, metavar="FILE", help="the run file, FILE.safetensors")
    add("--quiet", action="store_true", help="no word while it runs")
    add("--debug", action="store_true", help="show the traceback of an error")
    run.set_defaults(command=_run)

    inspect = commands.add_parser("inspect", help="say what a run file holds", description="Say what a run file holds.")
    inspect.add_argument("file", type=Path, metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="the whole record and all tensors, as JSON")
    inspect.set_defaults(command=_inspect)

    add_sweep(commands, _positive)
    add_study(commands, _positive)
    add_export(commands)

    models = commands.add_parser(
        "models",
        help="list the transformer classes that can be read",
        description="List the transformer classes of diffusers whose image tokens this library finds.",
    )
    models.add_argument("--json", action="store_true", help="a list of objects")
    models.set_defaults(command=_models)
    return parser


def _run(options: argparse.Namespace) -> None:
    prompts = read_prompts(options.prompts, options.prompt)
    check_place(options.out)

    import torch

    from .channels import energy_share, top_channels
    from .hooks import capture
    from .models import load
    from .models.arguments import of_rows
    from .recording import stored
    from .runfile import Run, save_run
    from .stats import ChannelStats

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
    asked = {"seed": options.seed, "steps": options.steps, "guidance_scale": options.guidance, "height": options.height,
             "width": options.width, "batch_size": options.batch_size, **dict(options.settings)}  # fmt: skip
    with capture(model, stats := ChannelStats(per_sample=not options.merge)):
        images = model.generate(prompts, **asked)
    massive = top_channels(stats, k=options.k, score=options.score)
    run = Run(
        provenance={**model.provenance(), **asked, "steps": len(stats.steps), "command": "fewchannels run"},
        prompts=prompts,
        stats=stored(stats),
        images=images,
        index={
            "layers": list(stats.layers), "steps": [int(s) for s in stats.steps], "grid": list(stats.grid),
            "score": options.score, "channels": {"top": massive.to_json()},
        },
    )  # fmt: skip
    if options.maps:
        tell("once more for the maps of the top channels")
        few = slice(options.maps)
        own = of_rows(model.pipeline, asked, few, len(prompts))
        run.maps["top"], run.index["maps"] = _top_maps(model, prompts[few], own, stats, massive)
    save_run(options.out, run, quality=None if options.lossless else 90)
    share = energy_share(stats, massive)
    held = f"{share.min():.1%} to {share.max():.1%}"
    tell(f"the top {options.k} of {massive.width} channels hold {held} of the energy, from block to block")
    print(options.out)


def _top_maps(model: Any, prompts: list[str], asked: dict, stats: Any, massive: Any) -> tuple[Any, dict]:
    """Maps [S, L, T, h, w, k] of the top channels, and their entry in the index."""
    from .hooks import capture
    from .kept import KeepTokens

    steps = sorted({stats.steps[0], stats.steps[len(stats.steps) // 2], stats.steps[-1]})
    dtype = "float32" if stats.max_abs.max() >= FP16_MAX else "float16"
    with capture(model, tokens := KeepTokens(steps=steps, channels=massive, dtype=dtype)):
        model.generate(prompts, **asked)
    maps = tokens.array
    height, width = tokens.grid
    entry = {
        "axes": ["sample", "layer", "step", "row", "column", "channel"], "channels": "top",
        "samples": list(range(len(prompts))), "steps": [int(s) for s in tokens.steps],
    }  # fmt: skip
    return maps.reshape(*maps.shape[:3], height, width, maps.shape[-1]), {"top": entry}


def read_prompts(file: Path | None, given: Sequence[str]) -> list[str]:
    """Prompts of a file (`read_prompt_file`), and then those given one by one."""
    prompts = [prompt.text for prompt in read_prompt_file(file)] if file is not None else []
    prompts = [*prompts, *given]
    if not prompts:
        raise Refused("no prompt: give --prompt TEXT or --prompts FILE")
    return prompts


def _inspect(options: argparse.Namespace) -> None:
    from .runfile import read_header

    record, tensors = read_header(options.file)
    if options.json:
        listed = {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in tensors.items()}
        print(json.dumps({**record, "tensors": listed, "bytes": options.file.stat().st_size}, indent=2))
        return
    print(f"{options.file}: run file version {record['version']}, {options.file.stat().st_size / 1e6:.2f} MB")
    for key, value in record["provenance"].items():
        if value is not None:
            print(f"  {key:15} {_words(value)}")
    prompts = record["prompts"]
    print(f"{len(prompts)} prompts" + (":" if prompts else ""))
    for prompt in prompts[:5]:
        print(f"  {_words(prompt)}")
    if len(prompts) > 5:
        print(f"  ... and {len(prompts) - 5} more")
    for condition, entry in record["images"].items():
        label = f" ({_words(condition)})" if condition else ""
        print(f"{entry['count']} images{label}, {entry['width']} x {entry['height']} px")
    for name, chosen in record["index"].get("channels", {}).items():
        label, blocks = _words(chosen["label"]), len(chosen["indices"])
        print(f"channels {_words(name)}: {label} of {chosen['width']}, in {blocks} blocks")
    print("tensors:")
    for name, (dtype, shape) in sorted(tensors.items()):
        if not name.startswith("images/"):
            print(f"  {_words(name):28} {dtype:5} {' x '.join(map(str, shape))}")


def _words(value: Any) -> str:
    """Text of a file for a terminal: control characters, which could steer it, are written out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _models(options: argparse.Namespace) -> None:
    from .models.listing import as_text, supported

    rows = supported()
    print(json.dumps(rows, indent=2) if options.json else as_text(rows))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _setting(text: str) -> tuple[str, Any]:
    """ "steps=4" -> ("steps", 4): a value that is no JSON is text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
