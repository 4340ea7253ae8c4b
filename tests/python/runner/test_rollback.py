"""`casebook rollback` puts the version before back: rows, rights, functions, but nobody removed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from threading import Lock, Thread
from typing import Any

import pytest
from tiny import Tiny
from tiny_manifest import constraint, function, passing_results

from orchestrate import pipeline, rollback
from orchestrate.console import Console
from orchestrate.errors import (
    BusyError,
    ConfigurationError,
    DatabaseError,
    DataError,
    LostConnectionError,
)
from orchestrate.publishing import published_versions, scope_versions
from orchestrate.repair import find_problems, repair
from orchestrate.rollback import Rollback, put_back
from orchestrate.run_lock import run_lock

pytestmark = pytest.mark.slow

BODY = 'select procedure_code, patient_count from "warehouse"."clients"."procedure_summary"'
POINTER = "select current_version, highest_version from private.pointer"
CODES = "select procedure_code from clients.procedure_summary order by 1"


def roll_back(tiny: Tiny) -> Rollback:
    with run_lock(tiny.databases) as still_alone:
        return put_back(tiny.settings, tiny.databases, Console(error_stream=tiny.said), still_alone)


def publish_generations(tiny: Tiny, *generations: int) -> list[Any]:
    """Publish a build per generation; return what readers saw after each."""
    seen = []
    for generation in generations:
        tiny.build(generation)
        tiny.publish()
        seen.append(tiny.content())
    return seen


def test_the_version_before_is_seen_again_and_a_second_time_the_one_before_that(
    tiny: Tiny,
) -> None:
    first, second, third = publish_generations(tiny, 1, 2, 3)
    assert roll_back(tiny) == Rollback(version=2, withdrawn=3)
    assert tiny.content() == second != third
    assert roll_back(tiny) == Rollback(version=1, withdrawn=2)
    assert tiny.content() == first
    assert tiny.as_owner(POINTER) == [(1, 3)]
    with pytest.raises(ConfigurationError, match="no earlier version"):
        roll_back(tiny)
    assert tiny.content() == first
    told = published_versions(tiny.databases)
    assert [(one.version, one.is_current, one.rolled_back_at is None) for one in told] == [
        (3, False, False),
        (2, False, False),
        (1, True, True),
    ]


def test_the_next_version_is_above_the_highest_and_what_was_withdrawn_stays_so(
    tiny: Tiny,
) -> None:
    (first, *_) = publish_generations(tiny, 1, 2, 3)
    roll_back(tiny)
    roll_back(tiny)
    publish_generations(tiny, 4)
    # Version 1 is kept although two later ones were published: a rollback needs it.
    assert [one.version for one in published_versions(tiny.databases)] == [4, 3, 1]
    assert roll_back(tiny) == Rollback(version=1, withdrawn=4)
    assert tiny.content() == first
    assert tiny.as_owner(POINTER) == [(1, 4)]


def test_before_the_second_version_there_is_nothing_to_go_back_to(tiny: Tiny) -> None:
    with pytest.raises(ConfigurationError, match="Nothing is published"):
        roll_back(tiny)
    tiny.publish()
    before = tiny.content()
    with pytest.raises(ConfigurationError, match="no earlier version"):
        roll_back(tiny)
    assert tiny.content() == before


def change_all(tiny: Tiny) -> None:
    """Change everything that protection hangs on: marts, columns, keys, readers, functions."""
    nodes, summary = tiny.manifest["nodes"], tiny.node("procedure_summary")
    more = {**summary, "unique_id": "model.casebook.more", "name": "more", "alias": "more"}
    nodes[more["unique_id"]] = more
    del nodes["model.casebook.case_log_group_progress"]
    tiny.node("case_log_totals")["columns"]["chest_xray"]["data_type"] = "bigint"
    studies = tiny.node("fct_studies")
    studies["config"]["meta"]["readers"] = {"staff": "all", "program": "all", "resident": "own"}
    described = {"description": "More.", "constraints": []}
    studies["columns"]["more"] = {"name": "more", "data_type": "integer", **described}
    key = ["scope_id", "procedure_code"]
    to = {"to": "ref('procedure_summary')", "to_columns": key}
    more["constraints"] = [*summary["constraints"], constraint("foreign_key", columns=key, **to)]
    changed = function("counted", BODY + " where patient_count > 0")
    tiny.manifest["functions"] = {changed["unique_id"]: changed}
    tiny.results = passing_results(tiny.manifest)
    tiny.as_builder(
        "drop table if exists clients.more;"
        "create table clients.more as table clients.procedure_summary;"
        "alter table residency.fct_studies add more integer default 7;"
        "alter table residency.case_log_totals alter chest_xray type bigint"
    )


def test_protection_comes_back_with_the_rows(tiny: Tiny) -> None:
    functions = [function("counted", BODY), function("gone", BODY)]
    tiny.manifest["functions"] = {one["unique_id"]: one for one in functions}
    tiny.build(1)
    tiny.publish()
    described = (
        "select pg_get_functiondef(oid) from pg_proc where pronamespace = 'clients'::regnamespace"
        " order by 1"
    )
    before = (tiny.as_owner(described, "open_reader"), visible(tiny))
    manifest = deepcopy(tiny.manifest)
    tiny.build(2)
    change_all(tiny)
    tiny.publish()
    after = (tiny.as_owner(described, "open_reader"), visible(tiny))
    assert after[0] != before[0]
    assert ("staff_member", "residency.fct_studies") in after[1]
    assert ("open_reader", "clients.more") in after[1]
    assert ("program_director", "residency.case_log_group_progress") not in after[1]
    roll_back(tiny)
    assert (tiny.as_owner(described, "open_reader"), visible(tiny)) == before
    assert find_problems(tiny.settings, tiny.databases) == []
    # And forward again, where nothing was lost.
    tiny.manifest = manifest
    tiny.build(2)
    change_all(tiny)
    assert tiny.publish().version == 3
    forward = (tiny.as_owner(described, "open_reader"), visible(tiny))
    assert forward[1].keys() == after[1].keys()
    assert forward[0] == after[0]
    assert find_problems(tiny.settings, tiny.databases) == []


def visible(tiny: Tiny) -> dict[tuple[str, str], Any]:
    """Return what each login gets of each table: its rows without columns added later, or no."""
    found: dict[tuple[str, str], Any] = {}
    for login in ("program_director", "resident_one", "open_reader", "staff_member"):
        for relation in (
            "residency.fct_studies",
            "residency.case_log_totals",
            "residency.case_log_group_progress",
            "clients.procedure_summary",
            "clients.more",
        ):
            try:
                rows = tiny.read(login, f"select * from {relation} order by 1, 2, 3")
            except DatabaseError:
                continue
            found[login, relation] = [[cell for cell in row if cell is not None] for row in rows]
    return found


def test_a_column_that_only_a_withdrawn_version_had_may_go(tiny: Tiny) -> None:
    """Who rolls back puts the old contract back next; a column that is still in use has to stay."""
    (first,) = publish_generations(tiny, 1)
    columns = tiny.node("fct_studies")["columns"]
    columns["more"] = {
        "name": "more",
        "data_type": "integer",
        "description": "More.",
        "constraints": [],
    }
    publish_generations(tiny, 2)
    del columns["more"]
    tiny.build(3)
    with pytest.raises(DataError, match="column more is gone"):
        tiny.publish()
    roll_back(tiny)
    tiny.build(1)
    assert tiny.publish().version == 3
    studies = "select * from residency.fct_studies"
    assert {len(row) for row in tiny.read("program_director", studies)} == {len(first[0][1][0])}
    assert find_problems(tiny.settings, tiny.databases) == []


def test_nobody_gets_back_what_was_taken_since(tiny: Tiny) -> None:
    """Members are those of the present list, and a client restricted since is withheld."""
    tiny.publish()
    assert tiny.read("hospice_reader", CODES) == [("385763009",), ("73761001",)]
    assert tiny.read("other_reader", CODES) == [("385763009",)]
    tiny.members = [
        (login, audience, client, None if login == "hospice_reader" else specialty, resident)
        for login, audience, client, specialty, resident in tiny.members
        if login != "staff_member"
    ] + [("newcomer", "program", None, None, None)]
    tiny.build(2)
    tiny.as_builder(
        "insert into staging.stg_reference__restrictions values ('united', 'hospice');"
        "insert into intermediate.int_codes_hidden values ('scope-united-open', '385763009');"
        "update clients.procedure_summary set procedure_code = '73761001',"
        " specialty_id = '73761001' where client_id = 'united'"
    )
    tiny.publish()
    assert roll_back(tiny) == Rollback(1, 2)
    assert tiny.as_builder("select 1 from pg_roles where rolname = 'staff_member'") == []
    assert tiny.read("hospice_reader", CODES) == [("73761001",)]
    assert tiny.read("other_reader", CODES) == []
    assert "united has no rows of version 1: " in tiny.said.getvalue()
    assert tiny.read("open_reader", CODES) == [("73761001",)]
    versions = "select distinct version from residency.fct_studies"
    assert tiny.read("newcomer", versions) == [(1,)]
    assert find_problems(tiny.settings, tiny.databases) == []
    # Nor by mending, which goes by the same.
    tiny.as_builder("delete from casebook.members where login = 'other_reader'")
    repair(tiny.settings, tiny.databases, Console(error_stream=tiny.said))
    assert tiny.read("other_reader", CODES) == []


def test_a_code_that_was_restricted_since_is_not_shown_again(tiny: Tiny) -> None:
    """The specialty was restricted before; a further code of it is what the version still shows."""
    tiny.publish()
    assert tiny.read("open_reader", CODES) == [("73761001",)]
    tiny.build(2)
    tiny.as_builder(
        "insert into intermediate.int_codes_hidden values ('scope-humana-open', '73761001');"
        "delete from clients.procedure_summary where scope_id = 'scope-humana-open'"
    )
    tiny.publish()
    assert roll_back(tiny) == Rollback(1, 2)
    assert tiny.read("open_reader", CODES) == []
    assert "humana has no rows of version 1: " in tiny.said.getvalue()
    assert tiny.read("other_reader", CODES) == [("385763009",)]


def restrict(tiny: Tiny) -> None:
    tiny.as_builder(
        "insert into intermediate.int_codes_hidden values ('scope-united-open', '385763009')"
    )


def close_payer(tiny: Tiny) -> None:
    tiny.as_builder("update staging.stg_reference__payer_groups set detail_is_visible = false")


def coarsen(tiny: Tiny) -> None:
    """Let the marts show years; before, as the column is not there, they showed months."""
    tiny.as_builder(
        "alter table casebook.last_build add service_date_precision text default 'year'"
    )


def take_mart(tiny: Tiny) -> None:
    tiny.node("fct_studies")["config"]["meta"]["readers"] = {"program": "all"}


@pytest.mark.parametrize(
    ("narrow", "narrowed"),
    [
        (restrict, {"other_reader"}),
        (close_payer, {"staff_member"}),
        (coarsen, {"open_reader", "hospice_reader", "other_reader", "staff_member"}),
        (take_mart, {"resident_one"}),
    ],
)
def test_what_a_scope_may_not_see_any_more_is_deleted_from_it_at_once(
    tiny: Tiny, narrow: Callable[[Tiny], None], narrowed: set[str]
) -> None:
    tiny.node("case_log_group_progress")["config"]["meta"]["readers"]["staff"] = "all"
    publish_generations(tiny, 1)
    relations = {
        "program_director": "residency.fct_studies",
        "resident_one": "residency.case_log_totals",
        "staff_member": "residency.case_log_group_progress",
        **dict.fromkeys(("open_reader", "hospice_reader", "other_reader"), CODES.split()[3]),
    }
    tiny.build(2)
    narrow(tiny)
    tiny.publish()
    for login, relation in relations.items():
        kept = [(2,)] if login in narrowed else [(1,), (2,)]
        for query in ("select version from private.versions", f"select version from {relation}"):
            assert tiny.as_owner(f"select distinct * from ({query}) as kept order by 1", login) == (
                kept
            ), (login, query)
    # Nor by way of a version in which all of it is open again.
    tiny.node("fct_studies")["config"]["meta"]["readers"] = {"program": "all", "resident": "own"}
    publish_generations(tiny, 3)
    assert roll_back(tiny) == Rollback(2, 3)
    assert roll_back(tiny) == Rollback(1, 2)
    for login, relation in relations.items():
        seen = tiny.read(login, f"select distinct version from {relation}")
        assert seen == ([] if login in narrowed else [(1,)]), login
    assert find_problems(tiny.settings, tiny.databases) == []
    publish_generations(tiny, 4)
    for login, relation in relations.items():
        assert tiny.read(login, f"select distinct version from {relation}") == [(4,)]


def test_what_was_built_before_a_rollback_is_not_published_after_it(tiny: Tiny) -> None:
    """Neither what was withdrawn, nor a build of another scheduler that was under way."""
    (first, _) = publish_generations(tiny, 1, 2)
    roll_back(tiny)
    with pytest.raises(DataError, match="a version was rolled back"):
        tiny.publish()
    assert tiny.content() == first
    (third,) = publish_generations(tiny, 3)
    assert tiny.as_owner(POINTER) == [(3, 3)]
    assert third != first


@pytest.mark.parametrize("had_lock", [True, False])
def test_a_run_that_was_publishing_publishes_nothing_after_a_rollback(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, had_lock: bool
) -> None:
    """It lost its lock, or never had one: the rollback came in the middle of its copy."""
    (first, second) = publish_generations(tiny, 1, 2)
    tiny.build(3)
    original = scope_versions.copy_mart
    rolled: list[Rollback] = []
    one_at_a_time = Lock()
    # Of its own, because whoever loses the lock is interrupted.
    other = Thread(target=lambda: rolled.append(roll_back(tiny)))

    def roll_back_first(*arguments: Any) -> int:
        with one_at_a_time:
            if other.ident is None:
                tiny.as_builder(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where starts_with(application_name, 'casebook run lock')"
                )
                other.start()
                other.join()
        return original(*arguments)

    monkeypatch.setattr(scope_versions, "copy_mart", roll_back_first)
    error = LostConnectionError if had_lock else BusyError
    lock = run_lock(tiny.databases) if had_lock else nullcontext(lambda: None)
    with (
        pytest.raises(error, match="was lost" if had_lock else "a rollback was made"),
        lock as still_alone,
    ):
        tiny.publish(still_alone=still_alone)
    other.join()
    assert rolled == [Rollback(1, 2)]
    assert tiny.content() == first != second
    assert tiny.as_owner(POINTER) == [(1, 2)]


def test_a_publication_in_between_stops_the_rollback(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_generations(tiny, 1, 2)
    original = rollback.ready_scopes

    def publish_first(*arguments: Any) -> Any:
        publish_generations(tiny, 3)
        return original(*arguments)

    monkeypatch.setattr(rollback, "ready_scopes", publish_first)
    with pytest.raises(BusyError, match="another run published since"):
        roll_back(tiny)
    assert tiny.as_owner(POINTER) == [(3, 3)]


def test_what_has_no_place_in_reporting_stops_a_rollback(tiny: Tiny) -> None:
    (_, second) = publish_generations(tiny, 1, 2)
    tiny.as_owner("create view residency.shortcut as select * from residency.fct_studies")
    with pytest.raises(DatabaseError, match=r"no contract describes residency\.shortcut"):
        roll_back(tiny)
    assert tiny.content() == second
    tiny.as_owner("drop view residency.shortcut")
    assert roll_back(tiny) == Rollback(1, 2)


def test_who_loses_the_connection_is_not_told_to_roll_back_once_more(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_generations(tiny, 1, 2, 3)

    def lose_lock(*_: Any) -> None:
        raise LostConnectionError("The connection was lost.", "Run again.")

    monkeypatch.setattr(pipeline, "open_databases", lambda *_: tiny.databases)
    monkeypatch.setattr(pipeline, "render_all", lose_lock)
    with pytest.raises(LostConnectionError, match="only if it is still the one") as told:
        pipeline.roll_back(tiny.settings, Console(error_stream=tiny.said), tiny.target_dir)
    assert "Run again" not in str(told.value)
    assert tiny.as_owner(POINTER) == [(2, 3)]
