"""Raw tables filled from files whose rows are all good, or from the good rows; or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from orchestrate.console import Task
from orchestrate.driver import Connection
from orchestrate.errors import DatabaseError
from orchestrate.loading import quarantine
from orchestrate.loading.examination import Examination, examine
from orchestrate.loading.oddities import Loading
from orchestrate.loading.problems import CORRECT, SHOWN, ExportError, Problems
from orchestrate.loading.report import Report
from orchestrate.loading.rules import names_days, relations_are_sound, rows_are_sound
from orchestrate.loading.stream import kept_pieces
from orchestrate.loading.tables import Filled, RawTable, fill


def fill_whole(
    connection: Connection, raws: Sequence[RawTable], task: Task
) -> list[Loading] | None:
    """Copy all files whole; None when some row is bad."""
    loadings = []
    for raw in raws:
        filled = fill(connection, raw, task)
        if filled is None:
            return None
        loadings.append(Loading(raw, filled))
    if not _are_sound(connection, raws):
        return None
    with connection.cursor() as cursor:
        return None if any(names_days(cursor, raw) for raw in raws) else loadings


def fill_sound(
    connection: Connection,
    domain: str,
    raws: Sequence[RawTable],
    task: Task,
    report: Report,
    limit: float | None,
) -> tuple[list[Loading], Problems]:
    """Look closely at all rows, set the bad ones aside and copy the others.

    Raises ExportError without a limit, and when more than `limit` percent of a file are bad.
    """
    with examine(connection, raws, with_followers=limit is not None) as examination:
        problems = report.write(examination.problems())
        _require_a_reason(problems)
        excess = [] if limit is None else _excess(examination, limit)
        if limit is None or excess:
            cure = f"All of it is in {problems.report}. Correct the export and load it again" + (
                "." if excess else ", or set bad rows aside with --quarantine PERCENT."
            )
            what = f"The {domain} export"
            raise _refusal(what, problems, f"{cure} Nothing was replaced.", excess)
        quarantine.set_aside(connection, domain, examination)
    loadings = []
    for judged in examination.files:
        filled = fill(connection, judged.raw, task, kept_pieces(judged.raw.scanned, judged.bad))
        if filled is None:
            break
        loadings.append(Loading(judged.raw, filled, judged.bad))
    if len(loadings) < len(raws) or not _are_sound(connection, raws):
        raise DatabaseError(
            "The warehouse refused rows that looked good.",
            "Nothing was replaced. Its log says more.",
        )
    return loadings, problems


def fill_shipped(connection: Connection, raw: RawTable, task: Task) -> Filled:
    """Copy a file of the project whole.

    Raises ExportError when a row is bad.
    """
    loadings = fill_whole(connection, [raw], task)
    if loadings is not None:
        return loadings[0].filled
    with examine(connection, [raw]) as examination:
        first = tuple(itertools.islice(examination.problems(), SHOWN))
        problems = Problems(examination.problem_count, first)
        _require_a_reason(problems)
        raise _refusal(raw.file, problems, CORRECT)


def _require_a_reason(problems: Problems) -> None:
    if not problems.count:
        raise DatabaseError(
            "The warehouse refused rows in which nothing wrong was found.",
            "Nothing was replaced. Its log says more.",
        )


def _are_sound(connection: Connection, raws: Sequence[RawTable]) -> bool:
    with connection.cursor() as cursor:
        sound = all(rows_are_sound(cursor, raw) for raw in raws)
        return sound and relations_are_sound(cursor, raws)


def _excess(examination: Examination, limit: float) -> list[str]:
    """Return for which files setting the bad rows aside would be too much, and why."""
    excess = []
    for judged in examination.files:
        bad, file = len(judged.bad), judged.raw.file
        if bad == judged.rows:
            excess.append(f"no row of {file} would be left")
        elif judged.percent > limit:
            share = f"{bad:,} of {judged.rows:,} rows of {file}, {judged.percent:.3g} %"
            excess.append(f"{share}, are more than the {limit:g} % that may be set aside")
    return excess


def _refusal(what: str, problems: Problems, cure: str, excess: Sequence[str] = ()) -> ExportError:
    if excess or problems.count > 1:
        number = "1 problem" if problems.count == 1 else f"{problems.count:,} problems"
        head = f"{what} has {number}{''.join(f'; {one}' for one in excess)}:"
        cause = "\n  ".join([head, *problems.lines()])
    else:
        cause = str(problems.first[0])
    return ExportError(cause, cure, problems)
