"""All that readers see together narrows no count of other people below what the rule leaves."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from attacker import areas, payers, procedures
from attacker.figures import Figures
from attacker.made import published
from attacker.readers import CLIENTS, of_clients, of_manager
from attacker.system import Outcome, System, Target, attack
from recomputed import rule

from tests.python.disclosure.linear.conftest import World

Report = Callable[[str, Outcome], None]

SAMPLED = 500
STATISTICS = (
    "expected_patients",
    "relative_index",
    "adjusted_residual",
    "crude_expected_patients",
    "crude_residual",
    "overlaps_with",
    "overlap_share",
)
# Relations whose every cell is attacked each time.
COUNTIES = (areas.OF_CLIENTS, areas.OF_ALL, areas.CLUSTERS, areas.NEARNESS)


def sample(targets: list[Target], number: int) -> list[Target]:
    """Draw targets, always the same ones."""
    return random.Random(11).sample(targets, number)  # noqa: S311 - a sample, not a secret


def chosen(targets: list[Target], *, everything: bool) -> list[Target]:
    """Return all targets, or 500: those of the counties and a seeded sample of the others."""
    if everything or len(targets) <= SAMPLED:
        return targets
    of_counties = [target for target in targets if target.name.startswith(COUNTIES)]
    others = [target for target in targets if not target.name.startswith(COUNTIES)]
    return of_counties + sample(others, SAMPLED - len(of_counties))


def is_rounded_of_a_client_in_sight(target: Target) -> bool:
    """Tell whether a count is one that is rounded though the client's patients are counted exactly.

    Those with a procedure are some of them: the figure for all may then be known to be no less.
    What is hidden, 1 to 10, stays so.
    """
    names = tuple(f"{areas.OF_CLIENTS}.patient_count of {one}," for one in areas.CLIENT_OF.values())
    return target.name.startswith(names) and target.low > 1


def test_a_manager_with_staffs_relations(world: World, report: Report, soak: bool) -> None:
    figures, _ = of_manager(world.manager, world.truth, world.prices)
    targets = [one for one in figures.targets if not is_rounded_of_a_client_in_sight(one)]
    outcome = attack(figures.system, chosen(targets, everything=soak))
    report("manager", outcome)
    assert outcome.attacked >= SAMPLED
    assert outcome.narrowed == []


def test_a_manager_without_the_counties_of_the_clients_in_sight(
    world: World, report: Report
) -> None:
    figures, _ = of_manager(world.manager, world.truth, world.prices, exact_clients=False)
    targets = [one for one in figures.targets if is_rounded_of_a_client_in_sight(one)]
    outcome = attack(figures.system, targets)
    report("manager, rounded counts of clients in sight", outcome)
    assert outcome.attacked
    assert outcome.narrowed == []


@pytest.mark.parametrize("login", CLIENTS)
def test_a_client(world: World, report: Report, login: str) -> None:
    figures = Figures(System(), world.truth, [])
    of_clients(figures, world.clients[login])
    outcome = attack(figures.system, figures.targets)
    report(login, outcome)
    assert outcome.attacked
    assert outcome.narrowed == []


def test_all_readers_together(world: World, report: Report, soak: bool) -> None:
    """Who reads everything knows each client's own book, which is exact; the others stay hidden."""
    figures, known = of_manager(world.manager, world.truth, world.prices)
    for login, seen in world.clients.items():
        uninsured = of_clients(figures, seen)
        procedures.compare(figures, known, uninsured, areas.PAYER_OF["uninsured"])
        add_own_book(figures, known, login, world)
    others = [
        target
        for target in figures.targets
        if "united_healthcare" not in target.name
        and "UnitedHealthcare" not in target.name
        and not is_rounded_of_a_client_in_sight(target)
    ]
    few = [target for target in others if target.name.startswith((*COUNTIES, "clients."))]
    outcome = attack(figures.system, others if soak else few)
    report("all readers", outcome)
    assert outcome.narrowed == []


def add_own_book(figures: Figures, known: payers.Payers, login: str, world: World) -> None:
    """Add what UnitedHealthcare's own analyst knows exactly: its patients of the top procedures."""
    if login != "uhc_analyst":
        return
    for row in world.clients[login][procedures.PATIENTS]:
        if row["patient_group"] == "own":
            cell = (areas.PAYER_OF["united_healthcare"], "all", None, row["procedure_code"])
            figures.system.adds_up_to([known.patients[cell]], row["patient_count"])


def test_suppressing_few_patients_alone_would_be_noticed(world: World) -> None:
    """The same relation without rows that are suppressed to protect others: months are narrowed."""
    cells = {
        grain: {
            "patients": count,
            "procedures": world.truth.counts[payers.RELATION, "procedure_count", grain],
        }
        for (relation, column, grain), count in world.truth.counts.items()
        if (relation, column) == (payers.RELATION, "patient_count")
    }
    figures = Figures(System(), world.truth, [])
    payers.add(figures, published(cells, protecting=()))
    months = [target for target in figures.targets if target.high == 10 and "month" in target.name]
    assert attack(figures.system, sample(months, 40)).narrowed


def test_an_exact_count_of_a_countys_residents_would_be_noticed(world: World) -> None:
    """All patients of a county, less those in sight, are the patients of the payers who are not."""
    figures = Figures(System(), world.truth, [])
    homes = areas.add_homes(figures, world.manager[areas.OF_CLIENTS], world.manager[areas.OF_ALL])
    assert attack(figures.system, figures.targets).narrowed == []
    for county in homes.any_client.named:
        here = homes.residents(figures.system, county)
        figures.system.adds_up_to(here, sum(residents_of(world, county)))
    assert attack(figures.system, figures.targets).narrowed


def test_costs_rounded_to_hundreds_would_be_noticed(world: World, report: Report) -> None:
    """Rounded as if ten procedures cost no more than 100: whole numbers of procedures are told."""
    seen, steps = world.manager[payers.RELATION], dict[str | None, payers.Price]()
    for code, price in world.prices.items():
        steps[code] = dataclasses.replace(price, step=100)
    rows = []
    for row in seen:
        cell = (row["payer_name"], row["period_kind"], row["period_start"], row["procedure_code"])
        cost = None
        if not row["is_suppressed"]:
            cost = rule.nearest(world.truth.costs[cell], Decimal(100))
        rows.append({**row, "total_cost": cost})
    figures = Figures(System(), world.truth, [])
    known = payers.add(figures, rows)
    payers.add_costs(figures, known, rows, steps)
    counts = [target for target in figures.targets if "procedure_count" in target.name]
    outcome = attack(figures.system, sample(counts, 40))
    report("costs rounded to hundreds", outcome)
    assert outcome.narrowed


def residents_of(world: World, county: str) -> tuple[int, int]:
    """Return how many unaffiliated and clients' patients live in a county."""
    area = ("everybody", county, None)
    counts = world.truth.counts
    return (
        counts[areas.OF_ALL, "unaffiliated_patient_count", area],
        counts[areas.OF_ALL, "client_patient_count", area],
    )


def test_a_share_tells_no_more_than_the_counts_it_divides(world: World) -> None:
    clusters = [row for row in world.manager[areas.CLUSTERS] if row["near_share"] is not None]
    assert clusters
    for row in clusters:
        assert row["near_share"] * 4 % 1 == 0
        assert row["client_patients_nearby"] is not None
    step = Decimal(str(areas.step_of(world.truth.living())))
    for row in world.manager[areas.NEARNESS]:
        assert {row[name] % step for name in ("near_share", "chance_low", "chance_high")} == {0}
    for row in world.manager[areas.ASSOCIATION]:
        assert row["is_exact"] or all(row[statistic] is None for statistic in STATISTICS)
