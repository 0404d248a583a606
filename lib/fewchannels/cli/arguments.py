"""What the commands share: types of their arguments, prompts from a file and from flags, and a refusal."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..prompts.files import read_prompt_file


class Refused(Exception):
    """What was asked for cannot be done; the message is for the person at the terminal."""


def read_prompts(file: Path | None, given: Sequence[str]) -> list[str]:
    """Prompts of a file (`read_prompt_file`), and then those given one by one."""
    prompts = [prompt.text for prompt in read_prompt_file(file)] if file is not None else []
    prompts = [*prompts, *given]
    if not prompts:
        raise Refused("no prompt: give --prompt TEXT or --prompts FILE")
    return prompts


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def setting(text: str) -> tuple[str, Any]:
    """ "steps=4" -> ("steps", 4): a value that is no JSON is text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
