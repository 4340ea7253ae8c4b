"""The committed sample files as the tests read them: everything is text, nothing is null."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from orchestrate.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "seeds"
DOMAIN_FILES = {
    "residency": ("studies", "organizations", "modalities", "exam_to_cpt"),
    "advocacy": ("patients", "encounters", "procedures", "payers", "organizations"),
}


def read_text(path: Path) -> pd.DataFrame:
    """Return a CSV file with every cell as the text that it holds."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


@pytest.fixture(scope="session")
def seeds() -> Path:
    """Return the folder of the committed seeds."""
    return SEEDS


@pytest.fixture(scope="session")
def residency() -> dict[str, pd.DataFrame]:
    """Return the four residency files by short name."""
    return read_domain("residency")


@pytest.fixture(scope="session")
def advocacy() -> dict[str, pd.DataFrame]:
    """Return the five advocacy files by short name."""
    return read_domain("advocacy")


@pytest.fixture(scope="session")
def reference() -> dict[str, pd.DataFrame]:
    """Return the categories and the CPT map."""
    folder = SEEDS / "reference"
    return {
        name: read_text(folder / f"{name}.csv")
        for name in ("case_log_categories", "cpt_case_log_category")
    }


def read_domain(domain: str) -> dict[str, pd.DataFrame]:
    """Return the files of a domain by short name."""
    return {
        name: read_text(SEEDS / domain / f"{domain}__{name}.csv") for name in DOMAIN_FILES[domain]
    }


@pytest.fixture(scope="session")
def real_export() -> Path:
    """Return the folder of the real advocacy export, where there is one."""
    folder = PROJECT_DIR.parent / "shared" / "data" / "mighty_analyst"
    if not folder.is_dir():
        pytest.skip(f"The real advocacy export is not at {folder}.")
    return folder
