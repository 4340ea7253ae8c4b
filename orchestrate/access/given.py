"""What a version gave its readers, kept beside it: enough to give it to them again.

The manifest that a version came from may be gone or another's by then, and the warehouse holds
whatever was built last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orchestrate.access.members import Known
from orchestrate.contracts import Argument, Column, Function, Mart

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class upstream


@dataclass(frozen=True)
class Given:
    """Relations and functions with their readers, and what members could name.

    Of the marts only schema, name, columns and readers are kept. `members_relation` is where the
    warehouse has the seed of members, None where the build had none.
    """

    marts: Sequence[Mart]
    functions: Sequence[Function]
    known: Known
    members_relation: tuple[str, str] | None


def store_given(cursor: Cursor, version: int, given: Given) -> None:
    """Keep what a version gives, as the owner."""
    content = {
        "marts": [
            {
                "schema": mart.schema,
                "name": mart.name,
                "columns": [column.name for column in mart.columns],
                "readers": dict(mart.readers),
            }
            for mart in given.marts
        ],
        "functions": [
            {
                **{name: getattr(function, name) for name in _PLAIN},
                "arguments": [asdict(argument) for argument in function.arguments],
                "readers": dict(function.readers),
            }
            for function in given.functions
        ],
        "known": {
            "residents": sorted(given.known.residents),
            "specialties": sorted(given.known.specialties),
            "scopes": sorted((*key, value) for key, value in given.known.scopes.items()),
            "restrictions": sorted(given.known.restrictions),
        },
        "members_relation": given.members_relation,
    }
    cursor.execute(
        "update private.versions set given = %s where version = %s",
        (json.dumps(content), version),
    )


def read_given(cursor: Cursor) -> Given | None:
    """Read what the current version gives; None before the first one, or when it kept nothing."""
    cursor.execute(
        "select given from private.versions inner join private.pointer"
        " on versions.version = pointer.current_version"
    )
    row = cursor.fetchone()
    return None if row is None or row[0] is None else _from_content(row[0])


def has_version(cursor: Cursor) -> bool:
    """Tell whether readers see a version, as the owner."""
    cursor.execute("select current_version is not null from private.pointer")
    return cursor.fetchone() == (True,)


_PLAIN = ("unique_id", "schema", "name", "description", "returns", "language", "body")


def _from_content(content: Mapping[str, Any]) -> Given:
    known, relation = content["known"], content["members_relation"]
    return Given(
        [
            Mart(
                unique_id="",
                schema=one["schema"],
                name=one["name"],
                source_schema="",
                description="",
                columns=tuple(Column(name, "", "") for name in one["columns"]),
                primary_key=(),
                readers=MappingProxyType(one["readers"]),
            )
            for one in content["marts"]
        ],
        [
            Function(
                **{name: one[name] for name in _PLAIN},
                arguments=tuple(Argument(**argument) for argument in one["arguments"]),
                readers=MappingProxyType(one["readers"]),
            )
            for one in content["functions"]
        ],
        Known(
            set(known["residents"]),
            set(known["specialties"]),
            {(client, visibility): scope for client, visibility, scope in known["scopes"]},
            {(client, specialty) for client, specialty in known["restrictions"]},
        ),
        None if relation is None else (relation[0], relation[1]),
    )
