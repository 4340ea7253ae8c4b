"""dbt, driven from here alone, and what it says about the project."""

from orchestrate.building.dbt import Dbt
from orchestrate.building.manifest import Manifest, SeedColumn, SeedDefinition, SourceTable
from orchestrate.building.outcome import BuildOutcome, Failure

__all__ = [
    "BuildOutcome",
    "Dbt",
    "Failure",
    "Manifest",
    "SeedColumn",
    "SeedDefinition",
    "SourceTable",
]
