"""A reader without a network: colours to segments, segments to background and subjects, by rules that can be followed.

    by_eye(images)                      # uint8 [B, 48, 48, 3] to B `Attributes`
    look(image).masks                   # where the subjects of one picture are

Grain is measured and smoothed away. The picture's own colours are found by k-means and every pixel goes to one. A
colour that lies along the frame on three sides is background; the palette names it, and how it is spread tells the
texture. What is left and hangs together is a subject: size from its area, position from its centre, colour from the
palette, shape from the template that covers it best. It knows the world (palette, outlines, sizes) and shares no code,
rule or threshold with the judge or with the rule of `visible`; its own were chosen on renders of other seeds than
those that it is shown on. Conventions are the judge's: at most two subjects, in the order of `POSITIONS`, and two even
tones in the order of `COLOURS`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .prompts import COLOURS, POSITIONS, SHAPES, Attributes, Subject
from .scenes import _DISTANCE, DIRECTION, OFFSET, RGB

PALETTE = np.array([RGB[name] for name in COLOURS], dtype=np.float32)
TINTS = np.array([c * 0.72 if c.mean() > 128 else c + (255 - c) * 0.3 for c in PALETTE], dtype=np.float32)
CLUSTERS, PATCH = 7, 0.022  # colours at first; the smallest share of the picture that is a subject
LARGE, HUGE = 0.08, 0.25  # shares of the picture from which a subject is called so
LARGE_IN_TONE = 0.1  # of one in a pattern's colour, to which parts of the pattern hang on
EDGES = np.arange(-1.3, 1.31, 0.13)


@dataclass(frozen=True)
class Look:
    """attributes: as the judge's. masks: bool [S, 48, 48], one a subject, in their order."""

    attributes: Attributes
    masks: np.ndarray


def by_eye(images: np.ndarray) -> list[Attributes]:
    """uint8 [B, 48, 48, 3] to what each picture shows."""
    return [look(image).attributes for image in images]


def look(image: np.ndarray) -> Look:
    """One picture, uint8 [48, 48, 3]."""
    labels, colours = segments(image)
    ground = background_of(labels, len(colours))
    found = subjects_of(labels, colours, ground, 16 * pale(image))
    free = ~np.any([mask for _, mask in found], axis=0) if found else np.ones(labels.shape, dtype=bool)
    texture, background, second = scene_of(image, labels, colours, ground, free)
    told = [(describe(mask, image, background, second, j in ground), mask) for j, mask in found]
    told = sorted(told, key=lambda pair: POSITIONS.index(pair[0].position))
    if len(told) == 2 and told[0][0].position == told[1][0].position:  # two parts of one
        told = [max(told, key=lambda pair: pair[1].sum())]
    masks = np.array([mask for _, mask in told], dtype=bool).reshape(len(told), *labels.shape)
    return Look(Attributes(tuple(s for s, _ in told), texture, background, second), masks)


def smooth(image: np.ndarray) -> tuple[np.ndarray, float, int]:
    """The picture after as many passes of [1, 2, 1] as its grain asks for, the deviation of what grain is left, and how
    many passes."""
    out = image.astype(np.float32)
    apart = 2 * out[1:-1, 1:-1] - out[1:-1, :-2] - out[1:-1, 2:]
    deviation = float(np.median(np.abs(apart))) / (0.6745 * np.sqrt(6))
    passes = int(np.searchsorted([5, 14, 28, 45], deviation))
    for _ in range(passes):
        for axis in (0, 1):
            edge = np.take(out, [0], axis), np.take(out, [-1], axis)
            wide = np.concatenate([edge[0], out, edge[1]], axis)
            n = out.shape[axis]
            out = sum(w * np.take(wide, range(s, n + s), axis) for s, w in enumerate((0.25, 0.5, 0.25)))
    return out, deviation * (1, 0.375, 0.27, 0.22, 0.19)[passes], passes


def segments(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """labels int [48, 48] and the colours [K, 3] that they stand for: k-means from far-apart beginnings. Colours that
    only lie between others (outlines), are too like another, or shade into another without an edge are given up."""
    soft, left, reach = smooth(image)
    x = soft.reshape(-1, 3)
    centres, far = [x.mean(axis=0)], np.full(len(x), np.inf, dtype=np.float32)
    square = np.einsum("nc,nc->n", x, x)
    for _ in range(CLUSTERS - 1):
        far = np.minimum(far, square - 2 * x @ centres[-1] + centres[-1] @ centres[-1])
        centres.append(x[far.argmax()])
    centres = np.array(centres)
    for step in range(4 + CLUSTERS):
        labels = nearest_of(x, centres)
        hot = np.eye(len(centres), dtype=np.float32)[labels]
        size = hot.sum(axis=0)
        centres = (hot.T @ x) / np.maximum(size, 1)[:, None]
        if step < 3:
            continue
        weak = weakest(soft, labels.reshape(soft.shape[:2]), centres, size, max(13 * pale(soft), 3.5 * left), 3 + reach)
        if weak is None:
            break
        centres = np.delete(centres, weak, axis=0)
    return nearest_of(x, centres).reshape(soft.shape[:2]), centres


def pale(soft: np.ndarray) -> float:
    """By how much less than usual a picture's colours differ, from 0.3 to 1: where it is washed out all differences are
    small."""
    return float(np.clip(np.sqrt(soft.reshape(-1, 3).var(axis=0).sum()) / 60, 0.3, 1))


def nearest_of(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return (np.square(centres).sum(axis=1) - 2 * x @ centres.T).argmin(axis=1)


def weakest(soft, labels, centres, size, least: float, reach: int) -> int | None:
    """The smallest of those colours that are no segment of their own, or None."""
    count, n = len(centres), len(labels)
    if count == 1:
        return None
    hot = (labels == np.arange(count)[:, None, None]).astype(np.float32)
    pure = hot * (around(hot, 1) >= 7)
    flat = pure.any(axis=0)
    apart = centres[:, None] - centres
    length = np.sqrt(np.square(apart).sum(axis=2)) + 1e9 * np.eye(count)
    edge, pairs = np.zeros(count**2), np.zeros(count**2)
    for axis in (0, 1):
        (i, p, x), (j, q, y) = (
            [np.take(part, rows, axis) for part in (labels, flat, soft)] for rows in (range(n - reach), range(reach, n))
        )
        both = np.flatnonzero((p & q & (i != j)).ravel())
        i, j = i.ravel()[both], j.ravel()[both]
        along = ((x - y).reshape(-1, 3)[both] * apart[i, j]).sum(axis=1) / length[i, j]
        edge += np.bincount(i * count + j, along, count**2)
        pairs += np.bincount(i * count + j, minlength=count**2)
    edge, pairs = (v.reshape(count, count) + v.reshape(count, count).T for v in (edge, pairs))
    same = (length < least) | ((pairs > 12) & (edge < 0.5 * length * pairs))
    smaller = (size[:, None] < size) | ((size[:, None] == size) & (np.arange(count)[:, None] > np.arange(count)))
    weak = (size < 12) | (pure.sum(axis=(1, 2)) < 0.2 * size) | (same & smaller).any(axis=1)
    return int(np.where(weak, size, np.inf).argmin()) if weak.any() else None


def around(plane: np.ndarray, reach: int) -> np.ndarray:
    """Sums [..., 48, 48] over squares of 2 reach + 1 px."""
    n = np.arange(plane.shape[-1])
    rows = (np.abs(n[:, None] - n) <= reach).astype(np.float32)
    return rows @ plane.astype(np.float32) @ rows


def background_of(labels: np.ndarray, count: int) -> list[int]:
    """The one or two labels that lie along the frame: first the one that covers most of it."""
    sides = [labels[:3], labels[-3:], labels[:, :3], labels[:, -3:]]
    share = np.array([np.bincount(side.ravel(), minlength=count) / side.size for side in sides])
    order = np.argsort(-share.mean(axis=0), kind="stable")
    return [int(order[0]), *[int(j) for j in order[1:2] if np.sort(share[:, j])[1] > 0.07]]


def subjects_of(labels: np.ndarray, colours: np.ndarray, ground: list[int], least: float, margin: int = 4) -> list:
    """Up to two (label, mask), the largest first: parts that hang together, are thick, and are most of their colour. A
    part in one of a pattern's two colours counts where it is too thick for the pattern."""
    found = []
    light = np.linspace(0.84, 1.19, 8)[:, None, None] * colours[ground]
    for j in range(len(colours)):
        mask, most = labels == j, 0.55
        if j in ground:
            if len(ground) == 1 or len(named(*colours[ground])) == 1:
                continue
            mask, most = thicker(mask, margin), 0.0
        elif between(colours[j], colours[ground], least) or (
            np.sqrt(np.square(light - colours[j]).sum(axis=2)).min() < least
        ):  # the same colour in another light
            continue
        part = grown(mask)
        if part.sum() <= most * mask.sum():  # edges in the pattern may have its colour: without what is thin
            mask = mask & (around(around(mask, 1) >= 8, 1) > 0)
            part = grown(mask)
        thick = part & (around(part, 1) >= 8)
        if part.mean() >= PATCH and part.sum() > most * mask.sum() and thick.sum() > 0.2 * part.sum():
            found.append((j, part))
    if not found and margin > 1:  # few scenes are empty
        return subjects_of(labels, colours, ground, least, 1)
    return sorted(found, key=lambda pair: -pair[1].sum())[:2]


def thicker(mask: np.ndarray, margin: int) -> np.ndarray:
    """Where a tone is wider than along at least three sides of the frame."""
    width = around(mask, 3) * mask
    sides = [width[:8], width[-8:], width[:, :8], width[:, -8:]]
    return mask & (around(width > min(46, sorted(side.max() for side in sides)[1] + margin), 2) > 0)


def between(colour: np.ndarray, tones: np.ndarray, least: float) -> bool:
    """Whether a colour is a mixture of the two tones."""
    if len(tones) == 1:
        return False
    step = tones[1] - tones[0]
    part = (colour - tones[0]) @ step / max(1e-6, step @ step)
    return 0.15 < part < 0.85 and np.linalg.norm(colour - tones[0] - part * step) < least


def grown(mask: np.ndarray) -> np.ndarray:
    """The connected part of a mask around where it is densest."""
    dense = around(mask, 2) * mask
    part = np.zeros_like(mask)
    part[np.unravel_index(dense.argmax(), mask.shape)] = mask.any()
    for _ in range(48):
        wider = (around(part, 1) > 0) & mask
        if (wider == part).all():
            break
        part = wider
    return part


@functools.cache
def waves() -> np.ndarray:
    """bool [4, 48, 48] over frequencies: where stripes and dots have their waves across, dots theirs down, and checks
    theirs along either diagonal."""
    f = np.fft.fftfreq(48) * 48
    v, u = np.meshgrid(f, f, indexing="ij")
    radius, angle = np.hypot(u, v), np.abs(np.arctan2(v, u))
    angle = np.minimum(angle, np.pi - angle)  # from the x axis
    band = (radius > 4.4) & (radius < 7.6)
    cross = band & (np.abs(angle - np.pi / 4) < 0.36)
    return np.stack(
        [band & (angle < 0.42), band & (angle > np.pi / 2 - 0.42), cross & (u * v > 0), cross & (u * v < 0)]
    )


def scene_of(image, labels, colours, ground, free) -> tuple[str, str, str | None]:
    """Texture and names of the tones, from the pixels that no subject covers. The texture is told by the waves in the
    colour that varies most, which grain cannot hide; the tones are the segments', or else the crests and troughs."""
    keep = around(~free, 1) == 0
    x = image[keep].astype(np.float32)
    if len(x) < 100:
        return "plain", COLOURS[nearest(colours[ground[0]])], None
    x -= (middle := x.mean(axis=0))
    axis = np.linalg.eigh(x.T @ x)[1][:, -1]
    if len(ground) == 2:
        axis = colours[ground[1]] - colours[ground[0]]
        axis = axis / max(1e-6, np.linalg.norm(axis))
    plane, rows, columns = np.zeros(labels.shape, dtype=np.float32), *np.nonzero(keep)
    slope = np.stack([np.ones(len(x)), rows, columns], axis=1)
    plane[keep] = x @ axis - slope @ np.linalg.lstsq(slope, x @ axis, rcond=None)[0]  # light falls from one side
    spectrum = np.fft.fft2(plane)
    power = np.square(np.abs(spectrum)) / keep.mean()
    across, down, *cross = (power[where].max() for where in waves())
    rest = np.median(power[8:40, 8:40])
    if max(across, down, *cross) < 16 * rest + 3e7:
        return "plain", COLOURS[nearest(middle)], None
    texture = "checkered" if max(cross) > max(across, down) else "dotted" if down > 0.25 * across else "striped"
    pattern = np.fft.ifft2(spectrum * waves().any(axis=0)).real
    if len(ground) == 2:
        a, b = colours[ground[0]], colours[ground[1]]
        if texture == "dotted" and (labels[keep] == ground[1]).sum() > (labels[keep] == ground[0]).sum():
            a, b = b, a
    else:
        bound = np.quantile(np.abs(pattern[keep]), 0.4)
        a, b = (image[keep & (sign * pattern > bound)].mean(axis=0) for sign in (1, -1))
        a, b = a + 0.25 * (a - b), b + 0.25 * (b - a)  # grain and the band have made them alike
        if texture == "dotted" and np.mean(pattern[keep] ** 3) > 0:  # dots are the sharper side
            a, b = b, a
    two = named(a, b)
    if len(two) == 1:
        return texture, COLOURS[two[0]], None
    if texture != "dotted":
        two = sorted(two)
    return texture, COLOURS[two[0]], COLOURS[two[1]]


def named(a: np.ndarray, b: np.ndarray) -> list[int]:
    """Two tones as one colour of the palette with its tint, or as two."""
    apart = np.square(np.stack([a, b])[:, None, None] - np.stack([PALETTE, TINTS])).sum(axis=3)  # a, b; base, tint
    tonal = np.minimum(apart[0, 0] + apart[1, 1], apart[1, 0] + apart[0, 1])
    two = [int(apart[0, 0].argmin()), int(apart[1, 0].argmin())]
    one = two[0] == two[1] or tonal.min() < apart[0, 0].min() + apart[1, 0].min()
    return [int(tonal.argmin())] if one else two


def nearest(colour: np.ndarray, but: tuple[int, ...] = ()) -> int:
    far = np.square(PALETTE - colour).sum(axis=1)
    far[list(but)] = np.inf
    return int(far.argmin())


def describe(mask: np.ndarray, image: np.ndarray, background: str, second: str | None, in_tone: bool) -> Subject:
    y, x = np.nonzero(mask)
    share = mask.mean()
    size = "huge" if share > HUGE else "large" if share > (LARGE_IN_TONE if in_tone else LARGE) else "small"
    middle = np.array([x.mean(), y.mean()]) - (mask.shape[0] - 1) / 2
    places = np.array([DIRECTION[p] for p in POSITIONS]) * OFFSET[size]
    position = POSITIONS[np.square(places - middle).sum(axis=1).argmin()]
    depth = around(mask, 2) * mask
    inner = image[depth >= np.quantile(depth[mask], 0.6)].mean(axis=0)  # outlines are darker
    name = COLOURS[nearest(inner, () if second else (COLOURS.index(background),))]
    return Subject(size, name, shape_of(mask), position)


@functools.cache
def templates() -> np.ndarray:
    """Outlines of unit area around their centre, [8 shapes x ways, pixels] of -1 and 1: turned, moved and scaled."""
    v, u = np.meshgrid(EDGES, EDGES, indexing="ij")
    y, x = np.mgrid[-1.6:1.6:321j, -1.6:1.6:321j]
    out = []
    for shape in SHAPES:
        inside = _DISTANCE[shape](x, y) < 0
        unit, cx, cy = np.sqrt(inside.mean()) * 3.2, x[inside].mean(), y[inside].mean()
        for turn in np.linspace(-0.25, 0.25, 5):
            for scale in (0.92, 1.0, 1.1):
                for dx, dy in ((0, 0), (0.1, 0), (-0.1, 0), (0, 0.1), (0, -0.1)):
                    p, q = (u - dx) * unit / scale, (v - dy) * unit / scale
                    s, c = np.sin(turn), np.cos(turn)
                    out.append(
                        np.where(_DISTANCE[shape](cx + p * c + q * s, cy - p * s + q * c) < 0, 1.0, -1.0).ravel()
                    )
    return np.array(out, dtype=np.float32)


def shape_of(mask: np.ndarray) -> str:
    y, x = np.nonzero(mask)
    scale, n = np.sqrt(len(x)), len(mask)
    rows, columns = (np.rint(m.mean() + EDGES * scale).astype(int) for m in (y, x))
    inside = ((rows >= 0) & (rows < n))[:, None] & ((columns >= 0) & (columns < n))
    sampled = np.where(mask[np.clip(rows, 0, n - 1)][:, np.clip(columns, 0, n - 1)], 1.0, -1.0) * inside
    fit = templates() @ sampled.ravel().astype(np.float32)
    return SHAPES[int(fit.reshape(len(SHAPES), -1).max(axis=1).argmax())]
