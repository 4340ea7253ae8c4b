"""The warehouse of the samples, to break in a transaction and to look at with tests of the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gate_sql
import pytest

from orchestrate.driver import Cursor
from orchestrate.publishing.artifacts import Build, read_build
from tests.python.conftest import Casebook

Find = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def build(published: Casebook) -> Build:
    """Return the build that was published."""
    return read_build(published.settings.target_dir, published.databases.warehouse.database)


@pytest.fixture
def cursor(published: Casebook) -> Iterator[Cursor]:
    """Return a cursor in the warehouse, in a transaction that is rolled back."""
    connection = published.databases.warehouse.connect()
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.rollback()
        connection.close()


@pytest.fixture
def find(cursor: Cursor, build: Build) -> Find:
    """Return a function that breaks something and returns the rows that a test then fails with."""
    compiled = gate_sql.compiled(build.manifest)

    def break_and_look(
        name: str,
        *statements: str,
        marts: Sequence[gate_sql.Mart] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> list[tuple[Any, ...]]:
        for statement in statements:
            cursor.execute(statement)
        if marts is None and variables is None:
            cursor.execute(compiled[name])
        else:
            cursor.execute(gate_sql.rendered(build.manifest, name, marts, variables))
        return cursor.fetchall()

    return break_and_look
