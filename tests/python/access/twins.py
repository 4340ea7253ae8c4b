"""Publications that differ in one thing, and all that a reader can find out about its own.

Twins are copies of one server with the same publications, but for what a secret changes in the
warehouse of one.
"""

from __future__ import annotations

import io
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import servers
from tiny import MEMBERS, Tiny
from tiny_manifest import function

from orchestrate.console import Console
from orchestrate.database import ConnectionTarget, open_databases
from orchestrate.driver import Cursor
from orchestrate.publishing import publisher, versions
from orchestrate.settings import Settings
from tests.python.outputs import every_answer, every_row

Seen = dict[str, str]
Answers = Iterator[tuple[str, object]]
Look = Callable[[Cursor], Answers]

# Beside those of the tiny Casebook: a resident who reads the rows that another one's twin changes.
LOGINS = (*MEMBERS, ("resident_two", "resident", None, None, "Two, Bob"))
# Rows of every scope, so that tables have several pages and the planner has a choice.
COMMON = """
    insert into clients.procedure_summary
    select scope_id, client_id, (70000000 + number)::text, (70000000 + number)::text, number % 50
    from (values ('scope-humana-open', 'humana'), ('scope-humana-more', 'humana'),
        ('scope-united-open', 'united')) as scopes (scope_id, client_id)
    cross join generate_series(1, 300) as number;
    insert into residency.fct_studies
    select 'more-' || number, case when number % 3 = 0 then 'Two, Bob' else 'One, Ann' end, number
    from generate_series(1, 300) as number;
"""
COUNTED = """
    select procedure_code, patient_count from "warehouse"."clients"."procedure_summary"
    where code is null or procedure_code = code
"""

_SIZES = """
    select oid::regclass::text, pg_relation_size(oid), pg_relation_size(oid, 'fsm'),
        pg_relation_size(oid, 'vm'), pg_relation_size(oid, 'init'), pg_table_size(oid),
        pg_indexes_size(oid), pg_total_relation_size(oid)
    from pg_class
"""
_CATALOGS = """
    select oid::regclass::text from pg_class
    where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'
        and has_table_privilege(oid, 'select')
    order by 1
"""
_COLUMNS = """
    select format('%I.%I', table_schema, table_name), column_name::text, data_type = 'text'
    from information_schema.columns
    where table_schema not in ('pg_catalog', 'information_schema')
    order by table_schema, table_name, ordinal_position
"""
# Against what a server does in the background whenever it likes: it takes samples of catalogs; and
# VACUUM leaves a page out that is just being written, or whose commit is not in the log yet.
QUIET = {
    "autovacuum": "off",
    "checkpoint_timeout": "3600",
    "bgwriter_lru_maxpages": "0",
    "synchronous_commit": "on",
}
# Values of others' rows, of one's own, and of nobody's.
CONSTANTS = ("385763009", "305336008", "70000007", "Two, Bob", 77, 5)
PLANNERS = (
    "reset all",
    "set enable_seqscan = off",
    "set enable_indexscan = off; set enable_hashjoin = off",
    "set enable_bitmapscan = off; set enable_mergejoin = off; set random_page_cost = 1;"
    # How many workers a server has left is chance: it plans for them, and has none.
    " set parallel_setup_cost = 0; set min_parallel_table_scan_size = 0;"
    " set max_parallel_workers = 0",
)
_EXPLAIN = "explain (analyze, verbose, costs, buffers, timing off, summary off)"


def publish(twins: Mapping[str, Tiny], secrets: Mapping[str, str]) -> None:
    """Publish the next version on each, where secrets change the warehouse of some.

    One scope after the other, with names that are no chance.
    """
    for name, twin in twins.items():
        numbers = itertools.count(1)
        twin.build()
        twin.as_builder(COMMON + secrets.get(name, ""))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(versions, "token_hex", partial(_next_name, numbers))
            patch.setattr(publisher, "_AT_ONCE", 1)
            twin.publish()


def _next_name(numbers: Iterator[int], length: int) -> str:
    return f"{next(numbers):0{2 * length}x}"


@contextmanager
def make_twins(names: Sequence[str]) -> Iterator[dict[str, Tiny]]:
    """Make a server without any publication, and a copy of it for each name.

    Casebook's own tables have no autovacuum anywhere.
    """
    folder = Path(tempfile.mkdtemp(prefix="casebook-twins-"))
    folder.chmod(0o755)
    running = []
    try:
        origin = _make_home(folder / "origin")
        running.append(origin)
        settings = Settings.from_environment(servers.variables(origin))
        open_databases(settings, Console(error_stream=io.StringIO()))
        servers.hurry(settings)
        servers.administer(settings)
        with servers.administrator_of(settings).session() as connection:
            for name, value in QUIET.items():
                connection.cursor().execute(f"alter system set {name} = {value}")
        servers.stop(settings)
        running.remove(origin)
        for home in [_make_home(folder / name) for name in names]:
            servers.copy_home(origin, home)
            servers.start(home)
            running.append(home)
        yield {home.parent.name: _tiny(home) for home in running}
    finally:
        for home in running:
            servers.remove(Settings.from_environment(servers.variables(home)))
        shutil.rmtree(folder, ignore_errors=True)


def _make_home(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    return folder / "home"


def _tiny(home: Path) -> Tiny:
    settings = Settings.from_environment(servers.variables(home))
    counted = function("counted", COUNTED)
    made = Tiny(settings, open_databases(settings, Console(error_stream=io.StringIO())))
    made.members = LOGINS
    made.manifest["functions"] = {counted["unique_id"]: counted}
    return made


def seen_by(target: ConnectionTarget, *looks: Look) -> Seen:
    """Return what a login finds out by looking in these ways, by the question."""
    connection = target.connect(autocommit=True)
    try:
        with connection.cursor() as cursor:
            # Where it listens is the only thing in which copies of a server differ from the start.
            # Of itself it tells that; a row may hold the same digits, in the middle of a hash.
            port = target.parameters["port"]
            return {
                question: repr(answer).replace(port, "port")
                if look is every_answer
                else repr(answer)
                for look in looks
                for question, answer in look(cursor)
            }
    finally:
        connection.close()


def rows(cursor: Cursor) -> Answers:
    """Look at the rows of every relation, in the order in which they lie."""
    for relation, lines in every_row(cursor):
        yield f"rows of {relation}", lines


def sizes(cursor: Cursor) -> Answers:
    """Look at the size of everything in the database, readable or not."""
    cursor.execute(_SIZES)
    for name, *found in cursor.fetchall():
        yield f"size of {name}", found


def places(cursor: Cursor) -> Answers:
    """Look where rows of catalogs lie, and which transactions wrote them."""
    cursor.execute(_CATALOGS)
    for (name,) in cursor.fetchall():
        cursor.execute(f"select ctid::text, xmin::text, xmax::text from {name}")
        yield f"places in {name}", cursor.fetchall()


def plans(cursor: Cursor) -> Answers:
    """Look at the plans of queries, with costs, rows and buffers, under several settings."""
    asked = list(questions(cursor))
    for question in asked:
        # The first time pages may come from the disk, and the relation's catalogs, too.
        cursor.execute(f"{_EXPLAIN} {question}")
    for planner in PLANNERS:
        cursor.execute(planner)
        for question in asked:
            cursor.execute(f"{_EXPLAIN} {question}")
            yield f"plan of {question} ({planner})", cursor.fetchall()


def questions(cursor: Cursor) -> Iterator[str]:
    """Give queries of all relations that a login may read: conditions, joins, orders."""
    cursor.execute(_COLUMNS)
    relations: dict[str, dict[str, bool]] = {}
    for relation, column, is_text in cursor.fetchall():
        relations.setdefault(relation, {})[column] = is_text
    for relation, columns in relations.items():
        yield f"select * from {relation}"
        yield f"select count(*) from {relation}"
        for column, is_text in columns.items():
            values = [f"'{one}'" for one in CONSTANTS if isinstance(one, str) == is_text]
            yield f"select {column} from {relation} order by {column} desc limit 3"
            yield f"select {column}, count(*) from {relation} group by {column}"
            yield f"select * from {relation} where {column} in ({', '.join(values)})"
            for value, operator in itertools.product(values, ("=", "<")):
                yield f"select {column} from {relation} where {column} {operator} {value}"
    for one, other in itertools.combinations_with_replacement(relations, 2):
        for column in relations[one].keys() & relations[other].keys():
            yield f"select count(*) from {one} as one inner join {other} as two using ({column})"


LOOKS: tuple[Look, ...] = (every_answer, rows, sizes, places, plans)


def differences(one: Seen, other: Seen) -> set[str]:
    """Return the statements that are answered differently."""
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
