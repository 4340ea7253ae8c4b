"""The dbt project keeps its conventions; by `make lint` the same is asked without the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrate.settings import PROJECT_DIR


@pytest.mark.slow
def test_warnings_conventions_and_style_of_the_dbt_project() -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT_DIR / "tests" / "lint_dbt.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
