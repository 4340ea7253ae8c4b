"""Every relation of schema `extracts`, recomputed from the CSV files.

Each function returns a DataFrame with the columns of the relation in the order of its contract.
Keys are those of the owner `staff`. Where docs/definitions.md leaves something open, the docstring
says what is taken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

import pandas as pd

from recomputed import rule
from recomputed.costs import Cell, prices, shown_costs
from recomputed.raw import Export, Pseudonyms, dollars, reference

OWNER = "staff"
RESTRICTED = ("UnitedHealthcare", "NO_INSURANCE")


def visible(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that neither UnitedHealthcare nor nobody paid for."""
    return rows[~rows["payer_name"].isin(RESTRICTED)]


def patients(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per patient with an encounter of a visible payer.

    All is told by those encounters alone: a client's patient is who has an encounter of a client
    among them, and the age is that at the last.
    """
    clients = reference("clients")["payer_name"]
    encounters = visible(export.encounters).sort_values("started")
    encounters = encounters.assign(is_client=encounters["payer_name"].isin(clients))
    rows = encounters.groupby("patient_id").agg(
        age_band=("age_band", "last"),
        gender=("gender", "last"),
        zip3=("zip3", "last"),
        is_client_patient=("is_client", "any"),
        first_service_month=("service_month", "min"),
        last_service_month=("service_month", "max"),
        encounter_count=("encounter_id", "size"),
    )
    procedures = visible(export.procedures).groupby("patient_id").size()
    rows["procedure_count"] = procedures.reindex(rows.index, fill_value=0)
    rows = rows.reset_index(names="patient_id")
    keys = pseudonyms.of("patient", OWNER, rows.pop("patient_id"))
    rows.insert(0, "patient_key", keys)
    return rows


def encounters(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per encounter of a visible payer. encounter_name is its own description."""
    rows = visible(export.encounters)
    return pd.DataFrame(
        {
            "encounter_key": pseudonyms.of("encounter", OWNER, rows["encounter_id"]),
            "patient_key": pseudonyms.of("patient", OWNER, rows["patient_id"]),
            "payer_name": rows["payer_name"],
            "organization_name": rows["organization_name"],
            "encounter_class": rows["encounter_class"],
            "encounter_code": rows["encounter_code"],
            "encounter_name": rows["encounter_name"],
            "service_month": rows["service_month"],
            "claim_cost": rows["claim"].map(dollars),
            "payer_coverage": rows["coverage"].map(dollars),
        }
    )


def procedures(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per procedure of a visible payer's encounter, without its key.

    procedure_name is the name of the code, as in clients.procedure_summary.
    """
    rows = visible(export.procedures)
    return pd.DataFrame(
        {
            "encounter_key": pseudonyms.of("encounter", OWNER, rows["encounter_id"]),
            "patient_key": pseudonyms.of("patient", OWNER, rows["patient_id"]),
            "payer_name": rows["payer_name"],
            "procedure_code": rows["procedure_code"],
            "procedure_name": rows["procedure_name"],
            "service_month": rows["service_month"],
            "procedure_cost": rows["cost"].map(dollars),
        }
    )


def restricted_payer_summary(export: Export) -> pd.DataFrame:
    """Return a row per restricted payer, period with a procedure, and procedure or all (None).

    Who has procedures in a period counts there, in calendar years and months of the encounter's
    start; the period of kind `all` has no start. A row is suppressed for its few patients, or
    because it would tell of rows below it: see tells_of_others. Which costs are shown is told in
    recomputed.costs.
    """
    rows = export.procedures
    others = rows[rows["payer_name"].isin(RESTRICTED)]
    found = dict(cells(others))
    hidden = tells_of_others(found) | {
        cell for cell in found if rule.is_small(found[cell]["patients"])
    }
    costs = shown_costs(found, hidden, prices(visible(rows), others))

    def records() -> Iterator[dict[str, object]]:
        for (payer, kind, start, code), cell in found.items():
            hides = (payer, kind, start, code) in hidden
            yield {
                "payer_name": payer,
                "period_kind": kind,
                "period_start": start,
                "procedure_code": code,
                "procedure_name": export.procedure_names[code] if code else None,
                "patient_count": rule.count(cell["patients"], suppressed=hides),
                "procedure_count": rule.count(cell["procedures"], suppressed=hides),
                "total_cost": costs.get((payer, kind, start, code)),
                "is_suppressed": hides,
            }

    return pd.DataFrame(records())


def cells(procedures_: pd.DataFrame) -> Iterator[tuple[Cell, dict[str, int]]]:
    """Yield each cell with its patients, procedures, cost and the cost of the top two."""
    starts = {
        "all": pd.Series(date.min, index=procedures_.index),
        "year": procedures_["service_month"].map(lambda month: month.replace(month=1)),
        "month": procedures_["service_month"],
    }
    grain = ["payer_name", "start", "code"]
    for kind, start in starts.items():
        for code in (procedures_["procedure_code"], ""):
            dated = procedures_.assign(start=start, code=code)
            by_patient = dated.groupby([*grain, "patient_id"])["cost"].agg(["size", "sum"])
            by_cell = by_patient.groupby(grain)
            found = pd.DataFrame(
                {
                    "patients": by_cell.size(),
                    "procedures": by_cell["size"].sum(),
                    "total": by_cell["sum"].sum(),
                    "of_two": by_patient.sort_values("sum").groupby(grain)["sum"].apply(top_two),
                }
            )
            for (payer, day, name), cell in zip(found.index, found.to_dict("records"), strict=True):
                yield (payer, kind, None if kind == "all" else day, name or None), cell


def tells_of_others(found: dict[Cell, dict[str, int]]) -> set[Cell]:
    """Return the cells that, shown, would narrow those that they are made up of.

    The parts of a cell are procedures, months or years. Either they are so few patients together
    that the cell's number and a part's narrow one another. Or the cell's procedures, less the
    fewest that all its other parts may have, or less one for each of the other cells of a month and
    a procedure below it, are fewer than the patients that a part or such a cell may look to have.
    """
    parts: dict[tuple[Cell, str], list[Cell]] = defaultdict(list)
    below: Counter[Cell] = Counter()
    for cell in found:
        payer, kind, start, code = cell
        if code:
            parts[(payer, kind, start, None), "procedures"].append(cell)
        if kind == "month" and start:
            year = start.replace(month=1)
            parts[(payer, "year", year, code), "months"].append(cell)
            if code:
                periods = (("month", start), ("year", year), ("all", None))
                below.update((payer, *period, one) for period in periods for one in (code, None))
        if kind == "year":
            parts[(payer, "all", None, code), "years"].append(cell)

    def fewest(cell: Cell) -> int:
        hides = rule.is_small(found[cell]["patients"])
        return below[cell] if hides else max(interval(cell, "procedures")[0], below[cell])

    def interval(cell: Cell, measure: str) -> rule.Interval:
        return rule.interval(found[cell][measure])

    most_hidden = rule.SMALLEST_SHOWN - 1
    tells = {
        cell for cell in found if interval(cell, "procedures")[1] - (below[cell] - 1) < most_hidden
    }
    for (whole, _), cells_ in parts.items():
        low, high = interval(whole, "patients")
        intervals = [interval(cell, "patients") for cell in cells_]
        most = sum(top for _, top in intervals)
        if high > most or any(low - (most - top) > bottom for bottom, top in intervals):
            tells.add(whole)
        spare = interval(whole, "procedures")[1] - sum(map(fewest, cells_))
        for cell, (_, top) in zip(cells_, intervals, strict=True):
            hides = rule.is_small(found[cell]["patients"])
            if spare < (most_hidden - 1 if hides else top - fewest(cell)):
                tells.add(whole)
    return tells


def top_two(ascending: pd.Series) -> int:
    """Add up the two largest of ascending amounts."""
    return int(ascending.iloc[-2:].sum())
