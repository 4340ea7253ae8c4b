"""Reading the lists beside these modules and writing sample files, always in the same bytes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class SampleFile:
    """One CSV file of a sample export: its name, header and rows of text."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def read_list(name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV file `name` that lies beside the generators."""
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_files(folder: Path, files: Iterable[SampleFile]) -> list[Path]:
    """Write the files into `folder`: UTF-8, LF line ends, quoted only where needed.

    Raises:
        OSError: the folder cannot be made or written to.

    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in files:
        path = folder / file.name
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
            writer.writerow(file.header)
            writer.writerows(file.rows)
        written.append(path)
    return written
