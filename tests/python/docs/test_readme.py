"""What README shows to copy works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrate.settings import PROJECT_DIR


def python_examples() -> list[str]:
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_python_example_reads_what_is_published(published: Any) -> None:
    (example,) = python_examples()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env={**published.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "resident_name" in done.stdout
    assert "mri_lower_extremity_joints" in done.stdout
    assert "25 rows x 13 columns" in done.stdout
