"""What a diagram shows: entities, their columns and relations, as dbterd reads them from dbt.

dbterd finds the tables and their relations in dbt's artifacts: for raw tables by the relationships
tests of the seeds, for marts by the keys of their contracts. Raw tables are described by the
sample's seeds whichever source a domain uses: every source has the same columns, so a diagram does
not depend on which export is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from orchestrate.building.manifest import Manifest
from orchestrate.errors import ConfigurationError

Node = Mapping[str, Any]

# PostgreSQL's catalog spells out what the project writes short.
TYPE_NAMES = {"timestamp with time zone": "timestamptz", "character varying": "varchar"}


class Kind(Enum):
    """How many rows of the child belong to how many of the parent."""

    MANY_TO_ONE = "many to one"
    ONE_TO_ONE = "one to one"
    MANY_TO_MANY = "many to many"


@dataclass(frozen=True)
class Column:
    """A column; `is_key` marks the primary key, `is_reference` a column that refers to a table."""

    name: str
    data_type: str
    is_key: bool = False
    is_reference: bool = False


@dataclass(frozen=True)
class Entity:
    """A table."""

    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Relation:
    """Rows of `child` refer to rows of `parent`, column by column."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    kind: Kind = Kind.MANY_TO_ONE


@dataclass(frozen=True)
class Diagram:
    """One picture; `name` becomes the name of its files."""

    name: str
    title: str
    description: str
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]


def read_diagrams(target_dir: Path) -> list[Diagram]:
    """Read the raw tables of each domain and the marts of each schema from dbt's target folder.

    Needs manifest.json and catalog.json (`dbt docs generate`); raises ConfigurationError without.
    """
    nodes = Manifest.read(target_dir).nodes
    if not (target_dir / "catalog.json").is_file():
        raise ConfigurationError(
            f"There is no catalog.json in {target_dir}.",
            "Run `casebook run` or `dbt docs generate` first, or name dbt's target folder.",
        )
    raw = _by_folder(nodes, "seed", 1)
    raw.pop("reference", None)
    marts = _by_folder(nodes, "model", 2)
    found = {
        **_found(target_dir, raw, "test_relationship"),
        **_found(target_dir, marts, "model_contract"),
    }
    return [
        *(
            _diagram(
                f"raw_{domain}",
                f"Raw tables of the {domain} domain",
                "As exported, before any rule is applied.",
                members,
                found,
            )
            for domain, members in raw.items()
        ),
        *(
            _diagram(
                f"marts_{schema}",
                f"Published tables of schema {schema}",
                "The marts, as dbt builds them and the publisher copies them.",
                members,
                found,
            )
            for schema, members in marts.items()
        ),
    ]


def _by_folder(
    nodes: Mapping[str, Node], resource_type: str, depth: int
) -> dict[str, dict[str, Node]]:
    """Seeds by their folder, or marts by theirs: folder -> unique id -> node, both sorted."""
    folders: dict[str, dict[str, Node]] = {}
    for unique_id, node in sorted(nodes.items()):
        path = node["fqn"][1:-1]
        if node["resource_type"] != resource_type or len(path) != depth:
            continue
        if resource_type == "seed" or path[0] == "marts":
            folders.setdefault(path[-1], {})[unique_id] = node
    return dict(sorted(folders.items()))


def _found(
    target_dir: Path, folders: Mapping[str, Mapping[str, Node]], algorithm: str
) -> dict[str, tuple[Node, list[Node]]]:
    """Return what dbterd finds of all members at once: unique id -> its node, its edges as child.

    Reading the manifest takes dbterd a second, hence one call for all folders; the schema in the
    names tells tables of the same name apart.
    """
    # dbterd takes seconds to import and is needed by nothing else.
    from dbterd.api import DbtErd

    members = [unique_id for folder in folders.values() for unique_id in folder]
    content = json.loads(
        DbtErd(
            artifacts_dir=str(target_dir),
            # No rule would select everything.
            select=[f"exact:{unique_id.lower()}" for unique_id in members] or ["exact:nothing"],
            resource_type=["seed", "model"],
            algo=algorithm,
            target="json",
            entity_name_format="schema.table",
        ).get_erd()
    )
    return {
        node["id"]: (node, [edge for edge in content["edges"] if edge["from_id"] == node["id"]])
        for node in content["nodes"]
    }


def _diagram(
    name: str,
    title: str,
    description: str,
    members: Mapping[str, Node],
    found: Mapping[str, tuple[Node, list[Node]]],
) -> Diagram:
    names = {unique_id: found[unique_id][0]["name"].rsplit(".", 1)[-1] for unique_id in members}
    relations = [
        Relation(
            child=names[unique_id],
            child_columns=tuple(edge["from_columns"]),
            parent=names[edge["to_id"]],
            parent_columns=tuple(edge["to_columns"]),
        )
        for unique_id in members
        for edge in found[unique_id][1]
        if edge["to_id"] in members
    ]
    relations += _many_to_many(members, names)
    entities = {
        names[unique_id]: _entity(names[unique_id], found[unique_id][0], definition, relations)
        for unique_id, definition in members.items()
    }
    return Diagram(
        name,
        title,
        description,
        tuple(sorted(entities.values(), key=lambda entity: entity.name)),
        tuple(
            sorted(
                (_with_kind(relation, entities) for relation in relations),
                key=lambda relation: (relation.child, relation.parent, relation.child_columns),
            )
        ),
    )


def _many_to_many(members: Mapping[str, Node], names: Mapping[str, str]) -> list[Relation]:
    """Read the joins that no test can state, from the columns' meta `many_to_many`."""
    by_model = {unique_id.rsplit(".", 1)[-1]: name for unique_id, name in names.items()}
    return [
        Relation(
            child=names[unique_id],
            child_columns=(column["name"],),
            parent=by_model[other["seed"]],
            parent_columns=(other["column"],),
            kind=Kind.MANY_TO_MANY,
        )
        for unique_id, node in members.items()
        for column in node["columns"].values()
        if (other := column["config"]["meta"].get("many_to_many"))
    ]


def _entity(name: str, node: Node, definition: Node, relations: Sequence[Relation]) -> Entity:
    """Make an entity; a column that others refer to as one of many is its key."""
    keys = {column["name"] for column in node["columns"] if column["is_primary_key"]}
    references: set[str] = set()
    for relation in relations:
        if relation.kind is Kind.MANY_TO_MANY:
            continue
        if relation.child == name:
            references.update(relation.child_columns)
        if relation.parent == name:
            keys = keys or set(relation.parent_columns)
    columns = (
        Column(
            column["name"],
            TYPE_NAMES.get(column["data_type"], column["data_type"]),
            column["name"] in keys,
            column["name"] in references,
        )
        for column in node["columns"]
    )
    # The order of the definition, which does not depend on how a table was created.
    order = {column: place for place, column in enumerate(definition["columns"])}
    return Entity(
        name,
        " ".join(str(node["description"] or "").split()),
        tuple(sorted(columns, key=lambda column: order.get(column.name, len(order)))),
    )


def _with_kind(relation: Relation, entities: Mapping[str, Entity]) -> Relation:
    """Mark a relation as one to one where its columns are the child's whole key."""
    keys = {column.name for column in entities[relation.child].columns if column.is_key}
    if relation.kind is Kind.MANY_TO_ONE and keys == set(relation.child_columns):
        return replace(relation, kind=Kind.ONE_TO_ONE)
    return relation
