"""What the Mermaid text and the SVG say about a diagram."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest

from orchestrate.erd import mermaid
from orchestrate.erd.diagram import Diagram, Kind, Relation, Table
from orchestrate.erd.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
ORDERS = Table(
    "orders",
    "One row per order.",
    {"id": "text", "customer_id": "text", "amount": "numeric(18,2)", "weight": "double precision"},
    frozenset({"id"}),
)
CUSTOMERS = Table("customers", "One row per customer.", {"id": "text"}, frozenset({"id"}))
DIAGRAM = Diagram(
    "shop",
    "Tables of a shop",
    (CUSTOMERS, ORDERS),
    (Relation("orders", "customers", ("customer_id",), ("id",), Kind.MANY_TO_ONE),),
)


def drawn(diagram: Diagram) -> ElementTree.Element:
    return ElementTree.fromstring(svg(diagram))  # noqa: S314 - we have just written it ourselves


def lines(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [path for path in root.iter(f"{SVG}path") if "line" in str(path.get("class"))]


def stretches(line: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Return the left, the right and both heights of each piece of a line, from left to right."""
    found = []
    x = y = 0.0
    for command, text in re.findall("([MCH])([^MCH]+)", str(line.get("d"))):
        numbers = [float(number) for number in text.split()]
        to_x, to_y = (numbers[-1], y) if command == "H" else numbers[-2:]
        if command != "M":
            found.append((x, to_y, to_x, y))
        x, y = to_x, to_y
    return found


def chain(length: int) -> Diagram:
    """Tables t0, t1, … that refer to the one before and to the first, and two that stand alone."""
    names = [f"t{number}" for number in range(length)]
    columns = {"id": "text", "before": "text", "first": "text"}
    relations = [
        Relation(child, parent, (column,), ("id",), Kind.MANY_TO_ONE)
        for before, child in pairwise(names)
        for parent, column in {names[0]: "first", before: "before"}.items()
    ]
    tables = [Table(name, "", columns, frozenset({"id"})) for name in (*names, "alone", "too")]
    return Diagram("chain", "Chain", tuple(tables), tuple(relations))


def star(leaves: int) -> Diagram:
    """Tables that all refer to one."""
    names = [f"leaf{number}" for number in range(leaves)]
    tables = [Table(name, "", {"id": "text"}, frozenset()) for name in ("hub", *names)]
    relations = [Relation(name, "hub", ("id",), ("id",), Kind.MANY_TO_ONE) for name in names]
    return Diagram("star", "Star", tuple(tables), tuple(relations))


def test_mermaid_lists_columns_with_keys_and_types_that_it_can_read() -> None:
    assert mermaid(DIAGRAM) == (
        "erDiagram\n"
        "    customers {\n"
        "        text id PK\n"
        "    }\n"
        "    orders {\n"
        "        text id PK\n"
        "        text customer_id FK\n"
        "        numeric amount\n"
        "        double_precision weight\n"
        "    }\n"
        '    orders }o--|| customers : "customer_id"\n'
    )


@pytest.mark.parametrize(
    ("kind", "feet", "bars", "circles"),
    [(Kind.MANY_TO_ONE, 1, 2, 1), (Kind.ONE_TO_ONE, 0, 3, 1), (Kind.MANY_TO_MANY, 2, 0, 2)],
)
def test_each_kind_of_relation_has_ends_of_its_own(
    kind: Kind, feet: int, bars: int, circles: int
) -> None:
    diagram = replace(DIAGRAM, relations=(replace(DIAGRAM.relations[0], kind=kind),))
    assert f"orders {kind} customers" in mermaid(diagram)
    line, ends = lines(drawn(diagram))
    path = str(ends.get("d"))
    assert (path.count("l") // 2, path.count("v"), path.count("a") // 2) == (feet, bars, circles)
    assert ("join" in str(line.get("class"))) == (kind is Kind.MANY_TO_MANY)


def test_svg_shows_every_column_and_tells_its_content_in_words() -> None:
    root = drawn(DIAGRAM)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for table in DIAGRAM.tables:
        assert {table.name, *table.columns, *table.columns.values()} <= set(texts)
    assert texts.count("PK") == 2
    assert texts.count("FK") == 1
    assert root.findtext(f"{SVG}title") == "Tables of a shop"
    assert root.findtext(f"{SVG}desc") == (
        "Tables: customers, orders. Relations: orders to customers by customer_id (many to one)."
    )


def test_svg_keeps_markup_in_names_as_text_and_needs_nothing_from_outside() -> None:
    hostile = Table("a<b>&", "</title><script>", {'"<i>': "text"}, frozenset())
    diagram = Diagram("hostile", "<&>", (hostile,), ())
    root = drawn(diagram)
    assert "a<b>&" in [text.text for text in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}script"))
    assert "href" not in svg(diagram)
    assert "url(" not in svg(diagram)
    assert svg(diagram).count("http") == 1, "the namespace and nothing else"


def test_a_line_starts_at_the_middle_of_its_columns_row() -> None:
    root = drawn(DIAGRAM)
    text = next(one for one in root.iter(f"{SVG}text") if one.text == "customer_id")
    (*_, (_, level, _, _)) = stretches(lines(root)[0])
    # The line of letters lies a third of their size below their middle.
    assert float(str(text.get("y"))) - 4 == level


@pytest.mark.parametrize("diagram", [DIAGRAM, chain(2), chain(5), star(3), star(9)])
def test_tables_keep_apart_inside_the_picture_and_no_line_runs_through_one(
    diagram: Diagram,
) -> None:
    root = drawn(diagram)
    width, height = (float(str(root.get(side))) for side in ("width", "height"))
    boxes = [
        [float(str(box.get(side))) for side in ("x", "y", "width", "height")]
        for box in root.iter(f"{SVG}rect")
        if box.get("class") == "box"
    ]
    assert len(boxes) == len(diagram.tables)
    for x, y, wide, high in boxes:
        assert x >= 0
        assert y >= 76, "below title and legend"
        assert x + wide <= width
        assert y + high <= height
    for (x, y, wide, high), (x2, y2, wide2, high2) in combinations(boxes, 2):
        assert x + wide < x2 or x2 + wide2 < x or y + high < y2 or y2 + high2 < y
    drawn_lines = [line for line in lines(root) if "C" in str(line.get("d"))]
    assert len(drawn_lines) == len(diagram.relations)
    for left, to_y, right, from_y in (piece for line in drawn_lines for piece in stretches(line)):
        assert left <= right
        assert max(to_y, from_y) <= height
        for x, y, wide, high in boxes:
            is_beside = right <= x or left >= x + wide
            assert is_beside or max(to_y, from_y) <= y or min(to_y, from_y) >= y + high
