"""Each generic test of the project lets good rows pass and finds the bad ones."""

from __future__ import annotations

import pytest
from small_project import Build

from orchestrate.settings import PROJECT_DIR

pytestmark = pytest.mark.slow

GENERIC_TESTS = sorted(path.stem for path in (PROJECT_DIR / "tests" / "generic").glob("*.sql"))


def statuses(built: Build, beginning: str) -> set[str]:
    """Return how the tests whose names begin so ended."""
    return {status for name, status in built.statuses.items() if name.startswith(beginning)}


@pytest.mark.parametrize("name", GENERIC_TESTS)
def test_good_rows_pass(built: Build, name: str) -> None:
    assert statuses(built, f"{name}_accepts") == {"pass"}


@pytest.mark.parametrize("name", GENERIC_TESTS)
def test_bad_rows_are_found(built: Build, name: str) -> None:
    assert statuses(built, f"{name}_refuses") == {"fail"}
