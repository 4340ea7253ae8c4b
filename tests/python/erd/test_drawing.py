"""What the Mermaid text and the SVG say about a diagram."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from orchestrate.erd.mermaid import mermaid
from orchestrate.erd.model import Column, Diagram, Entity, Kind, Relation
from orchestrate.erd.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
ORDERS = Entity(
    "orders",
    "One row per order.",
    (
        Column("id", "text", is_key=True),
        Column("customer_id", "text", is_reference=True),
        Column("amount", "numeric(18,2)"),
        Column("weight", "double precision"),
    ),
)
CUSTOMERS = Entity("customers", "One row per customer.", (Column("id", "text", is_key=True),))
DIAGRAM = Diagram(
    "shop",
    "Tables of a shop",
    "",
    (CUSTOMERS, ORDERS),
    (Relation("orders", ("customer_id",), "customers", ("id",)),),
)


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
    ("kind", "symbol", "feet", "circles"),
    [
        (Kind.MANY_TO_ONE, "}o--||", 1, 1),
        (Kind.ONE_TO_ONE, "|o--||", 0, 1),
        (Kind.MANY_TO_MANY, "}o..o{", 2, 2),
    ],
)
def test_each_kind_of_relation_has_ends_of_its_own(
    kind: Kind, symbol: str, feet: int, circles: int
) -> None:
    diagram = replace(DIAGRAM, relations=(replace(DIAGRAM.relations[0], kind=kind),))
    assert f"orders {symbol} customers" in mermaid(diagram)
    root = ElementTree.fromstring(svg(diagram))  # noqa: S314 - we have just written it ourselves
    paths = [path for path in root.iter(f"{SVG}path") if "line" in str(path.get("class"))]
    assert len(paths) == 2
    ends = str(paths[1].get("d"))
    assert ends.count("L") == 2 * feet
    assert len(list(root.iter(f"{SVG}circle"))) == circles
    assert ("join" in str(paths[0].get("class"))) == (kind is Kind.MANY_TO_MANY)


def test_svg_shows_every_column_and_tells_its_content_in_words() -> None:
    root = ElementTree.fromstring(svg(DIAGRAM))  # noqa: S314 - we have just written it ourselves
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for entity in DIAGRAM.entities:
        assert entity.name in texts
        for column in entity.columns:
            assert column.name in texts
            assert column.data_type in texts
    assert texts.count("PK") == 2
    assert texts.count("FK") == 1
    assert root.findtext(f"{SVG}title") == "Tables of a shop"
    assert root.findtext(f"{SVG}desc") == (
        "Tables: customers, orders. Relations: orders to customers by customer_id (many to one)."
    )


def test_svg_keeps_markup_in_names_as_text() -> None:
    hostile = Entity("a<b>&", "</title><script>", (Column('"<i>', "text"),))
    drawn = svg(Diagram("hostile", "<&>", "", (hostile,), ()))
    root = ElementTree.fromstring(drawn)  # noqa: S314 - we have just written it ourselves
    assert "a<b>&" in [text.text for text in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}script"))


def test_svg_needs_nothing_from_outside() -> None:
    drawn = svg(DIAGRAM)
    assert "href" not in drawn
    assert "url(" not in drawn
    assert drawn.count("http") == 1, "the namespace and nothing else"


def test_a_line_ends_at_the_middle_of_its_columns_row() -> None:
    root = ElementTree.fromstring(svg(DIAGRAM))  # noqa: S314 - we have just written it ourselves
    line = next(path for path in root.iter(f"{SVG}path") if path.get("class") == "line c0")
    level = float(str(line.get("d")).removeprefix("M").split("L")[0].split()[1])
    text = next(one for one in root.iter(f"{SVG}text") if one.text == "customer_id")
    # The line of letters lies a third of their size below their middle.
    assert abs(float(str(text.get("y"))) - 4 - level) <= 1
