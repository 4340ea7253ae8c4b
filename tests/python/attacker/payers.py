"""extracts.restricted_payer_summary: periods and procedures, each the sum of smaller ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from attacker.figures import Figures, Row

RELATION = "extracts.restricted_payer_summary"

# Payer, kind of period, its start, and procedure; None for all.
Cell = tuple[str, str, date | None, str | None]


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
        procedures[cell] = figures.things(row, "procedure_count", patients[cell])
    parts: dict[tuple[str, Cell], list[Cell]] = defaultdict(list)
    for cell in patients:
        for line in wholes(cell):
            parts[line].append(cell)
    for (_, whole), cells in parts.items():
        system.not_above([patients[whole]], [patients[cell] for cell in cells])
        for cell in cells:
            system.not_above([patients[cell]], [patients[whole]])
        system.same([procedures[whole]], [procedures[cell] for cell in cells])
    return Payers(patients, procedures)
