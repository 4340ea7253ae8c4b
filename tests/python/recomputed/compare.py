"""Compare a recomputed relation with the warehouse's, cell by cell and both ways."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import pandas as pd
import pytest
from psycopg2 import sql

from orchestrate.driver import Connection

Row = tuple[object, ...]
PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def read(connection: Connection, relation: str) -> pd.DataFrame:
    """Read a relation of the warehouse, as the builder, with the driver's own types."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(*relation.split("."))))
        columns = [column.name for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)


def plain(value: object) -> object:
    """Return a cell as Python compares it: every kind of missing is None."""
    return None if value is None or value is pd.NA or value is pd.NaT or value != value else value


def rows_of(table: pd.DataFrame, columns: list[str]) -> Iterable[Row]:
    """Yield the rows, with the columns in the given order."""
    for row in table[columns].itertuples(index=False, name=None):
        yield tuple(map(plain, row))


def check(found: pd.DataFrame, expected: pd.DataFrame, opaque: str | None = None) -> int:
    """Require the same columns and the same rows as often; return the number of cells compared.

    `opaque` names a key whose values cannot be told from outside: see check_key.
    """
    columns = list(expected.columns)
    assert set(found.columns) == {*columns, *([opaque] if opaque else [])}
    assert len(expected) or found.empty
    has, wants = Counter(rows_of(found, columns)), Counter(rows_of(expected, columns))
    missing, unexpected = list(wants - has), list(has - wants)
    assert not missing + unexpected, (
        f"{len(missing)} rows are missing, such as {missing[:3]};"
        f" {len(unexpected)} are unexpected, such as {unexpected[:3]}"
    )
    if opaque:
        check_key(found, opaque)
    return found.size


def check_key(found: pd.DataFrame, key: str) -> None:
    """Require a pseudonym per row: unique in a scope, and never that of another row elsewhere."""
    scope = [name for name in found.columns if name == "scope_id"]
    assert not found.duplicated([*scope, key]).any()
    means = defaultdict(set)
    columns = [name for name in found.columns if name not in {key, *scope}]
    for value, row in zip(found[key], rows_of(found, columns), strict=True):
        assert PSEUDONYM.fullmatch(value), value
        means[value].add(row)
    assert all(len(rows) == 1 for rows in means.values())


def check_close(found: pd.DataFrame, expected: pd.DataFrame, grain: list[str], opaque: str) -> int:
    """Do as check() for a relation with statistics: floats may differ in their tenth digit."""
    floats = [name for name in found.columns if found[name].map(type).eq(float).any()]
    assert floats
    exact = found.columns.difference([*floats, opaque], sort=False).to_list()
    check(found[[*exact, opaque]], expected[expected.columns.difference(floats)], opaque)
    both = expected.merge(found, on=grain, suffixes=("", "_found"), validate="one_to_one")
    assert len(both) == len(found)
    for name in floats:
        for wants, has in zip(both[name], both[f"{name}_found"], strict=True):
            is_missing = plain(wants) is None
            assert (plain(has) is None) == is_missing, (name, has, wants)
            assert is_missing or has == pytest.approx(wants, rel=1e-10, abs=1e-10), name
    return found.size
