"""Round numbers for axes, and the room that words take, in pixels."""

from __future__ import annotations

import math

_ELLIPSIS_WIDTH = 12.0
_WIDE = frozenset("mwMW<>&@%=+~")


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return round numbers between `low` and `high`, both included, about `count` steps apart."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    magnitude: float = 10.0 ** math.floor(math.log10(rough))
    factors = (factor for factor in (1, 2, 2.5, 5) if factor * magnitude >= rough)
    step = next(factors, 10) * magnitude
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def fitting(text: str, pixels: float) -> str:
    """Return the text, cut and ended with … where it would be wider than `pixels`."""
    if text_width(text) <= pixels:
        return text
    end = len(text)
    while end and text_width(text[:end]) + _ELLIPSIS_WIDTH > pixels:
        end -= 1
    return text[:end].rstrip() + "…"


def text_width(text: str) -> float:
    """Return about how wide a text of 12 px is drawn; capitals and some others are wider."""
    return sum(11.0 if letter in _WIDE else 8.6 if letter.isupper() else 6.5 for letter in text)
