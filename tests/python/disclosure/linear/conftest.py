"""What there is to attack: the sample and the real export, as their readers see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from attacker.counties import Strata
from attacker.payers import Price
from attacker.readers import (
    CLIENTS,
    MANAGED,
    MANAGER,
    OF_CLIENTS,
    Seen,
    Truth,
    read,
    read_prices,
    read_strata,
    read_truth,
)
from attacker.system import Outcome
from recomputed.raw import Pseudonyms

from tests.python.conftest import Casebook


@dataclass(frozen=True)
class World:
    """What a manager and each client's login see, and the truth behind suppressed rows.

    `prices` are what procedures cost whose rows nobody sees; None stands for all procedures.
    `strata` are those of age and encounters, by the patients' keys in staff's relations.
    """

    name: str
    manager: Seen
    clients: dict[str, Seen]
    truth: Truth
    prices: Mapping[str | None, Price]
    strata: Strata


@pytest.fixture(
    scope="session", params=["published", pytest.param("published_export", marks=pytest.mark.slow)]
)
def world(request: pytest.FixtureRequest) -> World:
    """Return the sample, then the real export where it is there."""
    casebook: Casebook = request.getfixturevalue(request.param)
    databases = casebook.databases
    with databases.warehouse.session("casebook tests") as warehouse:
        truth, prices = read_truth(warehouse), read_prices(warehouse)
        key = casebook.settings.pseudonym_key_path.read_text(encoding="ascii").strip()
        strata = read_strata(warehouse, Pseudonyms(key))
    return World(
        request.param,
        read(databases, MANAGER, MANAGED),
        {login: read(databases, login, OF_CLIENTS) for login in CLIENTS},
        truth,
        prices,
        strata,
    )


@pytest.fixture
def report(figure: Callable[[str], None], world: World) -> Callable[[str, Outcome], None]:
    """Return a function that notes what an attack came to."""

    def note(who: str, outcome: Outcome) -> None:
        figure(
            f"Disclosure, {who} on {world.name}: {outcome.attacked} cells attacked,"
            f" {len(outcome.narrowed)} narrowed, {outcome.solved} linear programs"
        )

    return note
