"""The direction of a notable pair tells nothing of counts that management sees rounded.

The attacker knows what nobody does: in what proportion to the margins patients are expected, and
how much chance there is, once age and encounters are allowed for. Every number that the figures
stand for has to be left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from random import Random
from typing import NamedTuple

import pytest
from recomputed import rule
from recomputed.management import notable

Shows = Callable[..., str | None]


class Pair(NamedTuple):
    """Counts of a pair, and expectation and variance in proportion to both margins."""

    observed: int
    had: int
    live: int
    everybody: int
    expected_times: float
    variance_times: float

    def direction(self, *, is_exact: bool) -> str | None:
        """Return what would be shown of the pair."""
        margins = self.had * self.live
        deviation = math.sqrt(self.variance_times * margins)
        return notable(
            self.observed,
            self.expected_times * margins,
            deviation,
            self.had,
            self.live,
            self.everybody,
            is_exact=is_exact,
        )


def pairs(number: int) -> list[Pair]:
    """Draw pairs of which many are notable, either way, for certain or hardly."""
    chance = Random(5)  # noqa: S311 - examples, not secrets
    drawn = []
    while len(drawn) < number:
        everybody = chance.randint(60, 600)
        live, had = chance.randint(11, everybody // 2), chance.randint(11, everybody // 2)
        expected = live * had / everybody * chance.choice((0.3, 0.8, 1, 1.3))
        observed = chance.choice((0, 0, chance.randint(11, max(11, min(live, had)))))
        if observed <= min(live, had):
            variance = expected * chance.uniform(0.1, 0.9)
            times = 1 / (live * had)
            drawn.append(Pair(observed, had, live, everybody, expected * times, variance * times))
    return drawn


def narrowed(pair: Pair, *, is_exact: bool) -> bool:
    """Tell whether numbers that the figures stand for would have been shown in another way."""
    shown = pair.direction(is_exact=is_exact)
    ends = [rule.interval(count) for count in pair[:4]]
    return any(
        pair._replace(observed=observed, had=had, live=live, everybody=everybody).direction(
            is_exact=is_exact
        )
        != shown
        for observed, had, live, everybody in product(*map(set, ends))
    )


@pytest.fixture(scope="module")
def drawn() -> list[Pair]:
    return pairs(2000)


def test_a_direction_narrows_no_count(drawn: list[Pair], figure: Callable[[str], None]) -> None:
    shown = [pair.direction(is_exact=False) for pair in drawn]
    figure(
        f"Directions: {len(drawn)} made-up pairs attacked, of which {shown.count('more')} are"
        f" notably more and {shown.count('less')} less; 0 narrowed"
    )
    assert shown.count("more") > 50
    assert shown.count("less") > 50
    assert not any(narrowed(pair, is_exact=False) for pair in drawn)


def test_a_direction_by_the_true_counts_would_be_noticed(drawn: list[Pair]) -> None:
    assert sum(narrowed(pair, is_exact=True) for pair in drawn) > 100
