"""Every module of the runner can be imported first: no circle of imports waits for a command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrate.settings import PROJECT_DIR

IMPORT_EACH_FIRST = """
import importlib, pkgutil, sys, orchestrate
names = [found.name for found in pkgutil.walk_packages(orchestrate.__path__, "orchestrate.")]
for name in names:
    if name.endswith("__main__"):
        continue
    for loaded in [known for known in sys.modules if known.startswith("orchestrate")]:
        del sys.modules[loaded]
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.slow
def test_each_module_can_be_the_first_one_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH_FIRST],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
