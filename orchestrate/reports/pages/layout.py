"""What a folder of pages is made of, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from orchestrate.reports.charts import Drawing
from orchestrate.reports.downloads import Download
from orchestrate.reports.edition import Edition, coverage_line, edition_line, source_line
from orchestrate.reports.templating import rendered

_HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Section:
    """One finding with its chart (or none), its numbers as a table, and the same as CSV.

    `relation` names what it shows, `schema.name`; `anchor` is unique on the page and a constant.
    `folded` keeps a long table closed under its chart.
    """

    anchor: str
    heading: str
    relation: str
    finding: str
    explanation: Sequence[str]
    table: Markup
    download: Download
    drawing: Drawing | None = None
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """One HTML file of a folder.

    `views`: its sections are views of one thing, of which a screen shows one at a time. `explorer`,
    JSON for explorer.js, makes the page begin with choices of the reader's own, of
    months or years as `explorer_unit` says.
    """

    file_name: str
    title: str
    summary: str
    sections: Sequence[Section]
    views: bool = False
    explorer: str = ""
    explorer_unit: str = "month"


@dataclass(frozen=True)
class Definition:
    """A relation explained on the index: what it holds, its columns as a table, and its files."""

    name: str
    description: str
    row_count: int
    table: Markup
    files: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Folder:
    """All pages of one audience, which share a heading, an edition and a notice on every page.

    `headlines` are the figures that the overview begins with, (what, value). `attachments` are
    other files in it, (link, description); `definitions` explain relations to
    readers who have extracts and no pages. `months`, as YYYY-MM: the first and the last one that a
    page can open on, None where there is no such choice.
    """

    title: str
    introduction: Sequence[str]
    pages: Sequence[Page]
    edition: Edition
    notice: str = ""
    headlines: Sequence[tuple[str, str]] = ()
    attachments: Sequence[tuple[str, str]] = ()
    definitions: Sequence[Definition] = ()
    months: tuple[str, str] | None = None


def folder_files(folder: Folder) -> dict[str, bytes | Path]:
    """Return the folder's files by name: the pages, an index, and what they share."""
    shared = {
        "folder": folder,
        "edition_line": edition_line(folder.edition),
        "coverage_line": coverage_line(folder.edition),
        "source_line": source_line(folder.edition),
    }
    files: dict[str, bytes | Path] = {
        page.file_name: rendered("page.html", **shared, page=page).encode() for page in folder.pages
    }
    files["index.html"] = rendered("index.html", **shared).encode()
    files["casebook.css"] = _HERE / "static" / "casebook.css"
    files["casebook.js"] = _HERE / "static" / "casebook.js"
    if any(page.explorer or any(one.drawing for one in page.sections) for page in folder.pages):
        files["plotly.min.js"] = _HERE / "static" / "plotly.min.js"
    if any(page.explorer for page in folder.pages):
        files["explorer.js"] = _HERE / "static" / "explorer.js"
    return files
