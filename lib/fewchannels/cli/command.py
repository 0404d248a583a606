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
import os
import sys
from collections.abc import Sequence

from .. import __version__
from .arguments import Refused
from .export import add_export
from .inspect import add_inspect, add_models
from .run import add_run
from .study import add_study
from .sweep import add_sweep

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

    add_run(commands)
    add_inspect(commands)
    add_sweep(commands)
    add_study(commands)
    add_export(commands)
    add_models(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
