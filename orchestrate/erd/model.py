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
    raw = {
        domain: _diagram(
            target_dir,
            members,
            name=f"raw_{domain}",
            title=f"Raw tables of the {domain} domain",
            description="As exported, before any rule is applied.",
            algorithm="test_relationship",
        )
        for domain, members in _by_folder(nodes, "seed", 1).items()
        if domain != "reference"
    }
    marts = {
        schema: _diagram(
            target_dir,
            members,
            name=f"marts_{schema}",
            title=f"Published tables of schema {schema}",
            description="The marts, as dbt builds them and the publisher copies them.",
            algorithm="model_contract",
        )
        for schema, members in _by_folder(nodes, "model", 2).items()
    }
    return [*raw.values(), *marts.values()]


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


def _diagram(
    target_dir: Path,
    members: Mapping[str, Node],
    *,
    name: str,
    title: str,
    description: str,
    algorithm: str,
) -> Diagram:
    # dbterd takes seconds to import and is needed by nothing else.
    from dbterd.api import DbtErd

    found = json.loads(
        DbtErd(
            artifacts_dir=str(target_dir),
            select=[f"exact:{unique_id.lower()}" for unique_id in members],
            resource_type=["seed", "model"],
            algo=algorithm,
            target="json",
            entity_name_format="table",
        ).get_erd()
    )
    names = {node["id"]: node["name"] for node in found["nodes"]}
    relations = [
        Relation(
            child=names[edge["from_id"]],
            child_columns=tuple(edge["from_columns"]),
            parent=names[edge["to_id"]],
            parent_columns=tuple(edge["to_columns"]),
        )
        for edge in found["edges"]
    ]
    relations += _many_to_many(members, names)
    entities = {
        node["name"]: _entity(node, members[node["id"]], relations) for node in found["nodes"]
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


def _entity(node: Node, definition: Node, relations: Sequence[Relation]) -> Entity:
    """Make an entity; a column that others refer to as one of many is its key."""
    name = node["name"]
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
