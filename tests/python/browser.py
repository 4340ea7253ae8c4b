"""A headless Chromium for tests: the machine's own, with the network off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system_packages import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
# What a page on disk may ask for without anything leaving the machine.
LOCAL_SCHEMES = ("file:", "data:", "blob:")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser; the test that asks is skipped, and says so, where there is none."""
    executable = find_browser()
    if executable is None:
        pytest.skip("No Chromium found: install one, or let CASEBOOK_CHROMIUM name it.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """An open page and everything that it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def foreign_requests(self) -> list[str]:
        """The requests that would leave the machine."""
        return [url for url in self.requests if not url.startswith(LOCAL_SCHEMES)]


def wait_until(page: Page, expression: str, *, seconds: float = 30.0) -> None:
    """Wait until an expression is true in the page.

    The browser's own wait looks again from inside the page, where the page's policy forbids
    evaluating text; this one asks anew from outside.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise AssertionError(f"This did not become true in {seconds:.0f} s: {expression}")
        page.wait_for_timeout(50)


@contextmanager
def visit(
    browser: Browser, file: Path, *, width: int = 1280, scripts: bool = True
) -> Iterator[Visit]:
    """Open a file offline and wait until its charts are drawn."""
    context = browser.new_context(
        offline=True,
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
        accept_downloads=True,
    )
    try:
        page = context.new_page()
        visited = Visit(page)
        page.on("console", lambda message: visited.complaints.append(message.text))
        page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        page.on("dialog", lambda dialog: visited.complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: visited.requests.append(request.url))
        page.on(
            "requestfailed",
            lambda request: visited.complaints.append(f"failed {request.url[:200]}"),
        )
        page.goto(file.as_uri())
        if scripts:
            wait_until(
                page, "[...document.querySelectorAll('.plot')].every(plot => plot.dataset.drawn)"
            )
        yield visited
    finally:
        context.close()
