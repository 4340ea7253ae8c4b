"""Plain `dbt seed` loads what the files say: types, nulls, awkward text, the zone of the domain."""

from __future__ import annotations

import datetime
from decimal import Decimal

from small_project import Build

UTC = datetime.UTC


def test_every_cell_arrives(built: Build) -> None:
    assert built.rows('select * from casebook.visits order by id collate "C"') == [
        (
            "02186",
            datetime.datetime(2019, 7, 1, 3, 59, 59, tzinfo=UTC),
            datetime.date(2019, 6, 30),
            Decimal("10.00"),
            42.290937381211286,
            True,
            'a "quoted", word',
        ),
        ("385763009", datetime.datetime(2019, 6, 30, 23, 59, 59, tzinfo=UTC), *[None] * 5),
        (
            "a",
            datetime.datetime(2019, 6, 30, 22, 0, tzinfo=UTC),
            datetime.date(2019, 7, 1),
            Decimal("0.01"),
            -70.5,
            False,
            "{a,NULL,%s,\\}",
        ),
        # `Null` is null: dbt's CSV reader takes it for one.
        ("b", None, datetime.date(2019, 7, 1), Decimal("1.00"), 0.0, True, None),
    ]


def test_columns_without_a_declared_type_get_the_one_that_dbt_infers(built: Build) -> None:
    assert built.rows("select * from casebook.untyped order by 1") == [(1, "one"), (2, None)]


def test_rows_come_in_batches_without_loss(built: Build) -> None:
    assert built.rows(
        "select count(*), count(distinct number), min(number), max(number) from casebook.many"
    ) == [(25_001, 25_001, 0, 25_000)]
