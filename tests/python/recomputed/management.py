"""Every relation of schema `management`, recomputed from the CSV files.

Each function returns a DataFrame with the columns of the relation in the order of its contract,
without its key. Where docs/definitions.md leaves something open, the docstring says what is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from recomputed import rule
from recomputed.homes import RADIUS_KM, distances_km, homes
from recomputed.raw import Export

STEP_KM = Decimal("0.25")
QUARTER = Fraction(1, 4)
NOTABLE_Z = 3.5
LEAST_EXPECTED = 5
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


def populations(export: Export) -> dict[str, pd.DataFrame]:
    """Return the procedures that each group of payers paid."""
    procedures = export.procedures
    payer = procedures["payer_name"]
    return {
        "humana": procedures[payer == "Humana"],
        "visible_payers": procedures[~payer.isin(["UnitedHealthcare", "NO_INSURANCE"])],
        "united_healthcare": procedures[payer == "UnitedHealthcare"],
        "uninsured": procedures[payer == "NO_INSURANCE"],
    }


def area_procedure_association(export: Export) -> pd.DataFrame:
    """Return a row per population, area and procedure of it, also where nobody has both.

    An area is a county, or the pool of those with few patients (see shown_as). Of the populations
    that are exact only pairs with at least five expected have a row; one of 1-10 patients has none.

    Of N patients of the population, R live in the county and C had the procedure: expected is
    R * C / N, and the residual that of the two-by-two table of patients,
    (observed - expected) / sqrt(expected * (1 - R / N) * (1 - C / N)); None where that divides
    by 0. is_notable is false without a residual; is_exact says which populations have statistics.
    """

    def records() -> Iterator[dict[str, object]]:
        for population, procedures in populations(export).items():
            living = procedures[["patient_id", "county"]].drop_duplicates()
            if rule.is_small(len(living)):
                continue
            areas = shown_as(living.groupby("county").size())
            named = procedures.assign(county=procedures["county"].map(areas))
            patients = named[["patient_id", "county"]].drop_duplicates()
            pairs = named[["patient_id", "county", "procedure_code"]].drop_duplicates()
            observed = pairs.groupby(["county", "procedure_code"]).size()
            had = pairs.groupby("procedure_code").size()
            live = patients.groupby("county").size()
            hidden = set() if population in SHOWN_EXACTLY else hidden_lines(observed, had, live)
            for county in live.index:
                for code in had.index:
                    count = int(observed.get((county, code), 0))
                    if population in SHOWN_EXACTLY and (
                        live[county] * had[code] < LEAST_EXPECTED * len(patients)
                    ):
                        continue
                    yield {
                        "population": population,
                        "county": county,
                        "procedure_code": code,
                        "procedure_name": export.procedure_names[code],
                        **(
                            statistics(count, live[county], had[code], len(patients))
                            if population in SHOWN_EXACTLY
                            else by_the_rule(count, hides_line=code in hidden)
                        ),
                    }

    return pd.DataFrame(records(), dtype=object)


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


def statistics(observed: int, live: int, had: int, patients: int) -> dict[str, object]:
    """Return the measures of a cell that is shown exactly."""
    expected = live * had / patients
    spread = expected * (1 - live / patients) * (1 - had / patients)
    residual = (observed - expected) / math.sqrt(spread) if live < patients > had else None
    return {
        "observed_patients": observed,
        "expected_patients": expected,
        "relative_index": observed / expected,
        "adjusted_residual": residual,
        "is_notable": residual is not None
        and expected >= LEAST_EXPECTED
        and abs(residual) >= NOTABLE_Z,
        "is_suppressed": False,
        "is_exact": True,
    }


def hidden_lines(observed: pd.Series, had: pd.Series, live: pd.Series) -> set[str]:
    """Return the procedures of which no county may be shown, not even one with nobody.

    extracts.restricted_payer_summary shows the procedure's total by the same rule: it is small, or
    it and the counties would narrow one another.
    """
    return {
        code
        for code, total in had.items()
        if rule.is_small(total)
        or rule.a_sum_tells_more(
            total, [int(observed.get((county, code), 0)) for county in live.index]
        )
    }


def by_the_rule(observed: int, *, hides_line: bool) -> dict[str, object]:
    """Return the measures of a cell of people whose rows management may not see."""
    hides = hides_line or rule.is_small(observed)
    return {
        "observed_patients": rule.count(observed, suppressed=hides),
        "expected_patients": None,
        "relative_index": None,
        "adjusted_residual": None,
        "is_notable": False,
        "is_suppressed": hides,
        "is_exact": False,
    }
