"""Pages from hand-made relations, opened from disk: no name executes and nothing leaves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrate.reports.downloads import csv_download
from orchestrate.reports.pages.clients import VISIBILITY_NOTICE
from tests.python.browser import Visit, visit, wait_until
from tests.python.reports import datasets
from tests.python.reports.conftest import cut_words, opened, width_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

DRAWN_NAMES = "plot => [...plot.querySelectorAll('.ytick text')].map(text => text.textContent)"
WIDTHS = (320, 390, 768, 1000, 1280, 1600)


def pages(folders: list[Path]) -> list[Path]:
    return [page for folder in folders for page in sorted(folder.glob("*.html"))]


@pytest.fixture(scope="module")
def hostile(browser: Browser, hostile_folders: list[Path]) -> Iterator[dict[Path, Visit]]:
    """Open every page whose names are hostile."""
    with opened(browser, pages(hostile_folders)) as visits:
        yield visits


def test_hostile_names_are_shown_letter_for_letter(hostile: dict[Path, Visit]) -> None:
    names = sorted(datasets.HOSTILE)
    for file, visited in hostile.items():
        foreign = "main img, main style, main iframe, main script:not([type])"
        assert visited.page.locator(foreign).count() == 0
        if file.parent.name not in ("program", "client"):
            continue
        if file.name in ("case_logs.html", "procedures.html"):
            stubs = visited.page.locator("table").first.locator("tbody th").all_text_contents()
            assert sorted(stubs) == names
        if file.name in ("graphs.html", "procedures.html"):
            plot = "#rvu-plot" if file.name == "graphs.html" else "#cost-plot"
            drawn: list[str] = visited.page.eval_on_selector(plot, DRAWN_NAMES)
            assert len(drawn) == len(names)
            starts = sorted(label.rstrip("…") for label in drawn)
            assert all(name.startswith(start) for name, start in zip(names, starts, strict=True))


def test_hovering_shows_a_hostile_name_as_text(hostile: dict[Path, Visit]) -> None:
    visited = next(one for file, one in hostile.items() if file.name == "graphs.html")
    plot = visited.page.locator("#rvu-plot")
    plot.scroll_into_view_if_needed()
    shown: list[str] = []
    for bar in plot.locator(".barlayer .trace").first.locator(".point path").all():
        box = bar.bounding_box()
        assert box is not None
        visited.page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
        # Each resident's label differs: until there is a new one, the last is still being shown.
        label = "document.querySelector('#rvu-plot .hovertext')?.textContent ?? ''"
        wait_until(visited.page, f"!{json.dumps(['', *shown])}.includes({label})")
        shown.append(visited.page.evaluate(label))
    assert any("<b>bold</b>" in text for text in shown)
    assert any("</script><script>alert(1)</script>" in text for text in shown)
    assert plot.locator("a").count() == 0


def test_hostile_names_do_nothing(hostile: dict[Path, Visit]) -> None:
    for file, visited in hostile.items():
        assert visited.complaints == [], file
        assert visited.foreign_requests == [], file


def test_a_script_put_into_a_page_would_not_run(
    browser: Browser, hostile_folders: list[Path]
) -> None:
    page = hostile_folders[0] / "index.html"
    attacked = page.with_name("attacked.html")
    attacked.write_text(
        page.read_text().replace(
            "</main>",
            "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
            "<img src='https://example.org/x.png'></main>",
        )
    )
    try:
        with visit(browser, attacked) as visited:
            assert visited.page.title() != "run"
            refused = [text for text in visited.complaints if "Content Security Policy" in text]
            assert any("script" in text for text in refused)
            assert any("example.org" in text for text in refused)
    finally:
        attacked.unlink()


def test_pages_of_nothing_and_of_one_row_open_without_complaint(
    browser: Browser, empty_folders: list[Path]
) -> None:
    for page in pages(empty_folders):
        with visit(browser, page) as visited:
            assert visited.complaints == [], page
            shown = visited.page.locator("main").inner_text()
            assert "None" not in shown, page
            assert "nan" not in shown, page


def test_no_page_and_no_word_is_wider_than_its_screen(hostile: dict[Path, Visit]) -> None:
    for file, visited in hostile.items():
        for width in WIDTHS:
            assert width_of(visited, width) <= width, (file, width)
            assert cut_words(visited) == [], (file, width)
        width_of(visited, 1280)


def test_a_chart_follows_the_screen_from_wide_to_narrow_and_back(
    browser: Browser, hostile_folders: list[Path]
) -> None:
    with visit(browser, hostile_folders[0] / "graphs.html") as visited:
        plot = "document.querySelector('#rvu-plot')"
        for width, form in ((390, "narrow"), (1280, "wide")):
            visited.page.set_viewport_size({"width": width, "height": 900})
            wait_until(visited.page, f"{plot}.dataset.drawn === '{form}'")
            bars: int = visited.page.evaluate(f"{plot}.querySelectorAll('.point').length")
            assert bars == 2 * len(datasets.HOSTILE)
        assert visited.complaints == []


def test_tables_and_downloads_work_without_scripts(
    browser: Browser, hostile_folders: list[Path]
) -> None:
    with visit(browser, hostile_folders[0] / "graphs.html", scripts=False) as visited:
        visited.page.locator("#rvu summary").click()
        assert visited.page.locator("#rvu tbody tr").count() == len(datasets.HOSTILE)
        assert visited.page.locator("#rvu noscript").count() == 1
        with visited.page.expect_download() as download:
            visited.page.locator("#rvu .download a").click()
        assert download.value.suggested_filename == "rvu_by_requirement.csv"


def test_a_download_is_what_was_rendered_with_formulas_as_text(
    hostile: dict[Path, Visit],
) -> None:
    rows = datasets.client_data(datasets.HOSTILE).procedures
    visited = next(
        one
        for file, one in hostile.items()
        if file.parent.name == "client" and file.name == "procedures.html"
    )
    with visited.page.expect_download() as download:
        visited.page.locator("#cost .download a").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    by_cost = rows.sort_values("cost_rank")
    assert text == csv_download("x", by_cost).text
    names = [line["procedure_name"] for line in csv.DictReader(io.StringIO(text))]
    assert "'=1+1" in names
    assert datasets.HOSTILE[0] in names


OUTLINE = """() => ({
    lang: document.documentElement.lang,
    title: document.title,
    levels: [...document.querySelectorAll('h1,h2,h3')].map(heading => +heading.tagName[1]),
    uncaptioned: document.querySelectorAll('table:not(:has(caption))').length,
    unscoped: document.querySelectorAll('th:not([scope])').length,
    unlabelled: document.querySelectorAll('.plot:not([aria-label])').length,
    ids: [...document.querySelectorAll('[id]')].filter(
        element => !element.closest('.plot svg')).map(element => element.id),
    broken: [...document.querySelectorAll('a[href^="#"]')].filter(
        link => !document.getElementById(link.getAttribute('href').slice(1))).length,
})"""


def test_pages_are_put_together_as_readers_of_all_kinds_need_them(
    hostile: dict[Path, Visit],
) -> None:
    for page, visited in hostile.items():
        found: dict[str, Any] = visited.page.evaluate(OUTLINE)
        assert found["lang"] == "en"
        assert found["title"]
        assert found["levels"][0] == 1
        assert found["levels"].count(1) == 1
        assert found["uncaptioned"] == found["unscoped"] == found["unlabelled"] == 0
        assert found["broken"] == 0
        assert len(found["ids"]) == len(set(found["ids"])), page


def test_every_page_of_a_client_says_what_its_figures_cover(hostile: dict[Path, Visit]) -> None:
    shown = [
        visited.page.locator("main").inner_text()
        for file, visited in hostile.items()
        if file.parent.name in ("client", "activity")
    ]
    assert len(shown) == 4
    assert all(VISIBILITY_NOTICE in text for text in shown)


def test_headings_stay_in_sight_down_to_the_last_row(hostile: dict[Path, Visit]) -> None:
    visited = next(one for file, one in hostile.items() if file.name == "case_logs.html")
    visited.page.set_viewport_size({"width": 1280, "height": 420})
    visited.page.locator(".views a").last.click()
    visited.page.locator("#status tbody tr").last.scroll_into_view_if_needed()
    head = visited.page.locator("#status thead th").first.bounding_box()
    assert head is not None
    assert -1 <= head["y"] < 420
