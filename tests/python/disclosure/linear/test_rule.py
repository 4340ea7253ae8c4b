"""The rule for other people's counts against the attacker, on people who do not exist.

The rule as the recomputation has it, which tests hold against the marts cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from attacker.figures import FEW, Figures
from attacker.made import performed, published
from attacker.payers import RELATION, Cell, Payers, Price, add, add_costs, steps_of
from attacker.system import Outcome, System, Target, attack
from recomputed import rule
from recomputed.costs import Prices, prices, shown_costs
from recomputed.extracts import cells, tells_of_others

Found = dict[Cell, dict[str, int]]
YEARS = (date(2020, 1, 1), date(2021, 1, 1))


def figures_of(found: Found) -> Figures:
    """Return an attacker's figures, who is told the truth about suppressed rows of these cells."""
    return Figures(System(), lambda relation, column, grain: found[grain]["patients"], [])


def by_the_rule(figures: Figures, found: Found, known: Prices | None = None) -> Payers:
    """Add what the rule publishes of cells, with their costs where it is told of prices."""
    costs = shown_costs(found, hidden_of(found), known) if known else {}
    rows = published(found, tells_of_others(found), costs)
    variables = add(figures, rows)
    if known:
        add_costs(figures, variables, rows, told_of(known))
    return variables


def hidden_of(found: Found) -> set[Cell]:
    """Return the cells that are suppressed."""
    few = {cell for cell in found if rule.is_small(found[cell]["patients"])}
    return few | tells_of_others(found)


def add_costs_by_hundreds(figures: Figures, found: Found, known: Prices) -> None:
    """Add what would be published if all costs were, rounded to hundreds."""
    hidden = hidden_of(found)
    costs = {
        cell: rule.nearest(Decimal(numbers["total"]) / 100, Decimal(100))
        for cell, numbers in found.items()
        if cell not in hidden
    }
    rows = published(found, tells_of_others(found), costs)
    told = {code: replace(price, step=100.0) for code, price in told_of(known).items()}
    add_costs(figures, add(figures, rows), rows, told)


def told_of(known: Prices) -> dict[str | None, Price]:
    """Return what an attacker is told of prices."""
    return {
        code: Price(
            steps_of(float(average)),
            float(known.lowest.get(str(code), 0)),
            float(known.highest.get(str(code), 0)),
        )
        for code, average in known.average.items()
    }


def made(*patients: tuple[date, str, int], again: int = 4) -> Found:
    """Return the cells of this many patients in a month with a procedure, each `again` times."""
    rows = [
        ("P", month, code, f"{month} {code} {number}", 100)
        for month, code, count in patients
        for number in range(count)
        for _ in range(again)
    ]
    columns = ["payer_name", "service_month", "procedure_code", "patient_id", "cost"]
    return dict(cells(pd.DataFrame(rows, columns=columns)))


def of_patients(targets: list[Target]) -> list[Target]:
    """Return the numbers of patients among targets."""
    return [target for target in targets if "patient_count" in target.name]


def test_payers_of_all_kinds_are_hardly_narrowed(soak: bool, figure: Callable[[str], None]) -> None:
    """The rule looks at a line of figures at a time, and lines cross.

    In small exports where nearly everybody has one procedure a few cells of many are narrowed, and
    never to a single number. Without rows suppressed to protect others it would be many more.
    """
    attacked = narrowed = unprotected = 0
    for seed in range(200 if soak else 4):
        found = dict(cells(performed(seed)))
        figures, naive = figures_of(found), figures_of(found)
        by_the_rule(figures, found)
        add(naive, published(found, protecting=()))
        outcome = attack(figures.system, of_patients(figures.targets))
        attacked += outcome.attacked
        narrowed += len(outcome.narrowed)
        unprotected += len(attack(naive.system, of_patients(naive.targets)).narrowed)
        assert all(one.high - one.low > 1 for one in outcome.narrowed), seed
    figure(
        f"Disclosure, made payers: {attacked} cells attacked, {narrowed} narrowed,"
        f" {unprotected} if only few patients were suppressed"
    )
    assert narrowed <= attacked / 200
    assert unprotected > 5 * narrowed


def test_costs_of_payers_of_all_kinds_narrow_nothing(
    soak: bool, figure: Callable[[str], None]
) -> None:
    """What is narrowed with costs is narrowed by counts alone; by costs in hundreds it is more."""
    attacked = by_hundreds = shown = 0
    for seed in range(200 if soak else 4):
        rows = performed(seed)
        found, known = dict(cells(rows)), prices(rows, rows)
        alone, costs, hundreds = (figures_of(found) for _ in range(3))
        by_the_rule(alone, found)
        by_the_rule(costs, found, known)
        add_costs_by_hundreds(hundreds, found, known)
        narrowed = names(attack(alone.system, alone.targets))
        outcome = attack(costs.system, costs.targets)
        attacked += outcome.attacked
        shown += len(shown_costs(found, hidden_of(found), known))
        by_hundreds += len(names(attack(hundreds.system, hundreds.targets)) - narrowed)
        assert names(outcome) <= narrowed, seed
    figure(
        f"Disclosure, made payers: {attacked} cells attacked, none narrowed by {shown} costs,"
        f" {by_hundreds} if they were rounded to hundreds"
    )
    assert by_hundreds > attacked / 50


def names(outcome: Outcome) -> set[str]:
    """Return what an attack narrowed."""
    return {one.target.name for one in outcome.narrowed}


def test_without_suppression_for_others_months_are_narrowed() -> None:
    """Twelve patients in six months, once each: fourteen procedures at most, one in each month."""
    found = made(*((date(2020, month, 1), "1", 2) for month in range(1, 7)), again=1)
    figures = figures_of(found)
    add(figures, published(found, protecting=()))
    months = {one.target.name: one.high for one in attack(figures.system, figures.targets).narrowed}
    assert months[f"{RELATION}.patient_count of P, month, 2020-03-01, 1"] == pytest.approx(9)


def test_one_hidden_cell_in_a_line_of_exact_counts_is_recovered() -> None:
    found = made((YEARS[0], "1", 30), (YEARS[0], "2", 25), (YEARS[0], "3", 3), again=1)
    hidden: Cell = ("P", "month", YEARS[0], "3")
    exact = figures_of(found)
    variables = add(exact, published(found, protecting=()))
    for cell, counts in found.items():
        if counts["patients"] > FEW:
            # Procedures, one for each patient: they add up, as patients seldom do.
            exact.system.adds_up_to([variables.procedures[cell]], counts["procedures"])
    (one,) = (
        one
        for one in attack(exact.system, exact.targets).narrowed
        if one.target.variable == variables.patients[hidden]
    )
    assert one.high == pytest.approx(3)
    rounded = figures_of(found)
    by_the_rule(rounded, found)
    assert attack(rounded.system, rounded.targets).narrowed == []


def test_years_of_few_patients_whose_sum_is_not_small_are_not_narrowed() -> None:
    """Eight and eight are 16, shown as 20 (15 to 24): shown, either year had five at least."""
    found = made((YEARS[0], "1", 8), (YEARS[1], "1", 8))
    unprotected = figures_of(found)
    add(unprotected, published(found, protecting=()))
    lows = {one.low for one in attack(unprotected.system, unprotected.targets).narrowed}
    assert any(low == pytest.approx(5) for low in lows)
    protected = figures_of(found)
    by_the_rule(protected, found)
    assert attack(protected.system, protected.targets).narrowed == []


def test_many_procedures_of_one_patient_are_one_patient() -> None:
    found = made((YEARS[0], "1", 1), again=90)
    assert {row["is_suppressed"] for row in published(found, tells_of_others(found))} == {True}


@pytest.mark.parametrize(("patients", "shown"), [(10, None), (11, 10), (14, 10), (15, 20)])
def test_ten_patients_are_hidden_and_eleven_are_ten(patients: int, shown: int | None) -> None:
    found = made((YEARS[0], "1", patients))
    rows = published(found, tells_of_others(found))
    assert {row["patient_count"] for row in rows} == {shown}


@pytest.mark.parametrize("patients", [3, 10, 14, 24])
def test_two_releases_one_patient_apart(patients: int) -> None:
    """Another patient makes ten eleven, or changes what a row is rounded to, in all rows above too.

    The attacker knows that exports grow: no count of the second release is below the first's.
    """
    others = [(YEARS[0], "2", 30), (YEARS[1], "1", 6), (YEARS[1], "2", 25)]
    releases = [made((YEARS[0], "1", count), *others) for count in (patients, patients + 1)]
    system, targets, known = System(), list[Target](), list[Payers]()
    for found in releases:
        figures = Figures(system, figures_of(found).told, targets)
        known.append(by_the_rule(figures, found))
    first, second = known
    for cell in first.patients:
        system.not_above([first.patients[cell]], [second.patients[cell]])
        system.not_above([first.procedures[cell]], [second.procedures[cell]])
    assert attack(system, of_patients(targets)).narrowed == []
