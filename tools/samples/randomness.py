"""Random numbers that are the same on every Python version and machine.

Only `random.Random.random()` is promised to stay as it is between Python versions, so every draw
here is made of it. Nothing uses `sum` on floats (its rounding changed in Python 3.12) or functions
of the C library's mathematics (their last digit depends on the platform).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Weighted(Generic[Item]):
    """Items with the weights they are drawn by; weights need not add up to anything.

    Raises:
        ValueError: no item has a positive weight, or one is negative.

    """

    def __init__(self, pairs: Iterable[tuple[Item, float]]) -> None:
        chosen = [(item, weight) for item, weight in pairs if weight != 0]
        if not chosen or any(weight < 0 for _, weight in chosen):
            message = "weights must be positive, and at least one item must have one"
            raise ValueError(message)
        self.items = [item for item, _ in chosen]
        self._bounds = list(accumulate(weight for _, weight in chosen))

    def at(self, position: float) -> Item:
        """Return the item at `position`, a number in [0, 1) along the weights."""
        index = bisect_right(self._bounds, position * self._bounds[-1])
        return self.items[min(index, len(self.items) - 1)]


class RandomNumbers:
    """A stream of random numbers that depends on its seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data, not a secret

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._random.random()

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.random()

    def randint(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both possible."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.random() < probability

    def choice(self, items: Sequence[Item]) -> Item:
        """Return one of the items, each equally likely."""
        return items[int(self.random() * len(items))]

    def weighted_choice(self, weighted: Weighted[Item]) -> Item:
        """Return one of the items by weight."""
        return weighted.at(self.random())

    def gauss(self, mean: float, deviation: float) -> float:
        """Return a nearly normal number: twelve uniform ones added up, so within six deviations."""
        total = 0.0
        for _ in range(12):
            total += self.random()
        return mean + deviation * (total - 6.0)

    def from_quantiles(self, points: Sequence[tuple[float, float]]) -> float:
        """Return a number whose quantiles are `points`: (probability, value), linear in between.

        The first probability is 0 and the last is 1.
        """
        position = self.random()
        for (low, low_value), (high, high_value) in pairwise(points):
            if position < high:
                return low_value + (high_value - low_value) * (position - low) / (high - low)
        return points[-1][1]

    def identifier(self) -> str:
        """Return sixteen hexadecimal digits in groups, shorter than a UUID on purpose."""
        digits = "".join(f"{int(self.random() * 65536):04x}" for _ in range(4))
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}"
