"""Functions that readers may call, as dbt's manifest has them: a node of `functions/` each.

A function answers what no table can, such as distinct patients in any span of months. It runs with
the rights of its caller, so it reads what the caller may read. What it is made of is in the
warehouse, where dbt built it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrate.contracts.marts import Mart
from orchestrate.contracts.names import name_problems, published_name, read_readers
from orchestrate.errors import DataError

_FOLDER: Final = "functions/"


@dataclass(frozen=True)
class Function:
    """A function that readers may call; `source_schema` is where dbt built it."""

    schema: str
    name: str
    source_schema: str
    description: str
    readers: Mapping[str, str]


def read_functions(manifest: Mapping[str, Any], marts: Sequence[Mart]) -> list[Function]:
    """Read the functions of a manifest, by name; `marts` are those that readers see.

    Raises DataError that names every function that cannot be published, and why.
    """
    functions: list[Function] = []
    problems: list[str] = []
    for node in manifest.get("functions", {}).values():
        if not node["original_file_path"].replace("\\", "/").startswith(_FOLDER):
            continue
        schema, name = published_name(node)
        found = name_problems(schema, name)
        description = (node.get("description") or "").strip()
        if not description:
            found.append("it has no description")
        readers = read_readers(node, found)
        found.extend(_reading_problems(node, readers, marts))
        problems.extend(f"{schema}.{name}: {text}" for text in found)
        functions.append(Function(schema, name, node["schema"], description, readers))
    if problems:
        raise DataError(
            "Functions that cannot be published: " + "; ".join(problems[:10]) + ".",
            "Complete them in functions/, build again, then publish.",
        )
    return sorted(functions, key=lambda function: (function.schema, function.name))


def _reading_problems(
    node: Mapping[str, Any], readers: Mapping[str, str], marts: Sequence[Mart]
) -> Iterator[str]:
    """Whoever may call it must be able to read what it reads, and in the same way."""
    published = {mart.unique_id: mart for mart in marts}
    for unique_id in node.get("depends_on", {}).get("nodes", ()):
        mart = published.get(unique_id)
        if mart is None:
            yield f"it reads {unique_id}, which is no public mart"
            continue
        for audience, reading in readers.items():
            if mart.readers.get(audience) != reading:
                yield (
                    f"audience {audience} reads it by '{reading}', but {mart.relation} by"
                    f" '{mart.readers.get(audience, 'nothing')}'"
                )
