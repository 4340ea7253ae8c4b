"""What a reader tries who wants to know more.

Each is a function of an attacker that returns in words what was learned of rows out of sight:
nothing, while all guards stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2 import DatabaseError, DataError, errors, sql

LOGIN, OTHER = "open_reader", "hospice_reader"
RELATION = "clients.procedure_summary"
VERSION, OWN, SECRET = 2, "scope-humana-open", "hospice"
ENOUGH = 100
FORCED = (
    "set enable_seqscan = on; set enable_indexscan = off;"
    " set enable_indexonlyscan = off; set enable_bitmapscan = off"
)


@dataclass(frozen=True)
class Attacker:
    """A reader's open session, and a way to let another reader read its rows meanwhile."""

    cursor: Any
    let_other_read: Callable[[], object]

    def rows(self, query: str | sql.Composable) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none where a right is missing."""
        try:
            self.cursor.execute(query)
        except errors.InsufficientPrivilege:
            return []
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found

    def plan(self, query: str, options: str = "analyze, timing off") -> list[dict[str, Any]]:
        """Return the nodes of a query's plan."""
        ((explained,),) = self.rows(f"explain ({options}, format json) {query}")
        return list(_nodes(explained[0]["Plan"]))

    def relations(self) -> list[str]:
        """Return every relation that the catalog names, but the server's own."""
        return [
            name
            for (name,) in self.rows(
                "select format('%I.%I', nspname, relname) from pg_class inner join pg_namespace"
                " on pg_namespace.oid = relnamespace where relkind in ('r', 'v', 'm', 'f', 'p')"
                " and pg_namespace.oid >= 16384 order by 1"
            )
        ]


Learn = Callable[[Attacker], list[str]]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def read_everything(attacker: Attacker) -> list[str]:
    """Read whatever the catalog names, by select and by COPY."""
    learned = []
    for relation in attacker.relations():
        rows = attacker.rows(f"select shown::text from {relation} as shown")
        learned += [f"{relation}: {row}" for (row,) in rows if not _is_own(row)]
        lines = _Lines()
        try:
            attacker.cursor.copy_expert(f"copy {relation} to stdout", lines)
        except (errors.InsufficientPrivilege, errors.WrongObjectType):
            continue
        learned += [f"{relation}: {row}" for row in lines.text.splitlines() if not _is_own(row)]
    return learned


def _is_own(row: str) -> bool:
    """Tell whether a row as text, or a line of COPY, is of the attacker's scope and version."""
    return row.lstrip("(").replace("\t", ",").startswith(f"{VERSION},{OWN},")


class _Lines:
    """What COPY writes to."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, part: bytes) -> None:
        """Take what comes."""
        self.text += part.decode()


def take_roles(attacker: Attacker) -> list[str]:
    """Set every role of the server, and read."""
    return _as_others(attacker, "set role {}", "reset role")


def take_sessions(attacker: Attacker) -> list[str]:
    """Become every role of the server, and read."""
    return _as_others(attacker, "set session authorization {}", "reset session authorization")


def _as_others(attacker: Attacker, statement: str, back: str) -> list[str]:
    learned = []
    for (role,) in attacker.rows("select rolname::text from pg_roles order by 1"):
        try:
            attacker.cursor.execute(sql.SQL(statement).format(sql.Identifier(role)))
        except errors.InsufficientPrivilege:
            continue
        learned += read_everything(attacker)
        attacker.cursor.execute(back)
    return learned


def switch_row_security_off(attacker: Attacker) -> list[str]:
    """Ask for no row security, and read."""
    attacker.cursor.execute("set row_security = off")
    return read_everything(attacker)


def spoof_settings(attacker: Attacker) -> list[str]:
    """Set what a careless policy might ask, and read."""
    for name, value in (
        ("casebook.scope_id", "scope-humana-more"),
        ("casebook.login", OTHER),
        ("casebook.resident", "Two, Bob"),
        ("application_name", OTHER),
        ("search_path", "private, clients"),
    ):
        attacker.cursor.execute("select set_config(%s, %s, false)", (name, value))
    return read_everything(attacker)


def count_what_filters_remove(attacker: Attacker) -> list[str]:
    """Have plans count the rows that a filter took away, in all and in a range of the key."""
    learned = []
    for where in ("true", "procedure_code >= '2' and procedure_code < '3'"):
        for node in attacker.plan(f"select * from {RELATION} where {where}"):
            learned += [
                f"{key}: {value}" for key, value in node.items() if "Removed" in key and value
            ]
    return learned


def look_where_rows_lie(attacker: Attacker) -> list[str]:
    """Force a sequential scan that stops at each own row, and count the others up to there."""
    attacker.cursor.execute(FORCED)
    ((own,),) = attacker.rows(f"select count(*) from {RELATION}")
    removed = [
        node["Rows Removed by Filter"]
        for place in range(1, own + 1)
        for node in attacker.plan(f"select version from {RELATION} limit {place}")
        if node["Node Type"] == "Seq Scan"
    ]
    assert len(removed) == own > 10
    together = len(set(removed)) == 1
    return [f"own rows lie together, {removed[0]} are before them"] if together else []


def read_system_columns(attacker: Attacker) -> list[str]:
    """Look at the places of one's own rows for gaps."""
    places = attacker.rows(f"select ctid::text from {RELATION} order by ctid")
    numbers = [int(place.strip("()").split(",")[1]) for (place,) in places]
    return [f"{last - len(numbers)} rows lie before and between" for last in numbers[-1:]]


def compare_estimates(attacker: Attacker) -> list[str]:
    """Have plans estimate how often values occur, some of them out of sight."""
    estimates = {
        value: attacker.plan(f"select * from {RELATION} where specialty_id = '{value}'", "costs")[
            0
        ]["Plan Rows"]
        for value in (SECRET, "nonsense", "other nonsense")
    }
    return [str(estimates)] if len(set(estimates.values())) > 1 else []


def search_the_catalog(attacker: Attacker) -> list[str]:
    """Search every text of the server's catalogs, but for names of logins, which anybody sees."""
    catalogs = attacker.rows(
        "select oid::regclass::text from pg_class where relkind in ('r', 'v')"
        " and relnamespace = 'pg_catalog'::regnamespace"
    )
    learned = []
    for (catalog,) in catalogs:
        found = attacker.rows(
            # In two parts, so that the query does not find itself.
            f"select shown::text from {catalog} as shown"
            f" where replace(shown::text, '{OTHER}', '') like '%hos' || 'pice%'"
        )
        learned += [f"{catalog}: {row}" for (row,) in found]
    return learned


def watch_counters(attacker: Attacker) -> list[str]:
    """Watch how many rows were read of a table, or by any other count, while another reads."""

    def look() -> list[Any]:
        attacker.rows("select pg_stat_clear_snapshot()")
        return [attacker.rows(f"select * from {view}") for view in views]

    views = ("pg_stat_user_tables", "pg_stat_user_indexes", "pg_stat_database")

    before = look()
    if not any(rows for rows in before):
        return []
    for _ in range(ENOUGH):
        # What a session read is counted when it has ended, or a little later.
        attacker.let_other_read()
        if (after := look()) != before:
            return [f"{before} became {after}"]
    return []


def ask_by_errors(attacker: Attacker) -> list[str]:
    """Have a condition fail on a row out of sight, so that the error tells of it."""
    learned = []
    columns = attacker.rows(
        "select format('%I.%I', table_schema, table_name), quote_ident(column_name)"
        " from information_schema.columns where data_type = 'text'"
        " and table_schema not in ('pg_catalog', 'information_schema')"
    )
    for relation, column in columns:
        for condition in (
            f"1 / (case when {column} = '{SECRET}' then 0 else 1 end) = 1",
            f"(case when {column} = '{SECRET}' then {column} else '1' end)::integer = 1",
        ):
            try:
                attacker.rows(f"select 1 from {relation} where {condition}")
            except DataError as error:
                learned.append(f"{relation}.{column}: {error}")
    return learned


def bring_functions(attacker: Attacker) -> list[str]:
    """Make a function of one's own that tells of each row that it is asked about."""
    connection = attacker.cursor.connection
    try:
        attacker.cursor.execute(
            "create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0001 as"
            " 'begin raise notice ''%'', $1; return true; end'"
        )
    except errors.InsufficientPrivilege:
        return []
    learned = ["a function of one's own"]
    for relation in attacker.relations():
        attacker.rows(f"select 1 from {relation} as shown where pg_temp.tell(shown::text)")
    return learned + [notice for notice in connection.notices if SECRET in notice]


def use_the_server(attacker: Attacker) -> list[str]:
    """Run a program, read and write files, leave large objects."""
    learned = []
    for statement in (
        "copy (select 1) to program 'cat > /dev/null'",
        f"copy {RELATION} from program 'true'",
        "copy (select 1) to '/dev/null'",
        "select pg_read_file('PG_VERSION')",
        "select lo_from_bytea(0, 'left behind')",
        "select lo_create(0)",
    ):
        try:
            attacker.cursor.execute(statement)
        except DatabaseError:
            continue
        learned.append(statement)
    return learned
