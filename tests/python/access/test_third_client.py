"""A third client is rows in seeds and a login: it gets its report, and nobody else's changes."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import scoped
from conftest import Casebook, own_copy

from orchestrate.settings import PROJECT_DIR

pytestmark = pytest.mark.slow

# One of the sample's payers becomes a client that shows colonoscopies to their specialists alone.
ROWS = {
    "clients.csv": "aetna,Aetna,Aetna,activity",
    "restrictions.csv": "aetna,73761001",
    "members.csv": "aetna_reader,client,aetna,,\naetna_colonoscopy,client,aetna,73761001,",
}
OTHERS = ("united_healthcare", "humana", "humana_hospice")
MADE = (".git", ".venv", ".casebook", "output", "target", "logs", "__pycache__", ".*_cache")
# What names the version and its time belongs to every publication anew.
READ_ME = "README"


@dataclass(frozen=True)
class Joined:
    """The Casebook after the third client came, and the others' extracts as they were before."""

    casebook: Casebook
    before: dict[str, str]


@pytest.fixture(scope="module")
def joined(published: Casebook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    """Run a copy of the project that has the third client's rows, in a copy of the home."""
    project = tmp_path_factory.mktemp("third") / "project"
    shutil.copytree(PROJECT_DIR, project, ignore=shutil.ignore_patterns(*MADE))
    for name, lines in ROWS.items():
        seed = project / "seeds" / "reference" / name
        text = seed.read_text(encoding="utf-8").rstrip("\n")
        seed.write_text(f"{text}\n{lines}\n", encoding="utf-8")
    with own_copy(published) as casebook:
        before = contents(casebook.output_dir, OTHERS)
        done = subprocess.run(
            [sys.executable, "-m", "orchestrate", "run", "--out", str(casebook.output_dir)],
            cwd=project,
            env=casebook.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield Joined(casebook, before)


def contents(output_dir: Path, folders: tuple[str, ...]) -> dict[str, str]:
    """Return a hash of every extract's content, and of every sheet's, by its name."""
    found = {}
    for folder in folders:
        for path in sorted((output_dir / folder / "extracts").rglob("*")):
            name = f"{folder}/{path.name}"
            if path.suffix == ".csv" and READ_ME not in path.name:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.suffix == ".xlsx":
                found |= sheets(path, name)
    return found


def sheets(path: Path, name: str) -> dict[str, str]:
    """Return a hash of every sheet of a workbook but the first, which is the read-me."""
    with zipfile.ZipFile(path) as book:
        members = sorted(one for one in book.namelist() if one.startswith("xl/worksheets/sheet"))
        return {
            f"{name}/{member}": hashlib.sha256(book.read(member)).hexdigest()
            for member in members
            if not member.endswith("/sheet1.xml")
        }


def test_no_byte_of_the_others_extracts_changes(joined: Joined) -> None:
    assert len(joined.before) > len(OTHERS) * 9
    assert contents(joined.casebook.output_dir, OTHERS) == joined.before


def test_the_third_client_has_its_reports_and_extracts(joined: Joined) -> None:
    for folder in ("aetna", "aetna_73761001"):
        pages = sorted((joined.casebook.output_dir / folder).glob("*.html"))
        assert len(pages) > 1
        assert all("Aetna" in page.read_text(encoding="utf-8") for page in pages)
        with next(
            (joined.casebook.output_dir / folder / "extracts").glob("*procedure_summary*.csv")
        ).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["client_id"] for row in rows} == {"aetna"}
        codes = {row["procedure_code"] for row in rows}
        assert ("73761001" in codes) == (folder != "aetna")


def test_it_sees_its_own_book_and_no_other(joined: Joined) -> None:
    for login in ("aetna_reader", "aetna_colonoscopy"):
        seen = scoped.read(
            joined.casebook.databases,
            login,
            "select distinct client_id from clients.encounter_extract",
        )
        assert seen == [("aetna",)]
