"""Publishing: from a tested build in the warehouse to what readers see in their databases."""

from orchestrate.publishing.lock import run_lock
from orchestrate.publishing.once import Publication
from orchestrate.publishing.publisher import carry_out, publish
from orchestrate.publishing.versions import PublishedVersion, published_versions

__all__ = [
    "Publication",
    "PublishedVersion",
    "carry_out",
    "publish",
    "published_versions",
    "run_lock",
]
