"""The table of transformer classes, as data: to add a class, add an entry and run tests/test_layouts.py.

Each entry was read from the source of diffusers 0.42.1 and run at toy size with random weights.
"""

from __future__ import annotations

from dataclasses import dataclass

RETURNS = ("txt_img", "img_txt", "img", "txt", "fused")


@dataclass(frozen=True)
class Blocks:
    """One list of blocks and the form of what each block returns.

    path: the attribute of the transformer that holds the list.
    returns: "txt_img" and "img_txt" are tuples in that order, "img" and "txt" one tensor of one stream, "fused" one
        tensor that holds text and image in a row.
    image: where the image stands in a fused tensor, "first" or "last" ("all" where nothing else is in the tensor).
    axes: "BSD" (batch, sequence, channel) or "SBD".
    registers: learned tokens that stand before the text and belong to neither stream.
    """

    path: str
    returns: str
    image: str = "all"
    axes: str = "BSD"
    registers: int = 0


@dataclass(frozen=True)
class Layout:
    """What is known of one transformer class.

    name: the class. family: its name among people. blocks: its lists of blocks in depth order.
    grid: where height and width in tokens are read, "latent" (a [B, C, H, W] input over the patch size), "img_ids"
        (rows of time, row, column) or "img_shapes" (time, height, width).
    text: how text enters, "joint" (tokens beside the image), "cross" (keys and values only) or "none".
    batched: the order of the guidance branches in a doubled batch, () where branches are passes in turn.
    turns: the order of the branches where they are passes in turn, () where a second pass is never a branch.
    guidance: a word for people: "batched", "two passes", "embedded".
    """

    name: str
    family: str
    blocks: tuple[Blocks, ...]
    grid: str
    text: str
    guidance: str
    batched: tuple[str, ...] = ()
    turns: tuple[str, ...] = ("cond", "uncond")


UNCOND_FIRST = {"batched": ("uncond", "cond"), "turns": (), "guidance": "batched"}
COND_FIRST = {"batched": ("cond", "uncond"), "turns": (), "guidance": "batched"}
IN_TURN = {"guidance": "two passes"}

_ROWS = (
    # The last SD3 block returns (None, img): its text stream ends there.
    Layout("SD3Transformer2DModel", "Stable Diffusion 3", (Blocks("transformer_blocks", "txt_img"),),
           grid="latent", text="joint", **UNCOND_FIRST),
    # FLUX.1's single blocks join text and image inside and split them again before they return.
    Layout("FluxTransformer2DModel", "FLUX.1",
           (Blocks("transformer_blocks", "txt_img"), Blocks("single_transformer_blocks", "txt_img")),
           grid="img_ids", text="joint", guidance="embedded, or two passes"),
    Layout("Flux2Transformer2DModel", "FLUX.2",
           (Blocks("transformer_blocks", "txt_img"), Blocks("single_transformer_blocks", "fused", image="last")),
           grid="img_ids", text="joint", guidance="embedded, or two passes"),
    Layout("ChromaTransformer2DModel", "Chroma",
           (Blocks("transformer_blocks", "txt_img"), Blocks("single_transformer_blocks", "fused", image="last")),
           grid="img_ids", text="joint", **IN_TURN),
    Layout("PixArtTransformer2DModel", "PixArt", (Blocks("transformer_blocks", "img"),),
           grid="latent", text="cross", **UNCOND_FIRST),
    Layout("SanaTransformer2DModel", "Sana", (Blocks("transformer_blocks", "img"),),
           grid="latent", text="cross", **UNCOND_FIRST),
    Layout("QwenImageTransformer2DModel", "Qwen-Image", (Blocks("transformer_blocks", "txt_img"),),
           grid="img_shapes", text="joint", **IN_TURN),
    Layout("CogView4Transformer2DModel", "CogView4", (Blocks("transformer_blocks", "img_txt"),),
           grid="latent", text="joint", **IN_TURN),
    Layout("AuraFlowTransformer2DModel", "AuraFlow",
           (Blocks("joint_transformer_blocks", "txt_img", registers=8),
            Blocks("single_transformer_blocks", "fused", image="last", registers=8)),
           grid="latent", text="joint", **UNCOND_FIRST),
    Layout("ErnieImageTransformer2DModel", "ERNIE-Image", (Blocks("layers", "fused", image="first", axes="SBD"),),
           grid="latent", text="joint", **UNCOND_FIRST),
    Layout("DiTTransformer2DModel", "DiT", (Blocks("transformer_blocks", "img"),),
           grid="latent", text="none", **COND_FIRST),
)  # fmt: skip

TABLE: dict[str, Layout] = {row.name: row for row in _ROWS}


def layout_of(transformer) -> Layout:
    """The layout of a transformer module, or of a class name.

    Raises KeyError for a class that has no entry, naming the classes that have one, and ValueError for a model
    wrapped by torch.compile, whose blocks hooks cannot be trusted to see.
    """
    name = transformer if isinstance(transformer, str) else type(transformer).__name__
    if name == "OptimizedModule":
        raise ValueError(
            "the transformer is wrapped by torch.compile, and hooks on its blocks need not fire: "
            "pass the plain module (it is in `transformer._orig_mod`)"
        )
    if name not in TABLE:
        raise NoLayout(name)
    return TABLE[name]


class NoLayout(KeyError):
    """No entry for this transformer class."""

    def __str__(self):
        return (
            f"no layout for the transformer class {self.args[0]!r}, so it is not known where its image tokens are. "
            f"Known: {', '.join(sorted(TABLE))}. A new class takes one entry in fewchannels/layouts/table.py"
        )
