"""A raw file is read row by row, and refused with its line where it is no CSV in UTF-8."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrate.errors import ConfigurationError, DataError
from orchestrate.loading import csv_files
from orchestrate.loading.csv_files import open_file, rows
from orchestrate.loading.headers import match_header
from orchestrate.loading.rules import BLANKS

values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def read(path: Path) -> list[list[str]]:
    """Return the fields of all rows."""
    file = open_file(path, ["a", "b"])
    if set(file.header) == {"a", "b"}:
        file = replace(file, match=match_header(file.header, ["a", "b"], file.name))
    return [fields for _, _, fields, *_ in rows(file)]


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert "Nothing was replaced." in caught.value.cure
    return caught.value.cause


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "studies.csv"


def test_blanks_that_nobody_sees_are_not_printable() -> None:
    """So a row of printable text without blanks beside its bars needs no close look."""
    assert [blank for blank in BLANKS if blank.isprintable()] == [" "]


BAD = {
    "nothing": (b"", "studies.csv: the file is empty."),
    "only a byte-order mark": (b"\xef\xbb\xbf", "studies.csv: the file is empty."),
    "only line ends": (b"\n\r\n\n", "studies.csv: the file is empty."),
    "UTF-16 with a mark": (
        "a,b\n1,2\n".encode("utf-16"),
        "studies.csv, line 1: the file is in UTF-16, not in UTF-8.",
    ),
    "UTF-16 without a mark": (
        "a,b\n1,2\n".encode("utf-16-le"),
        "studies.csv, line 1: the file is in UTF-16, not in UTF-8.",
    ),
    "big-endian UTF-16 without a mark": (
        "a,b\n1,2\n".encode("utf-16-be"),
        "studies.csv, line 1: the file is in UTF-16, not in UTF-8.",
    ),
    "bytes of another encoding below a first row in place of the header": (
        b"Lee,Boston\nM\xfcller,Boston\n",
        "studies.csv, line 2: there are bytes that are not UTF-8.",
    ),
    "a NUL byte": (
        b"a,b\n1,2\n1,\0\n",
        "studies.csv, line 3: there is a NUL byte, which no text contains.",
    ),
    "Latin-1": (
        "a,b\n1,2\n3,\xe9\n".encode("latin-1"),
        "studies.csv, line 3, column b: there are bytes that are not UTF-8.",
    ),
    "Latin-1 after a line break in quotes": (
        'a,b\r\n1,"x\r\ny"\r\n\xe9,2\r\n'.encode("latin-1"),
        "studies.csv, line 4, column a: there are bytes that are not UTF-8.",
    ),
    "a character cut off by the end": (
        b"a,b\n1,\xc3",
        "studies.csv, line 2, column b: there are bytes that are not UTF-8.",
    ),
    "bytes that are not UTF-8 in the header": (
        b"a,\xe9\n1,2\n",
        "studies.csv, line 1: there are bytes that are not UTF-8.",
    ),
    "a quote that is never closed": (
        b'a,b\n1,2\n3,"4\n5,6\n',
        "studies.csv, line 3: a quote is opened here and never closed.",
    ),
    "inch marks that would join two rows": (
        b'a,b\n1,5" tube\n2,6" tube\n',
        "studies.csv, line 2: a quote stands inside a value that does not begin and end with one.",
    ),
    "text after a closing quote": (
        b'a,b\n1,2\n1,"x"y\n',
        "studies.csv, line 3: a quote stands inside a value that does not begin and end with one.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_line(name: str, path: Path) -> None:
    content, cause = BAD[name]
    assert refusal(path, content) == cause


def test_what_looks_bad_but_is_not_is_accepted(path: Path) -> None:
    path.write_bytes(
        b'\xef\xbb\xbf"a",b\r\n"x""y","\\."\r\n"","\r\n\\.\r\n"\r\n\\.x,\xc3\xa9\r\n\r\n'
    )
    assert read(path) == [['x"y', "\\."], ["", "\r\n\\.\r\n"], ["\\.x", "é"]]
    opened = open_file(path, ["a", "b"])
    assert (opened.header, opened.size) == (("a", "b"), path.stat().st_size)
    lines = [(first, last, "".join(text).encode()) for first, last, *_, text in rows(opened)]
    assert [line[:2] for line in lines] == [(2, 2), (3, 5), (6, 6)]
    # Each row comes with its text.
    assert b"".join(text for _, _, text in lines) in path.read_bytes()


def test_a_folder_in_place_of_a_file_is_a_matter_of_configuration(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"studies\.csv cannot be read: Is a directory"):
        open_file(path, [])


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "LONGEST_VALUE", 1000)
    cause = "studies.csv, line 4: a quote is opened here and never closed."
    assert refusal(path, b'a,b\n1,"x\ny"\n"1' + b",2\n" * 1000) == cause


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    written=st.lists(st.tuples(values, values), max_size=5),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_well_formed_file_is_accepted(
    written: list[tuple[str, str]], line_end: str, quoting: int, path: Path
) -> None:
    text = io.StringIO(newline="")
    # The writer quotes as few values as may be, and an end-of-data mark needs two columns.
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]  # a plain int
    writer.writerows([("a", "b"), *written])
    path.write_bytes(text.getvalue().encode())
    found = read(path)
    assert found == [list(row) for row in written if any(row) and row != ("a", "b")]
