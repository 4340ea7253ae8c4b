"""What can be done for a patient of the advocacy sample: procedures, visits, care pathways.

Three lists lie beside this module. A procedure has a SNOMED CT code and a range of costs; a visit
is an encounter with the procedures that may happen in it; a care pathway is a sequence of visits
that some patients go through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from tools.samples.files import read_list
from tools.samples.randomness import RandomNumbers

# code[:chance][*lowest count[-highest count][@days between]]
VISIT_PROCEDURE = re.compile(
    r"(?P<code>\d+)(:(?P<chance>[\d.]+))?(\*(?P<low>\d+)(-(?P<high>\d+))?(@(?P<days>\d+))?)?"
)


@dataclass(frozen=True)
class Procedure:
    """A kind of procedure: code, descriptions, cost in US dollars, duration in minutes.

    `other_share` of its rows carry `other_description`.
    """

    code: str
    description: str
    other_description: str
    other_share: float
    low: float
    median: float
    high: float
    minutes: tuple[int, int]

    def cost_in_cents(self, rng: RandomNumbers) -> int:
        """Return a drawn cost: skewed to the right between `low` and `high`."""
        third = self.median + (self.high - self.median) * 0.35
        points = ((0.0, self.low), (0.5, self.median), (0.85, third), (1.0, self.high))
        return round(rng.from_quantiles(points) * 100)


@dataclass(frozen=True)
class VisitProcedure:
    """A procedure within a visit: its chance, how often it is repeated and how many days apart."""

    code: str
    chance: float
    repeats: tuple[int, int]
    days_apart: int


@dataclass(frozen=True)
class Visit:
    """A kind of encounter. `with_procedures` is the chance that it holds any of its procedures."""

    encounter_class: str
    code: str
    description: str
    base_cents: int
    reason_code: str
    reason_description: str
    minutes: int
    with_procedures: float
    procedures: tuple[VisitProcedure, ...]


@dataclass(frozen=True)
class CarePathway:
    """Visits in sequence, `gap_days` apart, that `patients` patients go through `times` times.

    Patients are drawn from those whom coverage (`any`, `public` or the name of a scenario), sex and
    year of birth allow; people of `county` are drawn `county_factor` times as readily.
    """

    visits: tuple[str, ...]
    patients: int
    times: float
    coverage: str
    sex: str
    born: tuple[int, int]
    first_day: date | None
    last_day: date | None
    gap_days: int
    county: str
    county_factor: float


def read_procedures() -> dict[str, Procedure]:
    """Return the kinds of procedures by code."""
    return {
        row["code"]: Procedure(
            code=row["code"],
            description=row["description"],
            other_description=row["other_description"],
            other_share=float(row["other_share"]),
            low=float(row["low"]),
            median=float(row["median"]),
            high=float(row["high"]),
            minutes=(int(row["minutes_low"]), int(row["minutes_high"])),
        )
        for row in read_list("advocacy/procedures.csv")
    }


def read_visits() -> dict[str, Visit]:
    """Return the kinds of visits by name."""
    return {
        row["visit"]: Visit(
            encounter_class=row["encounter_class"],
            code=row["code"],
            description=row["description"],
            base_cents=round(float(row["base_cost"]) * 100),
            reason_code=row["reason_code"],
            reason_description=row["reason_description"],
            minutes=int(row["minutes"]),
            with_procedures=float(row["with_procedures"]),
            procedures=tuple(parse_visit_procedure(text) for text in row["procedures"].split(";")),
        )
        for row in read_list("advocacy/visits.csv")
    }


def parse_visit_procedure(text: str) -> VisitProcedure:
    """Return the procedure that `code[:chance][*low[-high][@days]]` means.

    Raises:
        ValueError: the text has another form.

    """
    match = VISIT_PROCEDURE.fullmatch(text)
    if match is None:
        message = f"not a procedure of a visit: {text!r}"
        raise ValueError(message)
    low = int(match["low"] or 1)
    return VisitProcedure(
        code=match["code"],
        chance=float(match["chance"] or 1),
        repeats=(low, int(match["high"] or low)),
        days_apart=int(match["days"] or 0),
    )


def read_care_pathways() -> list[CarePathway]:
    """Return the pathways in the order of their file."""
    return [
        CarePathway(
            visits=expand(row["sequence"]),
            patients=int(row["patients"]),
            times=float(row["times"]),
            coverage=row["coverage"],
            sex=row["sex"],
            born=(int(row["born_from"] or 0), int(row["born_to"] or 9999)),
            first_day=date.fromisoformat(row["first_day"]) if row["first_day"] else None,
            last_day=date.fromisoformat(row["last_day"]) if row["last_day"] else None,
            gap_days=int(row["gap_days"]),
            county=row["county"],
            county_factor=float(row["county_factor"] or 1),
        )
        for row in read_list("advocacy/care_pathways.csv")
    ]


def expand(sequence: str) -> tuple[str, ...]:
    """Return the visits of `a>b*3>c`: a, b, b, b, c."""
    visits: list[str] = []
    for step in sequence.split(">"):
        name, _, count = step.partition("*")
        visits.extend([name] * int(count or 1))
    return tuple(visits)
