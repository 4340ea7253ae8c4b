"""For whom reports and extracts are made: which login makes which folder, and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrate.access.members import Member
from orchestrate.access.roles import OWNER
from orchestrate.contracts import AUDIENCES
from orchestrate.database.connection import database_errors
from orchestrate.errors import ConfigurationError
from orchestrate.reports.downloads import safe_name

if TYPE_CHECKING:
    from orchestrate.database import Databases

PROGRAM, RESIDENT, CLIENT = "program", "resident", "client"
MANAGEMENT, STAFF = "management", "staff"
PROCEDURES_PAGE, ACTIVITY_PAGE = "procedures", "activity"

_CLIENT_PAGES = (PROCEDURES_PAGE, ACTIVITY_PAGE)
# Audiences with one folder for everybody in it, which is called like the audience.
_SHARED = (PROGRAM, MANAGEMENT, STAFF)


@dataclass(frozen=True)
class Client:
    """A client as the seed `clients` has it, with the scope of its open visibility."""

    client_id: str
    client_name: str
    report_page: str
    open_scope_id: str


@dataclass(frozen=True)
class Recipient:
    """A folder to render over a login.

    A client's has its `client_name` and `page` (procedures or activity); `specialty_id` is what its
    page opens on, None for everything.
    """

    folder: str
    audience: str
    login: str
    client_name: str = ""
    page: str = ""
    specialty_id: str | None = None


def read_members(databases: Databases) -> list[Member]:
    """Read the members of what is published, by login."""
    connection = databases.publisher.connect(application_name="casebook report")
    try:
        with (
            database_errors("The reporting database refused to name its members"),
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"set local role {OWNER}")
            cursor.execute(
                "select login, audience, client_id, specialty_id, resident_name, scope_id"
                " from private.members order by login"
            )
            return [Member(*row) for row in cursor.fetchall()]
    finally:
        connection.close()


def read_clients(databases: Databases) -> list[Client]:
    """Read the clients of the warehouse: who gets which page, and its open scope."""
    connection = databases.warehouse.connect(application_name="casebook report")
    try:
        with (
            database_errors("The warehouse refused to name the clients"),
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select clients.client_id, clients.client_name, clients.report_page,"
                " scopes.scope_id from reference.clients as clients"
                " join intermediate.int_client_scopes as scopes using (client_id)"
                " where scopes.visibility = 'open' order by clients.client_id"
            )
            return [Client(*row) for row in cursor.fetchall()]
    finally:
        connection.close()


def choose_recipients(
    members: Sequence[Member],
    clients: Sequence[Client],
    audiences: Sequence[str] | None,
    login: str | None,
) -> list[Recipient]:
    """Choose the folders to render.

    By default those of program, management and staff, and one per client with a page and scope of
    it (its open visibility, and each restricted one), over the first login by name. `audiences`
    (program, management, staff, client, or a client's folder) picks some of them; `login` renders
    that login's own folder alone, opened on its specialty. Raises ConfigurationError for a name
    that has no report or no login.
    """
    by_client = {client.client_id: client for client in clients}
    if login is not None:
        return [_of_login(login, members, by_client, audiences)]
    standard = _standard(members, by_client)
    if not audiences:
        return list(standard.values())
    wanted: dict[str, Recipient] = {}
    for name in audiences:
        if name == CLIENT:
            found = {key: one for key, one in standard.items() if one.audience == CLIENT}
        else:
            found = {name: standard[name]} if name in standard else {}
        if not found:
            raise ConfigurationError(
                f"There is no report for the audience {name!r}.",
                f"Reports can be rendered for: {', '.join(standard) or 'nobody'}.",
            )
        wanted |= found
    return list(wanted.values())


def _standard(members: Sequence[Member], clients: Mapping[str, Client]) -> dict[str, Recipient]:
    """Return the folders of a plain `casebook report` by name, those that have a login.

    Raises ConfigurationError when two that show different rows would have one name.
    """
    found: dict[str, Recipient] = {}
    shown: dict[str, str] = {}
    for member in sorted(members, key=lambda one: one.login):
        recipient = None
        if member.audience in _SHARED:
            recipient = Recipient(member.audience, member.audience, member.login)
        elif member.audience == CLIENT:
            recipient = _of_client(member, clients)
        if recipient is None:
            continue
        first = found.setdefault(recipient.folder, recipient)
        rows = member.scope_id or member.audience
        if shown.setdefault(recipient.folder, rows) != rows:
            raise ConfigurationError(
                f"{first.login} and {member.login} see different rows and would share the folder "
                f"{recipient.folder}.",
                "Give the client another client_id, or its specialty another specialty_id, then "
                "run again.",
            )
    return dict(sorted(found.items(), key=_place))


def _place(named: tuple[str, Recipient]) -> tuple[int, str]:
    """Return where a folder stands among all: by audience, then by name."""
    folder, recipient = named
    return AUDIENCES.index(recipient.audience), folder


def _of_client(member: Member, clients: Mapping[str, Client]) -> Recipient | None:
    """Return the folder of the scope that a client's member sees, None when it sees none."""
    client = clients.get(member.client_id or "")
    if client is None or client.report_page not in _CLIENT_PAGES or member.scope_id is None:
        return None
    is_open = member.scope_id == client.open_scope_id
    folder = client.client_id if is_open else f"{client.client_id}_{member.specialty_id}"
    return Recipient(
        safe_name(folder), CLIENT, member.login, client.client_name, client.report_page
    )


def _of_login(
    login: str,
    members: Sequence[Member],
    clients: Mapping[str, Client],
    audiences: Sequence[str] | None,
) -> Recipient:
    member = next((one for one in members if one.login == login), None)
    if member is None:
        raise ConfigurationError(
            f"{login!r} is no login of what is published.",
            f"The logins are {', '.join(one.login for one in members) or 'none'}.",
        )
    recipient = _of_member(member, clients)
    if audiences and not {recipient.folder, recipient.audience} & set(audiences):
        raise ConfigurationError(
            f"The login {login} is of the audience {recipient.audience}, not of "
            f"{' or '.join(audiences)}.",
            "Give --as or --audience, or two that belong together.",
        )
    return recipient


def _of_member(member: Member, clients: Mapping[str, Client]) -> Recipient:
    if member.audience in _SHARED:
        return Recipient(member.audience, member.audience, member.login)
    if member.audience == RESIDENT:
        if member.resident_name is None:
            raise ConfigurationError(
                f"The login {member.login} names a resident who is not in the data, so it has no "
                "report.",
                "Correct the member's resident_name, then publish again.",
            )
        return Recipient(safe_name(member.login), RESIDENT, member.login)
    recipient = _of_client(member, clients)
    if recipient is None:
        raise ConfigurationError(
            f"There is no report for the login {member.login}: its client has no page, or what it "
            "names is not in the data.",
            f"A client's report_page is {' or '.join(_CLIENT_PAGES)}; correct its row or the "
            "member's, then publish again.",
        )
    return replace(recipient, specialty_id=member.specialty_id)
