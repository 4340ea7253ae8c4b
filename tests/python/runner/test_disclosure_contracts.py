"""A mart that counts other people says how, or is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tiny import model, tiny_manifest

from orchestrate.contracts import Disclosure, Mart, read_marts
from orchestrate.errors import DataError

COLUMNS = {
    "area_key": "text",
    "patient_group": "text",
    "patient_count": "integer",
    "encounter_count": "integer",
    "total_cost": "numeric(18,2)",
    "near_share": "double precision",
    "is_suppressed": "boolean",
}
WHOLE = {
    "counts": ["patient_count", "encounter_count"],
    "money": ["total_cost"],
    "measures": ["near_share"],
    "exact": {"patient_group": ["own"]},
}


def read(disclosure: Any, columns: dict[str, str] = COLUMNS, **readers: str) -> Mart:
    """Read a mart with this declaration."""
    manifest = tiny_manifest()
    columns = {"scope_id": "text", **columns} if "client" in readers else columns
    node = model("areas", "management", columns, ["area_key"], readers or {"management": "all"})
    if disclosure is not None:
        node["config"]["meta"]["disclosure"] = disclosure
    manifest["nodes"][node["unique_id"]] = node
    (mart,) = (one for one in read_marts(manifest) if one.name == "areas")
    return mart


def test_reads_what_is_declared() -> None:
    assert read(WHOLE).disclosure == Disclosure(
        ("patient_count", "encounter_count"),
        ("total_cost",),
        ("near_share",),
        (("patient_group", ("own",)),),
    )
    assert read({"counts": ["patient_count"]}).disclosure == Disclosure(("patient_count",))


def test_what_counts_nobody_else_need_not_declare() -> None:
    exact = {name: type_ for name, type_ in COLUMNS.items() if name != "is_suppressed"}
    assert read(None, exact, client="scope").disclosure is None
    nobody = {"area_key": "text", "is_client_patient": "boolean", "encounter_count": "integer"}
    assert read(None, nobody).disclosure is None


@pytest.mark.parametrize(
    ("disclosure", "text"),
    [
        (None, "declares no config.meta.disclosure, but patient_count, is_suppressed is about"),
        ({"counts": []}, "names no counts"),
        ({"counts": "patient_count"}, "disclosure.counts is not a list"),
        ({"counts": ["patient_count", "visits"]}, "names unknown columns visits"),
        ({**WHOLE, "exact": {"kind": ["own"]}}, "names unknown columns kind"),
        ({**WHOLE, "exact": ["own"]}, "exact is not a mapping"),
        ({**WHOLE, "exact": {"patient_group": "own"}}, "exact.patient_group is not a list"),
        ({**WHOLE, "counts": ["encounter_count"]}, "forgets patient_count"),
        ({**WHOLE, "count": ["patient_count"]}, "has other keys than counts"),
        (["patient_count"], "has other keys than counts"),
        ({**WHOLE, "counts": ["patient_count", "near_share"]}, "near_share is not of a type of co"),
        ({**WHOLE, "money": ["near_share"]}, "near_share is not of a type of money"),
    ],
)
def test_an_open_declaration_is_refused(disclosure: Any, text: str) -> None:
    with pytest.raises(DataError) as raised:
        read(disclosure)
    assert text in str(raised.value)


def test_a_flag_needs_a_declaration_also_where_rows_are_ones_own() -> None:
    with pytest.raises(DataError, match="but is_suppressed is about counts of other people"):
        read(None, client="scope")
