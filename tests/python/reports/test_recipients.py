"""Each scope makes the right folder, and nobody gets a page that is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from tiny import MEMBERS as TINY_MEMBERS
from tiny import Tiny

from orchestrate.access.members import Member
from orchestrate.access.scopes import Scope, ScopeDatabase, unique_scopes
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.errors import ConfigurationError
from orchestrate.publishing import published_versions
from orchestrate.reports.recipients import Recipient, choose_recipients, read_recipients
from orchestrate.rollback import put_back

# Where a scope is says nothing about its folder.
NOWHERE = cast("Databases", None)


def place(name: str, audience: str, *rest: str | None) -> ScopeDatabase:
    """Return a scope: client, specialty, scope_id and resident as far as given."""
    return ScopeDatabase(Scope(name, audience, *rest), name, NOWHERE)


PROGRAM_PLACE = place("program", "program")
ACME_PLACE = place("acme", "client", "acme", None, "a-open")
HUMANA_PLACE = place("humana", "client", "humana", None, "h-open")
HOSPICE_PLACE = place("humana_hospice", "client", "humana", "hospice", "h-hospice")
PAGELESS_PLACE = place("pageless", "client", "pageless", None, "p-open")
UHC_PLACE = place("united_healthcare", "client", "united_healthcare", None, "u-open")
RESIDENT_PLACE = place("resident_sample", "resident", None, None, None, "Okafor, Chidi")
MANAGEMENT_PLACE, STAFF_PLACE = place("management", "management"), place("staff", "staff")
# Of logins whose member names what is not in the data: a scope without any person's rows.
UNKNOWN_PLACES = (place("resident_unknown", "resident"), place("uhc_unknown", "client", "uhc"))
PLACES = [
    PROGRAM_PLACE,
    RESIDENT_PLACE,
    UNKNOWN_PLACES[0],
    ACME_PLACE,
    HUMANA_PLACE,
    HOSPICE_PLACE,
    PAGELESS_PLACE,
    UNKNOWN_PLACES[1],
    UHC_PLACE,
    MANAGEMENT_PLACE,
    STAFF_PLACE,
]
MEMBERS = [
    Member(login, at.scope.audience, at.scope.client_id, specialty_id, at.scope)
    for login, at, specialty_id in (
        ("acme_reader", ACME_PLACE, None),
        ("humana_colonoscopy", HUMANA_PLACE, "73761001"),
        ("humana_hospice", HOSPICE_PLACE, "hospice"),
        ("humana_second", HUMANA_PLACE, None),
        ("program_director", PROGRAM_PLACE, None),
        ("program_second", PROGRAM_PLACE, None),
        ("resident_sample", RESIDENT_PLACE, None),
        ("resident_unknown", UNKNOWN_PLACES[0], None),
        ("senior_manager", MANAGEMENT_PLACE, None),
        ("staff_member", STAFF_PLACE, None),
        ("uhc_analyst", UHC_PLACE, None),
        ("uhc_unknown", UNKNOWN_PLACES[1], "x"),
        ("pageless_reader", PAGELESS_PLACE, None),
    )
]
CLIENTS = {
    "acme": ("Acme", "activity"),
    "humana": ("Humana", "activity"),
    "pageless": ("Pageless", ""),
    "united_healthcare": ("UnitedHealthcare", "procedures"),
}
PROGRAM = Recipient("program", "program", PROGRAM_PLACE)
ACME = Recipient("acme", "client", ACME_PLACE, "Acme", "activity")
HUMANA = Recipient("humana", "client", HUMANA_PLACE, "Humana", "activity")
HOSPICE = Recipient("humana_hospice", "client", HOSPICE_PLACE, "Humana", "activity")
UHC = Recipient("united_healthcare", "client", UHC_PLACE, "UnitedHealthcare", "procedures")
MANAGEMENT = Recipient("management", "management", MANAGEMENT_PLACE)
STAFF = Recipient("staff", "staff", STAFF_PLACE)


def test_by_default_each_audience_and_each_scope_of_a_client_with_a_page() -> None:
    assert choose_recipients(PLACES, MEMBERS, CLIENTS, None, None) == [
        PROGRAM,
        ACME,
        HUMANA,
        HOSPICE,
        UHC,
        MANAGEMENT,
        STAFF,
    ]
    assert choose_recipients([], [], CLIENTS, None, None) == []


def test_a_folder_is_the_scopes_whoever_its_logins_are() -> None:
    for members in (MEMBERS[1:2], MEMBERS[3:4]):
        assert choose_recipients([HUMANA_PLACE], members, CLIENTS, None, None) == [HUMANA]


@pytest.mark.parametrize("client_id", ["humana_hospice", "staff", "resident_sample"])
def test_readers_of_different_rows_never_share_a_folder(client_id: str) -> None:
    namesake = Scope(client_id, "client", client_id, None, "n-open")
    with pytest.raises(ConfigurationError, match=f"would share the name {client_id}"):
        unique_scopes([*(at.scope for at in PLACES), namesake])


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ("program", [PROGRAM]),
        ("united_healthcare", [UHC]),
        ("humana", [HUMANA]),
        ("humana_hospice", [HOSPICE]),
        ("management", [MANAGEMENT]),
        ("staff", [STAFF]),
        ("client", [ACME, HUMANA, HOSPICE, UHC]),
    ],
)
def test_an_audience_can_be_picked(audience: str, expected: list[Recipient]) -> None:
    assert choose_recipients(PLACES, MEMBERS, CLIENTS, [audience], None) == expected


@pytest.mark.parametrize("audience", ["pageless", "nobody", "resident", "humana_second"])
def test_an_audience_without_a_report_is_refused_with_those_that_have_one(audience: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose_recipients(PLACES, MEMBERS, CLIENTS, [audience], None)
    assert "program, acme, humana, humana_hospice" in caught.value.cure


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("program_second", PROGRAM),
        ("resident_sample", Recipient("resident_sample", "resident", RESIDENT_PLACE)),
        ("uhc_analyst", UHC),
        ("humana_colonoscopy", replace(HUMANA, specialty_id="73761001")),
        ("humana_second", HUMANA),
        ("humana_hospice", replace(HOSPICE, specialty_id="hospice")),
        ("senior_manager", MANAGEMENT),
        ("staff_member", STAFF),
    ],
)
def test_a_login_gets_its_scopes_folder_opened_on_its_specialty(
    login: str, expected: Recipient
) -> None:
    assert choose_recipients(PLACES, MEMBERS, CLIENTS, None, login) == [expected]


@pytest.mark.parametrize("login", ["pageless_reader", "resident_unknown", "uhc_unknown", "nobody"])
def test_a_login_without_a_report_is_refused(login: str) -> None:
    with pytest.raises(ConfigurationError):
        choose_recipients(PLACES, MEMBERS, CLIENTS, None, login)


def test_a_login_of_another_audience_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not of program"):
        choose_recipients(PLACES, MEMBERS, CLIENTS, ["program"], "uhc_analyst")
    assert choose_recipients(PLACES, MEMBERS, CLIENTS, ["client"], "uhc_analyst") == [UHC]


def publish_with(tiny: Tiny, generation: int, client_name: str, page: str) -> None:
    """Publish a build in which the client Humana has this name and page."""
    tiny.build(generation)
    tiny.as_builder(
        "insert into staging.stg_reference__clients"
        f" values ('humana', 'Humana', '{client_name}', '{page}')"
    )
    tiny.publish()


def clients_of(tiny: Tiny) -> list[tuple[str, str, str]]:
    """Return folder, client's name and page of each folder of a client; check whose rows it has."""
    versions = published_versions(tiny.databases)
    console = Console(error_stream=tiny.said)
    found = read_recipients(tiny.databases, versions, ["client"], None, console)
    assert all(one.place.scope.client_id == "humana" for one in found)
    return [(one.folder, one.client_name, one.page) for one in found]


def test_folders_follow_the_version_that_is_shown(tiny: Tiny) -> None:
    """Names and pages of clients are the version's own; who was not there then has no folder."""
    tiny.members = [row for row in TINY_MEMBERS if row[0] != "hospice_reader"]
    publish_with(tiny, 1, "Humana", "activity")
    tiny.members = TINY_MEMBERS
    publish_with(tiny, 2, "Humana of now", "procedures")
    assert clients_of(tiny) == [
        ("humana", "Humana of now", "procedures"),
        ("humana_hospice", "Humana of now", "procedures"),
    ]
    put_back(tiny.settings, tiny.databases, Console(error_stream=tiny.said), lambda: None)
    assert clients_of(tiny) == [("humana", "Humana", "activity")]
    assert "humana_hospice has no rows of version 1" in " ".join(tiny.said.getvalue().split())
