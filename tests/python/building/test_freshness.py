"""What the last look at the age of landed tables found, as it can be shown at any time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrate.building.freshness import old_at, read_freshness

FOUND = {
    "unique_id": "source.casebook.residency_landed.studies",
    "status": "warn",
    "max_loaded_at": "2026-01-01T00:00:00+00:00",
    "snapshotted_at": "2026-01-04T00:00:00+00:00",
}
# What dbt writes of a table that it may not read: no times.
UNREADABLE = {
    "unique_id": "source.casebook.advocacy_landed.payers",
    "status": "runtime error",
    "error": "permission denied",
}


def test_a_table_that_could_not_be_read_is_shown_as_such(tmp_path: Path) -> None:
    found = {"metadata": {"generated_at": "2026-01-04T00:00:01Z"}, "results": [FOUND, UNREADABLE]}
    (tmp_path / "sources.json").write_text(json.dumps(found))
    unreadable, old = read_freshness(tmp_path)
    assert (unreadable.status, unreadable.extracted_at) == ("runtime error", None)
    assert unreadable.checked_at == datetime(2026, 1, 4, 0, 0, 1, tzinfo=UTC)
    assert str(unreadable) == "advocacy payers could not be read"
    assert str(old) == (
        "residency studies was extracted last on 2026-01-01 00:00 UTC, 3 days before"
    )


def test_before_the_first_look_and_after_a_killed_one_there_is_nothing(tmp_path: Path) -> None:
    assert read_freshness(tmp_path) == ()
    (tmp_path / "sources.json").write_text('{"metadata": {"gen')
    assert read_freshness(tmp_path) == ()


def test_a_table_is_old_when_its_first_threshold_is_reached(tmp_path: Path) -> None:
    extracted = datetime(2026, 1, 1, tzinfo=UTC)
    daily = {
        "warn_after": {"count": 2, "period": "day"},
        "error_after": {"count": 7, "period": "day"},
    }
    without_warning = {"warn_after": None, "error_after": {"count": 30, "period": "hour"}}

    def look(*criteria: object) -> datetime | None:
        results = [{**FOUND, "criteria": one} for one in criteria]
        found = {"metadata": {"generated_at": "2026-01-04T00:00:01Z"}, "results": results}
        (tmp_path / "sources.json").write_text(json.dumps(found))
        return old_at(tmp_path)

    assert look(daily) == extracted + timedelta(days=2)
    assert look(daily, without_warning) == extracted + timedelta(hours=30)
    # Without a threshold nothing is known of when to look again.
    assert look({"warn_after": None, "error_after": None}) is None
    (tmp_path / "sources.json").unlink()
    assert old_at(tmp_path) is None
