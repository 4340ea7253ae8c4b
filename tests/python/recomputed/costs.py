"""Costs of extracts.restricted_payer_summary: how they are rounded, and which are left out.

A cost of a procedure is shown when each number of procedures that the row's count stands for would
be shown with this cost, if all were at the average price. Then whatever the counts allow goes with
all of these costs. A cost of all procedures is shown when what it is made up of leaves room for
eleven of the dearest procedure, at the lowest price, and does not call for more than the fewest of
any procedure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from recomputed import rule

# Payer, kind of period, its start, and procedure: None for all.
Cell = tuple[str, str, date | None, str | None]
Numbers = Mapping[str, int]
ROOM = 11


@dataclass(frozen=True)
class Prices:
    """US dollars by code; `average` also for None, all procedures, if there are rows shown."""

    average: Mapping[str | None, Decimal]
    lowest: Mapping[str, Decimal]
    highest: Mapping[str, Decimal]


def prices(shown: pd.DataFrame, others: pd.DataFrame) -> Prices:
    """Return averages over the payers whose rows are shown, in cents, and what the others paid."""

    def dollars(cents: Decimal) -> Decimal:
        return cents.quantize(Decimal(1), ROUND_HALF_UP) / 100

    average: dict[str | None, Decimal] = {
        code: dollars(Decimal(int(costs.sum())) / len(costs))
        for code, costs in shown.groupby("procedure_code")["cost"]
    }
    if len(shown):
        average[None] = dollars(Decimal(int(shown["cost"].sum())) / len(shown))
    of_others = others.groupby("procedure_code")["cost"]
    lowest, highest = (
        {code: Decimal(int(cents)) / 100 for code, cents in found.items()}
        for found in (of_others.min(), of_others.max())
    )
    return Prices(average, lowest, highest)


def shown_costs(
    found: Mapping[Cell, Numbers], hidden: Collection[Cell], known: Prices
) -> dict[Cell, Decimal]:
    """Return the costs of the cells that are shown; the others have none."""
    return dict(_Costs(found, hidden, known).shown())


class _Costs:
    """The cells of a summary with their costs as far as each may be shown by itself."""

    def __init__(
        self, found: Mapping[Cell, Numbers], hidden: Collection[Cell], known: Prices
    ) -> None:
        self.found, self.hidden, self.known = found, hidden, known
        self.below: dict[Cell, list[str]] = defaultdict(list)
        for payer, kind, start, code in found:
            if kind == "month" and start and code:
                year = start.replace(month=1)
                for period in (("month", start), ("year", year), ("all", None)):
                    for one in (code, None):
                        self.below[(payer, *period, one)].append(code)
        self.candidates = {
            cell: cost for cell in found if (cost := self._rounded(cell)) is not None
        }

    def shown(self) -> Iterator[tuple[Cell, Decimal]]:
        """Yield the cells whose costs are shown."""
        for cell, cost in self.candidates.items():
            if cell[3] is not None or self._leaves_all(cell):
                yield cell, cost.quantize(Decimal("0.01"), ROUND_HALF_UP)

    def _rounded(self, cell: Cell) -> Decimal | None:
        code, numbers = cell[3], self.found[cell]
        average = self.known.average.get(code)
        if (
            cell in self.hidden
            or average is None
            or rule.is_dominated(numbers["total"], numbers["of_two"])
        ):
            return None
        cost = rule.nearest(Decimal(int(numbers["total"])) / 100, rule.step(average))
        if code is None:
            return cost
        if not self.known.lowest[code] <= average <= self.known.highest[code]:
            return None
        same = all(
            rule.nearest(number * average, rule.step(average)) == cost
            for number in rule.interval(numbers["procedures"])
        )
        return cost if same else None

    def _half_step(self, cell: Cell) -> Decimal:
        return rule.step(self.known.average[cell[3]]) / 2

    def _fewest(self, cell: Cell) -> int:
        least = len(self.below[cell])
        if cell in self.hidden:
            return least
        return max(least, rule.interval(self.found[cell]["procedures"])[0])

    def _least(self, cell: Cell) -> Decimal:
        """Return what a cell cost at least."""
        lowest = self.known.lowest
        least = sum((lowest[code] for code in self.below[cell]), Decimal(0))
        if cell[3] is not None and cell not in self.hidden:
            least = max(least, self._fewest(cell) * lowest[cell[3]])
        if cell in self.candidates:
            least = max(least, self.candidates[cell] - self._half_step(cell))
        return least

    def _lines(self, cell: Cell) -> tuple[list[Cell], list[Cell]]:
        """Return the cells that one of all procedures is made up of: procedures, and periods."""
        payer, kind, start, _ = cell
        part = {"all": "year", "year": "month"}.get(kind)
        procedures = [one for one in self.found if one[:3] == cell[:3] and one[3] is not None]
        periods = [
            one
            for one in self.found
            if one[0] == payer
            and one[1] == part
            and one[3] is None
            and (start is None or (one[2] is not None and one[2].year == start.year))
        ]
        return procedures, periods

    def _leaves_all(self, cell: Cell) -> bool:
        """Tell whether a cost of all procedures leaves each of them what its count does."""
        procedures, periods = self._lines(cell)
        cost, half = self.candidates[cell], self._half_step(cell)
        needed = ROOM * max(self.known.lowest[code] for code in self.below[cell])
        for line in (procedures, periods):
            if line and cost + half - sum(map(self._least, line)) < needed:
                return False
        fewest = {one[3]: self._fewest(one) for one in procedures}
        dearest = sorted(
            self.known.highest[str(one[3])] for one in procedures if one in self.hidden
        )
        spare = rule.interval(self.found[cell]["procedures"])[1] - sum(fewest.values())
        most = sum(number * self.known.highest[str(code)] for code, number in fewest.items())
        return bool(most + spare * (dearest[-2] if len(dearest) > 1 else 0) >= cost - half)
