"""CSV downloads hold the database's own values, and no spreadsheet takes a text for a formula."""

from __future__ import annotations

import base64
import csv
import io
import string
import sys
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.cells import csv_cell, csv_column, formula_safe
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


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("x;=1+1;y", "x;'=1+1;y"),
        ("x,=1,-2", "x,'=1,'-2"),
        ("x; =1", "x;' =1"),
        ("x|@SUM(A1)", "x|'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("x\r\n+1", "x\r\n'+1"),
        (';"=1"', ';\'"=1"'),
        ('"=1', "'\"=1"),
        ("x;;\uff1d1", "x;;'\uff1d1"),
    ],
)
def test_a_formula_after_any_separator_gets_one_too(text: str, safe: str) -> None:
    assert formula_safe(text) == safe


LIKELY = "=+-@\uff1d\ufe63;,|\t\r\n\"' \u00a0\0x1"
TEXTS = st.text(st.one_of(st.sampled_from(LIKELY), st.characters()))
FORMULA_STARTS = tuple(
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.normalize("NFKC", character) in set("=+-@")
)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(";,|\t"), st.booleans())
def test_no_cell_begins_a_formula_whatever_separates_columns(
    texts: list[str], separator: str, quotes_count: bool
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([csv_cell(text) for text in texts])
    reader = csv.reader(
        io.StringIO(buffer.getvalue(), newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quotes_count else csv.QUOTE_NONE,
    )
    for row in reader:
        for cell in row:
            assert not cell.lstrip(f'"{string.whitespace}\u00a0').startswith(FORMULA_STARTS)


CELLS = st.one_of(TEXTS, st.none(), st.booleans(), st.decimals(), st.integers(), st.dates())


@given(st.one_of(st.lists(st.one_of(TEXTS, st.none())), st.lists(CELLS)))
def test_a_column_is_written_as_each_of_its_cells(values: list[object]) -> None:
    cell_by_cell, at_once = io.StringIO(), io.StringIO()
    csv.writer(cell_by_cell).writerows([csv_cell(value)] for value in values)
    csv.writer(at_once).writerows([value] for value in csv_column(values))
    assert at_once.getvalue() == cell_by_cell.getvalue()


@given(TEXTS)
def test_guards_are_all_that_is_added_and_are_added_once(text: str) -> None:
    safe = formula_safe(text)
    assert safe.replace("'", "") == text.replace("'", "")
    assert formula_safe(safe) == safe


def test_every_character_that_is_compatible_with_a_formulas_is_guarded() -> None:
    assert [one for one in FORMULA_STARTS if formula_safe(one) != f"'{one}"] == []
    beginnings = (*FORMULA_STARTS, *"\t\r\n\0")
    assert [one for one in beginnings if list(csv_column(["x", one])) != ["x", f"'{one}"]] == []


@given(TEXTS.filter(lambda text: "\r" not in text))  # which csv.writer leaves without quotes
def test_a_reader_of_the_file_finds_the_text_with_its_guards(text: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["first", csv_cell(text)])
    assert list(csv.reader(io.StringIO(buffer.getvalue(), newline=""))) == [
        ["first", formula_safe(text)]
    ]


@pytest.mark.parametrize(
    "text",
    ["", "Met", "O'Brien", "1=1", "x@y", "  plain", "\u22122", "Lee, Ann", "a; b", "x - y"],
)
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
