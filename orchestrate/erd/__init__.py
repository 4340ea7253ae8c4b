"""Entity-relationship diagrams of raw tables and marts, generated from dbt's artifacts."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from orchestrate.erd.mermaid import mermaid
from orchestrate.erd.model import Diagram, Kind, read_diagrams
from orchestrate.erd.svg import svg
from orchestrate.errors import ConfigurationError

__all__ = ["write_diagrams"]

INTRODUCTION = """\
# Entity-relationship diagrams

Drawn by `casebook erd` from dbt's artifacts; a test fails when they are stale. Each picture stands
beside this page as Mermaid text (`.mmd`) and as SVG. A line ends with a crow's foot at the table
with many rows and with a bar at the table with one; a dotted line joins without a key.

Marts are shown as dbt builds them. The publisher adds the column `version` to each of them.
"""


def write_diagrams(
    target_dir: Path, out_dir: Path, names: Collection[str] | None = None
) -> list[Path]:
    """Write each diagram as Mermaid and SVG, and README.md, which shows them all, into `out_dir`.

    One diagram for the raw tables of each domain, one for the marts of each schema. `target_dir`
    holds dbt's manifest.json and catalog.json; `names` chooses among the diagrams (None: all). The
    same artifacts give the same bytes. Returns the files written; raises ConfigurationError when an
    artifact is missing or `out_dir` unwritable.
    """
    diagrams = [
        diagram for diagram in read_diagrams(target_dir) if names is None or diagram.name in names
    ]
    texts = {"README.md": _page(diagrams)}
    for diagram in diagrams:
        texts[f"{diagram.name}.mmd"] = mermaid(diagram)
        texts[f"{diagram.name}.svg"] = svg(diagram)
    paths = []
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, text in sorted(texts.items()):
            path = out_dir / name
            path.write_text(text, encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise ConfigurationError(
            f"The diagrams cannot be written into {out_dir}: {error.strerror}.",
            "Give a folder that you may write to.",
        ) from error
    return paths


def _page(diagrams: list[Diagram]) -> str:
    parts = [INTRODUCTION]
    for diagram in diagrams:
        joins = [
            f"`{relation.child}` and `{relation.parent}` join on "
            f"`{', '.join(relation.child_columns)}`, many to many: a value may occur in several "
            "rows of either table, or in one table alone.\n"
            for relation in diagram.relations
            if relation.kind is Kind.MANY_TO_MANY
        ]
        parts += [
            f"## {diagram.title}\n",
            f"{diagram.description} [As a picture]({diagram.name}.svg).\n",
            *joins,
            f"```mermaid\n{mermaid(diagram)}```\n",
        ]
    return "\n".join(parts)
