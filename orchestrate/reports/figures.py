"""The charts: which relation becomes which rows, panels, labels and colours. Pure functions.

Each takes its relation in the order in which it is to be shown and draws one mark per row in every
panel.
"""

from __future__ import annotations

import pandas as pd

from orchestrate.reports.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    VERMILION,
    Drawing,
    Panel,
    Series,
    drawing,
)
from orchestrate.reports.rows import Row, records
from orchestrate.reports.text import (
    as_float,
    counted,
    decimal,
    integer,
    money,
    percent,
    short_name,
)


def group_progress_figure(group: pd.DataFrame) -> Drawing:
    """Draw completed against remaining per category in percent of what the whole group needs.

    So each category has its own scale: 25 times 1,900 chest exams do not flatten 25 times 20 knees.
    """
    rows = records(group)
    names = [str(row["category_name"]) for row in rows]
    needs = [float(row["required_total"]) for row in rows]
    credited = [_of(row["credited"], need) for row, need in zip(rows, needs, strict=True)]
    progress = Panel(
        title="Credited and remaining, in percent of what the group needs",
        weight=2.3,
        tick_suffix=" %",
        series=[
            Series(
                "credited",
                credited,
                BLUE,
                [f"{row['category_name']}: {integer(row['credited'])} credited" for row in rows],
            ),
            Series(
                "remaining",
                [_of(row["remaining"], need) for row, need in zip(rows, needs, strict=True)],
                PALE,
                [f"{row['category_name']}: {integer(row['remaining'])} remaining" for row in rows],
            ),
        ],
        labels=[
            f"{integer(row['credited'])} of {integer(row['required_total'])} · {percent(share)}"
            for row, share in zip(rows, credited, strict=True)
        ],
        narrow_labels=[percent(share) for share in credited],
    )
    surplus = Panel(
        title="Surplus, which covers nobody else's gap",
        weight=1,
        tick_suffix=" %",
        series=[
            Series(
                "surplus",
                [_of(row["surplus"], need) for row, need in zip(rows, needs, strict=True)],
                GREEN,
                [f"{row['category_name']}: {integer(row['surplus'])} beyond" for row in rows],
            )
        ],
        labels=[f"{integer(row['surplus'])}" for row in rows],
    )
    return drawing(
        names,
        [progress, surplus],
        [
            (BLUE, "credited: counted up to each resident's own minimum"),
            (PALE, "remaining"),
            (GREEN, "surplus: beyond a resident's own minimum"),
        ],
        narrow_names=[
            f"{row['category_name']}: {integer(row['credited'])} of "
            f"{integer(row['required_total'])}"
            for row in rows
        ],
    )


def rvu_figure(rvu: pd.DataFrame) -> Drawing:
    """Draw each resident's work RVUs, split by CPT line into required and not; the parts add up."""
    rows = records(rvu)
    panel = Panel(
        title="Work RVUs",
        series=[
            Series(
                "required",
                [as_float(row["required_rvu"]) for row in rows],
                BLUE,
                [
                    f"{row['resident_name']}: {decimal(row['required_rvu'])} required"
                    for row in rows
                ],
            ),
            Series(
                "not required",
                [as_float(row["not_required_rvu"]) for row in rows],
                ORANGE,
                [
                    f"{row['resident_name']}: {decimal(row['not_required_rvu'])} not required"
                    for row in rows
                ],
            ),
        ],
        labels=[f"{integer(row['total_rvu'])} · {_required_share(row)} required" for row in rows],
    )
    return drawing(
        [str(row["resident_name"]) for row in rows],
        [panel],
        [(BLUE, "lines whose CPT code counts in a category"), (ORANGE, "all other lines")],
    )


def site_figure(sites: pd.DataFrame) -> Drawing:
    """Draw each site's ratio of required to not-required studies, and the share with interval."""
    rows = records(sites)
    colors = [VERMILION if row["is_highest"] else GREY for row in rows]
    ratio = Panel(
        title="Required studies per study that is not",
        series=[
            Series(
                "ratio",
                [as_float(row["ratio"]) for row in rows],
                colors,
                [
                    f"{row['organization_code']}: {integer(row['required_studies'])} required to "
                    f"{integer(row['not_required_studies'])} not required"
                    for row in rows
                ],
            )
        ],
        labels=[
            decimal(row["ratio"], 2) + (" · highest" if row["is_highest"] else "") for row in rows
        ],
    )
    share = Panel(
        title="Required share of studies, with its 95 % interval",
        dots=True,
        tick_suffix=" %",
        series=[
            Series(
                "required share",
                [_hundredfold(row["required_share"]) for row in rows],
                colors,
                [
                    f"{row['organization_code']}: {_share(row['required_share'])}, between "
                    f"{_share(row['share_low'])} and {_share(row['share_high'])}"
                    for row in rows
                ],
                low=[_hundredfold(row["share_low"]) for row in rows],
                high=[_hundredfold(row["share_high"]) for row in rows],
            )
        ],
        labels=[_share(row["required_share"]) for row in rows],
    )
    return drawing(
        [str(row["organization_code"]) for row in rows],
        [ratio, share],
        [(VERMILION, "the site with the highest ratio"), (GREY, "other sites")],
    )


def best_site_figure(best_site: pd.DataFrame) -> Drawing:
    """Draw, at the highest site, each category's studies per study that is not required."""
    rows = records(best_site)
    panel = Panel(
        title="Studies of the category per study that is not required",
        series=[
            Series(
                "ratio",
                [as_float(row["ratio"]) for row in rows],
                VERMILION,
                [
                    f"{row['category_name']}: {integer(row['category_studies'])} to "
                    f"{integer(row['not_required_studies'])} not required"
                    for row in rows
                ],
            )
        ],
        labels=[
            f"{decimal(row['ratio'], 3)} · {counted(row['category_studies'], 'study', 'studies')}"
            for row in rows
        ],
    )
    return drawing([str(row["category_name"]) for row in rows], [panel])


def cost_figure(procedures: pd.DataFrame) -> Drawing:
    """Draw the total cost of every procedure, highest first."""
    rows = records(procedures)
    panel = Panel(
        title="Total cost, US dollars",
        tick_prefix="$",
        series=[
            Series(
                "total cost",
                [as_float(row["total_cost"]) for row in rows],
                BLUE,
                [
                    f"{short_name(row['procedure_name'])}: {money(row['total_cost'])}"
                    for row in rows
                ],
            )
        ],
        labels=[f"{money(row['total_cost'])} · {_patients(row)}" for row in rows],
    )
    return drawing([short_name(row["procedure_name"]) for row in rows], [panel])


def count_figure(procedures: pd.DataFrame) -> Drawing:
    """Draw how often every procedure was performed, most first."""
    rows = records(procedures)
    panel = Panel(
        title="Times performed",
        series=[
            Series(
                "procedures",
                [as_float(row["procedure_count"]) for row in rows],
                BLUE,
                [
                    f"{short_name(row['procedure_name'])}: {integer(row['procedure_count'])}"
                    for row in rows
                ],
            )
        ],
        labels=[f"{integer(row['procedure_count'])} · {_patients(row)}" for row in rows],
    )
    return drawing([short_name(row["procedure_name"]) for row in rows], [panel])


def _of(part: object, whole: float) -> float:
    return 100 * (as_float(part) or 0.0) / whole if whole else 0.0


def _hundredfold(share: object) -> float | None:
    number = as_float(share)
    return None if number is None else 100 * number


def _share(share: object) -> str:
    return percent(_hundredfold(share), 1)


def _required_share(row: Row) -> str:
    total = as_float(row["total_rvu"])
    return percent(_of(row["required_rvu"], total) if total else None)


def _patients(row: Row) -> str:
    return counted(row["patient_count"], "patient", "patients")
