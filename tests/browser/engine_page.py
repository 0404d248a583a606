"""A page that holds nothing but the live engine, and what node draws with the same scripts: for tests of its bits."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fewchannels.widgets import bundle, live_weights
from in_node import node

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>engine</title><body><script type="module">
{client}
{script}
</script></body></html>"""


def write_scripts(folder: Path) -> Path:
    """-> the folder, with the engine's scripts in its live/."""
    live_weights.write(folder / "live")
    return folder


def page(script: str) -> str:
    """HTML of a page beside live/ that runs `script`, in which startEngine is known."""
    client = (bundle.LIVE / "client.js").read_text(encoding="utf-8")
    return PAGE.format(client=client, script=script)


def drawn_in_node(folder: Path, wishes: Sequence[Mapping], file: Path, kind: str = "simd") -> list[dict[str, Any]]:
    """{"latents", "picture"} for each wish. file: where the wishes may be written. kind: "simd" or "plain"."""
    file.write_text(json.dumps(wishes))
    return json.loads(node("tests/js/live_pictures.mjs", str(folder / "live"), str(file), kind))["drawn"]


def same_bits(found: Mapping, wanted: Mapping) -> None:
    """Asserts that two pictures and their latents are equal in each bit."""
    np.testing.assert_array_equal(np.float32(found["latents"]), np.float32(wanted["latents"]))
    assert base64.b64decode(found["picture"]) == base64.b64decode(wanted["picture"])
