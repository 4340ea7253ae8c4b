"""What the yml of a raw table demands of its values beyond their type, and what it only finds odd.

A demand is kept by every row that is loaded; an oddity is told and loaded all the same. Both stand
beside the column they are about, references as the relationships tests that dbt runs, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """A column of another seed, by the seed's name."""

    seed: str
    column: str


@dataclass(frozen=True)
class Lookup:
    """A reference that may lead nowhere, and the column that should be filled where it leads."""

    to: Reference
    filled: str


@dataclass(frozen=True)
class RelatedTime:
    """A time of the row that a reference of the same row leads to: `column`, by way of `by`."""

    by: str
    column: str


@dataclass(frozen=True)
class ColumnRules:
    """The rules of one column; each is None, or False, where there is none.

    Demands: `key` (no two rows share a value), `minimum` and `maximum` (inclusive, as PostgreSQL
    writes the type), `not_before` (another column of the row), `reference` (a value is in the key
    of another seed), `holds` (a column of a reference seed: each of its values stands in this one,
    too). Oddities: `warn_alike` (names that differ in little), `warn_several` (names of two people
    in one), `warn_missing` (no value where none is required: what becomes of such rows),
    `warn_without` (nothing filled where the value leads), `warn_after` and `warn_before` (on a
    later or earlier day than a time of the row referred to), `warn_longer_than` (from `not_before`
    until this column takes longer than the same in the row referred to).

    And how it is read: `others` (older names of the column), `once` (of rows that are equal, key
    included, one counts), `verbatim` (blanks around the text are part of it), `shown` (the value is
    nobody's, so that messages may show it although the file is about persons).
    """

    key: bool = False
    once: bool = False
    verbatim: bool = False
    shown: bool = False
    others: tuple[str, ...] = ()
    holds: Reference | None = None
    warn_several: bool = False
    minimum: str | None = None
    maximum: str | None = None
    not_before: str | None = None
    reference: Reference | None = None
    warn_alike: bool = False
    warn_missing: str | None = None
    warn_without: Lookup | None = None
    warn_after: RelatedTime | None = None
    warn_before: RelatedTime | None = None
    warn_longer_than: str | None = None


NO_RULES = ColumnRules()


def column_rules(meta: Mapping[str, Any], reference: Reference | None) -> ColumnRules:
    """Read the rules of a column from its meta."""
    lookup, filled, holds = (meta.get(word) for word in ("many_to_many", "warn_without", "holds"))
    return ColumnRules(
        key=bool(meta.get("key", False)),
        once=bool(meta.get("once", False)),
        verbatim=bool(meta.get("verbatim", False)),
        shown=bool(meta.get("shown", False)),
        others=tuple(meta.get("others", ())),
        holds=Reference(holds["seed"], holds["column"]) if holds else None,
        warn_several=bool(meta.get("warn_several", False)),
        minimum=_text(meta.get("minimum")),
        maximum=_text(meta.get("maximum")),
        not_before=meta.get("not_before"),
        reference=reference,
        warn_alike=bool(meta.get("warn_alike", False)),
        warn_missing=meta.get("warn_missing"),
        warn_without=(
            Lookup(Reference(lookup["seed"], lookup["column"]), filled)
            if lookup and filled
            else None
        ),
        warn_after=_related_time(meta.get("warn_after")),
        warn_before=_related_time(meta.get("warn_before")),
        warn_longer_than=meta.get("warn_longer_than"),
    )


def references(nodes: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Reference]:
    """Return what the relationships tests on seeds say, by seed and column."""
    found = {}
    for node in nodes.values():
        test = node.get("test_metadata") or {}
        child = node.get("attached_node") or ""
        if test.get("name") != "relationships" or not child.startswith("seed."):
            continue
        for parent in node["depends_on"]["nodes"]:
            if parent != child:
                found[child, node["column_name"]] = Reference(
                    nodes[parent]["name"], test["kwargs"]["field"]
                )
    return found


def _related_time(rule: Mapping[str, str] | None) -> RelatedTime | None:
    return RelatedTime(rule["by"], rule["column"]) if rule else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
