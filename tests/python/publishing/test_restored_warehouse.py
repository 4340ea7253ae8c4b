"""A warehouse that was put back from a backup knows less than readers have seen."""

from __future__ import annotations

import pytest
import scoped
from tiny import Tiny

from orchestrate.console import Console
from orchestrate.errors import DatabaseError
from orchestrate.repair import find_problems, repair

pytestmark = pytest.mark.slow


def versions_seen(tiny: Tiny) -> set[int]:
    """Return the versions that readers see, over all scopes."""
    query = "select current_version from private.pointer"
    return {row[0] for at in scoped.places_of(tiny.databases) for row in scoped.as_owner(at, query)}


@pytest.fixture
def restored(tiny: Tiny) -> Tiny:
    """Return a Casebook whose readers see version 2, and whose warehouse knows of version 1."""
    tiny.publish()
    tiny.publish(build=True)
    tiny.as_builder(
        "update casebook.pointer set current_version = 1, highest_version = 1, turn = 1;"
        " delete from casebook.versions where version = 2"
    )
    assert versions_seen(tiny) == {2}
    return tiny


def test_a_publication_never_takes_a_number_that_readers_have_seen(restored: Tiny) -> None:
    with pytest.raises(DatabaseError, match="have seen version 2") as caught:
        restored.publish(build=True)
    assert "doctor --mend" in caught.value.cure
    assert versions_seen(restored) == {2}


def test_mending_lets_the_warehouse_catch_up(restored: Tiny) -> None:
    found = find_problems(restored.settings, restored.databases)
    assert any("readers have seen version 2" in problem for problem in found)
    done = repair(restored.settings, restored.databases, Console(error_stream=restored.said))
    assert done.remaining == []
    assert versions_seen(restored) == {1}
    assert restored.publish(build=True).version == 3
    assert versions_seen(restored) == {3}
    assert find_problems(restored.settings, restored.databases) == []
