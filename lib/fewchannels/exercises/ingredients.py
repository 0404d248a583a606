"""Chapter 11: trainings that could say what makes massive channels; equal loss; directions and channels."""

from __future__ import annotations

import functools

import numpy as np

from ..figures.ingredients import BASE, name_of
from ..studies.training import by_seed
from ..toyworld.recipe import EMA_DECAY, WARMUP_STEPS
from .asked import Exercise, Number, Unread, filled

SEEDS = 3  # that an arm needs, at least
PARTS = ("weight decay", "warm-up steps", "memory of the average")  # of the recipe, that can be taken out


class Arms(Exercise):
    """Trainings, (recipe, seed), that could show that a part of the recipe does not make the channels, and at what they
    are compared."""

    name = "ch11.design"

    def __init__(self, variant=0):
        super().__init__(variant)
        self.recipe = {
            "optimiser": "AdamW",
            "learning rate": 2e-3,
            "weight decay": 0.01,
            "batch": 32,
            "warm-up steps": WARMUP_STEPS,
            "memory of the average": EMA_DECAY,
        }
        self.part = "weight decay" if not self.variant else str(self.rng.choice(PARTS))

    def question(self):
        return (
            f"Has the {self.part} a hand in massive channels? Design the trainings that could say no. "
            "`mine = (trainings, at)`: trainings is a list of pairs (recipe, seed), a recipe being a dict such as "
            '`task.recipe`; at is where they are compared, `"images"` or `"loss"`. (`task.part` is the part in '
            "question.)"
        )

    def right(self):
        changed = {**self.recipe, self.part: 0}
        return [(recipe, seed) for recipe in (self.recipe, changed) for seed in range(SEEDS)], "loss"

    def read(self, given):
        try:
            trainings, at = given
            pairs = [(dict(recipe), int(seed)) for recipe, seed in trainings]
        except (TypeError, ValueError):
            raise Unread('The answer is a pair, `([(recipe, seed), ...], "loss")`.') from None
        if unknown := {name for recipe, _ in pairs for name in recipe} - set(self.recipe):
            raise Unread(f"The recipe has no {sorted(unknown)[0]!r}; it has {', '.join(self.recipe)}.")
        if at not in ("images", "loss"):
            raise Unread(f'They are compared at `"images"` or at `"loss"`; yours is {at!r}.')
        seeds: dict[tuple, set] = {}
        for recipe, seed in pairs:
            seeds.setdefault(self._changed(recipe), set()).add(seed)
        if () not in seeds:
            self._refuse("no base", pairs)
        if (self.part,) not in seeds:
            together = any(self.part in changed for changed in seeds)
            self._refuse("two things" if together else "another part", pairs)
        base, own = seeds[()], seeds[self.part,]
        if base != own:
            self._refuse("unpaired", pairs)
        if len(own) < SEEDS:
            self._refuse("few seeds", pairs)
        if at == "images":
            self._refuse("equal images", pairs)
        return pairs

    def _changed(self, recipe):
        return tuple(name for name, value in self.recipe.items() if recipe.get(name, value) != value)

    def _refuse(self, mistake, pairs):
        raise Unread(mistake=mistake, obtained=pairs)

    def agrees(self, obtained, expected):
        return True  # what is read has a base, one change, and seeds in pairs

    def draw(self, obtained):
        given = {
            title: [(self._changed(recipe), seed) for recipe, seed in pairs]
            for title, pairs in {"expected, such as": self.expected[0], "yours": obtained}.items()
        }
        every = [pair for pairs in given.values() for pair in pairs]
        changes, seeds = list(dict.fromkeys(change for change, _ in every)), sorted({seed for _, seed in every})
        names = [", ".join(change) or "the recipe" for change in changes]
        figure = filled(given, changes, seeds, "seed", "what is changed", names)
        return figure, "A grid of what is changed and of seeds, filled where there is a training."


class EqualLoss(Number):
    """How much larger an arm's kurtosis is than the base recipe's, at the same held-out loss."""

    name = "ch11.equal_loss"
    measure = "kurtosis"

    def __init__(self, arms, variant=0):
        super().__init__(variant)
        self.arms, others = arms, [name for name in arms if name != BASE]
        self.arm = others[0] if not self.variant else str(self.rng.choice(others))
        both = sorted({one.seed for one in arms[self.arm]} & {one.seed for one in arms[BASE]})
        self.seed = both[0] if not self.variant else int(self.rng.choice(both))

    def question(self):
        return (
            f"{name_of(self.arm).capitalize()}, seed {self.seed}: how many times the kurtosis of the base recipe's "
            "last block has its last block, at the lowest held-out loss that both reach? (To within 2 per cent of it. "
            "`task.arm`, `task.seed`, `task.measure`.)"
        )

    def _ratio(self, at="loss", block=-1):
        return by_seed(self.arms[self.arm], self.arms[BASE], self.measure, at=at, block=block)[self.seed]

    def right(self):
        return self._ratio()

    def wrongs(self):
        return {
            "equal images": lambda: self._ratio(at="images"),
            "other way up": lambda: 1 / self.expected,
            "first block": lambda: self._ratio(block=0),
        }


class Direction(Number):
    """The share of the energy along the first principal direction."""

    name = "ch11.direction"

    def __init__(self, variant=0):
        super().__init__(variant)
        self.tokens_count, self.channels = (400, 24) if not self.variant else self.rng.integers((200, 16), (600, 48))

    @functools.cached_property
    def tokens(self):
        """[tokens, channels]: one direction, along no channel, on which all are large; and noise."""
        direction = self.rng.normal(size=self.channels)
        along = self.rng.normal(2, 1, size=self.tokens_count)
        noise = self.rng.normal(size=(self.tokens_count, self.channels))
        return 2 * along[:, None] * direction / np.linalg.norm(direction) + noise

    def question(self):
        return (
            f"`task.tokens` holds {self.tokens_count} tokens of {self.channels} channels. What share of their energy, "
            "the sum of all squares, lies along the first principal direction? Nothing is centred. (To within 2 per "
            "cent of it.)"
        )

    def right(self):
        energy = np.linalg.svd(self.tokens, compute_uv=False) ** 2
        return float(energy[0] / energy.sum())

    def wrongs(self):
        def of(tokens, power):
            values = np.linalg.svd(tokens, compute_uv=False) ** power
            return float(values[0] / values.sum())

        energy = np.square(self.tokens).sum(axis=0)
        return {
            "of a channel": lambda: float(energy.max() / energy.sum()),
            "not squared": lambda: of(self.tokens, 1),
            "centred": lambda: of(self.tokens - self.tokens.mean(axis=0), 2),
        }


CHECKED = (Arms, EqualLoss, Direction)
