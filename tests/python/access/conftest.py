"""A tiny Casebook, and a published copy of the samples with a login that nobody listed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import servers
from postgres15 import postgres15_cluster, system_postgres
from tiny import tiny, tiny_server

from orchestrate.settings import PROJECT_DIR
from tests.python.access.subject import Subject, with_stranger

__all__ = ["postgres15_cluster", "system_postgres", "tiny", "tiny_server"]

SEEDS = PROJECT_DIR / "seeds" / "reference"


@pytest.fixture(scope="module")
def subject(module_casebook: Any) -> Iterator[Subject]:
    """Return the sample's published Casebook, in a copy that tests may change and change back."""
    with (SEEDS / "members.csv").open(encoding="utf-8") as file:
        members = list(csv.DictReader(file))
    with (SEEDS / "restrictions.csv").open(encoding="utf-8") as file:
        restrictions = frozenset(
            (row["client_id"], row["specialty_id"]) for row in csv.DictReader(file)
        )
    administrator = partial(servers.administrator_of, module_casebook.settings)
    with with_stranger(module_casebook.databases, administrator, members, restrictions) as made:
        yield made
