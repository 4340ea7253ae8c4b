"""A tiny Casebook, and a published copy of the samples with a login that nobody listed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import pytest
import servers
from postgres15 import postgres15_cluster, system_postgres
from tiny import tiny, tiny_server

from orchestrate.settings import PROJECT_DIR
from tests.python.access.subject import Subject, with_stranger

__all__ = ["postgres15_cluster", "system_postgres", "tiny", "tiny_server"]


@pytest.fixture(scope="module")
def subject(module_casebook: Any) -> Iterator[Subject]:
    """Return the sample's published Casebook, in a copy that tests may change and change back."""
    with (PROJECT_DIR / "seeds/reference/members.csv").open(encoding="utf-8") as file:
        members = list(csv.DictReader(file))
    administrator = servers.administrator_of(module_casebook.settings)
    with with_stranger(Subject(module_casebook.databases, administrator, members)) as made:
        yield made
