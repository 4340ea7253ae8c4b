"""Raw files into the warehouse, and which of them each domain uses."""

from orchestrate.loading.exports import LoadReport, load_export
from orchestrate.loading.seeds import load_seeds
from orchestrate.loading.sources import (
    DOMAINS,
    DomainSource,
    domain_sources,
    use_sample,
    variables,
)
from orchestrate.loading.state import SAMPLE
from orchestrate.loading.tables import LoadedTable

__all__ = [
    "DOMAINS",
    "SAMPLE",
    "DomainSource",
    "LoadReport",
    "LoadedTable",
    "domain_sources",
    "load_export",
    "load_seeds",
    "use_sample",
    "variables",
]
