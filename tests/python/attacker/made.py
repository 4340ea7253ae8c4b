"""Rows of extracts.restricted_payer_summary by another rule, or of patients who do not exist."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

import pandas as pd
from recomputed import rule

from attacker.figures import Row
from attacker.payers import Cell

# Patients and procedures of a cell.
Counts = Mapping[str, int]


def published(
    cells: Mapping[Cell, Counts],
    protecting: Collection[Cell],
    costs: Mapping[Cell, Decimal] | None = None,
) -> list[Row]:
    """Return the rows of cells: those of few patients and those that protect others are suppressed.

    `costs` are those that are shown, US dollars.
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
                "patient_count": rule.count(counts["patients"], suppressed=hides),
                "procedure_count": rule.count(counts["procedures"], suppressed=hides),
                "total_cost": (costs or {}).get(cell),
                "is_suppressed": hides,
            }
        )
    return rows


def performed(seed: int) -> pd.DataFrame:
    """Return procedures of up to ninety patients of a payer, in some months of two years.

    As in real life, some procedures are done to many and others hardly ever, some again and again;
    of some every one costs the same, of others up to four times as much. Costs are in cents.
    """
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    months = [date(2020 + n // 12, n % 12 + 1, 1) for n in chance.sample(range(24), 8)]
    codes = {str(n): chance.choice((0.02, 0.1, 0.3, 1)) for n in range(chance.randint(2, 9))}
    patients = chance.randint(12, 90)
    again = chance.choice((1, 1, 3, 8))
    prices = {
        code: (chance.choice((400, 43_100, 500_000)), chance.choice((1, 4))) for code in codes
    }
    rows = [
        ("P", month, code, f"patient {chance.randrange(patients)}", cost(chance, *prices[code]))
        for month in months
        for code, often in codes.items()
        for _ in range(int(chance.random() * often * patients) or chance.randint(0, 1))
        for _ in range(chance.randint(1, again))
    ]
    columns = ["payer_name", "service_month", "procedure_code", "patient_id", "cost"]
    return pd.DataFrame(rows, columns=columns)


def cost(chance: random.Random, lowest: int, times: int) -> int:
    """Draw a cost, in cents, from the lowest to some times that."""
    return chance.randint(lowest, lowest * times)
