"""What an attacker knows, as linear inequalities, and how far that narrows each number.

A variable is a number that is not known, between bounds; rows relate variables. The linear program
asks of a number how small and how great it could be while everything else is as published.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from attacker.program import Program

# More than there is of anything here; a bound, so that no program is unbounded.
PLENTY = 1e6
EXACT = 1e-6

Terms = Iterable[tuple[int, float]]


@dataclass(frozen=True)
class Target:
    """A number under attack: its variable, and the ends of what the rule lets a reader know of it.

    Of a number with a `span` it is enough if as much is left of it, wherever that lies.
    """

    name: str
    variable: int
    low: float
    high: float
    span: float | None = None


@dataclass(frozen=True)
class Narrowed:
    """A target of which more is known than the rule says: from `low` to `high` is left of it."""

    target: Target
    low: float
    high: float


@dataclass
class System:
    """Variables with their bounds, and rows that are at most a number."""

    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    _variables: list[int] = field(default_factory=list)
    _factors: list[float] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    _limits: list[float] = field(default_factory=list)

    def variable(self, low: float = 0, high: float = PLENTY) -> int:
        """Add a number that is from `low` to `high`; returns its variable."""
        self.lows.append(low)
        self.highs.append(high)
        return len(self.lows) - 1

    def between(self, variable: int, low: float, high: float) -> None:
        """Narrow the bounds of a variable: it is from `low` to `high` as well."""
        self.lows[variable] = max(self.lows[variable], low)
        self.highs[variable] = min(self.highs[variable], high)

    def at_most(self, terms: Terms, limit: float = 0) -> None:
        """Add that the sum of variables times factors is at most a number."""
        for variable, factor in terms:
            self._variables.append(variable)
            self._factors.append(factor)
        self._ends.append(len(self._variables))
        self._limits.append(limit)

    def not_above(self, lesser: Iterable[int], greater: Iterable[int]) -> None:
        """Add that some variables add up to no more than others do."""
        self.at_most([*((one, 1.0) for one in lesser), *((one, -1.0) for one in greater)])

    def same(self, one: Iterable[int], other: Iterable[int]) -> None:
        """Add that some variables add up to the same as others do."""
        first, second = list(one), list(other)
        self.not_above(first, second)
        self.not_above(second, first)

    def adds_up_to(self, parts: Iterable[int], number: float) -> None:
        """Add that variables add up to a number."""
        terms = [(part, 1.0) for part in parts]
        self.at_most(terms, number)
        self.at_most([(part, -1.0) for part, _ in terms], -number)

    def components(self) -> Iterator[Component]:
        """Yield the parts of the system that have no row in common."""
        count = len(self.lows)
        matrix = csr_matrix(
            (self._factors, self._variables, [0, *self._ends]), shape=(len(self._ends), count)
        )
        links = vstack([csr_matrix((count, count)), matrix])
        links.resize(count + len(self._ends), count + len(self._ends))
        number, labels = connected_components(links, directed=False)
        order = np.argsort(labels, kind="stable")
        bounds = np.searchsorted(labels[order], np.arange(number + 1))
        lows, highs, limits = map(np.array, (self.lows, self.highs, self._limits))
        for start, end in pairwise(bounds):
            members = order[start:end]
            variables = members[members < count]
            rows = members[members >= count] - count
            yield Component(
                variables,
                matrix[rows][:, variables],
                limits[rows] if len(rows) else np.zeros(0),
                lows[variables],
                highs[variables],
            )


@dataclass
class Component:
    """A part of a system that can be solved by itself."""

    variables: np.ndarray
    matrix: csr_matrix
    limits: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    solved: int = 0

    @cached_property
    def _program(self) -> Program:
        no_least = np.full(len(self.limits), -np.inf)
        return Program(self.matrix, no_least, self.limits, self.lows, self.highs)

    def least(self, costs: np.ndarray) -> np.ndarray:
        """Return values with the least costs; raises AssertionError when there are none at all."""
        self.solved += 1
        return self._program.least(costs)

    def reach(
        self, targets: list[tuple[int, Target]], sign: int, chance: random.Random
    ) -> dict[Target, float]:
        """Return how great (sign 1) or small (-1) each target may be, its end of the rule at most.

        One solution shows it of many at once: whatever has reached its end there can reach it. Only
        what never does among others is asked for by itself.
        """
        left, found = list(targets), dict[Target, float]()
        chance.shuffle(left)
        asked = len(left)
        while left:
            asked = max(1, min(asked, len(left)))
            costs = np.zeros(len(self.variables))
            costs[[place for place, _ in left[:asked]]] = -sign
            values = self.least(costs)
            for place, target in left:
                end = target.high if sign > 0 else target.low
                if sign * (values[place] - end) >= -EXACT:
                    found[target] = end
            if asked == 1:
                place, target = left[0]
                found.setdefault(target, float(values[place]))
            reached = sum(target in found for _, target in left[:asked])
            left = [one for one in left if one[1] not in found]
            asked = asked * 2 if reached * 4 >= asked else asked // 4
        return found

    def span(self, place: int) -> float:
        """Return how far apart the greatest and the smallest value of a variable are."""
        ends = []
        for sign in (-1, 1):
            costs = np.zeros(len(self.variables))
            costs[place] = -sign
            ends.append(float(self.least(costs)[place]))
        return ends[1] - ends[0]


@dataclass(frozen=True)
class Outcome:
    """What an attack came to: the cells attacked, those narrowed, the programs solved."""

    attacked: int
    narrowed: list[Narrowed]
    solved: int


def attack(system: System, targets: Iterable[Target], seed: int = 0) -> Outcome:
    """Ask of each target how far it is narrowed."""
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    wanted: dict[int, list[Target]] = {}
    for target in targets:
        wanted.setdefault(target.variable, []).append(target)
    narrowed, solved = [], 0
    for component in system.components():
        here = [
            (place, target)
            for place, variable in enumerate(component.variables)
            for target in wanted.get(int(variable), [])
        ]
        if not here:
            continue
        highs = component.reach(here, 1, chance)
        lows = component.reach(here, -1, chance)
        narrowed += [
            Narrowed(target, lows[target], highs[target])
            for place, target in here
            if (lows[target] > target.low + EXACT or highs[target] < target.high - EXACT)
            and (target.span is None or component.span(place) < target.span - EXACT)
        ]
        solved += component.solved
    return Outcome(sum(map(len, wanted.values())), narrowed, solved)
