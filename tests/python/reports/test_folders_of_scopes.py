"""A folder lasts as long as somebody reads it, and nobody else's folder is touched."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook
from tests.python.outputs import READERS

pytestmark = pytest.mark.slow

RESIDENT, GONE = "resident_sample", "humana_hospice"


def folders(out: Path) -> set[str]:
    """Return the folders in the output folder."""
    return {path.name for path in out.iterdir() if path.is_dir()}


def members_without(path: Path, *logins: str) -> str:
    """Write the sample's members but these into a file, and return its name."""
    text = (PROJECT_DIR / "seeds" / "reference" / "members.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.reader(text.splitlines()) if row[0] not in logins]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_a_folder_goes_with_the_last_login_of_its_scope(
    own_casebook: Casebook, tmp_path: Path
) -> None:
    out = own_casebook.output_dir
    report = ("report", "--out", str(out))
    (out / "mine").mkdir()
    assert folders(out) == {*READERS, "mine"}
    own_casebook.command(*report, "--as", RESIDENT)
    assert folders(out) == {*READERS, "mine", RESIDENT}
    # Asked for by somebody, it stays while that one may read.
    own_casebook.command(*report)
    assert folders(out) == {*READERS, "mine", RESIDENT}

    members = members_without(tmp_path / "members.csv", RESIDENT, GONE)
    own_casebook.command("doctor", "--mend", CASEBOOK_MEMBERS=members)
    own_casebook.command(*report, "--audience", "staff")
    assert folders(out) == {*READERS, "mine", RESIDENT}
    said = own_casebook.command(*report).stderr
    assert folders(out) == {*READERS, "mine"} - {GONE}
    assert "nobody reads it any more" in " ".join(said.split())
    refused = own_casebook.command(*report, "--as", RESIDENT, check=False)
    assert (refused.returncode, folders(out)) == (2, {*READERS, "mine"} - {GONE})
