"""Publishing: from a tested build in the warehouse to what readers see in reporting."""

from orchestrate.publishing.lock import run_lock
from orchestrate.publishing.once import Publication
from orchestrate.publishing.publisher import publish, published_versions
from orchestrate.publishing.versions import PublishedVersion

__all__ = ["Publication", "PublishedVersion", "publish", "published_versions", "run_lock"]
