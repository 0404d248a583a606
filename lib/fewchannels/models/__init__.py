"""Load any image diffusion transformer by one call, and generate so that each sample's noise is its own.

    model = fc.load("toyworld")                                             # the embedded model, on a CPU
    model = fc.load("black-forest-labs/FLUX.2-klein-4B", device="cuda")     # a model by its hub name
    images = model.generate(["a large red star at the center on a plain white background"], seed=0)

Weights are read from safetensors only, and no code from a hub is ever run.
"""

from .loading import load
from .model import Model, Run
from .needs import NotEnough
from .preset import Preset
from .presets import preset_of

__all__ = ["Model", "NotEnough", "Preset", "Run", "load", "preset_of"]
