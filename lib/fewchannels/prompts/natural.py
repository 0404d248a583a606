"""Prompts for models that draw the real world, of our own writing: one subject in one scene.

from fewchannels.prompts.natural import natural_prompts
str(natural_prompts(1)[0])                     # "a red fox in fresh snow under pine trees"

Each is a subject and a scene that could be swapped with another's, so that a judge may ask for one, the other, or
both. Subjects are things whose outline is plain; no person, no brand, no text, no artist's name.
"""

from __future__ import annotations

from dataclasses import dataclass

SPLITS = ("calibration", "evaluation")


def check_split(split: str) -> None:
    """Raises ValueError for what is none of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: expected one of {', '.join(SPLITS)}")


@dataclass(frozen=True)
class NaturalPrompt:
    """A subject ("a red fox") and a scene ("in fresh snow under pine trees"); its text is both in a row."""

    subject: str
    scene: str

    def __str__(self) -> str:
        return f"{self.subject} {self.scene}"


_EVALUATION = (
    ("a red fox", "in fresh snow under pine trees"),
    ("a blue teapot", "on a wooden kitchen table"),
    ("a yellow sailing boat", "on a calm lake at sunset"),
    ("a white horse", "on a green meadow below mountains"),
    ("a bicycle with a basket", "against an old brick wall"),
    ("a black cat", "on a window sill in the rain"),
    ("a hot-air balloon", "over a field of lavender"),
    ("a wooden chair", "in an empty concrete room"),
    ("a golden retriever", "on a sandy beach"),
    ("a bunch of tulips", "in a market hall"),
    ("a green vintage car", "on a cobbled street at night"),
    ("an elephant", "by a waterhole in dry grassland"),
    ("a stack of pancakes", "on a checked tablecloth"),
    ("a lighthouse", "on a cliff under dark clouds"),
    ("a steam locomotive", "on a bridge in autumn woods"),
    ("an orange umbrella", "on a grey city square"),
    ("a grand piano", "on the stage of a theatre"),
    ("an owl", "on a bare branch under the moon"),
    ("a glass of orange juice", "beside a swimming pool"),
    ("a pair of red shoes", "on a marble staircase"),
    ("a snail", "on a wet leaf in a garden"),
    ("a windmill", "among yellow fields of rape"),
    ("a robot made of tin", "on a shelf in a toy shop"),
    ("a penguin", "on an iceberg in the sea"),
    ("a clay pot with a cactus", "on a white balcony"),
    ("a wooden rowing boat", "on the pebbles of a shore"),
    ("a giraffe", "in front of a red barn"),
    ("a birthday cake", "on a desk in an office"),
    ("a helicopter", "over a glacier"),
    ("a tabby kitten", "in a straw hat on a porch"),
    ("a brass telescope", "on a rooftop under the stars"),
    ("a tractor", "in a muddy vineyard"),
)
_CALIBRATION = (
    ("a brown bear", "in a river between rocks"),
    ("a silver kettle", "over a camp fire"),
    ("a parrot", "on the railing of a ship"),
    ("an armchair", "in a library with tall shelves"),
    ("a motorcycle", "on a desert road"),
    ("a bowl of cherries", "on a blue cloth"),
    ("a sheepdog", "on a hill with fog"),
    ("a wooden cabin", "in a birch forest"),
    ("a frog", "on a lily pad in a pond"),
    ("a yellow taxi", "under a railway bridge"),
    ("a cello", "in a bare attic"),
    ("a swan", "on a canal between houses"),
    ("a loaf of bread", "on a stone window ledge"),
    ("a red telephone", "on a green carpet"),
    ("a kite", "over dunes by the sea"),
    ("a tortoise", "on a dusty path"),
)


def natural_prompts(n: int, split: str = "evaluation", first: int = 0) -> list[NaturalPrompt]:
    """`n` prompts of a split, from number `first`. The splits share neither subject nor scene.

    Raises ValueError for an unknown split, and where the split holds fewer than that: 32 evaluation prompts, 16
    calibration prompts.
    """
    check_split(split)
    rows = _EVALUATION if split == "evaluation" else _CALIBRATION
    if n < 1 or first < 0 or first + n > len(rows):
        raise ValueError(
            f"n={n} from number {first}: there are {len(rows)} {split} prompts of our own for models of the real "
            f"world; ask for 1 to {len(rows)}, or pass a file of prompts (fewchannels.prompts.files)"
        )
    return [NaturalPrompt(*row) for row in rows[first : first + n]]


def swapped_pairs(n: int, split: str = "evaluation", first: int = 0) -> list[tuple[NaturalPrompt, NaturalPrompt]]:
    """`n` pairs (source, target) that differ in subject and in scene; each prompt of the split is a target once before
    one is a target again, so there are at most as many pairs as prompts. Errors as for `natural_prompts`."""
    targets = natural_prompts(n, split, first)
    rows = natural_prompts(len(_EVALUATION if split == "evaluation" else _CALIBRATION), split)
    return [(rows[(first + i + len(rows) // 2) % len(rows)], target) for i, target in enumerate(targets)]
