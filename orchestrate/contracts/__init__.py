"""What dbt's manifest promises of everything that is published: marts and functions."""

from orchestrate.contracts.functions import Function, read_functions
from orchestrate.contracts.marts import (
    RESIDENT_COLUMN,
    SCOPE_COLUMN,
    VERSION_COLUMN,
    Column,
    ForeignKey,
    Mart,
    read_marts,
)
from orchestrate.contracts.names import (
    AUDIENCES,
    READS_ALL,
    READS_OWN,
    READS_SCOPE,
    canonical_type,
)

__all__ = [
    "AUDIENCES",
    "READS_ALL",
    "READS_OWN",
    "READS_SCOPE",
    "RESIDENT_COLUMN",
    "SCOPE_COLUMN",
    "VERSION_COLUMN",
    "Column",
    "ForeignKey",
    "Function",
    "Mart",
    "canonical_type",
    "read_functions",
    "read_marts",
]
