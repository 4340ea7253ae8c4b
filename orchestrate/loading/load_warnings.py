"""What is odd in an export and loaded all the same: told with its number and its first lines.

It is kept beside the raw tables, so that who loads the same again is told it again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from orchestrate.driver import Connection, Cursor
from orchestrate.loading.names import alike
from orchestrate.loading.problems import Problem, Problems
from orchestrate.loading.rules import links, quoted, run
from orchestrate.loading.tables import RawTable

# Of rows that are odd, the lines of this many are told.
PLACES = 5
REPEATED = "rows that repeat another row in every column, and count"
# More names than this are no list of residents.
MOST_NAMES = 5000

_CREATE = """
create table if not exists casebook.load_warnings (
    domain text primary key,
    warnings jsonb not null,
    problem_count bigint not null,
    first_problems jsonb not null
);
revoke all on table casebook.load_warnings from public;
comment on table casebook.load_warnings is
    'Of the exports in use: what was odd, and the first reasons why rows were set aside.'
"""


@dataclass(frozen=True)
class LoadWarning:
    """Something odd in a file: what, how often, and the first lines of it.

    Of a file in parts, `parts` names the part of each line.
    """

    file: str
    column: str | None
    says: str
    count: int
    lines: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.lines:
            return f"{self.file}: {self.says}."
        places = list(map(str, self.lines))
        if self.parts:
            places = [f"{line} of {part}" for line, part in zip(places, self.parts, strict=True)]
        listed = ", ".join(places) + (", …" if self.count > len(self.lines) else "")
        return f"{self.file}: {self.says}: {self.count:,} (line {listed})."

    def as_json(self) -> dict[str, object]:
        """Return the warning as plain values."""
        plain: dict[str, object] = {
            "file": self.file,
            "column": self.column,
            "warning": self.says,
            "count": self.count,
            "lines": list(self.lines),
        }
        return plain | {"parts": list(self.parts)} if self.parts else plain


def find_warnings(connection: Connection, raws: Sequence[RawTable]) -> list[LoadWarning]:
    """Return what is odd in the values of these files, all of which keep the rules."""
    with connection.cursor() as cursor:
        run(cursor, "warnings", raws=raws, links=links(raws), places=PLACES, repeated=REPEATED)
        found = [
            (file, column, _warning(raws[file], column, *told))
            for file, column, *told in cursor.fetchall()
        ]
        for file, raw in enumerate(raws):
            for place, column in enumerate(raw.seed.columns, start=1):
                if column.rules.warn_alike:
                    found += [(file, place, odd) for odd in _alike(cursor, raw, place)]
    return [warning for _, _, warning in sorted(found, key=lambda one: one[:2])]


def drop_repetitions(connection: Connection, raw: RawTable) -> list[LoadWarning]:
    """Take out the rows that repeat another one where that means nothing, and tell them."""
    if not any(column.rules.key and column.rules.once for column in raw.seed.columns):
        return []
    names = ", ".join(quoted(column.name) for column in raw.seed.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"with repeated as (delete from {raw.values} where __record in (select __record from"
            f" (select __record, row_number() over (partition by {names} order by __record) as copy"
            f" from {raw.values} inner join {raw.read} using (__record) where __damage is null)"
            " as numbered where copy > 1) returning __record, __part, __line)"
            " select __line, __part from repeated order by __record"
        )
        places = cursor.fetchall()
    if not places:
        return []
    says = "rows that repeat another row, and count once"
    lines, parts = zip(*places[:PLACES], strict=True)
    return [_warning(raw, 0, says, len(places), lines, parts)]


def keep_warnings(
    connection: Connection, domain: str, warnings: Sequence[LoadWarning], problems: Problems
) -> None:
    """Note what was odd in the export loaded last, and why rows of it were set aside."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("delete from casebook.load_warnings where domain = %s", (domain,))
        cursor.execute(
            "insert into casebook.load_warnings values (%s, %s, %s, %s)",
            (
                domain,
                json.dumps([asdict(one) for one in warnings]),
                problems.count,
                json.dumps([asdict(one) for one in problems.first]),
            ),
        )


def kept_warnings(connection: Connection, domain: str) -> tuple[list[LoadWarning], Problems]:
    """Return what was noted of the export loaded last; nothing of one of an earlier release."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("select * from casebook.load_warnings where domain = %s", (domain,))
        _, warnings, count, first = cursor.fetchone() or (domain, [], 0, [])
    return (
        [
            LoadWarning(**{**one, "lines": tuple(one["lines"]), "parts": tuple(one["parts"])})
            for one in warnings
        ],
        Problems(count, tuple(Problem(**one) for one in first)),
    )


def _warning(
    raw: RawTable,
    place: int,
    says: str,
    count: int,
    lines: Sequence[int] = (),
    parts: Sequence[int] = (),
) -> LoadWarning:
    column = raw.seed.columns[place - 1].name if place else None
    names = [raw.files[part].name for part in parts] if len(raw.files) > 1 else []
    return LoadWarning(raw.file, column, says, count, tuple(lines), tuple(names))


def _alike(cursor: Cursor, raw: RawTable, place: int) -> list[LoadWarning]:
    """Find the names that look like one person's; no name is told."""
    column = raw.seed.columns[place - 1].name
    cursor.execute(
        f"select {quoted(column)}, __line, __part from {raw.values} inner join"
        f" (select min(__record) as first from {raw.values} where {quoted(column)} is not null"
        f" group by {quoted(column)} order by 1 limit {MOST_NAMES + 1}) as found"
        " on __record = first order by first"
    )
    first = {name: (line, part) for name, line, part in cursor.fetchall()}
    if len(first) > MOST_NAMES:
        says = f"more than {MOST_NAMES:,} different values of {column}, not compared"
        return [_warning(raw, place, says, len(first))]
    pairs = alike(first)
    if not pairs:
        return []
    places = sorted((part, line) for line, part in {first[one] for pair in pairs for one in pair})
    says = f"pairs of values of {column} that look like one"
    parts, lines = zip(*places[:PLACES], strict=True)
    return [_warning(raw, place, says, len(pairs), lines, parts)]
