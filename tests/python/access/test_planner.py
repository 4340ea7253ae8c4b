"""No plan tells of rows of another version, whatever condition a reader adds.

The planner runs conditions in the order of their costs, and EXPLAIN ANALYZE tells whether the
version was asked for at all: if a reader's condition came first and no row met it, it was not.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import servers
from postgres15 import SystemPostgres
from tiny import Row, Tiny, create_table, make_tiny
from tiny_manifest import model

from orchestrate.access.policies import IS_CURRENT
from orchestrate.console import Console
from orchestrate.database import ConnectionTarget, Databases, open_databases
from orchestrate.settings import PROJECT_DIR, Settings
from tests.python.access.planning import Pair, column_pairs, pairs, settings, told
from tests.python.sampling import SEED

pytestmark = pytest.mark.slow

LOGINS = ("program_director", "resident_one", "hospice_reader")
# Of every type that a contract names: values that are shown, and one of the version before.
TYPES: dict[str, tuple[object, object]] = {
    "text": ("n", "b"),
    "boolean": (False, True),
    "date": ("2015-01-01", "2010-01-01"),
    "double precision": (5.5, 2.5),
    "numeric(14,4)": (5.5, 2.5),
    "integer": (5, 2),
    "timestamptz": ("2015-01-01", "2010-01-01"),
}
COLUMNS = {data_type.split("(")[0].replace(" ", "_"): data_type for data_type in TYPES}
RELATION = "residency.every_type"
SUFFIXES = ("_told", "_untold")
SAMPLED = 500
# Policies that a reader's condition comes before: by half an operator's cost, and by nothing.
CHEAPER = {
    "a comparison": "version = (select private.current_version())",
    "any of one": "version = any (array[(select private.current_version())])",
}

Figure = Callable[[str], None]
Question = tuple[Pair, tuple[str, ...]]


def with_every_type(tiny: Tiny) -> Tiny:
    """Publish two versions of a Casebook that has a column pair of each type.

    The columns of a pair show the same; in the version before, one of them had other values: none
    at all, or true. `_untold` had always those that are shown.
    """
    names = {f"{name}{suffix}": kind for name, kind in COLUMNS.items() for suffix in SUFFIXES}
    columns = {"key": "text", "resident_name": "text", **names}
    readers = {"program": "all", "resident": "own"}
    node = model("every_type", "residency", columns, ["key"], readers)
    tiny.manifest["nodes"][node["unique_id"]] = node
    for generation in (1, 2):
        tiny.build(generation)
        with tiny.databases.warehouse.session() as connection, connection.cursor() as cursor:
            create_table(cursor, ("residency", "every_type"), columns, rows(generation))
        tiny.publish()
    return tiny


def rows(generation: int) -> list[Row]:
    """Return the rows of a version: three that it shares with the other, and one of its own."""
    shown = [value for value, _ in TYPES.values() for _ in SUFFIXES]
    before = [
        one
        for value, other in TYPES.values()
        for one in (other if isinstance(other, bool) else None, value)
    ]
    valued = [one for _, other in TYPES.values() for one in (other, other)]
    found = [(f"k{number}", "One, Ann", *shown) for number in range(3)]
    if generation == 1:
        found += [("before", "One, Ann", *before), ("else", "One, Ann", *valued)]
    return found


@pytest.fixture(scope="module", params=["embedded", "postgresql 15"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tiny, Callable[[str], ConnectionTarget]]]:
    """Return a Casebook with two versions, and how the superuser connects to a database of it."""
    folder = tmp_path_factory.mktemp("planner")
    if request.param == "embedded":
        databases: Databases = request.getfixturevalue("tiny_server")
        home = databases.logins.path.parent.parent
        own = Settings.from_environment(servers.variables(home))
        with make_tiny(databases, folder) as tiny:
            yield with_every_type(tiny), lambda name: servers.administrator_of(own, name)
        return
    cluster: SystemPostgres = request.getfixturevalue("postgres15_cluster")
    cluster.reset()
    variables = {
        "CASEBOOK_HOME": str(folder),
        "CASEBOOK_DATABASE_URL": cluster.make_least_privileged_builder(),
    }
    own = Settings.from_environment(variables)
    tiny = Tiny(own, open_databases(own, Console(error_stream=io.StringIO())))
    warehouse = tiny.databases.warehouse
    yield (
        with_every_type(tiny),
        lambda name: warehouse.derive(
            dbname=name, user=cluster.superuser, password=cluster.password
        ),
    )


def questions(tiny: Tiny, target: ConnectionTarget) -> list[Question]:
    """Return each pair for a scope's database with each combination of settings.

    Without statistics, so that a plan is another one for another order of conditions only: what the
    planner expects is made of values of all versions that the database holds.
    """
    with target.session() as connection, connection.cursor() as cursor:
        cursor.execute("delete from pg_statistic where starelid >= 16384")
    with closing(target.connect()) as connection, connection.cursor() as cursor:
        found = list(pairs(cursor))
        cursor.execute("select to_regclass(%s) is not null", (RELATION,))
        if cursor.fetchone() == (True,):
            found += column_pairs(RELATION, list(COLUMNS), SUFFIXES)
    return [(pair, chosen) for pair in found for chosen in settings(has_join=pair.has_join)]


def drawn(found: list[Question], size: int) -> list[Question]:
    """Draw some questions, each pair at least once."""
    draw = random.Random(SEED)  # noqa: S311 - a sample, not a secret
    draw.shuffle(found)
    each = {pair: (pair, chosen) for pair, chosen in found}
    return [*each.values(), *found][: max(size, len(each))]


def differing(target: ConnectionTarget, asking: list[Question]) -> list[str]:
    """Ask as a reader; return the kinds of the pairs that were told apart."""
    found = []
    with closing(target.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        for pair, chosen in asking:
            cursor.execute("; ".join(chosen))
            if told(cursor, pair.first) != told(cursor, pair.second):
                found.append(f"{pair.kind}: {'; '.join(chosen)}")
    return found


@pytest.mark.parametrize("login", LOGINS)
def test_no_plan_tells_of_another_version(
    asked: tuple[Tiny, Callable[[str], ConnectionTarget]], login: str, soak: bool, figure: Figure
) -> None:
    tiny, superuser = asked
    place = tiny.place(login)
    found = questions(tiny, superuser(place.database))
    chosen = found if soak else drawn(found, SAMPLED)
    assert len(chosen) > 100
    assert differing(place.as_reader(login), chosen) == []
    figure(f"plans: {len(chosen):,} pairs of conditions of {len(found):,} asked as {login}")


@pytest.mark.parametrize("condition", CHEAPER.values(), ids=CHEAPER)
def test_a_policy_that_something_costs_less_than_would_tell(
    asked: tuple[Tiny, Callable[[str], ConnectionTarget]], condition: str
) -> None:
    """See the test above fail."""
    tiny, superuser = asked
    place = tiny.place("program_director")
    chosen = [
        (pair, wanted)
        for pair, wanted in questions(tiny, superuser(place.database))
        if RELATION in pair.kind and not pair.has_join
    ]
    alter = f"alter policy version_is_current on {RELATION} using "
    tiny.as_owner(f"{alter} ({condition})")
    try:
        assert differing(place.as_reader("program_director"), drawn(chosen, SAMPLED)) != []
    finally:
        tiny.as_owner(f"{alter} {IS_CURRENT}")


def test_every_type_of_a_contract_is_asked_by() -> None:
    named = {
        re.sub(r"\(.*", "", found)
        for path in (PROJECT_DIR / "models" / "marts").rglob("*.yml")
        for found in re.findall(r"^\s+data_type: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named == {data_type.split("(")[0] for data_type in TYPES}


def test_declared_condition_is_what_postgresql_writes(
    asked: tuple[Tiny, Any],
) -> None:
    tiny, _ = asked
    written = "select distinct qual from pg_policies where policyname = 'version_is_current'"
    assert tiny.as_owner(written) == [(IS_CURRENT,)]
