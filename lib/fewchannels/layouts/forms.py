"""What an entry of the layout table is made of: lists of blocks, where they are read, and what is added in between."""

from __future__ import annotations

from dataclasses import dataclass

from ..names import READERS

RETURNS = ("txt_img", "img_txt", "img", "txt", "fused")
AXES = ("BSD", "SBD")


@dataclass(frozen=True)
class Read:
    """One place at which the stream of the picture is read: a norm, or a reader that has none before it.

    path: the module, an attribute of a block (of the transformer in `Layout.last`; "*" for any key of a ModuleDict). Of
        a norm that also modulates it is the norm inside.
    readers: what it is read for, of READERS: "attention" (self- or joint), "cross" (queries of cross-attention), "mlp",
        "skip" (a linear that joins a long skip), "last" (the output). Several where one norm feeds them all.
    image: where the picture stands in what the module is given, where that is not as the block returns it: "first" or
        "last" in a row with text.
    norm: False where the module is the reader itself, which takes the stream as it is: content, and no gain.
    optional: whether blocks may be without it.
    twice: whether it runs on the picture and then on the text.
    ends: whether the block goes on with what comes out, so that nothing after it reads the stream as it was.
    after: the path of the norm whose output this one norms again, as one read with it.
    """

    path: str
    readers: tuple[str, ...]
    image: str = ""
    norm: bool = True
    optional: bool = False
    twice: bool = False
    ends: bool = False
    after: str = ""

    def __post_init__(self):
        if not self.readers or not set(self.readers) <= set(READERS):
            raise ValueError(f"{self.path}: readers={self.readers!r}: expected some of {', '.join(READERS)}")
        if self.image not in ("", "first", "last"):
            raise ValueError(
                f'{self.path}: image={self.image!r}: expected "first" or "last", or "" as blocks return it'
            )


@dataclass(frozen=True)
class Blocks:
    """One list of blocks and the form of what each block returns.

    path: the attribute of the transformer that holds the list, dots for one inside another.
    returns: "txt_img" and "img_txt" are tuples in that order, "img" and "txt" one tensor of one stream, "fused" one
        tensor that holds text and image in a row.
    image: where the image stands in a fused tensor, "first" or "last" ("all" where nothing else is in the tensor).
    axes: "BSD" (batch, sequence, channel) or "SBD".
    registers: learned tokens that stand before the text and belong to neither stream.
    gap: tokens between text and image that belong to neither stream.
    reads: the places in a block at which the picture's stream is read, in turn; () where they are not known.
    """

    path: str
    returns: str
    image: str = "all"
    axes: str = "BSD"
    registers: int = 0
    gap: int = 0
    reads: tuple[Read, ...] = ()

    def __post_init__(self):
        if self.returns not in RETURNS:
            raise ValueError(f"{self.path}: returns={self.returns!r}; expected one of {', '.join(RETURNS)}")
        if self.axes not in AXES:
            raise ValueError(f"{self.path}: axes={self.axes!r}; expected one of {', '.join(AXES)}")
        if (self.returns == "fused") != (self.image in ("first", "last")):
            raise ValueError(
                f'{self.path}: image={self.image!r} in blocks that return {self.returns!r}; a fused row needs "first" '
                f'or "last", anything else takes "all"'
            )


@dataclass(frozen=True)
class Added:
    """Residuals that a transformer adds between its blocks (ControlNet); residuals.py puts them in reach of hooks.

    argument: of the forward. path: the list of blocks after which they are added.
    rule: which block gets which, a name in residuals.RULES; "skips" where they are added to long skips instead.
    refused: why they are not read, where they are not.
    """

    argument: str
    path: str
    rule: str = "ceil"
    refused: str = ""


@dataclass(frozen=True)
class Layout:
    """What is known of one transformer class.

    name: the class. family: its name among people. blocks: its lists of blocks in the order in which they run.
    grid: which reader of frames.py finds height and width in tokens, and the place of the image where it varies.
    text: how text enters, "joint" (tokens beside the image), "cross" (keys and values only) or "none".
    guidance: a word for people: "batched", "two passes", "embedded".
    batched: the order of the guidance branches in a doubled batch, () where branches are passes in turn. Names
        behind "cond" and "uncond" are of a longer batch that the pipeline also makes.
    turns: the order of the branches where they are passes in turn, () where a second pass is never a branch.
    second: the attribute of the pipeline with the transformer that runs the unconditional branch, where it is another.
    hidden, time: the names of the forward's arguments for image tokens and timestep.
    pixels: side of a token in the picture with the family's own autoencoder, None where models differ.
    added: arguments whose values are added to the tokens between blocks.
    last: the places behind the last block at which the picture's stream is read; () where they are not known.
    """

    name: str
    family: str
    blocks: tuple[Blocks, ...]
    grid: str
    text: str
    guidance: str
    batched: tuple[str, ...] = ()
    turns: tuple[str, ...] = ("cond", "uncond")
    second: str | None = None
    hidden: str = "hidden_states"
    time: str = "timestep"
    pixels: int | None = 16
    added: tuple[Added, ...] = ()
    last: tuple[Read, ...] = ()
