"""Raw files into the warehouse, and which of them each domain uses."""

from orchestrate.loading.exports import LoadReport, load_export
from orchestrate.loading.landed import LandedTable, check_landed, use_landed
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
    "SAMPLE",
    "DomainSource",
    "LandedTable",
    "LoadReport",
    "LoadedTable",
    "check_landed",
    "domain_sources",
    "load_export",
    "load_seeds",
    "use_landed",
    "use_sample",
    "variables",
]
