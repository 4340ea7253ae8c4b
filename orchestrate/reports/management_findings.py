"""One sentence per chart of management's pages, computed from what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from orchestrate.reports.rows import Row, largest, records
from orchestrate.reports.text import (
    as_float,
    counted,
    decimal,
    integer,
    listed,
    percent,
    short_name,
    titled,
)

_POPULATIONS = {
    "uninsured": "The uninsured",
    "visible_payers": "Payers whose rows you may see",
}


def population_name(population: str) -> str:
    """Return how pages call a group of payers' patients; a client by its name."""
    return _POPULATIONS.get(population) or titled(population)


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


def association_finding(pairs: pd.DataFrame) -> str:
    """Say how many pairs could be tested and name the notable ones, or that there is none."""
    tested = [row for row in records(pairs) if as_float(row["adjusted_residual"]) is not None]
    if not tested:
        return "No pair of county and procedure has enough patients to be tested."
    rows = sorted(
        (row for row in tested if row["is_notable"]), key=lambda row: -abs(row["adjusted_residual"])
    )
    could = f"{counted(len(tested), 'pair', 'pairs')} of county and procedure that could be tested"
    if not rows:
        return f"Of {could}, none is notable."
    names = {row["procedure_code"]: short_name(row["procedure_name"]) for row in rows}
    named = [
        f"{short_name(row['procedure_name'])} in {row['county']} ("
        f"{counted(row['observed_patients'], 'patient', 'patients')}, "
        f"{decimal(row['expected_patients'])} expected{_overlap(row, names)})"
        for row in rows
    ]
    verb = "is" if len(rows) == 1 else "are"
    return f"Of {could}, {integer(len(rows))} {verb} notable: {'; '.join(named)}."


def _overlap(row: Row, names: Mapping[str, str]) -> str:
    """Say which other notable procedure is largely the same patients'."""
    if row["overlaps_with"] is None:
        return ""
    both = percent(100 * row["overlap_share"])
    return (
        f"; largely the same patients as {names[row['overlaps_with']]}: {both} of those with "
        "either had both"
    )


def hidden_finding(pairs: pd.DataFrame) -> str:
    """Say of which populations only rounded counts are shown, and which pairs stand out."""
    rows = records(pairs)
    if not rows:
        return "Every population is exact."
    shown = sum(1 for row in rows if not row["is_suppressed"] and row["observed_patients"])
    populations = sorted({row["population"] for row in rows})
    names = listed([population_name(name) for name in populations])
    counts = f"{names}: {counted(shown, 'pair has', 'pairs have')} enough patients to be counted"
    notable = [
        f"{short_name(row['procedure_name'])} in {row['county']}"
        f" ({population_name(row['population'])}, {often(row['direction'])})"
        for row in rows
        if row["is_notable"]
    ]
    if not notable:
        return f"{counts}; none is notable for certain."
    verb = "is" if len(notable) == 1 else "are"
    return f"{counts}; {integer(len(notable))} {verb} notable: {'; '.join(notable)}."


def often(direction: str | None) -> str:
    """Return the direction of a notable pair in words, nothing for other pairs."""
    return f"{direction} often than expected" if direction else ""


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
