"""Relations of management: who lives where, and who of these had which procedure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from recomputed import rule

from attacker.figures import Figures, Row
from attacker.payers import Payers
from attacker.system import System

OF_CLIENTS = "management.client_patients_by_area"
OF_ALL = "management.unaffiliated_by_area"
ASSOCIATION = "management.area_procedure_association"
CLUSTERS = "management.unaffiliated_patient_clusters"
NEARNESS = "management.unaffiliated_nearness"
POOL = "Other cities"
ALL = "All cities"
OTHER_COUNTIES = "Other counties"
# Who is who in the sample and in the real export.
PAYER_OF = {"united_healthcare": "UnitedHealthcare", "uninsured": "NO_INSURANCE"}
CLIENT_OF = {"Humana": "humana"}


@dataclass
class Homes:
    """How many of a group live in each city: a city that some relation names, or the rest."""

    named: Mapping[str, set[str]]
    cities: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def of(self, system: System, county: str, city: str | None) -> int:
        """Return the variable of a city; None is the rest of the county."""
        if (county, city) not in self.cities:
            self.cities[county, city] = system.variable()
        return self.cities[county, city]

    def all_of(self, system: System, county: str) -> list[int]:
        """Return the variables of all of a county."""
        return [self.of(system, county, city) for city in (*sorted(self.named[county]), None)]

    def everywhere(self, system: System) -> list[int]:
        """Return the variables of all counties."""
        return [one for county in self.named for one in self.all_of(system, county)]


@dataclass(frozen=True)
class Areas:
    """Homes by group: each client's patients, those of any client, and unaffiliated ones.

    `living` are those of the unaffiliated who live.
    """

    clients: dict[str, Homes]
    any_client: Homes
    unaffiliated: Homes
    living: Homes

    def residents(self, system: System, county: str) -> list[int]:
        """Return the variables of all who live in a county."""
        return [*self.unaffiliated.all_of(system, county), *self.any_client.all_of(system, county)]

    def residents_of(self, system: System, area: str, named: Collection[str]) -> list[int]:
        """Return the variables of all who live in a county, or in any that has no name."""
        return [
            one for county in self.counties(area, named) for one in self.residents(system, county)
        ]

    def counties(self, area: str, named: Collection[str]) -> list[str]:
        """Return the counties that an area may be made up of."""
        if area != OTHER_COUNTIES:
            return [area]
        return [county for county in self.any_client.named if county not in named]


def add_homes(figures: Figures, of_clients: list[Row], of_all: list[Row]) -> Areas:
    """Add both relations of areas: cities make up their county, patients may be two clients'."""
    system = figures.system
    named: dict[str, set[str]] = defaultdict(set)
    for row in (*of_clients, *of_all):
        named[row["county"]].update({row["city"]} - {None, POOL, ALL})
    clients: dict[str, Homes] = {}
    for client_id in sorted({row["client_id"] for row in of_clients}):
        own = [row for row in of_clients if row["client_id"] == client_id]
        clients[client_id] = Homes(named)
        counts = add_group(figures, clients[client_id], OF_CLIENTS, "patient_count", own, client_id)
        add_encounters(figures, own, counts)
    areas = Areas(clients, Homes(named), Homes(named), Homes(named))
    for homes, column in (
        (areas.any_client, "client_patient_count"),
        (areas.unaffiliated, "unaffiliated_patient_count"),
    ):
        add_group(figures, homes, OF_ALL, column, of_all)
    add_living(figures, areas, of_all)
    for county, cities in named.items():
        for city in (*cities, None):
            lives = areas.living.of(system, county, city)
            system.not_above([lives], [areas.unaffiliated.of(system, county, city)])
            of_any = areas.any_client.of(system, county, city)
            of_each = [homes.of(system, county, city) for homes in clients.values()]
            system.not_above([of_any], of_each)
            for of_one in of_each:
                system.not_above([of_one], [of_any])
    return areas


def add_group(
    figures: Figures,
    homes: Homes,
    relation: str,
    column: str,
    rows: list[Row],
    *grain: str,
) -> list[int]:
    """Add one column of patients by area; returns the variable of each row.

    Where there is no row of a county nobody lives there.
    """
    system = figures.system
    shown: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        shown[row["county"]].update({row["city"]} - {None, POOL, ALL})
    counts = []
    for row in rows:
        county, city = row["county"], row["city"]
        some = relation == OF_CLIENTS
        count = figures.patients(relation, column, (*grain, county, city), row, some=some)
        counts.append(count)
        if city is None:
            system.same([count], homes.all_of(system, county))
        elif city in {POOL, ALL}:
            others = [*sorted(homes.named[county] - shown[county]), None]
            system.same([count], [homes.of(system, county, other) for other in others])
        else:
            system.same([count], [homes.of(system, county, city)])
    for county in homes.named:
        here = {row["city"] for row in rows if row["county"] == county}
        if not here & {POOL, ALL}:
            # All of the county's cities are named, or it has nobody.
            for city in (*(homes.named[county] - shown[county]), None):
                system.adds_up_to([homes.of(system, county, city)], 0)
    return counts


def add_living(figures: Figures, areas: Areas, rows: list[Row]) -> None:
    """Add who of a county's unaffiliated patients lives and who has died: both make up all."""
    system = figures.system
    for row in rows:
        county, city = row["county"], row["city"]
        if city is not None:
            continue
        parts = [
            figures.patients(
                OF_ALL,
                f"{name}_unaffiliated_patient_count",
                (county, city),
                {**row, "is_suppressed": row[f"{name}_unaffiliated_patient_count"] is None},
                some=False,
            )
            for name in ("living", "deceased")
        ]
        system.same(parts, areas.unaffiliated.all_of(system, county))
        system.same(parts[:1], areas.living.all_of(system, county))


def add_encounters(figures: Figures, rows: list[Row], patients: list[int]) -> None:
    """Add the encounters of a client's areas: those of cities make up their county's."""
    whole: dict[str, list[int]] = defaultdict(list)
    parts: dict[str, list[int]] = defaultdict(list)
    for row, variable in zip(rows, patients, strict=True):
        count = figures.things(row, "encounter_count", variable)
        (whole if row["city"] is None else parts)[row["county"]].append(count)
    for county, count in whole.items():
        figures.system.same(count, parts[county])


def add_exact(
    figures: Figures, areas: Areas, association: Iterable[Row], procedures: list[Row]
) -> None:
    """Add what is counted exactly: by county, the patients with a procedure of a payer in sight."""
    residents = with_a_procedure(association, "visible_payers", procedures)
    for county, patients in residents.items():
        here = areas.residents_of(figures.system, county, residents)
        figures.system.at_most([(variable, -1.0) for variable in here], -patients)


def add_exact_clients(
    figures: Figures, areas: Areas, association: list[Row], procedures: list[Row]
) -> None:
    """Add the same of each client whose rows are in sight: they are among its patients."""
    for payer, client_id in CLIENT_OF.items():
        own = [row for row in procedures if row["payer_name"] == payer]
        residents = with_a_procedure(association, client_id, own)
        for area, patients in residents.items():
            here = [
                one
                for county in areas.counties(area, residents)
                for one in areas.clients[client_id].all_of(figures.system, county)
            ]
            figures.system.at_most([(variable, -1.0) for variable in here], -patients)


def with_a_procedure(
    association: Iterable[Row], population: str, procedures: list[Row]
) -> dict[str, int]:
    """Return how many patients of a population live in each county of which there is an exact pair.

    Of N patients R live in a county and C had a procedure, and without strata R * C / N are
    expected. N and C are in the rows of procedures.
    """
    everybody = len({row["patient_key"] for row in procedures})
    had: dict[str, set[str]] = defaultdict(set)
    for row in procedures:
        had[row["procedure_code"]].add(row["patient_key"])
    return {
        row["county"]: round(
            everybody * row["crude_expected_patients"] / len(had[row["procedure_code"]])
        )
        for row in association
        if row["population"] == population
    }


def add_totals(figures: Figures, areas: Areas, encounters: list[Row]) -> None:
    """Add how many patients each client in sight has in all: the rows of encounters tell."""
    patients: dict[str, set[str]] = defaultdict(set)
    for row in encounters:
        patients[CLIENT_OF.get(row["payer_name"], "")].add(row["patient_key"])
    for client_id in patients.keys() & areas.clients.keys():
        everywhere = areas.clients[client_id].everywhere(figures.system)
        figures.system.adds_up_to(everywhere, len(patients[client_id]))


def add_association(
    figures: Figures, areas: Areas, payers: Payers, association: Iterable[Row]
) -> None:
    """Add who had which procedure where, of the payers whose rows are not in sight."""
    system = figures.system
    counties: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows = [row for row in association if not row["is_exact"]]
    # Where every county is suppressed some may have nobody.
    shown = {(row["population"], row["procedure_code"]) for row in rows if not row["is_suppressed"]}
    named: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        named[row["population"]].add(row["county"])
    for row in rows:
        population, county, code = row["population"], row["county"], row["procedure_code"]
        grain, some = (population, county, code), (population, code) in shown
        count = figures.patients(ASSOCIATION, "observed_patients", grain, row, some=some)
        counties[population, code].append(count)
        homes = areas.clients.get(population)
        here = [
            one
            for part in areas.counties(county, named[population])
            for one in (homes.all_of(system, part) if homes else areas.residents(system, part))
        ]
        system.not_above([count], here)
    for (population, code), counts in counties.items():
        system.same([payers.patients[PAYER_OF[population], "all", None, code]], counts)


def add_clusters(figures: Figures, areas: Areas, clusters: Iterable[Row]) -> list[int]:
    """Add the clusters: members live and are unaffiliated; returns the variable of each.

    A cluster's share tells how many of its members live near a client's patient.
    """
    system = figures.system
    members = []
    for row in clusters:
        grain = (row["cluster_id"],)
        shown = {"is_suppressed": False, **row}
        count = figures.patients(CLUSTERS, "patient_count", grain, shown, some=True)
        members.append(count)
        hidden = row["client_patients_nearby"] is None
        near_clients = figures.patients(
            CLUSTERS, "client_patients_nearby", grain, {**row, "is_suppressed": hidden}, some=True
        )
        system.not_above([near_clients], areas.any_client.everywhere(system))
    system.not_above(members, areas.living.everywhere(system))
    return members


def add_nearness(
    figures: Figures,
    areas: Areas,
    clusters: list[Row],
    members: list[int],
    nearness: list[Row],
    step: float,
) -> None:
    """Add who lives near a client's patient: a share of the living, in clusters or outside.

    The attacker takes it that everybody's home is known, so that the share is of all who live, and
    is told what shares are rounded to. The clusters are those of one radius; who lives near by a
    smaller one does by a greater one.
    """
    system = figures.system
    living = areas.living.everywhere(system)
    before: list[int] = []
    for row in sorted(nearness, key=lambda row: row["radius_km"]):
        grain = (row["radius_km"],)
        hides = row["near_outside_clusters"] is None
        shown = {**row, "is_suppressed": hides}
        outside = figures.patients(NEARNESS, "near_outside_clusters", grain, shown, some=True)
        near = system.variable()
        system.not_above([near], living)
        system.not_above([outside], [near])
        system.not_above(before, [near])
        before = [near]
        if row["near_share"] is not None:
            share_of(system, near, living, float(row["near_share"]), step / 2)
        if row["is_cluster_radius"]:
            inside = [near_members(system, *one) for one in zip(clusters, members, strict=True)]
            system.same([near], [outside, *inside])
            system.not_above([outside, *members], living)


def near_members(system: System, cluster: Row, members: int) -> int:
    """Add how many of a cluster's members live near a client's patient; returns the variable."""
    near = system.variable()
    system.not_above([near], [members])
    if cluster["near_share"] is not None:
        share_of(system, near, [members], float(cluster["near_share"]), 1 / 8)
    return near


def share_of(system: System, part: int, whole: list[int], share: float, half: float) -> None:
    """Add that a part is a share of some others, give or take half of what it is rounded to."""
    system.at_most([(part, 1.0), *((one, -(share + half)) for one in whole)])
    system.at_most([(part, -1.0), *((one, share - half) for one in whole)])


def step_of(living: int) -> float:
    """Return what shares of the living are rounded to: the finest step of ten patients or more."""
    return next(step for step in (0.01, 0.02, 0.05, 0.1, 0.25) if step * living >= rule.TENS)
