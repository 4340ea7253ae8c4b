"""Which column of a file is which column of the raw table."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrate.loading.problems import bad_file

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class HeaderMatch:
    """For each column of a file, in its order, the declared name, or None for an unknown column.

    `unknown` holds the unknown columns as the file writes them.
    """

    columns: tuple[str | None, ...]
    unknown: tuple[str, ...]

    def place(self, name: str) -> int | None:
        """Return the place of a declared column in the file, None for an optional one it lacks."""
        return self.columns.index(name) if name in self.columns else None


def comparable(name: str) -> str:
    """Return a name without what a header may vary: case, spaces, hyphens, underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def match_header(
    header: Sequence[str], declared: Sequence[str], file: str, optional: Collection[str] = ()
) -> HeaderMatch:
    """Match the columns of a file with the declared ones; the order is free.

    Raises DataError when a declared column is missing, unless it is `optional`, or stands there
    twice.
    """
    known = {comparable(name): name for name in declared}
    columns = tuple(known.get(comparable(name)) for name in header)
    for name in declared:
        written = [text for text, column in zip(header, columns, strict=True) if column == name]
        if len(written) > 1:
            listed = " and ".join(f"{text!r}" for text in written)
            raise bad_file(
                file, f"the header has this column twice, as {listed}", line=1, column=name
            )
    needed = [name for name in declared if name not in optional]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise _missing(header, needed, missing, file)
    unknown = tuple(
        text or f"(column {position} without a name)"
        for position, (text, column) in enumerate(zip(header, columns, strict=True), start=1)
        if column is None
    )
    return HeaderMatch(columns, unknown)


def _missing(
    header: Sequence[str], declared: Sequence[str], missing: list[str], file: str
) -> Exception:
    if len(header) == 1:
        for separator, called in _OTHER_SEPARATORS.items():
            if separator in header[0]:
                return bad_file(
                    file,
                    f"the columns are separated by {called}",
                    line=1,
                    cure="Export with commas between the columns. Nothing was replaced.",
                )
    several = len(missing) > 1
    return bad_file(
        file,
        f"the header lacks {'these columns' if several else 'this column'}",
        line=1,
        column=", ".join(missing),
        cure=f"The file needs the columns {', '.join(declared)}, in any order."
        " Nothing was replaced.",
    )
