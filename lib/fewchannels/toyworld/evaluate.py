"""How good is the toy world's model?  python -m fewchannels.toyworld.evaluate --pipeline FOLDER --prompts 512

Draws prompts with one or two subjects, in the world's proportion, that no training has drawn by their seed; generates
each from fresh noise; has the judge and the second reader (`by_eye`) read the pictures; and gives accuracy per
attribute with 95 % bootstrap intervals over prompts, beside the chance level: the same readings, scored against other
prompts. `--card` writes the model card beside the weights, from these scores and the training's facts
(FOLDER/training.json), and the scores into FOLDER/scores.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from ..disk import check_place, write_whole
from ..metrics import attribute_accuracy, shuffled
from .by_eye import by_eye
from .judge import ATTRIBUTES, agreement, load_judge
from .prompts import Attributes, format_prompt
from .scenes import sample_attributes

SEED = 4242  # the trainings draw from other seeds
TARGETS = {
    "background": 0.97,
    "texture": 0.97,
    "colour": 0.97,
    "size": 0.97,
    "position": 0.97,
    "shape": 0.90,
    "all": 0.80,
}
FACTS = ("images", "hours", "hardware", "seed", "recipe")


def draw_attributes(count: int, seed: int = SEED) -> list[Attributes]:
    """`count` scenes' attributes with one or two subjects; the i-th depends on the seed and i alone."""
    drawn = []
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        attributes = sample_attributes(rng)
        while not attributes.subjects:
            attributes = sample_attributes(rng)
        drawn.append(attributes)
    return drawn


def load_pipeline(folder: str | Path, device: str = "cpu"):
    """The pipeline of `folder` in float32, with its progress bar off."""
    from . import text_encoder  # noqa: F401  diffusers loads only components whose module is imported
    from .pipeline import ToyWorldPipeline

    pipeline = ToyWorldPipeline.from_pretrained(folder, use_safetensors=True).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(
    pipeline, prompts: list[str], steps: int = 16, guidance: float = 1.0, seed: int = SEED, batch: int = 32
) -> np.ndarray:
    """uint8 [B, 48, 48, 3]. The i-th picture's noise comes from (seed, i) alone."""
    parts = []
    for start in range(0, len(prompts), batch):
        some = prompts[start : start + batch]
        seeds = [int(np.random.SeedSequence((seed, 1, start + i)).generate_state(1)[0]) for i in range(len(some))]
        images = pipeline(
            some,
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="np",
            generator=[torch.Generator().manual_seed(s) for s in seeds],
        ).images
        parts.append(np.rint(images * 255).astype(np.uint8))
    return np.concatenate(parts)


def evaluate(read: list[Attributes], truths: list[Attributes]) -> dict[str, dict]:
    """Scores of what a reader found in pictures against what was asked for, as JSON values.

    Returns {"all prompts" | "one subject" | "two subjects": {"prompts": n, attribute: {"value", "low", "high",
    "chance"}}}. Subject attributes are per prompt the share of its subjects that have it; "all" wants everything right
    and no further subject.
    """
    groups = {
        "all prompts": np.arange(len(truths)),
        "one subject": np.flatnonzero([len(t.subjects) == 1 for t in truths]),
        "two subjects": np.flatnonzero([len(t.subjects) == 2 for t in truths]),
    }
    result = {}
    for group, members in groups.items():
        if len(members) < 2:  # chance needs another prompt
            continue
        accuracy = attribute_accuracy(_columns([read[i] for i in members], [truths[i] for i in members]))
        others = members[shuffled(len(members))]
        chance = attribute_accuracy(_columns([read[i] for i in members], [truths[i] for i in others]), draws=1)
        result[group] = {"prompts": len(members)} | {
            name: {**interval._asdict(), "chance": chance[name].value} for name, interval in accuracy.items()
        }
    return result


def _columns(read: list[Attributes], truths: list[Attributes]) -> dict[str, np.ndarray]:
    rows = [agreement(r, t) for r, t in zip(read, truths, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in ATTRIBUTES}


def table(scores: dict[str, dict], second: dict[str, dict]) -> str:
    """The scores of `evaluate` as Markdown tables, with the targets. second: those of the second reader."""
    parts = []
    for group, rows in scores.items():
        whole = group == "all prompts"
        lines = [f"{group.capitalize()} ({rows['prompts']}):", ""]
        lines += ["| attribute | judge | by eye | chance |" + (" target |" if whole else "")]
        lines += ["|---|---|---|---|" + ("---|" if whole else "")]
        for name in (n for n in ATTRIBUTES if n in rows):
            r = rows[name]
            told = [f"{own['value']:.3f} ({own['low']:.3f} to {own['high']:.3f})" for own in (r, second[group][name])]
            line = f"| {name} | {told[0]} | {told[1]} | {r['chance']:.3f} |"
            if whole:
                goal = TARGETS.get(name)
                line += " |" if goal is None else f" {goal:.2f}, {'met' if r['value'] >= goal else 'not met'} |"
            lines.append(line)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def read_facts(file: Path) -> dict:
    """The training's facts from their JSON file. Raises ValueError where the file or one of `FACTS` is missing."""
    example = '{"images": 1000000, "hours": 6.5, "hardware": "2 CPU cores", "seed": 0, "recipe": "...", "go_on": "..."}'
    if not file.exists():
        raise ValueError(f"{file} is missing; the card needs the training's facts there, such as {example}")
    facts = json.loads(file.read_text())
    if missing := [name for name in FACTS if name not in facts]:
        raise ValueError(f"{file} lacks {', '.join(missing)}; expected facts such as {example}")
    return facts


def render_card(facts: dict, scores: dict) -> str:
    """The model card as Markdown. facts: as of `read_facts`; scores: what `main` writes with --json."""
    rows = scores["scores"]["all prompts"]
    short = [n for n, goal in TARGETS.items() if rows[n]["value"] < goal]
    verdict = (
        "All targets are met." if not short else f"The targets for {', '.join(short)} are not met; training can go on."
    )
    go_on = f"\nThe run goes on with `{facts['go_on']}`.\n" if "go_on" in facts else ""
    return f"""# The toy world's text-to-image flow transformer

`ToyWorldPipeline` (an `SD3Transformer2DModel` on the 12 x 12 latents that an `AutoencoderTiny` makes of 48 x 48 px,
{scores["parameters"] / 1e6:.1f} M parameters with its text encoder and autoencoder), stored in 16 bit.
Licence: CC BY 4.0.

## Data
Scenes rendered by `fewchannels.toyworld.scenes`, drawn anew for every training picture: none, one or two subjects on a
plain, striped, dotted or checkered background, with the prompt that names all of it. No picture was collected.

## Training
{facts["recipe"]}

Images seen: {facts["images"]:,}. Hours: {facts["hours"]:.2f}, on {facts["hardware"]}. Seed: {facts["seed"]}.
{facts.get("autoencoder", "")}
{go_on}
## Scores
{scores["prompts"]} prompts that training never drew by seed, fresh noise, {scores["steps"]} Euler steps, guidance
{scores["guidance"]:g}, read by the judge beside these weights and by `by_eye`, a second reader without a network.
95 % bootstrap intervals over prompts. Chance: the judge's readings, scored against other prompts. {verdict}

{table(scores["scores"], scores["by eye"])}

## Limits
It draws this world and nothing else, and knows only the words of its grammar. The scores are the readers' opinions,
whose own figures stand in the judge's card. Where stripes or checks have two named colours, either may be the
background. The intervals speak for other prompts to these very weights and not for another training run.
"""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m fewchannels.toyworld.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--pipeline", type=Path, default=Path(__file__).parent / "weights" / "pipeline")
    parser.add_argument("--prompts", type=int, default=512)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    parser.add_argument("--json", type=Path, help="file for the scores")
    parser.add_argument("--card", action="store_true", help="write PIPELINE/README.md")
    parser.add_argument("--facts", type=Path, help="the training's facts (default: PIPELINE/training.json)")
    args = parser.parse_args(argv)
    if args.prompts < 2:
        parser.error(f"--prompts {args.prompts}: expected at least 2")
    if args.threads:
        torch.set_num_threads(args.threads)
    # before minutes of work: a missing fact, a file that cannot be written
    facts = read_facts(args.facts or args.pipeline / "training.json") if args.card else None
    files = [args.json] * bool(args.json) + [args.pipeline / "scores.json", args.pipeline / "README.md"] * args.card
    for file in files:
        check_place(file)
    judge, pipeline = load_judge(device=args.device), load_pipeline(args.pipeline, args.device)
    truths = draw_attributes(args.prompts, args.seed)
    start = time.monotonic()
    images = generate(pipeline, [format_prompt(t) for t in truths], args.steps, args.guidance, args.seed, args.batch)
    modules = (pipeline.transformer, pipeline.text_encoder, pipeline.vae)
    result = {
        "prompts": args.prompts,
        "steps": args.steps,
        "guidance": args.guidance,
        "seed": args.seed,
        "seconds_per_image": round((time.monotonic() - start) / args.prompts, 4),
        "parameters": sum(p.numel() for m in modules for p in m.parameters()),
        "scores": evaluate([r.attributes for r in judge.read(images)], truths),
        "by eye": evaluate(by_eye(images), truths),
    }
    print(table(result["scores"], result["by eye"]))
    for file in files[: len(files) - args.card]:
        write_whole(file, f"{json.dumps(result, indent=1)}\n".encode())
    if facts:
        write_whole(args.pipeline / "README.md", render_card(facts, result).encode())


if __name__ == "__main__":
    main()
