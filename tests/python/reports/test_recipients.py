"""The right login makes the right folder, and no login gets a page that is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrate.access.members import Member
from orchestrate.errors import ConfigurationError
from orchestrate.reports.recipients import Client, Recipient, choose_recipients

MEMBERS = [
    Member("acme_reader", "client", "acme", None, None, "a-open"),
    Member("humana_colonoscopy", "client", "humana", "73761001", None, "h-open"),
    Member("humana_hospice", "client", "humana", "hospice", None, "h-hospice"),
    Member("humana_second", "client", "humana", None, None, "h-open"),
    Member("program_director", "program", None, None, None, None),
    Member("program_second", "program", None, None, None, None),
    Member("resident_sample", "resident", None, None, "Okafor, Chidi", None),
    Member("resident_unknown", "resident", None, None, None, None),
    Member("senior_manager", "management", None, None, None, None),
    Member("staff_member", "staff", None, None, None, None),
    Member("uhc_analyst", "client", "united_healthcare", None, None, "u-open"),
    Member("uhc_unknown", "client", "united_healthcare", "x", None, None),
    Member("pageless_reader", "client", "pageless", None, None, "p-open"),
]
CLIENTS = [
    Client("acme", "Acme", "activity", "a-open"),
    Client("humana", "Humana", "activity", "h-open"),
    Client("pageless", "Pageless", "", "p-open"),
    Client("united_healthcare", "UnitedHealthcare", "procedures", "u-open"),
]
PROGRAM = Recipient("program", "program", "program_director")
ACME = Recipient("acme", "client", "acme_reader", "Acme", "activity")
HUMANA = Recipient("humana", "client", "humana_colonoscopy", "Humana", "activity")
HOSPICE = Recipient("humana_hospice", "client", "humana_hospice", "Humana", "activity")
UHC = Recipient("united_healthcare", "client", "uhc_analyst", "UnitedHealthcare", "procedures")
MANAGEMENT = Recipient("management", "management", "senior_manager")
STAFF = Recipient("staff", "staff", "staff_member")


def test_by_default_each_audience_and_each_scope_of_a_client_with_a_page() -> None:
    assert choose_recipients(MEMBERS, CLIENTS, None, None) == [
        PROGRAM,
        ACME,
        HUMANA,
        HOSPICE,
        UHC,
        MANAGEMENT,
        STAFF,
    ]
    assert choose_recipients([], CLIENTS, None, None) == []


@pytest.mark.parametrize("client_id", ["humana_hospice", "staff"])
def test_readers_of_different_rows_never_share_a_folder(client_id: str) -> None:
    client = Client(client_id, "Namesake", "activity", "n-open")
    namesake = Member("zz_reader", "client", client_id, None, None, "n-open")
    with pytest.raises(ConfigurationError, match=f"zz_reader see .* share the folder {client_id}"):
        choose_recipients([*MEMBERS, namesake], [*CLIENTS, client], None, None)


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
    assert choose_recipients(MEMBERS, CLIENTS, [audience], None) == expected


@pytest.mark.parametrize("audience", ["pageless", "nobody", "resident", "humana_second"])
def test_an_audience_without_a_report_is_refused_with_those_that_have_one(audience: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose_recipients(MEMBERS, CLIENTS, [audience], None)
    assert "program, acme, humana, humana_hospice" in caught.value.cure


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("program_second", Recipient("program", "program", "program_second")),
        ("resident_sample", Recipient("resident_sample", "resident", "resident_sample")),
        ("uhc_analyst", UHC),
        ("humana_colonoscopy", replace(HUMANA, specialty_id="73761001")),
        ("humana_second", replace(HUMANA, login="humana_second")),
        ("humana_hospice", replace(HOSPICE, specialty_id="hospice")),
        ("senior_manager", MANAGEMENT),
        ("staff_member", STAFF),
    ],
)
def test_a_login_gets_its_own_folder_opened_on_its_specialty(
    login: str, expected: Recipient
) -> None:
    assert choose_recipients(MEMBERS, CLIENTS, None, login) == [expected]


@pytest.mark.parametrize("login", ["pageless_reader", "resident_unknown", "uhc_unknown", "nobody"])
def test_a_login_without_a_report_is_refused(login: str) -> None:
    with pytest.raises(ConfigurationError):
        choose_recipients(MEMBERS, CLIENTS, None, login)


def test_a_login_of_another_audience_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not of program"):
        choose_recipients(MEMBERS, CLIENTS, ["program"], "uhc_analyst")
    assert choose_recipients(MEMBERS, CLIENTS, ["client"], "uhc_analyst") == [UHC]
