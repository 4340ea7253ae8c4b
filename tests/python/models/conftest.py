"""The two datasets that the advocacy marts are recomputed from: the sample and the real export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from recomputed.compare import check, check_close, read
from recomputed.raw import Export, Pseudonyms

from orchestrate.driver import Connection
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import REAL_EXPORT, Casebook

Compare = Callable[..., None]
DATASETS = {
    "sample": (
        Export(PROJECT_DIR / "seeds" / "advocacy", "advocacy__"),
        "published",
        "warehouse",
    ),
    "export": (Export(REAL_EXPORT), "published_export", "real_warehouse"),
}


@dataclass(frozen=True)
class Dataset:
    """CSV files, the Casebook that was made of them, its warehouse and the secret of its keys."""

    name: str
    export: Export
    casebook: Casebook
    warehouse: Connection
    pseudonyms: Pseudonyms


@pytest.fixture(scope="session", params=["sample", pytest.param("export", marks=pytest.mark.slow)])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    """Return the sample, then the real export where it is there."""
    export, casebook_name, warehouse_name = DATASETS[request.param]
    casebook = request.getfixturevalue(casebook_name)
    key: Path = casebook.settings.pseudonym_key_path
    return Dataset(
        request.param,
        export,
        casebook,
        request.getfixturevalue(warehouse_name),
        Pseudonyms(key.read_text().strip()),
    )


@pytest.fixture
def compare(dataset: Dataset, figure: Callable[[str], None]) -> Compare:
    """Return a function that compares a relation of the warehouse and notes how many cells.

    `opaque` names a key that cannot be recomputed, `close_by` the grain of a relation with
    statistics: see recomputed.compare.
    """

    def relation(
        name: str,
        expected: pd.DataFrame,
        opaque: str | None = None,
        close_by: list[str] | None = None,
    ) -> None:
        found = read(dataset.warehouse, name)
        cells = (
            check_close(found, expected, close_by, opaque)
            if close_by
            else check(found, expected, opaque)
        )
        figure(f"{name} recomputed from the {dataset.name}: {cells} cells equal")

    return relation
