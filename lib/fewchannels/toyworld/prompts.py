"""The toy world's prompt grammar: attributes to words, and words back to attributes.

    "a large red star at the left on a striped blue and white background"
    "a small red star at the left and a large blue ring at the right on a plain white background"
    "nothing on a dotted green background"

Only words of `VOCABULARY` are understood. A textured background that names one colour has a tint of that
colour as its second tone; one that names two colours has those two.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "cross", "moon")
COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black")
SIZES = ("small", "large", "huge")
POSITIONS = ("left", "right", "center", "top", "bottom")
TEXTURES = ("plain", "striped", "dotted", "checkered")
VOCABULARY = ("a", "and", "at", "the", "on", "nothing", "background", *SIZES, *COLOURS, *SHAPES, *POSITIONS, *TEXTURES)

_SUBJECT = re.compile(
    rf"a (?P<size>{'|'.join(SIZES)}) (?P<colour>{'|'.join(COLOURS)}) (?P<shape>{'|'.join(SHAPES)})"
    rf" at the (?P<position>{'|'.join(POSITIONS)})"
)
_BACKGROUND = re.compile(
    rf"on a (?P<texture>{'|'.join(TEXTURES)}) (?P<colour>{'|'.join(COLOURS)})"
    rf"(?: and (?P<second>{'|'.join(COLOURS)}))? background"
)


GRAMMAR = (
    "'a SIZE COLOUR SHAPE at the POSITION [and a ...] on a TEXTURE COLOUR [and COLOUR] background' "
    "or 'nothing on a TEXTURE COLOUR [and COLOUR] background'"
)


class NoSentence(ValueError):
    """Known words in an order that is no sentence of the grammar."""


@dataclass(frozen=True)
class Subject:
    """One named subject of a scene."""

    size: str
    colour: str
    shape: str
    position: str


@dataclass(frozen=True)
class Attributes:
    """All that a prompt says of a scene: zero to two subjects and the background.

    `second` is the second pattern colour that the prompt names, or None for a plain or tonal background.
    """

    subjects: tuple[Subject, ...]
    texture: str
    background: str
    second: str | None = None


def format_prompt(attributes: Attributes) -> str:
    """Attributes to their one prompt.

    >>> format_prompt(Attributes((Subject("large", "red", "star", "left"),), "striped", "blue", "white"))
    'a large red star at the left on a striped blue and white background'
    """
    named = " and ".join(f"a {s.size} {s.colour} {s.shape} at the {s.position}" for s in attributes.subjects)
    second = f" and {attributes.second}" if attributes.second else ""
    return f"{named or 'nothing'} on a {attributes.texture} {attributes.background}{second} background"


def check_words(prompt: str) -> None:
    """Raises ValueError for the first word outside `VOCABULARY`, with the known word that is spelt alike, if there is
    one, and the full list; and for more than two shapes."""
    words = prompt.lower().split()
    for word in words:
        if word not in VOCABULARY:
            near = difflib.get_close_matches(word, VOCABULARY, n=1)
            hint = (
                f"the nearest word the toy world knows is {near[0]!r}" if near else "the toy world knows none like it"
            )
            raise ValueError(
                f"unknown word {word!r} in the prompt {prompt!r}; {hint}. It knows: {', '.join(VOCABULARY)}"
            )
    shapes = [word for word in words if word in SHAPES]
    if len(shapes) > 2:
        raise ValueError(
            f"the prompt {prompt!r} names {len(shapes)} subjects ({', '.join(shapes)}); a scene of the toy world has "
            f"at most two: expected {GRAMMAR}"
        )


def parse_prompt(prompt: str) -> Attributes:
    """A prompt back to its attributes; the inverse of `format_prompt`.

    Raises ValueError as `check_words` does, and NoSentence, which is one, for known words in an order that is no
    sentence of the grammar.

    >>> parse_prompt("nothing on a plain blue background")
    Attributes(subjects=(), texture='plain', background='blue', second=None)
    """
    check_words(prompt)
    text = " ".join(prompt.lower().split())
    head, _, tail = text.rpartition(" on a ")
    background = _BACKGROUND.fullmatch(f"on a {tail}")
    subjects = [] if head == "nothing" else [_SUBJECT.fullmatch(part) for part in _split_subjects(head)]
    if background is None or None in subjects:
        raise NoSentence(f"the prompt {prompt!r} is no sentence of the toy world; expected {GRAMMAR}")
    return Attributes(
        tuple(Subject(**m.groupdict()) for m in subjects),
        background["texture"],
        background["colour"],
        background["second"],
    )


def _split_subjects(head: str) -> list[str]:
    return re.split(r" and (?=a )", head)
