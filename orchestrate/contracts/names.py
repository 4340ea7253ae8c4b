"""What contracts of marts and functions have in common: names, types, readers, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

AUDIENCES: Final = ("program", "resident", "client", "management", "staff")
READS_OWN: Final = "own"
READS_SCOPE: Final = "scope"
READINGS: Final = ("all", READS_OWN, READS_SCOPE)

IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
# Schemas that belong to the server or to the publisher itself.
RESERVED_SCHEMAS: Final = frozenset({"private", "public", "information_schema"})


class Refused(Exception):  # noqa: N818 - a signal within this package, turned into a DataError
    """A contract that leaves something open; `texts` say what."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(*texts)
        self.texts = texts


def published_name(node: Mapping[str, Any]) -> tuple[str, str]:
    """Return schema and name that readers use for a node of the manifest."""
    schema = node.get("config", {}).get("schema") or node["schema"]
    return str(schema), str(node.get("alias") or node["name"])


def name_problems(schema: str, *names: str) -> list[str]:
    """Say which names cannot be published; the first one is the schema's."""
    problems = [
        f"'{identifier}' is not a plain name (a-z, 0-9, _; at most 50 characters)"
        for identifier in (schema, *names)
        if not IDENTIFIER.fullmatch(identifier)
    ]
    if schema in RESERVED_SCHEMAS or schema.startswith("pg_"):
        problems.append(f"schema '{schema}' is reserved")
    return problems


def read_readers(node: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    """Read `config.meta.readers`, which maps audiences to the rows that they read."""
    readers = ((node.get("config") or {}).get("meta") or {}).get("readers")
    if not readers or not isinstance(readers, dict):
        problems.append("it declares no readers: config.meta.readers is not a mapping to rows")
        return {}
    for audience, reading in readers.items():
        if audience not in AUDIENCES:
            problems.append(f"unknown audience '{audience}'; there are {', '.join(AUDIENCES)}")
        if reading not in READINGS:
            problems.append(f"audience {audience} reads '{reading}'; use {', '.join(READINGS)}")
    return {str(audience): str(reading) for audience, reading in readers.items()}
