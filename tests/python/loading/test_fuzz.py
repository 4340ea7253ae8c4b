"""Damaged exports are loaded as they should be, or refused with their place and nothing changes."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrate.driver import Connection, Cursor
from orchestrate.errors import CasebookError
from orchestrate.loading import ExportError
from tests.python.loading.conftest import Warehouse
from tests.python.loading.damage import SOUND, damaged, written
from tests.python.loading.oracle import Expected, columns, expect

EXAMPLES, SOAK_EXAMPLES = 100, 1000


@pytest.fixture
def cursor(connection: Connection) -> Iterator[Cursor]:
    """Return a cursor that reads dates and times as the loader does."""
    with connection.cursor() as opened:
        opened.execute("set datestyle = 'ISO, MDY'; set timezone = 'UTC'")
        yield opened


class Trial:
    """Loads one damaged export after the other into one warehouse, and looks what became of it."""

    def __init__(self, domain: str, warehouse: Warehouse, cursor: Cursor, folder: Path) -> None:
        self.domain = domain
        self.counts: Counter[str] = Counter()
        self._warehouse = warehouse
        self._cursor = cursor
        self._folder = folder

    def load(self, files: dict[str, bytes | None], limit: float | None) -> None:
        """Load an export, and hold what happened to what had to happen."""
        expected = expect(self.domain, files, self._cursor)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for name, content in files.items():
            if content is not None:
                (self._folder / name).write_bytes(content)
        before = self._warehouse.content()
        try:
            self._warehouse.load(self.domain, self._folder, limit)
        except CasebookError as error:
            self._check_refusal(error, expected, limit)
            assert self._warehouse.content() == before
        else:
            self._check_content(expected, limit)

    def _check_refusal(self, error: CasebookError, expected: Expected, limit: float | None) -> None:
        assert isinstance(error, ExportError), error
        assert error.problems.count >= 1
        assert all(problem.file in SOUND[self.domain] for problem in error.problems.first)
        assert error.cure.endswith("Nothing was replaced.")
        if expected.damaged:
            self.counts["refused for damage"] += 1
            return
        if error.problems.first[0].reason.startswith("no row is "):
            self.counts["refused for a payer"] += 1
            assert expected.lacks_payers(set() if limit is None else expected.followers)
            assert not expected.bad if limit is None else not self._exceeds(expected, limit)
            return
        self.counts["refused for rows" if limit is None else "refused for the limit"] += 1
        bad = expected.bad if limit is None else expected.followers
        assert self._reported() == bad
        assert limit is None or self._exceeds(expected, limit)

    def _check_content(self, expected: Expected, limit: float | None) -> None:
        assert not expected.damaged
        left_out = set() if limit is None else expected.followers
        assert limit is not None or not expected.bad
        assert limit is None or not self._exceeds(expected, limit)
        assert self.domain != "advocacy" or not expected.lacks_payers(left_out)
        for file in expected.rows:
            names = ", ".join(f"{one.name}::text" for one in columns(self.domain, file))
            self._cursor.execute(
                f"select {names} from export_{self.domain}.{file.removesuffix('.csv')}"
                " order by ctid"
            )
            assert self._cursor.fetchall() == expected.content(file, left_out), file
        self._cursor.execute(
            "select file, line from casebook.quarantined_rows where domain = %s", (self.domain,)
        )
        assert sorted(self._cursor.fetchall()) == sorted(left_out)
        self.counts["loaded without bad rows" if left_out else "loaded whole"] += 1

    def _exceeds(self, expected: Expected, limit: float) -> bool:
        return any(
            (bad := sum(one == file for one, _ in expected.followers)) == len(rows)
            or 100 * bad / len(rows) > limit
            for file, rows in expected.rows.items()
        )

    def _reported(self) -> set[tuple[str, int]]:
        path = self._warehouse.problems_dir / f"{self.domain}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return {(row["file"], int(row["line"])) for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize("domain", SOUND)
def test_damaged_exports_are_loaded_rightly_or_refused_with_their_place(
    domain: str,
    warehouse: Warehouse,
    cursor: Cursor,
    tmp_path: Path,
    soak: bool,
    figure: Callable[[str], None],
) -> None:
    trial = Trial(domain, warehouse, cursor, tmp_path / "export")
    trial.load({name: written(table) for name, table in SOUND[domain].items()}, None)
    assert trial.counts == {"loaded whole": 1}

    @settings(
        max_examples=SOAK_EXAMPLES if soak else EXAMPLES,
        derandomize=not soak,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(files=damaged(domain), limit=st.sampled_from([None, 0, 20, 34, 50, 100]))
    def load(files: dict[str, bytes | None], limit: float | None) -> None:
        trial.load(files, limit)

    load()
    assert min(trial.counts.values()) > 1
    assert len(trial.counts) == 5
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(trial.counts.items()))
    figure(f"damaged {domain} exports: {told}")
