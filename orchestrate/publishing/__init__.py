"""Publishing: from a tested build in the warehouse to what readers see in their databases."""

from orchestrate.publishing.lock import run_lock
from orchestrate.publishing.once import Publication
from orchestrate.publishing.publisher import complete, publish
from orchestrate.publishing.versions import PublishedVersion, published_versions

__all__ = [
    "Publication",
    "PublishedVersion",
    "complete",
    "publish",
    "published_versions",
    "run_lock",
]
