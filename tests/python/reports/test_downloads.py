"""CSV downloads hold the database's own values, and no spreadsheet takes a text for a formula."""

from __future__ import annotations

import base64
import csv
import io
from decimal import Decimal

import pytest

from orchestrate.cells import formula_safe
from orchestrate.errors import DataError
from orchestrate.reports.downloads import csv_download, safe_name
from tests.python.reports import datasets


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd",
        "-2",
        "@SUM(A1)",
        "  =1+1",
        "\u00a0=1+1",
        "\t=1",
        "\rx",
        "\nx",
        "\0x",
        " \tx",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\ufe631",
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_a_prefix(text: str) -> None:
    assert formula_safe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Met", "O'Brien", "1=1", "x@y", "  plain", "\u22122"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert formula_safe(text) == text


def test_values_are_written_as_the_database_gave_them() -> None:
    rows = datasets.frame(
        ("name", "count", "money", "is_met", "nothing"),
        [
            ('García, "Ana"', 1234567, Decimal("0.0000001"), True, None),
            ("=SUM(A1)", -3, Decimal("-12.50"), False, None),
        ],
    )
    text = csv_download("relation", rows).text
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "count", "money", "is_met", "nothing"],
        ['García, "Ana"', "1234567", "0.0000001", "true", ""],
        ["'=SUM(A1)", "-3", "-12.50", "false", ""],
    ]


def test_the_link_holds_the_text_with_a_byte_order_mark() -> None:
    download = csv_download("relation", datasets.frame(("name",), [("Ñ",)]))
    head, content = download.url.split(",", 1)
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(content) == b"\xef\xbb\xbfname\n\xc3\x91\n"
    assert download.file_name == "relation.csv"


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", "A", "a b", "a.csv", ".hidden", "_a", "a" * 81, "é", "a\n"]
)
def test_a_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    with pytest.raises(DataError):
        safe_name(name)


def test_a_plain_name_is_taken() -> None:
    assert safe_name("united_healthcare2") == "united_healthcare2"
