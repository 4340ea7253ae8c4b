"""A diagram as SVG: one file without outside parts, readable on light and dark screens."""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape

from orchestrate.erd.layout import (
    HEADER,
    MARGIN,
    MARK_WIDTH,
    PADDING,
    ROW,
    Box,
    Layout,
    Line,
    Point,
    lay_out,
)
from orchestrate.erd.model import Column, Diagram, Kind

TOP = 76  # below title and legend
CORNER = 8  # radius where a line turns
FOOT, SPREAD = 12, 6  # length and half width of a crow's foot

STYLE = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  fill: #1f2328 }
.title { font: 600 18px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif }
.legend { font: 12px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif }
.legend, .type, .mark { fill: #59636e }
.mark { font-size: 10px; font-weight: 600 }
.name { font-size: 13px; font-weight: 600 }
.page { fill: #ffffff }
.box { fill: #ffffff; stroke: #818b98 }
.head { fill: #e7ecf2 }
.rule { stroke: #d1d9e0 }
.line { fill: none; stroke-width: 1.5; stroke-linecap: round }
.line.join { stroke-dasharray: 2 5 }
.circle { fill: #ffffff; stroke-width: 1.5 }
.c0 { stroke: #0969da } .c1 { stroke: #8250df } .c2 { stroke: #1a7f37 } .c3 { stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .legend, .type, .mark { fill: #9198a1 }
  .page { fill: #0d1117 }
  .circle { fill: #0d1117 }
  .box { fill: #151b23; stroke: #656c76 }
  .head { fill: #262c36 }
  .rule { stroke: #3d444d }
  .c0 { stroke: #58a6ff } .c1 { stroke: #bc8cff } .c2 { stroke: #56d364 } .c3 { stroke: #f0883e }
}
"""
COLOURS = 4
LEGEND = "Crow's foot: many rows. Bar: one row. Circle: or none. Dotted: joins without a key."


def svg(diagram: Diagram) -> str:
    """Draw a diagram; title and description tell its content to a screen reader."""
    layout = lay_out(diagram, TOP)
    width = max(layout.width, 2 * MARGIN + len(LEGEND) * 6.5)
    size = f"{width:.0f} {layout.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{width:.0f}" '
        f'height="{layout.height:.0f}" role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(diagram.title)}</title>',
        f'<desc id="description">{escape(_in_words(diagram))}</desc>',
        f"<style>\n{STYLE}</style>",
        '<rect class="page" width="100%" height="100%"/>',
        f'<text class="title" x="{MARGIN}" y="34">{escape(diagram.title)}</text>',
        f'<text class="legend" x="{MARGIN}" y="56">{escape(LEGEND)}</text>',
        *_lines(layout),
        *(part for box in layout.boxes for part in _box(box)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _in_words(diagram: Diagram) -> str:
    tables = ", ".join(entity.name for entity in diagram.entities)
    relations = "; ".join(
        f"{one.child} to {one.parent} by {', '.join(one.child_columns)} ({one.kind.value})"
        for one in diagram.relations
    )
    return f"Tables: {tables}. Relations: {relations or 'none'}."


def _box(box: Box) -> list[str]:
    entity = box.entity
    if entity is None:
        return []
    parts = [
        "<g>",
        f"<title>{escape(entity.description)}</title>",
        f'<rect class="box" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" '
        f'height="{box.height:g}" rx="4"/>',
        f'<rect class="head" x="{box.x + 1:g}" y="{box.y + 1:g}" width="{box.width - 2:g}" '
        f'height="{HEADER - 1}" rx="3"/>',
        _text("name", box.x + PADDING, box.y + 21, entity.name),
    ]
    for number, column in enumerate(entity.columns):
        y = box.y + HEADER + ROW * number
        if number:
            parts.append(f'<path class="rule" d="M{box.x + 1:g} {y:g}H{box.x + box.width - 1:g}"/>')
        parts += _row(box, column, y + 15)
    return [*parts, "</g>"]


def _row(box: Box, column: Column, y: float) -> list[str]:
    marks = " ".join(
        mark for mark, is_set in (("PK", column.is_key), ("FK", column.is_reference)) if is_set
    )
    end = box.x + box.width - PADDING
    return [
        *([_text("mark", box.x + PADDING, y, marks)] if marks else []),
        _text("column", box.x + PADDING + MARK_WIDTH, y, column.name),
        _text("type", end, y, column.data_type, ' text-anchor="end"'),
    ]


def _text(style: str, x: float, y: float, text: str, more: str = "") -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'


def _lines(layout: Layout) -> list[str]:
    targets = sorted({(one.relation.parent, one.relation.parent_columns) for one in layout.lines})
    parts = []
    for line in layout.lines:
        relation = line.relation
        target = (relation.parent, relation.parent_columns)
        colour = f"c{targets.index(target) % COLOURS}"
        style = "line join" if relation.kind is Kind.MANY_TO_MANY else "line"
        parts.append(f'<path class="{style} {colour}" d="{_path(line.points)}"/>')
        feet, circles = _ends(line)
        parts.append(f'<path class="line {colour}" d="{feet}"/>')
        parts += [
            f'<circle class="circle {colour}" cx="{x:g}" cy="{y:g}" r="4"/>' for x, y in circles
        ]
    return parts


def _path(points: tuple[Point, ...]) -> str:
    """Draw through the corners, which are rounded as far as the stretches allow."""
    corners = [points[0], *(one for before, one in pairwise(points) if one != before)]
    path = [f"M{corners[0][0]:g} {corners[0][1]:g}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        radius = min(CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        (x1, y1), (x2, y2) = _toward(corner, before, radius), _toward(corner, after, radius)
        path.append(f"L{x1:g} {y1:g}Q{corner[0]:g} {corner[1]:g} {x2:g} {y2:g}")
    path.append(f"L{corners[-1][0]:g} {corners[-1][1]:g}")
    return "".join(path)


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _toward(start: Point, goal: Point, length: float) -> Point:
    share = length / _distance(start, goal)
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share


def _ends(line: Line) -> tuple[str, list[Point]]:
    """Draw how many rows may stand at either end: feet and bars as a path, the circles' centres."""
    kind = line.relation.kind
    (x, y), (parent_x, parent_y) = line.points[0], line.points[-1]
    out = 1 if line.points[1][0] > x else -1
    parent_out = 1 if line.points[-2][0] > parent_x else -1
    circles = [(x + (FOOT + 4) * out, y)]
    feet = _bar(x + 6 * out, y) if kind is Kind.ONE_TO_ONE else _foot(x, y, out)
    if kind is Kind.MANY_TO_MANY:
        circles.append((parent_x + (FOOT + 4) * parent_out, parent_y))
        return feet + _foot(parent_x, parent_y, parent_out), circles
    feet += _bar(parent_x + 6 * parent_out, parent_y) + _bar(parent_x + 10 * parent_out, parent_y)
    return feet, circles


def _foot(x: float, y: float, out: int) -> str:
    return f"M{x:g} {y - SPREAD:g}L{x + FOOT * out:g} {y:g}L{x:g} {y + SPREAD:g}"


def _bar(x: float, y: float) -> str:
    return f"M{x:g} {y - SPREAD:g}V{y + SPREAD:g}"
