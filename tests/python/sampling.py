"""A sample of mutants with a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Protocol, TypeVar

SEED = 20260101


class OfAKind(Protocol):
    """Something that is of a kind."""

    @property
    def kind(self) -> str:
        """What it is one of."""


Mutant = TypeVar("Mutant", bound=OfAKind)


def stratified(mutants: Iterable[Mutant], size: int | None = None) -> list[Mutant]:
    """Draw mutants (all without a size): kinds in turn, so that a common one leaves none out."""
    draw = random.Random(SEED)  # noqa: S311 - a sample, not a secret
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    queues = list(kinds.values())
    for queue in queues:
        draw.shuffle(queue)
    draw.shuffle(queues)
    drawn: list[Mutant] = []
    while any(queues):
        drawn += [queue.pop() for queue in queues if queue]
    return drawn[:size]
