"""The lists beside the generators are complete and are read as they are written."""

from __future__ import annotations

import pytest

from orchestrate.samples.advocacy_catalogue import (
    Item,
    expand,
    parse_item,
    read_courses,
    read_procedures,
    read_visits,
)
from orchestrate.samples.advocacy_people import STORIES
from orchestrate.samples.residency_exams import plain_code, read_exams


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("73761001", Item("73761001", 1.0, (1, 1), 0)),
        ("73761001:0.4", Item("73761001", 0.4, (1, 1), 0)),
        ("385763009*3-9@9", Item("385763009", 1.0, (3, 9), 9)),
        ("385763009:0.5*4", Item("385763009", 0.5, (4, 4), 0)),
    ],
)
def test_items_of_visits_are_parsed(text: str, item: Item) -> None:
    assert parse_item(text) == item


@pytest.mark.parametrize("text", ["", "abc", "73761001:", "73761001*", "73761001@3"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an item of a visit"):
        parse_item(text)


def test_sequences_are_expanded() -> None:
    assert expand("a>b*3>c") == ("a", "b", "b", "b", "c")


def test_visits_and_courses_name_what_exists() -> None:
    visits = read_visits()
    used = {visit for course in read_courses() for visit in course.visits}
    assert used | {"death"} == set(visits)
    codes = {item.code for visit in visits.values() for item in visit.items}
    assert codes == set(read_procedures())
    assert {course.coverage for course in read_courses()} == {"any", "public", *STORIES}


def test_costs_are_ordered() -> None:
    for procedure in read_procedures().values():
        assert 0 < procedure.low <= procedure.median <= procedure.high, procedure.code


def test_exam_codes_are_unique() -> None:
    codes = [exam.code for exam in read_exams()]
    assert len(codes) == len(set(codes))
    assert len(codes) >= 150


@pytest.mark.parametrize("text", ["71046", "71046-26", "71046.0", " 71046 "])
def test_codes_are_normalised_to_look_up_their_value(text: str) -> None:
    assert plain_code(text) == "71046"
    assert plain_code(" g0279") == "G0279"
