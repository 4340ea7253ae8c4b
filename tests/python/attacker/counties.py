"""Placing patients in counties: management's exact association beside the extracts' rows.

A patient is known by the procedures that each group of payers paid, and lives in one county. How
many of those with a procedure live where, the association says exactly. What is expected of a pair
follows from how many of each stratum of age and encounters live where, and the attacker is told who
is of which. A linear program then asks of each patient whether some county is the only one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import bmat, csr_matrix, identity, kron, vstack

from attacker.figures import Row
from attacker.program import Program

POPULATIONS: Mapping[str, Collection[str] | None] = {"humana": ("Humana",), "visible_payers": None}
OTHER_COUNTIES = "Other counties"
# Random programs that are solved before single patients are asked for: each shows of most that they
# can live in two places.
FIRST = 12
CERTAIN = 1 - 1e-6
# Half of what an expectation is rounded to, and of what it was rounded to before.
EXPECTED_WITHIN = 0.05 + 6e-7

# Procedures and stratum of a patient by population; who has the same ones cannot be told apart.
Profile = tuple[tuple[frozenset[str], str | None], ...]

# Strata by population and patient's key.
Strata = Mapping[tuple[str, str], str]
# A population's stratum in an area.
Part = tuple[int, str | None, str]


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
    association: Iterable[Row],
    procedures: Iterable[Row],
    strata: Strata,
    enough: float = 1,
    seed: int = 0,
) -> Placed:
    """Place patients in counties, as many as can be, until more than a share of them are placed."""
    system = _System(list(association), list(procedures), strata)
    chance = np.random.default_rng(seed)
    certain = system.is_named.copy()
    for _ in range(FIRST):
        costs = system.costs(chance.random(len(certain)))
        values = system.program.least(costs, afresh=True)[: len(certain)]
        certain &= values >= CERTAIN * system.sizes
    placed = 0
    for variable in np.flatnonzero(certain):
        if placed > enough * system.patients:
            break
        costs = system.costs(np.eye(1, len(certain), variable)[0])
        if system.program.least(costs)[variable] >= CERTAIN * system.sizes[variable]:
            placed += int(system.sizes[variable])
    return Placed(system.patients, placed)


class _System:
    """Variables: of each group of patients alike, how many live in each county; then each part."""

    def __init__(self, association: list[Row], procedures: list[Row], strata: Strata) -> None:
        groups = Counter(_profiles(procedures, strata).values())
        exact = [row for row in association if row["is_exact"]]
        named = sorted({row["county"] for row in exact} - {OTHER_COUNTIES})
        # Whoever lives in none that is named lives somewhere else.
        counties = [*named, OTHER_COUNTIES]
        profiles = list(groups)
        self.patients = sum(groups.values())
        self.sizes = np.repeat([float(groups[one]) for one in profiles], len(counties))
        # Who lives in one of several counties is not placed.
        self.is_named = np.tile([county != OTHER_COUNTIES for county in counties], len(profiles))

        def sums(rows: Iterable[tuple[Collection[int], str, Collection[str]]]) -> csr_matrix:
            return vstack(
                [
                    kron(
                        csr_matrix([[float(one in members) for one in range(len(profiles))]]),
                        csr_matrix([[float(_lies_in(county, area, shown)) for county in counties]]),
                    )
                    for members, area, shown in rows
                ]
            )

        counts = list(_counts(exact, profiles, groups))
        parts, expected = _expected(exact, profiles, groups)
        self.parts = len(parts)
        everybody = kron(identity(len(profiles)), csr_matrix(np.ones((1, len(counties)))))
        shares = [[share.get(part, 0.0) for part in parts] for share, _ in expected]
        whole = np.array(
            [float(groups[one]) for one in profiles]
            + [number for *_, number in counts]
            + [0.0] * self.parts
        )
        values = np.array([value for _, value in expected])
        self.program = Program(
            csr_matrix(
                bmat(
                    [
                        [vstack([everybody, sums(row[:3] for row in counts)]), None],
                        [sums(parts.values()), -identity(self.parts)],
                        [None, csr_matrix(np.array(shares))],
                    ]
                )
            ),
            np.concatenate([whole, values - EXPECTED_WITHIN]),
            np.concatenate([whole, values + EXPECTED_WITHIN]),
            np.zeros(len(self.sizes) + self.parts),
            np.concatenate([self.sizes, np.full(self.parts, float(self.patients))]),
        )

    def costs(self, of_patients: np.ndarray) -> np.ndarray:
        """Return the costs of all variables: parts have none."""
        return np.concatenate([of_patients, np.zeros(self.parts)])


def _profiles(procedures: Iterable[Row], strata: Strata) -> dict[str, Profile]:
    codes: dict[str, list[set[str]]] = defaultdict(lambda: [set() for _ in POPULATIONS])
    for row in procedures:
        for place_, payers in enumerate(POPULATIONS.values()):
            if payers is None or row["payer_name"] in payers:
                codes[row["patient_key"]][place_].add(row["procedure_code"])
    return {
        patient: tuple(
            (frozenset(had), strata.get((population, patient)))
            for population, had in zip(POPULATIONS, found, strict=True)
        )
        for patient, found in codes.items()
    }


def _counts(
    exact: list[Row], profiles: list[Profile], groups: Mapping[Profile, int]
) -> Iterable[tuple[set[int], str, frozenset[str], float]]:
    """Yield who is counted, in which area, which areas are named beside it, and how many they are.

    What is expected without strata tells, beside who had the procedure, how many of the population
    live there.
    """
    for place_, population in enumerate(POPULATIONS):
        rows = [row for row in exact if row["population"] == population]
        shown = frozenset(row["county"] for row in rows)
        everybody = {n for n, profile in enumerate(profiles) if profile[place_][0]}
        total = sum(groups[profiles[n]] for n in everybody)
        residents: dict[str, int] = {}
        for row in rows:
            code = row["procedure_code"]
            had = {n for n in everybody if code in profiles[n][place_][0]}
            number = sum(groups[profiles[n]] for n in had)
            residents[row["county"]] = round(row["crude_expected_patients"] * total / number)
            yield had, row["county"], shown, float(row["observed_patients"])
        for area, number in residents.items():
            yield everybody, area, shown, float(number)


def _expected(
    exact: list[Row], profiles: list[Profile], groups: Mapping[Profile, int]
) -> tuple[dict[Part, tuple[set[int], str, frozenset[str]]], list[tuple[dict[Part, float], float]]]:
    """Return the parts, each with its members, and what is expected of each pair.

    That is, of the patients in each part, the share of the whole stratum that had the procedure.
    """
    parts: dict[Part, tuple[set[int], str, frozenset[str]]] = {}
    expected = []
    for place_, population in enumerate(POPULATIONS):
        rows = [row for row in exact if row["population"] == population]
        shown = frozenset(row["county"] for row in rows)
        members: dict[str | None, set[int]] = defaultdict(set)
        for n, profile in enumerate(profiles):
            if profile[place_][0]:
                members[profile[place_][1]].add(n)
        for row in rows:
            shares: dict[Part, float] = {}
            for stratum, found in members.items():
                part = (place_, stratum, row["county"])
                parts[part] = (found, row["county"], shown)
                had = [n for n in found if row["procedure_code"] in profiles[n][place_][0]]
                everybody = sum(groups[profiles[n]] for n in found)
                shares[part] = sum(groups[profiles[n]] for n in had) / everybody
            expected.append((shares, float(row["expected_patients"])))
    return parts, expected


def _lies_in(county: str, area: str, shown: Collection[str]) -> bool:
    """Tell whether a county may be in an area: in a pool is what is not shown by name."""
    return county == area or (area == OTHER_COUNTIES and county not in shown)
