"""Numbers, lists and labels are written as people read them and plotly cannot misread them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from orchestrate.reports import text


def test_labels_are_shown_letter_for_letter() -> None:
    assert text.chart_label("<b>&amp;</b>") == "&lt;b&gt;&amp;amp;&lt;/b&gt;"


def test_labels_stand_in_one_line() -> None:
    assert text.chart_label("one\ntwo") == "one two"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("99.99"), "99\u202f%"),
        (100, "100\u202f%"),
        (Decimal("104.6"), "105\u202f%"),
        (Decimal("0.2"), "<1\u202f%"),
        (0, "0\u202f%"),
        (None, "\u2013"),
    ],
)
def test_a_percentage_is_never_rounded_to_all_or_nothing(value: object, shown: str) -> None:
    assert text.percent(value) == shown


def test_numbers_have_separators() -> None:
    assert text.integer(1234567) == "1,234,567"
    assert text.decimal(Decimal("3812.44"), 1) == "3,812.4"
    assert text.money(Decimal("-1234.5"), 2) == "-$1,234.50"
    assert text.money(None) == text.integer(None) == text.decimal(None) == "\u2013"


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError):
        text.as_float("12")


def test_lists_read_as_sentences() -> None:
    assert text.listed([]) == ""
    assert text.listed(["A"]) == "A"
    assert text.listed(["A", "B", "C"]) == "A, B and C"
    assert text.listed(["A", "B", "C", "D"]) == "A, B, C and 1 other"
    assert text.listed(list("ABCDE")) == "A, B, C and 2 others"
    assert text.counted(1, "study", "studies") == "1 study"


def test_dates_need_no_locale() -> None:
    assert text.day(date(2018, 7, 1)) == "1 July 2018"
    assert text.moment(datetime(2018, 7, 1, 6, 5, tzinfo=UTC)) == "1 July 2018, 06:05 UTC"


def test_codes_become_words() -> None:
    assert text.plain("unrecognised_cpt_text") == "unrecognised CPT text"
