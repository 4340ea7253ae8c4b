"""Functions that readers may call, as dbt's manifest has them: a node of `functions/` each.

A function answers what no table can, such as distinct patients in any span of months. It runs with
the rights of its caller, so it reads what the caller may read and row security decides as in any
query. Its body is the one that dbt compiled, with the marts' names as readers know them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from orchestrate.contracts.marts import Mart
from orchestrate.contracts.names import (
    Refused,
    canonical_type,
    name_problems,
    published_name,
    read_meta,
    read_readers,
)
from orchestrate.errors import DataError

LANGUAGES: Final = ("sql", "plpgsql")

_FOLDER: Final = "functions/"
_TABLE: Final = re.compile(r"\s*table\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
# A comma between columns, not the one in numeric(18, 2).
_COMMA: Final = re.compile(r",(?![^()]*\))")


@dataclass(frozen=True)
class Argument:
    """An argument of a function; one that is optional is null when left out."""

    name: str
    data_type: str
    is_optional: bool = False


@dataclass(frozen=True)
class Function:
    """A function that readers may call.

    `returns` is spelled as pg_get_function_result spells it, for instance
    `TABLE(organization_name text, patient_count integer)`.
    """

    unique_id: str
    schema: str
    name: str
    description: str
    arguments: tuple[Argument, ...]
    returns: str
    language: str
    body: str
    readers: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(replace(self, readers={})), "readers": dict(self.readers)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Function:
        """Read what `as_json` returned."""
        arguments = tuple(Argument(**one) for one in content["arguments"])
        return cls(**{**content, "arguments": arguments})

    @property
    def relation(self) -> str:
        """The function's name for people, `schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def signature(self) -> str:
        """The arguments that identify it, as pg_get_function_identity_arguments spells them."""
        return ", ".join(f"{one.name} {one.data_type}" for one in self.arguments)

    @property
    def declaration(self) -> str:
        """The arguments with their defaults, as pg_get_function_arguments spells them."""
        return ", ".join(
            f"{one.name} {one.data_type}"
            + (f" DEFAULT NULL::{one.data_type}" if one.is_optional else "")
            for one in self.arguments
        )


def read_functions(manifest: Mapping[str, Any], marts: Sequence[Mart]) -> list[Function]:
    """Read the functions of a manifest, by name; `marts` are those that readers see.

    Raises DataError that names every function that cannot be published, and why.
    """
    functions: list[Function] = []
    problems: list[str] = []
    for node in manifest.get("functions", {}).values():
        if not node["original_file_path"].replace("\\", "/").startswith(_FOLDER):
            continue
        try:
            functions.append(_read_function(node, marts, manifest["nodes"]))
        except Refused as refusal:
            name = ".".join(published_name(node))
            problems.extend(f"{name}: {text}" for text in refusal.texts)
    if problems:
        raise DataError(
            "Functions that cannot be published: " + "; ".join(problems[:10]) + ".",
            "Complete them in functions/, build again, then publish.",
        )
    return sorted(functions, key=lambda function: function.relation)


def _read_function(
    node: Mapping[str, Any], marts: Sequence[Mart], nodes: Mapping[str, Mapping[str, Any]]
) -> Function:
    schema, name = published_name(node)
    problems = name_problems(schema, name, *(one["name"] for one in node["arguments"]))
    if schema not in {mart.schema for mart in marts}:
        problems.append(f"schema '{schema}' has no mart")
    description = (node.get("description") or "").strip()
    if not description:
        problems.append("it has no description")
    language = read_meta(node).get("language", "sql")
    if language not in LANGUAGES:
        problems.append(f"its language is '{language}'; use {', '.join(LANGUAGES)}")
    arguments = _read_arguments(node, problems)
    returns = _read_returns(node, problems)
    readers = read_readers(node, problems)
    _check_what_it_reads(node, readers, marts, problems)
    body = _read_body(node, marts, nodes, problems)
    if problems:
        raise Refused(problems)
    return Function(
        unique_id=node["unique_id"],
        schema=schema,
        name=name,
        description=description,
        arguments=tuple(arguments),
        returns=returns,
        language=language,
        body=body,
        readers=MappingProxyType(dict(sorted(readers.items()))),
    )


def _read_arguments(node: Mapping[str, Any], problems: list[str]) -> list[Argument]:
    arguments = []
    for entry in node["arguments"]:
        name, default = entry["name"], entry.get("default_value")
        data_type = _bare_type(entry.get("data_type") or "")
        if data_type is None:
            problems.append(f"argument {name} has a type that marts do not use")
        if not (entry.get("description") or "").strip():
            problems.append(f"argument {name} has no description")
        if default is not None and str(default).strip().lower() != "null":
            problems.append(f"argument {name} has a default other than null")
        arguments.append(Argument(name, data_type or "", default is not None))
    return arguments


def _read_returns(node: Mapping[str, Any], problems: list[str]) -> str:
    """Spell the result as the server does: one type, or `table (name type, …)`."""
    text = (node.get("returns") or {}).get("data_type") or ""
    table = _TABLE.fullmatch(text)
    if not table:
        data_type = _bare_type(text)
        if data_type is None:
            problems.append(f"it returns '{text}', which is neither a type of marts nor a table")
        return data_type or ""
    columns = []
    for column in _COMMA.split(table.group(1)):
        name, _, written = column.strip().partition(" ")
        data_type = _bare_type(written)
        if data_type is None or name_problems(name):
            problems.append(f"it returns a column '{column.strip()}' that marts could not have")
        columns.append(f"{name} {data_type}")
    return f"TABLE({', '.join(columns)})"


def _bare_type(data_type: str) -> str | None:
    """Spell a type as the server does for functions, which know no precision."""
    canonical = canonical_type(data_type)
    return canonical and canonical.partition("(")[0]


def _check_what_it_reads(
    node: Mapping[str, Any],
    readers: Mapping[str, str],
    marts: Sequence[Mart],
    problems: list[str],
) -> None:
    """Whoever may call it must be able to read what it reads, and in the same way."""
    published = {mart.unique_id: mart for mart in marts}
    for unique_id in node.get("depends_on", {}).get("nodes", ()):
        mart = published.get(unique_id)
        if mart is None:
            problems.append(f"it reads {unique_id}, which is no public mart")
            continue
        problems.extend(
            f"audience {audience} reads it by '{reading}', but"
            f" {mart.relation} by '{mart.readers.get(audience, 'nothing')}'"
            for audience, reading in readers.items()
            if mart.readers.get(audience) != reading
        )


def _read_body(
    node: Mapping[str, Any],
    marts: Sequence[Mart],
    nodes: Mapping[str, Mapping[str, Any]],
    problems: list[str],
) -> str:
    """Return the compiled body with names as in reporting, which has no other database's."""
    body = node.get("compiled_code") or ""
    if not body.strip():
        problems.append("it has no compiled body")
    for mart in marts:
        built = nodes[mart.unique_id]
        relation = f'"{built["database"]}"."{mart.source_schema}"."{mart.name}"'
        body = body.replace(relation, f'"{mart.schema}"."{mart.name}"')
    database = re.escape(node["database"])
    part = r"(?:\"[^\"]+\"|\w+)"
    foreign = re.compile(
        rf"(?<![\w\"])(?:\"{database}\"|{database})\s*\.\s*{part}\s*\.\s*{part}", re.I
    )
    problems.extend(f"its body names {found}" for found in sorted(set(foreign.findall(body))))
    return body
