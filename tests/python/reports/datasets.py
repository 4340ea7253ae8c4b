"""Relations made by hand in the shape of the marts, values as the database gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from orchestrate.reports.data import ClientData, ResidencyData
from orchestrate.reports.edition import Coverage, Edition
from orchestrate.reports.pages.activity import ActivityData
from orchestrate.reports.pages.management import ManagementData

CATEGORIES: Mapping[str, tuple[str, int]] = {
    "chest_xray": ("Chest x-ray", 1900),
    "mri_brain": ("MRI brain", 110),
    "mri_lower_extremity_joints": ("MRI lower-extremity joints", 20),
}
# Names as an attacker, or a typing error, may put them into an export.
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<b>bold</b> & <a href='javascript:alert(2)'>link</a>",
    "<img src=x onerror=alert(3)> \"quoted\" 'single'",
    "%{y} $x^2$ &lt;i&gt; {{ 7*7 }}",
    "=1+1",
    "García-Müller, José Ñ",
    "<!-- <style>body{display:none}</style>",
    "Supercalifragilisticexpialidocious-Wolfeschlegelsteinhausenbergerdorff, Bartholomew",
)
EDITION = Edition(
    version=7,
    published_at=datetime(2019, 8, 1, 6, 30, tzinfo=UTC),
    coverage=Coverage("residency", "sample", date(2018, 7, 1), date(2019, 6, 30)),
)


def frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Make a relation of untouched values, as `read_snapshot` does."""
    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def progress(completed: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Make `case_log_progress` from each resident's exams per category."""
    rows = []
    for resident, counts in completed.items():
        for (category, (name, minimum)), count in zip(CATEGORIES.items(), counts, strict=True):
            share = Decimal(100 * count) / minimum
            rows.append(
                (
                    resident,
                    category,
                    name,
                    count,
                    minimum,
                    share,
                    max(minimum - count, 0),
                    count >= minimum,
                )
            )
    return frame(
        (
            "resident_name",
            "category_id",
            "category_name",
            "completed",
            "required_minimum",
            "percent_of_minimum",
            "remaining",
            "is_met",
        ),
        rows,
    )


def wide(steps: pd.DataFrame, column: str) -> pd.DataFrame:
    """Turn a column of `case_log_progress` into a wide report: residents by categories."""
    residents = list(dict.fromkeys(steps["resident_name"]))
    values = {
        (row["resident_name"], row["category_id"]): row[column] for _, row in steps.iterrows()
    }
    return frame(
        ("resident_name", *CATEGORIES),
        [
            (resident, *(values[resident, category] for category in CATEGORIES))
            for resident in residents
        ],
    )


def group(rows: Sequence[tuple[str, int, int, int]]) -> pd.DataFrame:
    """Make `case_log_group_progress` from (category id, credited, surplus, required total)."""
    return frame(
        (
            "category_id",
            "category_name",
            "completed",
            "credited",
            "surplus",
            "remaining",
            "required_total",
        ),
        [
            (key, CATEGORIES[key][0], credited + surplus, credited, surplus, need - credited, need)
            for key, credited, surplus, need in rows
        ],
    )


def rvu(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Make `rvu_by_requirement` from (resident, required, not required)."""
    made = []
    for resident, required, other in rows:
        parts = Decimal(required), Decimal(other)
        made.append((resident, *parts, sum(parts), *parts, Decimal("0.0000")))
    return frame(
        (
            "resident_name",
            "required_rvu",
            "not_required_rvu",
            "total_rvu",
            "required_study_rvu",
            "not_required_study_rvu",
            "unmapped_study_rvu",
        ),
        made,
    )


def sites(rows: Sequence[tuple[str, int, int, bool]]) -> pd.DataFrame:
    """Make `site_requirement_ratio` from (site, required, not required, highest)."""
    made = []
    for site, required, other, highest in rows:
        ratio = Decimal(required) / other if other else None
        share = Decimal(required) / (required + other) if required + other else None
        low = None if share is None else max(share - Decimal("0.02"), Decimal(0))
        high = None if share is None else min(share + Decimal("0.02"), Decimal(1))
        above = required + other >= 100
        rvu = (Decimal(2 * required), Decimal(other), 2 * ratio if ratio is not None else None)
        made.append((site, required, other, 3, ratio, share, low, high, *rvu, 100, above, highest))
    return frame(
        (
            "organization_code",
            "required_studies",
            "not_required_studies",
            "unmapped_studies",
            "ratio",
            "required_share",
            "share_low",
            "share_high",
            "required_rvu",
            "not_required_rvu",
            "rvu_ratio",
            "min_site_studies",
            "is_above_floor",
            "is_highest",
        ),
        made,
    )


def best_site(counts: Sequence[int], others: int, site: str = "MAIN") -> pd.DataFrame:
    """Make `best_site_category_ratio` from the studies per category."""
    return frame(
        (
            "organization_code",
            "category_id",
            "category_name",
            "category_studies",
            "not_required_studies",
            "ratio",
        ),
        [
            (site, key, name, count, others, Decimal(count) / others if others else None)
            for (key, (name, _)), count in zip(CATEGORIES.items(), counts, strict=False)
        ],
    )


def data_findings(rows: Sequence[tuple[str, str, int, str]]) -> pd.DataFrame:
    """Make `data_findings` from (finding, subject, studies, detail)."""
    return frame(
        ("finding_id", "finding", "subject", "study_count", "detail"),
        [(f"{place:02}", *row) for place, row in enumerate(rows)],
    )


def procedures(rows: Sequence[tuple[str, int, int, str]]) -> pd.DataFrame:
    """Make `procedure_summary` from (name, times, patients, total cost); codes count up from 1."""
    costs = sorted(range(len(rows)), key=lambda place: (-Decimal(rows[place][3]), place))
    counts = sorted(range(len(rows)), key=lambda place: (-rows[place][1], place))
    return frame(
        (
            "client_id",
            "procedure_code",
            "procedure_name",
            "specialty_id",
            "procedure_count",
            "patient_count",
            "total_cost",
            "average_cost",
            "cost_rank",
            "count_rank",
        ),
        [
            (
                "united_healthcare",
                str(place + 1),
                name,
                str(place + 1),
                times,
                patients,
                Decimal(cost),
                Decimal(cost) / times,
                costs.index(place) + 1,
                counts.index(place) + 1,
            )
            for place, (name, times, patients, cost) in enumerate(rows)
        ],
    )


def codes(rows: Sequence[tuple[str, str, bool | None, int, int | None]]) -> pd.DataFrame:
    """Make `code_review` from (code, category or none, counts or unknown, studies, changes)."""
    return frame(
        (
            "cpt_code",
            "example_exam",
            "is_known",
            "category_id",
            "counts_by_default",
            "counts_alone",
            "confidence",
            "study_count",
            "rvu",
            "met_change",
            "note",
        ),
        [
            (
                code,
                f"Exam {code}" if studies else None,
                counts is not None,
                category or None,
                counts,
                None if counts is None else True,
                None if counts is None else "low",
                studies,
                Decimal(studies),
                changes,
                None if counts is None else f"About {code}",
            )
            for code, category, counts, studies, changes in rows
        ],
    )


def residency_data(names: Sequence[str] = ("Abel, Ada", "Okafor, Chidi")) -> ResidencyData:
    """Make the program's data for residents (and sites) of these names."""
    steps = progress(
        {name: (900 + 10 * place, 100 + 10 * place, 5 * place) for place, name in enumerate(names)}
    )
    status = wide(steps, "remaining")
    for category in CATEGORIES:
        status[category] = [str(left) if left else "Met" for left in status[category]]
    return ResidencyData(
        totals=wide(steps, "completed"),
        percentages=wide(steps, "percent_of_minimum"),
        status=status,
        progress=steps,
        group_progress=group(
            [
                ("chest_xray", 21000, 0, 47500),
                ("mri_brain", 2500, 150, 2750),
                ("mri_lower_extremity_joints", 480, 130, 500),
            ]
        ),
        rvu=rvu([(name, f"{2000 + place}.1200", "900.5000") for place, name in enumerate(names)]),
        sites=sites(
            [(name, 600 - 10 * place, 500, place == 0) for place, name in enumerate(names)]
        ),
        best_site=best_site((400, 90, 0), 500, names[0]),
        findings=data_findings(
            [("unmapped_exam_code", name, 4, f"About {name}") for name in names]
        ),
        codes=codes(
            [
                ("71046", "chest_xray", True, 900, 1),
                *((name, "mri_brain", False, 40, 2) for name in names),
                ("71260", "", None, 300, None),
            ]
        ),
        edition=EDITION,
    )


def client_data(names: Sequence[str] = ("Colonoscopy", "Depression screening")) -> ClientData:
    """Make a client's data for procedures of these names."""
    return ClientData(
        procedures=procedures(
            [
                (name, 40 - place, 20 - place, f"{1000 * (place + 1)}.50")
                for place, name in enumerate(names)
            ]
        ),
        top_patients=frame(
            (
                "client_id",
                "procedure_code",
                "procedure_name",
                "top_rank",
                "patient_group",
                "patient_count",
                "is_suppressed",
            ),
            [
                ("one", str(place), name, place + 1, group, count, count is None)
                for place, name in enumerate(names[:10])
                for group, count in (("own", 7), ("other_insured", 30), ("uninsured", None))
            ],
        ),
        top_overlap=frame(
            ("client_id", "shared_procedures", "patient_group", "patient_count", "is_suppressed"),
            [
                ("one", number, group, count, count is None)
                for number in (1, 2)
                for group, count in (("other_insured", 40 // number), ("uninsured", None))
            ],
        ),
        edition=EDITION,
    )


def management_data(names: Sequence[str] = ("Suffolk County", "Essex County")) -> ManagementData:
    """Make management's data for counties, cities, clients and procedures of these names."""
    numbered = list(enumerate(names))
    return ManagementData(
        client_areas=frame(
            (
                "area_key",
                "client_id",
                "county",
                "city",
                "patient_count",
                "encounter_count",
                "is_suppressed",
            ),
            [
                (f"{place}{city}", "one", name, city, 30 - place, 120, False)
                for place, name in numbered
                for city in (None, name)
            ],
        ),
        association=frame(
            (
                "association_key",
                "population",
                "county",
                "procedure_code",
                "procedure_name",
                "observed_patients",
                "expected_patients",
                "relative_index",
                "adjusted_residual",
                "crude_expected_patients",
                "crude_residual",
                "is_notable",
                "direction",
                "overlaps_with",
                "overlap_share",
                "is_suppressed",
                "is_exact",
            ),
            [
                (
                    f"{population}{place}{number}",
                    population,
                    county,
                    str(number),
                    procedure,
                    20 + number,
                    20.0 if is_exact else None,
                    1.0 + number / 20 if is_exact else None,
                    4.0 - place if is_exact else None,
                    21.0 if is_exact else None,
                    4.5 - place if is_exact else None,
                    place == 0,
                    "more" if place == 0 else None,
                    other if is_exact and place == 0 else None,
                    0.75 if is_exact and place == 0 and other else None,
                    False,
                    is_exact,
                )
                for population, is_exact in (("one", True), ("other", False))
                for place, county in numbered
                for number, procedure in numbered
                for other in [str(1 - number) if number < 2 <= len(names) else None]
            ],
        ),
        unaffiliated_areas=frame(
            (
                "area_key",
                "county",
                "city",
                "unaffiliated_patient_count",
                "living_unaffiliated_patient_count",
                "deceased_unaffiliated_patient_count",
                "client_patient_count",
                "is_suppressed",
            ),
            [
                (f"{place}{city}", name, city, 40, None if city else 30, None, 20, False)
                for place, name in numbered
                for city in (None, name)
            ],
        ),
        clusters=frame(
            (
                "cluster_id",
                "patient_count",
                "centroid_latitude",
                "centroid_longitude",
                "main_city",
                "nearest_client_patient_km",
                "client_patients_nearby",
                "near_share",
                "is_near_clients",
            ),
            [
                (f"cluster-{place:03}", 20, 42.3 + place / 50, -71.1, name, 0.25, None, None, True)
                for place, name in numbered
            ],
        ),
        findings=frame(
            (
                "finding_key",
                "kind",
                "subject",
                "row_count",
                "is_suppressed",
                "example_file",
                "detail",
            ),
            [
                (
                    f"{place}{kind}",
                    kind,
                    name,
                    count,
                    count is None,
                    "encounters.csv",
                    f"About {name}",
                )
                for place, name in numbered
                for kind, count in (("claim_of_zero", 4000), ("lost_in_landing", None))
            ],
        ),
        nearness=nearness(),
        edition=EDITION,
    )


def nearness(*shares: tuple[float | None, float | None, float | None]) -> pd.DataFrame:
    """Make `unaffiliated_nearness` from (share, lower and upper end by chance) by radius."""
    return frame(
        (
            "radius_km",
            "is_cluster_radius",
            "near_share",
            "chance_low",
            "chance_high",
            "near_outside_clusters",
            "cluster_count",
            "chance_cluster_low",
            "chance_cluster_high",
        ),
        [
            (radius, radius == 0.75, *share, outside, 9, 8, 11)
            for radius, share, outside in zip(
                (0.5, 0.75, 1.0),
                shares or ((0.58, 0.58, 0.64), (0.7, 0.74, 0.8), (None, None, None)),
                (None, 190, 0),
                strict=True,
            )
        ],
    )


def activity_data(names: Sequence[str] = ("Colonoscopy", "Hospice")) -> ActivityData:
    """Make an activity page's data for specialties and hospitals of these names."""
    months = (date(2021, 1, 1), date(2021, 3, 1))
    everything = ("all", "All specialties")
    costs = (Decimal("10.50"), Decimal("99.00"), Decimal("0.00"))
    return ActivityData(
        specialties=frame(
            ("client_id", "specialty_id", "specialty_name", "procedure_count", "patient_count"),
            [("one", str(place), name, 40 - place, 20) for place, name in enumerate(names)],
        ),
        activity=frame(
            (
                "activity_key",
                "client_id",
                "organization_name",
                "specialty_id",
                "specialty_name",
                "service_month",
                "encounter_count",
                "procedure_count",
            ),
            [
                (f"key{place}", "one", name, specialty, specialty_name, month, 1, 2)
                for place, name in enumerate(names)
                for month in months
                for specialty, specialty_name in ((str(place), name), everything)
            ],
        ),
        hospitals=frame(
            (
                "client_id",
                "organization_name",
                "address",
                "city",
                "state",
                "zip",
                "service_month",
                "patient_count",
                "encounter_count",
                "procedure_count",
                "procedure_cost",
                "claim_cost",
                "payer_coverage",
            ),
            [
                ("one", name, name, name, "MA", "02118", month, 1, 1, 2, *costs)
                for name in names
                for month in months
            ],
        ),
        edition=EDITION,
    )


def empty_residency_data() -> ResidencyData:
    """Make the program's data without a row, but with every column."""
    full = residency_data()
    return ResidencyData(
        **{
            name: getattr(full, name).iloc[0:0]
            for name in (
                "totals",
                "percentages",
                "status",
                "progress",
                "group_progress",
                "rvu",
                "sites",
                "best_site",
                "findings",
                "codes",
            )
        }
    )
