"""The toy world's scenes, rendered from signed-distance functions, so that every mask is known exactly.

A scene is a picture of 48 x 48 px with none, one or two named subjects on a plain or patterned background.
`sample_attributes` draws what is in it, `render` draws it. Both take a NumPy generator or an integer seed,
and the same seed gives the same pixels.

Subjects are sized by the share of the picture that they cover, whatever their shape: small 4 to 6 %, large
12 to 17 %, huge 36 to 50 %. So "the subject is the smaller part" is false by construction in huge scenes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .prompts import COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES, Attributes, Subject, format_prompt

IMAGE_SIZE = 48
AREA = {"small": (0.04, 0.06), "large": (0.12, 0.17), "huge": (0.37, 0.50)}  # share of the picture that is covered
OFFSET = {"small": 12.0, "large": 10.5, "huge": 6.0}  # px from the centre to a named position
JITTER = {"small": 2.0, "large": 1.5, "huge": 1.0}  # px
DIRECTION = {"left": (-1, 0), "right": (1, 0), "center": (0, 0), "top": (0, -1), "bottom": (0, 1)}
OPPOSITE = (("left", "right"), ("top", "bottom"))
RGB = {
    "red": (214, 40, 40),
    "orange": (242, 140, 20),
    "yellow": (244, 220, 60),
    "green": (50, 150, 60),
    "cyan": (80, 215, 215),
    "blue": (40, 70, 200),
    "purple": (130, 50, 165),
    "pink": (245, 140, 185),
    "white": (242, 242, 242),
    "black": (28, 28, 30),
}


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    image: uint8 [H, W, 3]. subject_masks: bool [S, H, W], one exact mask a named subject, in the prompt's order
    (what a later subject hides is not part of an earlier one). mask: bool [H, W], all subjects.
    """

    image: np.ndarray
    subject_masks: np.ndarray
    attributes: Attributes

    @property
    def mask(self) -> np.ndarray:
        return self.subject_masks.any(axis=0)

    @property
    def prompt(self) -> str:
        return format_prompt(self.attributes)


def sample_attributes(
    rng: np.random.Generator | int, subjects: int | None = None, size: str | None = None
) -> Attributes:
    """Draw what a scene holds.

    Of the scenes 75 % have one subject, 20 % two at opposite positions, 5 % none. The subject's colour is never
    the background's; in 8 % of all scenes the pattern's second colour is the first subject's own.
    `subjects` (0, 1 or 2) and `size` (of the first subject) fix what would be drawn.
    """
    rng = np.random.default_rng(rng)
    count = int(rng.choice(3, p=(0.05, 0.75, 0.20))) if subjects is None else subjects
    if count not in (0, 1, 2):
        raise ValueError(f"subjects={subjects!r}: a scene has 0, 1 or 2 named subjects")
    if size is not None and (size not in SIZES or count == 0 or (count == 2 and size == "huge")):
        raise ValueError(
            f"size={size!r} with subjects={count}: expected one of {SIZES}, and no huge one beside another"
        )
    background, *colours = rng.permutation(COLOURS)[: count + 1].tolist()
    shapes = rng.permutation(SHAPES)[:count].tolist()
    if count == 2:
        first = size or rng.choice(("small", "large"))
        sizes = [first, "small" if first == "large" else rng.choice(("small", "large"))]
        pair = OPPOSITE[rng.integers(2)]
        positions = pair if rng.random() < 0.5 else pair[::-1]
    else:
        sizes = [size or rng.choice(SIZES, p=(0.4, 0.35, 0.25))] * count
        positions = [rng.choice(POSITIONS)] * count
    texture = str(rng.choice(TEXTURES))
    second = None
    if texture != "plain":
        draw = rng.random()
        others = [c for c in COLOURS if c != background and c not in colours]
        if draw < 0.11 and count:
            second = colours[0]
        elif draw < 0.33:
            second = str(rng.choice(others))
    named = tuple(Subject(str(s), c, f, str(p)) for s, c, f, p in zip(sizes, colours, shapes, positions, strict=True))
    return Attributes(named, texture, background, second)


def render(attributes: Attributes, rng: np.random.Generator | int) -> Scene:
    """Draw a scene: place, turn, shade and colour jittered by `rng`; the masks are exact."""
    rng = np.random.default_rng(rng)
    image = _background(attributes, rng)
    masks = np.zeros((len(attributes.subjects), IMAGE_SIZE, IMAGE_SIZE), dtype=bool)
    for i, subject in enumerate(attributes.subjects):
        distance = _place(subject, rng)
        image = _paint(image, distance, subject.colour, rng)
        masks[:i] &= distance >= 0
        masks[i] = distance < 0
    return Scene(np.clip(np.rint(image), 0, 255).astype(np.uint8), masks, attributes)


def random_scene(seed: int | tuple[int, ...], **fixed) -> Scene:
    """One scene drawn and rendered from a seed alone."""
    rng = np.random.default_rng(seed)
    return render(sample_attributes(rng, **fixed), rng)


@functools.cache
def _pixels() -> tuple[np.ndarray, np.ndarray]:
    centre = (IMAGE_SIZE - 1) / 2
    y, x = np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE].astype(np.float64) - centre
    return x, y


def _jittered(colour: str, rng: np.random.Generator) -> np.ndarray:
    return np.clip(np.asarray(RGB[colour], dtype=np.float64) + rng.uniform(-8, 8, 3), 0, 255)


def _background(attributes: Attributes, rng: np.random.Generator) -> np.ndarray:
    first = _jittered(attributes.background, rng)
    if attributes.second:
        second = _jittered(attributes.second, rng)
    else:  # a tint: darker for light colours, lighter for dark ones
        second = first * 0.72 if first.mean() > 128 else first + (255 - first) * 0.30
    x, y = _pixels()
    phase = rng.uniform(0, 40, 2)
    tilt = rng.uniform(-0.3, 0.3)
    period = rng.uniform(7, 9)
    u, v = x * np.cos(tilt) + y * np.sin(tilt) + phase[0], -x * np.sin(tilt) + y * np.cos(tilt) + phase[1]
    # each pattern is a signed distance in px, negative where the second tone is
    if attributes.texture == "striped":
        pattern = np.abs((u % period) - period / 2) - period / 4
    elif attributes.texture == "dotted":
        pattern = np.hypot((u % period) - period / 2, (v % period) - period / 2) - period * 0.28
    elif attributes.texture == "checkered":
        cell = period * 0.75
        pattern = cell / np.pi * np.sin(np.pi * u / cell) * np.sin(np.pi * v / cell)
    else:
        pattern = np.full_like(x, 9.0)
    alpha = np.clip(0.5 - pattern, 0, 1)[..., None]
    light = 1 + rng.uniform(-0.08, 0.08) * x[..., None] / 24 + rng.uniform(-0.08, 0.08) * y[..., None] / 24
    return ((1 - alpha) * first + alpha * second) * light


def _paint(image: np.ndarray, distance: np.ndarray, colour: str, rng: np.random.Generator) -> np.ndarray:
    x, y = _pixels()
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + 0.10 * (x * np.cos(angle) + y * np.sin(angle)) / 24
    # a darker rim keeps a subject visible on a pattern of its own colour
    rim = 1 - 0.3 * np.clip(1.8 + distance, 0, 1)
    alpha = np.clip(0.5 - distance, 0, 1)[..., None]
    return (1 - alpha) * image + alpha * _jittered(colour, rng) * (light * rim)[..., None]


def _place(subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """Signed distance [H, W] in px to the subject, scaled until the wanted share of the picture is covered."""
    x, y = _pixels()
    dx, dy = DIRECTION[subject.position]
    jitter = rng.uniform(-1, 1, 2) * JITTER[subject.size]
    cx, cy = dx * OFFSET[subject.size] + jitter[0], dy * OFFSET[subject.size] + jitter[1]
    turn = rng.uniform(-0.25, 0.25)
    u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    v = -(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)
    wanted = rng.uniform(*AREA[subject.size])
    radius = np.sqrt(wanted * IMAGE_SIZE**2 / _unit_area(subject.shape))
    for _ in range(4):  # what the picture's edge cuts off is made up for
        distance = radius * _DISTANCE[subject.shape](u / radius, v / radius)
        covered = (distance < 0).mean()
        if covered >= 0.97 * wanted:
            break
        radius *= np.sqrt(wanted / covered)
    return distance


@functools.cache
def _unit_area(shape: str) -> float:
    y, x = np.mgrid[-1.5:1.5:600j, -1.5:1.5:600j]
    return float((_DISTANCE[shape](x, y) < 0).mean() * 9)


def _box(x, y, half_width, half_height):
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _triangle(x, y):
    side = np.sqrt(3) / 2
    return np.maximum(y - 0.5, side * np.abs(x) - 0.5 * y - 0.5)


def _star(x, y):
    # one tenth of the star by symmetry: the line from an outer to an inner corner
    angle = np.arctan2(x, -y)
    sector = np.abs((angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
    radius = np.hypot(x, y)
    px, py = radius * np.cos(sector), radius * np.sin(sector)
    ix, iy = 0.56 * np.cos(np.pi / 5), 0.56 * np.sin(np.pi / 5)
    nx, ny = iy, 1 - ix
    return ((px - 1) * nx + py * ny) / np.hypot(nx, ny)


def _heart(x, y):
    y = y - 0.22
    u, v = (x + y) / np.sqrt(2), (y - x) / np.sqrt(2)  # a square on its corner and two circles on its upper sides
    lobe = np.minimum(np.hypot(u, v + 0.5), np.hypot(u + 0.5, v)) - 0.5
    return np.minimum(_box(u, v, 0.5, 0.5), lobe)


# signed distance to each shape at unit size, with the centre of its area at the origin
_DISTANCE = {
    "circle": lambda x, y: np.hypot(x, y) - 1,
    "square": lambda x, y: _box(x, y, 1, 1),
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.72) - 0.28,
    "cross": lambda x, y: np.minimum(_box(x, y, 1, 0.36), _box(x, y, 0.36, 1)),
    "moon": lambda x, y: np.maximum(np.hypot(x - 0.32, y + 0.10) - 1, 0.8 - np.hypot(x - 0.94, y + 0.30)),
}
