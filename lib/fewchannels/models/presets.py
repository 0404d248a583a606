"""What suits a checkpoint: steps, guidance, size, k and batch, and what it wants of a machine.

preset_of("black-forest-labs/FLUX.2-klein-4B").steps       # 4
preset_of("some/other-flux", "FluxTransformer2DModel")     # k and batch of its class; the pipeline's own steps

Steps and guidance are those of each model's own card; k is a choice of ours: 12, which the public replication uses for
FLUX's 3,072 channels, and 8 for the toy world's 192. billions and gigabytes are sums over the published weight files
in 16 bit, rounded, and say nothing about a quantised copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """One checkpoint, or what is known of a class.

    name: hub name. transformer: its class. steps: denoising steps (None: the pipeline's own). generation: more
    arguments of generate by name, such as guidance_scale. size: side of the picture in pixels (None: the
    pipeline's own). batch_size: pictures at once. k: channels that count as top. study_steps: steps of the
    chapters' many generations, where fewer will do (None: steps). billions: parameters of the transformer. gigabytes:
    all weight files in 16 bit. licence: the name its card gives. gated: whether the hub asks to accept it first.
    """

    name: str | None = None
    transformer: str | None = None
    steps: int | None = None
    generation: Mapping[str, object] = field(default_factory=dict)
    size: int | None = None
    batch_size: int = 4
    k: int = 12
    study_steps: int | None = None
    billions: float | None = None
    gigabytes: float | None = None
    licence: str | None = None
    gated: bool | None = None


TOY = Preset("toyworld", "SD3Transformer2DModel", batch_size=32, k=8, study_steps=8)

_ROWS = (
    Preset("black-forest-labs/FLUX.2-klein-4B", "Flux2Transformer2DModel", 4, {"guidance_scale": 1.0}, 1024,
           billions=3.9, gigabytes=16, licence="Apache 2.0", gated=False),
    Preset("black-forest-labs/FLUX.1-schnell", "FluxTransformer2DModel", 4, {"guidance_scale": 0.0}, 1024,
           billions=11.9, gigabytes=34, licence="Apache 2.0", gated=True),
    Preset("black-forest-labs/FLUX.1-dev", "FluxTransformer2DModel", 28, {"guidance_scale": 3.5}, 1024,
           billions=11.9, gigabytes=34, licence="FLUX.1 [dev] Non-Commercial", gated=True),
    Preset("stabilityai/stable-diffusion-3.5-medium", "SD3Transformer2DModel", 40, {"guidance_scale": 4.5}, 1024,
           billions=2.2, gigabytes=16, licence="Stability AI Community", gated=True),
    Preset("PixArt-alpha/PixArt-Sigma-XL-2-1024-MS", "PixArtTransformer2DModel", 20, {"guidance_scale": 4.5}, 1024,
           billions=0.6, gigabytes=11, licence="CreativeML OpenRAIL++", gated=False),
)  # fmt: skip

PRESETS: dict[str, Preset] = {row.name: row for row in _ROWS}


def preset_of(name: str | None, transformer: str | None = None, toy: bool = False) -> Preset:
    """What suits a model, by its hub name (or the name of its folder), else by its transformer class.

    A checkpoint that is not in the table gets nothing of a relative but k and batch: steps and guidance belong to a
    training, not to a class, and the pipeline's own defaults stand.
    """
    if toy or name == TOY.name:
        return TOY
    for row in _ROWS:
        if name in (row.name, row.name.rpartition("/")[2]):
            return row
    relative = next((row for row in _ROWS if row.transformer == transformer), Preset())
    return Preset(None, transformer, batch_size=relative.batch_size, k=relative.k)
