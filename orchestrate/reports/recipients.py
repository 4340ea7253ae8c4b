"""For whom reports and extracts are made: which scope makes which folder, and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrate.access.members import Member
from orchestrate.access.scopes import SHARED_AUDIENCES, ScopeDatabase
from orchestrate.errors import ConfigurationError
from orchestrate.publishing.scope_versions import read_state
from orchestrate.publishing.versions import PublishedVersion, read_readers
from orchestrate.reports.downloads import safe_name

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases

PROGRAM, RESIDENT, CLIENT = "program", "resident", "client"
MANAGEMENT, STAFF = "management", "staff"
PROCEDURES_PAGE, ACTIVITY_PAGE = "procedures", "activity"

_CLIENT_PAGES = (PROCEDURES_PAGE, ACTIVITY_PAGE)


@dataclass(frozen=True)
class Recipient:
    """A folder to render over the rendering login of a scope.

    A client's has its `client_name` and `page` (procedures or activity); `specialty_id` is what its
    page opens on, None for everything.
    """

    folder: str
    audience: str
    place: ScopeDatabase
    client_name: str = ""
    page: str = ""
    specialty_id: str | None = None


def read_recipients(
    databases: Databases,
    versions: Sequence[PublishedVersion],
    audiences: Sequence[str] | None,
    login: str | None,
    console: Console,
) -> list[Recipient]:
    """Read what is published and choose the folders to make, see `choose_recipients`.

    Those of scopes without rows of the version, which a rollback leaves, are left out, and told.
    """
    current = next((one for one in versions if one.is_current), None)
    if current is None:
        raise ConfigurationError("Nothing is published yet.", "Run `casebook run` first.")
    places, members = read_readers(databases)
    clients = {client_id: (name, page) for client_id, name, page in current.known.clients}
    recipients = []
    for one in choose_recipients(places, members, clients, audiences, login):
        if read_state(one.place).given is not None:
            recipients.append(one)
        else:
            console.warn(f"{one.folder} has no rows of version {current.version}: nothing to show.")
    return recipients


def choose_recipients(
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    clients: Mapping[str, tuple[str, str]],
    audiences: Sequence[str] | None,
    login: str | None,
) -> list[Recipient]:
    """Choose the folders to render.

    By default those of program, management and staff, and one per client with a page and scope of
    it (its open visibility, and each restricted one). `clients` maps client_id to name and page.
    `audiences` (program, management, staff, client, or a client's folder) picks some of them;
    `login` renders the folder of that login's scope alone, opened on its specialty. Raises
    ConfigurationError for a name that has no report or no login.
    """
    if login is not None:
        return [_of_login(login, places, members, clients, audiences)]
    standard = {
        recipient.folder: recipient
        for place in places
        if (recipient := _of_scope(place, clients)) and recipient.audience != RESIDENT
    }
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


def _of_scope(place: ScopeDatabase, clients: Mapping[str, tuple[str, str]]) -> Recipient | None:
    """Return the folder of a scope, None where it has no rows of its own or its client no page."""
    scope = place.scope
    if scope.audience in SHARED_AUDIENCES:
        return Recipient(scope.name, scope.audience, place)
    if scope.audience == RESIDENT:
        return Recipient(safe_name(scope.name), RESIDENT, place) if scope.resident_name else None
    name, page = clients.get(scope.client_id or "", ("", ""))
    if page not in _CLIENT_PAGES or scope.scope_id is None:
        return None
    return Recipient(safe_name(scope.name), CLIENT, place, name, page)


def _of_login(
    login: str,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    clients: Mapping[str, tuple[str, str]],
    audiences: Sequence[str] | None,
) -> Recipient:
    member = next((one for one in members if one.login == login), None)
    if member is None:
        raise ConfigurationError(
            f"{login!r} is no login of what is published.",
            f"The logins are {', '.join(one.login for one in members) or 'none'}.",
        )
    place = next(place for place in places if place.scope == member.scope)
    recipient = _of_scope(place, clients)
    if recipient is None and member.audience == RESIDENT:
        raise ConfigurationError(
            f"The login {login} names a resident who is not in the data, so it has no report.",
            "Correct the member's resident_name, then publish again.",
        )
    if recipient is None:
        raise ConfigurationError(
            f"There is no report for the login {login}: its client has no page, or what it"
            " names is not in the data.",
            f"A client's report_page is {' or '.join(_CLIENT_PAGES)}; correct its row or the "
            "member's, then publish again.",
        )
    if audiences and not {recipient.folder, recipient.audience} & set(audiences):
        raise ConfigurationError(
            f"The login {login} is of the audience {recipient.audience}, not of "
            f"{' or '.join(audiences)}.",
            "Give --as or --audience, or two that belong together.",
        )
    return replace(recipient, specialty_id=member.specialty_id)
