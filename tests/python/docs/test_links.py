"""Whoever follows a link in the documentation arrives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR

PAGES = sorted([*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_DIR)))
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_inside = target.is_relative_to(PROJECT_DIR)
        if not (is_inside and target.exists()) or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_there_are_pages_with_links() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "CONTRIBUTING.md", "architecture.md"}
    assert sum(len(LINK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 20


def test_pages_that_messages_name_exist() -> None:
    named = {
        page
        for module in (PROJECT_DIR / "orchestrate").rglob("*.py")
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", module.read_text(encoding="utf-8"))
    }
    assert named
    assert [page for page in sorted(named) if not (PROJECT_DIR / page).is_file()] == []
