"""What `casebook status` reads of the last look at landed tables, however that ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrate.building.freshness import read_freshness

READ = {
    "unique_id": "source.casebook.residency_landed.studies",
    "max_loaded_at": "2026-01-02T03:04:05Z",
    "snapshotted_at": "2026-01-03T03:04:05Z",
    "status": "pass",
}
UNREADABLE = {
    "unique_id": "source.casebook.residency_landed.organizations",
    "error": "permission denied",
    "status": "runtime error",
}


def test_a_table_that_could_not_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    looked = {"results": [UNREADABLE, READ]}
    (tmp_path / "sources.json").write_text(json.dumps(looked), encoding="utf-8")
    assert [(one.table, one.status) for one in read_freshness(tmp_path)] == [("studies", "pass")]


@pytest.mark.parametrize("content", [None, "", '{"results": ['])
def test_before_a_whole_look_nothing_is_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "sources.json").write_text(content, encoding="utf-8")
    assert read_freshness(tmp_path) == ()
