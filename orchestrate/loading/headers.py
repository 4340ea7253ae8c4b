"""Which column of a file is which column of the raw table."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from orchestrate.loading.problems import bad_file
from orchestrate.loading.rules import BLANKS

# The header is looked for among so many records.
HIGHEST_HEADER = 50
_FREE = re.compile(f"[{BLANKS}_-]+")
_NO_OTHERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class HeaderMatch:
    """For each column of a file, in its order, the declared name, or None for an unknown column.

    `unknown` holds the unknown columns as the file writes them, `lacking` the declared ones that
    the file has not and that may lack.
    """

    columns: tuple[str | None, ...]
    unknown: tuple[str, ...]
    lacking: tuple[str, ...] = ()


def comparable(name: str) -> str:
    """Return a name without what a header may vary: case, blanks, hyphens, underscores."""
    return _FREE.sub("", name).casefold()


def match_header(
    header: Sequence[str],
    declared: Sequence[str],
    file: str,
    line: int = 1,
    others: Mapping[str, str] = _NO_OTHERS,
    may_lack: Container[str] = (),
) -> HeaderMatch:
    """Match the columns of a file with the declared ones; the order is free.

    `others` are older names of columns, with the declared name of each, taken where that one does
    not stand in the header. Raises ExportError when there is no header, or a declared column stands
    there twice, or is missing and must not be.
    """
    if not header:
        raise bad_file(
            file,
            f"none of the first {HIGHEST_HEADER} lines is a header with the columns' names",
            cure=f"Put a line with these names above the rows: {', '.join(declared)}."
            " Nothing was replaced.",
        )
    known = {comparable(name): name for name in declared}
    written = {comparable(name) for name in header}
    known |= {
        comparable(other): name
        for other, name in others.items()
        if comparable(name) not in written and comparable(other) not in known
    }
    columns = tuple(known.get(comparable(name)) for name in header)
    for name in declared:
        spelled = [text for text, column in zip(header, columns, strict=True) if column == name]
        if len(spelled) > 1:
            listed = " and ".join(f"{text!r}" for text in spelled)
            raise bad_file(
                file, f"the header has this column twice, as {listed}", line=line, column=name
            )
    lacking = [name for name in declared if name not in columns]
    if missing := [name for name in lacking if name not in may_lack]:
        several = len(missing) > 1
        raise bad_file(
            file,
            f"the header lacks {'these columns' if several else 'this column'}",
            line=line,
            column=", ".join(missing),
            cure=f"The file needs the columns {', '.join(declared)}, in any order."
            " Nothing was replaced.",
        )
    unknown = tuple(
        text or f"(column {position} without a name)"
        for position, (text, column) in enumerate(zip(header, columns, strict=True), start=1)
        if column is None
    )
    return HeaderMatch(columns, unknown, tuple(lacking))
