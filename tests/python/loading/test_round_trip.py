"""Whatever the csv module writes comes back from the raw table, but for blanks around it."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.python.loading.conftest import MakeExport, Warehouse

HEADER = ["exam_code", "cpt", "rvu"]
awkward = st.sampled_from(
    [
        '"',
        '""',
        ",",
        "\n",
        "\r\n",
        "\r",
        "\\.",
        "\\",
        "=1+1",
        "+x",
        "@y",
        "\\N",
        "NULL",
        "é",
        "𝄞",
        "'",
    ]
)
# COPY knows no difference between nothing and an empty value; both are null.
texts = st.lists(
    awkward | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), min_size=1
).map("".join)


def plain(text: str) -> str:
    """Take off what stands around a text: blanks, and characters that nobody sees."""
    while text and _is_unseen(text[0]):
        text = text[1:]
    while text and _is_unseen(text[-1]):
        text = text[:-1]
    return text


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character)[0] == "Z" or character in (
        "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c"
        "\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
    )


def is_something(text: str) -> bool:
    """Tell whether a text is none of the few that stand for nothing."""
    return plain(text).upper() not in {
        "", "NULL", "\\N", "-", "--", "\u2013", "\u2014", "NA", "NAN", "NAT", "NIL", "NONE", "N/A"
    }  # fmt: skip


filled = texts.filter(is_something)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(st.tuples(filled, st.none() | filled), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_text_comes_back_as_written(
    rows: list[tuple[str, str | None]],
    quoting: int,
    line_end: str,
    warehouse: Warehouse,
    make_export: MakeExport,
) -> None:
    if any("\r" in value or "\n" in value for row in rows for value in row if value):
        # Some versions of the csv module leave a lone line break of the other kind unquoted.
        quoting = csv.QUOTE_ALL
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]  # the stubs want a literal
    writer.writerow(HEADER)
    writer.writerows((exam_code, cpt, None) for exam_code, cpt in rows)
    folder = make_export("residency", exam_to_cpt=text.getvalue().encode())
    report = warehouse.load("residency", folder)
    found = warehouse.query("select exam_code, cpt, rvu from export_residency.exam_to_cpt")
    expected = [(plain(exam_code), cpt and plain(cpt), None) for exam_code, cpt in rows]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    exams = next(file for file in report.files if file.table == "exam_to_cpt")
    assert (exams.rows, exams.equal_rows) == (len(rows), len(rows) - len(set(expected)))
