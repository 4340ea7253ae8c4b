"""One form for everything that can be wrong with a raw file."""

from __future__ import annotations

from orchestrate.errors import DataError

CORRECT = "Correct the file and load it again. Nothing was replaced."
SAVE_AS_UTF8 = "Save or export it as CSV in UTF-8 and load it again. Nothing was replaced."


def bad_file(
    file: str,
    reason: str,
    *,
    line: int | None = None,
    last_line: int | None = None,
    column: str | None = None,
    cure: str = CORRECT,
) -> DataError:
    """Return the error for a file: where (physical line, the header is line 1), what, and the cure.

    `last_line` is given for a row that spans several lines because of line breaks inside quotes.
    """
    place = [file]
    if line is not None and last_line is not None and last_line != line:
        place.append(f"lines {line} to {last_line}")
    elif line is not None:
        place.append(f"line {line}")
    if column is not None:
        place.append(f"column {column}")
    return DataError(f"{', '.join(place)}: {reason}.", cure)
