"""The care that the patients of the advocacy sample receive: encounters and their procedures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tools.samples.advocacy.patients import FIRST_DAY, LAST_DAY, Patient
from tools.samples.advocacy.treatments import (
    CarePathway,
    Procedure,
    Visit,
    read_care_pathways,
    read_procedures,
    read_visits,
)
from tools.samples.randomness import RandomNumbers, Weighted

# Part of a claim that a payer covers: (probability, share) quantiles.
COVERED_SHARE: dict[str, tuple[tuple[float, float], ...]] = {
    "NO_INSURANCE": ((0.0, 0.0), (1.0, 0.0)),
    "Medicare": ((0.0, 0.0), (0.35, 0.0), (0.7, 0.35), (1.0, 0.8)),
    "Medicaid": ((0.0, 0.85), (1.0, 1.0)),
    "Dual Eligible": ((0.0, 0.85), (1.0, 1.0)),
}
COMMERCIAL_SHARE = ((0.0, 0.0), (0.3, 0.0), (0.6, 0.5), (1.0, 0.9))
# Drugs, vaccines and supplies on a claim in US dollars: mostly none, rarely very much.
OTHER_ITEMS = ((0.0, 0.0), (0.6, 0.0), (0.86, 60.0), (0.97, 2600.0), (0.999, 31000.0), (1.0, 4e5))
# How often a patient goes through a care pathway, as a multiple of its mean.
TIMES = ((0.0, 0.2), (0.5, 0.7), (0.9, 1.8), (1.0, 4.2))
CERTIFIED_AFTER_DEATH = 0.4


@dataclass(frozen=True)
class ProcedureRow:
    """One procedure as exported."""

    start: datetime
    stop: datetime
    patient: str
    encounter: str
    code: str
    description: str
    cost_in_cents: int
    reason_code: str
    reason_description: str


@dataclass(frozen=True)
class Encounter:
    """One encounter with its procedures; money in cents."""

    id: str
    start: datetime
    stop: datetime
    patient: str
    payer: str
    visit: Visit
    claim_cents: int
    covered_cents: int
    procedures: tuple[ProcedureRow, ...]


class Hospital:
    """Draws the encounters of all patients."""

    def __init__(self, rng: RandomNumbers) -> None:
        self._rng = rng
        self._procedures = read_procedures()
        self._visits = read_visits()

    def encounters(self, patients: list[Patient]) -> Iterator[Encounter]:
        """Yield every encounter, pathway by pathway, then the certificates of death."""
        for pathway in read_care_pathways():
            for patient in self._chosen(pathway, patients):
                yield from self._along(pathway, patient)
        for patient in patients:
            if patient.death and self._rng.chance(CERTIFIED_AFTER_DEATH):
                day = patient.death + timedelta(days=self._rng.randint(1, 14))
                yield self._encounter(self._visits["death"], patient, day)

    def _chosen(self, pathway: CarePathway, patients: list[Patient]) -> list[Patient]:
        """Draw the patients of a pathway, without repeating one."""
        eligible = [patient for patient in patients if is_eligible(pathway, patient)]
        chosen: list[Patient] = []
        while eligible and len(chosen) < pathway.patients:
            pool = Weighted((patient, selection_weight(pathway, patient)) for patient in eligible)
            picks = [self._rng.weighted_choice(pool) for _ in range(pathway.patients - len(chosen))]
            for patient in dict.fromkeys(pick.row["id"] for pick in picks):
                index = next(i for i, one in enumerate(eligible) if one.row["id"] == patient)
                chosen.append(eligible.pop(index))
        return chosen

    def _along(self, pathway: CarePathway, patient: Patient) -> Iterator[Encounter]:
        """Yield the encounters of one patient's pathway, none after the end of the sample."""
        rng = self._rng
        last_day = last_day_of(patient)
        first = pathway.first_day or FIRST_DAY
        last = min(pathway.last_day or last_day, last_day)
        length = timedelta(days=int(pathway.gap_days * (len(pathway.visits) - 1) * 0.8))
        latest = max(first, last if pathway.last_day else last - length)
        times = max(1, round(pathway.times * rng.from_quantiles(TIMES))) if pathway.times > 1 else 1
        for _ in range(times):
            day = first + timedelta(days=rng.randint(0, max(0, (latest - first).days)))
            for name in pathway.visits:
                if day > last_day:
                    break
                yield self._encounter(self._visits[name], patient, day)
                variation = rng.uniform(0.7, 1.3)
                day += timedelta(days=max(1, round(pathway.gap_days * variation)))

    def _encounter(self, visit: Visit, patient: Patient, day: date) -> Encounter:
        """Draw one encounter that starts on `day`."""
        rng = self._rng
        second = rng.randint(0, 86399)
        start = datetime.combine(day, time(0), UTC) + timedelta(seconds=second)
        identifier = rng.identifier()
        procedures: tuple[ProcedureRow, ...] = ()
        if rng.chance(visit.with_procedures):
            procedures = tuple(self._procedure_rows(visit, patient, identifier, start))
        payer = patient.payer_on(day)
        claim = visit.base_cents + round(rng.from_quantiles(OTHER_ITEMS) * 100)
        claim += sum(row.cost_in_cents for row in procedures)
        share = rng.from_quantiles(COVERED_SHARE.get(payer, COMMERCIAL_SHARE))
        return Encounter(
            id=identifier,
            start=start,
            stop=start + timedelta(minutes=visit.minutes),
            patient=patient.row["id"],
            payer=payer,
            visit=visit,
            claim_cents=claim,
            covered_cents=round(claim * share),
            procedures=procedures,
        )

    def _procedure_rows(
        self, visit: Visit, patient: Patient, encounter: str, start: datetime
    ) -> Iterator[ProcedureRow]:
        """Yield the procedures of an encounter, one after the other, repeated ones days apart."""
        rng = self._rng
        moment = start
        for planned in visit.procedures:
            if not rng.chance(planned.chance):
                continue
            procedure = self._procedures[planned.code]
            for repeat in range(rng.randint(*planned.repeats)):
                begin = moment + timedelta(days=repeat * planned.days_apart)
                if repeat and begin.date() > last_day_of(patient):
                    break
                end = begin + timedelta(seconds=rng.randint(*procedure.minutes) * 60)
                yield ProcedureRow(
                    start=begin,
                    stop=end,
                    patient=patient.row["id"],
                    encounter=encounter,
                    code=procedure.code,
                    description=describe(rng, procedure),
                    cost_in_cents=procedure.cost_in_cents(rng),
                    reason_code=visit.reason_code,
                    reason_description=visit.reason_description,
                )
                if not planned.days_apart:
                    moment = end


def last_day_of(patient: Patient) -> date:
    """Return the last day on which a patient can be cared for: of life or of the sample."""
    return min(patient.death or LAST_DAY, LAST_DAY)


def is_eligible(pathway: CarePathway, patient: Patient) -> bool:
    """Say whether a patient may go through a pathway."""
    if patient.scenario == "humana_hospice_only" or pathway.coverage not in {"any", "public"}:
        return pathway.coverage == patient.scenario
    alive = patient.death is None or pathway.first_day is None or patient.death > pathway.first_day
    return (
        alive
        and pathway.coverage in {"any", patient.kind}
        and pathway.sex in {"", patient.row["gender"]}
        and pathway.born[0] <= patient.birth.year <= pathway.born[1]
    )


def selection_weight(pathway: CarePathway, patient: Patient) -> float:
    """Return how readily a patient is drawn for a pathway: where some care is asked for more."""
    return pathway.county_factor if pathway.county == patient.row["county"] else 1.0


def describe(rng: RandomNumbers, procedure: Procedure) -> str:
    """Return the description that this row of the procedure carries."""
    if procedure.other_description and rng.chance(procedure.other_share):
        return procedure.other_description
    return procedure.description
