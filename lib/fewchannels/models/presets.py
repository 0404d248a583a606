"""What suits a checkpoint: steps, guidance, size, k and batch, and what it wants of a machine.

preset_of("black-forest-labs/FLUX.2-klein-4B").steps       # 4
preset_of("some/other-flux", "FluxTransformer2DModel")     # k and batch of its class; the pipeline's own steps

The rows are in checkpoints.py. k is a choice of ours: 12, which the public replication uses for FLUX's 3,072 channels,
and 8 for the toy world's 192.
"""

from __future__ import annotations

from .checkpoints import ROWS
from .preset import Preset

TOY = Preset("toyworld", "SD3Transformer2DModel", batch_size=32, k=8, study_steps=8)
PRESETS: dict[str, Preset] = {row.name: row for row in ROWS}


def preset_of(name: str | None, transformer: str | None = None, toy: bool = False) -> Preset:
    """What suits a model, by its hub name (or the name of its folder), else by its transformer class.

    A checkpoint that is not in the table gets nothing of a relative but k and batch: steps and guidance belong to a
    training, not to a class, and the pipeline's own defaults stand.
    """
    if toy or name == TOY.name:
        return TOY
    for row in ROWS:
        if name in (row.name, row.name.rpartition("/")[2]):
            return row
    relative = next((row for row in ROWS if row.transformer == transformer), Preset())
    return Preset(None, transformer, batch_size=relative.batch_size, k=relative.k)
