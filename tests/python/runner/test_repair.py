"""`casebook doctor --mend` gives readers what the published version gave them, and nothing more."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_manifest import function

from orchestrate import pipeline
from orchestrate.console import Console
from orchestrate.errors import BusyError, ConfigurationError
from orchestrate.publishing import published_versions
from orchestrate.repair import Repaired, find_problems, repair
from orchestrate.rollback import put_back
from orchestrate.run_lock import run_lock
from orchestrate.server_checks import check_builder

pytestmark = pytest.mark.slow

BODY = 'select procedure_code, patient_count from "warehouse"."clients"."procedure_summary"'


@pytest.fixture
def published(tiny: Any) -> Any:
    """Return a tiny Casebook with a function and one version published."""
    counted = function("counted", BODY)
    tiny.manifest["functions"] = {counted["unique_id"]: counted}
    tiny.publish(build=True)
    return tiny


def mended(tiny: Any, said: io.StringIO | None = None) -> Repaired:
    return repair(tiny.settings, tiny.databases, Console(error_stream=said or io.StringIO()))


def as_builder(tiny: Any, statement: str) -> None:
    """Run a statement in the database of open_reader, which is written as OWN."""
    place = tiny.place("open_reader")
    with place.as_builder().session() as admin, admin.cursor() as cursor:
        cursor.execute(statement.replace("OWN", place.database).replace("GROUP", place.group))


def state(tiny: Any) -> tuple[Any, ...]:
    """Return all that readers see, and what decides it."""
    return (
        tiny.content(),
        tiny.as_builder("select * from casebook.members order by login"),
        tiny.as_builder("select current_version, highest_version from casebook.pointer"),
        tiny.as_owner("select current_version, highest_version from private.pointer"),
        tiny.as_owner(
            "select pg_get_functiondef('clients.counted(text)'::regprocedure)", "open_reader"
        ),
    )


BY_OWNER = {
    "drop policy version_is_current on clients.procedure_summary": "policy version_is_current",
    "alter policy version_is_current on clients.procedure_summary using (true)": (
        "policy version_is_current"
    ),
    "grant select on clients.procedure_summary to casebook_staff": "SELECT of casebook_staff",
    "revoke select (patient_count) on clients.procedure_summary from casebook_client": (
        "SELECT (patient_count) of casebook_client"
    ),
    "drop function clients.counted(text)": "function clients.counted",
    "alter function clients.counted(text) security definer": "function clients.counted",
    "alter function private.current_version() reset all": "function private.current_version",
}
BY_BUILDER = {
    "drop role open_reader": "the role open_reader is missing",
    "alter role open_reader nologin": "open_reader cannot log in",
    "alter role open_reader connection limit 1": "open_reader may have another number",
    "alter role open_reader set search_path to nowhere": "open_reader has other settings",
    "alter role open_reader in database OWN set work_mem to '1GB'": "open_reader has other",
    "alter role GROUP_pages set work_mem to '1GB'": "GROUP_pages has other settings",
    "grant casebook_staff to open_reader": "open_reader is a member of casebook_staff",
    "revoke GROUP from open_reader": "open_reader is no member of GROUP",
    "grant casebook_owner to casebook_client": "casebook_client is a member of casebook_owner",
    "grant casebook_staff to GROUP": "GROUP is a member of casebook_staff",
    "grant connect on database OWN to public": "CONNECT of public on database",
    "revoke connect on database OWN from GROUP": "CONNECT of GROUP",
    "grant connect on database OWN to casebook_client": "CONNECT of casebook_client on database",
    "revoke casebook_owner from casebook_publisher": "permission denied to set role",
    "revoke casebook_client from GROUP": "GROUP is no member of casebook_client",
}
IN_WAREHOUSE = {
    "delete from casebook.members where login = 'open_reader'": "the member open_reader",
    "update casebook.members set suffix = (select suffix from casebook.scopes"
    " where name = 'humana_hospice') where login = 'open_reader'": "the member open_reader",
}


@pytest.mark.parametrize(
    ("statement", "text", "who"),
    [
        *((statement, text, "owner") for statement, text in BY_OWNER.items()),
        *((statement, text, "builder") for statement, text in BY_BUILDER.items()),
        *((statement, text, "record") for statement, text in IN_WAREHOUSE.items()),
    ],
)
def test_what_was_changed_is_found_mended_and_said(
    published: Any, statement: str, text: str, who: str
) -> None:
    before = state(published)
    text = text.replace("GROUP", published.place("open_reader").group)
    assert find_problems(published.settings, published.databases) == []
    if who == "owner":
        published.as_owner(statement, "open_reader")
    elif who == "builder":
        as_builder(published, statement)
    else:
        published.as_builder(statement)
    assert any(text in one for one in find_problems(published.settings, published.databases)), (
        find_problems(published.settings, published.databases)
    )
    found = mended(published)
    assert found.remaining == []
    assert any(text in one for one in found.mended)
    assert state(published) == before
    assert mended(published) == Repaired([], [])
    assert [one.version for one in published_versions(published.databases)] == [1]


def test_members_become_those_of_the_list(published: Any, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(
        "login,audience,client_id,specialty_id,resident_name\n"
        "open_reader,client,humana,hospice,\n"
        "newcomer,program,,,\n"
        'stranger,resident,,,"Nobody, Known"\n',
        encoding="utf-8",
    )
    published.settings = replace(published.settings, members_file=path)
    said = io.StringIO()
    found = mended(published, said)
    assert found.remaining == []
    assert "the member open_reader is not as listed" in found.mended
    assert "the member newcomer is not as listed" in found.mended
    assert "Removed hospice_reader" in said.getvalue()
    assert said.getvalue().count("stranger names a resident that is not in the data") == 1
    counted = "select count(*) from clients.procedure_summary"
    assert published.read("open_reader", counted) == [(2,)]
    assert published.read("newcomer", "select count(*) from residency.fct_studies") == [(20,)]
    assert published.as_builder("select 1 from pg_roles where rolname = 'other_reader'") == []


def test_a_list_in_a_file_is_not_forgotten_where_no_file_is_named(
    published: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "open_databases", lambda *_: published.databases)
    columns = "login,audience,client_id,specialty_id,resident_name\n"
    path = tmp_path / "our members.csv"
    path.write_text(f"{columns}newcomer,program,,,\n", encoding="utf-8")
    seed = tmp_path / "seeds" / "reference" / "members.csv"
    seed.parent.mkdir(parents=True)
    seed.write_text(f"{columns}program_director,program,,,\n", encoding="utf-8")
    from_seed = replace(published.settings, project_dir=tmp_path)
    from_file = replace(from_seed, members_file=path)

    published.settings = from_file
    published.publish()
    studies = "select count(*), max(version) from residency.fct_studies"
    console = Console(error_stream=published.said)
    before = published.as_builder("table casebook.members"), published.read("newcomer", studies)
    published.settings = from_seed
    for command in (
        published.publish,
        lambda: mended(published),
        lambda: put_back(from_seed, published.databases, console, lambda: None),
        lambda: pipeline.run_all(from_seed, console, tmp_path / "out"),
    ):
        with pytest.raises(ConfigurationError, match=r"listed in .*our members\.csv") as caught:
            command()
        assert f"CASEBOOK_MEMBERS='{path}'" in caught.value.cure
    after = published.as_builder("table casebook.members"), published.read("newcomer", studies)
    assert after == before
    published.settings = from_file
    published.publish()

    # The seed's own file, named once, is the way back.
    published.settings = replace(from_seed, members_file=seed)
    published.publish()
    published.settings = from_seed
    published.publish()
    assert published.as_builder("select 1 from pg_roles where rolname = 'newcomer'") == []


def test_a_later_build_changes_nothing_of_what_was_given(published: Any) -> None:
    """Tables of a build that was not published are no reason to take or give anything."""
    before = state(published)
    published.node("fct_studies")["config"]["meta"]["readers"] = {"staff": "all"}
    published.build(2)
    published.as_builder("truncate residency.fct_studies, residency.case_log_totals")
    published.write_artifacts()
    published.as_owner("drop policy version_is_current on residency.fct_studies")
    assert mended(published).remaining == []
    assert state(published) == before


def test_what_other_hands_put_there_remains_and_is_said(published: Any) -> None:
    as_builder(published, "create schema theirs create table secrets (a integer)")
    try:
        found = mended(published)
        assert any("no contract describes theirs.secrets" in one for one in found.remaining)
    finally:
        as_builder(published, "drop schema theirs cascade")


def test_before_the_first_version_there_is_nothing_to_mend(tiny: Any) -> None:
    assert mended(tiny) == Repaired([], [])


def test_a_run_in_the_way_is_said(published: Any) -> None:
    with run_lock(published.databases), pytest.raises(BusyError):
        mended(published)


def test_the_statements_for_an_administrator_can_be_run_for_any_name_of_a_builder(
    tiny: Any,
) -> None:
    role = '"Nightly-builder"'
    tiny.as_builder(f"create role {role} login password 'of-the-builder'")
    tiny.as_builder(f"grant connect on database warehouse to {role}")
    try:
        # S106: of a role that lives as long as this test.
        odd = tiny.databases.warehouse.derive(user=role.strip('"'), password="of-the-builder")  # noqa: S106
        checks = check_builder(replace(tiny.databases, warehouse=odd))
        (statements,) = [check.statements for check in checks if check.statements]
        assert statements == (
            f"alter role {role} createrole;",
            f"alter role {role} createdb;",
            f"grant create on database warehouse to {role};",
        )
    finally:
        tiny.as_builder(f"revoke all on database warehouse from {role}")
        tiny.as_builder(f"drop role {role}")
