"""The form of a row of checkpoints.py: what is known of one checkpoint, or what suits a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """One checkpoint, or what is known of a class. None: not known, or where it says so the pipeline's own.

    name: hub name. transformer: its class. steps: denoising steps (None: the pipeline's own). generation: more
    arguments of generate by name, such as guidance_scale. size: side of the picture in pixels (None: the
    pipeline's own). batch_size: pictures at once. k: channels that count as top. study_steps: steps of the
    chapters' many generations, where fewer will do (None: steps).

    billions: parameters of the transformer; active: those that compute for one token, where not all do (`sparse`).
    others: gigabytes in 16 bit of everything else, the text encoders and the autoencoder. licence: the name its card
    gives. gated: whether the hub asks to accept it first. passes: forward passes a step, guidance included. pixels:
    side of a token in the picture where the class does not settle it. note: what else must be known to use it.
    source, steps_source: where billions, and where steps, guidance and size, are from.
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
    active: float | None = None
    sparse: bool = False
    others: float | None = None
    licence: str | None = None
    gated: bool | None = None
    passes: int = 2
    pixels: int | None = None
    note: str | None = None
    source: str = "card"
    steps_source: str = "card"

    @property
    def gigabytes(self) -> float | None:
        """All weights in 16 bit; None where a part is not known."""
        if self.billions is None or self.others is None:
            return None
        return round(2 * self.billions + self.others, 1)
