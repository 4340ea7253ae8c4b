"""extracts.restricted_payer_summary: periods and procedures, each the sum of smaller ones."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from recomputed import rule

from attacker.figures import Figures, Row

RELATION = "extracts.restricted_payer_summary"

# Payer, kind of period, its start, and procedure; None for all.
Cell = tuple[str, str, date | None, str | None]


# Of costs in programs, in US dollars: whole ones are too long for a solver's precision.
UNIT = 1000.0


@dataclass(frozen=True)
class Price:
    """What an attacker knows of a procedure's price, US dollars: the step of costs, and its ends.

    The ends are those among the payers whose rows are not shown, which no reader knows.
    """

    step: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Payers:
    """The variables of patients and procedures by cell."""

    patients: dict[Cell, int]
    procedures: dict[Cell, int]


def wholes(cell: Cell) -> Iterator[tuple[str, Cell]]:
    """Yield the cells that a cell is part of, each with the line along which it is."""
    payer, kind, start, code = cell
    if code is not None:
        yield "procedures", (payer, kind, start, None)
    if kind == "month" and start:
        yield "months", (payer, "year", start.replace(month=1), code)
    if kind == "year":
        yield "years", (payer, "all", None, code)


def add(figures: Figures, rows: Iterable[Row]) -> Payers:
    """Add patients and procedures of each cell and how they hang together.

    Procedures add up. Patients of a part are patients of the whole, and a patient of the whole is
    in a part. There is a row wherever there is a procedure.
    """
    system = figures.system
    patients: dict[Cell, int] = {}
    procedures: dict[Cell, int] = {}
    for row in rows:
        cell = (row["payer_name"], row["period_kind"], row["period_start"], row["procedure_code"])
        patients[cell] = figures.patients(RELATION, "patient_count", cell, row, some=True)
        name = f"{RELATION}.procedure_count of {', '.join(map(str, cell))}"
        procedures[cell] = figures.things(row, "procedure_count", patients[cell], name)
    for whole, cells in lines(patients):
        system.not_above([patients[whole]], [patients[cell] for cell in cells])
        for cell in cells:
            system.not_above([patients[cell]], [patients[whole]])
        system.same([procedures[whole]], [procedures[cell] for cell in cells])
    return Payers(patients, procedures)


def lines(cells: Iterable[Cell]) -> list[tuple[Cell, list[Cell]]]:
    """Return each cell that others make up, with those, along each line."""
    parts: dict[tuple[str, Cell], list[Cell]] = defaultdict(list)
    for cell in cells:
        for line in wholes(cell):
            parts[line].append(cell)
    return [(whole, found) for (_, whole), found in parts.items()]


def add_costs(
    figures: Figures,
    payers: Payers,
    rows: Iterable[Row],
    prices: Mapping[str | None, Price],
) -> None:
    """Add what costs say: they add up, and each is a number of procedures at between two prices.

    Procedures are whole, so that a cost leaves whole numbers of them.
    """
    system = figures.system
    costs: dict[Cell, int] = {}
    for row in rows:
        cell = (row["payer_name"], row["period_kind"], row["period_start"], row["procedure_code"])
        price, count = prices[cell[3]], payers.procedures[cell]
        costs[cell] = system.variable()
        if row["total_cost"] is not None:
            ends = cost_behind(float(row["total_cost"]), price.step)
            system.between(costs[cell], *(end / UNIT for end in ends))
            if price.lowest > 0 and cell[3] is not None:
                low, high = whole_numbers(*ends, price)
                system.between(count, low, high)
        if cell[3] is not None:
            system.at_most([(count, price.lowest / UNIT), (costs[cell], -1.0)])
            system.at_most([(costs[cell], 1.0), (count, -price.highest / UNIT)])
    for whole, cells in lines(costs):
        system.same([costs[whole]], [costs[cell] for cell in cells])


def cost_behind(shown: float, step: float) -> tuple[float, float]:
    """Return the ends of what a rounded cost stands for."""
    return max(0.0, shown - step / 2), shown + step / 2


def whole_numbers(low: float, high: float, price: Price) -> tuple[int, int]:
    """Return the fewest and the most procedures that cost from `low` to less than `high`."""
    fewest = math.ceil(low / price.highest - 1e-9)
    most = math.ceil(high / price.lowest - 1e-9) - 1
    return fewest, most


def steps_of(average: float) -> float:
    """Return what costs are rounded to multiples of, by the average price."""
    return max(float(rule.HUNDREDS_OF_DOLLARS), float(rule.TENS) * average)
