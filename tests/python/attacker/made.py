"""Rows of extracts.restricted_payer_summary by another rule, or of patients who do not exist."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from datetime import date

import pandas as pd
from recomputed import rule

from attacker.figures import Row
from attacker.payers import Cell

# Patients and procedures of a cell.
Counts = Mapping[str, int]


def published(
    cells: Mapping[Cell, Counts],
    protecting: Collection[Cell],
    show: Callable[[int], int] = lambda count: int(rule.count(count, suppressed=False) or 0),
) -> list[Row]:
    """Return the rows of cells: those of few patients and those that protect others are suppressed.

    `show` rounds a count, as the rule does unless told otherwise.
    """
    rows = []
    for cell, counts in cells.items():
        hides = rule.is_small(counts["patients"]) or cell in protecting
        rows.append(
            {
                **dict(
                    zip(
                        ("payer_name", "period_kind", "period_start", "procedure_code"),
                        cell,
                        strict=True,
                    )
                ),
                "patient_count": None if hides else show(counts["patients"]),
                "procedure_count": None if hides else show(counts["procedures"]),
                "is_suppressed": hides,
            }
        )
    return rows


def performed(seed: int) -> pd.DataFrame:
    """Return procedures of up to ninety patients of a payer, in some months of two years.

    As in real life, some procedures are done to many and others hardly ever, some again and again.
    """
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    months = [date(2020 + n // 12, n % 12 + 1, 1) for n in chance.sample(range(24), 8)]
    codes = {str(n): chance.choice((0.02, 0.1, 0.3, 1)) for n in range(chance.randint(2, 9))}
    patients = chance.randint(12, 90)
    again = chance.choice((1, 1, 3, 8))
    rows = [
        ("P", month, code, f"patient {chance.randrange(patients)}", 100)
        for month in months
        for code, often in codes.items()
        for _ in range(int(chance.random() * often * patients) or chance.randint(0, 1))
        for _ in range(chance.randint(1, again))
    ]
    columns = ["payer_name", "service_month", "procedure_code", "patient_id", "cost"]
    return pd.DataFrame(rows, columns=columns)
