"""Placing patients in counties: management's exact association beside the extracts' rows.

A patient is known by the procedures that each group of payers paid, and lives in one county. How
many of those with a procedure live where, the association says exactly. A linear program then asks
of each patient whether some county is the only one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, identity, kron, vstack

from attacker.figures import Row
from attacker.program import Program

POPULATIONS: Mapping[str, Collection[str] | None] = {"humana": ("Humana",), "visible_payers": None}
OTHER_COUNTIES = "Other counties"
# Random programs that are solved before single patients are asked for: each shows of most that they
# can live in two places.
FIRST = 12
CERTAIN = 1 - 1e-6

# Procedures of a patient by population; patients with the same ones cannot be told apart.
Profile = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Placed:
    """How many patients there are, and how many of them the programs place in a county."""

    patients: int
    placed: int

    @property
    def share(self) -> float:
        """The share of patients who are placed."""
        return self.placed / self.patients


def place(
    association: Iterable[Row], procedures: Iterable[Row], enough: float = 1, seed: int = 0
) -> Placed:
    """Place patients in counties, as many as can be, until more than a share of them are placed."""
    system = _System(list(association), list(procedures))
    chance = np.random.default_rng(seed)
    certain = system.is_named.copy()
    for _ in range(FIRST):
        values = system.program.least(chance.random(system.size), afresh=True)
        certain &= values >= CERTAIN * system.sizes
    placed = 0
    for variable in np.flatnonzero(certain):
        if placed > enough * system.patients:
            break
        costs = np.zeros(system.size)
        costs[variable] = 1
        if system.program.least(costs)[variable] >= CERTAIN * system.sizes[variable]:
            placed += int(system.sizes[variable])
    return Placed(system.patients, placed)


class _System:
    """Variables: of each group of patients alike, how many live in each county."""

    def __init__(self, association: list[Row], procedures: list[Row]) -> None:
        groups = Counter(_profiles(procedures).values())
        exact = [row for row in association if row["is_exact"]]
        named = sorted({row["county"] for row in exact} - {OTHER_COUNTIES})
        # Whoever lives in none that is named lives somewhere else.
        counties = [*named, OTHER_COUNTIES]
        profiles = list(groups)
        self.patients = sum(groups.values())
        self.sizes = np.repeat([float(groups[one]) for one in profiles], len(counties))
        self.size = len(self.sizes)
        # Who lives in one of several counties is not placed.
        self.is_named = np.tile([county != OTHER_COUNTIES for county in counties], len(profiles))
        rows = list(_counts(exact, profiles, groups))
        known = [
            kron(
                csr_matrix([[float(one in members) for one in range(len(profiles))]]),
                csr_matrix([[float(_lies_in(county, area, shown)) for county in counties]]),
            )
            for members, area, shown, _ in rows
        ]
        everybody = kron(identity(len(profiles)), csr_matrix(np.ones((1, len(counties)))))
        totals = np.array(
            [float(groups[one]) for one in profiles] + [number for *_, number in rows]
        )
        self.program = Program(
            csr_matrix(vstack([everybody, *known])),
            totals,
            totals,
            np.zeros(self.size),
            self.sizes,
        )


def _profiles(procedures: Iterable[Row]) -> dict[str, Profile]:
    codes: dict[str, list[set[str]]] = defaultdict(lambda: [set() for _ in POPULATIONS])
    for row in procedures:
        for place_, payers in enumerate(POPULATIONS.values()):
            if payers is None or row["payer_name"] in payers:
                codes[row["patient_key"]][place_].add(row["procedure_code"])
    return {patient: tuple(map(frozenset, found)) for patient, found in codes.items()}


def _counts(
    exact: list[Row], profiles: list[Profile], groups: Mapping[Profile, int]
) -> Iterable[tuple[set[int], str, frozenset[str], float]]:
    """Yield who is counted, in which area, which areas are named beside it, and how many they are.

    What is expected tells, beside who had the procedure, how many of the population live there.
    """
    for place_, population in enumerate(POPULATIONS):
        rows = [row for row in exact if row["population"] == population]
        shown = frozenset(row["county"] for row in rows)
        everybody = {n for n, profile in enumerate(profiles) if profile[place_]}
        total = sum(groups[profiles[n]] for n in everybody)
        residents: dict[str, int] = {}
        for row in rows:
            code = row["procedure_code"]
            had = {n for n in everybody if code in profiles[n][place_]}
            number = sum(groups[profiles[n]] for n in had)
            residents[row["county"]] = round(row["expected_patients"] * total / number)
            yield had, row["county"], shown, float(row["observed_patients"])
        for area, number in residents.items():
            yield everybody, area, shown, float(number)


def _lies_in(county: str, area: str, shown: Collection[str]) -> bool:
    """Tell whether a county may be in an area: in a pool is what is not shown by name."""
    return county == area or (area == OTHER_COUNTIES and county not in shown)
