"""A whole `casebook run` that is killed or told to end, at any moment from start to pages."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from psycopg2 import sql

from orchestrate.publishing import published_versions
from orchestrate.publishing.publisher import lagging_scopes
from orchestrate.publishing.versions import read_readers
from orchestrate.repair import find_problems
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

pytestmark = pytest.mark.slow

# Killed, or told to end: before the command listens, that kills it too.
SIGNALS = {signal.SIGKILL: {-9, 0}, signal.SIGTERM: {-15, 130, 0}}


def test_a_run_that_is_cut_off_anywhere_is_made_good_by_the_next(
    soak: bool, request: pytest.FixtureRequest, figure: Callable[[str], None]
) -> None:
    if not soak:
        pytest.skip("Each kill takes one and a half runs: make soak")
    casebook: Casebook = request.getfixturevalue("own_casebook")
    before = what_readers_see(casebook)
    began = time.monotonic()
    casebook.run("--full")
    duration = time.monotonic() - began
    chance = random.Random(5)  # noqa: S311 - moments to kill at, not secrets
    count, cut_off = 12, 0
    for part in range(count):
        version = current_version(casebook)
        number = list(SIGNALS)[part % len(SIGNALS)]
        running = subprocess.Popen(
            [
                *(sys.executable, "-m", "orchestrate"),
                *("run", "--full", "--out", str(casebook.output_dir)),
            ],
            cwd=PROJECT_DIR,
            env=casebook.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep((part + chance.random()) * duration / count)
        running.send_signal(number)
        _, said = running.communicate()
        assert running.returncode in SIGNALS[number], said
        assert "Traceback" not in said
        cut_off += running.returncode != 0
        assert current_version(casebook) in {version, version + 1}
        assert what_readers_see(casebook) == before
        for page in casebook.output_dir.rglob("*.html"):
            assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
        again = casebook.run()
        assert again["version"] == current_version(casebook)
        assert what_readers_see(casebook) == before
        assert list(casebook.output_dir.rglob(".*.casebook-*")) == []
    figure(f"whole runs: {count} told to end or killed, {cut_off} of them cut off")
    assert cut_off


def current_version(casebook: Casebook) -> int:
    """Return the version that readers are to see, after checking that no right is amiss."""
    databases = casebook.databases
    current = next(one for one in published_versions(databases) if one.is_current)
    assert find_problems(casebook.settings, databases) == [
        f"{name} does not show the version that was decided" for name in lagging_scopes(databases)
    ]
    return current.version


def what_readers_see(casebook: Casebook) -> dict[tuple[str, str], str]:
    """Hash every relation that some reader may read, as it sees it and but for the version."""
    databases = casebook.databases
    current = next(one for one in published_versions(databases) if one.is_current)
    lagging = lagging_scopes(databases)
    places, members = read_readers(databases)
    by_scope = {place.scope: place for place in places}
    seen = {}
    for member in members:
        shown = current.version - (member.scope.name in lagging)
        with (
            by_scope[member.scope].as_reader(member.login).session() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select distinct table_schema, table_name"
                " from information_schema.column_privileges where privilege_type = 'SELECT'"
                " and grantee like 'casebook%' and table_schema <> 'private'"
            )
            for schema, table in sorted(cursor.fetchall()):
                cursor.execute(
                    sql.SQL(
                        "select array_agg(distinct version),"
                        " string_agg(md5((to_jsonb(rows) - 'version')::text), '' order by"
                        " md5((to_jsonb(rows) - 'version')::text)) from {} as rows"
                    ).format(sql.Identifier(schema, table))
                )
                versions, content = cursor.fetchone() or (None, None)
                assert versions in (None, [shown]), f"{schema}.{table}"
                digest = hashlib.sha256((content or "").encode()).hexdigest()
                seen[member.login, f"{schema}.{table}"] = digest
    assert seen
    return seen
