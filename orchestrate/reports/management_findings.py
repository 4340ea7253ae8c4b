"""One sentence per chart of management's pages, computed from what it shows."""

from __future__ import annotations

import pandas as pd

from orchestrate.reports.rows import largest, records
from orchestrate.reports.text import as_float, counted, decimal, integer, listed, titled


def areas_finding(areas: pd.DataFrame) -> str:
    """Say per client in which county more of its patients live than in any other."""
    counties = [row for row in records(areas) if row["city"] is None]
    parts = []
    for client in sorted({row["client_id"] for row in counties}):
        shown = [row for row in counties if row["client_id"] == client and row["patient_count"]]
        if shown:
            top = largest(shown, "patient_count")
            each = " each" if len(top) > 1 else ""
            parts.append(
                f"{titled(client)}, {listed([row['county'] for row in top])} (about "
                f"{integer(top[0]['patient_count'])}{each})"
            )
    if not parts:
        return "No client has enough patients in a county to show."
    return f"The county with the most patients, by client: {'; '.join(parts)}."


def association_finding(notable: pd.DataFrame, pair_count: int) -> str:
    """Name the notable pairs, or say plainly that there is none."""
    rows = sorted(records(notable), key=lambda row: -abs(row["adjusted_residual"]))
    looked = counted(pair_count, "pair", "pairs")
    if not rows:
        return f"No pair of county and procedure is notable, of {looked} looked at."
    named = [
        f"{row['procedure_name']} in {row['county']} ("
        f"{integer(row['observed_patients'])} patients, "
        f"{decimal(row['expected_patients'])} expected)"
        for row in rows
    ]
    verb = "is" if len(rows) == 1 else "are"
    return f"{len(rows)} of {looked} {verb} notable: {'; '.join(named)}."


def hidden_finding(pairs: pd.DataFrame) -> str:
    """Say of which populations only rounded counts are shown, and of how many pairs."""
    rows = records(pairs)
    if not rows:
        return "Every population is exact."
    shown = sum(1 for row in rows if not row["is_suppressed"] and row["observed_patients"])
    names = listed([titled(name) for name in sorted({row["population"] for row in rows})])
    return f"{names}: {counted(shown, 'pair has', 'pairs have')} enough patients to be counted."


def unaffiliated_finding(areas: pd.DataFrame) -> str:
    """Say where most unaffiliated patients live."""
    shown = [
        row
        for row in records(areas)
        if row["city"] is None and as_float(row["unaffiliated_patient_count"])
    ]
    if not shown:
        return "No county has enough unaffiliated patients to show."
    top = max(shown, key=lambda row: (row["unaffiliated_patient_count"], row["county"]))
    return (
        f"Most unaffiliated patients live in {top['county']}: about "
        f"{integer(top['unaffiliated_patient_count'])}, next to about "
        f"{integer(top['client_patient_count'])} of clients."
    )


def clusters_finding(clusters: pd.DataFrame) -> str:
    """Say how many groups there are and how many lie near clients' patients."""
    rows = records(clusters)
    if not rows:
        return "No group of unaffiliated patients is dense enough to be shown."
    near = sum(bool(row["is_near_clients"]) for row in rows)
    largest = max(rows, key=lambda row: row["patient_count"])
    return (
        f"{counted(len(rows), 'group', 'groups')} of unaffiliated patients, {near} of them with "
        f"clients' patients nearby; the largest has about {integer(largest['patient_count'])} "
        f"patients around {largest['main_city'] or 'an unnamed city'}."
    )
