"""Names that may be one person's: they differ in nothing that people keep to, or in one letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

# Below this many letters, one letter is most of the difference between two people.
_SHORTEST = 6
# Above this many, it is no name, and all that is left without each letter would fill the memory.
_LONGEST = 200


def alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of different names that look like one: an earlier name and a later one.

    Of several names that all look alike, the others are told with the first of them.

    Two do when they are equal without regard to case, accents, blanks and punctuation, or become so
    by leaving out at most one letter of each (a letter more, less, other or elsewhere) and both
    have at least six letters, and not more than two hundred. The effort grows with the number of
    names, not with its square.
    """
    groups: dict[str, list[str]] = {}
    order: dict[str, int] = {}
    for position, name in enumerate(names):
        order[name] = position
        for reading in _readings(letters(name)):
            groups.setdefault(reading, []).append(name)
    pairs = {
        (group[0], other) for group in groups.values() for other in group[1:] if group[0] != other
    }
    return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))


def letters(name: str) -> str:
    """Return the letters and digits of a name, without accents, in one case."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def _readings(plain: str) -> Iterator[str]:
    """Yield a name's letters, and where it is long enough what is left without each of them."""
    yield plain
    if _SHORTEST <= len(plain) <= _LONGEST:
        yield from {plain[:i] + plain[i + 1 :] for i in range(len(plain))} - {plain}
