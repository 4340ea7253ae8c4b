"""The right login makes the right folder, and no login gets a page that is not there."""

from __future__ import annotations

import pytest

from orchestrate.access.members import Member
from orchestrate.errors import ConfigurationError
from orchestrate.reports.recipients import Client, Recipient, choose_recipients

MEMBERS = [
    Member("humana_colonoscopy", "client", "humana", "73761001", None, "h-open"),
    Member("program_director", "program", None, None, None, None),
    Member("program_second", "program", None, None, None, None),
    Member("resident_sample", "resident", None, None, "Okafor, Chidi", None),
    Member("resident_unknown", "resident", None, None, None, None),
    Member("staff_member", "staff", None, None, None, None),
    Member("uhc_a_restricted", "client", "united_healthcare", "hospice", None, "u-hospice"),
    Member("uhc_analyst", "client", "united_healthcare", None, None, "u-open"),
    Member("uhc_unknown", "client", "united_healthcare", "x", None, None),
]
CLIENTS = [
    Client("humana", "Humana", "activity", "h-open"),
    Client("united_healthcare", "UnitedHealthcare", "procedures", "u-open"),
]
PROGRAM = Recipient("program", "program", "program_director")
UHC = Recipient("united_healthcare", "client", "uhc_analyst", "UnitedHealthcare")


def test_by_default_the_program_and_each_client_with_a_page_in_its_open_visibility() -> None:
    assert choose_recipients(MEMBERS, CLIENTS, None, None) == [PROGRAM, UHC]
    assert choose_recipients([], CLIENTS, None, None) == []


@pytest.mark.parametrize(
    ("audience", "expected"),
    [("program", PROGRAM), ("united_healthcare", UHC), ("client", UHC)],
)
def test_an_audience_can_be_picked(audience: str, expected: Recipient) -> None:
    assert choose_recipients(MEMBERS, CLIENTS, [audience], None) == [expected]


@pytest.mark.parametrize("audience", ["humana", "staff", "nobody", "resident"])
def test_an_audience_without_a_report_is_refused_with_those_that_have_one(audience: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose_recipients(MEMBERS, CLIENTS, [audience], None)
    assert "program, united_healthcare" in caught.value.cure


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("program_second", Recipient("program", "program", "program_second")),
        ("resident_sample", Recipient("resident_sample", "resident", "resident_sample")),
        ("uhc_analyst", UHC),
        (
            "uhc_a_restricted",
            Recipient(
                "united_healthcare_hospice", "client", "uhc_a_restricted", "UnitedHealthcare"
            ),
        ),
    ],
)
def test_a_login_gets_its_own_folder(login: str, expected: Recipient) -> None:
    assert choose_recipients(MEMBERS, CLIENTS, None, login) == [expected]


@pytest.mark.parametrize(
    "login", ["humana_colonoscopy", "staff_member", "resident_unknown", "uhc_unknown", "nobody"]
)
def test_a_login_without_a_report_is_refused(login: str) -> None:
    with pytest.raises(ConfigurationError):
        choose_recipients(MEMBERS, CLIENTS, None, login)


def test_a_login_of_another_audience_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not of program"):
        choose_recipients(MEMBERS, CLIENTS, ["program"], "uhc_analyst")
    assert choose_recipients(MEMBERS, CLIENTS, ["client"], "uhc_analyst") == [UHC]
