"""What a diagram shows: tables, their columns and relations, as dbt's manifest describes them.

Raw tables are the seeds of a domain, related by their relationships tests; every source of a domain
has the same columns, so a diagram does not depend on which one is in use. Marts are what readers
see, related by the keys of their contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrate.building.manifest import Manifest
from orchestrate.contracts.marts import Mart, read_marts


class Kind(StrEnum):
    """How many rows belong together, as Mermaid writes it: the child's end, the parent's end."""

    MANY_TO_ONE = "}o--||"
    ONE_TO_ONE = "|o--||"
    MANY_TO_MANY = "}o..o{"  # a join that no key enforces


@dataclass(frozen=True)
class Table:
    """A table: `columns` are types by name, `key` names those of the primary key."""

    name: str
    description: str
    columns: Mapping[str, str]
    key: frozenset[str]


@dataclass(frozen=True, order=True)
class Relation:
    """Rows of `child` refer to rows of `parent`, column by column."""

    child: str
    parent: str
    child_columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Diagram:
    """One picture, its tables and relations in order; `name` becomes the name of its files."""

    name: str
    title: str
    tables: tuple[Table, ...]
    relations: tuple[Relation, ...]

    def marks(self, table: Table, column: str) -> str:
        """Say `PK` of a column of the primary key, `FK` of one that refers to a table."""
        refers = any(
            column in one.child_columns
            for one in self.relations
            if one.child == table.name and one.kind is not Kind.MANY_TO_MANY
        )
        return " ".join(["PK"] * (column in table.key) + ["FK"] * refers)


def read_diagrams(manifest: Manifest) -> list[Diagram]:
    """Return a diagram for the raw tables of each domain and one for the marts of each schema.

    Raises DataError when the contract of a mart leaves something open.
    """
    domains = sorted({seed.domain for seed in manifest.seeds} - {"reference"})
    marts = sorted(read_marts({"nodes": manifest.nodes}), key=lambda mart: mart.relation)
    schemas = dict.fromkeys(mart.schema for mart in marts)
    return [
        *(_of_seeds(manifest, domain) for domain in domains),
        *(
            _of_marts(schema, [mart for mart in marts if mart.schema == schema])
            for schema in schemas
        ),
    ]


def _of_seeds(manifest: Manifest, domain: str) -> Diagram:
    seeds = sorted(manifest.domain_seeds(domain), key=lambda seed: seed.alias)
    aliases = {seed.name: seed.alias for seed in seeds}
    references = [
        Relation(seed.alias, aliases[to.seed], (column.name,), (to.column,), Kind.MANY_TO_ONE)
        for seed in seeds
        for column in seed.columns
        if (to := column.rules.reference) and to.seed in aliases
    ]
    # No test can state these: a value may occur in several rows of either table.
    joins = [
        Relation(node["alias"], aliases[to["seed"]], (name,), (to["column"],), Kind.MANY_TO_MANY)
        for node in manifest.nodes.values()
        if node["resource_type"] == "seed" and node["name"] in aliases
        for name, column in node["columns"].items()
        if (to := column["config"]["meta"].get("many_to_many"))
    ]
    return Diagram(
        f"raw_{domain}",
        f"Raw tables of the {domain} domain",
        tuple(
            Table(
                seed.alias,
                seed.description,
                seed.column_types,
                frozenset(column.name for column in seed.columns if column.rules.key),
            )
            for seed in seeds
        ),
        tuple(sorted(references + joins)),
    )


def _of_marts(schema: str, marts: Iterable[Mart]) -> Diagram:
    tables = tuple(
        Table(
            mart.name,
            mart.description,
            {column.name: column.data_type for column in mart.columns},
            frozenset(mart.primary_key),
        )
        for mart in marts
    )
    relations = [
        Relation(
            mart.name,
            key.to_name,
            key.columns,
            key.to_columns,
            Kind.ONE_TO_ONE if set(key.columns) == set(mart.primary_key) else Kind.MANY_TO_ONE,
        )
        for mart in marts
        for key in mart.foreign_keys
        if key.to_schema == schema
    ]
    return Diagram(
        f"marts_{schema}",
        f"Published tables of schema {schema}",
        tables,
        tuple(sorted(relations)),
    )
