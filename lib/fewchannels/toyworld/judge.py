"""The toy world's judge: a small network that reads a picture back into attributes and subject masks.

    judge = load_judge()
    reading = judge.read(images)[0]                 # images uint8 [B, 48, 48, 3]
    reading.attributes, reading.mask                # what is in the first picture, and where its subjects are

It names what can be seen. It was trained on rendered scenes under everything that edits do to pictures, where the truth
is known exactly (`train_judge`, `damage`), and gives each answer with a calibrated certainty; where it finds no subject
there is none. Its figures stand in the card beside its weights, with those of a reader of another kind (`by_eye`).

Stripes and checks in two named colours cover the picture evenly, so which of the two is "the" background cannot
be seen. The judge names them in the order of `COLOURS`, and `agreement` takes either for the background.
"""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..origins import digest_of
from .prompts import COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES, Attributes, Subject

IMAGE_SIZE = 48
WEIGHTS = Path(__file__).parent / "weights" / "judge"
SUBJECT_HEADS = {"shape": SHAPES, "colour": COLOURS, "size": SIZES}  # each has one more class, "none", the last
IMAGE_HEADS = {"texture": TEXTURES, "background": COLOURS, "second": (*COLOURS, None)}
PRESENCE = (*SHAPES, *COLOURS, *SIZES, *POSITIONS)  # which of these the subjects have; it shapes the features
FEATURES = 32
CUT = 16  # samples a side of the square that is cut out around a subject
EVEN_TEXTURES = ("striped", "checkered")  # both tones cover the same area
ATTRIBUTES = ("background", "second", "texture", "colour", "size", "position", "shape", "all")


class _Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))

    def forward(self, x):
        y = self.norms[0](self.first(x)).relu()
        return (x + self.norms[1](self.second(y))).relu()


def _step(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class JudgeNetwork(nn.Module):
    """A U-shaped trunk on 24 x 24, 12 x 12 and 6 x 6 cells, and what is read from it.

    It gets the picture as it is, and once more with mean 0 and deviation 1, which washing out does not change. The
    whole picture gives the background and 32 features; each pixel gives what it was before the colours were changed,
    and the slot whose subject covers it, or none. Each of the five positions is a slot: one classifier, which all slots
    share, reads shape, colour and size there, from attention over the 12 x 12 cells, from the whole, and from a square
    that is cut out around the slot's own mask, so that each subject is seen at one place and size (as in Jaderberg et
    al. 2015, arXiv 1506.02025). Colour is read from its `tones` as well.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 96)):
        super().__init__()
        a, b, c = self.widths = tuple(widths)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), _step(24, a), _Block(a))
        self.down = nn.ModuleList([nn.Sequential(_step(a, b, 2), _Block(b)), nn.Sequential(_step(b, c, 2), _Block(c))])
        self.bottom = _Block(c)
        self.everywhere = nn.Linear(c, c)
        self.side = nn.ModuleList([_step(c, b, kernel=1), _step(b, a, kernel=1)])
        self.up = nn.ModuleList([_Block(b), _Block(a)])
        self.outline = nn.Sequential(nn.Conv2d(a, 64, 1), nn.PixelShuffle(2), nn.ReLU())
        self.restore = nn.Sequential(nn.Conv2d(a, 12, 1), nn.PixelShuffle(2))
        self.sharpen = nn.Sequential(_step(16 + 6, 24), _step(24, 16), nn.Conv2d(16, 1, 3, padding=1))
        self.owner = nn.Conv2d(b, len(POSITIONS), 1)
        self.attention = nn.Conv2d(b, 2 * len(POSITIONS), 1)
        self.slots = nn.Parameter(torch.zeros(len(POSITIONS), 128))
        corners = (CUT // 4) ** 2
        self.cut = nn.Sequential(
            _step(16 + 6 + 1, 32), _step(32, 48, 2), _step(48, 64, 2), nn.Flatten(), nn.Linear(64 * corners, 128)
        )
        self.subject_hidden = nn.Linear(2 * (b + 3) + c + 128, 128)
        self.subject_more = nn.Linear(128, 128)
        self.subject = nn.ModuleDict({name: nn.Linear(128, len(v) + 1) for name, v in SUBJECT_HEADS.items()})
        self.tone = nn.Sequential(
            *(nn.BatchNorm1d(21), nn.Linear(21, 192), nn.ReLU(), nn.Linear(192, 192), nn.ReLU()),
            nn.Linear(192, len(COLOURS) + 1),
        )
        self.features = nn.Sequential(nn.Linear(2 * (b + 3) + c, 96), nn.ReLU(), nn.Linear(96, FEATURES))
        self.image = nn.ModuleDict({name: nn.Linear(FEATURES, len(v)) for name, v in IMAGE_HEADS.items()})
        self.presence = nn.Linear(FEATURES, len(PRESENCE))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """images float [B, 3, 48, 48] in -1 to 1 to logits: shape [B, 5, 9], colour [B, 5, 11], size [B, 5, 4],
        texture [B, 4], background [B, 10], second [B, 11], presence [B, 26], pixels [B, 6, 48, 48] (the last class
        is "no subject"); features [B, 32]; restored [B, 3, 48, 48] in -1 to 1; and the `tones` [B, 5, 21]."""
        grow, slots = nn.functional.interpolate, len(POSITIONS)
        apart = images - images.mean(dim=(2, 3), keepdim=True)
        apart = apart / (apart.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 0.02)
        fine = self.stem(torch.cat([images, apart], dim=1))
        middle = self.down[0](fine)
        coarse = self.bottom(self.down[1](middle))
        whole = coarse.mean(dim=(2, 3))
        coarse = coarse + self.everywhere(whole)[..., None, None]
        middle = self.up[0](middle + grow(self.side[0](coarse), scale_factor=2.0))
        fine = self.up[1](fine + grow(self.side[1](middle), scale_factor=2.0))

        restored = self.restore(fine).float()
        pixels = torch.cat([self.outline(fine).float(), images.float(), restored], dim=1)
        # two questions that need different sharpness: is there a subject at this pixel, and if so, whose is it
        there = self.sharpen(pixels).float()
        whose = grow(self.owner(middle).float(), scale_factor=4.0, mode="bilinear").log_softmax(dim=1)
        masks = (there.sigmoid() * whose.exp()).detach()  # [B, 5, 48, 48]

        cells = torch.cat([middle.float(), nn.functional.avg_pool2d(restored, 4)], dim=1).flatten(2)
        weights = self.attention(middle).float().flatten(2).softmax(dim=-1)
        pooled = (weights @ cells.transpose(1, 2)).unflatten(1, (slots, 2)).flatten(2)
        cut = self.cut(cut_out(pixels, masks)).unflatten(0, (-1, slots))
        hidden = torch.cat([pooled, whole[:, None].expand(-1, slots, -1), cut], dim=2)
        hidden = (self.subject_hidden(hidden) + self.slots).relu()
        hidden = (hidden + self.subject_more(hidden)).relu()
        features = self.features(torch.cat([cells.mean(dim=-1), cells.amax(dim=-1), whole], dim=1))
        out = {name: head(hidden).float() for name, head in self.subject.items()}
        with torch.autocast(images.device.type, enabled=False):  # small differences of colours decide here
            out["tones"] = tones(images.float(), masks)
            out["colour"] = out["colour"] + self.tone(out["tones"].flatten(0, 1)).unflatten(0, (-1, slots))
        out |= {name: head(features) for name, head in self.image.items()}
        out["pixels"] = torch.cat([there + whose, torch.zeros_like(there)], dim=1)
        return out | {"presence": self.presence(features), "features": features, "restored": restored}


def cut_out(pixels: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """A square around each mask, of 1.9 times its deviation to either side: pixels [B, C, H, W] and masks in 0 to 1
    [B, P, H, W] to [B P, C + 1, CUT, CUT], of which the last is the mask."""
    (high, wide), slots, device = masks.shape[2:], masks.shape[1], masks.device
    x = (torch.arange(wide, device=device) * 2 + 1) / wide - 1
    y = ((torch.arange(high, device=device) * 2 + 1) / high - 1)[:, None]
    weights = masks.square() + 1e-6
    weights = weights / weights.sum(dim=(2, 3), keepdim=True)
    centre = torch.stack([(weights * x).sum(dim=(2, 3)), (weights * y).sum(dim=(2, 3))], dim=-1)  # [B, P, 2]
    far = (x - centre[..., 0, None, None]).square() + (y - centre[..., 1, None, None]).square()
    reach = (1.9 * (weights * far).sum(dim=(2, 3)).sqrt()).clamp(0.15, 1)
    side = torch.linspace(-1, 1, CUT, device=device)
    square = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1)  # [CUT, CUT, 2], x before y
    grid = centre[:, :, None, None] + reach[..., None, None, None] * square
    sample = functools.partial(nn.functional.grid_sample, padding_mode="border", align_corners=False)
    seen = sample(pixels, grid.flatten(1, 2)).unflatten(2, (slots, CUT)).transpose(1, 2)  # [B, P, C, CUT, CUT]
    own = sample(masks.flatten(0, 1)[:, None], grid.flatten(0, 1))
    return torch.cat([seen.flatten(0, 1), own], dim=1)


def _grown(masks: torch.Tensor) -> torch.Tensor:
    """The largest value within a pixel to each side, as `max_pool2d` of 3 gives, which is slow on single planes."""
    wide = nn.functional.pad(masks, (1, 1, 1, 1), mode="replicate")
    rows = torch.maximum(torch.maximum(wide[..., :-2, :], wide[..., 1:-1, :]), wide[..., 2:, :])
    return torch.maximum(torch.maximum(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])


def tones(images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """What tells a subject's colour when the picture is washed out: images [B, 3, H, W] and masks in 0 to 1
    [B, P, H, W] to [B, P, 21].

    The mean colours inside, of the rim and around; how the inside differs from the rim and from the outermost pixels,
    each as direction and size; the mask's area; and how far the picture's colours spread. A rim is a darker shade of
    its subject, so the two differ along the subject's own colour, whatever the picture is mixed with.
    """
    first = -_grown(-masks)
    second = -_grown(-first)
    third = -_grown(-second)
    wider = _grown(masks)
    around = _grown(_grown(wider)) - wider
    inside, rim, edge = (part + 1e-3 * masks for part in (third, first - second, masks - first))
    weights = torch.stack([inside, rim, edge, around + 1e-4], dim=2).flatten(3)  # [B, P, 4, H W]
    weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-6)
    colours = images.flatten(2)
    means = torch.einsum("bpkn,bcn->bpkc", weights, colours)
    apart = means[:, :, :1] - means[:, :, 1:3]  # [B, P, 2, 3]
    size = apart.norm(dim=-1, keepdim=True) + 4e-3
    covered = masks.mean(dim=(2, 3)).clamp(min=1e-4).log()[..., None]
    spread = colours.std(dim=2)[:, None].expand(-1, masks.shape[1], -1)
    seen = means[:, :, [0, 1, 3]].flatten(2)
    return torch.cat([seen, (apart / size).flatten(2), size.log().flatten(2), covered, spread], dim=2)


@dataclass(frozen=True)
class Reading:
    """What the judge sees in one picture.

    attributes: zero, one or two subjects, in the order of `POSITIONS`, and the background.
    certainty: one a subject, the probability from 0.5 to 1 that there is a subject at its position.
    certainties: by attribute, the calibrated probability that its word is right: one a subject for shape, colour, size
    (if there is a subject at all) and position, one for texture, background and second.
    subject_masks: bool [S, 48, 48], one a subject. mask: bool [48, 48], all subjects, empty where none was found.
    """

    attributes: Attributes
    certainty: tuple[float, ...]
    subject_masks: np.ndarray
    mask: np.ndarray
    certainties: dict[str, tuple[float, ...]]


class Judge:
    """The network with its reading rule: a subject is at a position where the three "none" give less than one half
    on average; where more than two positions qualify, the two surest count.

    temperatures: by head, what its logits are divided by, so that its certainty is right (Guo et al. 2017, arXiv
    1706.04599); 1 for a head that is not named. revision: "sha256:" and the start of the digest of the folder from
    which it was loaded.
    """

    def __init__(
        self,
        network: JudgeNetwork,
        batch_size: int = 128,
        temperatures: dict[str, float] | None = None,
        revision: str | None = None,
    ):
        self.network, self.batch_size, self.revision = network.eval(), batch_size, revision
        self.temperatures = dict(temperatures or {})

    @torch.no_grad()
    def outputs(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """images uint8 [B, 48, 48, 3] to the network's outputs (see `JudgeNetwork.forward`) as float32 arrays."""
        images = checked(images)
        parameter = next(self.network.parameters())
        parts = []
        for start in range(0, len(images), self.batch_size):
            batch = torch.from_numpy(np.ascontiguousarray(images[start : start + self.batch_size]))
            parts.append(self.network(normalise(batch).to(parameter.device, parameter.dtype)))
        return {name: torch.cat([p[name] for p in parts]).float().cpu().numpy() for name in parts[0]}

    def read(self, images: np.ndarray) -> list[Reading]:
        """images uint8 [B, 48, 48, 3] to B readings. Raises ValueError for another shape or type."""
        return readings(self.outputs(images), self.temperatures)

    def features(self, images: np.ndarray) -> np.ndarray:
        """images uint8 [B, 48, 48, 3] to float32 [B, 32]: the vector from which background and presence are read."""
        return self.outputs(images)["features"]


def checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE, 3)
        or not len(images)
    ):
        raise ValueError(
            f"images of shape {images.shape} and type {images.dtype}: the toy world's judge reads uint8 arrays "
            f"[B, {IMAGE_SIZE}, {IMAGE_SIZE}, 3] with B at least 1; one picture is passed as image[None]"
        )
    return images


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in -1 to 1."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def _softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def readings(outputs: dict[str, np.ndarray], temperatures: dict[str, float] | None = None) -> list[Reading]:
    """Logits (arrays as from `Judge.outputs`) to readings."""
    warm = temperatures or {}
    chances = {name: _softmax(outputs[name] / warm.get(name, 1.0)) for name in (*SUBJECT_HEADS, *IMAGE_HEADS)}
    none = np.mean([chances[name][..., -1] for name in SUBJECT_HEADS], axis=0)  # [B, 5]
    nothing = _softmax(outputs["pixels"], axis=1)[:, -1]  # [B, H, W]
    owner = outputs["pixels"][:, :-1]
    result = []
    for i in range(len(none)):
        surest = np.argsort(none[i], kind="stable")[:2]
        found = sorted(int(s) for s in surest if none[i, s] < 0.5)
        words, sure = [{"position": POSITIONS[s]} for s in found], {"position": [float(1 - none[i, s]) for s in found]}
        for head, names in SUBJECT_HEADS.items():
            named = chances[head][i, found, :-1]
            for word, chance in zip(words, named, strict=True):
                word[head] = names[int(chance.argmax())]
            sure[head] = (named.max(axis=1) / named.sum(axis=1)).tolist() if found else []
        seen = {head: names[int(chances[head][i].argmax())] for head, names in IMAGE_HEADS.items()}
        sure |= {head: [float(chances[head][i].max())] for head in IMAGE_HEADS}
        mask = (nothing[i] < 0.5) & bool(found)
        mine = np.asarray(found)[owner[i, found].argmax(axis=0)] if found else np.full(mask.shape, -1)
        result.append(
            Reading(
                Attributes(tuple(Subject(**w) for w in words), seen["texture"], seen["background"], seen["second"]),
                tuple(sure["position"]),
                np.stack([mask & (mine == s) for s in found]) if found else np.zeros((0, *mask.shape), dtype=bool),
                mask,
                {head: tuple(values) for head, values in sure.items()},
            )
        )
    return result


def agreement(read: Attributes, truth: Attributes) -> dict[str, float]:
    """How far a reading has what `truth` names: 0 to 1 for each of `ATTRIBUTES`.

    Subjects are paired so that most attributes agree; then colour, size, position and shape are the share of the
    named subjects whose partner has it, NaN where none is named. "all" is 1 where everything agrees and there is no
    further subject. For two even tones (see above) either colour is taken for the background and for the second.
    """
    tones = {truth.background, truth.second}
    if truth.second and truth.texture in EVEN_TEXTURES:
        seen = {read.background, read.second}
        values = {"background": truth.background in seen, "second": truth.second in seen and read.second in tones}
    else:
        values = {"background": read.background == truth.background, "second": read.second == truth.second}
    values["texture"] = read.texture == truth.texture
    fields = ("colour", "size", "position", "shape")
    named, found = truth.subjects, [*read.subjects, *[None] * len(truth.subjects)]
    pairings = [
        [[p is not None and getattr(n, f) == getattr(p, f) for f in fields] for n, p in zip(named, order, strict=True)]
        for order in itertools.permutations(found, len(named))
    ]
    best = np.asarray(max(pairings, key=lambda pairs: np.sum(pairs)), dtype=float).reshape(-1, len(fields))
    values |= {f: float(best[:, i].mean()) if named else float("nan") for i, f in enumerate(fields)}
    everything = all(values[n] == 1 for n in ("background", "second", "texture")) and bool(best.all())
    values["all"] = everything and len(read.subjects) == len(named)
    return {name: float(values[name]) for name in ATTRIBUTES}


def score(judge: Judge, images: np.ndarray, attributes: list[Attributes]) -> dict[str, float]:
    """Mean agreement of pictures with what was asked for: one float for each of `ATTRIBUTES`.

    images: uint8 [B, 48, 48, 3]; attributes: B of them. Subject attributes average over pictures with a named one.
    """
    if len(images) != len(attributes):
        raise ValueError(f"{len(images)} images and {len(attributes)} attributes: expected one for each image")
    rows = [agreement(r.attributes, a) for r, a in zip(judge.read(images), attributes, strict=True)]
    columns = {name: np.array([row[name] for row in rows]) for name in ATTRIBUTES}
    return {n: round(float(np.nanmean(c)), 4) for n, c in columns.items() if not np.isnan(c).all()}


def save_judge(network: JudgeNetwork, folder: Path, temperatures: dict[str, float] | None = None) -> None:
    """Weights in 16 bit, the widths of the network and its heads' temperatures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    # counters of seen batches are of no use here, and float16 could not hold them
    state = {n: t.half().contiguous() for n, t in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    save_file(state, folder / "judge.safetensors")
    config = {"class": "JudgeNetwork", "widths": list(network.widths), "image_size": IMAGE_SIZE, "features": FEATURES}
    config["temperatures"] = {name: round(float(t), 3) for name, t in (temperatures or {}).items()}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_judge(folder: str | Path | None = None, device: str = "cpu") -> Judge:
    """The judge with its committed weights (or those of `folder`), in float32.

    Raises FileNotFoundError where the weights are missing, naming the command that trains them, and OSError where the
    file is not whole.
    """
    folder = Path(folder) if folder else WEIGHTS
    if not (folder / "judge.safetensors").exists():
        raise FileNotFoundError(
            f"no judge.safetensors in {folder}; `python -m fewchannels.toyworld.train_judge` trains the judge"
        )
    config = json.loads((folder / "config.json").read_text())
    network = JudgeNetwork(config["widths"])
    try:
        state = load_file(folder / "judge.safetensors")
    except SafetensorError as error:
        raise OSError(
            f"{folder / 'judge.safetensors'} is a pointer of Git LFS, empty or cut short ({error}): run `git lfs pull` "
            f"in the clone, or download it again"
        ) from None
    missing, unexpected = network.load_state_dict({n: t.float() for n, t in state.items()}, strict=False)
    wrong = [n for n in missing if not n.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"{folder} holds weights of another network: {wrong[:3]} do not fit widths {config['widths']}")
    return Judge(network.to(device), temperatures=config.get("temperatures"), revision=digest_of(folder))
