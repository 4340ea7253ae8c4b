"""What a reader tries who wants to know more.

Each is a function of an attacker that returns in words what was learned of rows out of sight, those
of other scopes and those of another version: nothing, while all guards stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from psycopg2 import DatabaseError, DataError, errors, sql

from orchestrate.errors import CasebookError

LOGIN, OTHER = "open_reader", "hospice_reader"
RELATION = "clients.procedure_summary"
# What is shown; a code that the version before had; what no row of the attacker's scope ever had.
VERSION, FORMER, SECRET = 2, "20-former", "hospice"
ENOUGH = 100
SCANNING = (
    "set enable_seqscan = on; set enable_indexscan = off;"
    " set enable_indexonlyscan = off; set enable_bitmapscan = off"
)


@dataclass(frozen=True)
class Attacker:
    """A reader's open session, and how it connects, to its own database or to another.

    `let_other_read` lets another reader read its rows meanwhile.
    """

    cursor: Any
    connect: Callable[[str], Any]
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
    is_current = row.lstrip("(").replace("\t", ",").startswith(f"{VERSION},humana,")
    return is_current and SECRET not in row


class _Lines:
    """What COPY writes to."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, part: bytes) -> None:
        """Take what comes."""
        self.text += part.decode()


def enter_other_databases(attacker: Attacker) -> list[str]:
    """Connect to every database of the server, and read there."""
    attacker.cursor.execute("select current_database()")
    (own,) = attacker.cursor.fetchone()
    learned = []
    for (name,) in attacker.rows("select datname::text from pg_database where datallowconn"):
        try:
            connection = attacker.connect(name)
        except CasebookError:
            continue
        with closing(connection), connection.cursor() as cursor:
            if name != own:
                learned.append(f"entered {name}")
            there = replace(attacker, cursor=cursor)
            learned += read_everything(there)
    return learned


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
        ("casebook.version", "1"),
        ("casebook.scope_id", "scope-humana-more"),
        ("casebook.login", OTHER),
        ("application_name", OTHER),
        ("search_path", "private, clients"),
    ):
        attacker.cursor.execute("select set_config(%s, %s, false)", (name, value))
    return read_everything(attacker)


def ask_whether_the_version_was_asked_for(attacker: Attacker) -> list[str]:
    """Add conditions that may come before the policy; it is not asked where no row meets them.

    By an array of one, which costs half an operator, and by a test for null, which costs nothing.
    """
    attacker.cursor.execute(SCANNING)
    answers = {}
    for condition in (
        f"procedure_code = any ('{{{FORMER}}}')",
        "procedure_code = any ('{nonsense}')",
        "specialty_id is null",
        "patient_count is null",
    ):
        nodes = attacker.plan(f"select from {RELATION} where {condition}")
        answers[condition] = [node["Actual Loops"] for node in nodes]
    return [str(answers)] if len(set(map(str, answers.values()))) > 1 else []


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
    """Search every text of the server's catalogs, but for names of logins, which anybody sees.

    Names of databases and groups are among them.
    """
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
            f"1 / (case when {column} = '{FORMER}' then 0 else 1 end) = 1",
            f"(case when {column} = '{FORMER}' then {column} else '1' end)::integer = 1",
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
    return learned + [notice for notice in connection.notices if FORMER in notice]


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


def end_sessions(attacker: Attacker) -> list[str]:
    """End every session that the server tells of, among them another one of the same login."""
    learned = []
    with closing(attacker.connect("")):
        for (pid,) in attacker.rows(
            "select pid from pg_stat_activity where pid <> pg_backend_pid() and datname is not null"
        ):
            try:
                attacker.cursor.execute("select pg_terminate_backend(%s)", (pid,))
            except errors.InsufficientPrivilege:
                continue
            learned.append(f"ended {pid}")
    return learned
