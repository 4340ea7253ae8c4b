"""Files made of two exports that differ in what a reader may not see are the same, byte by byte.

More and less hospice care of Humana's patients, some of it later than all else, another time of
another resident's study, and a dollar less for a procedure that UnitedHealthcare paid, which
changes no rounded figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import scoped
import servers

from tests.python.access.twins import Seen, differences, rows, seen_by, sizes
from tests.python.conftest import Casebook, own_copy
from tests.python.disclosure.altered import HOSPICE, HOSTILE, Altered, Row, alter, read, write
from tests.python.disclosure.conftest import Challenged, run_on
from tests.python.outputs import every_byte

pytestmark = pytest.mark.slow

RESIDENT, OTHER = "resident_sample", HOSTILE[0]
# Of whom nothing changed, and who may not see what did; folders of the output, and logins.
LAST = "2022-02-05T12:00:00Z"
UNCONCERNED = {"humana": "humana_colonoscopy", RESIDENT: RESIDENT}
# When it was published, loaded and rendered.
_TIMES = re.compile(
    rb"\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"
)


def change(altered: Altered) -> None:
    """Change what most may not see."""
    files = {
        name: folder / f"{name}.csv"
        for folder, names in (
            (altered.advocacy, ("payers", "encounters", "procedures")),
            (altered.residency, ("studies",)),
        )
        for name in names
    }
    tables = {name: read(path) for name, path in files.items()}
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
    more = [row for done in hidden[::2] for row in done]
    fewer = [id(row) for done in hidden[1::2] for row in done[1:]]
    procedures = [row for row in tables["procedures"] if id(row) not in fewer] + more
    tables["procedures"] = procedures
    # The last of all encounters that Humana paid is one that its open visibility does not show.
    (last,) = [row for row in tables["encounters"] if row["id"] == more[0]["encounter"]]
    last["start"] = last["stop"] = LAST
    united = [row for row in procedures if paid_by[row["encounter"]] == "UnitedHealthcare"]
    # Neither the dearest nor the cheapest, by which sums are judged too.
    united.sort(key=lambda row: float(row["base_cost"]))
    cost = united[len(united) // 2]
    cost["base_cost"] = f"{float(cost['base_cost']) - 1:.2f}"
    studies = [row for row in tables["studies"] if row["trainee_name"] == OTHER]
    study = studies[len(studies) // 2]
    study["finalized"] = f"{study['finalized'][:-2]}59"
    for name in ("encounters", "procedures", "studies"):
        write(files[name], tables[name])


@pytest.fixture(scope="module")
def twins(
    published: Casebook, challenged: Challenged, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Casebook, Casebook]]:
    """Return Casebooks, with one key of pseudonyms, after runs on altered exports and others."""
    exports = alter(tmp_path_factory.mktemp("exports"))
    change(exports)
    with own_copy(challenged.casebook) as one, own_copy(published) as other:
        list(run_on(other, exports))
        for casebook in (one, other):
            casebook.command("report", "--as", RESIDENT, "--out", str(casebook.output_dir))
        yield one, other


def files(casebook: Casebook, folder: str) -> dict[str, bytes]:
    """Return every file of an output folder, and what is packed in it, without times."""
    return {
        name: _TIMES.sub(b"TIME", content)
        for name, content in every_byte(casebook.output_dir / folder)
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
    """Return the rows and sizes of everything in a login's database.

    The server analyses its own catalogs, and clears away what an ANALYZE has replaced, when it has
    the time: the former is taken back here, and the latter done, in both.
    """
    reader = scoped.reader(casebook.databases, login)
    administrator = servers.administrator_of(casebook.settings, reader.database)
    with administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute("set allow_system_table_mods = on")
        # Below are the oids of what every database is born with.
        cursor.execute("delete from pg_catalog.pg_statistic where starelid < 16384")
        cursor.execute("vacuum full pg_catalog.pg_statistic")
    return seen_by(reader, rows, sizes)


def test_those_concerned_are_told(twins: tuple[Casebook, Casebook]) -> None:
    for folder in ("humana_hospice", "united_healthcare", "program", "staff", "management"):
        one, other = (files(casebook, folder) for casebook in twins)
        told = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        assert told, folder


def test_a_dollar_shows_in_no_sum(twins: tuple[Casebook, Casebook]) -> None:
    """Sums are rounded by the average of what staff may see, so those over hospice care differ."""
    one, other = (
        scoped.read(
            casebook.databases,
            "staff_member",
            "select * from extracts.restricted_payer_summary"
            " where procedure_code is not null order by summary_key",
        )
        for casebook in twins
    )
    assert len(one) > 20
    assert one == other
