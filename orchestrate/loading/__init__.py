"""Raw files into the warehouse, and which of them each domain uses."""

from orchestrate.loading.exports import LoadReport, load_export
from orchestrate.loading.landed import LandedTable, check_landed, use_landed
from orchestrate.loading.problems import ExportError, Problems
from orchestrate.loading.quarantine import TABLE as QUARANTINE
from orchestrate.loading.seeds import load_seeds
from orchestrate.loading.sources import (
    DOMAINS,
    DomainSource,
    domain_sources,
    use_sample,
    variables,
)
from orchestrate.loading.state import LANDED, SAMPLE
from orchestrate.loading.tables import LoadedTable

__all__ = [
    "DOMAINS",
    "LANDED",
    "QUARANTINE",
    "SAMPLE",
    "DomainSource",
    "ExportError",
    "LandedTable",
    "LoadReport",
    "LoadedTable",
    "Problems",
    "check_landed",
    "domain_sources",
    "load_export",
    "load_seeds",
    "use_landed",
    "use_sample",
    "variables",
]
