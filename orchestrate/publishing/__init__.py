"""Publishing: from a tested build in the warehouse to what readers see in their databases."""

from orchestrate.publishing.publisher import carry_out, complete, publish
from orchestrate.publishing.versions import PublishedVersion, published_versions

__all__ = ["PublishedVersion", "carry_out", "complete", "publish", "published_versions"]
