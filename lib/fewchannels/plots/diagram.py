"""Drawings that are files, not plots of arrays: `show` puts them on the page as it does a figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Drawing:
    """svg: the text of an SVG file, which names its size in viewBox and asks for no other file."""

    svg: str


def block_diagram() -> Drawing:
    """The toy world's tokens and channels, its residual stream, and what a block adds to it."""
    return Drawing(Path(__file__).with_name("block.svg").read_text(encoding="utf-8"))
