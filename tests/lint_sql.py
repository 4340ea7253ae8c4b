"""Run sqlfluff on the dbt project without a database: `python tests/lint_sql.py lint models tests`.

sqlfluff compiles each file through dbt, whose adapter first lists the relations of the warehouse.
No text of this project depends on that list, so it stays empty here and nothing is connected to.
The profile is the example's, in a folder that lives as long as the run. Arguments are sqlfluff's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from dbt.adapters.postgres.impl import PostgresAdapter
from sqlfluff.cli.commands import cli

PROJECT_DIR = Path(__file__).resolve().parents[1]


def main() -> None:
    """Lint with an empty cache of relations; ends with sqlfluff's own exit status."""
    os.chdir(PROJECT_DIR)
    with (
        tempfile.TemporaryDirectory(prefix="casebook-lint-") as folder,
        patch.object(PostgresAdapter, "set_relations_cache"),
    ):
        shutil.copy("profiles.example.yml", Path(folder) / "profiles.yml")
        os.environ |= {
            "DBT_PROFILES_DIR": folder,
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
        }
        cli()


if __name__ == "__main__":
    main()
