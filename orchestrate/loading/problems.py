"""One form for everything that can be wrong with a raw file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate.errors import DataError

CORRECT = "Correct the file and load it again. Nothing was replaced."
SAVE_AS_UTF8 = "Save or export it as CSV in UTF-8 and load it again. Nothing was replaced."
# Of many problems, this many are told on the console; the report has all.
SHOWN = 50
SHOWN_LENGTH = 40


def visible(text: str) -> str:
    r"""Return a text with what nobody would see in it escaped, as in \u00a0."""
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file, and where: physical lines (the header is line 1) and column.

    `last_line` differs from `line` for a row that spans several lines because of line breaks inside
    quotes. `reason` goes on from the value, if it is about one: None where it is not, or where it
    may not be shown (`masked`).
    """

    file: str
    reason: str
    line: int | None = None
    last_line: int | None = None
    column: str | None = None
    value: str | None = None
    masked: bool = False

    def __str__(self) -> str:
        place = [self.file]
        if self.line is not None and self.last_line is not None and self.last_line != self.line:
            place.append(f"lines {self.line} to {self.last_line}")
        elif self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {' '.join(filter(None, (self._subject, self.reason)))}."

    @property
    def shown_value(self) -> str | None:
        """The value as far as it may be shown, None where the reason is about none."""
        if self.masked:
            return "(not shown)"
        if self.value is None:
            return None
        return visible(self.value[:SHOWN_LENGTH]) + "…" * (len(self.value) > SHOWN_LENGTH)

    @property
    def _subject(self) -> str | None:
        if self.masked:
            return "the value (not shown)"
        return None if self.value is None else f"'{self.shown_value}'"

    def as_json(self) -> dict[str, object]:
        """Return the problem as plain values."""
        return {
            "file": self.file,
            "line": self.line,
            "last_line": self.last_line,
            "column": self.column,
            "value": self.shown_value,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Problems:
    """All that is wrong with an export: how many, the first of them, and the file that has all."""

    count: int = 0
    first: tuple[Problem, ...] = ()
    report: Path | None = None

    def lines(self) -> list[str]:
        """Return the first problems as lines, and how many are left."""
        more = self.count - len(self.first)
        return [str(problem) for problem in self.first] + ([f"and {more:,} more"] if more else [])

    def as_json(self) -> dict[str, object]:
        """Return the problems as plain values."""
        return {
            "count": self.count,
            "report": None if self.report is None else str(self.report),
            "first": [problem.as_json() for problem in self.first],
        }


class ExportError(DataError):
    """Files that cannot be taken: nothing was replaced."""

    def __init__(self, cause: str, cure: str, problems: Problems) -> None:
        super().__init__(cause, cure)
        self.problems = problems


def bad_file(
    file: str,
    reason: str,
    *,
    line: int | None = None,
    column: str | None = None,
    cure: str = CORRECT,
) -> ExportError:
    """Return the error for one problem of one file: where, what, and the cure."""
    problem = Problem(file, reason, line=line, column=column)
    return ExportError(str(problem), cure, Problems(1, (problem,)))


def bad_files(errors: Sequence[ExportError]) -> ExportError:
    """Return one error for those of several files."""
    if len(errors) == 1:
        return errors[0]
    first = tuple(problem for error in errors for problem in error.problems.first)
    problems = Problems(len(first), first)
    cures = {error.cure for error in errors}
    return ExportError(
        f"{problems.count} files cannot be taken:\n  " + "\n  ".join(problems.lines()),
        cures.pop() if len(cures) == 1 else CORRECT.replace("the file", "the files"),
        problems,
    )
