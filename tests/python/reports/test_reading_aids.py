"""What pages offer beside their figures: sorting, search, views, the dark, paper, the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrate.reports.pages.activity import EVERYTHING, activity_folder
from orchestrate.reports.pages.program import program_folder
from tests.python.browser import Visit, visit, wait_until
from tests.python.reports import datasets
from tests.python.reports.conftest import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

NAMES = tuple(f"Resident {letter}" for letter in "ABCDEFGHIJKLMNOP")
HEADS = "#status-table thead th"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the pages of a program of sixteen residents."""
    data = datasets.residency_data(NAMES)
    return write(program_folder(data), tmp_path_factory.mktemp("aids") / "program")


@pytest.fixture(scope="module")
def logs(browser: Browser, folder: Path) -> Iterator[Page]:
    """Open the case logs."""
    with visit(browser, folder / "case_logs.html") as visited:
        yield visited.page


def column(page: Page, table: str, place: int) -> list[str]:
    """Return the cells of a column that are in sight, from the top."""
    rows = page.locator(f"#{table} tbody tr:not([hidden])")
    cells: list[str] = rows.locator(f":scope > :nth-child({place})").all_inner_texts()
    return [text.removeprefix("✓").strip() for text in cells]


def shown_sections(page: Page) -> list[str]:
    return [
        str(one.get_attribute("id"))
        for one in page.locator("main > section").all()
        if one.is_visible()
    ]


def test_case_logs_show_one_view_at_a_time_and_the_address_names_it(
    browser: Browser, folder: Path, logs: Page
) -> None:
    assert shown_sections(logs) == ["totals"]
    logs.locator(".views a").nth(2).click()
    assert shown_sections(logs) == ["status"]
    assert logs.url.endswith("#status")
    logs.go_back()
    wait_until(logs, "!document.getElementById('totals').classList.contains('aside')")
    assert shown_sections(logs) == ["totals"]
    with visit(browser, folder / "case_logs.html", scripts=False) as plain:
        assert shown_sections(plain.page) == ["totals", "percentages", "status"]


def test_a_column_is_sorted_by_its_numbers_and_met_comes_after_what_remains(logs: Page) -> None:
    logs.goto(f"{logs.url.partition('#')[0]}#status")
    button = logs.locator(f"{HEADS}:nth-child(2) button")
    button.click()
    falling = [
        0 if text == "Met" else int(text.replace(",", ""))
        for text in column(logs, "status-table", 2)
    ]
    assert len(falling) == len(NAMES)
    assert falling == sorted(falling, reverse=True)
    assert logs.locator(f"{HEADS}:nth-child(2)").get_attribute("aria-sort") == "descending"
    button.press("Enter")
    assert logs.locator(f"{HEADS}:nth-child(2)").get_attribute("aria-sort") == "ascending"
    logs.locator(f"{HEADS}:nth-child(1) button").click()
    assert column(logs, "status-table", 1) == sorted(NAMES)
    assert logs.locator("[aria-sort]").count() == 1


def test_a_table_is_searched_by_words_and_says_how_many_rows_are_left(logs: Page) -> None:
    logs.goto(f"{logs.url.partition('#')[0]}#status")
    field = logs.locator("#status .search input")
    field.fill("resident c")
    assert column(logs, "status-table", 1) == ["Resident C"]
    assert f"1 of {len(NAMES)} rows" in logs.locator("#status .search").inner_text()
    field.fill("")
    assert len(column(logs, "status-table", 1)) == len(NAMES)


def test_the_last_row_and_column_count_what_is_met(logs: Page) -> None:
    logs.goto(f"{logs.url.partition('#')[0]}#status")
    met = [
        [text == "Met" for text in column(logs, "status-table", place)]
        for place in range(2, 2 + len(datasets.CATEGORIES))
    ]
    foot = logs.locator("#status-table tfoot td").all_inner_texts()
    assert foot[:-1] == [str(sum(flags)) for flags in met]
    last = column(logs, "status-table", 2 + len(datasets.CATEGORIES))
    assert last == [str(sum(flags)) for flags in zip(*met, strict=True)]


def luminance(page: Page, selector: str, style: str) -> float:
    """Return how light a colour is drawn, 0 to 1."""
    found: float = page.eval_on_selector(
        selector,
        """(element, style) => {
            const [red, green, blue] = getComputedStyle(element)[style].match(/[\\d.]+/g)
                .slice(0, 3).map(part => part / 255)
                .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        }""",
        style,
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page_in_the_light_and_in_the_dark(
    browser: Browser, folder: Path, scheme: str
) -> None:
    with visit(browser, folder / "graphs.html") as visited:
        visited.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        paper = luminance(visited.page, "body", "backgroundColor")
        assert (paper < 0.5) == (scheme == "dark")
        words = [
            luminance(visited.page, selector, style)
            for selector, style in (
                ("h1", "color"),
                (".explanation", "color"),
                (".download a", "color"),
                (".plot .ytick text", "fill"),
                (".plot .xtick text", "fill"),
                (".plot .textpoint text", "fill"),
            )
        ]
        ratios = [(max(one, paper) + 0.05) / (min(one, paper) + 0.05) for one in words]
        assert min(ratios) >= 4.5, ratios


def test_paper_is_white_and_charts_are_whole_on_it(browser: Browser, folder: Path) -> None:
    """A chart that was drawn for a wide screen is shrunk to the sheet, not cut."""
    with visit(browser, folder / "graphs.html") as visited:
        page = visited.page
        page.emulate_media(media="print", color_scheme="dark")
        assert luminance(page, "body", "backgroundColor") > 0.9
        marks: list[list[float]] = page.evaluate(
            """() => {
                // What the browser does when it prints: the sheet's width, and no script runs.
                document.querySelector('main').style.width = '600px';
                return [...document.querySelectorAll('.plot')].map(plot => {
                    const svg = plot.querySelector('.main-svg');
                    const box = svg.viewBox.baseVal;
                    return [plot.getBoundingClientRect().width, box.width,
                        svg.getBoundingClientRect().height * box.width
                            / (box.height * svg.getBoundingClientRect().width)];
                });
            }"""
        )
        assert marks
        for sheet, drawn, proportion in marks:
            assert sheet < 600 < drawn
            assert abs(proportion - 1) < 0.02


def test_a_chart_of_many_rows_shows_the_first_and_all_when_asked(
    browser: Browser, tmp_path: Path
) -> None:
    names = tuple(f"Resident {number:03}" for number in range(60))
    target = write(program_folder(datasets.residency_data(names)), tmp_path / "many")
    with visit(browser, target / "graphs.html") as visited:
        box = visited.page.locator("#rvu-box")
        button = visited.page.locator("#rvu .show-all")
        height = (box.bounding_box() or {"height": 0.0})["height"]
        button.press("Enter")
        grown = (box.bounding_box() or {"height": 0.0})["height"]
        assert height < 600 < 60 * 26 < grown
        assert button.get_attribute("aria-expanded") == "true"
        assert visited.page.locator("#group .show-all").count() == 0


def test_what_scrolls_can_be_reached_by_the_keyboard(folder: Path, logs: Page) -> None:
    for box in logs.locator(".table-box").all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("role") == "region"
        assert box.get_attribute("aria-label")


def test_a_folder_that_draws_nothing_holds_no_script_that_draws(tmp_path: Path) -> None:
    whole = program_folder(datasets.residency_data(NAMES))
    target = write(replace(whole, pages=whole.pages[:1]), tmp_path / "program")
    assert not (target / "plotly.min.js").exists()


SPECIALTIES = (
    ("1", "Colonoscopy (procedure)"),
    ("2", "X-ray of the chest (procedure)"),
    ("3", "Chest physiotherapy (regime/therapy)"),
)


@pytest.fixture
def picker(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    """Open a client's activity page with three specialties."""
    data = datasets.activity_data(tuple(name for _, name in SPECIALTIES))
    target = write(activity_folder(data, "Client", EVERYTHING), tmp_path / "activity")
    with visit(browser, target / "activity.html") as visited:
        yield visited


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("xray chest", ["X-ray of the chest"]),
        ("chest", ["X-ray of the chest", "Chest physiotherapy"]),
        ("colonscopy", ["Colonoscopy"]),
        ("colonosocpy", ["Colonoscopy"]),
        ("physoi", ["Chest physiotherapy"]),
        ("hip", []),
    ],
)
def test_the_picker_finds_any_words_and_forgives_a_slip(
    picker: Visit, typed: str, offered: list[str]
) -> None:
    picker.page.fill("#specialty", typed)
    found = picker.page.locator("#specialty-list [role=option]").all_inner_texts()
    assert sorted(text.split("\n")[0] for text in found) == sorted(offered)


def test_a_choice_by_tab_is_kept_and_can_be_gone_back_from(picker: Visit) -> None:
    page = picker.page
    before = page.inner_text("#chosen")
    page.fill("#specialty", "colono")
    page.press("#specialty", "Tab")
    assert page.inner_text("#chosen").startswith("Colonoscopy")
    page.go_back()
    wait_until(page, f"document.getElementById('chosen').textContent === {before!r}")


def test_the_choice_is_a_file_of_the_months_in_sight(picker: Visit) -> None:
    page = picker.page
    with page.expect_download() as download:
        page.click("#choice")
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    page.locator("#by-month-table").evaluate("table => table.closest('details').open = true")
    assert lines[0] == "month,patients,encounters,procedures"
    assert [line.split(",")[1:] for line in lines[1:]] == [
        row.locator("td").all_inner_texts()
        for row in page.locator("#by-month-table tbody tr").all()
    ]


def test_a_time_without_anybody_is_told(picker: Visit) -> None:
    page = picker.page
    assert not page.locator("#nothing").is_visible()
    page.evaluate("location.hash = 'specialty=all&from=2021-02&to=2021-02'")
    wait_until(page, "!document.getElementById('nothing').hidden")
    assert "Nobody was helped" in page.inner_text("#nothing")
