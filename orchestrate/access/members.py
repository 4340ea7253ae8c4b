"""The people who may read: from a seed or a CSV file, checked, and tied to what they see.

Columns: login, audience, client_id, specialty_id, resident_name. Grain: one row per login.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.known import MEMBERS_MODEL, Known
from orchestrate.access.scopes import SHARED_AUDIENCES, Scope
from orchestrate.contracts.names import AUDIENCES
from orchestrate.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

COLUMNS: Final = ("login", "audience", "client_id", "specialty_id", "resident_name")
OPEN: Final = "open"

_LOGIN: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
_RESERVED_PREFIXES: Final = ("pg_", "casebook_")
# Words that mean a role to PostgreSQL, and names that servers commonly carry.
_RESERVED: Final = frozenset(
    {
        "public", "none", "user", "current_user", "current_role", "session_user", "postgres",
        "casebook", "root", "admin", "reporting", "warehouse",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """A member as listed; empty fields are None. `place` says where, for messages."""

    login: str
    audience: str
    client_id: str | None
    specialty_id: str | None
    resident_name: str | None
    place: str


@dataclass(frozen=True)
class Member:
    """A login, what its row names, and the scope that it reads."""

    login: str
    audience: str
    client_id: str | None
    specialty_id: str | None
    scope: Scope


def read_member_seed(cursor: Cursor, relation: tuple[str, str] | None) -> list[Listed]:
    """Read the seed `members` as its staging model shows it: a relation of the warehouse.

    Raises ConfigurationError when the build had none.
    """
    if relation is None:
        raise ConfigurationError(
            f"The build has no model {MEMBERS_MODEL}, so nobody is known who may read.",
            "Restore the model, or let CASEBOOK_MEMBERS name a CSV file of members.",
        )
    cursor.execute(
        sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), sql.Identifier(*relation)
        )
    )
    return [
        list_member(dict(zip(COLUMNS, row, strict=True)), f"Seed members, login '{row[0]}'")
        for row in cursor.fetchall()
    ]


def read_members_file(path: Path) -> list[Listed]:
    """Read the CSV file that CASEBOOK_MEMBERS names.

    Headers are matched without regard to case, spaces, hyphens and underscores. Raises
    ConfigurationError when there is no such file and DataError, with the line, for what is in it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            f"The members file {path} cannot be read: {error.strerror}.",
            "Let CASEBOOK_MEMBERS name a CSV file, such as seeds/reference/members.csv.",
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.start}).", "Save the file as UTF-8."
        ) from None
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True, restkey="")
    listed = []
    try:
        reader.fieldnames = [_header(name) for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS if _header(name) not in reader.fieldnames]
        if missing:
            raise DataError(
                f"{path}, line 1: missing column {', '.join(missing)}.",
                f"The columns are {', '.join(COLUMNS)}.",
            )
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if "" in row or None in row.values():
                raise DataError(f"{place}: not {len(reader.fieldnames)} fields, as the header has.")
            listed.append(list_member({name: row[_header(name)] for name in COLUMNS}, place))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.") from None
    return listed


def list_member(row: Mapping[str, str | None], place: str) -> Listed:
    """Make a member of a row. A resident's name keeps its blanks, as exports write it."""
    values = {name: row.get(name) or None for name in COLUMNS}
    for name in ("login", "audience", "client_id", "specialty_id"):
        values[name] = (values[name] or "").strip() or None
    return Listed(
        login=values["login"] or "",
        audience=values["audience"] or "",
        client_id=values["client_id"],
        specialty_id=values["specialty_id"],
        resident_name=values["resident_name"],
        place=place,
    )


def check_members(listed: Sequence[Listed]) -> None:
    """Raise DataError for the first member that cannot be one, saying where it is listed."""
    places: dict[str, Listed] = {}
    for member in listed:
        login = member.login
        if not _LOGIN.fullmatch(login):
            raise DataError(
                f"{member.place}: '{login}' cannot be a login.",
                "Use a-z, 0-9 and _, a letter first, at most 50 characters.",
            )
        if login in _RESERVED or login.startswith(_RESERVED_PREFIXES):
            raise DataError(
                f"{member.place}: the login '{login}' is reserved.", "Choose another name."
            )
        if member.audience not in AUDIENCES:
            raise DataError(
                f"{member.place}: unknown audience '{member.audience}' of {login}.",
                f"The audiences are {', '.join(AUDIENCES)}.",
            )
        if member.audience == "client" and not member.client_id:
            raise DataError(f"{member.place}: {login}, of audience client, names no client_id.")
        if member.audience == "resident" and not member.resident_name:
            raise DataError(
                f"{member.place}: {login}, of audience resident, names no resident_name."
            )
        if login in places:
            other = places[login]
            twice = (
                f"in two audiences, {other.audience} and {member.audience}"
                if other.audience != member.audience
                else "listed twice"
            )
            raise DataError(
                f"{member.place}: the login {login} is {twice} (also {other.place}).",
                "Give each login one row.",
            )
        places[login] = member


def tie_members(listed: Iterable[Listed], known: Known) -> tuple[list[Member], list[str]]:
    """Tie members to their scopes; also return a warning for each that names what is not known.

    Such a member has a scope to itself: what its audience sees alike, but no person's rows and
    nothing restricted.
    """
    members, warnings = [], []
    for one in listed:
        scope, unknown = _scope(one, known)
        if unknown:
            warnings.append(
                f"{one.place}: {one.login} names a {unknown} that is not in the data;"
                " it sees no person's rows and nothing restricted."
            )
        members.append(Member(one.login, one.audience, one.client_id, one.specialty_id, scope))
    return sorted(members, key=lambda member: member.login), warnings


def _scope(one: Listed, known: Known) -> tuple[Scope, str]:
    """Choose the scope of a member; also return what it names that is not known, if anything."""
    if one.audience in SHARED_AUDIENCES:
        return Scope(one.audience, one.audience), ""
    if one.audience == "resident":
        name = one.resident_name if one.resident_name in known.residents else None
        return Scope(one.login, "resident", resident_name=name), "" if name else "resident"
    client_id = one.client_id or ""
    specialty_id, unknown = None, ""
    if (client_id, OPEN) not in known.scopes:
        unknown = "client"
    elif one.specialty_id and (client_id, one.specialty_id) in known.restrictions:
        specialty_id = one.specialty_id
    elif one.specialty_id and one.specialty_id not in known.specialties:
        unknown = "specialty"
    scope_id = known.scopes.get((client_id, specialty_id or OPEN))
    # A restriction without a scope of its own shows nothing rather than too much or too little.
    if unknown or scope_id is None:
        return Scope(one.login, "client", client_id), unknown or "specialty"
    name = client_id if specialty_id is None else f"{client_id}_{specialty_id}"
    return Scope(name, "client", client_id, specialty_id, scope_id), ""


def _header(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
