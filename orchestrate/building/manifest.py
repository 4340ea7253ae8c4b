"""Typed views of dbt's manifest.json: the one description of raw tables, models and tests.

Nothing here imports dbt: a manifest that another scheduler wrote is read just the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrate.building.rules import (
    NO_RULES,
    ColumnRules,
    Reference,
    column_rules,
    references,
)
from orchestrate.errors import ConfigurationError


@dataclass(frozen=True)
class SeedColumn:
    """One column of a raw table.

    `type` is the PostgreSQL type as written in the seed's `column_types`. `required` (the column's
    meta): a row without a value is refused. `optional`: the column itself may lack. `rules` are the
    other demands and oddities.
    """

    name: str
    type: str
    description: str
    required: bool
    rules: ColumnRules = NO_RULES
    optional: bool = False


@dataclass(frozen=True)
class SeedDefinition:
    """A raw table as a dbt seed describes it; grain: one per seed of the project.

    `domain` is the folder below seeds/ (`residency`, `advocacy`, `reference`); `schema` and `alias`
    are where dbt would create the table; `path` is the CSV file of the sample. `personal` (the
    seed's meta): rows say something about persons, so no message may show a value of theirs.
    `may_lack` (the seed's meta, `columns_may_lack`): a file may do without columns in which no
    value is required.
    """

    name: str
    domain: str
    schema: str
    alias: str
    path: Path
    description: str
    personal: bool
    may_lack: bool
    columns: tuple[SeedColumn, ...]

    @property
    def column_types(self) -> dict[str, str]:
        """Type per column name, in declared order."""
        return {column.name: column.type for column in self.columns}


@dataclass(frozen=True)
class SourceTable:
    """A table of a dbt source: where an export or Airbyte lands."""

    source: str
    table: str
    schema: str
    identifier: str


@dataclass(frozen=True)
class Manifest:
    """What dbt knows about the project. `nodes` are the raw nodes by unique id."""

    seeds: tuple[SeedDefinition, ...]
    sources: tuple[SourceTable, ...]
    nodes: Mapping[str, Mapping[str, Any]] = field(repr=False)
    function_count: int

    @classmethod
    def read(cls, target_dir: Path) -> Manifest:
        """Read `target_dir`/manifest.json.

        Raises ConfigurationError when there is none, or when it is not a manifest.
        """
        path = target_dir / "manifest.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigurationError(
                f"There is no manifest.json in {target_dir}.",
                "Run `casebook run` or `dbt build` first, or name dbt's target folder.",
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{path} cannot be read as a dbt manifest: {error}.",
                "Build again, so that dbt writes it anew.",
            ) from error
        if not isinstance(content, dict) or "nodes" not in content:
            raise ConfigurationError(
                f"{path} is not a dbt manifest.", "Build again, so that dbt writes it anew."
            )
        return cls.from_content(content)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Manifest:
        """Make the views from a parsed manifest."""
        nodes: Mapping[str, Mapping[str, Any]] = content["nodes"]
        referred = references(nodes)
        return cls(
            seeds=tuple(
                _seed(unique_id, node, referred)
                for unique_id, node in nodes.items()
                if node["resource_type"] == "seed"
            ),
            sources=tuple(
                SourceTable(
                    source=source["source_name"],
                    table=source["name"],
                    schema=source["schema"],
                    identifier=source["identifier"],
                )
                for source in content.get("sources", {}).values()
            ),
            nodes=nodes,
            function_count=len(content.get("functions", {})),
        )

    def domain_seeds(self, domain: str) -> tuple[SeedDefinition, ...]:
        """Return the seeds of one domain, in the order of the project."""
        return tuple(seed for seed in self.seeds if seed.domain == domain)

    def export_schema(self, domain: str) -> str:
        """Return the schema in which the export of a domain lands (source `<domain>_export`)."""
        for source in self.sources:
            if source.source == f"{domain}_export":
                return source.schema
        raise ConfigurationError(
            f"The project declares no source {domain}_export.",
            f"Declare it in models/staging/{domain}/.",
        )

    def landed_tables(self, domain: str) -> tuple[SourceTable, ...]:
        """Return the tables that Airbyte lands for a domain (source `<domain>_landed`).

        The source is enabled where the domain's source is `landed`.
        """
        tables = tuple(table for table in self.sources if table.source == f"{domain}_landed")
        if not tables:
            raise ConfigurationError(
                f"The project declares no source {domain}_landed, or it is not enabled.",
                f"Declare it in models/landed/{domain}/.",
            )
        return tables

    def task_count(self) -> int:
        """Count what a build works on: models, unless ephemeral, functions and tests of data."""
        kinds = {"model", "test", "snapshot"}
        return self.function_count + sum(
            bool(node["resource_type"] in kinds)
            and bool(node.get("config", {}).get("enabled", True))
            and bool(node.get("config", {}).get("materialized") != "ephemeral")
            for node in self.nodes.values()
        )


def _seed(
    unique_id: str, node: Mapping[str, Any], referred: Mapping[tuple[str, str], Reference]
) -> SeedDefinition:
    config = node["config"]
    types: Mapping[str, str] = config.get("column_types") or {}
    described: Mapping[str, Mapping[str, Any]] = node.get("columns") or {}
    return SeedDefinition(
        name=node["name"],
        domain=node["fqn"][1] if len(node["fqn"]) > 2 else node["package_name"],
        schema=node["schema"],
        alias=node["alias"],
        path=Path(node["root_path"]) / node["original_file_path"],
        description=(node.get("description") or "").strip(),
        personal=bool((config.get("meta") or {}).get("personal", False)),
        may_lack=bool((config.get("meta") or {}).get("columns_may_lack", False)),
        columns=tuple(
            _column(name, type_, described.get(name, {}), referred.get((unique_id, name)))
            for name, type_ in types.items()
        ),
    )


def _column(
    name: str, type_: str, described: Mapping[str, Any], reference: Reference | None
) -> SeedColumn:
    meta: Mapping[str, Any] = described.get("config", {}).get("meta") or {}
    return SeedColumn(
        name=name,
        type=type_,
        description=(described.get("description") or "").strip(),
        required=bool(meta.get("required", False)),
        rules=column_rules(meta, reference),
        optional=bool(meta.get("optional", False)),
    )
