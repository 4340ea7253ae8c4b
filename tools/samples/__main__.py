"""Write the sample exports: `python -m tools.samples [--out DIR]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.samples.advocacy.export import advocacy_files
from tools.samples.files import write_files
from tools.samples.residency.export import residency_files

SEEDS = Path(__file__).resolve().parents[2] / "seeds"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write every sample file below the folder of `--out` (default: `seeds/`); return 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.samples", description=__doc__)
    parser.add_argument("--out", type=Path, default=SEEDS, help="folder to write to")
    out: Path = parser.parse_args(arguments).out
    for domain, files in (("residency", residency_files()), ("advocacy", advocacy_files())):
        for path in write_files(out / domain, files):
            sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
