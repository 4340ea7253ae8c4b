"""How old landed tables are, as `dbt source freshness` found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrate.console import Console
from orchestrate.errors import DataError

_RESULTS = "sources.json"
_SUFFIX = "_landed"
PASS, WARN, ERROR = "pass", "warn", "error"


@dataclass(frozen=True)
class TableFreshness:
    """A landed table: `pass`, `warn` or `error` by the thresholds of its source, and since when.

    One that could not be read is a `runtime error`, extracted at None.
    """

    domain: str
    table: str
    status: str
    extracted_at: datetime | None
    checked_at: datetime

    def __str__(self) -> str:
        if self.extracted_at is None:
            return f"{self.domain} {self.table} could not be read"
        days = (self.checked_at - self.extracted_at).days
        age = "1 day" if days == 1 else f"{days} days"
        return (
            f"{self.domain} {self.table} was extracted last on"
            f" {self.extracted_at:%Y-%m-%d %H:%M %Z}, {age} before"
        )


def read_freshness(target_dir: Path) -> tuple[TableFreshness, ...]:
    """Read what the last look found; none before the first one, or after one that was killed."""
    try:
        content = _read(target_dir)
    except (FileNotFoundError, ValueError):
        return ()
    looked_at = content["metadata"]["generated_at"]
    found = []
    for result in content["results"]:
        _, _, source, table = result["unique_id"].split(".")
        found.append(
            TableFreshness(
                domain=source.removesuffix(_SUFFIX),
                table=table,
                status=result["status"],
                extracted_at=_time(result.get("max_loaded_at")),
                checked_at=datetime.fromisoformat(result.get("snapshotted_at", looked_at)),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.domain, one.table)))


def old_at(target_dir: Path) -> datetime | None:
    """Return when a first one of the tables that were looked at last is old; None: not known.

    Old is what is worth a warning, or an error where there is no threshold for that.
    """
    try:
        return min(
            datetime.fromisoformat(result["max_loaded_at"])
            + timedelta(**{f"{threshold['period']}s": threshold["count"]})
            for result in _read(target_dir)["results"]
            for threshold in (result["criteria"]["warn_after"], result["criteria"]["error_after"])
            if threshold and threshold["count"] is not None
        )
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _read(target_dir: Path) -> Any:
    return json.loads((target_dir / _RESULTS).read_text(encoding="utf-8"))


def _time(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def require_fresh(tables: Sequence[TableFreshness], console: Console) -> None:
    """Warn of tables that are getting old; raise DataError when one is too old to be published.

    Who runs this every day and looks at nothing would otherwise publish the same data day by day
    as if it were new.
    """
    for table in tables:
        if table.status == WARN:
            console.warn(f"{table}. Is Airbyte still syncing it?")
    too_old = [str(table) for table in tables if table.status == ERROR]
    if too_old:
        raise DataError(
            f"Landed tables are too old: {'; '.join(too_old)}. Nothing was built or published.",
            "Sync them in Airbyte and run again; how old they may be is `error_after` of the"
            " sources in models/landed.",
        )
