"""A large file passes through in constant memory; how long it takes is told beside psql's copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import SHARED, Casebook
from tests.python.loading.conftest import RESIDENCY, MakeExport, Warehouse

MEGABYTE = 1_000_000
ROWS, SOAK_ROWS = 200_000, 2_000_000
MOST_RESIDENT = 200 * MEGABYTE
# Runs the command line as `casebook` does, and says how much memory that took: its own since it
# began, since what getrusage tells counts the process that started it, too.
MEASURED = """
import pathlib, sys
from orchestrate.cli import invoke
status = invoke(sys.argv[1:])
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
(peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
print("peak", peak, file=sys.stderr)
sys.exit(status)
"""


def write_studies(folder: Path, rows: int, *, bad_every: int = 0) -> Path:
    """Write studies of two residents, as many as asked for; every so many without a time."""
    path = folder / "studies.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(RESIDENCY["studies.csv"].splitlines(keepends=True)[0])
        for row in range(rows):
            name = "Okafor, Chidi" if row % 2 else "Åse Ødegård"
            date = f"2018-{row % 12 + 1:02}-{row % 28 + 1:02}"
            if bad_every and row % bad_every == 0:
                date = ""
            file.write(f'{row % 6},CT1,"CT abdomen, with contrast {row}","{name}",{date},1,1\n')
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "bad_every"), [(200_000, 0), (40_000, 10)], ids=["sound", "set aside"]
)
def test_many_rows_pass_through_in_a_few_megabytes(
    rows: int, bad_every: int, warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency")
    write_studies(folder, rows, bad_every=bad_every)
    tracemalloc.start()
    try:
        report = warehouse.load("residency", folder, 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    bad = rows // bad_every if bad_every else 0
    assert {file.table: file.rows for file in report.files}["studies"] == rows - bad
    assert report.problems.count == bad
    assert peak < 10 * MEGABYTE


@pytest.fixture
def casebook() -> Iterator[Casebook]:
    """Return a Casebook that never ran, with a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="memory-", dir=os.environ[SHARED]))
    folder.chmod(0o755)
    made = Casebook(folder / "home", folder / "output")
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_load_stays_small_and_is_told_beside_a_plain_copy(
    casebook: Casebook, make_export: MakeExport, soak: bool, figure: Callable[[str], None]
) -> None:
    rows = SOAK_ROWS if soak else ROWS
    folder = make_export("residency")
    path = write_studies(folder, rows)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "load", "residency", str(folder)],
        cwd=PROJECT_DIR,
        env=casebook.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"studies.csv: {rows:,} rows" in done.stderr
    peak = int(re.findall(r"^peak (\d+)$", done.stderr, re.MULTILINE)[0]) * 1024
    assert peak < MOST_RESIDENT
    (seconds,) = re.findall(r"residency export: done in ([\d.]+) s", done.stderr)

    casebook.command(
        "db", "psql", "-qc", "create table public.plain (like export_residency.studies)"
    )
    started = time.monotonic()
    casebook.command("db", "psql", "-qc", f"\\copy public.plain from '{path}' (format csv, header)")
    plain = time.monotonic() - started
    figure(
        f"load of {rows:,} studies ({path.stat().st_size / MEGABYTE:.0f} MB): {seconds} s, psql's"
        f" \\copy {plain:.1f} s; peak resident memory {peak / MEGABYTE:.0f} MB"
    )
