"""Every row that was read is judged, and every problem noted: the rules find them set by set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrate.driver import Connection
from orchestrate.loading.problems import Problem
from orchestrate.loading.rules import links, quoted, run
from orchestrate.loading.tables import RawTable

PROBLEMS = "pg_temp.problems"
_FETCHED = 1000
_WORD = re.compile(r"[^\W\d_]{3}")


@dataclass(frozen=True)
class Judged:
    """A file that was judged: how many rows it has, and how many of them are bad."""

    raw: RawTable
    rows: int
    bad: int


def judge(
    connection: Connection, raws: Sequence[RawTable], *, with_followers: bool = False
) -> list[Judged]:
    """Judge every row that was read of these files; what is wrong with them is noted.

    `with_followers`: rows that refer to a bad row are bad, too.
    """
    with connection.cursor() as cursor:
        run(cursor, "verdicts", raws=raws, links=links(raws), with_followers=with_followers)
        judged = []
        for position, raw in enumerate(raws):
            cursor.execute(
                f"select (select count(*) from {raw.values}), (select count(distinct record)"
                f" from {PROBLEMS} where file = {position})"
            )
            rows, bad = cursor.fetchone() or (0, 0)
            judged.append(Judged(raw, rows, bad))
    return judged


def problems(connection: Connection, raws: Sequence[RawTable]) -> Iterator[Problem]:
    """Yield all problems that were noted, by file, line and column, a batch at a time."""
    for position, raw in enumerate(raws):
        columns = raw.seed.columns
        written = " ".join(
            f"when {place} then {quoted(column.name + '__written')}"
            for place, column in enumerate(columns, start=1)
        )
        with connection.cursor("problems") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(
                f"select __part, __line, __last_line, column_position, reason,"
                f" case column_position {written} end"
                f" from {PROBLEMS} inner join {raw.read} on __record = record"
                f" where file = {position} order by record, column_position"
            )
            for part, line, last_line, place, reason, value in cursor:
                column = columns[place - 1] if place else None
                is_masked = value is not None and not _may_show(raw, place, value)
                yield Problem(
                    raw.files[part].name,
                    reason,
                    line,
                    last_line,
                    None if column is None else column.name,
                    None if is_masked else value,
                    is_masked,
                )


def drop_bad_rows(connection: Connection, raws: Sequence[RawTable]) -> None:
    """Take the rows with a problem out of what was read."""
    with connection.cursor() as cursor:
        for position, raw in enumerate(raws):
            cursor.execute(
                f"delete from {raw.values} where __record in"
                f" (select record from {PROBLEMS} where file = {position})"
            )


def _may_show(raw: RawTable, place: int, value: str) -> bool:
    """Tell whether a message may show a value.

    Of a file about persons, none but what is nobody's, and even there no word, which may be a name
    that came there by mistake.
    """
    if not raw.seed.personal:
        return True
    return raw.seed.columns[place - 1].rules.shown and not _WORD.search(value)
