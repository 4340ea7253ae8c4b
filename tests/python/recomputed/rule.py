"""The rule for other people's counts: 0 is 0, 1-10 patients are hidden, the rest is rounded."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

SMALLEST_SHOWN = 11
TENS = Decimal(10)
HUNDREDS_OF_DOLLARS = Decimal(100)
MOST_OF_TWO = Decimal("0.9")


def is_small(patients: int) -> bool:
    """Tell whether a number of distinct patients must not be shown."""
    return 0 < patients < SMALLEST_SHOWN


def nearest(value: Decimal, step: Decimal) -> Decimal:
    """Round to the nearest multiple of a step, halves away from zero."""
    return (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def count(value: int, *, suppressed: bool) -> int | None:
    """Show a count of a row."""
    return None if suppressed else int(nearest(Decimal(int(value)), TENS))


def share(part: int, whole: int, step: Fraction) -> Decimal:
    """Round a share to the nearest multiple of a step, halves up."""
    steps = math.floor(Fraction(int(part), int(whole)) / step + Fraction(1, 2))
    shown = steps * step
    return Decimal(shown.numerator) / shown.denominator


def step(price: Decimal) -> Decimal:
    """Return what money is rounded to multiples of, given what a procedure costs, US dollars."""
    return max(HUNDREDS_OF_DOLLARS, TENS * price)


def is_dominated(total: int, of_two: int) -> bool:
    """Tell whether two patients hold most of an amount."""
    return of_two > MOST_OF_TWO * int(total)


Interval = tuple[int, int]


def interval(value: int) -> Interval:
    """Return between which numbers a reader knows a count to be: the rule's own interval."""
    if value == 0:
        return 0, 0
    if is_small(value):
        return 1, SMALLEST_SHOWN - 1
    shown = int(nearest(Decimal(int(value)), TENS))
    return max(SMALLEST_SHOWN, shown - 5), shown + 4


def a_sum_tells_more(total: int, parts: list[int]) -> bool:
    """Tell whether a total and its parts, each shown by the rule, narrow one another."""
    low, high = interval(total)
    lows, highs = zip(*map(interval, parts), strict=True)
    if low < sum(lows) or high > sum(highs):
        return True
    return any(
        low - (sum(highs) - part_high) > part_low or high - (sum(lows) - part_low) < part_high
        for part_low, part_high in zip(lows, highs, strict=True)
    )
