"""The people of the advocacy sample: where they live, when they were born, who insures them.

Homes cluster around the centres of Boston's neighbourhoods and scatter in the towns. Commercially
insured people change insurer often, people grow into Medicare at 65, others keep what they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tools.samples.files import read_list
from tools.samples.randomness import RandomNumbers, Weighted

FIRST_DAY = date(2011, 1, 2)
LAST_DAY = date(2022, 2, 5)
PATIENTS = 1000

COMMERCIAL = (
    "Aetna",
    "Anthem",
    "Blue Cross Blue Shield",
    "Cigna Health",
    "Humana",
    "UnitedHealthcare",
)
NO_INSURANCE = "NO_INSURANCE"
MEDICARE_AGE = 65

BIRTH_DECADES = Weighted(
    (
        (1921, 165.0),
        (1930, 180.0),
        (1940, 135.0),
        (1950, 135.0),
        (1960, 120.0),
        (1970, 130.0),
        (1980, 100.0),
        (1990, 25.0),
    )
)
RACES = Weighted(
    (
        ("white", 69.0),
        ("black", 17.0),
        ("asian", 9.5),
        ("other", 1.8),
        ("hawaiian", 1.4),
        ("native", 1.3),
    )
)
# How an elder and how a younger person is insured; see `coverage_of`.
ELDER_COVERAGE = Weighted(
    (("medicare", 83.0), ("dual", 9.0), ("uninsured", 5.0), ("medicaid", 3.0))
)
YOUNGER_COVERAGE = Weighted(
    (("commercial", 74.0), ("uninsured", 13.0), ("medicaid", 8.0), ("unsettled", 5.0))
)
# Patients whose insurer in one period the sample needs to know, and that insurer.
SCENARIOS: dict[str, tuple[str, date, date]] = {
    "humana_hospice": ("Humana", date(2012, 1, 1), date(2015, 12, 31)),
    "humana_hospice_only": ("Humana", date(2013, 1, 1), date(2015, 12, 31)),
    "humana_cancer": ("Humana", date(2013, 1, 1), date(2015, 12, 31)),
    "uhc_hospice": ("UnitedHealthcare", date(2014, 1, 1), date(2016, 12, 31)),
    "cigna_hospice": ("Cigna Health", date(2014, 1, 1), date(2016, 12, 31)),
}


@dataclass(frozen=True)
class Place:
    """A neighbourhood or town: homes lie around its centre, `spread` degrees of latitude away."""

    city: str
    county: str
    latitude: float
    longitude: float
    spread: float
    commercial_factor: float
    zips: tuple[str, ...]


@dataclass(frozen=True)
class Patient:
    """A patient: the row as exported, and what decides the care that he or she receives.

    `coverage` holds (first day, payer), earliest first. `kind` is `commercial` for those who
    change between commercial payers and `public` for all others; `scenario` names one of
    `SCENARIOS` or is empty.
    """

    row: dict[str, str]
    birth: date
    death: date | None
    coverage: tuple[tuple[date, str], ...]
    kind: str
    scenario: str

    def payer_on(self, day: date) -> str:
        """Return who pays on `day`."""
        payer = self.coverage[0][1]
        for since, name in self.coverage:
            if since <= day:
                payer = name
        return payer


def draw_patients(rng: RandomNumbers) -> list[Patient]:
    """Return the patients in the order of their file."""
    demographics = Demographics(rng)
    places = Weighted(
        (
            Place(
                city=row["city"],
                county=row["county"],
                latitude=float(row["lat"]),
                longitude=float(row["lon"]),
                spread=float(row["spread"]),
                commercial_factor=float(row["commercial_factor"]),
                zips=tuple(row["zips"].split(";")),
            ),
            float(row["weight"]),
        )
        for row in read_list("advocacy/places.csv")
    )
    awkward: dict[int, dict[str, str]] = {}
    for line in read_list("advocacy/awkward_values.csv"):
        awkward.setdefault(int(line["patient"]), {})[line["column"]] = line["value"]
    scenarios = list(SCENARIOS)
    patients = []
    for number in range(PATIENTS):
        place = rng.weighted_choice(places)
        birth = birthday(rng)
        death = day_of_death(rng, birth)
        kind = insurance(rng, place, birth)
        coverage = coverage_of(rng, kind, birth)
        scenario = ""
        if scenarios and kind == "commercial" and 1948 <= birth.year <= 1958 and death is None:
            scenario = scenarios.pop(0)
            coverage = with_period(coverage, *SCENARIOS[scenario])
        row = demographics.person(place, birth, death)
        row.update(awkward.get(number, {}))
        patients.append(
            Patient(
                row=row,
                birth=birth,
                death=death,
                coverage=coverage,
                kind="commercial" if kind == "commercial" else "public",
                scenario=scenario,
            )
        )
    return patients


def birthday(rng: RandomNumbers) -> date:
    """Return a day of birth between 1921 and 1995."""
    decade = rng.weighted_choice(BIRTH_DECADES)
    years = 5 if decade == 1990 else 9
    return date(decade + rng.randint(0, years), rng.randint(1, 12), rng.randint(1, 28))


def day_of_death(rng: RandomNumbers, birth: date) -> date | None:
    """Return a day of death in the years of the sample, for old people mostly."""
    chance = 0.37 if birth.year < 1931 else 0.22 if birth.year < 1946 else 0.03
    if not rng.chance(chance):
        return None
    return FIRST_DAY + timedelta(days=rng.randint(200, (LAST_DAY - FIRST_DAY).days - 30))


def insurance(rng: RandomNumbers, place: Place, birth: date) -> str:
    """Return how a person is insured at first; never commercially where the factor is 0."""
    if birth.year < FIRST_DAY.year - MEDICARE_AGE:
        return rng.weighted_choice(ELDER_COVERAGE)
    kind = rng.weighted_choice(YOUNGER_COVERAGE)
    if kind == "commercial" and not rng.chance(place.commercial_factor):
        return "uninsured"
    return kind


def coverage_of(rng: RandomNumbers, kind: str, birth: date) -> tuple[tuple[date, str], ...]:
    """Return who pays from when on.

    `commercial` people look for another insurer most years, and now and then go without one;
    `unsettled` ones move between Medicaid and no insurance. At 65 nearly all join Medicare.
    """
    steady = {"medicare": "Medicare", "dual": "Dual Eligible", "medicaid": "Medicaid"}
    if kind in steady:
        history = [(FIRST_DAY, steady[kind])]
    elif kind == "uninsured":
        history = [(FIRST_DAY, NO_INSURANCE)]
        if rng.chance(0.12):
            history.append((date(rng.randint(2013, 2020), 7, 1), "Medicaid"))
    elif kind == "unsettled":
        history = [
            (date(year, 1, 1), rng.choice(("Medicaid", NO_INSURANCE)))
            for year in range(FIRST_DAY.year, LAST_DAY.year + 1)
        ]
    else:
        history = [(FIRST_DAY, rng.choice(COMMERCIAL))]
        for year in range(FIRST_DAY.year + 1, LAST_DAY.year + 1):
            if rng.chance(0.05):
                history.append((date(year, 1, 1), NO_INSURANCE))
            elif rng.chance(0.72):
                history.append((date(year, 1, 1), rng.choice(COMMERCIAL)))
    medicare_from = date(birth.year + MEDICARE_AGE, birth.month, 1)
    joins = kind not in {"medicare", "dual"} and rng.chance(0.9)
    if joins and FIRST_DAY < medicare_from <= LAST_DAY:
        history = [entry for entry in history if entry[0] < medicare_from]
        history.append((medicare_from, "Medicare"))
    return tuple(history)


def with_period(
    coverage: tuple[tuple[date, str], ...], payer: str, first: date, last: date
) -> tuple[tuple[date, str], ...]:
    """Return `coverage` with `payer` from `first` to `last`, both included."""
    after = last + timedelta(days=1)
    payer_after = next((name for since, name in reversed(coverage) if since <= after), payer)
    kept = [entry for entry in coverage if not first <= entry[0] <= after]
    return tuple(sorted([*kept, (first, payer), (after, payer_after)]))


class Demographics:
    """Draws names, addresses and the other descriptive columns of a patient."""

    def __init__(self, rng: RandomNumbers) -> None:
        self._rng = rng
        self._words: dict[str, list[str]] = {}
        for row in read_list("advocacy/names.csv"):
            self._words.setdefault(row["kind"], []).append(row["word"])

    def person(self, place: Place, birth: date, death: date | None) -> dict[str, str]:
        """Return the patient's row; names carry digits, as generated names do."""
        rng = self._rng
        gender = rng.choice("FM")
        married = rng.chance(0.8)
        prefix = "Mr." if gender == "M" else "Mrs." if married else "Ms."
        abroad = rng.chance(0.14)
        hispanic = rng.chance(0.2)
        return {
            "id": rng.identifier(),
            "birthdate": birth.isoformat(),
            "deathdate": death.isoformat() if death else "",
            "prefix": prefix,
            "first": self._numbered("first_f" if gender == "F" else "first_m"),
            "last": self._numbered("last"),
            "suffix": rng.choice(("PhD", "JD", "MD")) if rng.chance(0.02) else "",
            "maiden": self._numbered("last") if prefix == "Mrs." else "",
            "marital": "M" if married else "S",
            "race": rng.weighted_choice(RACES),
            "ethnicity": "hispanic" if hispanic else "nonhispanic",
            "gender": gender,
            "birthplace": self._word("birthplace_abroad" if abroad else "birthplace"),
            "address": self._address(),
            "city": place.city,
            "state": "Massachusetts",
            "county": place.county,
            "zip": "" if rng.chance(0.14) else rng.choice(place.zips),
            "lat": f"{rng.gauss(place.latitude, place.spread):.6f}",
            "lon": f"{rng.gauss(place.longitude, place.spread * 1.35):.6f}",
        }

    def _word(self, kind: str) -> str:
        return self._rng.choice(self._words[kind])

    def _numbered(self, kind: str) -> str:
        return f"{self._word(kind)}{self._rng.randint(10, 999)}"

    def _address(self) -> str:
        street = f"{self._rng.randint(1, 999)} {self._word('street')} {self._word('street_kind')}"
        if self._rng.chance(0.3):
            street = f"{street} {self._rng.choice(('Apt', 'Unit'))} {self._rng.randint(1, 99)}"
        return street
