"""What is odd in an export, counted row by row in its CSV files."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import groupby

import pandas as pd

from recomputed.raw import Export, reference

COLUMNS = ["kind", "subject", "row_count", "is_suppressed", "example_file", "detail"]
Cell = tuple[str, str]


def data_findings(export: Export) -> pd.DataFrame:
    """Return management's findings: of encounters of visible payers, and patients who have one."""
    groups = reference("payer_groups").set_index("payer_name")
    names = export.table("payers").set_index("id")["name"]
    encounters = export.table("encounters")
    encounters["payer_name"] = encounters["payer"].map(names)
    is_shown = encounters["payer_name"].map(groups["detail_is_visible"]).eq("true")
    encounters = encounters[is_shown].copy()
    encounters["began"] = pd.to_datetime(encounters["start"], utc=True)
    procedures = export.table("procedures")
    procedures = procedures[procedures["encounter"].isin(set(encounters["id"]))]
    people = export.table("patients").set_index("id")
    seen = people.loc[sorted(set(encounters["patient"]))]
    found: Counter[Cell] = Counter()
    for each in encounters.to_dict("records"):
        found.update((kind, each["payer_name"]) for kind in _of_a_life(each, people))
        found.update((kind, each["payer_name"]) for kind in _of_money(each))
    found.update(_of_procedures(procedures, encounters))
    found.update(
        _uncovered(encounters[encounters["payer_name"].map(groups["is_insured"]) != "false"])
    )
    found.update(("missing_zip", "Patients") for code in seen["zip"] if not code)
    found.update(("unusable_zip", "Patients") for code in seen["zip"] if code and not _is_zip(code))
    months = Counter(began.strftime("%Y-%m") for began in encounters["began"])
    if months:
        found["last_encounter", f"Until {max(months)}"] = months[max(months)]
    said = reference("advocacy_finding_kinds").set_index("kind")
    rows = [
        (kind, subject, count, False, said.at[kind, "example_file"], said.at[kind, "detail"])
        for (kind, subject), count in found.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def _is_zip(code: str) -> bool:
    digits, dash, more = code.partition("-")
    lengths = (len(digits), len(more)) if dash else (len(digits), 4)
    return lengths == (5, 4) and (digits + more).isdecimal() and code.isascii()


def _of_a_life(encounter: dict[str, object], people: pd.DataFrame) -> list[str]:
    person = people.loc[encounter["patient"]]
    day = encounter["began"].strftime("%Y-%m-%d")
    kinds = {
        "encounter_after_death": "" < person["deathdate"] < day,
        "encounter_before_birth": day < person["birthdate"],
    }
    return [kind for kind, is_so in kinds.items() if is_so]


def _of_money(encounter: dict[str, object]) -> list[str]:
    claim = Decimal(encounter["total_claim_cost"])
    kinds = {
        "claim_of_zero": not claim,
        "coverage_above_claim": Decimal(encounter["payer_coverage"]) > claim,
    }
    return [kind for kind, is_so in kinds.items() if is_so]


def _of_procedures(procedures: pd.DataFrame, encounters: pd.DataFrame) -> Counter[Cell]:
    of_encounter = {each["id"]: each for each in encounters.to_dict("records")}
    costs: dict[str, Decimal] = {}
    found: Counter[Cell] = Counter()
    for each in procedures.to_dict("records"):
        encounter = of_encounter[each["encounter"]]
        costs[each["encounter"]] = costs.get(each["encounter"], Decimal()) + Decimal(
            each["base_cost"]
        )
        began = pd.Timestamp(each["start"])
        began = began.tz_localize("UTC") if began.tzinfo is None else began.tz_convert("UTC")
        if (began.year, began.month) != (encounter["began"].year, encounter["began"].month):
            found["procedure_in_other_month", encounter["payer_name"]] += 1
    repeated = procedures[procedures.duplicated()]
    found.update(("equal_rows", of_encounter[key]["payer_name"]) for key in repeated["encounter"])
    found.update(
        ("cost_above_claim", of_encounter[key]["payer_name"])
        for key, cost in costs.items()
        if cost > Decimal(of_encounter[key]["total_claim_cost"])
    )
    return found


def _uncovered(encounters: pd.DataFrame) -> Counter[Cell]:
    """Spans of years with claims and without any coverage, by payer."""
    found: Counter[Cell] = Counter()
    for payer, rows in encounters.groupby("payer_name"):
        years = []
        for year, of_year in rows.groupby(rows["began"].dt.year):
            if any(map(Decimal, of_year["total_claim_cost"])):
                years.append((year, not any(map(Decimal, of_year["payer_coverage"])), len(of_year)))
        for is_uncovered, span in groupby(years, key=lambda one: one[1]):
            if is_uncovered:
                numbers, _, counts = zip(*span, strict=True)
                last = f" to {numbers[-1]}" if len(numbers) > 1 else ""
                found["uncovered_years", f"{payer}, {numbers[0]}{last}"] = sum(counts)
    return found
