"""Where boxes stand and lines run, in pixels: boxes in columns, lines only in the gutters between.

Tables that others refer to stand left of these; where that would make the second column much taller
than the first, some of its tables move to the far left. A line that passes a column gets a lane
between the boxes, and all lines to one key share an upright. Orders are improved by trying swaps in
a fixed sequence, so equal diagrams get equal layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TypeVar

from orchestrate.erd.model import Diagram, Entity, Relation

Item = TypeVar("Item")
Net = tuple[str, tuple[str, ...]]
Point = tuple[float, float]

CHARACTER = 7.3  # width of a monospace character of 12 px, rounded up
HEADER, ROW, PADDING = 32, 22, 12
MARK_WIDTH = 50  # room for the marks PK and FK
BOX_GAP, GUTTER, TRACK_GAP, MARGIN = 30, 72, 20, 28
TALLER = 1.4  # a second column this much taller than the first is divided
CROSSING, OVERLAP = 400.0, 5000.0  # what a crossing and a shared stretch cost, in pixels of line


@dataclass
class Box:
    """A table, or a lane for a line that passes its column (`entity` is None)."""

    height: float
    entity: Entity | None = None
    x: float = 0
    y: float = 0
    width: float = 0

    def row(self, column: str) -> float:
        """Return the height at which a line meets a column's row, or the lane."""
        if self.entity is None:
            return self.y
        place = [one.name for one in self.entity.columns].index(column)
        return self.y + HEADER + ROW * (place + 0.5)


@dataclass(frozen=True)
class Hop:
    """A line's way through one gutter, from a box on its left to one on its right."""

    gutter: int
    net: Net
    left: Box
    left_column: str
    right: Box
    right_column: str

    @property
    def start(self) -> float:
        """Height at the left end."""
        return self.left.row(self.left_column)

    @property
    def end(self) -> float:
        """Height at the right end."""
        return self.right.row(self.right_column)


@dataclass(frozen=True)
class Line:
    """A relation as corners from its child to its parent."""

    relation: Relation
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Placed tables, lines, and the size of the whole."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def lay_out(diagram: Diagram, top: float) -> Layout:
    """Place a diagram's tables and lines below the height `top`."""
    layers = _layers(diagram)
    boxes = {entity.name: Box(_height(entity), entity) for entity in diagram.entities}
    lowest = min(layers.values())
    columns: list[list[Box]] = [[] for _ in range(lowest, max(layers.values()) + 1)]
    for name, box in boxes.items():
        columns[layers[name] - lowest].append(box)
    places = {name: layer - lowest for name, layer in layers.items()}
    lanes: dict[tuple[int, Net], Box] = {}
    routes = [(one, _route(one, places, boxes, lanes)) for one in diagram.relations]
    for (place, _), lane in lanes.items():
        columns[place].append(lane)
    hops = [hop for _, route in routes for hop in route]

    tallest = max(_stacked_height(column) for column in columns)
    for column in columns:
        _stack(column, top, tallest)
    for column in columns * 2:

        def cost(column: list[Box] = column) -> float:
            _stack(column, top, tallest)
            return _tangle(hops)

        _improve(column, cost)
    tracks, width = _spread(columns, hops)
    lines = tuple(Line(relation, _points(relation, route, tracks)) for relation, route in routes)
    return Layout(tuple(boxes.values()), lines, width, top + tallest + MARGIN)


def _height(entity: Entity) -> float:
    return HEADER + ROW * len(entity.columns)


def _layers(diagram: Diagram) -> dict[str, int]:
    """Give each table a column: right of those it refers to, or -1, the far left."""
    layers = {entity.name: 0 for entity in diagram.entities}
    for _ in layers:
        for relation in diagram.relations:
            layers[relation.child] = max(layers[relation.child], layers[relation.parent] + 1)
    heights = {entity.name: _height(entity) + BOX_GAP for entity in diagram.entities}
    related = {name for one in diagram.relations for name in (one.child, one.parent)}
    parents = {one.parent for one in diagram.relations}

    def total(layer: int) -> float:
        return sum(heights[name] for name in related if layers[name] == layer)

    if total(1) > TALLER * total(0):
        leaves = [name for name in related - parents if layers[name] == 1]
        for name in sorted(leaves, key=lambda name: (-heights[name], name)):
            if total(-1) + heights[name] <= total(1):
                layers[name] = -1
    for name in sorted(layers.keys() - related):
        related.add(name)
        layers[name] = min(sorted(set(layers.values())), key=total)
    return layers


def _route(
    relation: Relation,
    places: dict[str, int],
    boxes: dict[str, Box],
    lanes: dict[tuple[int, Net], Box],
) -> list[Hop]:
    """Return a relation's hops from left to right; add the lanes that it needs."""
    net = (relation.parent, relation.parent_columns)
    ends = [
        (places[relation.child], boxes[relation.child], relation.child_columns[-1]),
        (places[relation.parent], boxes[relation.parent], relation.parent_columns[-1]),
    ]
    ends.sort(key=lambda end: end[0])
    (first, _, _), (last, _, _) = ends
    between = [
        (place, lanes.setdefault((place, net), Box(0)), "") for place in range(first + 1, last)
    ]
    return [
        Hop(left[0], net, left[1], left[2], right[1], right[2])
        for left, right in pairwise([ends[0], *between, ends[1]])
    ]


def _stacked_height(column: list[Box]) -> float:
    return sum(box.height for box in column) + BOX_GAP * (len(column) - 1)


def _stack(column: list[Box], top: float, tallest: float) -> None:
    """Place a column's boxes one below the other, half way down the tallest column."""
    y = top + (tallest - _stacked_height(column)) / 2
    for box in column:
        box.y = y
        y += box.height + BOX_GAP


def _tangle(hops: Iterable[Hop]) -> float:
    """Measure how far lines go up and down and how often they must cross."""
    ends = {(hop.gutter, hop.net, hop.start, hop.end) for hop in hops}
    crossings = sum(
        one[0] == other[0] and one[1] != other[1] and (one[2] - other[2]) * (one[3] - other[3]) < 0
        for one, other in combinations(ends, 2)
    )
    return sum(abs(start - end) for _, _, start, end in ends) + CROSSING * crossings


def _improve(items: list[Item], cost: Callable[[], float]) -> None:
    """Swap pairs of items as long as that lowers the cost."""
    best = cost()
    is_better = True
    while is_better:
        is_better = False
        for one, other in combinations(range(len(items)), 2):
            items[one], items[other] = items[other], items[one]
            if (now := cost()) < best - 0.5:
                best, is_better = now, True
            else:
                items[one], items[other] = items[other], items[one]
    cost()  # the last swap tried may have left its traces


def _spread(
    columns: list[list[Box]], hops: list[Hop]
) -> tuple[dict[tuple[int, Net], float], float]:
    """Set each box's x and width; return the x of every upright and the whole width."""
    tracks: dict[tuple[int, Net], float] = {}
    x: float = MARGIN
    for place, column in enumerate(columns):
        width = max(_width(box.entity) for box in column if box.entity)
        for box in column:
            box.x, box.width = x, width
        x += width
        if place == len(columns) - 1:
            break
        inside = [hop for hop in hops if hop.gutter == place]
        nets = sorted({hop.net for hop in inside})

        def cost(nets: list[Net] = nets, inside: list[Hop] = inside) -> float:
            return _track_cost(nets, inside)

        _improve(nets, cost)
        for number, net in enumerate(nets):
            tracks[place, net] = x + GUTTER / 2 + TRACK_GAP * number
        x += GUTTER + TRACK_GAP * max(0, len(nets) - 1)
    return tracks, x + MARGIN


def _track_cost(nets: list[Net], hops: list[Hop]) -> float:
    """Measure how often level stretches cross uprights, or lie upon each other."""
    starts = {net: {hop.start for hop in hops if hop.net == net} for net in nets}
    ends = {net: {hop.end for hop in hops if hop.net == net} for net in nets}
    cost = 0.0
    for left, right in combinations(nets, 2):
        for upright, levels in ((left, starts[right]), (right, ends[left])):
            span = starts[upright] | ends[upright]
            cost += CROSSING * sum(min(span) <= level <= max(span) for level in levels)
        cost += OVERLAP * sum(
            abs(start - end) < ROW / 2 for start in starts[right] for end in ends[left]
        )
    return cost


def _width(entity: Entity) -> float:
    longest = max(len(column.name) + len(column.data_type) + 3 for column in entity.columns)
    text = max(MARK_WIDTH + longest * CHARACTER, len(entity.name) * CHARACTER * 1.1)
    return round(text + 2 * PADDING)


def _points(
    relation: Relation, route: list[Hop], tracks: dict[tuple[int, Net], float]
) -> tuple[Point, ...]:
    points: list[Point] = []
    for hop in route:
        x = tracks[hop.gutter, hop.net]
        points += [
            (hop.left.x + hop.left.width, hop.start),
            (x, hop.start),
            (x, hop.end),
            (hop.right.x, hop.end),
        ]
    starts_left = route[0].left.entity is not None and route[0].left.entity.name == relation.child
    return tuple(points if starts_left else reversed(points))
