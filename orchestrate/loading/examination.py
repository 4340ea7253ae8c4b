"""The close look at files of which some row is bad: every row is judged, every problem noted.

It happens only after the fast COPY or its checks have failed. The files are copied once more, as
text and with their line numbers, into tables that compute the typed values where that is possible;
the rules then find the bad rows set by set. All of it is gone at the end of the transaction.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Connection, Cursor
from orchestrate.loading.examined import (
    EXAMINED,
    PROBLEMS,
    complaint,
    create_converters,
    create_examined,
    drop_converters,
    written,
)
from orchestrate.loading.problems import SHOWN_LENGTH, Problem
from orchestrate.loading.rules import Link, breaches, key, keys, lacking, links
from orchestrate.loading.tables import RawTable

_FETCHED = 1000


@dataclass(frozen=True)
class Judged:
    """A file after the close look: its rows, and the numbers of the bad ones, sorted."""

    raw: RawTable
    rows: int
    bad: Sequence[int]

    @property
    def percent(self) -> float:
        """Bad rows in 100."""
        return 100 * len(self.bad) / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Examination:
    """What the close look found: per file its bad rows, and `problem_count` problems of theirs."""

    connection: Connection
    schema: str
    files: tuple[Judged, ...]
    problem_count: int

    def problems(self) -> Iterator[Problem]:
        """Yield all problems by file, line and column, a batch at a time."""
        names = [judged.raw.file for judged in self.files]
        with self.connection.cursor("problems") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(
                sql.SQL(
                    "select file, line, last_line, column_name, about_value, value, reason"
                    " from {} order by file, record, column_position"
                ).format(sql.Identifier(self.schema, PROBLEMS))
            )
            for file, line, last_line, column, about_value, value, reason in cursor:
                masked = about_value and value is None
                yield Problem(names[file], reason, line, last_line, column, value, masked)


@contextmanager
def examine(
    connection: Connection, raws: Sequence[RawTable], *, with_followers: bool = False
) -> Iterator[Examination]:
    """Judge every row of these files; what is found can be read within the block.

    `with_followers`: rows that refer to a bad row are bad, too.

    Raises DataError where the structure of a file is damaged.
    """
    schema = raws[0].schema
    with connection.cursor() as cursor:
        create_converters(cursor, raws)
        cursor.execute(_CREATE_PROBLEMS.format(sql.Identifier(schema, PROBLEMS)))
        for raw in raws:
            create_examined(cursor, raw)
        look = _Look(cursor, raws)
        look.at_values()
        look.at_keys()
        look.at_references(with_followers=with_followers)
        yield Examination(connection, schema, look.judged(), look.count())
        for raw in raws:
            cursor.execute(sql.SQL("drop table {}").format(raw.relation(EXAMINED)))
        cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, PROBLEMS)))
        drop_converters(cursor, raws)


_CREATE_PROBLEMS = sql.SQL(
    """
    create unlogged table {} (
        file integer, record bigint, line bigint, last_line bigint, column_position integer,
        column_name text, about_value boolean, value text, reason text
    )
    """
)


class _Look:
    """The queries of one examination, which fill the table of problems."""

    def __init__(self, cursor: Cursor, raws: Sequence[RawTable]) -> None:
        self._cursor = cursor
        self._raws = raws
        self._problems = sql.Identifier(raws[0].schema, PROBLEMS)

    def count(self) -> int:
        self._cursor.execute(sql.SQL("select count(*) from {}").format(self._problems))
        (count,) = self._cursor.fetchone() or (0,)
        return int(count)

    def judged(self) -> tuple[Judged, ...]:
        return tuple(self._judge(raw) for raw in self._raws)

    def _judge(self, raw: RawTable) -> Judged:
        self._cursor.execute(sql.SQL("select count(*) from {}").format(raw.relation(EXAMINED)))
        (rows,) = self._cursor.fetchone() or (0,)
        bad = array("q")
        with self._cursor.connection.cursor("bad_rows") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(
                sql.SQL("select distinct record from {} where file = %s order by record").format(
                    self._problems
                ),
                (self._raws.index(raw),),
            )
            bad.extend(record for (record,) in cursor)
        return Judged(raw, int(rows), bad)

    def at_values(self) -> None:
        """Note damaged rows, and in the others each column's first problem."""
        for raw in self._raws:
            found: list[sql.Composable] = [sql.SQL("(0, null, false, null, examined.__damage)")]
            found += [
                sql.SQL("({}, {}, {}, {}, {})").format(
                    sql.Literal(position),
                    sql.Literal(column.name),
                    _is_about_value(column),
                    _shown(raw, column),
                    _reason(raw, column),
                )
                for position, column in enumerate(raw.seed.columns, start=1)
            ]
            self._cursor.execute(
                sql.SQL(
                    "insert into {} select {}, __record, __line, __last_line, found.*"
                    " from {} as examined cross join lateral (values {})"
                    " as found (column_position, column_name, about_value, value, reason)"
                    " where found.reason is not null"
                ).format(
                    self._problems,
                    sql.Literal(self._raws.index(raw)),
                    raw.relation(EXAMINED),
                    sql.SQL(", ").join(found),
                )
            )

    def at_keys(self) -> None:
        """Note the rows that share a key; of equal rows the first may stay."""
        for raw in self._raws:
            for column in keys(raw):
                self._note(
                    raw,
                    column,
                    sql.SQL("'is also in line ' || examined.other_line"),
                    sql.SQL(
                        """
                        (
                            select
                                *,
                                coalesce(
                                    lag(__line) over in_order, lead(__line) over in_order
                                ) as other_line,
                                lag(__line) over in_order is null as is_first,
                                min({2}) over alike <> max({2}) over alike as differ
                            from {0}
                            where {1} in (select {1} from {0} group by {1} having count(*) > 1)
                            window
                                alike as (partition by {1}),
                                in_order as (partition by {1} order by __record)
                        )
                        """
                    ).format(raw.relation(EXAMINED), key(column), _content(raw)),
                    sql.SQL("examined.differ or not examined.is_first"),
                )

    def at_references(self, *, with_followers: bool) -> None:
        """Note the rows that refer to no row; then, parents first, those referring to a bad one."""
        found = links(self._raws)
        for link in found:
            self._note(
                link.child,
                link.column,
                sql.Literal(f"is in no row of {link.parent.file}"),
                link.child.relation(EXAMINED),
                sql.SQL("{} is not null and not {}").format(
                    key(link.column, "examined"), _exists_parent(link)
                ),
            )
        if with_followers:
            for link in found:
                self._cursor.execute(sql.SQL("analyze {}").format(self._problems))
                self._note(
                    link.child,
                    link.column,
                    sql.Literal(f"refers to a row of {link.parent.file} that is set aside"),
                    link.child.relation(EXAMINED),
                    sql.SQL("{} and not {}").format(
                        _exists_parent(link), self._exists_good_parent(link)
                    ),
                )

    def _exists_good_parent(self, link: Link) -> sql.Composed:
        return sql.SQL(
            "exists (select from {} as parent where {} and not exists"
            " (select from {} as bad where bad.file = {} and bad.record = parent.__record))"
        ).format(
            link.parent.relation(EXAMINED),
            link.condition("examined", "parent"),
            self._problems,
            sql.Literal(self._raws.index(link.parent)),
        )

    def _note(
        self,
        raw: RawTable,
        column: SeedColumn,
        reason: sql.Composable,
        rows: sql.Composable,
        condition: sql.Composable,
    ) -> None:
        self._cursor.execute(
            sql.SQL(
                "insert into {} select {}, __record, __line, __last_line, {}, {}, true, {}, {}"
                " from {} as examined where {}"
            ).format(
                self._problems,
                sql.Literal(self._raws.index(raw)),
                sql.Literal(raw.seed.columns.index(column) + 1),
                sql.Literal(column.name),
                _shown(raw, column),
                reason,
                rows,
                condition,
            )
        )


def _exists_parent(link: Link) -> sql.Composed:
    return sql.SQL("exists (select from {} as parent where {})").format(
        link.parent.relation(EXAMINED), link.condition("examined", "parent")
    )


def _shown(raw: RawTable, column: SeedColumn) -> sql.Composable:
    """Return the value as written; null in a file about persons, where none may be shown."""
    if raw.seed.personal:
        return sql.SQL("null")
    # One character more than is shown tells that something is left out.
    return sql.SQL("left({}, {})").format(written(column), sql.Literal(SHOWN_LENGTH + 1))


def _is_about_value(column: SeedColumn) -> sql.Composed:
    if column.required:
        return sql.SQL("not ({})").format(lacking(written(column)))
    return sql.SQL("{} is not null").format(written(column))


def _content(raw: RawTable) -> sql.Composed:
    """Return a hash of all values of a row."""
    values = sql.SQL(", ").join(map(written, raw.seed.columns))
    return sql.SQL("md5(row({})::text)").format(values)


def _reason(raw: RawTable, column: SeedColumn) -> sql.Composed:
    """Return the first thing that is wrong with a value of a row that is not damaged."""
    cases: list[sql.Composable] = [sql.SQL("when examined.__damage is not null then null")]
    others = list(breaches(column, written(column)))
    if column.required:
        cases.append(_case(*others.pop(0)))
    if column.type != "text":
        cases.append(
            sql.SQL("when {} is not null and {} is null then {}").format(
                written(column), sql.Identifier(column.name), complaint(raw, column)
            )
        )
    cases += [_case(condition, reason) for condition, reason in others]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(cases))


def _case(condition: sql.Composed, reason: str) -> sql.Composed:
    return sql.SQL("when {} then {}").format(condition, sql.Literal(reason))
