"""A build in which some models are mutants, beside the sound one, in a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import gate_sql
from psycopg2 import sql

from orchestrate.contracts.marts import Mart, is_public_mart, read_marts
from orchestrate.publishing.artifacts import Build

# The quickest test of the gate, which notices most mutants.
COUNTED = "assert_other_peoples_counts_follow_the_rule"
# What only residents are behind has no rule to break.
DOMAIN = ("advocacy", "clients", "management", "extracts")
PREFIX = "mutant_"


@dataclass(frozen=True)
class Mutated:
    """The warehouse's models, some of them rebuilt: `changed` are those that hold other rows."""

    build: Build
    cursor: Any
    changed: Mapping[str, Mapping[str, Any]]

    @property
    def shows_more(self) -> bool:
        """Whether a mart holds other rows."""
        return any(is_public_mart(node) for node in self.changed.values())

    def gate_refuses(self) -> str | None:
        """Return the test of the gate that fails; the quickest is asked first."""
        tests = gate_sql.compiled(self.build.manifest)
        for name in sorted(tests, key=lambda one: one != COUNTED):
            if self._fails(tests[name]):
                return name
        return None

    def test_fails(self) -> str | None:
        """Return the dbt test that fails, of those that ask a model that has changed."""
        for node in self.build.manifest["nodes"].values():
            if (
                node["resource_type"] == "test"
                and gate_sql.TAG not in node["tags"]
                and node["config"]["severity"].lower() == "error"
                and self.changed.keys() & set(node["depends_on"]["nodes"])
                and self._fails(node["compiled_code"])
            ):
                return str(node["name"])
        return None

    def _fails(self, test: str) -> bool:
        self.cursor.execute(f"select count(*) from (\n{self.placed(test)}\n) as failing")
        return bool(self.cursor.fetchone() != (0,))

    def placed(self, text: str) -> str:
        """Let SQL read the mutants."""
        for node in self.changed.values():
            place = f'"{node["database"]}"."{{}}{node["schema"]}"."{node["alias"]}"'
            text = text.replace(place.format(""), place.format(PREFIX))
        return text


def models_of(build: Build) -> dict[str, Mapping[str, Any]]:
    """Return the nodes of all models, a model after those that it reads."""
    nodes = {
        unique_id: node
        for unique_id, node in build.manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    order = TopologicalSorter(
        {unique_id: node["depends_on"]["nodes"] for unique_id, node in nodes.items()}
    )
    return {name: nodes[name] for name in order.static_order() if name in nodes}


def compiled(build: Build) -> dict[str, str]:
    """Return the compiled SQL of the tables about patients, by the models' names."""
    return {
        node["name"]: node["compiled_code"]
        for node in models_of(build).values()
        if node["config"]["materialized"] == "table" and set(node["fqn"]).intersection(DOMAIN)
    }


def rebuild(build: Build, cursor: Any, models: Mapping[str, str]) -> Mutated:
    """Build models from other SQL, and then what reads those that have come to hold other rows."""
    mutated = Mutated(build, cursor, {})
    for unique_id, node in models_of(build).items():
        parents = mutated.changed.keys() & set(node["depends_on"]["nodes"])
        if node["name"] not in models and not parents:
            continue
        text = mutated.placed(models.get(node["name"], node["compiled_code"]))
        sound = sql.Identifier(node["schema"], node["alias"])
        mutant = sql.Identifier(f"{PREFIX}{node['schema']}", node["alias"])
        cursor.execute(
            sql.SQL("create schema if not exists {}").format(
                sql.Identifier(f"{PREFIX}{node['schema']}")
            )
        )
        cursor.execute(sql.SQL("create table {} as {}").format(mutant, sql.SQL(text)))
        if _differ(cursor, sound, mutant):
            mutated = replace(mutated, changed={**mutated.changed, unique_id: node})
    return mutated


def _differ(cursor: Any, one: sql.Composable, other: sql.Composable) -> bool:
    question = sql.SQL(
        "select exists (table {one} except all table {other})"
        " or exists (table {other} except all table {one})"
    ).format(one=one, other=other)
    cursor.execute(question)
    return cursor.fetchone() == (True,)


def shown(build: Build, names: Sequence[str]) -> Iterator[tuple[str, Mart]]:
    """Yield the marts among the models of these names."""
    marts = {(mart.source_schema, mart.name): mart for mart in read_marts(build.manifest)}
    for node in models_of(build).values():
        mart = marts.get((node["schema"], node["alias"]))
        if mart is not None and node["name"] in names:
            yield node["name"], mart
