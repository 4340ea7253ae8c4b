"""Every relation of schema `management`, recomputed from the CSV files.

Each function returns a DataFrame with the columns of the relation in the order of its contract,
without its key. Where docs/definitions.md leaves something open, the docstring says what is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from recomputed import rule
from recomputed.homes import RADIUS_KM, distances_km, homes
from recomputed.raw import Export

STEP_KM = Decimal("0.25")
QUARTER = Fraction(1, 4)
NOTABLE_Z = 3.5
LEAST_EXPECTED = 5
ENCOUNTERS = (5, 10, 20, 40)
LARGELY = 0.5
OTHER_COUNTIES = "Other counties"
SHOWN_EXACTLY = ("humana", "visible_payers")


def unaffiliated_patient_clusters(export: Export) -> pd.DataFrame:
    """Return a row per cluster of at least eleven unaffiliated patients, without its number.

    The shortest distance is rounded up to 0.25 km. near_share is the true share to the nearest
    quarter, None where 1 to 10 clients' patients live near a member.
    """
    found = homes(export)

    def records() -> Iterator[dict[str, object]]:
        for _, members in found.unaffiliated.dropna(subset="cluster").groupby("cluster"):
            apart = distances_km(members, found.of_clients)
            near = apart <= RADIUS_KM
            patients, members_near = int(near.any(axis=0).sum()), int(near.any(axis=1).sum())
            hides = rule.is_small(patients)
            steps = math.ceil(Decimal(float(apart.min())) / STEP_KM)
            cities = members["city"].value_counts()
            yield {
                "patient_count": rule.count(len(members), suppressed=False),
                "centroid_latitude": round(float(members["lat"].mean()), 2),
                "centroid_longitude": round(float(members["lon"].mean()), 2),
                "main_city": min(cities.index, key=lambda city: (-cities[city], city)),
                "nearest_client_patient_km": None if hides else steps * STEP_KM,
                "client_patients_nearby": rule.count(patients, suppressed=hides),
                "near_share": None if hides else rule.share(members_near, len(members), QUARTER),
                "is_near_clients": patients > 0,
            }

    return pd.DataFrame(records(), dtype=object)


def populations(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows, of procedures or encounters, that each group of payers paid."""
    payer = rows["payer_name"]
    return {
        "humana": rows[payer == "Humana"],
        "visible_payers": rows[~payer.isin(["UnitedHealthcare", "NO_INSURANCE"])],
        "united_healthcare": rows[payer == "UnitedHealthcare"],
        "uninsured": rows[payer == "NO_INSURANCE"],
    }


def area_procedure_association(export: Export) -> pd.DataFrame:
    """Return a row per population, area and procedure of it, also where nobody has both.

    An area is a county, or the pool of those with few patients (see shown_as). Of the populations
    that are exact only pairs with at least five expected have a row, before strata; a population of
    1-10 patients has none. is_exact says which populations have statistics.
    """
    encounters = populations(export.encounters)

    def records() -> Iterator[dict[str, object]]:
        for population, procedures in populations(export.procedures).items():
            patients = compared(procedures, encounters[population])
            if rule.is_small(len(patients)):
                continue
            is_exact = population in SHOWN_EXACTLY
            pairs = tested(procedures, patients, is_exact=is_exact)
            nearest = overlaps(procedures, pairs) if is_exact else {}
            hidden = set() if is_exact else hidden_lines(pairs)
            for row in pairs.to_dict("records"):
                code = row["procedure_code"]
                if is_exact and row["crude_expected_patients"] < LEAST_EXPECTED:
                    continue
                other, share_of_both = nearest.get((row["county"], code), (None, None))
                yield {
                    "population": population,
                    "county": row["county"],
                    "procedure_code": code,
                    "procedure_name": export.procedure_names[code],
                    **(as_shown(row) if is_exact else by_the_rule(row, hides_line=code in hidden)),
                    "overlaps_with": other,
                    "overlap_share": share_of_both,
                    "is_exact": is_exact,
                }

    return pd.DataFrame(records(), dtype=object)


STATISTICS = (
    "observed_patients",
    "expected_patients",
    "adjusted_residual",
    "crude_expected_patients",
    "crude_residual",
    "is_notable",
    "direction",
    "is_suppressed",
)


def compared(procedures: pd.DataFrame, encounters: pd.DataFrame) -> pd.DataFrame:
    """Return the patients with a procedure, by identifier: area and stratum.

    A stratum is the age band at the start of the last of the encounters, with or without
    procedures, and the band of their number.
    """
    county = procedures.groupby("patient_id")["county"].first()
    met = encounters.sort_values("started", kind="stable").groupby("patient_id")
    of_age = met["age_band"].last().reindex(county.index)
    number = np.searchsorted(ENCOUNTERS, met.size().reindex(county.index), side="right")
    return pd.DataFrame(
        {
            "area": county.map(shown_as(county.value_counts())),
            "stratum": of_age + " " + pd.Series(number, county.index).astype(str),
        }
    )


def tested(procedures: pd.DataFrame, patients: pd.DataFrame, *, is_exact: bool) -> pd.DataFrame:
    """Return a row per area and procedure with the measures of the pair as if it were exact.

    Within a stratum patients are dealt out to areas at random: of the number who live in the area
    and had the procedure, that has the mean and the variance of a permutation, and strata add up;
    the sums are rounded to six places.
    `had` is the margin of the procedure. What is notable where the counts are not exact is decided
    at the ends of what they are shown as.
    """
    had = procedures[["patient_id", "procedure_code"]].drop_duplicates()
    had = pd.crosstab(had["patient_id"], had["procedure_code"]).reindex(patients.index)
    lives = pd.get_dummies(patients["area"]).astype(int)
    mean = variance = np.zeros((lives.shape[1], had.shape[1]))
    for _, members in patients.groupby("stratum"):
        living, having = lives.loc[members.index].to_numpy(), had.loc[members.index].to_numpy()
        mean = mean + np.outer(living.sum(axis=0), having.sum(axis=0)) / len(members)
        apart = np.outer(living.var(axis=0), having.var(axis=0)) * len(members) ** 2
        variance = variance + apart / max(len(members) - 1, 1)
    observed = lives.T @ had

    def records() -> Iterator[dict[str, object]]:
        for place, area in enumerate(lives):
            for number, code in enumerate(had):
                margins = (int(had[code].sum()), int(lives[area].sum()), len(patients))
                yield {
                    "county": area,
                    "procedure_code": code,
                    "had": margins[0],
                    **statistics(
                        int(observed.loc[area, code]),
                        round(float(mean[place, number]), 6),
                        round(float(variance[place, number]), 6),
                        *margins,
                        is_exact=is_exact,
                    ),
                }

    return pd.DataFrame(records(), dtype=object)


def statistics(
    observed: int,
    expected: float,
    variance: float,
    had: int,
    live: int,
    everybody: int,
    *,
    is_exact: bool,
) -> dict[str, object]:
    """Return the measures of a pair."""
    crude = live * had / everybody
    spread = crude * (1 - live / everybody) * (1 - had / everybody)
    deviation = math.sqrt(variance)
    residual = (observed - expected) / deviation if deviation else None
    direction = notable(observed, expected, deviation, had, live, everybody, is_exact=is_exact)
    return {
        "observed_patients": observed,
        "expected_patients": expected,
        "adjusted_residual": residual,
        "crude_expected_patients": crude,
        "crude_residual": (
            (observed - crude) / math.sqrt(spread) if live < everybody > had else None
        ),
        "is_notable": direction is not None,
        "direction": direction,
        "is_suppressed": False,
    }


def notable(
    observed: int,
    expected: float,
    deviation: float,
    had: int,
    live: int,
    everybody: int,
    *,
    is_exact: bool,
) -> str | None:
    """Return whether notably more or less are observed, for all that the counts are shown as.

    What is expected, and the variance, is taken to be in proportion to both margins.
    """
    ends = [
        (count, count) if is_exact else rule.interval(count)
        for count in (observed, had, live, everybody)
    ]
    (fewest, most), (least_had, most_had), (least_live, most_live), (_, all_at_most) = ends
    if deviation == 0 or least_had * least_live < LEAST_EXPECTED * all_at_most:
        return None
    smaller = least_had * least_live / (had * live)
    greater = most_had * most_live / (had * live)
    far = NOTABLE_Z * deviation * math.sqrt(greater)
    if fewest - expected * greater >= far:
        return "more"
    return "less" if expected * smaller - most >= far else None


def overlaps(
    procedures: pd.DataFrame, pairs: pd.DataFrame
) -> dict[tuple[str, str], tuple[str, float]]:
    """Return of notable pairs the notable procedure of the same area with the most equal patients.

    Equal means the share of the patients of either, anywhere, who had both; ties by code. Those
    that share less than half are left out.
    """
    patients = procedures.groupby("procedure_code")["patient_id"].agg(set)
    found = {}
    for area, notable_here in pairs[pairs["is_notable"].astype(bool)].groupby("county"):
        codes = sorted(notable_here["procedure_code"])
        for code in codes:
            equal = {
                other: len(patients[code] & patients[other]) / len(patients[code] | patients[other])
                for other in codes
                if other != code
            }
            other = max(equal, key=lambda one: equal[one], default=None)
            if other is not None and equal[other] >= LARGELY:
                found[area, code] = (other, round(equal[other], 2))
    return found


def shown_as(live: pd.Series) -> dict[str, str]:
    """Return the area that each county is shown as, by how many patients live there.

    Those of 1-10 are one, and the county with the fewest patients of the others (ties by alphabet)
    is in it too where they are few together.
    """
    small = [county for county in live.index if rule.is_small(live[county])]
    if rule.is_small(int(live[small].sum())):
        larger = [county for county in live.index if county not in small]
        small += sorted(larger, key=lambda county: (live[county], county))[:1]
    return {county: OTHER_COUNTIES if county in small else county for county in live.index}


def hidden_lines(pairs: pd.DataFrame) -> set[str]:
    """Return the procedures of which no county may be shown, not even one with nobody.

    extracts.restricted_payer_summary shows the procedure's total by the same rule: it is small, or
    it and the counties would narrow one another.
    """
    return {
        code
        for (code, total), rows in pairs.groupby(["procedure_code", "had"])
        if rule.is_small(total) or rule.a_sum_tells_more(total, list(rows["observed_patients"]))
    }


def as_shown(row: dict[str, object]) -> dict[str, object]:
    """Return what is shown of an exact pair: expected to one place, and what is made of it."""
    expected, residual = (
        None if row[name] is None else rounded(row[name], places)
        for name, places in (("expected_patients", "0.1"), ("adjusted_residual", "0.01"))
    )
    return {
        **{name: row[name] for name in STATISTICS},
        "expected_patients": expected,
        "relative_index": row["observed_patients"] / expected if expected else None,
        "adjusted_residual": residual,
    }


def rounded(value: float, step: str) -> float:
    """Round to a step as the database does: of fifteen digits, halves away from zero."""
    return float(Decimal(f"{value:.15g}").quantize(Decimal(step), ROUND_HALF_UP))


def by_the_rule(row: dict[str, object], *, hides_line: bool) -> dict[str, object]:
    """Return what is shown of a pair of people whose rows management may not see."""
    hides = hides_line or rule.is_small(row["observed_patients"])
    direction = None if hides else row["direction"]
    return {
        **dict.fromkeys((*STATISTICS, "relative_index")),
        "observed_patients": rule.count(row["observed_patients"], suppressed=hides),
        "is_notable": direction is not None,
        "direction": direction,
        "is_suppressed": hides,
    }
