"""Header names are matched without regard to case, spaces, hyphens, underscores and order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.errors import DataError
from orchestrate.loading.headers import comparable, match_header

DECLARED = ["exam_code", "trainee_name", "finalized", "organization_id", "rvu"]


@st.composite
def variants(draw: st.DrawFn, name: str) -> str:
    """Write a name as another system might: other case, and separators anywhere."""
    letters = name.replace("_", "")
    written = "".join(
        letter.upper() if is_upper else letter
        for letter, is_upper in zip(
            letters,
            draw(st.lists(st.booleans(), min_size=len(letters), max_size=len(letters))),
            strict=True,
        )
    )
    for place in draw(st.lists(st.integers(0, len(letters)), max_size=4)):
        written = written[:place] + draw(st.sampled_from(" -_")) + written[place:]
    return written


@st.composite
def headers(draw: st.DrawFn) -> tuple[list[str], list[str | None]]:
    """Draw a header that has every declared column once, and some others, in any order."""
    unknown = draw(
        st.lists(st.text(max_size=8).filter(lambda text: comparable(text) not in KNOWN), max_size=3)
    )
    columns: list[tuple[str, str | None]] = [(draw(variants(name)), name) for name in DECLARED]
    columns += [(text, None) for text in unknown]
    shuffled = draw(st.permutations(columns))
    return [text for text, _ in shuffled], [name for _, name in shuffled]


KNOWN = {comparable(name) for name in DECLARED}


@settings(max_examples=50, deadline=None)
@given(headers())
def test_any_spelling_and_order_is_matched(drawn: tuple[list[str], list[str | None]]) -> None:
    header, expected = drawn
    match = match_header(header, DECLARED, "studies.csv")
    assert list(match.columns) == expected
    assert len(match.unknown) == expected.count(None)


@settings(max_examples=50, deadline=None)
@given(headers(), st.data())
def test_two_spellings_of_one_column_are_refused(
    drawn: tuple[list[str], list[str | None]], data: st.DataObject
) -> None:
    header, _ = drawn
    name = data.draw(st.sampled_from(DECLARED))
    twice = [*header, data.draw(variants(name))]
    with pytest.raises(DataError) as caught:
        match_header(twice, DECLARED, "studies.csv")
    assert caught.value.cause.startswith(f"studies.csv, line 1, column {name}: ")
    assert "twice" in caught.value.cause


@settings(max_examples=50, deadline=None)
@given(headers(), st.data())
def test_a_missing_column_is_named(
    drawn: tuple[list[str], list[str | None]], data: st.DataObject
) -> None:
    header, expected = drawn
    position = expected.index(data.draw(st.sampled_from(DECLARED)))
    rest = header[:position] + header[position + 1 :]
    with pytest.raises(DataError) as caught:
        match_header(rest, DECLARED, "studies.csv")
    cause = f"studies.csv, line 1, column {expected[position]}: the header lacks this column."
    assert caught.value.cause == cause


def test_all_missing_columns_are_named_at_once() -> None:
    with pytest.raises(DataError) as caught:
        match_header(["exam code", "RVU"], DECLARED, "x.csv")
    assert "column trainee_name, finalized, organization_id: " in caught.value.cause
    assert "exam_code, trainee_name, finalized, organization_id, rvu" in caught.value.cure


def test_a_column_without_a_name_is_unknown() -> None:
    match = match_header([*DECLARED, ""], DECLARED, "x.csv")
    assert match.unknown == ("(column 6 without a name)",)
