"""A diagram as SVG: one file without outside parts, readable on light and dark screens.

Tables stand in columns, those that are referred to left of those that refer to them; where many
refer to few, these stand in the middle. A line passes below the tables that stand between its ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from orchestrate.erd.diagram import Diagram, Kind, Relation, Table

# Pixels; CHARACTER is the width of a monospace character, MARKS the room before a column's name.
HEADER, ROW, PADDING, CHARACTER, MARKS = 32, 22, 12, 7.3, 50
TOP, MARGIN, GAP, GUTTER = 76, 28, 30, 96
COLOURS = 4
LEGEND = "Crow's foot: many rows. Bar: one row. Circle: or none. Dotted: joins without a key."
STYLE = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  fill: #1f2328 }
.title, .legend { font-family: system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif }
.title { font-size: 18px; font-weight: 600 }
.name { font-size: 13px; font-weight: 600 }
.mark { font-size: 10px; font-weight: 600 }
.type { text-anchor: end }
.legend, .type, .mark { fill: #59636e }
.box { fill: #ffffff; stroke: #818b98 }
.head { fill: #e7ecf2 }
.rule { stroke: #d1d9e0 }
.line { fill: none; stroke-width: 1.5; stroke-linecap: round }
.join { stroke-dasharray: 2 5 }
.c0 { stroke: #0969da } .c1 { stroke: #8250df } .c2 { stroke: #1a7f37 } .c3 { stroke: #bc4c00 }
@media (prefers-color-scheme: dark) { svg { filter: invert(0.9) hue-rotate(180deg) } }
"""


@dataclass
class Box:
    """Where a table stands."""

    table: Table
    x: float = 0
    y: float = 0
    width: float = 0

    @property
    def height(self) -> float:
        """Height of header and rows."""
        return HEADER + ROW * len(self.table.columns)

    def row(self, column: str) -> float:
        """Return how low the middle of a column's row is."""
        return self.y + HEADER + ROW * (list(self.table.columns).index(column) + 0.5)


def svg(diagram: Diagram) -> str:
    """Draw a diagram; title and description tell its content to a screen reader."""
    boxes = _placed(diagram)
    keys = sorted({(one.parent, one.parent_columns) for one in diagram.relations})
    width = max(620, MARGIN + max(box.x + box.width for box in boxes.values()))
    height = 2 * MARGIN + max(box.y + box.height for box in boxes.values())
    relations = "; ".join(
        f"{one.child} to {one.parent} by {', '.join(one.child_columns)}"
        f" ({one.kind.name.lower().replace('_', ' ')})"
        for one in diagram.relations
    )
    words = f"Tables: {', '.join(boxes)}. Relations: {relations or 'none'}."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="title words">',
        f'<title id="title">{escape(diagram.title)}</title>',
        f'<desc id="words">{escape(words)}</desc>',
        f'<style>\n{STYLE}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>',
        _text("title", MARGIN, 34, diagram.title),
        _text("legend", MARGIN, 56, LEGEND),
    ]
    for one in diagram.relations:
        parts += _line(one, boxes, keys.index((one.parent, one.parent_columns)) % COLOURS)
    for box in boxes.values():
        parts += _box(box, diagram)
    return "\n".join([*parts, "</svg>\n"])


def _placed(diagram: Diagram) -> dict[str, Box]:
    """Place tables in columns; those without a relation fill the shortest, of three at least."""
    depths = {table.name: 0 for table in diagram.tables}
    for _ in depths:
        for one in diagram.relations:
            depths[one.child] = max(depths[one.child], depths[one.parent] + 1)
    related = {name for one in diagram.relations for name in (one.child, one.parent)}
    is_star = max(depths.values()) == 1 and len(related) > 4
    columns: list[list[Box]] = [[] for _ in range(max(3, *(n + 1 for n in depths.values())))]
    for table in sorted(
        diagram.tables, key=lambda one: (one.name not in related, depths[one.name])
    ):
        if table.name not in related:
            places = columns
        elif is_star:
            places = [columns[0], columns[2]] if depths[table.name] else [columns[1]]
        else:
            places = [columns[depths[table.name]]]
        min(places, key=_height).append(Box(table))
    tallest, x = max(map(_height, columns)), MARGIN
    for column in filter(None, columns):
        y, width = TOP + (tallest - _height(column)) / 2, max(_width(box.table) for box in column)
        for box in column:
            box.x, box.y, box.width = x, y, width
            y += box.height + GAP
        x += width + GUTTER
    return {box.table.name: box for column in columns for box in column}


def _height(column: list[Box]) -> float:
    return sum(box.height + GAP for box in column)


def _width(table: Table) -> int:
    longest = max(len(name) + len(data_type) + 3 for name, data_type in table.columns.items())
    return round(max(MARKS + longest * CHARACTER, len(table.name) * CHARACTER * 1.1) + 2 * PADDING)


def _line(relation: Relation, boxes: Mapping[str, Box], colour: int) -> list[str]:
    """Draw a relation from row to row, and how many rows may stand at its ends."""
    (left, start, many), (right, end, one) = sorted(
        [
            (boxes[relation.child], relation.child_columns[-1], relation.kind[:2]),
            (boxes[relation.parent], relation.parent_columns[-1], relation.kind[:-3:-1]),
        ],
        key=lambda end: end[0].x,
    )
    x, y, last_x, last_y = left.x + left.width, left.row(start), right.x, right.row(end)
    ends = _end(many, x, y, 1) + _end(one, last_x, last_y, -1)
    path, x, last_x = f"M{x + 20:g} {y:g}", x + 20, last_x - 20
    if between := [box for box in boxes.values() if left.x < box.x < right.x]:
        below = max(box.y + box.height for box in between) + GAP / 2 + 4 * colour
        path += _curve(x, y, min(box.x for box in between), below)
        x, y = max(box.x + box.width for box in between), below
        path += f"H{x:g}"
    path += _curve(x, y, last_x, last_y)
    join = " join" if relation.kind is Kind.MANY_TO_MANY else ""
    return [
        f'<path class="line{join} c{colour}" d="{path}"/>',
        f'<path class="line c{colour}" d="{ends}"/>',
    ]


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"


def _end(symbol: str, x: float, y: float, out: int) -> str:
    """Draw Mermaid's `}o`, `|o` or `||` within 20 pixels of a box, to the side `out`, 1 or -1."""
    path = f"M{x:g} {y:g}h{12 * out}"
    path += f"a4 4 0 1 0 {8 * out} 0a4 4 0 1 0 {-8 * out} 0" if "o" in symbol else f"h{8 * out}"
    if not symbol.startswith("|"):
        path += f"M{x:g} {y - 6:g}l{12 * out} 6l{-12 * out} 6"
    for number in range(symbol.count("|")):
        path += f"M{x + (6 + 4 * number) * out:g} {y - 6:g}v12"
    return path


def _box(box: Box, diagram: Diagram) -> list[str]:
    x, y, end = box.x, box.y, box.x + box.width
    parts = [
        f"<g>\n<title>{escape(' '.join(box.table.description.split()))}</title>",
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{box.width}" height="{box.height}" rx="4"/>',
        f'<rect class="head" x="{x + 1:g}" y="{y + 1:g}" width="{box.width - 2}" height="31"/>',
        _text("name", x + PADDING, y + 21, box.table.name),
    ]
    for name, data_type in box.table.columns.items():
        row = box.row(name)
        parts += [
            f'<path class="rule" d="M{x + 1:g} {row - ROW / 2:g}H{end - 1:g}"/>',
            _text("mark", x + PADDING, row + 4, diagram.marks(box.table, name)),
            _text("column", x + PADDING + MARKS, row + 4, name),
            _text("type", end - PADDING, row + 4, data_type),
        ]
    return [*parts, "</g>"]


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
