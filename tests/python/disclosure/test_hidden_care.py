"""Humana without hospice: nothing that is restricted occurs, and nothing that is left tells of it.

On the sample, on the real export, and on the altered one, where reasons of hospice care say so in
words and one of its codes is spelled in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
import scoped
from recomputed import clients
from recomputed.compare import check, plain
from recomputed.raw import Export, Pseudonyms, reference
from recomputed.relations import of_schema
from recomputed.scopes import Scope

from orchestrate.access.scopes import OWNER, PUBLISHER
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import REAL_EXPORT, Casebook
from tests.python.disclosure.altered import HOSPICE
from tests.python.outputs import every_byte, every_catalog, every_row

pytestmark = pytest.mark.slow

LOGIN, SIBLING, CLIENT, PAYER = "humana_colonoscopy", "humana_hospice", "humana", "Humana"


@dataclass
class Dataset:
    """CSV files, the Casebook that was made of them, and what logins read there."""

    name: str
    export: Export
    casebook: Casebook

    def read(self, login: str, relation: str) -> pd.DataFrame:
        """Read a relation of schema `clients` as a login, without its version."""
        with (
            closing(scoped.reader(self.casebook.databases, login).connect()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"select * from clients.{relation}")
            columns = [column.name for column in cursor.description or ()]
            rows = pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)
            return rows.drop(columns="version")

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The secret that its keys were made with."""
        path = self.casebook.settings.pseudonym_key_path
        return Pseudonyms(path.read_text(encoding="ascii").strip())

    @property
    def words(self) -> set[str]:
        """What must not be read: codes, names as recorded, ids, and words for such care."""
        procedures = self.export.table("procedures")
        recorded = procedures.loc[procedures["code"].isin(HOSPICE), "description"]
        words = {*HOSPICE, *recorded, *reference("specialty_words")["word"]}
        words |= {*reference("specialties")["specialty_name"], *reference("restrictions").values[0]}
        return {word.casefold() for word in words} - {CLIENT}


@pytest.fixture(scope="module", params=["sample", "export", "altered"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    """Return each dataset; the real export where it is there."""
    if request.param == "altered":
        challenged = request.getfixturevalue("challenged")
        return Dataset("altered", Export(challenged.altered.advocacy), challenged.casebook)
    if request.param == "export":
        return Dataset("export", Export(REAL_EXPORT), request.getfixturevalue("published_export"))
    seeds = Export(PROJECT_DIR / "seeds" / "advocacy", "advocacy__")
    return Dataset("sample", seeds, request.getfixturevalue("published"))


def test_no_byte_of_the_folder_tells_of_it(dataset: Dataset, figure: Callable[[str], None]) -> None:
    looked_at = 0
    words = dataset.words
    assert len(words) > 6
    for name, content in every_byte(dataset.casebook.output_dir / CLIENT):
        text = content.decode("utf-8", "replace").casefold()
        assert [word for word in words if word in text] == [], name
        looked_at += 1
    assert looked_at > 25
    sibling = b"".join(content for _, content in every_byte(dataset.casebook.output_dir / SIBLING))
    assert sum(word.encode() in sibling.lower() for word in words) >= 3
    figure(f"hospice: in none of {looked_at} files and parts of files from the {dataset.name}")


def test_no_row_comment_body_or_policy_tells_of_it(dataset: Dataset) -> None:
    """Not even to the owner of the tables, who sees their statistics and every version's rows.

    Names of logins are everybody's to see: where these would tell, they are opaque.
    """
    databases = dataset.casebook.databases
    place = scoped.place_of(databases, LOGIN)
    for target in (place.as_publisher(), place.as_reader(LOGIN)):
        with closing(target.connect(autocommit=True)) as connection:
            cursor = connection.cursor()
            if target.user == PUBLISHER:
                cursor.execute(f"set role {OWNER}")
            for read in (every_row, every_catalog):
                for name, content in read(cursor):
                    text = content.casefold().replace(SIBLING, "")
                    assert [word for word in dataset.words if word in text] == [], name
    with closing(place.as_reader(LOGIN).connect(autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from pg_proc where proname = 'patients_helped'")
        assert cursor.fetchone() == (1,)
    with closing(scoped.reader(databases, SIBLING).connect(autocommit=True)) as connection:
        told = "".join(text for _, text in every_row(connection.cursor())).casefold()
        assert sum(word in told for word in dataset.words) >= 3


def test_what_is_shown_is_that_of_a_world_without_it(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    """Every relation is recomputed from files from which hospice care was cut, restricting nothing.

    So nothing that is shown can depend on it. Claims alone are told of encounters, which may have
    had some: they are known as those of encounters that never did.
    """
    scopes: list[Scope] = []
    world = Without(dataset.export.folder, dataset.export.prefix)
    monkeypatch.setattr(clients, "scopes", lambda _: scopes)
    scopes.append(Scope(world, CLIENT, PAYER, "open", frozenset()))
    cells = 0
    for name, recomputed in of_schema("clients").items():
        expected = recomputed.of(world, dataset.pseudonyms).drop(columns="scope_id")
        cells += check(dataset.read(LOGIN, name), expected, recomputed.opaque)
    # What the open scope hides is there to hide.
    assert len(world.procedures) < len(dataset.export.procedures)
    assert len(dataset.read(SIBLING, "procedure_extract")) > len(
        dataset.read(LOGIN, "procedure_extract")
    )
    figure(f"hospice: {cells:,} cells of the {dataset.name} are those of a world without it")


class Without(Export):
    """An export from whose files hospice care has been cut before anything was made of them."""

    def table(self, name: str) -> pd.DataFrame:
        """Read a file without procedures and encounters that are hospice care, by code or whole."""
        rows = super().table(name)
        if name not in ("procedures", "encounters"):
            return rows
        procedures, encounters = super().table("procedures"), super().table("encounters")
        is_cut = procedures["code"].isin(HOSPICE)
        touched = set(procedures.loc[is_cut, "encounter"])
        gone = touched - set(procedures.loc[~is_cut, "encounter"])
        gone |= set(encounters.loc[encounters["code"].isin(HOSPICE), "id"])
        if name == "procedures":
            return procedures[~is_cut & ~procedures["encounter"].isin(gone)]
        for column in ("total_claim_cost", "payer_coverage"):
            encounters[column] = encounters[column].where(~encounters["id"].isin(touched), "0")
        return encounters[~encounters["id"].isin(gone)]


def test_every_total_is_the_sum_of_its_parts(dataset: Dataset) -> None:
    """What the reader can add up leaves no difference, to the row, in any relation."""
    encounters = dataset.read(LOGIN, "encounter_extract")
    procedures = dataset.read(LOGIN, "procedure_extract")
    (covered,) = dataset.read(LOGIN, "coverage").to_dict("records")
    assert covered["encounter_count"] == len(encounters)
    assert covered["first_encounter_on"] == encounters["service_month"].min()
    assert covered["last_encounter_on"] == covered["as_of"] == encounters["service_month"].max()
    place = ["organization_name", "service_month"]
    counted = {
        "patient_count": ("patient_key", "nunique"),
        "encounter_count": ("encounter_key", "nunique"),
    }
    months = added(encounters, place, procedure_cost="procedure_cost", **counted)
    agree(dataset.read(LOGIN, "hospital_activity"), months)

    done = procedures.merge(encounters[["encounter_key", "organization_name"]], on="encounter_key")
    assert len(done) == len(procedures)
    by_specialty = pd.concat(
        [
            done.assign(procedure_count=1),
            encounters[encounters["procedure_count"] == 0].assign(specialty_id="none"),
            encounters.assign(specialty_id="all"),
        ]
    )
    agree(
        dataset.read(LOGIN, "monthly_activity"),
        added(by_specialty, [*place, "specialty_id"], **counted),
    )
    activity = dataset.read(LOGIN, "patient_activity")
    agree(
        dataset.read(LOGIN, "monthly_activity"),
        added(
            activity,
            [*place, "specialty_id"],
            patient_count=("activity_key", "nunique"),
            encounter_count=("encounter_count", "sum"),
        ),
    )
    offered = procedures.assign(procedure_count=1)
    people = {"patient_count": ("patient_key", "nunique")}
    agree(dataset.read(LOGIN, "specialties"), added(offered, ["specialty_id"], **people))
    summary = dataset.read(LOGIN, "procedure_summary")
    agree(
        summary.rename(columns={"total_cost": "procedure_cost"}),
        added(offered, ["procedure_code"], procedure_cost="procedure_cost", **people),
    )
    for rank, measure in (("cost_rank", "total_cost"), ("count_rank", "procedure_count")):
        ranked = summary.sort_values(rank)
        assert list(ranked[rank]) == list(range(1, len(summary) + 1))
        assert ranked[measure].is_monotonic_decreasing

    in_encounters = added(offered, ["encounter_key"], procedure_cost="procedure_cost")
    agree(encounters[encounters["procedure_count"] > 0], in_encounters)
    agree(
        dataset.read(LOGIN, "patient_extract"),
        added(
            encounters,
            ["patient_key"],
            procedure_cost="procedure_cost",
            encounter_count=("encounter_key", "size"),
            first_service_month=("service_month", "min"),
            last_service_month=("service_month", "max"),
        ),
    )
    everything = activity[activity["specialty_id"] == "all"]
    ((total,),) = (
        helped(dataset, everything["service_month"].min(), everything["service_month"].max()),
    )
    assert total[3:] == (
        encounters["patient_key"].nunique(),
        len(encounters),
        encounters["procedure_count"].sum(),
    )


def added(
    rows: pd.DataFrame, grain: list[str], procedure_cost: str | None = None, **more: Any
) -> pd.DataFrame:
    """Add rows up per grain: procedure_count, and what else is asked for."""
    sums: dict[str, Any] = {"procedure_count": ("procedure_count", "sum"), **more}
    if procedure_cost:
        sums["procedure_cost"] = (procedure_cost, "sum")
    return rows.groupby(grain).agg(**sums).reset_index()


def agree(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Require the expected rows, in the columns that they have, and no others."""
    assert len(found) > 1
    check(found[list(expected.columns)].map(plain), expected)


def helped(dataset: Dataset, first: Any, last: Any) -> list[tuple[Any, ...]]:
    """Return the total row of the function for all months."""
    with (
        closing(scoped.reader(dataset.casebook.databases, LOGIN).connect()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "select * from clients.patients_helped(%s, (%s + interval '1 month')::date)"
            " where specialty_id is null",
            (first, last),
        )
        return cursor.fetchall()


def test_who_may_see_it_sees_it_and_all_that_is_open(dataset: Dataset) -> None:
    for relation, key in (
        ("procedure_extract", "procedure_key"),
        ("encounter_extract", "encounter_key"),
        ("patient_extract", "patient_key"),
    ):
        open_keys = set(dataset.read(LOGIN, relation)[key])
        assert open_keys
        assert open_keys <= set(dataset.read(SIBLING, relation)[key])
    more = dataset.read(SIBLING, "procedure_extract")
    less = dataset.read(LOGIN, "procedure_extract")
    is_open = more["procedure_key"].isin(less["procedure_key"])
    check(more[is_open], less)
    # Encounters that are hospice care by their own code are hidden with all that was done in them.
    in_sight = set(dataset.read(LOGIN, "encounter_extract")["encounter_key"])
    hospice = more[~is_open & more["encounter_key"].isin(in_sight)]
    assert set(hospice["specialty_id"]) == {"hospice"}
    assert set(hospice["procedure_code"]) <= set(HOSPICE)
