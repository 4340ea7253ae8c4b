"""Entity-relationship diagrams of raw tables and marts, generated from dbt's manifest."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from orchestrate.building.manifest import Manifest
from orchestrate.erd.diagram import Diagram, read_diagrams
from orchestrate.erd.svg import svg
from orchestrate.errors import ConfigurationError

__all__ = ["write_diagrams"]

INTRODUCTION = """\
# Entity-relationship diagrams

Drawn by `casebook erd` from dbt's manifest; a test fails when they are stale. Each picture stands
beside this page as Mermaid text (`.mmd`) and as SVG. A line ends with a crow's foot at the table
with many rows and with a bar at the table with one; a dotted line joins without a key: a value may
occur in several rows of either table, or in one table alone.

Raw tables are as exported, before any rule is applied; published tables are as readers see them.
"""


def write_diagrams(
    manifest: Manifest, out_dir: Path, names: Collection[str] | None = None
) -> list[Path]:
    """Write each diagram as Mermaid and SVG, and README.md, which shows them all, into `out_dir`.

    One diagram for the raw tables of each domain, one for the marts of each schema; `names` chooses
    among them (None: all). The same manifest gives the same bytes. Returns the files written;
    raises ConfigurationError when `out_dir` is unwritable.
    """
    page, texts = INTRODUCTION, {}
    for diagram in read_diagrams(manifest):
        if names is None or diagram.name in names:
            texts[f"{diagram.name}.mmd"] = text = mermaid(diagram)
            texts[f"{diagram.name}.svg"] = svg(diagram)
            page += f"\n## {diagram.title}\n\n[As a picture]({diagram.name}.svg).\n"
            page += f"\n```mermaid\n{text}```\n"
    texts["README.md"] = page
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out_dir / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(
            f"The diagrams cannot be written into {out_dir}: {error.strerror}.",
            "Give a folder that you may write to.",
        ) from error
    return [out_dir / name for name in sorted(texts)]


def mermaid(diagram: Diagram) -> str:
    """Write a diagram in Mermaid's entity-relationship syntax, children on the left."""
    lines = ["erDiagram"]
    for table in diagram.tables:
        lines.append(f"    {table.name} {{")
        for name, data_type in table.columns.items():
            # Mermaid accepts neither spaces nor commas in a type, and wants commas between marks.
            word = re.sub(r"\(.*\)", "", data_type).replace(" ", "_")
            marks = diagram.marks(table, name).replace(" ", ", ")
            lines.append(f"        {word} {name} {marks}".rstrip())
        lines.append("    }")
    for one in diagram.relations:
        by = ", ".join(one.child_columns)
        lines.append(f'    {one.child} {one.kind} {one.parent} : "{by}"')
    return "\n".join(lines) + "\n"
