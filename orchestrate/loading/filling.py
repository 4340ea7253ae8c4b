"""Files read and judged: all of their rows are good, or the good ones are left; or none is kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from orchestrate.console import Task
from orchestrate.driver import Connection
from orchestrate.loading import quarantine
from orchestrate.loading.examination import Examination, examine
from orchestrate.loading.oddities import Oddity, drop_repetitions
from orchestrate.loading.problems import CORRECT, SHOWN, ExportError, Problems
from orchestrate.loading.report import Report
from orchestrate.loading.tables import RawTable, create_converters, read


def read_export(
    connection: Connection,
    domain: str,
    raws: Sequence[RawTable],
    task: Task,
    report: Report,
    limit: float | None,
) -> tuple[Problems, list[Oddity]]:
    """Read all files and judge their rows; within the limit the bad ones are set aside.

    Returns what was wrong with these, and which repetitions count once. Raises ExportError without
    a limit, and when more than `limit` percent of a file are bad.
    """
    _read(connection, raws, task, with_text=limit is not None)
    with connection.cursor() as cursor:
        repetitions = [odd for raw in raws if (odd := drop_repetitions(cursor, raw))]
    with examine(connection, raws, with_followers=limit is not None) as examination:
        if not examination.problem_count:
            quarantine.forget(connection, domain)
            return Problems(), repetitions
        problems = report.write(examination.problems())
        excess = [] if limit is None else _excess(examination, limit)
        if limit is None or excess:
            cure = f"All of it is in {problems.report}. Correct the export and load it again" + (
                "." if excess else ", or set bad rows aside with --quarantine PERCENT."
            )
            what = f"The {domain} export"
            raise _refusal(what, problems, f"{cure} Nothing was replaced.", excess)
        quarantine.set_aside(connection, domain, examination)
        examination.drop_bad_rows()
    return problems, repetitions


def read_shipped(connection: Connection, raw: RawTable, task: Task) -> None:
    """Read a file of the project.

    Raises ExportError when a row is bad.
    """
    _read(connection, [raw], task)
    with examine(connection, [raw]) as examination:
        if examination.problem_count:
            first = tuple(itertools.islice(examination.problems(), SHOWN))
            raise _refusal(raw.file, Problems(examination.problem_count, first), CORRECT)


def _read(
    connection: Connection, raws: Sequence[RawTable], task: Task, *, with_text: bool = False
) -> None:
    with connection.cursor() as cursor:
        create_converters(cursor, raws)
        for raw in raws:
            read(cursor, raw, with_text=with_text)
            task.advance(raw.file)


def _excess(examination: Examination, limit: float) -> list[str]:
    """Return for which files setting the bad rows aside would be too much, and why."""
    excess = []
    for judged in examination.files:
        bad, file = judged.bad, judged.raw.file
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
