"""The declared policy: who may do what in the reporting database. Whatever is not here is denied.

It is written by hand from the interface and the publishing documents, not derived from the marts:
two accounts of the same promise, which the matrix holds against the live catalog.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.python.access.cells import Cell

# An audience may use the schema, read every plain column of each table in it (those rows of the
# current version), and call the schema's functions.
#   audience      schema        rows
READS = {
    ("program", "residency"): "all",
    ("resident", "residency"): "own resident_name, where there is one",
    ("client", "clients"): "own scope_id",
    ("management", "management"): "all",
    ("management", "extracts"): "all",
    ("staff", "extracts"): "all",
}
AUDIENCES = ("program", "resident", "client", "management", "staff")
# Policies call these for the reader, who cannot: nobody may use the schema that they are in.
POLICY_FUNCTIONS = {"current_version", "reader_scope", "reader_resident"}

# What a new server lets everybody do stays, for its own objects, without these.
CLOSED_SCHEMAS = {"public"}
CLOSED_FUNCTIONS = ("lo_", "loread", "lowrite", "pg_stat_get_")
OPEN_FUNCTIONS = {"pg_stat_get_activity"}
# The standard's views show everybody what they hold; the server keeps no note of these grants.
OPEN_VIEWS = "information_schema"
CLOSED_VIEWS = ("_pg_", "sql_parts", "transforms")


@dataclass(frozen=True)
class Role:
    """A role and its place: `audience` of a group or a login; None holds nothing at all."""

    name: str
    audience: str | None = None
    is_login: bool = True
    is_publisher: bool = False
    is_builder: bool = False

    @property
    def groups(self) -> set[str]:
        """The roles that it is a member of, itself included."""
        own = {self.name} | ({f"casebook_{self.audience}"} if self.audience else set())
        return own | ({"casebook_owner"} if self.is_publisher else set())


def roles_of(names: Iterable[str], members: Iterable[tuple[str, str]]) -> list[Role]:
    """Place the roles of a server; `members` are (login, audience) as the members are listed.

    Left out are the server's own roles, its superuser, and the owner of the tables, whom nobody can
    log in as. A role that nobody listed holds nothing.
    """
    audiences = dict(members)
    groups = {f"casebook_{audience}": audience for audience in AUDIENCES}
    placed = []
    for name in sorted(names):
        if name in groups:
            placed.append(Role(name, groups[name], is_login=False))
        else:
            placed.append(
                Role(
                    name,
                    audiences.get(name),
                    is_publisher=name == "casebook_publisher",
                    is_builder=name == "casebook_builder",
                )
            )
    return placed


def is_compared(role: Role, cell: Cell) -> bool:
    """Tell whether a cell is the policy's business: what a builder makes and owns is not."""
    makes = cell.kind in {"database", "role", "attribute"} or cell.path == ("public",)
    return not (role.is_builder and makes)


def is_allowed(role: Role, cell: Cell, reporting: str) -> bool:
    """Tell whether the policy allows a cell; `reporting` is the name of the database."""
    kind, path, verb, _, at_birth = cell
    if kind == "database":
        connects = path == (reporting,) and (role.audience is not None or role.is_publisher)
        return at_birth or (connects and verb == "CONNECT")
    if kind == "role":
        has_rights = path[0] != "casebook_owner"
        return path[0] in role.groups and (
            verb in {"MEMBER", "SET"} or (verb == "USAGE" and has_rights)
        )
    if kind == "attribute":
        return {
            "login": role.is_login,
            "unlimited connections": not role.audience or not role.is_login,
        }.get(path[0], False)
    declared = (role.audience, path[0]) in READS
    if kind == "schema":
        return (at_birth and path[0] not in CLOSED_SCHEMAS) or (
            verb == "USAGE" and (declared or path[0] == OPEN_VIEWS)
        )
    if kind == "relation":
        return at_birth or (verb == "SELECT" and _is_open_view(path))
    if kind == "column":
        readable = declared and path[3] == "plain"
        return at_birth or (verb == "SELECT" and (readable or _is_open_view(path)))
    if kind == "function":
        if at_birth:
            is_closed = path[1].startswith(CLOSED_FUNCTIONS) and path[1] not in OPEN_FUNCTIONS
            return not (path[0] == "pg_catalog" and is_closed)
        is_policy = path[0] == "private" and path[1] in POLICY_FUNCTIONS
        return verb == "EXECUTE" and (declared or (role.audience is not None and is_policy))
    return at_birth


def _is_open_view(path: tuple[str, ...]) -> bool:
    return path[0] == OPEN_VIEWS and not path[1].startswith(CLOSED_VIEWS)
