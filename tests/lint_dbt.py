"""Check the dbt project without a database: warnings, conventions, SQL style.

`python tests/lint_dbt.py` parses the project with warnings as errors, checks the conventions of
dbt-bouncer.yml on the manifest, and runs sqlfluff on the SQL. It says what each of the three found
and ends with 1 when one of them failed. It parses as with landed sources: then every model is
enabled.

sqlfluff compiles each file through dbt, whose adapter first lists the relations of the warehouse.
No text of this project depends on that list, so it stays empty here and nothing is connected to.
The profile is the example's; it and all artifacts lie in a folder that lives as long as the run.
A text that passed is not looked at again before it, or what decides how it is read, changes.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from dbt.adapters.postgres.impl import PostgresAdapter
from sqlfluff.cli.commands import lint

PROJECT_DIR = Path(__file__).resolve().parents[1]
SQL_FOLDERS = ("models", "tests", "analyses")
LANDED = "{residency_source: landed, advocacy_source: landed}"
PASSED = PROJECT_DIR / ".pytest_cache" / "sql_that_passed.json"
# What decides how every text is compiled and judged.
DECIDING = (".sqlfluff", ".sqlfluffignore", "*.yml", "requirements-dev.lock", "tests/lint_dbt.py")
DECIDING_FOLDERS = ("macros/**/*.sql", "tests/generic/*.sql", "models/**/*.yml", "seeds/**/*.yml")


def passes(*command: str) -> bool:
    """Run a tool of this environment in the project's folder; tell whether it found nothing."""
    tool = Path(sys.executable).with_name(command[0])
    return subprocess.run([tool, *command[1:]], cwd=PROJECT_DIR, check=False).returncode == 0


def sql_texts() -> dict[str, str]:
    """Return a fingerprint of each text that sqlfluff does not ignore, by its path."""
    ignored = tuple((PROJECT_DIR / ".sqlfluffignore").read_text(encoding="utf-8").splitlines())
    deciding = [
        path.read_bytes()
        for pattern in (*DECIDING, *DECIDING_FOLDERS)
        for path in sorted(PROJECT_DIR.glob(pattern))
    ]
    texts = (
        path for folder in SQL_FOLDERS for path in sorted((PROJECT_DIR / folder).rglob("*.sql"))
    )
    return {
        name: hashlib.sha256(b"\0".join([*deciding, path.read_bytes()])).hexdigest()
        for path in texts
        if not (name := str(path.relative_to(PROJECT_DIR))).startswith(ignored)
    }


def sql_passes() -> bool:
    """Run sqlfluff with an empty list of relations; tell whether it found nothing."""
    texts = sql_texts()
    passed = json.loads(PASSED.read_text(encoding="utf-8")) if PASSED.exists() else {}
    new = [path for path, fingerprint in texts.items() if passed.get(path) != fingerprint]
    if new:
        # The trees of a text go when the next one comes; to look for circles in them takes time.
        gc.set_threshold(200_000, 100, 1000)
        try:
            with patch.object(PostgresAdapter, "set_relations_cache"):
                lint.main([*new, "--disable-progress-bar"])
            raise AssertionError("sqlfluff ended without a status")
        except SystemExit as end:
            if end.code != 0:
                return False
    PASSED.parent.mkdir(exist_ok=True)
    PASSED.write_text(json.dumps(texts, indent=1), encoding="utf-8")
    return True


def main() -> int:
    """Run all three checks and return the exit status."""
    os.chdir(PROJECT_DIR)
    with tempfile.TemporaryDirectory(prefix="casebook-lint-") as name:
        folder = Path(name)
        shutil.copy("profiles.example.yml", folder / "profiles.yml")
        # dbt-bouncer looks for the artifacts in `target` beside its configuration.
        shutil.copy("dbt-bouncer.yml", folder)
        os.environ |= {
            "DBT_PROFILES_DIR": name,
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        checks = (
            passes("dbt", "--quiet", "--warn-error", "parse", "--vars", LANDED),
            passes("dbt-bouncer", "run", "--config-file", str(folder / "dbt-bouncer.yml")),
            sql_passes(),
        )
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
