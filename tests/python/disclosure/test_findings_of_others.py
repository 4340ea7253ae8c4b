"""Findings in the export tell nothing of payers whose rows are hidden, whatever is odd there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from orchestrate.publishing.artifacts import read_build
from tests.python.conftest import Casebook, own_copy
from tests.python.disclosure.mutated import models_of, rebuild

pytestmark = pytest.mark.slow

MART, GATHERED = "management_data_findings", "int_advocacy_findings_gathered"
# Encounters of payers whose rows are hidden, and patients without any other.
HIDDEN = """(
    select encounter_id from intermediate.int_encounters_paid where not detail_is_visible
)"""
OTHERS = "(select patient_id from intermediate.int_patients_visible)"
# What the export could hold of them: by model, what becomes of its rows.
ODD = {
    "no claims": (
        "stg_advocacy__encounters",
        "select {others}, case when is_hidden then 0 else claim_cost end as claim_cost,"
        " case when is_hidden then 7 else payer_coverage_cost end as payer_coverage_cost,"
        " case when is_hidden then started_at + interval '90 years' else started_at end"
        " as started_at",
        HIDDEN,
        "encounter_id in",
    ),
    "dear procedures, twice": (
        "stg_advocacy__procedures",
        "select {others}, case when is_hidden then 1e6 else procedure_cost end as procedure_cost,"
        " case when is_hidden then started_at - interval '90 years' else started_at end"
        " as started_at",
        HIDDEN,
        "encounter_id in",
    ),
    "no homes": (
        "stg_advocacy__patients",
        "select {others}, case when is_hidden then null else zip_code end as zip_code,"
        " case when is_hidden then born_on + 40000 else born_on end as born_on",
        OTHERS,
        "patient_id not in",
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_in_hidden_rows_changes_no_finding(
    what: str, published: Casebook, figure: Callable[[str], None]
) -> None:
    model, select, hidden, condition = ODD[what]
    build = read_build(published.settings.target_dir, published.databases.warehouse.database)
    nodes = models_of(build)
    needed = {name for name, node in nodes.items() if node["name"] in (MART, GATHERED)}
    for name in reversed(list(nodes)):
        if name in needed:
            needed |= nodes.keys() & set(nodes[name]["depends_on"]["nodes"])
    manifest = {**build.manifest, "nodes": {name: nodes[name] for name in needed}}
    (text,) = (node["compiled_code"] for node in nodes.values() if node["name"] == model)
    changed = [one.rpartition(" as ")[2].split()[0] for one in select.split(" end")[1:]]
    with (
        own_copy(published) as copy,
        closing(copy.databases.warehouse.connect()) as connection,
        connection.cursor() as cursor,
    ):
        key = copy.settings.pseudonym_key_path.read_text(encoding="ascii").strip()
        cursor.execute("select set_config('casebook.pseudonym_key', %s, false)", (key,))
        cursor.execute(f"select * from staging.{model} limit 0")
        others = ", ".join(one.name for one in cursor.description if one.name not in changed)
        odd = (
            f"{select.format(others=others)} from"
            f" (select *, {condition} {hidden} as is_hidden from ({text}) as sound) as flagged"
        )
        if "twice" in what:
            odd += " cross join generate_series(1, 1 + is_hidden::integer)"
        mutated = rebuild(replace(build, manifest=manifest), cursor, {model: odd})
        connection.rollback()
    names = {node["name"] for node in mutated.changed.values()}
    assert GATHERED in names
    assert MART not in names
    figure(f"odd rows of hidden payers, {what}: {len(names)} models change, the findings do not")
