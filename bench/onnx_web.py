"""The toy world by onnxruntime-web in a page, for bench/live.py: WebAssembly with SIMD, one thread.

    web = fetched(cache)                   # Path of the package's files, from npm or from the cache
    write_page(folder, model.pipeline, web)
    page.goto(address + "/onnx.html"); page.evaluate(DRAW, [wish(pipeline, prompt, seed, steps), True])

Text encoder, transformer and decoder are exported by torch.onnx.export. Word numbers, start noise and noise levels are
handed to the page, which the live engine makes by itself; the Euler steps and the picture's pixels are made there.
Guidance is off in all of them, as it is where nobody asks for it, so a step is one pass. Nothing of it is in the site
or in the library.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import torch
from fewchannels.origins import generator_of

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PYTHON = ("onnx", "onnxscript")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>onnxruntime-web</title><script type="module">
import * as ort from "./ort/ort.wasm.bundle.min.mjs";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL("ort/ort-wasm-simd-threaded.wasm", location.href).href };
const opened = (name) => ort.InferenceSession.create(`onnx/${name}.onnx`, { executionProviders: ["wasm"] });
const ready = (async () => [await opened("text"), await opened("transformer"), await opened("decoder")])();
window.draw = async ({ ids, noise, shape, sigmas, timesteps }) => {
    const [text, transformer, decoder] = await ready;
    const words = new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const { states, pooled } = await text.run({ ids: words });
    const latents = Float32Array.from(noise);
    for (const [step, time] of timesteps.entries()) {
        const given = { latents: new ort.Tensor("float32", latents, shape), states, pooled };
        given.timestep = new ort.Tensor("float32", [time], [1]);
        const { velocity } = await transformer.run(given);
        const stride = sigmas[step + 1] - sigmas[step];
        for (let i = 0; i < latents.length; i++) latents[i] += stride * velocity.data[i];
    }
    const { image } = await decoder.run({ latents: new ort.Tensor("float32", latents, shape) });
    const pixels = image.data.length / 3;
    const picture = new Uint8ClampedArray(4 * pixels).fill(255);
    for (let i = 0; i < 3 * pixels; i++) {
        picture[4 * (i % pixels) + Math.floor(i / pixels)] = 127.5 * (1 + image.data[i]);
    }
    return { latents, picture };
};
window.begun = ready.then(() => true);
</script></html>"""
DRAW = """async ([wish, told]) => {
    await window.begun;
    const { latents, picture } = await window.draw(wish);
    return told && { latents: Array.from(latents), picture: Array.from(picture) };
}"""


class Text(torch.nn.Module):
    """ids int64 [1, 24] -> states [1, 24, 64], pooled [1, 64]."""

    def __init__(self, pipeline):
        super().__init__()
        self.encoder = pipeline.text_encoder

    def forward(self, ids):
        return self.encoder(ids)


class Transformer(torch.nn.Module):
    """latents [1, 8, 12, 12], timestep [1], states, pooled -> velocity [1, 8, 12, 12]."""

    def __init__(self, pipeline):
        super().__init__()
        self.transformer = pipeline.transformer

    def forward(self, latents, timestep, states, pooled):
        given = {"encoder_hidden_states": states, "pooled_projections": pooled}
        return self.transformer(hidden_states=latents, timestep=timestep, return_dict=False, **given)[0]


class Decoder(torch.nn.Module):
    """latents [1, 8, 12, 12] -> image [1, 3, 48, 48] in -1 to 1."""

    def __init__(self, pipeline):
        super().__init__()
        self.vae = pipeline.vae

    def forward(self, latents):
        config = self.vae.config
        return self.vae.decode(latents / config.scaling_factor + config.shift_factor, return_dict=False)[0]


def absent() -> str | None:
    """What is not there and the command that gets it, or None."""
    lacking = [name for name in PYTHON if importlib.util.find_spec(name) is None]
    if lacking:
        return f"no {' and no '.join(lacking)} here: pip install --constraint constraints.txt --editable '.[bench]'"
    if shutil.which("npm") is None:
        return "no npm here, which fetches it: install Node.js (apt-get install nodejs npm)"
    return None


def fetched(cache: Path) -> Path:
    """The folder with the package's FILES, below `cache`; fetched where they are not there. Raises RuntimeError with
    npm's own words where it cannot be had."""
    folder = cache / f"{PACKAGE}-{VERSION}"
    if all((folder / name).exists() for name in FILES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
    with tempfile.TemporaryDirectory() as unpacked:
        done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
        with tarfile.open(next(Path(unpacked).glob("*.tgz"))) as archive:
            for name in FILES:
                (folder / name).write_bytes(archive.extractfile(f"package/dist/{name}").read())
    return folder


@torch.no_grad()
def write_page(folder: Path, pipeline, web: Path) -> None:
    """folder/onnx.html, with the three networks in onnx/ and the package's files in ort/."""
    (folder / "onnx").mkdir()
    shutil.copytree(web, folder / "ort")
    (folder / "onnx.html").write_text(PAGE, encoding="utf-8")
    ids = pipeline.tokenizer.read([""])
    states, pooled = pipeline.text_encoder(ids)
    latents = torch.zeros(1, *pipeline.latent_shape)
    timestep = torch.tensor([500.0])
    for name, network, inputs, outputs in (
        ("text", Text(pipeline), {"ids": ids}, ["states", "pooled"]),
        (
            "transformer",
            Transformer(pipeline),
            {"latents": latents, "timestep": timestep, "states": states, "pooled": pooled},
            ["velocity"],
        ),
        ("decoder", Decoder(pipeline), {"latents": latents}, ["image"]),
    ):
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            folder / "onnx" / f"{name}.onnx",
            input_names=list(inputs),
            output_names=outputs,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def wish(pipeline, prompt: str, seed: int, steps: int) -> dict:
    """What the page draws from, as JSON: the numbers of the words, start noise and noise levels of `generate`."""
    shape = (1, *pipeline.latent_shape)
    pipeline.set_noise_levels(steps, torch.device("cpu"))
    return {
        "ids": pipeline.tokenizer.read([prompt])[0].tolist(),
        "noise": torch.randn(shape, generator=generator_of(seed, 0)).flatten().tolist(),
        "shape": shape,
        "sigmas": pipeline.scheduler.sigmas.tolist(),
        "timesteps": pipeline.scheduler.timesteps.tolist(),
    }
