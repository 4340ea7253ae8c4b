"""Find the programs that the tests use beside Python packages, and install what is missing.

The browser tests need a Chromium, the tests on a server of one's own PostgreSQL 15 and its tools.
As root on a Debian system missing ones are installed with apt; elsewhere the tests that need them
skip, visibly. Says what it found and exits 0 either way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
POSTGRES_15 = Path("/usr/lib/postgresql/15/bin/initdb")


def find_browser() -> str | None:
    """Return the path of a Chromium: CASEBOOK_CHROMIUM, or the first one on the path."""
    named = os.environ.get("CASEBOOK_CHROMIUM")
    if named:
        return named
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing_packages() -> list[str]:
    """Return the Debian packages that are needed and not there."""
    missing = [] if find_browser() else ["chromium"]
    return missing if POSTGRES_15.exists() else [*missing, "postgresql-15"]


def install(packages: list[str]) -> None:
    """Install Debian packages; without a cluster or a service that starts by itself."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        check=False,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def main() -> None:
    """Report, install where that is possible, report again."""
    packages = missing_packages()
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write(f"Installing for the tests: {', '.join(packages)}\n")
        install(packages)
    sys.stderr.write(f"Browser for the tests: {find_browser() or 'none, its tests will skip'}\n")
    found = POSTGRES_15.parent if POSTGRES_15.exists() else "none, its tests will skip"
    sys.stderr.write(f"PostgreSQL 15 for the tests: {found}\n")


if __name__ == "__main__":
    main()
