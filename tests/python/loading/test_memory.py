"""A large file passes through in constant memory."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.python.loading.conftest import RESIDENCY, MakeExport, Warehouse

ROWS = 500_000
ROW = (
    '3,CT1,"CT abdomen and pelvis, with contrast material","Okafor, Chidi",'
    "2018-07-01 08:00:00,1,1\n"
)
MEGABYTE = 1_000_000


@pytest.mark.slow
def test_fifty_megabytes_pass_through_in_a_few(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    header = RESIDENCY["studies.csv"].splitlines(keepends=True)[0]
    folder = make_export("residency")
    with (folder / "studies.csv").open("w", encoding="utf-8") as file:
        file.write(header)
        for _ in range(ROWS // 1000):
            file.write(ROW * 1000)
    assert (folder / "studies.csv").stat().st_size > 45 * MEGABYTE
    tracemalloc.start()
    try:
        report = warehouse.load("residency", folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    studies = next(file for file in report.files if file.table == "studies")
    assert (studies.rows, studies.equal_rows) == (ROWS, ROWS - 1)
    assert peak < 10 * MEGABYTE
