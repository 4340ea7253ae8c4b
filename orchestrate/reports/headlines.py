"""The few figures that an overview begins with: what each is, and its value in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrate.reports.rows import column, largest, records
from orchestrate.reports.text import counted, integer, listed, money, percent, short_name

if TYPE_CHECKING:
    import pandas as pd

    from orchestrate.reports.data import ResidencyData

Headlines = list[tuple[str, str]]


def residency_headlines(data: ResidencyData) -> Headlines:
    """Return how far the residents are, what of their work counts, and the highest site."""
    progress = records(data.progress)
    if not progress:
        return []
    residents = {row["resident_name"] for row in progress}
    behind = {row["resident_name"] for row in progress if not row["is_met"]}
    met = sum(bool(row["is_met"]) for row in progress)
    found = [("Minimums met", f"{integer(met)} of {integer(len(progress))}")]
    if len(residents) > 1:
        complete = f"{integer(len(residents - behind))} of {integer(len(residents))}"
        found.append(("Residents who have met all", complete))
    rvu = records(data.rvu)
    total = sum(column(rvu, "total_rvu"))
    if total:
        required = 100 * sum(column(rvu, "required_rvu")) / total
        found.append(("Share of RVUs that count", percent(required)))
    for site in records(data.sites):
        if site["is_highest"]:
            share = percent(100 * float(site["required_share"]), 1)
            found.append(("Highest site", f"{site['organization_code']}, {share} required"))
    return found


def procedure_headlines(procedures: pd.DataFrame) -> Headlines:
    """Return what a client's procedures cost in all, how many they are, and which lead."""
    rows = records(procedures)
    if not rows:
        return []
    cost = sum(column(rows, "total_cost"))
    times = integer(sum(column(rows, "procedure_count")))
    found = [
        ("Total cost of procedures", money(cost)),
        ("Procedures performed", f"{times} of {counted(len(rows), 'kind', 'kinds')}"),
    ]
    if cost:
        found.append(("Costs most", _names(largest(rows, "total_cost"))))
    return [*found, ("Performed most", _names(largest(rows, "procedure_count")))]


def activity_headlines(activity: pd.DataFrame, specialties: pd.DataFrame) -> Headlines:
    """Return whom a client's encounters helped in all, and the busiest specialty."""
    rows = [row for row in records(activity) if row["specialty_id"] == "all"]
    if not rows:
        return []
    found = [
        ("Patients helped", integer(len({row["activity_key"] for row in rows}))),
        ("Encounters", integer(sum(column(rows, "encounter_count")))),
        ("Procedures", integer(sum(column(rows, "procedure_count")))),
    ]
    busiest = largest(records(specialties), "procedure_count")
    if busiest:
        found.append(("Busiest specialty", _names(busiest, "specialty_name")))
    return found


def _names(rows: list[dict[str, Any]], key: str = "procedure_name") -> str:
    return listed([short_name(row[key]) for row in rows], 1)
