"""The people who may read: from a seed or a CSV file, checked, and tied to what they see.

Columns: login, audience, client_id, specialty_id, resident_name. Grain: one row per login.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrate.contracts import AUDIENCES
from orchestrate.errors import ConfigurationError, DataError

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
    """A member tied to its rows: `scope_id` of a client's, `resident_name` of a resident's.

    Both are None when the member has no such rows, also because what it names is unknown.
    """

    login: str
    audience: str
    client_id: str | None
    specialty_id: str | None
    resident_name: str | None
    scope_id: str | None


@dataclass(frozen=True)
class Known:
    """What members may name, as this build has it.

    `scopes` maps (client_id, visibility) to scope_id; `restrictions` are (client_id, specialty_id);
    `hidden` are (scope_id, code) of what a scope does not show.
    `open_payers` are those whose patients' rows staff may see.

    Of a version that was put back, `withheld` are clients of whom it shows what is restricted by
    now, `closed_payers` those of whose patients it shows rows that staff may not see by now.
    """

    residents: Set[str] = frozenset()
    specialties: Set[str] = frozenset()
    scopes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    restrictions: Set[tuple[str, str]] = frozenset()
    hidden: Set[tuple[str, str]] = frozenset()
    open_payers: Set[str] = frozenset()
    withheld: Set[str] = frozenset()
    closed_payers: Set[str] = frozenset()


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
            "Let CASEBOOK_MEMBERS name a CSV file, or unset it to use the seed `members`.",
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.start}).", "Save the file as UTF-8."
        ) from None
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [_header(name) for name in next(reader, [])]
        missing = [name for name in COLUMNS if name.replace("_", "") not in header]
        if missing:
            raise DataError(
                f"{path}, line 1: missing column {', '.join(missing)}.",
                f"The columns are {', '.join(COLUMNS)}.",
            )
        positions = {name: header.index(name.replace("_", "")) for name in COLUMNS}
        listed = []
        for row in reader:
            if not row:
                continue
            place = f"{path}, line {reader.line_num}"
            if len(row) != len(header):
                raise DataError(f"{place}: {len(row)} fields instead of {len(header)}.")
            listed.append(list_member({n: row[i] for n, i in positions.items()}, place))
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
    """Tie members to their rows; also return a warning for each that names what is not known.

    Such a member stays a member: it sees what its audience sees alike, but no person's rows and
    nothing restricted.
    """
    members, warnings = [], []
    for one in listed:
        scope_id, resident_name, unknown = None, None, ""
        if one.audience == "client" and one.client_id in known.withheld:
            warnings.append(
                f"{one.place}: {one.login} sees no rows: more of {one.client_id} is restricted now"
                " than was in the version."
            )
        elif one.audience == "client":
            scope_id, unknown = _scope(one, known)
        elif one.audience == "resident":
            is_known = one.resident_name in known.residents
            resident_name = one.resident_name if is_known else None
            unknown = "" if is_known else "resident"
        if unknown:
            warnings.append(
                f"{one.place}: {one.login} names a {unknown} that is not in the data;"
                " it sees no person's rows and nothing restricted."
            )
        members.append(
            Member(
                one.login, one.audience, one.client_id, one.specialty_id, resident_name, scope_id
            )
        )
    return sorted(members, key=lambda member: member.login), warnings


def _scope(one: Listed, known: Known) -> tuple[str | None, str]:
    """Choose the scope of a client's member: its specialty's if that is restricted, else open."""
    client_id = one.client_id or ""
    if (client_id, OPEN) not in known.scopes:
        return None, "client"
    if one.specialty_id is None:
        return known.scopes[client_id, OPEN], ""
    if (client_id, one.specialty_id) in known.restrictions:
        # A restriction without a scope of its own shows nothing rather than too much or too little.
        scope_id = known.scopes.get((client_id, one.specialty_id))
        return scope_id, "" if scope_id else "specialty"
    if one.specialty_id not in known.specialties:
        return None, "specialty"
    return known.scopes[client_id, OPEN], ""


def _header(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
