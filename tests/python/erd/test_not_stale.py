"""The committed diagrams show the project as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.erd import write_diagrams
from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

# They need a Casebook that was run, and dbterd, which takes seconds to import.
pytestmark = pytest.mark.slow

COMMITTED = PROJECT_DIR / "docs" / "erd"


def test_committed_diagrams_are_what_casebook_erd_writes(
    built_target: Path, tmp_path: Path
) -> None:
    written = write_diagrams(built_target, tmp_path)
    fresh = {path.name: path.read_bytes() for path in written}
    committed = {path.name: path.read_bytes() for path in COMMITTED.iterdir()}
    assert set(committed) == set(fresh)
    stale = [name for name, content in fresh.items() if committed[name] != content]
    assert not stale, "run `casebook erd` on the sample and commit docs/erd"


def test_a_folder_that_cannot_be_written_is_named(built_target: Path, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="file"):
        write_diagrams(built_target, occupied)


def test_the_program_gets_the_diagrams_of_its_own_domain(published: Casebook) -> None:
    shown = sorted(path.name for path in (published.output_dir / "program" / "erd").glob("*.svg"))
    assert shown == ["marts_residency.svg", "raw_residency.svg"]
    page = (published.output_dir / "program" / "erd" / "README.md").read_text(encoding="utf-8")
    assert "procedure_summary" not in page
