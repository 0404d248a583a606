"""Chapter 90: where the image begins in a row of tokens; the entry of a class that returns something else."""

from __future__ import annotations

from ..layouts.forms import Blocks
from .asked import Exercise, Number, Unread


class BeginsAt(Number):
    """The index of the first image token."""

    name = "ch90.begins_at"
    within = 0.0

    def wrongs(self):
        return {
            "from one": lambda: self.expected + 1,
            "no registers": lambda: float(self.text),
            "from the end": lambda: float(self.grid[0] * self.grid[1]),
            "last of the text": lambda: self.expected - 1,
        }

    def __init__(self, variant=0):
        super().__init__(variant)
        own = [(8, 77, (32, 48))] if not self.variant else [(4, 128, (24, 40)), (16, 77, (20, 30)), (2, 256, (16, 48))]
        self.registers, self.text, self.grid = own[int(self.rng.integers(len(own)))]

    def question(self):
        return (
            f"A class returns one row of {self.registers} registers, {self.text} text tokens and a picture of "
            f"{self.grid[0]} x {self.grid[1]} tokens, in this order. At which index does the image begin? "
            "(`task.registers`, `task.text`.)"
        )

    def right(self):
        return float(self.registers + self.text)


class ItsBlocks(Exercise):
    """The `Blocks` of a class, put through the layout's checks. passes: Blocks -> whether all checks pass."""

    name = "ch90.blocks"

    def __init__(self, passes, variant=0):
        super().__init__(variant)
        self.passes = passes

    def question(self):
        return "Write the `Blocks` of `HandedTransformer2DModel`. Your answer is put through the checks."

    def right(self):
        return True

    def agrees(self, obtained, expected):
        return obtained is expected

    def read(self, given):
        if not isinstance(given, Blocks):
            raise Unread("Give a `Blocks(path, returns)`.")
        if given.path != "ribbons":
            raise Unread(mistake="path")
        if given.returns == "txt_img":
            raise Unread(mistake="order")
        if given.returns == "fused":
            raise Unread(mistake="one row")
        if given.returns in ("img", "txt"):
            raise Unread(mistake="image alone")
        if not self.passes(given):
            raise Unread(
                "A check fails: print `check_layout(...)` for your entry, and read the first line that says WRONG."
            )
        return True


CHECKED = (BeginsAt, ItsBlocks)
