"""What is odd in an export and loaded all the same: told with its number and its first lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Connection, Cursor
from orchestrate.loading.names import alike
from orchestrate.loading.rules import keys, links, turned_dates
from orchestrate.loading.tables import READ, RawTable

# Of rows that are odd, the lines of this many are told.
PLACES = 5
REPEATED = "rows that repeat another row in every column, and count"
# More names than this are no list of residents.
MOST_NAMES = 5000
# What stands between two names. A comma stands within one.
_SEVERAL = r"[;/|&+\n]|\m(and|with)\M"
_ROW = sql.SQL("child.__record, child.__part, child.__line")


@dataclass(frozen=True)
class Oddity:
    """Something odd in a file: what, how often, and the first lines of it.

    Of a file in parts, `parts` names the part of each line.
    """

    file: str
    column: str | None
    says: str
    count: int
    lines: tuple[int, ...]
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
        """Return the oddity as plain values."""
        plain: dict[str, object] = {
            "file": self.file,
            "column": self.column,
            "warning": self.says,
            "count": self.count,
            "lines": list(self.lines),
        }
        return plain | {"parts": list(self.parts)} if self.parts else plain


def find_oddities(connection: Connection, raws: Sequence[RawTable]) -> list[Oddity]:
    """Return what is odd in the tables being read, all of whose rules hold."""
    with connection.cursor() as cursor:
        return [odd for raw in raws for odd in _found(cursor, raws, raw)]


def repeated_rows(connection: Connection, raw: RawTable) -> int:
    """Return how many rows of a table being read repeat another one in every column."""
    with connection.cursor() as cursor:
        odd = _equal_rows(cursor, raw)
    return odd.count if odd else 0


def drop_repetitions(cursor: Cursor, raw: RawTable) -> Oddity | None:
    """Take out the rows that repeat another one where that means nothing, and tell them."""
    if not any(column.rules.once for column in keys(raw)):
        return None
    rows = _repetitions(raw)
    odd = _told(cursor, raw, None, "rows that repeat another row, and count once", rows)
    if odd:
        cursor.execute(
            sql.SQL("delete from {} where __record in (select __record from ({}) as odd)").format(
                raw.relation(READ), rows
            )
        )
    return odd


def _repetitions(raw: RawTable) -> sql.Composed:
    return sql.SQL(
        "select __record, __part, __line from (select *, row_number() over"
        " (partition by {} order by __record) as __copy from {} where __damage is null) as numbered"
        " where __copy > 1"
    ).format(_names(raw), raw.relation(READ))


def _equal_rows(cursor: Cursor, raw: RawTable) -> Oddity | None:
    # Grouped, not numbered: a table of any size has to be sorted for the numbers.
    cursor.execute(
        sql.SQL(
            "select coalesce(sum(copies - 1), 0), (array_agg(last order by last))[1:{}]"
            " from (select count(*) as copies, max(__record) as last from {} group by {}"
            " having count(*) > 1) as repeated"
        ).format(sql.Literal(PLACES), raw.relation(READ), _names(raw))
    )
    count, records = cursor.fetchone() or (0, None)
    odd = _told(cursor, raw, None, REPEATED, _rows(raw, records)) if count else None
    return replace(odd, count=int(count)) if odd else None


def _names(raw: RawTable) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in raw.seed.columns)


def _rows(raw: RawTable, records: Sequence[int]) -> sql.Composed:
    return sql.SQL("select {} from {} as child where __record = any({})").format(
        _ROW, raw.relation(READ), sql.Literal(list(records))
    )


def _told(
    cursor: Cursor, raw: RawTable, column: str | None, says: str, query: sql.Composed
) -> Oddity | None:
    """Return an oddity, given the query for __record, __part and __line of its rows."""
    cursor.execute(
        sql.SQL(
            "with odd as ({}) select count(*),"
            " (array_agg(__line order by __record))[1:{}],"
            " (array_agg(__part order by __record))[1:{}] from odd"
        ).format(query, sql.Literal(PLACES), sql.Literal(PLACES))
    )
    count, lines, parts = cursor.fetchone() or (0, None, None)
    if not count:
        return None
    names = [raw.files[part].scanned.name for part in parts] if len(raw.files) > 1 else []
    return Oddity(raw.file, column, says, count, tuple(lines), tuple(names))


def _found(cursor: Cursor, raws: Sequence[RawTable], raw: RawTable) -> Iterator[Oddity]:
    if odd := _equal_rows(cursor, raw):
        yield odd
    for column in raw.seed.columns:
        if column.rules.warn_alike:
            yield from _alike(cursor, raw, column)
        for says, query in _queries(raws, raw, column):
            if odd := _told(cursor, raw, column.name, says, query):
                yield odd


def _queries(
    raws: Sequence[RawTable], raw: RawTable, column: SeedColumn
) -> Iterator[tuple[str, sql.Composed]]:
    """Yield the oddities that one query finds, and the query for their rows."""
    rules, name = column.rules, sql.Identifier("child", column.name)
    if rules.warn_missing is not None:
        yield (
            f"rows without {column.name}, {rules.warn_missing}",
            sql.SQL("select {} from {} as child where {} is null").format(
                _ROW, raw.relation(READ), name
            ),
        )
    turned = turned_dates(raw, column)
    if turned is not None:
        yield (
            f"dates of {column.name} that are read as {turned.order} and may be meant as"
            f" {turned.other_order}, since none has a day above 12 (source_date_order in"
            " dbt_project.yml)",
            sql.SQL(
                "select {0} from {1} as child where {2} and not exists (select from {1} where {3})"
            ).format(_ROW, raw.relation(READ), turned.perhaps, turned.surely_not),
        )
    if rules.warn_several:
        yield (
            f"values of {column.name} that may name two people",
            sql.SQL("select {} from {} as child where {} ~* {}").format(
                _ROW, raw.relation(READ), name, sql.Literal(_SEVERAL)
            ),
        )
    if lookup := rules.warn_without:
        other = next(other for other in raws if other.seed.name == lookup.to.seed)
        yield (
            f"rows whose {column.name} has no {lookup.filled} in {other.file}",
            sql.SQL(
                "select {} from {} as child where not exists"
                " (select from {} as other where {} = {} and {} is not null)"
            ).format(
                _ROW,
                raw.relation(READ),
                other.relation(READ),
                sql.Identifier("other", lookup.to.column),
                name,
                sql.Identifier("other", lookup.filled),
            ),
        )
    for link in links(raws):
        if link.child is not raw:
            continue
        parent_row = sql.SQL("select {} from {} as child inner join {} as parent on {}").format(
            _ROW,
            raw.relation(READ),
            link.parent.relation(READ),
            link.condition("child", "parent"),
        )
        for related, sign, word in (
            (rules.warn_after, ">", "after"),
            (rules.warn_before, "<", "before"),
        ):
            if related is not None and related.by == link.column.name:
                yield (
                    f"rows whose {column.name} is {word} {related.column} in {link.parent.file}",
                    sql.SQL("{} where {}::date {} {}::date").format(
                        parent_row,
                        name,
                        sql.SQL(sign),
                        sql.Identifier("parent", related.column),
                    ),
                )
        if rules.warn_longer_than == link.column.name:
            yield (
                f"rows that last longer than their {link.column.name}",
                sql.SQL("{} where {} > {}").format(
                    parent_row, _duration("child", column), _duration("parent", column)
                ),
            )


def _duration(table: str, column: SeedColumn) -> sql.Composed:
    return sql.SQL("{} - {}").format(
        sql.Identifier(table, column.name), sql.Identifier(table, column.rules.not_before or "")
    )


def _alike(cursor: Cursor, raw: RawTable, column: SeedColumn) -> Iterator[Oddity]:
    """Find the names that look like one person's; no name is told."""
    name, table = sql.Identifier(column.name), raw.relation(READ)
    cursor.execute(
        sql.SQL(
            "select {0}, min(__record) from {1} where {0} is not null group by {0}"
            " order by min(__record) limit {2}"
        ).format(name, table, sql.Literal(MOST_NAMES + 1))
    )
    first = dict(cursor.fetchall())
    if len(first) > MOST_NAMES:
        says = f"more than {MOST_NAMES:,} different values of {column.name}, not compared"
        yield Oddity(raw.file, column.name, says, len(first), ())
    elif pairs := alike(first):
        records = list(dict.fromkeys(first[one] for pair in pairs for one in pair))[:PLACES]
        says = f"pairs of values of {column.name} that look like one"
        if odd := _told(cursor, raw, column.name, says, _rows(raw, records)):
            yield replace(odd, count=len(pairs))
