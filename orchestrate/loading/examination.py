"""Every row that was read is judged, and every problem noted: the rules find them set by set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Connection, Cursor
from orchestrate.loading import values
from orchestrate.loading.problems import SHOWN_LENGTH, Problem
from orchestrate.loading.rules import Link, breaches, keys, links, turned_dates
from orchestrate.loading.tables import READ, RawTable, converter, written

PROBLEMS = "casebook__problems"
_FETCHED = 1000


@dataclass(frozen=True)
class Judged:
    """A file after the look: how many rows it has, and how many of them are bad."""

    raw: RawTable
    rows: int
    bad: int

    @property
    def percent(self) -> float:
        """Bad rows in 100."""
        return 100 * self.bad / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Examination:
    """What the look found: per file its bad rows, and `problem_count` problems of theirs."""

    connection: Connection
    schema: str
    files: tuple[Judged, ...]
    problem_count: int

    def problems(self) -> Iterator[Problem]:
        """Yield all problems by file, line and column, a batch at a time."""
        names = [[file.scanned.name for file in judged.raw.files] for judged in self.files]
        with self.connection.cursor("problems") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(
                sql.SQL(
                    "select file, part, line, last_line, column_name, about_value, value, reason"
                    " from {} order by file, record, column_position"
                ).format(sql.Identifier(self.schema, PROBLEMS))
            )
            for file, part, line, last_line, column, about_value, value, reason in cursor:
                masked = about_value and value is None
                yield Problem(names[file][part], reason, line, last_line, column, value, masked)

    def drop_bad_rows(self) -> None:
        """Take the bad rows out of what was read."""
        with self.connection.cursor() as cursor:
            for position, judged in enumerate(self.files):
                cursor.execute(
                    sql.SQL(
                        "delete from {} where __record in (select record from {} where file = %s)"
                    ).format(judged.raw.relation(READ), sql.Identifier(self.schema, PROBLEMS)),
                    (position,),
                )


@contextmanager
def examine(
    connection: Connection, raws: Sequence[RawTable], *, with_followers: bool = False
) -> Iterator[Examination]:
    """Judge every row that was read of these files; what is found can be read within the block.

    `with_followers`: rows that refer to a bad row are bad, too.
    """
    schema = raws[0].schema
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_PROBLEMS.format(sql.Identifier(schema, PROBLEMS)))
        look = _Look(cursor, raws)
        look.at_values()
        look.at_order_of_dates()
        look.at_keys()
        look.at_references(with_followers=with_followers)
        yield Examination(connection, schema, look.judged(), look.count())
        cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, PROBLEMS)))


_CREATE_PROBLEMS = sql.SQL(
    """
    create unlogged table {} (
        file integer, part integer, record bigint, line bigint, last_line bigint,
        column_position integer, column_name text, about_value boolean, value text, reason text
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
        self._cursor.execute(
            sql.SQL(
                "select (select count(*) from {}),"
                " (select count(distinct record) from {} where file = %s)"
            ).format(raw.relation(READ), self._problems),
            (self._raws.index(raw),),
        )
        rows, bad = self._cursor.fetchone() or (0, 0)
        return Judged(raw, rows, bad)

    def at_values(self) -> None:
        """Note damaged rows, and in the others each column's first problem."""
        for raw in self._raws:
            reasons = [_reason(raw, column) for column in raw.seed.columns]
            found: list[sql.Composable] = [sql.SQL("(0, null, false, null, __damage)")]
            found += [
                sql.SQL("({}, {}, {}, {}, {})").format(
                    sql.Literal(position),
                    sql.Literal(column.name),
                    sql.SQL("not ({})").format(values.is_blank(written(column))),
                    _shown(raw, column),
                    reason,
                )
                for position, (column, reason) in enumerate(
                    zip(raw.seed.columns, reasons, strict=True), start=1
                )
            ]
            self._cursor.execute(
                # First the bad rows, then what is wrong with each: most rows have nothing.
                sql.SQL(
                    "insert into {} select {}, __part, __record, __line, __last_line, found.*"
                    " from {} as examined cross join lateral (values {})"
                    " as found (__position, __name, __about_value, __value, __reason)"
                    " where coalesce(__damage, {}) is not null and found.__reason is not null"
                ).format(
                    self._problems,
                    sql.Literal(self._raws.index(raw)),
                    raw.relation(READ),
                    sql.SQL(", ").join(found),
                    sql.SQL(", ").join(reasons),
                )
            )

    def at_order_of_dates(self) -> None:
        """Note dates that may be meant the other way round, where another of the column is."""
        for raw in self._raws:
            for column in raw.seed.columns:
                turned = turned_dates(raw, column)
                if turned is None:
                    continue
                self._cursor.execute(
                    sql.SQL("select __line from {} where {} order by __record limit 1").format(
                        raw.relation(READ), turned.surely
                    )
                )
                if (first := self._cursor.fetchone()) is None:
                    continue
                self._note(
                    raw,
                    column,
                    sql.Literal(
                        f"may be meant as {turned.other_order}, as the value in line {first[0]} is"
                    ),
                    raw.relation(READ),
                    turned.perhaps,
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
                                    lag({3}) over in_order, lead({3}) over in_order
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
                    ).format(
                        raw.relation(READ),
                        sql.Identifier(column.name),
                        _content(raw),
                        _place(raw),
                    ),
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
                link.child.relation(READ),
                sql.SQL("{} is not null and not {}").format(
                    sql.Identifier("examined", link.column.name), _exists_parent(link)
                ),
            )
        if with_followers:
            for link in found:
                self._cursor.execute(sql.SQL("analyze {}").format(self._problems))
                self._note(
                    link.child,
                    link.column,
                    sql.Literal(f"refers to a row of {link.parent.file} that is set aside"),
                    link.child.relation(READ),
                    sql.SQL("{} and not {}").format(
                        _exists_parent(link), self._exists_good_parent(link)
                    ),
                )

    def _exists_good_parent(self, link: Link) -> sql.Composed:
        return sql.SQL(
            "exists (select from {} as parent where {} and not exists"
            " (select from {} as bad where bad.file = {} and bad.record = parent.__record))"
        ).format(
            link.parent.relation(READ),
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
                "insert into {} select {}, __part, __record, __line, __last_line,"
                " {}, {}, true, {}, {} from {} as examined where {}"
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
        link.parent.relation(READ), link.condition("examined", "parent")
    )


def _shown(raw: RawTable, column: SeedColumn) -> sql.Composable:
    """Return the value as written; null in a file about persons, where none may be shown.

    What a column of such a file may show all the same has no word in it, which may be a name that
    came there by mistake.
    """
    # One character more than is shown tells that something is left out.
    value = sql.SQL("left({}, {})").format(written(column), sql.Literal(SHOWN_LENGTH + 1))
    if not raw.seed.personal:
        return value
    if not column.rules.shown:
        return sql.SQL("null")
    return sql.SQL("case when {} !~ '[[:alpha:]]{{3}}' then {} end").format(written(column), value)


def _place(raw: RawTable) -> sql.Composable:
    """Return the line of a row, and where there are several files the file."""
    if len(raw.files) == 1:
        return sql.SQL("__line::text")
    names = sql.SQL(", ").join(sql.Literal(file.scanned.name) for file in raw.files)
    return sql.SQL("__line || ' of ' || (array[{}])[__part + 1]").format(names)


def _content(raw: RawTable) -> sql.Composed:
    """Return a hash of all values of a row."""
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in raw.seed.columns)
    return sql.SQL("md5(row({})::text)").format(names)


def _reason(raw: RawTable, column: SeedColumn) -> sql.Composed:
    """Return the first thing that is wrong with a value of a row that is not damaged."""
    value = values.plain(column, written(column))
    cases = []
    if column.required:
        cases += [
            _case(values.is_blank(written(column)), "a value is required"),
            _case(
                sql.SQL("({}) is null").format(value),
                "stands for nothing, and a value is required",
            ),
        ]
    if column.type != "text":
        as_number = sql.SQL("{}({})").format(converter(raw, "numeric"), value)
        cases.append(
            sql.SQL("when ({}) is not null then {}").format(
                value, values.complaint(column, value, as_number)
            )
        )
    # Most values are there, and only those that are not are looked at as they were written.
    return sql.SQL(
        "case when __damage is null then case when {} is not null then {} else {} end end"
    ).format(
        sql.Identifier(column.name),
        _first([_case(condition, reason) for condition, reason in breaches(column)]),
        _first(cases),
    )


def _first(cases: Sequence[sql.Composed]) -> sql.Composable:
    return sql.SQL("case {} end").format(sql.SQL(" ").join(cases)) if cases else sql.SQL("null")


def _case(condition: sql.Composed, reason: str) -> sql.Composed:
    return sql.SQL("when {} then {}").format(condition, sql.Literal(reason))
