"""Patients by county and city, with cities pooled until sums tell no more than each figure.

As many cities of a county stand by themselves as may, those with the most patients first (ties by
alphabet); the others are one row, `Other cities`, or `All cities` where none does. No such row is
of 1-10 patients, and the county's figure and those of its rows, each known within the rule's own
interval, do not narrow one another.
A county that is suppressed has the row of all its cities alone, suppressed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from recomputed import rule
from recomputed.homes import ever_of_clients
from recomputed.raw import Export, reference

POOLED = "Other cities"
ALL_POOLED = "All cities"
APART = ("living_unaffiliated_patient_count", "deceased_unaffiliated_patient_count")
Area = tuple[str, str | None]


@dataclass(frozen=True)
class City:
    """A city's two measures; the first is of patients, the second too where `both_of_patients`."""

    name: str
    first: int
    second: int
    both_of_patients: bool = False

    @property
    def is_small(self) -> bool:
        """Tell whether a count of patients is among 1-10."""
        return rule.is_small(self.first) or (self.both_of_patients and rule.is_small(self.second))

    @property
    def rank(self) -> tuple[int, str]:
        """Return what cities are ordered by: the smaller number of patients, the most first."""
        least = min(self.first, self.second) if self.both_of_patients else self.first
        return -least, self.name


def together(name: str, cities: list[City]) -> City:
    """Add cities up."""
    first, second = sum(city.first for city in cities), sum(city.second for city in cities)
    return City(name, first, second, cities[0].both_of_patients)


def county_rows(
    cities: list[City], tells: Callable[[str | None], bool] = lambda _: False
) -> Iterator[dict[str, object]]:
    """Yield the county's row and those of its cities: city, first, second, is_suppressed.

    `tells` says of a city, or of the county (None), that it must not be shown for another reason.
    """
    county = together("", cities)
    hides = county.is_small or tells(None)
    ordered = sorted(cities, key=lambda city: city.rank)
    rows = [together(ALL_POOLED, cities)]
    for place in range(len(ordered), 0, -1) if not hides else ():
        alone, others = ordered[:place], ordered[place:]
        split = [*alone, *([together(POOLED, others)] if others else [])]
        if (
            not any(city.is_small for city in split)
            and not any(tells(city.name) for city in alone)
            and not rule.a_sum_tells_more(county.first, [city.first for city in split])
            and not rule.a_sum_tells_more(county.second, [city.second for city in split])
        ):
            rows = split
            break
    for row in (county, *rows):
        yield {
            "city": row.name or None,
            "first": rule.count(row.first, suppressed=hides),
            "second": rule.count(row.second, suppressed=hides),
            "is_suppressed": hides,
        }


def client_patients_by_area(export: Export) -> pd.DataFrame:
    """Return a row per client and county with patients of it, and per city of these or their pool.

    Encounters are those that the client paid. All clients are counted by the rule.
    """

    def records() -> Iterator[dict[str, object]]:
        for client in reference("clients").itertuples():
            paid = export.encounters[export.encounters["payer_name"] == client.payer_name]
            for county, encounters in paid.groupby("county"):
                cities = [
                    City(name, rows["patient_id"].nunique(), len(rows))
                    for name, rows in encounters.groupby("city")
                ]
                for row in county_rows(cities):
                    yield {"client_id": client.client_id, "county": county, **row}

    measures = {"first": "patient_count", "second": "encounter_count"}
    return pd.DataFrame(records(), dtype=object).rename(columns=measures)


def unaffiliated_by_area(export: Export) -> pd.DataFrame:
    """Return a row per county with patients, and per city of it or their pool.

    Nor is an area shown where its number of clients' patients would narrow a client's own number in
    client_patients_by_area or the other way round, or a county where patients with a procedure that
    a visible payer paid, whom area_procedure_association counts, are too many for it. Living and
    deceased are told apart by county, where neither is small or narrowed by what the other and
    their sum tell.
    """
    patients = export.patients.assign(
        is_of_clients=export.patients["patient_id"].isin(ever_of_clients(export))
    )
    tells = linked(export, patients)

    def records() -> Iterator[dict[str, object]]:
        for county, residents in patients.groupby("county"):
            cities = [
                City(name, int((~of_clients).sum()), int(of_clients.sum()), both_of_patients=True)
                for name, of_clients in residents.groupby("city")["is_of_clients"]
            ]
            others = residents[~residents["is_of_clients"]]
            apart = living_and_deceased(others["deathdate"] == "")
            for row in county_rows(cities, lambda city, county=county: tells((county, city))):
                hides = row["is_suppressed"] or row["city"] is not None
                shown = (None, None) if hides else apart
                yield {"county": county, **row, **dict(zip(APART, shown, strict=True))}

    measures = {"first": "unaffiliated_patient_count", "second": "client_patient_count"}
    return pd.DataFrame(records(), dtype=object).rename(columns=measures)


def living_and_deceased(lives: pd.Series) -> tuple[int | None, int | None]:
    """Return both counts as a county's row shows them."""
    parts = [int(lives.sum()), int((~lives).sum())]
    hides = any(map(rule.is_small, parts)) or rule.a_sum_tells_more(sum(parts), parts)
    living, deceased = (rule.count(part, suppressed=hides) for part in parts)
    return living, deceased


def linked(export: Export, patients: pd.DataFrame) -> Callable[[Area], bool]:
    """Return a function that tells whether an area's row would say more of another relation's.

    `patients` has is_of_clients. A client's patients are among all clients', who are at most as
    many as each one's together; visible patients are at most all of the area.
    """
    procedures = export.procedures
    visible = ~procedures["payer_name"].isin(["UnitedHealthcare", "NO_INSURANCE"])
    visible_patients = set(procedures.loc[visible, "patient_id"])

    def tells(area: Area) -> bool:
        county, city = area
        here = patients[patients["county"] == county]
        here = here if city is None else here[here["city"] == city]
        low, high = rule.interval(int(here["is_of_clients"].sum()))
        own = [rule.interval(count) for count in client_counts(export, here) if count]
        most = sum(own_high for _, own_high in own)
        if high > most or any(low - (most - top) > bottom for bottom, top in own):
            return True
        seen = len(visible_patients.intersection(here["patient_id"])) if city is None else 0
        other_low, other_high = rule.interval(int((~here["is_of_clients"]).sum()))
        return seen - high > other_low or seen - other_high > low

    return tells


def client_counts(export: Export, patients: pd.DataFrame) -> Iterator[int]:
    """Yield how many of the patients each client ever paid for."""
    encounters = export.encounters[export.encounters["patient_id"].isin(patients["patient_id"])]
    for payer in reference("clients")["payer_name"]:
        yield encounters.loc[encounters["payer_name"] == payer, "patient_id"].nunique()
