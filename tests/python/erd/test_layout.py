"""Boxes keep apart, and lines run between them, whatever the diagram."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.erd.layout import Box, lay_out
from orchestrate.erd.model import Column, Diagram, Entity, Kind, Relation

TOP = 50


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Tables t0…tn that refer only to earlier ones, through any of their columns."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=7))
    entities = tuple(
        Entity(f"t{number}", "", tuple(Column(f"c{place}", "text") for place in range(size)))
        for number, size in enumerate(sizes)
    )
    relations = set()
    for child in range(1, len(sizes)):
        for parent in draw(st.sets(st.integers(0, child - 1), max_size=3)):
            column = draw(st.integers(0, sizes[child] - 1))
            kind = draw(st.sampled_from(Kind))
            relations.add(Relation(f"t{child}", (f"c{column}",), f"t{parent}", ("c0",), kind))
    ordered = sorted(relations, key=lambda one: (one.child, one.parent))
    return Diagram("any", "Any", "", entities, tuple(ordered))


def overlaps(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@settings(deadline=None, max_examples=150)
@given(diagrams())
def test_boxes_keep_apart_and_inside_the_picture(diagram: Diagram) -> None:
    layout = lay_out(diagram, TOP)
    assert {box.entity.name for box in layout.boxes if box.entity} == {
        entity.name for entity in diagram.entities
    }
    for one, other in combinations(layout.boxes, 2):
        assert not overlaps(one, other)
    for box in layout.boxes:
        assert box.x >= 0
        assert box.y >= TOP
        assert box.x + box.width <= layout.width
        assert box.y + box.height <= layout.height


@settings(deadline=None, max_examples=150)
@given(diagrams())
def test_lines_join_their_rows_and_run_through_no_box(diagram: Diagram) -> None:
    layout = lay_out(diagram, TOP)
    boxes = {box.entity.name: box for box in layout.boxes if box.entity}
    assert [line.relation for line in layout.lines] == list(diagram.relations)
    for line in layout.lines:
        child, parent = boxes[line.relation.child], boxes[line.relation.parent]
        (start_x, start_y), (end_x, end_y) = line.points[0], line.points[-1]
        assert start_x in (child.x, child.x + child.width)
        assert start_y == child.row(line.relation.child_columns[0])
        assert end_x in (parent.x, parent.x + parent.width)
        assert end_y == parent.row(line.relation.parent_columns[0])
        for (x1, y1), (x2, y2) in pairwise(line.points):
            assert x1 == x2 or y1 == y2, "a line runs level or upright"
            for box in boxes.values():
                is_beside = max(x1, x2) <= box.x or min(x1, x2) >= box.x + box.width
                is_above_or_below = max(y1, y2) <= box.y or min(y1, y2) >= box.y + box.height
                assert is_beside or is_above_or_below


@settings(deadline=None, max_examples=30)
@given(diagrams())
def test_equal_diagrams_get_equal_layouts(diagram: Diagram) -> None:
    first, second = lay_out(diagram, TOP), lay_out(diagram, TOP)
    assert [line.points for line in first.lines] == [line.points for line in second.lines]
    assert first.boxes == second.boxes


def test_a_star_of_tables_grows_to_both_sides() -> None:
    columns = (Column("id", "text"), *(Column(f"c{number}", "text") for number in range(10)))
    leaves = tuple(f"leaf{number}" for number in range(4))
    diagram = Diagram(
        "star",
        "Star",
        "",
        tuple(Entity(name, "", columns) for name in ("hub", *leaves)),
        tuple(Relation(name, ("id",), "hub", ("id",)) for name in leaves),
    )
    boxes = {box.entity.name: box for box in lay_out(diagram, TOP).boxes if box.entity}
    assert {boxes[name].x < boxes["hub"].x for name in leaves} == {True, False}
