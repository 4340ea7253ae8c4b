"""For whom reports are rendered: which login makes which folder, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.access.members import Member
from orchestrate.access.roles import OWNER
from orchestrate.database.connection import database_errors
from orchestrate.errors import ConfigurationError
from orchestrate.reports.downloads import safe_name

if TYPE_CHECKING:
    from orchestrate.database import Databases

PROGRAM, RESIDENT, CLIENT = "program", "resident", "client"
PROCEDURES_PAGE = "procedures"


@dataclass(frozen=True)
class Client:
    """A client as the seed `clients` has it, with the scope of its open visibility."""

    client_id: str
    client_name: str
    report_page: str
    open_scope_id: str


@dataclass(frozen=True)
class Recipient:
    """A folder to render over a login; `client_name` is empty for the residency pages."""

    folder: str
    audience: str
    login: str
    client_name: str = ""


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

    By default the program's and one for every client with a page, over its first login (by name)
    in the open visibility; `audiences` (program, client, or a client's id) picks some of them;
    `login` renders that login's own folder alone. Raises ConfigurationError for a name that has no
    report or no login.
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
    """Return the folders of a plain `casebook report` by name, those whose audience has a login."""
    found: dict[str, Recipient] = {}
    for member in sorted(members, key=lambda one: one.login):
        if member.audience == PROGRAM:
            found.setdefault(PROGRAM, Recipient(PROGRAM, PROGRAM, member.login))
        client = clients.get(member.client_id or "")
        if _sees_open_procedures(member, client) and client is not None:
            found.setdefault(
                client.client_id,
                Recipient(safe_name(client.client_id), CLIENT, member.login, client.client_name),
            )
    return found


def _sees_open_procedures(member: Member, client: Client | None) -> bool:
    return (
        member.audience == CLIENT
        and client is not None
        and client.report_page == PROCEDURES_PAGE
        and member.scope_id == client.open_scope_id
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
    client = clients.get(member.client_id or "")
    if member.audience == PROGRAM:
        recipient = Recipient(PROGRAM, PROGRAM, login)
    elif member.audience == RESIDENT:
        if member.resident_name is None:
            raise ConfigurationError(
                f"The login {login} names a resident who is not in the data, so it has no report.",
                "Correct the member's resident_name, then publish again.",
            )
        recipient = Recipient(safe_name(login), RESIDENT, login)
    elif client is not None and client.report_page == PROCEDURES_PAGE and member.scope_id:
        is_open = member.scope_id == client.open_scope_id
        folder = client.client_id if is_open else f"{client.client_id}_{member.specialty_id}"
        recipient = Recipient(safe_name(folder), CLIENT, login, client.client_name)
    else:
        raise ConfigurationError(
            f"There is no report for the login {login} (audience {member.audience}).",
            "Reports can be rendered for the program, residents, and clients whose report page is "
            f"{PROCEDURES_PAGE}.",
        )
    if audiences and not {recipient.folder, recipient.audience} & set(audiences):
        raise ConfigurationError(
            f"The login {login} is of the audience {recipient.audience}, not of "
            f"{' or '.join(audiences)}.",
            "Give --as or --audience, or two that belong together.",
        )
    return recipient
