"""A browser for a module's tests, and folders rendered from hand-made relations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny import tiny, tiny_server

from orchestrate.reports.pages.activity import EVERYTHING, activity_folder
from orchestrate.reports.pages.clients import procedures_folder
from orchestrate.reports.pages.layout import Folder, folder_files
from orchestrate.reports.pages.management import management_folder
from orchestrate.reports.pages.program import program_folder
from orchestrate.reports.writer import new_folder, write_file
from tests.python.browser import Visit, open_browser, visit, wait_until
from tests.python.reports import datasets

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["tiny", "tiny_server"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium."""
    with open_browser() as opened:
        yield opened


@contextmanager
def opened(browser: Browser, pages: Sequence[Path]) -> Iterator[dict[Path, Visit]]:
    """Open pages once for tests that only look at them; loading the charts' script takes time."""
    with ExitStack() as stack:
        yield {page: stack.enter_context(visit(browser, page)) for page in pages}


def width_of(visited: Visit, screen: int) -> int:
    """Give the page a screen of this width and return how wide it gets, charts redrawn."""
    visited.page.set_viewport_size({"width": screen, "height": 900})
    wait_until(
        visited.page,
        "[...document.querySelectorAll('.plot')].every(plot => plot.dataset.drawn"
        " === (plot.clientWidth < 900 ? 'narrow' : 'wide')) &&"
        " [...document.querySelectorAll('.plot, .plot-explored')].every(plot => Math.abs("
        "plot.clientWidth - plot.querySelector('.main-svg').getBoundingClientRect().width) < 2)",
    )
    return int(visited.page.evaluate("document.documentElement.scrollWidth"))


def cut_words(visited: Visit) -> list[str]:
    """Return the words of charts that reach beyond their chart, to either side."""
    found: list[str] = visited.page.evaluate(
        """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
            const frame = plot.getBoundingClientRect();
            return [...plot.querySelectorAll('svg text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.right > frame.right + 1 || box.left < frame.left - 1;
            }).map(text => text.textContent);
        })"""
    )
    return found


def write(folder: Folder, target: Path) -> Path:
    """Write a folder of pages and return where it is."""
    with new_folder(target) as aside:
        for name, content in folder_files(folder).items():
            write_file(aside / name, content)
    return target


@pytest.fixture(scope="module")
def hostile_folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Render every page from relations whose every name attacks the page."""
    out = tmp_path_factory.mktemp("hostile names")
    name = datasets.HOSTILE[0]
    return [
        write(program_folder(datasets.residency_data(datasets.HOSTILE)), out / "program"),
        write(procedures_folder(datasets.client_data(datasets.HOSTILE), name), out / "client"),
        write(management_folder(datasets.management_data(datasets.HOSTILE)), out / "management"),
        write(
            activity_folder(datasets.activity_data(datasets.HOSTILE), name, EVERYTHING),
            out / "activity",
        ),
    ]


@pytest.fixture(scope="module")
def empty_folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Render every page from relations without a row, and from relations with one row."""
    out = tmp_path_factory.mktemp("empty")
    one = datasets.residency_data(("Okafor, Chidi",))
    nothing = datasets.client_data(())
    return [
        write(program_folder(datasets.empty_residency_data()), out / "program"),
        write(program_folder(one, own_rows_only=True), out / "resident"),
        write(procedures_folder(nothing, "UnitedHealthcare"), out / "client"),
        write(management_folder(datasets.management_data(())), out / "management"),
        write(management_folder(datasets.management_data(("Suffolk County",))), out / "county"),
        write(activity_folder(datasets.activity_data(()), "Humana", EVERYTHING), out / "activity"),
    ]
