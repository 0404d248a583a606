"""`LiveLab`: the toy world's model in the reader's browser, to be asked, looked into and edited there.

    with fc.capture(model, stats := fc.ChannelStats()):
        model.generate(prompts_for(model, 16, "calibration"), seed=1, steps=16)
    LiveLab(stats)                                    # in a notebook; the weights come from the kernel, once
    LiveLab(stats).save("lab.html")                   # a page of its own, weights included; it opens from the disk

The model runs in a worker of the page, in WebAssembly (js/live), and draws the pictures that Python draws. The channel
sets that it offers are those of `fewchannels.channels` on the same statistics, draw for draw.
"""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import live_weights
from .host import PageWidget

LAB_BUNDLE = Path(__file__).with_name("live_lab.js")
CALIBRATION = {"prompts": 16, "seed": 1, "steps": 16}  # of the statistics that rank the channels, in copied Python
PIECE = 250_000  # bytes a message: Jupyter's servers let a megabyte a second through


class LiveLab(PageWidget):
    """Ask the toy world for pictures, watch its channels, edit them, and see what changes; all in the page.

    stats: of calibration prompts, which rank the channels (a ChannelStats with mean, var and energy [S, L, T, D]).
    start: first state, as it stands in a link (`prompt`, `seed`, `how`, `set`, `k`, ...; js/lab/state.js).
    example: what is shown before the model is started, as long as nothing else than `start` is asked for: {"untouched",
        "edited": uint8 [48, 48, 3], "untouched_text", "edited_text": what they are, "levels": float [L, D], and what
        changed as texts, "change", "energy", "control", "words"}, or None.
    sample: a picture to try the transport from a picture with, uint8 [48, 48, 3], or None.
    base: in a page, the folder with the model's scripts (live_weights.write), a slash at its end; where it is empty a
        notebook takes them from its kernel, and `save` puts them into the page.
    bytes: what they weigh; taken from the weights where it is not given. pipeline: the folder of the weights.
    chapters: addresses of the chapters that the guided experiments belong to, by number.
    In a live notebook `lab.state` follows the page, and setting it moves the page.

    Raises ValueError for statistics of another width or depth than the weights', and as `live_weights.about` does.
    """

    _esm = LAB_BUNDLE
    _program = "live_lab"
    _module_shown = False

    def __init__(
        self,
        stats: Any,
        *,
        start: Mapping[str, Any] | None = None,
        example: Mapping[str, Any] | None = None,
        sample: np.ndarray | None = None,
        base: str = "",
        bytes: int = 0,
        pipeline: str | Path = live_weights.PIPELINE,
        chapters: Mapping[str, str] | None = None,
        version: str = "",
        key: str = "lab",
    ) -> None:
        told = live_weights.about(Path(pipeline))
        config = told["configs"]["transformer"]
        shape = {
            "blocks": config["num_layers"],
            "width": config["num_attention_heads"] * config["attention_head_dim"],
            "tokens": config["sample_size"] ** 2,
        }
        score = np.abs(np.asarray(stats.mean)).mean(axis=(0, 2), dtype=np.float64)
        energy = np.asarray(stats.energy).mean(axis=(0, 2), dtype=np.float64)
        if score.shape != (shape["blocks"], shape["width"]):
            raise ValueError(
                f"statistics of {score.shape[0]} blocks of {score.shape[1]} channels: the weights have "
                f"{shape['blocks']} of {shape['width']}; rank the channels on the same model"
            )
        doublings = len(told["configs"]["vae"]["num_decoder_blocks"]) - 1
        data: dict[str, Any] = {
            "label": "Live lab",
            "key": key,
            "base": base,
            "files": "" if base else "kernel",
            "bytes": bytes or sum(size for _, size in told["files"]) * 4 // 3,
            "grammar": told["grammar"],
            "shape": shape,
            "side": config["sample_size"] * told["configs"]["vae"]["upsampling_scaling_factor"] ** doublings,
            "known": list(score.shape),
            "calibration": CALIBRATION,
            "chapters": dict(chapters or {}),
            "version": version,
        }
        if example is not None:
            data["example"] = {**_example(example), "of": dict(start or {})}
        if sample is not None:
            data["sample"] = _png(sample)
        self._pipeline, self._files = Path(pipeline), None
        super().__init__("lab", data, np.stack([score, energy]).astype("<f8").tobytes(), dict(start or {}))
        self.on_msg(self._hand)

    @classmethod
    def _bundle(cls) -> Path:
        return LAB_BUNDLE

    def to_html(self, with_module: bool = True, still: str = "") -> str:
        """As `PageWidget.to_html`; where no `base` was given the model's weights stand in the page, 22 MB of it."""
        if self.data["base"]:
            return super().to_html(with_module, still)
        parts = [
            f'<script type="text/plain" data-fc-live="{name}">{text.decode()}</script>'
            for name, text in self._scripts().items()
        ]
        given = self.data
        try:
            self.data = {**given, "files": "page", "bytes": 0}
            return "\n".join([*parts, super().to_html(with_module, still)])
        finally:
            self.data = given

    def _without_kernel(self) -> dict[str, str]:
        said = "Live lab: it runs in a live notebook. For a page of its own: lab.save('lab.html')."
        return {"text/plain": said, "text/html": f"<p>{said}</p>"}  # 22 MB are too many for a saved notebook

    def _scripts(self) -> dict[str, bytes]:
        if self._files is None:
            with tempfile.TemporaryDirectory() as folder:
                names = live_weights.write(folder, self._pipeline)["scripts"]
                self._files = {name: (Path(folder) / name).read_bytes() for name in names}
        return self._files

    def _hand(self, widget: Any, content: Any, buffers: Sequence) -> None:
        """A piece of one of the model's scripts, for a page that asks for it."""
        if not isinstance(content, dict) or content.get("kind") != "live":
            return
        name, piece = content.get("name"), content.get("piece")
        text = self._scripts().get(name)
        if text is None or type(piece) is not int or not 0 <= piece * PIECE < len(text):
            self.send({"kind": "live", "name": name, "text": f"The kernel has no piece {piece} of {name}."})
            return
        pieces = -(-len(text) // PIECE)
        part = text[piece * PIECE : (piece + 1) * PIECE]
        self.send({"kind": "live", "name": name, "piece": piece, "pieces": pieces}, buffers=[part])


def _png(picture: np.ndarray) -> str:
    from PIL import Image

    array = np.asarray(picture)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3:
        raise ValueError(f"a picture of {array.dtype} {array.shape}: expected uint8 [H, W, 3]")
    Image.fromarray(array).save(buffer := io.BytesIO(), "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _example(given: Mapping[str, Any]) -> dict[str, Any]:
    texts = ("untouched_text", "edited_text", "change", "energy", "control", "words")
    wanted = ("untouched", "edited", "levels", *texts)
    missing = [name for name in wanted if name not in given]
    if missing:
        raise ValueError(f"the example lacks {', '.join(missing)}: expected {', '.join(wanted)}")
    levels = np.asarray(given["levels"], dtype=np.float64)
    return {
        **{name: str(given[name]) for name in texts},
        **{name: _png(given[name]) for name in ("untouched", "edited")},
        "levels": [[float(f"{value:.4g}") for value in row] for row in levels],
    }
