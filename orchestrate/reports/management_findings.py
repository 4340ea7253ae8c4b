"""One sentence per chart of management's pages, computed from what it shows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from orchestrate.reports.rows import records
from orchestrate.reports.text import as_float, counted, decimal, integer, listed, percent, titled


def areas_finding(areas: pd.DataFrame) -> str:
    """Say per client in which county more of its patients live than in any other."""
    counties = [row for row in records(areas) if row["city"] is None]
    parts = []
    for client in sorted({row["client_id"] for row in counties}):
        shown = [
            row
            for row in counties
            if row["client_id"] == client and row["patient_count"] is not None
        ]
        if shown:
            top = max(shown, key=lambda row: (row["patient_count"], row["county"]))
            parts.append(
                f"{titled(client)}, {top['county']} (about {integer(top['patient_count'])})"
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
    """Say where most unaffiliated patients live, and how many of them have died since."""
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
        f"{_deceased(top['deceased_unaffiliated_patient_count'])}"
    )


def _deceased(count: object) -> str:
    return "" if not count else f" About {integer(count)} of the unaffiliated have died."


def nearness_finding(nearness: pd.DataFrame) -> str:
    """Say whether unaffiliated patients live closer to clients' patients than chance has it.

    Told of the radius that groups are found with, from the figures that are shown.
    """
    row = _of_groups(nearness)
    if row is None or row["near_share"] is None:
        return "Too few living unaffiliated patients are known by their homes for a comparison."
    verdict = {
        1: "So they live closer to clients' patients than chance would have it.",
        0: "So they live no closer to clients' patients than chance would have it, and no farther.",
        -1: "So they live farther from clients' patients than chance would have it.",
    }[than_chance(row["near_share"], row["chance_low"], row["chance_high"])]
    share = percent(100 * float(row["near_share"]))
    lots = between(row["chance_low"], row["chance_high"])
    return (
        f"About {share} of living unaffiliated patients live within "
        f"{decimal(row['radius_km'], 2)} km of a client's patient; if it were drawn by lot who of "
        f"all these people is a client's, it would be {lots}. {verdict}"
    )


def than_chance(value: float, low: float, high: float) -> int:
    """Tell whether a value is above (1), within (0) or below (-1) what chance makes of it."""
    return (value > high) - (value < low)


def between(low: float, high: float) -> str:
    """Write two shares as a range of percentages."""
    ends = [percent(100 * float(end)) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0].removesuffix('%').strip()} to {ends[1]}"


def _of_groups(nearness: pd.DataFrame) -> dict[str, Any] | None:
    return next((row for row in records(nearness) if row["is_cluster_radius"]), None)


def clusters_finding(clusters: pd.DataFrame, nearness: pd.DataFrame) -> str:
    """Say how many groups there are, how many lie near clients' patients, and what is outside."""
    rows = records(clusters)
    row = _of_groups(nearness)
    outside = row["near_outside_clusters"] if row else None
    alone = ""
    if outside:
        alone = f" About {integer(outside)} who live near a client's patient are in no group."
    if not rows:
        return f"No group of unaffiliated patients is dense enough to be shown.{alone}"
    near = sum(bool(row["is_near_clients"]) for row in rows)
    largest = max(rows, key=lambda row: row["patient_count"])
    return (
        f"{counted(len(rows), 'group', 'groups')} of living unaffiliated patients, {near} of them "
        f"with clients' patients nearby; the largest has about {integer(largest['patient_count'])} "
        f"patients around {largest['main_city'] or 'an unnamed city'}.{alone}"
    )
