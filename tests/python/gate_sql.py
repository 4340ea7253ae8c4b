"""The gate's tests as SQL: as dbt compiled them, or of other marts and variables.

Rendering is Jinja's alone, with the project's own macros and few words of dbt's, so that it takes
milliseconds; a test compares it with what dbt compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jinja2
import yaml

from orchestrate.settings import PROJECT_DIR

TAG = "publish_gate"
Mart = dict[str, Any]


class Relation(NamedTuple):
    """A relation as dbt writes it."""

    database: str
    schema: str
    identifier: str

    def __str__(self) -> str:
        return f'"{self.database}"."{self.schema}"."{self.identifier}"'


class EmptyRelation(Relation):
    """A relation as `dbt build --empty` writes it."""

    __slots__ = ()

    def __str__(self) -> str:
        alias = f"_dbt_limit_subq_{self.identifier}"
        return f"(select * from {super().__str__()} where false limit 0) {alias}"


class _ReturnedError(Exception):
    """What a macro gave back: dbt's return() ends it so, too."""


class Dbt:
    """The words of dbt's macros for PostgreSQL that the gate needs."""

    @staticmethod
    def string_literal(value: str) -> str:
        """Quote a text."""
        return f"'{value}'"

    @staticmethod
    def position(text: str, within: str) -> str:
        """Say where a text is."""
        return f"position(\n        {text} in {within}\n    )"

    @staticmethod
    def hash(expression: str) -> str:
        """Hash a text."""
        return f"md5(cast({expression} as TEXT))"


def compiled(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the gate's tests by name, as dbt compiled them."""
    return {
        node["name"]: node["compiled_code"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and TAG in node["tags"]
    }


def rendered(
    manifest: Mapping[str, Any],
    name: str,
    marts: Sequence[Mart] | None = None,
    variables: Mapping[str, object] | None = None,
    *,
    is_empty: bool = False,
) -> str:
    """Return a test's SQL; `marts` take the place of the project's, `variables` of its own.

    `is_empty`: as in `dbt build --empty`, where no relation has rows.
    """
    others = {"shown_marts": lambda: list(marts or ()), "unlisted_marts": list}
    macros = macros_of(manifest, variables, {} if marts is None else others, is_empty=is_empty)
    path = PROJECT_DIR / "tests" / "publish_gate" / f"{name}.sql"
    return macros.from_string(path.read_text(encoding="utf-8")).render()


def macros_of(
    manifest: Mapping[str, Any],
    variables: Mapping[str, object] | None = None,
    others: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
    *,
    is_empty: bool = False,
) -> jinja2.Environment:
    """Return an environment with the project's macros, or `others`, of a graph of these nodes."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    told = {**project["vars"], **(variables or {})}
    kind = EmptyRelation if is_empty else Relation
    relations = {
        node["name"]: kind(node["database"], node["schema"], node["alias"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    environment = jinja2.Environment(
        extensions=["jinja2.ext.do"],
        autoescape=jinja2.select_autoescape(default_for_string=False),  # it writes SQL
    )
    environment.globals.update(
        execute=True,
        graph=manifest,
        ref=relations.__getitem__,
        var=told.__getitem__,
        dbt=Dbt,
        flags={"EMPTY": is_empty},
        adapter={"dispatch": lambda name, _: environment.globals[f"postgres__{name}"]},
    )
    environment.globals["return"] = _give_back
    texts = [
        path.read_text(encoding="utf-8")
        for folder in ("disclosure", "publish_gate", "portability")
        for path in sorted((PROJECT_DIR / "macros" / folder).glob("*.sql"))
    ]
    macros: dict[str, Callable[..., Any]] = {}
    # Jinja looks names up when a file is loaded, and macros call those of later files.
    for name in re.findall(r"{% macro (\w+)", "".join(texts)):
        environment.globals[name] = _macro(macros, name)
    for text in texts:
        macros.update(vars(environment.from_string(text).module))
    macros.update(others)
    return environment


def _give_back(value: object) -> None:
    raise _ReturnedError(value)


def _macro(macros: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        try:
            return macros[name](*args, **more)
        except _ReturnedError as returned:
            return returned.args[0]

    return call


def made(columns: Mapping[str, str], schema: str = "management", **more: Any) -> Mart:
    """Return a mart `made` with these columns, the first one its key."""
    return {
        "name": "made",
        "relation": Relation("warehouse", schema, "made"),
        "columns": [
            {"name": name, "data_type": type_.partition("(")[0]} for name, type_ in columns.items()
        ],
        "key": list(columns)[:1],
        "is_scoped": False,
        "is_own": False,
        "disclosure": None,
        **more,
    }
