"""The activity page answers for any specialty and months what the function answers its reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import scoped
from browser import open_browser, visit, wait_until
from conftest import Casebook

from orchestrate.errors import ConfigurationError
from orchestrate.reports.pages.activity import (
    EVERYTHING,
    ActivityData,
    Opening,
    activity_folder,
    chosen_months,
    explorer_data,
)
from orchestrate.reports.pages.layout import folder_files

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOGINS = {"humana": "humana_colonoscopy", "humana_hospice": "humana_hospice"}
SPANS = (("2011-01", "2011-06"), ("2013-11", "2014-02"), ("2012-01", "2021-12"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for the module's tests."""
    with open_browser() as started:
        yield started


@pytest.mark.parametrize("wrong", ["2021", "2021-13", "March", "2021-1"])
def test_what_is_no_month_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="YYYY-MM"):
        chosen_months(wrong, "")


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="earlier month first"):
        chosen_months("2021-02", "2021-01")


def placed(patient_days: Sequence[date]) -> ActivityData:
    """Return one patient's encounters of March and May 2020 and June 2021, placed as given."""
    months = [date(2020, 3, 1), date(2020, 5, 1), date(2021, 6, 1)]
    specialties = ["specialty_id", "specialty_name", "procedure_count", "patient_count"]
    activity = [
        {
            "activity_key": "a",
            "organization_name": "Harbor",
            "service_month": day,
            "specialty_id": "all",
            "specialty_name": "All specialties",
            "encounter_count": 1,
            "procedure_count": 0,
        }
        for day in patient_days
    ]
    hospital = dict.fromkeys(("address", "city", "state", "zip"), "")
    measures = ("procedure_count", "procedure_cost", "claim_cost", "payer_coverage")
    hospitals = [
        {
            "organization_name": "Harbor",
            "service_month": month,
            "patient_count": 1,
            "encounter_count": 1,
            **hospital,
            **dict.fromkeys(measures, 0),
        }
        for month in months
    ]
    frames = (pd.DataFrame(columns=specialties), pd.DataFrame(activity), pd.DataFrame(hospitals))
    return ActivityData(*frames)


DAYS = [date(2020, 3, 17), date(2020, 5, 30), date(2021, 6, 1)]
MONTHS = [day.replace(day=1) for day in DAYS]
YEARS = [day.replace(month=1) for day in MONTHS]


@pytest.mark.parametrize("days", [DAYS, MONTHS], ids=["days", "months"])
def test_patients_who_are_placed_in_days_are_in_months(days: list[date]) -> None:
    data = json.loads(explorer_data(placed(days), EVERYTHING))
    assert (len(data["months"]), data["by_year"]) == (16, False)
    found = [data["month_names"][row[2]] for row in data["activity"]]
    assert found == ["March 2020", "May 2020", "June 2021"]


def test_where_patients_are_placed_in_years_the_choice_is_of_years() -> None:
    data = json.loads(explorer_data(placed(YEARS), EVERYTHING))
    assert (data["months"], data["month_names"]) == (["2020-01", "2021-01"], ["2020", "2021"])
    assert [row[2] for row in data["activity"]] == [0, 0, 1]
    # Hospitals have their months, and their sums are those of the same years.
    assert [row[1] for row in data["volumes"]] == [0, 0, 1]


@pytest.mark.browser
def test_a_span_of_years_shows_whom_they_helped(browser: Browser, tmp_path: Path) -> None:
    """A month that somebody asks for means its year, and the page says so."""
    folder = activity_folder(placed(YEARS), "Client", Opening(from_month="2020-05"))
    for name, content in folder_files(folder).items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        (tmp_path / name).write_bytes(data)
    for choice, chosen, counts in (
        ("", "All specialties, 2020 to 2021", [1, 3, 0]),
        ("#from=2020-03&to=2020-04", "All specialties, 2020", [1, 2, 0]),
    ):
        page = browser.new_page()
        page.goto(f"{(tmp_path / 'activity.html').as_uri()}{choice}")
        wait_until(page, "document.getElementById('chosen').textContent !== ''")
        assert page.inner_text("#chosen") == chosen
        assert shown(page.inner_text("#helped")) == counts
        assert page.locator("#to option").all_inner_texts() == ["2020", "2021"]
        assert "Through" in page.inner_text("#explorer")
        page.close()


def helped(casebook: Casebook, login: str, span: tuple[str, str], specialty: str) -> list[int]:
    """Ask the function as the login: patients, encounters, procedures; `all` is its total row."""
    first, last = span
    argument = None if specialty == "all" else specialty
    with (
        scoped.reader(casebook.databases, login).session() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "select patient_count, encounter_count, procedure_count"
            " from clients.patients_helped(%s, (%s::date + interval '1 month')::date, %s)"
            " where (specialty_id is null) = %s",
            (f"{first}-01", f"{last}-01", argument, argument is None),
        )
        return list(cursor.fetchone() or (0, 0, 0))


def page_path(casebook: Casebook, folder: str) -> Path:
    """Return the page of a folder that `casebook run` rendered."""
    return casebook.output_dir / folder / "activity.html"


def shown(text: str) -> list[int]:
    """Return the numbers among a list of facts."""
    return [int(number.replace(",", "")) for number in re.findall(r"^[\d,]+$", text, re.M)]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("folder", LOGINS)
def test_any_span_and_specialty_agree_with_the_function(
    published: Casebook, browser: Browser, folder: str, soak: bool
) -> None:
    """Each specialty in one span, and each span with one specialty; all in the long test."""
    login = LOGINS[folder]
    path = page_path(published, folder)
    specialties = ["all", "none", "73761001"] + ["hospice"] * (folder == "humana_hospice")
    for (place, span), (number, specialty) in product(enumerate(SPANS), enumerate(specialties)):
        if not soak and place != number % len(SPANS):
            continue
        address = f"{path.as_uri()}#specialty={specialty}&from={span[0]}&to={span[1]}"
        page = browser.new_page()
        try:
            page.goto(address)
            wait_until(page, "document.getElementById('chosen').textContent !== ''")
            expected = helped(published, login, span, specialty)
            assert shown(page.inner_text("#helped")) == expected, (span, specialty)
        finally:
            page.close()


@pytest.mark.browser
@pytest.mark.slow
def test_the_picker_works_by_keyboard_and_the_choice_is_in_the_address(
    published: Casebook, browser: Browser
) -> None:
    with visit(browser, page_path(published, "humana")) as visited:
        page = visited.page
        page.focus("#specialty")
        page.keyboard.press("ArrowDown")
        offered = page.locator("#specialty-list [role=option]").all_inner_texts()
        counts = [
            int(found[0].replace(",", ""))
            for text in offered
            if (found := re.findall(r"([\d,]+) procedures?", text))
        ]
        assert len(counts) > 20
        assert counts == sorted(counts, reverse=True)
        page.keyboard.type("colonosc")
        page.keyboard.press("Enter")
        assert page.input_value("#specialty") == "Colonoscopy"
        page.select_option("#from", label="March 2012")
        assert "specialty=73761001&from=2012-03" in page.url
        chosen = page.inner_text("#chosen")
        assert chosen.startswith("Colonoscopy, March 2012 to")
        page.reload()
        wait_until(page, "document.getElementById('chosen').textContent !== ''")
        assert page.inner_text("#chosen") == chosen
        assert not visited.complaints
        assert not visited.foreign_requests


@pytest.mark.slow
def test_as_a_login_the_page_opens_on_its_specialty_and_months(
    published: Casebook, tmp_path: Path
) -> None:
    published.command(
        "report", "--as", "humana_colonoscopy", "--from", "2012-03", "--to", "2012-05",
        "--out", str(tmp_path),
    )  # fmt: skip
    text = (tmp_path / "humana" / "activity.html").read_text(encoding="utf-8")
    assert '"opens":{"specialty":"73761001","from":"2012-03","to":"2012-05"}' in text


@pytest.mark.parametrize(
    ("days", "months"),
    [(MONTHS, ("2020-03", "2021-06")), (YEARS, ("2020-01", "2021-12")), ([], None)],
)
def test_a_folder_says_which_months_it_can_open_on(
    days: list[date], months: tuple[str, str] | None
) -> None:
    data = placed(days)
    if not days:
        data = replace(data, activity=data.hospitals.head(0), hospitals=data.hospitals.head(0))
    assert activity_folder(data, "Payer", EVERYTHING).months == months


@pytest.mark.slow
def test_months_that_a_page_cannot_open_on_are_told(published: Casebook, tmp_path: Path) -> None:
    def warnings(*options: str) -> list[str]:
        done = published.command("report", *options, "--out", str(tmp_path))
        return [line for line in done.stderr.splitlines() if line.startswith("Warning")]

    assert warnings("--audience", "humana", "--from", "2012-03", "--to", "2012-05") == []
    assert warnings("--audience", "program") == []
    without, late = warnings(
        "--audience", "program", "--audience", "humana", "--from", "2012-03", "--to", "2099-01"
    )
    assert "program: these have no months" in without
    assert "humana has nothing of 2099-01" in late


@pytest.mark.slow
def test_no_key_of_a_patient_is_in_the_page(published: Casebook) -> None:
    text = page_path(published, "humana").read_text(encoding="utf-8")
    assert not re.search(r"\b[0-9a-f]{32}\b", text)


@pytest.mark.slow
def test_the_open_folder_holds_nothing_restricted(published: Casebook) -> None:
    for path in (published.output_dir / "humana").glob("*.html"):
        text = path.read_text(encoding="utf-8").lower()
        assert not re.search("hospice|385763009|305336008", text), path
