"""Files made of two exports that differ in what a reader may not see are the same, byte by byte.

More and less hospice care of Humana's patients, another time of another resident's study, and a
dollar less for a procedure that UnitedHealthcare paid, which changes no rounded figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import scoped

from tests.python.access.twins import Seen, differences, rows, seen_by, sizes
from tests.python.conftest import Casebook, own_copy
from tests.python.disclosure.altered import HOSPICE, SEEDS, Altered, Row, read, write
from tests.python.disclosure.conftest import run_on
from tests.python.outputs import every_byte

pytestmark = pytest.mark.slow

TABLES = {
    "advocacy": ("patients", "encounters", "procedures", "payers", "organizations"),
    "residency": ("studies", "organizations", "modalities", "exam_to_cpt"),
}
RESIDENT, OTHER = "resident_sample", "Tan, Wei Ling"
# Of whom nothing changed, and who may not see what did; folders of the output, and logins.
UNCONCERNED = {"humana": "humana_colonoscopy", RESIDENT: RESIDENT}
# When it was published, loaded and rendered.
_TIMES = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?")


def change(tables: dict[str, list[Row]]) -> None:
    """Change what most may not see."""
    payers = {row["id"]: row["name"] for row in tables["payers"]}
    paid_by = {row["id"]: payers[row["payer"]] for row in tables["encounters"]}
    care: dict[str, list[Row]] = {}
    for row in tables["procedures"]:
        care.setdefault(row["encounter"], []).append(row)
    hidden = [
        done
        for encounter, done in care.items()
        if paid_by[encounter] == "Humana" and {row["code"] for row in done} == {HOSPICE[0]}
    ]
    assert len(hidden) > 10
    for place, done in enumerate(hidden):
        if place % 2:
            done += [dict(row, base_cost=f"{place}.50") for row in done]
        else:
            del done[1:]
    tables["procedures"] = [row for done in care.values() for row in done]
    dearest = max(
        (row for row in tables["procedures"] if paid_by[row["encounter"]] == "UnitedHealthcare"),
        key=lambda row: float(row["base_cost"]),
    )
    dearest["base_cost"] = f"{float(dearest['base_cost']) - 1:.2f}"
    studies = [row for row in tables["studies"] if row["trainee_name"] == OTHER]
    changed = studies[len(studies) // 2]
    changed["finalized"] = f"{changed['finalized'][:-2]}59"


def write_exports(folder: Path, *, changed: bool) -> Altered:
    """Write the sample's rows as exports, with or without the changes."""
    tables = {
        table: read(SEEDS / domain / f"{domain}__{table}.csv")
        for domain, tables in TABLES.items()
        for table in tables
    }
    if changed:
        change(tables)
    for domain, names in TABLES.items():
        (folder / domain).mkdir(parents=True)
        for name in names:
            write(folder / domain / f"{name}.csv", tables[name])
    return Altered(folder / "residency", folder / "advocacy")


@pytest.fixture(scope="module")
def twins(
    published: Casebook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Casebook, Casebook]]:
    """Return Casebooks, with one key of pseudonyms, after runs on the sample's rows and others."""
    with ExitStack() as stack:
        made = []
        for changed in (False, True):
            casebook = stack.enter_context(own_copy(published))
            exports = write_exports(tmp_path_factory.mktemp("exports") / "same", changed=changed)
            list(run_on(casebook, exports))
            casebook.command("report", "--as", RESIDENT, "--out", str(casebook.output_dir))
            made.append(casebook)
        yield made[0], made[1]


def files(casebook: Casebook, folder: str) -> dict[str, bytes]:
    """Return every file of an output folder, and what is packed in it, without times."""
    return {
        name: _TIMES.sub(b"TIME", content)
        for name, content in every_byte(casebook.output_dir / folder)
        if not name.endswith(".xlsx")  # by its parts, as it holds when each was packed
    }


@pytest.mark.parametrize("folder", UNCONCERNED)
def test_files_do_not_tell(twins: tuple[Casebook, Casebook], folder: str) -> None:
    one, other = (files(casebook, folder) for casebook in twins)
    assert len(one) > 2
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.parametrize("login", UNCONCERNED.values())
def test_databases_do_not_tell(twins: tuple[Casebook, Casebook], login: str) -> None:
    one, other = (look(casebook, login) for casebook in twins)
    assert len(one) > 100
    assert differences(one, other) == set()


def look(casebook: Casebook, login: str) -> Seen:
    """Return the rows and sizes of everything in a login's database."""
    return seen_by(scoped.reader(casebook.databases, login), rows, sizes)


def test_those_concerned_are_told(twins: tuple[Casebook, Casebook]) -> None:
    for folder in ("humana_hospice", "united_healthcare", "program", "staff", "management"):
        one, other = (files(casebook, folder) for casebook in twins)
        told = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        assert told, folder
        # Sums of what UnitedHealthcare paid are rounded; a dollar is not to be seen.
        assert not any("restricted_payer_summary" in name for name in told)
