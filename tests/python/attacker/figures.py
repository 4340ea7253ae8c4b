"""What one published figure says of the number behind it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from recomputed import rule

from attacker.system import System, Target

FEW = rule.SMALLEST_SHOWN - 1
STEP = int(rule.TENS)

# A row of a published relation, by column.
Row = Mapping[str, Any]
# How many patients are behind a suppressed row, by relation, column and grain; None where not
# even the attacker is told.
Told = Callable[[str, str, tuple[Hashable, ...]], int | None]


def behind(shown: int, least: int = 0) -> tuple[int, int]:
    """Return the ends of what a rounded count stands for; `least` is known otherwise."""
    if shown == 0:
        return 0, 0
    return max(least, shown - STEP // 2), shown + (STEP + 1) // 2 - 1


@dataclass
class Figures:
    """Adds published counts of patients to a system, and collects what there is to attack."""

    system: System
    told: Told
    targets: list[Target]

    def patients(
        self, relation: str, column: str, grain: tuple[Hashable, ...], row: Row, *, some: bool
    ) -> int:
        """Add a count of distinct patients; `some`: that there is a row says that it is not 0.

        A suppressed row is one of few patients or, as the attacker is told, of more: then there
        have to be as many numbers left of it as of a row that is shown.
        """
        name = f"{relation}.{column} of {', '.join(map(str, grain))}"
        if not row["is_suppressed"]:
            ends = behind(row[column], rule.SMALLEST_SHOWN)
            variable = self.system.variable(*ends)
            self.targets.append(Target(name, variable, *ends))
            return variable
        truth = self.told(relation, column, grain)
        if truth is None and some:
            truth = FEW
        if truth is None:
            variable = self.system.variable()
        elif truth <= FEW:
            variable = self.system.variable(int(some), FEW)
        else:
            variable = self.system.variable(rule.SMALLEST_SHOWN)
            self.targets.append(Target(name, variable, *rule.interval(truth), span=STEP - 1))
            return variable
        # Nobody is 0, which may be known.
        if truth != 0:
            self.targets.append(Target(name, variable, 1, FEW))
        return variable

    def things(self, row: Row, column: str, patients: int, name: str | None = None) -> int:
        """Add a count of what patients have, each at least one; under a name it is attacked too."""
        if row["is_suppressed"]:
            variable = self.system.variable()
        else:
            ends = behind(row[column], rule.SMALLEST_SHOWN)
            variable = self.system.variable(*ends)
            if name:
                self.targets.append(Target(name, variable, *ends))
        self.system.not_above([patients], [variable])
        return variable
