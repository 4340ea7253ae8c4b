"""What dbt's manifest promises about each public mart: columns, keys, comments and readers.

A public mart is a model with `access: public` and an enforced contract in `models/marts`. Its
contract is all that the publisher needs to know of it: adding a mart is adding a model. A contract
that leaves something open (a key, a description, who may read) is refused here, before anything is
touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from orchestrate.contracts.names import (
    READS_OWN,
    READS_SCOPE,
    Refused,
    name_problems,
    published_name,
    read_readers,
)
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

VERSION_COLUMN: Final = "version"
SCOPE_COLUMN: Final = "scope_id"
RESIDENT_COLUMN: Final = "resident_name"

_REFERENCE: Final = re.compile(r"""ref\((?:['"]\w+['"],\s*)?['"](\w+)['"].*\)""")


_BUILT: Final = """
    select nspname::text, relname::text, jsonb_object_agg(attname, format_type(atttypid, atttypmod))
    from pg_catalog.pg_attribute
    inner join pg_catalog.pg_class on pg_class.oid = attrelid and attnum > 0 and not attisdropped
    inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname = any (%s)
    group by 1, 2
"""


@dataclass(frozen=True)
class Column:
    """A column of a mart; `data_type` is its contract's, or once built as the server spells it."""

    name: str
    data_type: str
    description: str
    not_null: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a mart that name a row of another mart, in matching order."""

    columns: tuple[str, ...]
    to_schema: str
    to_name: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class Mart:
    """A public mart as its contract describes it.

    `schema` and `name` are what readers use; `source_schema` is where dbt built it in the
    warehouse (the same, but for a developer's prefixed build). `columns`, `primary_key` and
    `foreign_keys` leave out `scope_id`, which chooses a scope's rows and is not among them.
    """

    unique_id: str
    schema: str
    name: str
    source_schema: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    readers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_scoped(self) -> bool:
        """Whether readers of this relation differ by client and visibility."""
        return READS_SCOPE in self.readers.values()

    @property
    def relation(self) -> str:
        """The relation's name for people, `schema.name`."""
        return f"{self.schema}.{self.name}"


def read_marts(manifest: Mapping[str, Any]) -> list[Mart]:
    """Read the public marts of a manifest, parents before the marts that refer to them.

    Raises DataError that names every mart whose contract leaves something open, and why.
    """
    nodes = [node for node in manifest["nodes"].values() if is_public_mart(node)]
    relations = {
        (node["schema"], node.get("alias") or node["name"]): published_name(node) for node in nodes
    }
    models = {node["name"]: published_name(node) for node in nodes}
    marts: list[Mart] = []
    problems: list[str] = []
    for node in nodes:
        try:
            marts.append(_read_mart(node, relations, models))
        except Refused as refusal:
            problems.extend(f"{'.'.join(published_name(node))}: {text}" for text in refusal.texts)
    if not problems:
        problems = list(_key_problems(marts))
    if problems:
        raise DataError(
            "Marts whose contract cannot be published: " + "; ".join(problems[:10]) + ".",
            "Complete the contracts in models/marts, build again, then publish.",
        )
    if not marts:
        raise DataError(
            "The manifest holds no public mart: no model of models/marts has access 'public'.",
            "Publish from the target folder of a complete `dbt build` of this project.",
        )
    return _parents_first(marts)


def with_built_types(warehouse: Cursor, marts: Sequence[Mart]) -> list[Mart]:
    """Return marts with the types of their columns as the warehouse has them.

    Raises DataError for a mart that is not there with all columns of its contract.
    """
    warehouse.execute(_BUILT, (sorted({mart.source_schema for mart in marts}),))
    types = {(schema, name): types for schema, name, types in warehouse.fetchall()}
    found = []
    for mart in marts:
        built = types.get((mart.source_schema, mart.name), {})
        if missing := [one.name for one in mart.columns if one.name not in built]:
            raise DataError(
                f"{mart.relation} has no column {', '.join(missing)} in the warehouse.",
                "Build again, then publish.",
            )
        columns = (replace(column, data_type=built[column.name]) for column in mart.columns)
        found.append(replace(mart, columns=tuple(columns)))
    return found


def is_public_mart(node: Mapping[str, Any]) -> bool:
    """Tell whether a node of the manifest is a mart that readers see."""
    return (
        node["resource_type"] == "model"
        and node.get("access") == "public"
        and node["original_file_path"].replace("\\", "/").startswith("models/marts/")
    )


def _read_mart(
    node: Mapping[str, Any],
    relations: Mapping[tuple[str, str], tuple[str, str]],
    models: Mapping[str, tuple[str, str]],
) -> Mart:
    problems: list[str] = []
    schema, name = published_name(node)
    problems.extend(name_problems(schema, name, *node["columns"]))
    if not node.get("contract", {}).get("enforced"):
        problems.append("its contract is not enforced")
    if not (node.get("description") or "").strip():
        problems.append("it has no description")
    columns = _read_columns(node, problems)
    names = [column.name for column in columns]
    primary_key = _read_primary_key(node, problems)
    foreign_keys = _read_foreign_keys(node, relations, models, problems)
    readers = read_readers(node, problems)
    is_scoped = READS_SCOPE in readers.values()
    if is_scoped and set(readers.values()) != {READS_SCOPE}:
        problems.append("one audience reads it by scope and another does not")
    if is_scoped and node["columns"].get(SCOPE_COLUMN, {}).get("data_type") != "text":
        problems.append(f"it is read by scope but has no column {SCOPE_COLUMN} of type text")
    if not is_scoped and SCOPE_COLUMN in names:
        problems.append(f"it has a column {SCOPE_COLUMN} but no audience reads it by scope")
    if READS_OWN in readers.values() and RESIDENT_COLUMN not in names:
        problems.append(f"residents read their own rows of it but it has no {RESIDENT_COLUMN}")
    if VERSION_COLUMN in names:
        problems.append(f"'{VERSION_COLUMN}' is the publisher's own column")
    unknown = [
        key
        for key in (*primary_key, *(name for one in foreign_keys for name in one.columns))
        if key not in names
    ]
    if unknown:
        problems.append(f"its keys name unknown columns {', '.join(unknown)}")
    if problems:
        raise Refused(problems)
    without_scope = [column for column in columns if column.name != SCOPE_COLUMN]
    return Mart(
        unique_id=node["unique_id"],
        schema=schema,
        name=name,
        source_schema=node["schema"],
        description=node["description"].strip(),
        columns=tuple(without_scope),
        primary_key=tuple(key for key in primary_key if key != SCOPE_COLUMN),
        foreign_keys=tuple(foreign_keys),
        readers=MappingProxyType(dict(sorted(readers.items()))),
    )


def _read_columns(node: Mapping[str, Any], problems: list[str]) -> list[Column]:
    columns = []
    required = set(_constraint_columns(node, "not_null")) | set(_read_primary_key(node, []))
    for name, entry in node["columns"].items():
        description = (entry.get("description") or "").strip()
        if not description:
            problems.append(f"column {name} has no description")
        columns.append(Column(name, entry.get("data_type") or "", description, name in required))
    if not columns:
        problems.append("its contract has no columns")
    return columns


def _constraint_columns(node: Mapping[str, Any], kind: str) -> Iterable[str]:
    for constraint in node.get("constraints") or ():
        if constraint["type"] == kind:
            yield from constraint.get("columns") or ()
    for name, entry in node["columns"].items():
        if any(constraint["type"] == kind for constraint in entry.get("constraints") or ()):
            yield name


def _read_primary_key(node: Mapping[str, Any], problems: list[str]) -> tuple[str, ...]:
    key = tuple(dict.fromkeys(_constraint_columns(node, "primary_key")))
    if not any(name != SCOPE_COLUMN for name in key):
        problems.append("it has no primary key")
    return key


def _read_foreign_keys(
    node: Mapping[str, Any],
    relations: Mapping[tuple[str, str], tuple[str, str]],
    models: Mapping[str, tuple[str, str]],
    problems: list[str],
) -> list[ForeignKey]:
    """Collect foreign keys of the model and of its columns.

    dbt writes the target as the text `ref('x')` after parsing and as a quoted relation name after
    running.
    """
    constraints = [
        *((one.get("columns") or (), one) for one in node.get("constraints") or ()),
        *(
            ((name,), one)
            for name, entry in node["columns"].items()
            for one in entry.get("constraints") or ()
        ),
    ]
    keys = []
    for columns, constraint in constraints:
        if constraint["type"] != "foreign_key":
            continue
        target, to_columns = constraint.get("to") or "", constraint.get("to_columns") or ()
        reference = _REFERENCE.fullmatch(target.strip())
        *_, schema, name = ["", *(part.strip('"') for part in target.split("."))]
        parent = models.get(reference[1]) if reference else relations.get((schema, name))
        pairs = [
            (column, to)
            for column, to in zip(columns, to_columns, strict=False)
            if (column, to) != (SCOPE_COLUMN, SCOPE_COLUMN)
        ]
        if parent is None or len(columns) != len(to_columns) or not pairs:
            problems.append(
                f"its foreign key on {', '.join(columns)} names no public mart, or not as many"
                f" columns of it: {target}"
            )
            continue
        own_names, names = zip(*pairs, strict=True)
        keys.append(ForeignKey(own_names, *parent, names))
    return keys


def _key_problems(marts: Sequence[Mart]) -> Iterable[str]:
    """Foreign keys must name the whole primary key of a mart that can be told apart by scope."""
    by_name = {(mart.schema, mart.name): mart for mart in marts}
    if len(by_name) < len(marts):
        yield "two marts have the same schema and name"
    for mart in marts:
        for key in mart.foreign_keys:
            parent = by_name[key.to_schema, key.to_name]
            if set(key.to_columns) != set(parent.primary_key):
                yield f"{mart.relation}: a foreign key names no primary key of {parent.relation}"
            if parent.is_scoped and not mart.is_scoped:
                yield f"{mart.relation}: has no scope, but refers to {parent.relation}, which has"


def _parents_first(marts: Sequence[Mart]) -> list[Mart]:
    by_name = {(mart.schema, mart.name): mart for mart in sorted(marts, key=lambda m: m.relation)}
    order: TopologicalSorter[tuple[str, str]] = TopologicalSorter()
    for name, mart in by_name.items():
        parents = {(key.to_schema, key.to_name) for key in mart.foreign_keys} - {name}
        order.add(name, *sorted(parents))
    return [by_name[name] for name in order.static_order()]
