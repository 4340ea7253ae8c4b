"""The lists beside the generators are complete and are read as they are written."""

from __future__ import annotations

import pytest

from tools.samples.advocacy.patients import SCENARIOS
from tools.samples.advocacy.treatments import (
    VisitProcedure,
    expand,
    parse_visit_procedure,
    read_care_pathways,
    read_procedures,
    read_visits,
)
from tools.samples.residency.exams import plain_code, read_exams


@pytest.mark.parametrize(
    ("text", "procedure"),
    [
        ("73761001", VisitProcedure("73761001", 1.0, (1, 1), 0)),
        ("73761001:0.4", VisitProcedure("73761001", 0.4, (1, 1), 0)),
        ("385763009*3-9@9", VisitProcedure("385763009", 1.0, (3, 9), 9)),
        ("385763009:0.5*4", VisitProcedure("385763009", 0.5, (4, 4), 0)),
    ],
)
def test_procedures_of_visits_are_parsed(text: str, procedure: VisitProcedure) -> None:
    assert parse_visit_procedure(text) == procedure


@pytest.mark.parametrize("text", ["", "abc", "73761001:", "73761001*", "73761001@3"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a procedure of a visit"):
        parse_visit_procedure(text)


def test_sequences_are_expanded() -> None:
    assert expand("a>b*3>c") == ("a", "b", "b", "b", "c")


def test_visits_and_courses_name_what_exists() -> None:
    visits = read_visits()
    used = {visit for pathway in read_care_pathways() for visit in pathway.visits}
    assert used | {"death"} == set(visits)
    codes = {procedure.code for visit in visits.values() for procedure in visit.procedures}
    assert codes == set(read_procedures())
    assert {pathway.coverage for pathway in read_care_pathways()} == {"any", "public", *SCENARIOS}


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
