"""The live engine for a page: its program and the toy world's weights as scripts, which load from the disk as well.

    files = live_weights.write(folder)          # live.js and weights-00.js, weights-01.js, ...
    files["bytes"]                              # what a reader downloads

A page that was opened from the disk may not fetch files, but it may run scripts that lie beside it. So the committed
safetensors are cut into parts of base64, each a call of `fewchannels.live.part(number, text)`, and live.js says what
there is: `fewchannels.live.begin({about, parts, engine})`. js/live/client.js defines both calls, or where it may fetch
reads what stands in them, and hands the text on to a worker as it comes. Nothing is converted: what the page computes
with is what Python computes with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import runpy
import sys
from pathlib import Path

from ..disk import write_whole
from . import bundle

TOYWORLD = Path(__file__).resolve().parent.parent / "toyworld"
PIPELINE = TOYWORLD / "weights" / "pipeline"
MODELS = ("text_encoder", "transformer", "vae")
CLASSES = {"text_encoder": "ToyTextEncoder", "transformer": "SD3Transformer2DModel", "vae": "AutoencoderTiny"}
WEIGHTS = "diffusion_pytorch_model.safetensors"
PART = 1_500_000  # bytes of weights a script, which a page takes in within a frame or two


def about(pipeline: Path = PIPELINE) -> dict:
    """What the engine needs beside the weights, as JSON values.

    configs: of each model; ids: the tokenizer's numbers, word -> id; grammar: the word lists; files: name and bytes of
    each weights' file, in the order in which they are cut; digest: sha256 of all of them, its first 16 digits. Raises
    FileNotFoundError for a folder without a model, ValueError for a model of another class.
    """
    pipeline = Path(pipeline)
    configs = {name: json.loads((pipeline / name / "config.json").read_text(encoding="utf-8")) for name in MODELS}
    for name, config in configs.items():
        if config["_class_name"] != CLASSES[name]:
            raise ValueError(
                f"{pipeline / name} is of class {config['_class_name']}: the live engine computes {CLASSES[name]} alone"
            )
    words = json.loads((pipeline / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    weights = _weights(pipeline)
    return {
        "configs": configs,
        "ids": words["model"]["vocab"],
        "grammar": _grammar(),
        "files": [[name, len(data)] for name, data in weights.items()],
        "digest": hashlib.sha256(b"".join(weights.values())).hexdigest()[:16],
    }


def write(folder: str | Path, pipeline: Path = PIPELINE, part: int = PART) -> dict:
    """Write live.js and the parts into `folder`. -> {"scripts": names, live.js first; "bytes": what they weigh}.

    pipeline: the folder of a toy world's pipeline. part: bytes of weights in a script, rounded to whole base64. Parts
    of other weights that lie there are taken away. Raises as `about` does, and OSError as `disk.write_whole`.
    """
    folder, part = Path(folder), max(part // 3, 1) * 3
    told = about(pipeline)
    data = b"".join(_weights(Path(pipeline)).values())
    scripts = {}
    for number, start in enumerate(range(0, len(data), part)):
        text = base64.b64encode(data[start : start + part]).decode("ascii")
        scripts[f"weights-{told['digest'][:8]}-{number:02d}.js"] = f'fewchannels.live.part({number},"{text}");\n'
    given = {"about": told, "parts": list(scripts), "engine": bundle.live_worker()}
    first = f"fewchannels.live.begin({json.dumps(given, ensure_ascii=True, separators=(',', ':'))});\n"
    scripts = {"live.js": first, **scripts}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scripts.items():
        write_whole(folder / name, text.encode())
    for old in set(folder.glob("weights-*.js")) - {folder / name for name in scripts}:
        old.unlink()
    return {"scripts": list(scripts), "bytes": sum(len(text) for text in scripts.values())}


def _weights(pipeline: Path) -> dict[str, bytes]:
    return {name: (pipeline / name / WEIGHTS).read_bytes() for name in MODELS}


def _grammar() -> dict:
    words = runpy.run_path(str(TOYWORLD / "prompts.py"))
    lists = {name.lower(): list(words[name]) for name in ("SHAPES", "COLOURS", "SIZES", "POSITIONS", "TEXTURES")}
    return {**lists, "vocabulary": list(words["VOCABULARY"]), "sentence": words["GRAMMAR"]}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one folder: python -m fewchannels.widgets.live_weights FOLDER")
    written = write(sys.argv[1])
    print(f"{len(written['scripts'])} scripts, {written['bytes'] / 1e6:.1f} MB")
