"""Which files of a folder are those of an export."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from orchestrate.errors import ConfigurationError
from orchestrate.loading.problems import ExportError, Problem, Problems


def find_files(directory: Path, names: Sequence[str]) -> list[list[Path]]:
    """Return the file of each name in a folder, in any case if none is written exactly so.

    In place of `studies.csv` there may be parts, `studies-1.csv` and so on without a gap; these are
    returned in their order. Raises ConfigurationError when the folder cannot be read, ExportError
    naming all missing files, and those of which several spellings are there.
    """
    try:
        present = {path.name: path for path in sorted(directory.iterdir()) if path.is_file()}
    except FileNotFoundError:
        raise ConfigurationError(
            f"The folder {directory} does not exist.", "Name the folder that holds the CSV files."
        ) from None
    except NotADirectoryError:
        raise ConfigurationError(
            f"{directory} is not a folder.", "Name the folder that holds the CSV files."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The folder {directory} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    spelled: dict[str, list[Path]] = {}
    for path in present.values():
        spelled.setdefault(path.name.casefold(), []).append(path)
    whole = {
        name: [present[name]] if name in present else spelled.get(name.casefold(), [])
        for name in names
    }
    parts = {name: _parts(present.values(), name) for name in names}
    _refuse_several(
        {
            name: [*whole[name], *(path for paths in parts[name].values() for path in paths)]
            for name in names
            if len(whole[name]) > 1
            or (whole[name] and parts[name])
            or any(len(paths) > 1 for paths in parts[name].values())
        }
    )
    missing = [name for name in names if not whole[name] and not parts[name]]
    missing += [
        f"{name.removesuffix('.csv')}-{number}.csv"
        for name, found in parts.items()
        if found
        for number in range(min(1, *found), max(found))
        if number not in found
    ]
    if missing:
        raise ExportError(
            f"{directory} holds no {' and no '.join(missing)}.",
            f"The export consists of {', '.join(names)}. Nothing was replaced.",
            Problems(len(missing), tuple(Problem(name, "the file is missing") for name in missing)),
        )
    return [
        whole[name] or [path for _, paths in sorted(parts[name].items()) for path in paths]
        for name in names
    ]


def _parts(present: Iterable[Path], name: str) -> dict[int, list[Path]]:
    """Return the numbered parts of a file, each in all of its spellings."""
    pattern = re.compile(rf"{re.escape(name.removesuffix('.csv'))}[-_](\d+)\.csv", re.IGNORECASE)
    parts: dict[int, list[Path]] = {}
    for path in present:
        if match := pattern.fullmatch(path.name):
            parts.setdefault(int(match[1]), []).append(path)
    return parts


def _refuse_several(found: Mapping[str, Sequence[Path]]) -> None:
    """Raise ExportError where a file is there in several spellings, or whole and in parts.

    Taking one of them would be a guess at which of them is the export.
    """
    problems = tuple(
        Problem(name, f"the file is there as {' and '.join(path.name for path in paths)}")
        for name, paths in found.items()
    )
    if problems:
        raise ExportError(
            "\n".join(map(str, problems)),
            "Leave the one that is meant. Nothing was replaced.",
            Problems(len(problems), problems),
        )
