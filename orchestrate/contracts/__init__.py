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
    with_built_types,
)
from orchestrate.contracts.names import (
    AUDIENCES,
    READS_OWN,
    READS_SCOPE,
)

__all__ = [
    "AUDIENCES",
    "READS_OWN",
    "READS_SCOPE",
    "RESIDENT_COLUMN",
    "SCOPE_COLUMN",
    "VERSION_COLUMN",
    "Column",
    "ForeignKey",
    "Function",
    "Mart",
    "read_functions",
    "read_marts",
    "with_built_types",
]
