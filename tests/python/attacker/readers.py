"""What readers see, read over their own logins; and what nobody but the attacker is told."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg2 import sql
from recomputed.raw import Pseudonyms
from scoped import reader

from attacker import areas, payers, procedures
from attacker.counties import Strata
from attacker.figures import Figures, Row, Told
from attacker.system import System
from orchestrate.database import Databases
from orchestrate.driver import Connection

Seen = dict[str, list[Row]]

MANAGER = "senior_manager"
MANAGED = (
    areas.OF_CLIENTS,
    areas.OF_ALL,
    areas.ASSOCIATION,
    areas.CLUSTERS,
    areas.NEARNESS,
    payers.RELATION,
    "extracts.encounters",
    "extracts.procedures",
)
CLIENTS = ("uhc_analyst", "humana_hospice", "humana_colonoscopy")
OF_CLIENTS = (procedures.PATIENTS, procedures.OVERLAP)

# Where the truth of suppressed rows is: relation and column published; model, its columns of the
# grain, and of the truth.
TRUTHS = (
    (
        payers.RELATION,
        "patient_count",
        "int_restricted_payer_cells",
        ("payer_name", "period_kind", "period_start", "procedure_code"),
        "patient_count",
    ),
    (
        payers.RELATION,
        "procedure_count",
        "int_restricted_payer_cells",
        ("payer_name", "period_kind", "period_start", "procedure_code"),
        "procedure_count",
    ),
    (
        areas.OF_CLIENTS,
        "patient_count",
        "int_areas_pooled",
        ("population", "county", "city"),
        "first_count",
    ),
    (
        areas.OF_ALL,
        "unaffiliated_patient_count",
        "int_areas_pooled",
        ("population", "county", "city"),
        "first_count",
    ),
    (
        areas.OF_ALL,
        "client_patient_count",
        "int_areas_pooled",
        ("population", "county", "city"),
        "second_count",
    ),
    (
        areas.OF_ALL,
        "living_unaffiliated_patient_count",
        "int_unaffiliated_living",
        ("county",),
        "living_count",
    ),
    (
        areas.OF_ALL,
        "deceased_unaffiliated_patient_count",
        "int_unaffiliated_living",
        ("county",),
        "deceased_count",
    ),
)


@dataclass(frozen=True)
class Truth:
    """How many patients are behind each row, by relation, column and grain.

    `costs` are those behind the rows of extracts.restricted_payer_summary, US dollars.
    """

    counts: dict[tuple[str, str, tuple[Hashable, ...]], int]
    costs: dict[payers.Cell, Decimal]

    def __call__(self, relation: str, column: str, grain: tuple[Hashable, ...]) -> int | None:
        """Return the patients behind a suppressed row.

        Where a suppressed row always has few patients there is nothing to tell, and nothing is told
        of counties of a procedure that are suppressed all together, zeros too: nobody can tell them
        apart.
        """
        if relation == areas.OF_CLIENTS:
            client_id, *area = grain
            grain = (f"of {client_id}", *area)
        elif relation == areas.OF_ALL:
            told_apart = column.startswith(("living", "deceased"))
            grain = grain[:1] if told_apart else ("everybody", *grain)
        elif relation in {areas.ASSOCIATION, areas.CLUSTERS, areas.NEARNESS, *OF_CLIENTS}:
            return None
        return self.counts[relation, column, grain]

    def living(self) -> int:
        """Return how many unaffiliated patients live."""
        return sum(
            count
            for (relation, column, _), count in self.counts.items()
            if (relation, column) == (areas.OF_ALL, "living_unaffiliated_patient_count")
        )


def read(databases: Databases, login: str, relations: Sequence[str]) -> Seen:
    """Read relations as a login."""
    with reader(databases, login).session("casebook tests") as connection:
        return {relation: rows(connection, relation) for relation in relations}


def read_truth(warehouse: Connection) -> Truth:
    """Read from the warehouse what is behind suppressed rows."""
    counts = {}
    for relation, column, model, grain, truth in TRUTHS:
        for row in rows(warehouse, f"intermediate.{model}"):
            counts[relation, column, tuple(row[name] for name in grain)] = int(row[truth])
    costs = {
        tuple(row[name] for name in TRUTHS[0][3]): row["total_cost"]
        for row in rows(warehouse, f"intermediate.{TRUTHS[0][2]}")
    }
    return Truth(counts, costs)


def rows(connection: Connection, relation: str) -> list[Row]:
    """Read all rows of a relation."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(*relation.split("."))))
        assert cursor.description
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_prices(warehouse: Connection) -> dict[str | None, payers.Price]:
    """Read from the warehouse what procedures cost; None stands for all of them."""
    prices = {}
    for row in rows(warehouse, "intermediate.int_procedure_prices"):
        # Without an average no cost is shown; a code of payers shown alone has no other price.
        step = payers.steps_of(float(row["average_price"] or 0))
        ends = (float(row["lowest_price"] or 0), float(row["highest_price"] or 0))
        prices[row["procedure_code"]] = payers.Price(step, *ends)
    return prices


def read_strata(warehouse: Connection, pseudonyms: Pseudonyms) -> Strata:
    """Read from the warehouse of which stratum each patient is, by the key in staff's relations."""
    return {
        (row["population"], pseudonyms.one("patient", "staff", row["patient_id"])): row["stratum"]
        for row in rows(warehouse, "intermediate.int_population_patients")
    }


def of_payers(
    seen: Seen, told: Told, prices: Mapping[str | None, payers.Price]
) -> tuple[Figures, payers.Payers]:
    """Return all that extracts.restricted_payer_summary tells, costs included."""
    figures = Figures(System(), told, [])
    known = payers.add(figures, seen[payers.RELATION])
    payers.add_costs(figures, known, seen[payers.RELATION], prices)
    return figures, known


def of_manager(
    seen: Seen,
    told: Truth,
    prices: Mapping[str | None, payers.Price],
    *,
    exact_clients: bool = True,
) -> tuple[Figures, payers.Payers]:
    """Return all that a manager knows, staff's relations included.

    `exact_clients`: also how many patients with a procedure each client in sight has in a county.
    """
    figures, known = of_payers(seen, told, prices)
    homes = areas.add_homes(figures, seen[areas.OF_CLIENTS], seen[areas.OF_ALL])
    association = seen[areas.ASSOCIATION]
    areas.add_exact(figures, homes, association, seen["extracts.procedures"])
    if exact_clients:
        areas.add_exact_clients(figures, homes, association, seen["extracts.procedures"])
    areas.add_totals(figures, homes, seen["extracts.encounters"])
    areas.add_association(figures, homes, known, association)
    clusters = seen[areas.CLUSTERS]
    members = areas.add_clusters(figures, homes, clusters)
    step = areas.step_of(told.living())
    areas.add_nearness(figures, homes, clusters, members, seen[areas.NEARNESS], step)
    return figures, known


def of_clients(figures: Figures, seen: Seen) -> dict[str, int]:
    """Add all that a client knows of other people; returns the uninsured by procedure."""
    return procedures.add(figures, seen[procedures.PATIENTS], seen[procedures.OVERLAP])
