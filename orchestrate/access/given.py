"""What a version gave its readers, kept beside it: enough to give it to them again.

The manifest that a version came from may be gone or another's by then, and the warehouse holds
whatever was built last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orchestrate.access.members import Known
from orchestrate.contracts import VERSION_COLUMN, Argument, Column, Function, Mart

if TYPE_CHECKING:
    from orchestrate.driver import Cursor


@dataclass(frozen=True)
class Given:
    """Relations and functions with their readers, and what members could name.

    Of the marts only schema, name, columns and readers are kept; those without readers belong to
    other versions. `members_relation` is where the warehouse has the seed of members, None where
    the build had none.
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
            "hidden": sorted(given.known.hidden),
            "open_payers": sorted(given.known.open_payers),
        },
        "members_relation": given.members_relation,
    }
    cursor.execute(
        "update private.versions set given = %s where version = %s",
        (json.dumps(content), version),
    )


def read_given(cursor: Cursor, version: int | None = None) -> Given | None:
    """Read, as the owner, what a version gives, by default the current one.

    Returns None before the first version, or when it kept nothing. What has come since is taken
    into account, for a version that was put back:

    - tables of other versions are among the marts, without readers;
    - marts have the columns of their tables. Those that came later are empty in this version, and
      whoever reads a table reads them too: `select *` asks for the right to every column;
    - a client whose restrictions have grown, or the codes that they hide, is withheld: this
      version's rows do not follow them;
    - so are payers known whose patients' rows staff may not see any more.
    """
    cursor.execute(
        "select version, given from private.versions"
        " where version = coalesce(%s, (select current_version from private.pointer))",
        (version,),
    )
    row = cursor.fetchone()
    if row is None or row[1] is None:
        return None
    given = _from_content(row[1])
    cursor.execute(
        "select version, is_retained, given from private.versions where given is not null"
        " and version <> %s",
        (row[0],),
    )
    others = [(*other, _from_content(content)) for *other, content in cursor.fetchall()]
    later = [content.known for other, _, content in others if other > row[0]]
    strangers = {
        (mart.schema, mart.name): replace(mart, readers=MappingProxyType({}))
        for _, is_retained, content in others
        if is_retained
        for mart in content.marts
    }
    own = {(mart.schema, mart.name): mart for mart in given.marts}
    return replace(
        given,
        marts=_as_stored(cursor, [*(strangers | own).values()]),
        known=replace(
            given.known,
            withheld=_withheld(given.known, later),
            closed_payers={
                payer
                for version in later
                for payer in given.known.open_payers - version.open_payers
            },
        ),
    )


def _withheld(known: Known, later: Sequence[Known]) -> set[str]:
    """Return the clients from whom later versions hide more than this one does."""
    restrictions = {one for version in later for one in version.restrictions}
    hidden = {one for version in later for one in version.hidden}
    scopes = {scope_id for scope_id, _ in hidden - known.hidden}
    return {client for client, _ in restrictions - known.restrictions} | {
        client for (client, _), scope_id in known.scopes.items() if scope_id in scopes
    }


def _as_stored(cursor: Cursor, marts: Sequence[Mart]) -> list[Mart]:
    """Give marts the columns of their tables; leave out those without readers and table."""
    cursor.execute(
        "select nspname::text, relname::text, array_agg(attname::text order by attnum)"
        " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
        " inner join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped"
        " where relkind = 'r' and nspname = any (%s) group by 1, 2",
        (sorted({mart.schema for mart in marts}),),
    )
    stored = {(schema, name): columns for schema, name, columns in cursor.fetchall()}
    return [
        replace(mart, columns=_columns(stored[place])) if place in stored else mart
        for mart in marts
        if (place := (mart.schema, mart.name)) in stored or mart.readers
    ]


def _columns(names: Iterable[str]) -> tuple[Column, ...]:
    return tuple(Column(name, "", "") for name in names if name != VERSION_COLUMN)


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
                columns=_columns(one["columns"]),
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
            {(scope_id, code) for scope_id, code in known.get("hidden", ())},
            set(known.get("open_payers", ())),
        ),
        None if relation is None else (relation[0], relation[1]),
    )
