"""dbt in this process, on a small project and a real server."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrate.building.manifest import Manifest
from orchestrate.database import ConnectionTarget
from orchestrate.errors import CasebookError, DatabaseError, ExitStatus
from orchestrate.settings import PROJECT_DIR, Settings
from tests.python.building.conftest import Project
from tests.python.crashes.commands import as_process, wait_until

pytestmark = pytest.mark.slow


def query(target: ConnectionTarget, statement: str) -> list[tuple[object, ...]]:
    with target.session() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_build_makes_models_runs_tests_and_says_so(
    project: Project,
    settings: Settings,
    own_database: ConnectionTarget,
    said: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    dbt = project()
    manifest = dbt.parse({"rows": 4})
    assert manifest.task_count() == 4
    outcome = dbt.build({"rows": 4}, manifest)
    assert outcome.succeeded
    assert query(own_database, "select count(*) from casebook.later") == [(4,)]
    # The seed was loaded by somebody else and is left alone, and so is the failing unit test.
    assert query(own_database, "select * from casebook.codes") == [("1",)]
    results = json.loads((settings.target_dir / "run_results.json").read_text(encoding="utf-8"))
    statuses = sorted(result["status"] for result in results["results"])
    assert statuses == ["pass", "success", "success", "warn"]
    # What the parse understood was not to be understood again.
    log = (settings.log_dir / "dbt.log").read_text(encoding="utf-8")
    assert log.count("Starting full parse") == 1
    built = (settings.target_dir / "manifest.json").read_bytes()
    dbt.parse({})
    assert (settings.target_dir / "manifest.json").read_bytes() == built
    assert Manifest.read(settings.description_dir).nodes.keys() == manifest.nodes.keys()
    assert "Building and testing" in said.getvalue()
    assert "Warning" not in said.getvalue()
    written, _ = capfd.readouterr()
    assert written == ""
    assert not [name for name in os.environ if name.startswith(("CASEBOOK_DBT", "DBT_ENV"))]


def test_a_failed_test_is_named_with_its_meaning_and_its_number_of_rows(project: Project) -> None:
    outcome = project().build({"severity": "error"})
    assert not outcome.succeeded
    (failure,) = outcome.failures
    assert str(failure) == (
        "test secrets_are_known: Got 1 result, configured to fail if != 0 (1 failing row)."
        " It means: A number without a secret cannot be kept."
    )


def test_a_failing_model_is_named_without_values_and_the_rest_is_skipped(
    project: Project, said: io.StringIO
) -> None:
    bad = "select 'canary'::text::integer + count(*) as number, 1 as secret\nfrom pg_class\n"
    outcome = project({"models/numbers.sql": bad}).build({})
    (failure,) = outcome.failures
    assert (failure.node, failure.kind) == ("numbers", "model")
    assert failure.message == "invalid input syntax for type integer: (value not shown)"
    assert outcome.skipped == 3
    assert "canary" not in said.getvalue() + str(failure)


@pytest.mark.parametrize(
    "changed",
    [
        {"models/numbers.sql": "select {{ ref('nowhere') }}"},
        {"models/numbers.sql": "select {{ "},
        {"models/numbers.yml": "models: [{name: numbers, columns: {a: 1"},
    ],
)
def test_an_error_of_the_project_is_told_with_its_place(
    changed: dict[str, str], project: Project
) -> None:
    with pytest.raises(CasebookError, match=r"dbt could not read the project: .*numbers") as caught:
        project(changed).parse({})
    assert caught.value.status == ExitStatus.DATA
    assert "\n" not in caught.value.cause


def test_a_warning_of_dbt_reaches_the_console_once(project: Project, said: io.StringIO) -> None:
    project({"models/other.yml": "models: [{name: unheard_of}]"}).parse({})
    assert said.getvalue().count("Warning: dbt: Did not find matching node") == 1


@pytest.mark.parametrize("change", [{"dbname": "no_such"}, {"host": "127.0.0.1", "port": "1"}])
def test_a_warehouse_that_cannot_be_reached_is_a_database_error(
    change: dict[str, str], project: Project, own_database: ConnectionTarget
) -> None:
    target = ConnectionTarget({**own_database.parameters, **change})
    with pytest.raises(DatabaseError, match="dbt could not build"):
        project(target=target).build({})


def test_a_lost_connection_is_a_database_error(
    project: Project, own_database: ConnectionTarget
) -> None:
    suicide = "select 1 as number, pg_terminate_backend(pg_backend_pid()) as secret"
    with pytest.raises(DatabaseError, match="was lost while dbt was building"):
        project({"models/numbers.sql": suicide}).build({})


def test_an_interruption_ends_dbt_and_its_queries(
    project: Project, own_database: ConnectionTarget
) -> None:
    slow = "select 1 as number, 'x' as secret, pg_sleep(120)::text as slept"
    dbt = project({"models/numbers.sql": slow})
    dbt.parse({})
    sleeping = (
        "select count(*) from pg_stat_activity"
        " where state = 'active' and query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
    )

    def interrupt_when_it_sleeps() -> None:
        deadline = time.monotonic() + 60
        while query(own_database, sleeping) == [(0,)] and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    started = time.monotonic()
    interrupter = threading.Thread(target=interrupt_when_it_sleeps)
    # A shell that puts the tests into the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            dbt.build({})
        interrupter.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 90
    deadline = time.monotonic() + 5
    while query(own_database, sleeping) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert query(own_database, sleeping) == [(0,)]


def test_dbt_does_not_outlive_its_runner(
    project: Project, own_database: ConnectionTarget, tmp_path: Path
) -> None:
    asked = "select name, source, setting from pg_settings"
    slow = "select 1 as number, 'x' as secret, pg_sleep(150)::text as slept"
    dbt = project({"models/numbers.sql": slow, "models/session.sql": asked})
    dbt.parse({})
    child = as_process(lambda: dbt.build({}), tmp_path / "said")
    sleeping = (
        "select count(*) from pg_stat_activity"
        " where state = 'active' and query like '%pg_sleep(150)%' and pid <> pg_backend_pid()"
    )
    session = "select to_regclass('casebook.session') is not null"
    wait_until(lambda: query(own_database, session) == [(True,)])
    wait_until(lambda: query(own_database, sleeping) == [(1,)])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    # Long before the query would have ended by itself.
    wait_until(lambda: query(own_database, sleeping) == [(0,)])
    wait_until(lambda: not in_session(child))
    # Because dbt's own sessions ask for it, also where the server's settings are not ours.
    assert query(
        own_database,
        "select source, setting from casebook.session"
        " where name in ('client_connection_check_interval', 'statement_timeout') order by name",
    ) == [("client", "2000"), ("client", "7200000")]


def in_session(leader: int) -> list[str]:
    """Return the processes that a process started in its session, but for the dead."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(process.name)
    return found


def test_dbt_is_not_imported_before_it_is_needed() -> None:
    check = (
        "import sys, orchestrate.building, orchestrate.loading;"
        "sys.exit(any(name.split('.')[0] == 'dbt' for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=PROJECT_DIR)
