"""What doctor finds out about servers, as a builder who is no superuser."""

from __future__ import annotations

from contextlib import ExitStack

from tiny import Tiny

from orchestrate.server_checks import read_state


def test_connections_of_others_are_counted(tiny: Tiny) -> None:
    tiny.publish()
    warehouse, publisher = tiny.databases.warehouse, tiny.place("program_director").as_publisher()
    before = read_state(warehouse).free_connections
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(publisher.session())
        assert read_state(warehouse).free_connections == before - 3
