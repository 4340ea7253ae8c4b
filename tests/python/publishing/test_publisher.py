"""Publishing is one step: all of a tested build, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrate.console import Console
from orchestrate.errors import BusyError, DatabaseError
from orchestrate.publishing import published_versions, publisher, scope_versions
from orchestrate.publishing.gate import GATE
from orchestrate.publishing.versions import Pointer, decide, read_pointer, record
from orchestrate.run_lock import run_lock

pytestmark = pytest.mark.slow


def test_publishes_what_the_build_holds(tiny: Any) -> None:
    version = tiny.publish()
    assert version.version == 1
    assert version.rows == {
        "residency.case_log_totals": 2,
        "residency.fct_studies": 20,
        "residency.case_log_group_progress": 1,
        "clients.procedure_summary": 4,
    }
    assert version.tests_passed == len(GATE) + 2
    studies = tiny.read("program_director", "select * from residency.fct_studies")
    warehouse = tiny.as_builder("select 1::bigint, * from residency.fct_studies")
    assert sorted(studies) == sorted(warehouse)


def test_a_column_beside_the_contract_is_not_published(tiny: Any) -> None:
    tiny.as_builder("alter table residency.fct_studies add column patient_name text")
    tiny.publish()
    assert len(tiny.read("program_director", "select * from residency.fct_studies")[0]) == 4


def test_versions_are_told_newest_first_and_three_are_kept(tiny: Any) -> None:
    assert published_versions(tiny.databases) == []
    for generation in range(1, 6):
        tiny.build(generation)
        tiny.publish()
    told = published_versions(tiny.databases)
    assert [(version.version, version.is_current) for version in told] == [
        (5, True),
        (4, False),
        (3, False),
    ]
    for login, relation in (
        ("program_director", "residency.fct_studies"),
        ("resident_one", "residency.fct_studies"),
        ("hospice_reader", "clients.procedure_summary"),
    ):
        stored = tiny.as_owner(f"select distinct version from {relation} order by 1", login)
        assert stored == [(3,), (4,), (5,)]
    assert tiny.read("program_director", "select chest_xray from residency.case_log_totals") == [
        (5,),
        (0,),
    ]


def test_tables_carry_keys_and_comments(tiny: Any) -> None:
    tiny.publish()
    query = (
        "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint"
        " where contype in ('p', 'f') and conrelid::regclass::text ~ '^(clients|residency)'"
        " order by 1, 2"
    )
    assert tiny.as_owner(query, "open_reader") == [
        ("clients.procedure_summary", "PRIMARY KEY (version, procedure_code)"),
    ]
    assert tiny.as_owner(query) == [
        ("residency.case_log_group_progress", "PRIMARY KEY (version, category_id)"),
        ("residency.case_log_totals", "PRIMARY KEY (version, resident_name)"),
        (
            "residency.fct_studies",
            "FOREIGN KEY (version, resident_name)"
            " REFERENCES residency.case_log_totals(version, resident_name)",
        ),
        ("residency.fct_studies", "PRIMARY KEY (version, study_id)"),
    ]
    (undescribed,) = tiny.as_owner(
        "select count(*) from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'residency'::regnamespace"
        " and relkind = 'r' and attnum > 0 and col_description(attrelid, attnum) is null"
    )
    assert undescribed == (0,)
    assert tiny.as_owner("select obj_description('residency.fct_studies'::regclass)") == [
        ("One row per study_id.",)
    ]


def test_an_empty_mart_is_published_and_said(tiny: Any) -> None:
    tiny.as_builder("delete from residency.fct_studies")
    assert tiny.publish().rows["residency.fct_studies"] == 0
    assert "residency.fct_studies is published without rows" in tiny.said.getvalue()


def test_a_failure_in_the_middle_of_the_copy_changes_nothing(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.publish()
    before = tiny.content()
    tiny.build(2)
    copied = []

    def fail_on_third(source: Any, target: Any, *rest: Any) -> int:
        if len(copied) == 2:
            # As when the server ends the session: the transaction is gone with it.
            target.connection.close()
        copied.append(rest)
        return int(original(source, target, *rest))

    original = scope_versions.copy_mart
    monkeypatch.setattr(scope_versions, "copy_mart", fail_on_third)
    with pytest.raises(DatabaseError):
        tiny.publish()
    assert len(copied) > 2
    assert tiny.content() == before
    monkeypatch.undo()
    assert tiny.publish().version == 2
    assert tiny.content() != before


def test_a_source_that_breaks_off_publishes_nothing(tiny: Any) -> None:
    """The copy out of the warehouse fails after some rows, while the copy in is under way."""
    tiny.publish()
    before = tiny.content()
    tiny.build(2)
    tiny.as_builder(
        "alter table residency.fct_studies rename to kept;"
        "create view residency.fct_studies as select study_id, resident_name,"
        " (case when rvu = 19 then 1 / (rvu - 19) else rvu end)::numeric(14,4) as rvu"
        " from residency.kept"
    )
    with pytest.raises(DatabaseError, match="division by zero"):
        tiny.publish()
    assert tiny.content() == before


def test_an_older_version_cannot_follow_a_newer_one(tiny: Any) -> None:
    """The fence holds even when two runs are on their way at once, whatever became of the lock."""
    tiny.publish()
    with record(tiny.databases) as cursor:
        overtaken = read_pointer(cursor)
    tiny.publish()
    with record(tiny.databases) as cursor:
        with pytest.raises(BusyError, match="another run published since"):
            decide(cursor, overtaken, 2, [], [])
        assert read_pointer(cursor).current == 2
    # Nor does what somebody decided before, and has yet to show, come after what is shown.
    late = Pointer(1, 2, overtaken.turn, is_carried_out=False)
    for login in ("program_director", "open_reader"):
        scope_versions.show(tiny.place(login), late, Console())
        shown = tiny.as_owner("select current_version, highest_version from private.pointer", login)
        assert shown == [(2, 2)]


def test_a_run_that_was_overtaken_publishes_nothing(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run published while this one copied, whatever became of the lock."""
    tiny.publish()
    original = publisher.decide

    def decide_late(cursor: Any, seen: Any, *rest: Any) -> Any:
        with record(tiny.databases) as other:
            original(other, seen, *rest)
        return original(cursor, seen, *rest)

    monkeypatch.setattr(publisher, "decide", decide_late)
    monkeypatch.setattr(publisher, "record_version", lambda *_: None)
    before = tiny.content()
    with pytest.raises(BusyError, match="another run published since"):
        tiny.publish()
    assert tiny.content() == before


def test_a_reader_in_a_transaction_keeps_its_version(tiny: Any) -> None:
    tiny.publish()
    connection = tiny.reader("program_director").connect()
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    cursor = connection.cursor()
    cursor.execute("select version from residency.case_log_totals")
    first = cursor.fetchall()
    for generation in range(2, 7):
        tiny.build(generation)
        tiny.publish()
    cursor.execute("select version from residency.case_log_totals")
    assert cursor.fetchall() == first
    connection.close()


@pytest.mark.parametrize(
    ("change", "mend", "text"),
    [
        (
            "create view residency.shortcut as select * from residency.fct_studies",
            "drop view residency.shortcut",
            "no contract describes residency.shortcut",
        ),
        (
            "create table residency.notes (version bigint)",
            "drop table residency.notes",
            "row security is off on residency.notes",
        ),
        (
            "alter table residency.fct_studies disable row level security",
            "alter table residency.fct_studies enable row level security",
            "row security is off on residency.fct_studies",
        ),
        (
            "alter table residency.fct_studies force row level security",
            "alter table residency.fct_studies no force row level security",
            "row security is forced on residency.fct_studies",
        ),
    ],
)
def test_what_has_no_place_in_reporting_stops_the_publication(
    tiny: Any, change: str, mend: str, text: str
) -> None:
    tiny.publish()
    tiny.as_owner(change)
    with pytest.raises(DatabaseError) as raised:
        tiny.publish()
    assert text in str(raised.value)
    tiny.as_owner(mend)
    assert tiny.publish().version == 2
    assert tiny.read("program_director", "select distinct version from residency.fct_studies") == [
        (2,)
    ]


def test_a_table_of_the_builder_stops_the_publication(tiny: Any) -> None:
    tiny.publish()
    builder = tiny.place("program_director").as_builder()
    with builder.session() as admin, admin.cursor() as cursor:
        cursor.execute("create table public.notes (version bigint primary key)")
        cursor.execute("alter table public.notes enable row level security")
        with pytest.raises(DatabaseError, match=r"another role owns public\.notes"):
            tiny.publish()
        cursor.execute("drop table public.notes")


def test_rights_that_others_gave_end_with_the_next_publication(tiny: Any) -> None:
    tiny.publish()
    tiny.as_owner("grant select on residency.fct_studies to casebook_staff")
    tiny.as_owner("grant usage on schema private to casebook_program")
    tiny.as_owner("create policy more on residency.fct_studies for select to casebook_staff")
    tiny.publish()
    assert tiny.as_owner(
        "select count(*) from pg_policies where tablename = 'fct_studies' and policyname = 'more'"
    ) == [(0,)]
    assert tiny.as_owner(
        "select has_table_privilege('casebook_staff', 'residency.fct_studies', 'select'),"
        " has_schema_privilege('casebook_program', 'private', 'usage')"
    ) == [(False, False)]


def test_one_run_at_a_time(tiny: Any) -> None:
    with run_lock(tiny.databases):
        second = run_lock(tiny.databases)
        with pytest.raises(BusyError, match="Another run is active"):
            second.__enter__()
    with run_lock(tiny.databases):
        pass


def test_the_lock_dies_with_its_holder(tiny: Any) -> None:
    holder = run_lock(tiny.databases)
    holder.__enter__()
    tiny.as_builder(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where application_name like 'casebook run lock%'"
    )
    with run_lock(tiny.databases):
        pass
