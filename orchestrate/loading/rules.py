"""What the rules of raw tables are in SQL, on the tables being read."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.loading import values
from orchestrate.loading.tables import RawTable, written
from orchestrate.loading.values import NUMBERS, TIMES


@dataclass(frozen=True)
class Link:
    """A column of one file whose values have to be in the key of another one."""

    child: RawTable
    column: SeedColumn
    parent: RawTable
    parent_column: SeedColumn

    def condition(self, child: str, parent: str) -> sql.Composed:
        """Return the join of both tables, given their aliases in the query."""
        return sql.SQL("{} = {}").format(
            sql.Identifier(parent, self.parent_column.name),
            sql.Identifier(child, self.column.name),
        )


def links(raws: Sequence[RawTable]) -> list[Link]:
    """Return the references between these tables, those of a table before those to it."""
    by_seed = {raw.seed.name: raw for raw in raws}
    found: dict[str, list[Link]] = {raw.seed.name: [] for raw in raws}
    for raw in raws:
        for column in raw.seed.columns:
            reference = column.rules.reference
            if reference is not None and reference.seed in by_seed:
                parent = by_seed[reference.seed]
                found[raw.seed.name].append(
                    Link(raw, column, parent, parent.column(reference.column))
                )
    order = graphlib.TopologicalSorter(
        {name: [link.parent.seed.name for link in own] for name, own in found.items()}
    )
    return [link for name in order.static_order() for link in found[name]]


def keys(raw: RawTable) -> list[SeedColumn]:
    """Return the columns of which no two rows may share a value."""
    return [column for column in raw.seed.columns if column.rules.key]


@dataclass(frozen=True)
class TurnedDates:
    """Which dates of a column are meant the other way round than they are read, or may be.

    Conditions on a row: `surely` (no month is above 12), `perhaps` (both ways make a date, and
    another one), `surely_not`. `order` and `other_order` are the two ways, for messages.
    """

    surely: sql.Composed
    perhaps: sql.Composed
    surely_not: sql.Composed
    order: str
    other_order: str


_ORDERS = {"MDY": "month/day/year", "DMY": "day/month/year"}
_DAY_AND_MONTH = r"^(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}(\D|$)"


def turned_dates(raw: RawTable, column: SeedColumn) -> TurnedDates | None:
    """Return how to tell which dates of a column have day and month the other way round.

    None for a column without dates.
    """
    if not column.type.startswith(TIMES):
        return None
    parts = sql.SQL("regexp_match({}, {})").format(
        values.plain(column, written(column)), sql.Literal(_DAY_AND_MONTH)
    )
    month, day = (1, 2) if raw.date_order == "MDY" else (2, 1)

    def where(condition: str) -> sql.Composed:
        return sql.SQL(
            "exists (select from (select parts[{}]::integer, parts[{}]::integer from {} as parts)"
            " as found (month, day) where {})"
        ).format(sql.Literal(month), sql.Literal(day), parts, sql.SQL(condition))

    return TurnedDates(
        surely=where("month > 12 and day between 1 and 12"),
        perhaps=where("month <= 12 and day <= 12 and month <> day"),
        surely_not=where("day > 12"),
        order=_ORDERS[raw.date_order],
        other_order=next(way for order, way in _ORDERS.items() if order != raw.date_order),
    )


def breaches(column: SeedColumn) -> Iterator[tuple[sql.Composed, str]]:
    """Yield what may be wrong with a value that is there: condition and reason, in this order."""
    name = sql.Identifier(column.name)
    if column.type == "text" and not column.rules.verbatim:
        yield (
            values.is_shortened_code(name),
            "is a number as spreadsheets shorten it, not a code: save the column as text",
        )
    elif column.type.startswith(TIMES):
        yield sql.SQL("not isfinite({})").format(name), "is not finite"
    elif column.type.startswith(NUMBERS):
        infinite = "{} in ('NaN', 'Infinity', '-Infinity')"
        yield sql.SQL(infinite).format(name), "is not finite"
    is_time = column.type.startswith(TIMES)
    for limit, sign, word in (
        (column.rules.minimum, "<", "before" if is_time else "less than"),
        (column.rules.maximum, ">", "after" if is_time else "more than"),
    ):
        if limit is not None:
            beyond = sql.SQL("{} {} {}::{}").format(
                name, sql.SQL(sign), sql.Literal(limit), sql.SQL(column.type)
            )
            yield beyond, f"is {word} {limit}"
    if column.rules.not_before is not None:
        other = sql.Identifier(column.rules.not_before)
        yield sql.SQL("{} < {}").format(name, other), f"is before {column.rules.not_before}"
