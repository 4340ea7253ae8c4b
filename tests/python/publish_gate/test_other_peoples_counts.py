"""The gate finds counts of other people that break the rule, or that no mart declares."""

from __future__ import annotations

from typing import Any

import pytest
from gate_sql import made
from psycopg2 import Error

from tests.python.publish_gate.conftest import Find

DECLARATION = "assert_counts_of_other_people_are_declared"
COUNTED = "assert_other_peoples_counts_follow_the_rule"
TOLD = "assert_the_build_was_told_the_promised_rule"

OTHER_KEYS = "has other keys than counts, parts, money, measures, exact"
RULE = {
    "counts": ["patient_count", "encounter_count"],
    "parts": ["living_patient_count"],
    "money": ["total_cost"],
    "measures": ["near_share"],
    "exact": {"population": ["own"]},
}
COLUMNS = {
    "area_key": "text",
    "population": "text",
    "patient_count": "integer",
    "encounter_count": "integer",
    "living_patient_count": "integer",
    "total_cost": "numeric(18,2)",
    "near_share": "numeric(9,6)",
    "is_suppressed": "boolean",
}
ROWS = [
    ("'other', 10, 40, 10, 1200, 0.5, false", None),
    ("'other', 0, 0, 0, 0, null, false", None),
    ("'other', 20, 40, 20, null, 0.5, false", None),
    ("'other', null, null, null, null, null, true", None),
    ("null, null, null, null, null, null, true", None),
    ("'own', 3, 7, 10, 12.34, 0.5, false", None),
    ("'other', 3, 40, 10, 1200, 0.5, false", "patient_count is not rounded"),
    ("null, 3, 40, 10, 1200, 0.5, false", "patient_count is not rounded"),
    ("'other', -10, 40, 10, 1200, 0.5, false", "patient_count is not rounded"),
    ("'other', 10, 41, 10, 1200, 0.5, false", "encounter_count is not rounded"),
    ("'other', 10, 40, 10, 1210, 0.5, false", "total_cost is not rounded"),
    ("'other', 10, 40, 10, 1200.01, 0.5, false", "total_cost is not rounded"),
    ("'other', 10, 40, 10, 1200, 0.5, null", "is_suppressed is not known"),
    ("'other', 10, null, null, null, null, true", "patient_count is shown in a suppressed row"),
    ("'other', null, null, null, 100, null, true", "total_cost is shown in a suppressed row"),
    ("'other', null, null, null, null, 0.5, true", "near_share is shown in a suppressed row"),
    ("'other', null, 40, null, 1200, 0.5, false", "patient_count is missing"),
    ("'own', null, null, null, null, null, true", "own rows are suppressed"),
    ("'other', 20, 40, null, 1200, 0.5, false", None),
    ("'other', 20, 40, 7, 1200, 0.5, false", "living_patient_count is not rounded"),
    (
        "'other', null, null, 10, null, null, true",
        "living_patient_count is shown in a suppressed row",
    ),
]


@pytest.mark.parametrize(("row", "text"), ROWS)
def test_counts_of_other_people_follow_the_rule(find: Find, row: str, text: str | None) -> None:
    definitions = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    found = find(
        COUNTED,
        f"create table management.made ({definitions})",
        f"insert into management.made values ('key', {row})",
        marts=[made(COLUMNS, disclosure=RULE)],
    )
    assert found == ([] if text is None else [("made", text, 1)])


PRICED = [
    ("'1', 8630.00", True),
    ("'1', 8600.00", False),
    ("'1', -4315.00", False),
    ("'2', 100.00", True),
    ("'2', 40.00", False),
    ("null, 2000.00", True),
    ("null, 100.00", False),
    ("'3', 100.00", False),
    ("'3', null", True),
    ("'unheard of', 100.00", False),
]


@pytest.mark.parametrize(("row", "is_good"), PRICED)
def test_costs_of_procedures_are_multiples_of_what_ten_cost(
    find: Find, row: str, is_good: bool
) -> None:
    columns = {"procedure_code": "text", "total_cost": "numeric(18,2)"}
    found = find(
        COUNTED,
        "delete from intermediate.int_procedure_prices",
        "insert into intermediate.int_procedure_prices (procedure_code, average_price)"
        " values ('1', 431.50), ('2', 4), (null, 200), ('3', null)",
        "create table management.made (procedure_code text, total_cost numeric(18,2))",
        f"insert into management.made values ({row})",
        marts=[made(columns, disclosure={"money": ["total_cost"]})],
    )
    assert found == ([] if is_good else [("made", "total_cost is not rounded", 1)])


def test_without_a_flag_each_count_is_for_itself(find: Find) -> None:
    columns = {name: type_ for name, type_ in COLUMNS.items() if name != "is_suppressed"}
    make = (
        "create table management.made as select null::int as patient_count,"
        " 20 as encounter_count, null::int as living_patient_count, null::text as population,"
        " 100 as total_cost"
    )
    mart = made(columns, disclosure=RULE)
    assert find(COUNTED, make, marts=[mart]) == []
    assert find(COUNTED, "update management.made set encounter_count = 9", marts=[mart])


SHOWN_COUNTS = [
    ("clients.top_procedure_patients", "patient_count = 3", "patient_group <> 'own'"),
    ("clients.top_procedure_overlap", "patient_count = 3", "not is_suppressed"),
    ("extracts.restricted_payer_summary", "total_cost = 10", "total_cost is not null"),
    ("management.client_patients_by_area", "encounter_count = 21", "encounter_count is not null"),
]


@pytest.mark.parametrize(("relation", "change", "where"), SHOWN_COUNTS)
def test_the_projects_own_marts_are_looked_at(
    find: Find, relation: str, change: str, where: str
) -> None:
    row = f"ctid = (select min(ctid) from {relation} where {where})"
    found = find(COUNTED, f"update {relation} set {change} where {row}")
    column = change.partition(" ")[0]
    problem = (relation.partition(".")[2], f"{column} is not rounded", 1)
    assert problem in found


@pytest.mark.parametrize("told", [{"min_cell_size": 10}, {"dominance_share": 0.95}])
def test_a_build_that_was_told_a_looser_rule_is_found(find: Find, told: dict[str, object]) -> None:
    """Its rows look well: what should have been hidden is shown as any 10 is."""
    assert find(TOLD, variables=told)
    assert not find(TOLD, variables={"min_cell_size": 12, "dominance_share": 0.85})


@pytest.mark.parametrize("variable", ["min_cell_size", "dominance_share"])
def test_a_build_that_was_told_no_rule_is_found(find: Find, variable: str) -> None:
    with pytest.raises(Error, match="none"):
        find(TOLD, variables={variable: None})


DECLARED = [
    (None, "declares no disclosure, but patient_count is about other people"),
    (None, "declares no disclosure, but is_suppressed is about other people"),
    ({"counts": []}, "names no counts"),
    ({"counts": "patient_count"}, "counts is not a list"),
    ({"counts": ["patient_count", "visits"]}, "names an unknown column visits"),
    ({**RULE, "exact": {"kind": ["own"]}}, "names an unknown column kind"),
    ({**RULE, "exact": ["own"]}, "exact is not a mapping of columns to values"),
    ({**RULE, "exact": {"population": "own"}}, "exact.population is not a list"),
    ({**RULE, "counts": ["encounter_count"]}, "forgets patient_count"),
    ({**RULE, "count": ["patient_count"]}, OTHER_KEYS),
    (["patient_count"], OTHER_KEYS),
    ({**RULE, "parts": ["near_share"]}, "near_share is not of a type of counts"),
    ({**RULE, "parts": []}, "forgets living_patient_count"),
    ({**RULE, "counts": ["patient_count", "near_share"]}, "near_share is not of a type of counts"),
    ({**RULE, "money": ["area_key"]}, "area_key is not of a type of money"),
]


@pytest.mark.parametrize(("disclosure", "problem"), DECLARED)
def test_an_open_declaration_is_found(find: Find, disclosure: Any, problem: str) -> None:
    found = find(DECLARATION, marts=[made(COLUMNS, disclosure=disclosure)])
    assert ("made", problem) in found


def test_what_counts_nobody_else_need_not_declare(find: Find) -> None:
    assert find(DECLARATION, marts=[made(COLUMNS, disclosure=RULE)]) == []
    counts = {"counts": ["patient_count", "living_patient_count"]}
    assert find(DECLARATION, marts=[made(COLUMNS, disclosure=counts)]) == []
    exact = {name: type_ for name, type_ in COLUMNS.items() if name != "is_suppressed"}
    assert find(DECLARATION, marts=[made(exact, is_own=True)]) == []
    nobody = {"area_key": "text", "is_client_patient": "boolean", "encounter_count": "integer"}
    assert find(DECLARATION, marts=[made(nobody)]) == []


def test_a_flag_needs_a_declaration_also_where_rows_are_ones_own(find: Find) -> None:
    ((_, problem),) = find(DECLARATION, marts=[made(COLUMNS, is_own=True)])
    assert "is_suppressed is about other people" in problem


def test_a_mart_that_nothing_compares_with_the_export_is_found(find: Find) -> None:
    """It would be published unseen."""
    ((_, problem),) = find(DECLARATION, marts=[made({"area_key": "text"})])
    assert problem == "declares no disclosure and has nothing to compare with the export"
