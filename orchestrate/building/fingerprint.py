"""A fingerprint of project files, to tell whether what an earlier result hung on has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def fingerprint(project_dir: Path, patterns: Sequence[str], packages: Sequence[str]) -> str:
    """Return a hash over the names and contents of files and the versions of packages.

    `patterns` are globs below `project_dir`; the order of files does not matter.
    """
    digest = hashlib.sha256()
    for package in packages:
        digest.update(f"{package} {version(package)}\n".encode())
    for pattern in patterns:
        for path in sorted(project_dir.glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(project_dir)} {content}\n".encode())
    return digest.hexdigest()
