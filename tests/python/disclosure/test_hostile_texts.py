"""Names that attack a page, a spreadsheet or a CSV reader are names there, after a whole run."""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata
from collections.abc import Callable

import pytest

from tests.python.disclosure.altered import HOSTILE
from tests.python.disclosure.conftest import Challenged
from tests.python.outputs import every_byte

pytestmark = pytest.mark.slow

Outputs = list[tuple[str, str]]
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_INVENTED = re.compile(r"<script>alert|<b>bold|<img src=x|<a href='javascript|<!-- <style>body")


@pytest.fixture(scope="module")
def outputs(challenged: Challenged) -> Outputs:
    """Return every file, and every part and download in one."""
    folder = challenged.casebook.output_dir
    return [(name, content.decode("utf-8", "replace")) for name, content in every_byte(folder)]


def test_every_hostile_name_is_shown(outputs: Outputs) -> None:
    """Otherwise not to see it do harm would say nothing."""
    csv_files = "".join(text for name, text in outputs if name.endswith(".csv"))
    pages = "".join(html.unescape(text) for name, text in outputs if name.endswith(".html"))
    sheets = "".join(html.unescape(text) for name, text in outputs if "/xl/worksheets/" in name)
    for name in HOSTILE:
        assert name.replace('"', '""') in csv_files, name
        assert name in sheets, name
        assert name in pages or name.replace("</", "<\\/") in pages, name


def test_no_page_takes_one_for_markup(outputs: Outputs) -> None:
    pages = [(name, text) for name, text in outputs if name.endswith(".html")]
    assert len(pages) > 10
    for name, text in pages:
        assert _INVENTED.findall(text) == [], name


def test_no_sheet_takes_one_for_a_formula_or_link(outputs: Outputs) -> None:
    parts = [(name, text) for name, text in outputs if ".xlsx/" in name]
    assert len(parts) > 50
    for name, text in parts:
        assert "<f>" not in text, name
        assert "<f " not in text, name
        assert "<hyperlink" not in text, name
        assert "TargetMode" not in text, name


def test_no_cell_of_a_csv_file_begins_a_formula(
    outputs: Outputs, figure: Callable[[str], None]
) -> None:
    looked_at = 0
    for name, text in outputs:
        if not name.endswith(".csv") and "/download " not in name:
            continue
        # The name of a file stands before its content.
        content = text.removeprefix(name.rpartition("/")[2]).removeprefix("\ufeff")
        for line in csv.reader(io.StringIO(content)):
            for cell in line:
                looked_at += 1
                first = unicodedata.normalize("NFKC", cell.lstrip(" \u00a0\u2003")[:1])
                dangerous = first in {"=", "+", "-", "@", "\t", "\r", "\n", "\0"}
                assert not dangerous or _NUMBER.fullmatch(cell), (name, cell)
    assert looked_at > 10_000
    figure(f"hostile names: {looked_at:,} cells of CSV files and downloads are no formulas")
