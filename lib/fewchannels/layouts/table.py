"""The table of transformer classes, as data: to add a class, add an entry and a tiny one to tests/tiny_models.py.

Each entry was read from the source of diffusers 0.42.1 and run at toy size with random weights.
"""

from __future__ import annotations

from .forms import Added, Blocks, Layout, Read

UNCOND_FIRST = {"batched": ("uncond", "cond"), "turns": (), "guidance": "batched"}
COND_FIRST = {"batched": ("cond", "uncond"), "turns": (), "guidance": "batched"}
IN_TURN = {"guidance": "two passes"}
MAYBE_EMBEDDED = {"guidance": "embedded, or two passes"}


def _reads(**paths: str) -> tuple[Read, ...]:
    return tuple(Read(path, (reader,)) for reader, path in paths.items())


def _last(path: str, **more) -> dict:
    return {"last": (Read(path, ("last",), **more),)}


# Norms of queries and keys, of text, and those behind attention or MLP ("sandwich" norms) read no stream.
ADA = _reads(attention="norm1.norm", mlp="norm2")
PLAIN = _reads(attention="norm1", mlp="norm2")
OF_IMAGE = _reads(attention="img_norm1", mlp="img_norm2")
SANDWICHED = _reads(attention="attention_norm1", mlp="ffn_norm1")
LUMINA = _reads(attention="norm1.norm", mlp="ffn_norm1")
BARE = (PLAIN[0], Read("attn2", ("cross",), norm=False), PLAIN[1])  # cross-attention without a norm before it
THREE = _reads(attention="self_attention_norm", cross="cross_attention_norm", mlp="feed_forward_norm")
SKIP = Read("skip_norm", ("skip",), optional=True, ends=True)
BOTH = ("attention", "mlp")
LAST = _last("norm_out.norm")

# FLUX.1's single blocks join text and image inside and split them again before they return; FLUX.2's do not.
SPLIT = (
    Blocks("transformer_blocks", "txt_img", reads=ADA),
    Blocks("single_transformer_blocks", "txt_img", reads=(Read("norm.norm", BOTH, image="last"),)),
)
JOINED = (
    Blocks("transformer_blocks", "txt_img", reads=ADA),
    Blocks("single_transformer_blocks", "fused", image="last", reads=(Read("norm.norm", BOTH),)),
)
IMAGE_TEXT = (Blocks("transformer_blocks", "img_txt", reads=ADA),)

CONTROLLED = (
    Added("controlnet_block_samples", "transformer_blocks", "repeat"),
    Added("controlnet_single_block_samples", "single_transformer_blocks"),
)

_ROWS = (
    # The last SD3 block returns (None, img): its text stream ends there.
    Layout(
        "SD3Transformer2DModel",
        "Stable Diffusion 3",
        (Blocks("transformer_blocks", "txt_img", reads=ADA),),
        grid="latent",
        text="joint",
        **UNCOND_FIRST,
        **LAST,
        added=(Added("block_controlnet_hidden_states", "transformer_blocks", "floor"),),
    ),
    Layout(
        "FluxTransformer2DModel",
        "FLUX.1",
        SPLIT,
        grid="img_ids",
        text="joint",
        added=CONTROLLED,
        **MAYBE_EMBEDDED,
        **LAST,
    ),
    Layout(
        "Flux2Transformer2DModel",
        "FLUX.2",
        (
            Blocks("transformer_blocks", "txt_img", reads=PLAIN),
            Blocks("single_transformer_blocks", "fused", image="last", reads=(Read("norm", BOTH),)),
        ),
        grid="img_ids",
        text="joint",
        **MAYBE_EMBEDDED,
        **LAST,
    ),
    Layout(
        "Flux3Transformer2DModel",
        "FLUX.3",
        (
            Blocks("txt_mode_blocks", "txt"),
            Blocks("mode_blocks.image", "img", reads=(Read("norm", BOTH),)),
            Blocks("single_transformer_blocks", "txt_img", reads=(Read("norm", BOTH, twice=True),)),
        ),
        grid="img_ids",
        text="joint",
        **IN_TURN,
        **LAST,
    ),
    Layout(
        "ChromaTransformer2DModel", "Chroma", JOINED, grid="img_ids", text="joint", added=CONTROLLED, **IN_TURN, **LAST
    ),
    Layout("LongCatImageTransformer2DModel", "LongCat-Image", SPLIT, grid="img_ids", text="joint", **IN_TURN, **LAST),
    Layout("OvisImageTransformer2DModel", "Ovis-Image", SPLIT, grid="img_ids", text="joint", **IN_TURN, **LAST),
    Layout(
        "BriaTransformer2DModel",
        "Bria 3",
        SPLIT,
        grid="img_ids",
        text="joint",
        **UNCOND_FIRST,
        **LAST,
        added=(
            Added("controlnet_block_samples", "transformer_blocks"),
            Added(
                "controlnet_single_block_samples",
                "single_transformer_blocks",
                refused="diffusers adds them from the length of the text on, to the wrong image tokens",
            ),
        ),
    ),
    Layout("BriaFiboTransformer2DModel", "Bria FIBO", JOINED, grid="img_ids", text="joint", **UNCOND_FIRST, **LAST),
    # FIBO 2's text becomes gist tokens, which a batch of several text lengths puts behind the images.
    Layout(
        "BriaFibo2Transformer2DModel",
        "Bria FIBO 2",
        (
            Blocks("noise_refiner", "img", reads=SANDWICHED),
            Blocks("perceiver.layers", "txt"),
            Blocks(
                "layers",
                "fused",
                image="last",
                reads=(SANDWICHED[0], Read("cross_attn_norm1", ("cross",), optional=True), SANDWICHED[1]),
            ),
        ),
        grid="latent_gist",
        text="joint",
        **IN_TURN,
        **_last("final_layer.norm_final"),
    ),
    Layout(
        "PixArtTransformer2DModel",
        "PixArt",
        (Blocks("transformer_blocks", "img", reads=BARE),),
        grid="latent",
        text="cross",
        **UNCOND_FIRST,
        **_last("norm_out"),
    ),
    Layout(
        "SanaTransformer2DModel",
        "Sana",
        (Blocks("transformer_blocks", "img", reads=BARE),),
        grid="latent",
        text="cross",
        pixels=32,
        **UNCOND_FIRST,
        **LAST,
        added=(Added("controlnet_block_samples", "transformer_blocks", "after_first"),),
    ),
    Layout(
        "DiTTransformer2DModel",
        "DiT",
        (Blocks("transformer_blocks", "img", reads=_reads(attention="norm1.norm", mlp="norm3")),),
        grid="latent",
        text="none",
        **COND_FIRST,
        **_last("norm_out"),
    ),
    # In the second half a linear makes a new stream of the normed stream and an earlier one; of the two halves that its
    # norm is given, the stream's is edited.
    Layout(
        "HunyuanDiT2DModel",
        "HunyuanDiT",
        (Blocks("blocks", "img", reads=(SKIP, *_reads(attention="norm1.norm", cross="norm2", mlp="norm3"))),),
        grid="latent",
        text="cross",
        **UNCOND_FIRST,
        **LAST,
        added=(Added("controlnet_block_samples", "blocks", "skips"),),
    ),
    Layout(
        "PRXTransformer2DModel",
        "PRX",
        (Blocks("blocks", "img", reads=_reads(attention="img_pre_norm", mlp="post_attention_layernorm")),),
        grid="latent",
        text="cross",
        pixels=None,
        **UNCOND_FIRST,
        **_last("final_layer.norm_final"),
    ),
    Layout(
        "LuminaNextDiT2DModel",
        "Lumina-Next",
        (Blocks("layers", "img", reads=(Read("norm1.norm", ("attention", "cross")), LUMINA[1])),),
        grid="latent",
        text="cross",
        **COND_FIRST,
        **LAST,
    ),
    # What its MLP's norm puts out also steers a router.
    Layout(
        "NucleusMoEImageTransformer2DModel",
        "Nucleus-Image",
        (Blocks("transformer_blocks", "img", reads=_reads(attention="pre_attn_norm", mlp="pre_mlp_norm")),),
        grid="img_shapes",
        text="cross",
        **IN_TURN,
        **LAST,
    ),
    Layout(
        "QwenImageTransformer2DModel",
        "Qwen-Image",
        (Blocks("transformer_blocks", "txt_img", reads=OF_IMAGE),),
        grid="img_shapes",
        text="joint",
        **MAYBE_EMBEDDED,
        **LAST,
        added=(Added("controlnet_block_samples", "transformer_blocks"),),
    ),
    # Text and condition images come first, in turn, and the drawn image last.
    Layout(
        "QwenImage21Transformer2DModel",
        "Qwen-Image 2.1",
        (Blocks("transformer_blocks", "fused", image="last", reads=OF_IMAGE),),
        grid="img_shapes_last",
        text="joint",
        **IN_TURN,
        **_last("norm_out.norm", image="last"),
    ),
    Layout("CogView4Transformer2DModel", "CogView4", IMAGE_TEXT, grid="latent", text="joint", **IN_TURN, **LAST),
    Layout(
        "CogView3PlusTransformer2DModel",
        "CogView3-Plus",
        (Blocks("transformer_blocks", "img_txt", reads=_reads(attention="norm1.norm_x", mlp="norm2")),),
        grid="latent",
        text="joint",
        **UNCOND_FIRST,
        **LAST,
    ),
    Layout("GlmImageTransformer2DModel", "GLM-Image", IMAGE_TEXT, grid="latent", text="joint", **IN_TURN, **LAST),
    Layout(
        "HunyuanImageTransformer2DModel",
        "HunyuanImage 2.1",
        (
            Blocks("transformer_blocks", "img_txt", reads=ADA),
            Blocks("single_transformer_blocks", "img_txt", reads=(Read("norm.norm", BOTH, image="first"),)),
        ),
        grid="latent",
        text="joint",
        pixels=32,
        **MAYBE_EMBEDDED,
        **LAST,
    ),
    Layout(
        "JoyImageEditTransformer3DModel",
        "JoyImage-Edit",
        (Blocks("double_blocks", "img_txt", reads=OF_IMAGE),),
        grid="latent_items",
        text="joint",
        **IN_TURN,
        **_last("norm_out"),
    ),
    Layout(
        "JoyImageEditPlusTransformer3DModel",
        "JoyImage-Edit Plus",
        (Blocks("double_blocks", "img_txt", reads=OF_IMAGE),),
        grid="shape_list",
        text="joint",
        **UNCOND_FIRST,
        **_last("norm_out"),
    ),
    # The residuals of its ControlNet are added inside of a block.
    Layout(
        "CosmosTransformer3DModel",
        "Cosmos-Predict2",
        (
            Blocks(
                "transformer_blocks", "img", reads=_reads(attention="norm1.norm", cross="norm2.norm", mlp="norm3.norm")
            ),
        ),
        grid="latent",
        text="cross",
        **IN_TURN,
        **LAST,
    ),
    Layout(
        "HiDreamImageTransformer2DModel",
        "HiDream-I1",
        (
            Blocks("double_stream_blocks", "img_txt", reads=_reads(attention="block.norm1_i", mlp="block.norm3_i")),
            Blocks(
                "single_stream_blocks",
                "fused",
                image="first",
                reads=_reads(attention="block.norm1_i", mlp="block.norm3_i"),
            ),
        ),
        grid="latent_padded",
        text="joint",
        time="timesteps",
        **UNCOND_FIRST,
        **_last("final_layer.norm_final"),
    ),
    Layout(
        "AuraFlowTransformer2DModel",
        "AuraFlow",
        (
            Blocks("joint_transformer_blocks", "txt_img", registers=8, reads=ADA),
            Blocks("single_transformer_blocks", "fused", image="last", registers=8, reads=ADA),
        ),
        grid="latent",
        text="joint",
        **UNCOND_FIRST,
        **_last("norm_out", norm=False),
    ),
    Layout(
        "ErnieImageTransformer2DModel",
        "ERNIE-Image",
        (
            Blocks(
                "layers", "fused", image="first", axes="SBD", reads=_reads(attention="adaLN_sa_ln", mlp="adaLN_mlp_ln")
            ),
        ),
        grid="latent",
        text="joint",
        **UNCOND_FIRST,
        **_last("final_norm.norm", image="first"),
    ),
    Layout(
        "ZImageTransformer2DModel",
        "Z-Image",
        (
            Blocks("noise_refiner", "img", reads=SANDWICHED),
            Blocks("context_refiner", "txt"),
            Blocks("layers", "fused", image="first", reads=SANDWICHED),
        ),
        grid="latent_list",
        text="joint",
        hidden="x",
        time="t",
        **COND_FIRST,
        **_last("all_final_layer.*.norm_final", image="first"),
        added=(Added("controlnet_block_samples", "layers", "by_number"),),
    ),
    Layout(
        "Lumina2Transformer2DModel",
        "Lumina 2",
        (
            Blocks("context_refiner", "txt"),
            Blocks("noise_refiner", "img", reads=LUMINA),
            Blocks("layers", "fused", image="last", reads=LUMINA),
        ),
        grid="latent_masked",
        text="joint",
        **IN_TURN,
        **_last("norm_out.norm", image="last"),
    ),
    Layout(
        "Krea2Transformer2DModel",
        "Krea 2",
        (Blocks("transformer_blocks", "fused", image="last", reads=PLAIN),),
        grid="position_ids",
        text="joint",
        **IN_TURN,
        **_last("final_layer.norm"),
    ),
    Layout(
        "Ideogram4Transformer2DModel",
        "Ideogram 4",
        (Blocks("layers", "fused", image="last", reads=SANDWICHED),),
        grid="indicator",
        text="joint",
        guidance="two transformers",
        turns=(),
        second="unconditional_transformer",
        **_last("final_layer.norm_final", image="last"),
    ),
    Layout(
        "Kandinsky5Transformer3DModel",
        "Kandinsky 5",
        (Blocks("text_transformer_blocks", "txt"), Blocks("visual_transformer_blocks", "img", reads=THREE)),
        grid="latent_channels_last",
        text="cross",
        **IN_TURN,
        **_last("out_layer.norm"),
    ),
    # A token of the timestep stands between the condition and the image. Behind the last block two norms in turn.
    Layout(
        "OmniGenTransformer2DModel",
        "OmniGen",
        (
            Blocks(
                "layers",
                "fused",
                image="last",
                gap=1,
                reads=_reads(attention="input_layernorm", mlp="post_attention_layernorm"),
            ),
        ),
        grid="latent",
        text="joint",
        batched=("cond", "uncond", "image only"),
        turns=(),
        guidance="batched",
        last=(Read("norm", ("last",), image="last"), Read("norm_out.norm", ("last",), after="norm")),
    ),
)

TABLE: dict[str, Layout] = {row.name: row for row in _ROWS}


def register(layout: Layout, replace: bool = False) -> Layout:
    """Add an entry for as long as the process runs, and return it; `layout_checks.check_layout` tells if it is right.

    Raises TypeError for what is no Layout, ValueError for a class that has an entry, unless it is to be replaced.
    """
    if not isinstance(layout, Layout):
        raise TypeError(f"register got {type(layout).__name__}: expected a Layout")
    if layout.name in TABLE and not replace:
        raise ValueError(f"{layout.name} has an entry already: pass replace=True to put this one in its place")
    TABLE[layout.name] = layout
    return layout


def layout_of(transformer) -> Layout:
    """The layout of a transformer module (of its class, or of the nearest parent in the table), or of a class name.

    Raises KeyError for a class that has no entry, naming the classes that have one, and ValueError for a model
    wrapped by torch.compile, whose blocks hooks cannot be trusted to see.
    """
    kinds = [transformer] if isinstance(transformer, str) else [kind.__name__ for kind in type(transformer).__mro__]
    if kinds[0] == "OptimizedModule":
        raise ValueError(
            "the transformer is wrapped by torch.compile, and hooks on its blocks need not fire: "
            "pass the plain module (it is in `transformer._orig_mod`)"
        )
    known = next((kind for kind in kinds if kind in TABLE), None)
    if known is None:
        raise NoLayout(kinds[0])
    return TABLE[known]


class NoLayout(KeyError):
    """No entry for this transformer class."""

    def __str__(self):
        return (
            f"no layout for the transformer class {self.args[0]!r}, so it is not known where its image tokens are. "
            f"Known: {', '.join(sorted(TABLE))}. A new class takes one entry in fewchannels/layouts/table.py, or "
            f"layouts.register(...) to try one; notebook 90_bring_your_own_model shows how"
        )
