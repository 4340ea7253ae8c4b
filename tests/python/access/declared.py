"""The declared policy: who may do what on a server of scopes. Whatever is not here is denied.

It is written by hand from docs/architecture.md and docs/publishing.md, not derived from the marts
or the code: two accounts of the same promise, which the matrix holds against the live catalogs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.python.access.cells import Cell

# An audience may use the schema, read every plain column of each table in it (those rows of the
# current version), and call the schema's functions.
#   audience      schema        rows of the marts that a scope's database holds
READS = {
    ("program", "residency"): "all",
    ("resident", "residency"): "own resident_name, where there is one",
    ("client", "clients"): "own scope_id",
    ("management", "management"): "all",
    ("management", "extracts"): "all",
    ("staff", "extracts"): "all",
}
AUDIENCES = ("program", "resident", "client", "management", "staff")
# Where there is such a role, pages and publications have connections that no reader can take.
RESERVED = "pg_use_reserved_connections"
# The policies call it for the reader, who cannot: nobody may use the schema that it is in.
POLICY_FUNCTIONS = (("private", "current_version"), ("private", "is_given"))

# What a new server lets everybody do in a database stays, for its own objects, but for these. Of
# functions whose answers change by themselves those stay that tell nothing and take nothing away.
CLOSED_SCHEMAS = {"public"}
OPEN_VOLATILE = {
    "random", "random_normal", "setseed", "gen_random_uuid", "uuidv4", "uuidv7", "clock_timestamp",
    "timeofday", "array_sample", "array_shuffle", "set_config", "current_query", "query_to_xml",
    "currtid2", "pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size",
    "pg_partition_ancestors", "pg_partition_tree", "pg_is_in_recovery", "pg_jit_available",
}  # fmt: skip
# Statistics of the whole server, its transactions and their ages.
CLOSED_STABLE = ("pg_stat_get_", "pg_current_", "txid_current", "pg_get_replication_slots")
CLOSED_FOR_TRANSACTIONS = {"age", "mxid_age", "pg_xact_commit_timestamp"}
CLOSED_RELATIONS = ("pg_stat_", "pg_statio_")
CLOSED_VIEWS_OF_THE_SERVER = {
    "pg_aios", "pg_backend_memory_contexts", "pg_dsm_registry_allocations", "pg_locks",
    "pg_prepared_xacts", "pg_replication_origin_status", "pg_replication_slots", "pg_sequences",
    "pg_shdepend", "pg_shmem_allocations", "pg_shmem_allocations_numa", "pg_wait_events",
}  # fmt: skip
# The standard's views show everybody what they hold; the server keeps no note of these grants.
OPEN_VIEWS = "information_schema"
CLOSED_VIEWS = ("_pg_", "sql_parts", "transforms")


@dataclass(frozen=True)
class Role:
    """A role and its place on the server.

    `audience` is that whose rights it holds within databases of the audience; None: none.
    `database` is the one that it may enter, `groups` are the roles that it is a member of.
    """

    name: str
    audience: str | None = None
    database: str | None = None
    groups: frozenset[str] = frozenset()
    is_login: bool = True

    @property
    def is_publisher(self) -> bool:
        """It fills and shows versions in every scope's database."""
        return self.name == "casebook_publisher"

    @property
    def is_builder(self) -> bool:
        """It makes databases and roles."""
        return self.name == "casebook_builder"


def roles_of(names: Iterable[str], logins: Mapping[str, tuple[str, str]], base: str) -> list[Role]:
    """Place the roles of a server; `logins` are those listed, with their audience and database.

    A database is named `<base>_<suffix>`, its group `casebook_<suffix>` and the login for pages
    `casebook_<suffix>_pages`; its group is in the audience's. Left out are the server's own roles,
    its superuser, and the owner of the tables, whom nobody can log in as. A role that nobody listed
    holds nothing.
    """
    known = {f"casebook_{one}": Role(f"casebook_{one}", one, is_login=False) for one in AUDIENCES}
    for login, (audience, database) in logins.items():
        group = f"casebook_{database.removeprefix(f'{base}_')}"
        of_audience = frozenset({f"casebook_{audience}"} - {group})
        known[group] = Role(group, audience, database, of_audience, is_login=False)
        known[login] = Role(login, audience, database, of_audience | {group})
        pages = f"{group}_pages"
        known[pages] = Role(pages, audience, database, of_audience | {group, RESERVED})
    owner = Role("casebook_publisher", groups=frozenset({"casebook_owner", RESERVED}))
    return [{owner.name: owner, **known}.get(name, Role(name)) for name in sorted(names)]


def is_compared(role: Role, cell: Cell) -> bool:
    """Tell whether a cell is the policy's business: what a builder makes and owns is not."""
    makes = cell.kind in {"database", "role", "attribute"} or cell.path == ("public",)
    return not (role.is_builder and (makes or cell.path == ("temp_file_limit",)))


def is_allowed(role: Role, cell: Cell, audiences: Mapping[str, str], where: str) -> bool:
    """Tell whether the policy allows a cell in the database `where`.

    `audiences` are those of all scopes' databases.
    """
    kind, path, verb, _, at_birth = cell
    if kind == "database":
        enters = path[0] == role.database or (role.is_publisher and path[0] in audiences)
        return at_birth or (enters and verb == "CONNECT")
    if kind == "role":
        has_rights = path[0] != "casebook_owner"
        return path[0] in {role.name, *role.groups} and (
            verb in {"MEMBER", "SET"} or (verb == "USAGE" and has_rights)
        )
    if kind == "attribute":
        is_limited = role.is_login and role.audience is not None
        return {"login": role.is_login, "unlimited connections": not is_limited}.get(path[0], False)
    declared = role.audience == audiences[where] and (role.audience, path[0]) in READS
    if kind == "schema":
        return (at_birth and path[0] not in CLOSED_SCHEMAS) or (
            verb == "USAGE" and (declared or path[0] == OPEN_VIEWS)
        )
    if kind in {"relation", "column"}:
        stays = at_birth and not _is_closed_relation(path)
        readable = declared and kind == "column" and path[3] == "plain"
        return stays or (verb == "SELECT" and (readable or _is_open_view(path)))
    if kind == "function":
        if at_birth:
            return path[0] != "pg_catalog" or not _is_closed_function(path)
        is_policy = path[:2] in POLICY_FUNCTIONS and role.audience == audiences[where]
        return verb == "EXECUTE" and (declared or is_policy)
    return at_birth


def _is_closed_function(path: tuple[str, ...]) -> bool:
    _, name, arguments, volatility = path
    if volatility == "v":
        return name not in OPEN_VOLATILE
    return volatility == "s" and (
        name.startswith(CLOSED_STABLE)
        or (name in CLOSED_FOR_TRANSACTIONS and "xid" in arguments.split(", "))
    )


def _is_closed_relation(path: tuple[str, ...]) -> bool:
    is_closed = path[1].startswith(CLOSED_RELATIONS) or path[1] in CLOSED_VIEWS_OF_THE_SERVER
    return path[0] == "pg_catalog" and is_closed


def _is_open_view(path: tuple[str, ...]) -> bool:
    return path[0] == OPEN_VIEWS and not path[1].startswith(CLOSED_VIEWS)
