"""Findings in the export tell nothing of payers whose rows are hidden, whatever is odd there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import pytest

from orchestrate.publishing.artifacts import Build, read_build
from tests.python.conftest import Casebook, own_copy
from tests.python.disclosure.mutated import models_of, rebuild

pytestmark = pytest.mark.slow

MART, GATHERED = "management_data_findings", "int_advocacy_findings_gathered"
OF_HIDDEN = (
    "encounter_id in (select encounter_id from intermediate.int_encounters_paid"
    " where not detail_is_visible)"
)
OF_NOBODY_SEEN = "patient_id not in (select patient_id from intermediate.int_patients_visible)"


class Odd(NamedTuple):
    """What an export could hold: other values in some rows of a staging model, and these twice."""

    model: str
    rows: str
    values: Mapping[str, str]
    times: int = 1

    def sql(self, sound: str, columns: list[str]) -> str:
        """Return the model's SQL with the odd rows."""
        listed = ", ".join(
            f"case when is_odd then {self.values[name]} else {name} end as {name}"
            if name in self.values
            else name
            for name in columns
        )
        return (
            f"select {listed} from (select *, {self.rows} as is_odd from ({sound}) as sound)"
            f" as flagged cross join generate_series(1, case when is_odd then {self.times} else 1"
            " end)"
        )


ODD = {
    "encounters without claims, after everything": Odd(
        "stg_advocacy__encounters",
        OF_HIDDEN,
        {
            "claim_cost": "0",
            "payer_coverage_cost": "7",
            "started_at": "started_at + interval '90 years'",
        },
    ),
    "dear procedures, twice, long before": Odd(
        "stg_advocacy__procedures",
        OF_HIDDEN,
        {"procedure_cost": "1000000", "started_at": "started_at - interval '90 years'"},
        times=2,
    ),
    "patients without a home, born late": Odd(
        "stg_advocacy__patients",
        OF_NOBODY_SEEN,
        {"zip_code": "null", "born_on": "born_on + 40000", "died_on": "born_on"},
    ),
}


def reading(build: Build, name: str) -> Build:
    """Return a build of nothing but a model and what it reads."""
    nodes = models_of(build)
    needed = {key for key, node in nodes.items() if node["name"] == name}
    for key in reversed(list(nodes)):
        if key in needed:
            needed |= nodes.keys() & set(nodes[key]["depends_on"]["nodes"])
    return replace(build, manifest={**build.manifest, "nodes": {key: nodes[key] for key in needed}})


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_in_hidden_rows_changes_no_finding(
    what: str, published: Casebook, figure: Callable[[str], None]
) -> None:
    odd = ODD[what]
    build = reading(
        read_build(published.settings.target_dir, published.databases.warehouse.database), MART
    )
    sound = {node["name"]: node["compiled_code"] for node in models_of(build).values()}
    key = published.settings.pseudonym_key_path.read_text(encoding="ascii").strip()
    with (
        own_copy(published) as copy,
        closing(copy.databases.warehouse.connect()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select set_config('casebook.pseudonym_key', %s, false)", (key,))
        cursor.execute(f"select * from staging.{odd.model} limit 0")
        columns = [column.name for column in cursor.description]
        changed = rebuild(build, cursor, {odd.model: odd.sql(sound[odd.model], columns)}).changed
        connection.rollback()
    names = {node["name"] for node in changed.values()}
    assert GATHERED in names
    assert MART not in names
    figure(f"odd rows of hidden payers, {what}: {len(names)} models change, the findings do not")
