"""What is odd in an export and loaded all the same: told with its number and its first lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Connection, Cursor
from orchestrate.loading.names import alike
from orchestrate.loading.rules import key, lacking, links
from orchestrate.loading.stream import kept_rows
from orchestrate.loading.tables import LOADING, PLACES, Filled, RawTable

# More names than this are no list of residents.
MOST_NAMES = 5000


@dataclass(frozen=True)
class Loading:
    """A file whose rows, but for the numbers `left_out`, are in the table being loaded."""

    raw: RawTable
    filled: Filled
    left_out: Sequence[int] = ()


@dataclass(frozen=True)
class Oddity:
    """Something odd in a file: what, how often, and the first lines of it."""

    file: str
    column: str | None
    says: str
    count: int
    lines: tuple[int, ...]

    def __str__(self) -> str:
        if not self.lines:
            return f"{self.file}: {self.says}."
        listed = ", ".join(map(str, self.lines)) + (", …" if self.count > len(self.lines) else "")
        return f"{self.file}: {self.says}: {self.count:,} (line {listed})."

    def as_json(self) -> dict[str, object]:
        """Return the oddity as plain values."""
        return {
            "file": self.file,
            "column": self.column,
            "warning": self.says,
            "count": self.count,
            "lines": list(self.lines),
        }


@dataclass(frozen=True)
class _Found:
    """An oddity whose rows are still named by their places (ctid) in the table."""

    column: str | None
    says: str
    count: int
    places: Sequence[str]


def find_oddities(connection: Connection, loadings: Sequence[Loading]) -> list[Oddity]:
    """Return what is odd in the tables being loaded, all of whose rules hold."""
    raws = [loading.raw for loading in loadings]
    told = []
    with connection.cursor() as cursor:
        for loading in loadings:
            found = list(_found(cursor, raws, loading))
            places = {place for one in found for place in one.places}
            lines = _lines(cursor, loading, places)
            told += [
                Oddity(
                    loading.raw.file,
                    one.column,
                    one.says,
                    one.count,
                    tuple(lines[place] for place in one.places),
                )
                for one in found
            ]
    return told


def _found(cursor: Cursor, raws: Sequence[RawTable], loading: Loading) -> Iterator[_Found]:
    raw, filled = loading.raw, loading.filled
    if filled.equal_rows:
        says = "rows that repeat another row in every column, and count"
        yield _Found(None, says, filled.equal_rows, filled.repeats)
    for column in raw.seed.columns:
        if column.rules.warn_alike:
            yield from _alike(cursor, raw, column)
        for says, query in _queries(raws, raw, column):
            cursor.execute(
                sql.SQL(
                    "with odd as ({}) select count(*),"
                    " array(select place from odd order by place limit {})::text[] from odd"
                ).format(query, sql.Literal(PLACES))
            )
            count, places = cursor.fetchone() or (0, [])
            if count:
                yield _Found(column.name, says, count, places)


def _queries(
    raws: Sequence[RawTable], raw: RawTable, column: SeedColumn
) -> Iterator[tuple[str, sql.Composed]]:
    """Yield the oddities that one query finds, and the query for the places of their rows."""
    rules, name = column.rules, sql.Identifier("child", column.name)
    if rules.warn_missing is not None:
        yield (
            f"rows without {column.name}, {rules.warn_missing}",
            sql.SQL("select child.ctid as place from {} as child where {}").format(
                raw.relation(LOADING), lacking(name)
            ),
        )
    if lookup := rules.warn_without:
        other = next(other for other in raws if other.seed.name == lookup.to.seed)
        yield (
            f"rows whose {column.name} has no {lookup.filled} in {other.file}",
            sql.SQL(
                "select child.ctid as place from {} as child where not exists"
                " (select from {} as other where {} = {} and {} is not null)"
            ).format(
                raw.relation(LOADING),
                other.relation(LOADING),
                key(other.column(lookup.to.column), "other"),
                key(column, "child"),
                key(other.column(lookup.filled), "other"),
            ),
        )
    for link in links(raws):
        if link.child is not raw:
            continue
        parent_row = sql.SQL(
            "select child.ctid as place from {} as child inner join {} as parent on {}"
        ).format(
            raw.relation(LOADING),
            link.parent.relation(LOADING),
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


def _alike(cursor: Cursor, raw: RawTable, column: SeedColumn) -> Iterator[_Found]:
    """Find the names that look like one person's; no name is told."""
    cursor.execute(
        sql.SQL(
            "select {0}, min(ctid)::text from {1} where {0} is not null group by {0}"
            " order by min(ctid) limit {2}"
        ).format(sql.Identifier(column.name), raw.relation(LOADING), sql.Literal(MOST_NAMES + 1))
    )
    places = dict(cursor.fetchall())
    if len(places) > MOST_NAMES:
        says = f"more than {MOST_NAMES:,} different values of {column.name}, not compared"
        yield _Found(column.name, says, len(places), [])
    elif pairs := alike(places):
        first = [places[name] for pair in pairs for name in pair]
        says = f"pairs of values of {column.name} that look like one"
        yield _Found(column.name, says, len(pairs), list(dict.fromkeys(first))[:PLACES])


def _lines(cursor: Cursor, loading: Loading, places: set[str]) -> dict[str, int]:
    """Return the line in the file for places in a table.

    A table that one COPY filled, in the transaction that made it, has its rows in their order.
    """
    ordinals: dict[int, str] = {}
    for place in places:
        cursor.execute(
            sql.SQL("select count(*) from {} where ctid <= %s::tid").format(
                loading.raw.relation(LOADING)
            ),
            (place,),
        )
        (ordinal,) = cursor.fetchone() or (0,)
        ordinals[ordinal] = place
    lines: dict[str, int] = {}
    if ordinals:
        kept = kept_rows(loading.raw.scanned.path, loading.left_out)
        for ordinal, (_, record) in enumerate(kept, start=1):
            if ordinal in ordinals:
                lines[ordinals[ordinal]] = record.first_line
                if len(lines) == len(ordinals):
                    break
    return lines
