"""A diagram as Mermaid text, which GitHub and many editors draw."""

from __future__ import annotations

import re

from orchestrate.erd.model import Column, Diagram, Kind

# Child on the left, parent on the right. A dotted line is a join that no key enforces.
SYMBOLS = {
    Kind.MANY_TO_ONE: "}o--||",
    Kind.ONE_TO_ONE: "|o--||",
    Kind.MANY_TO_MANY: "}o..o{",
}


def mermaid(diagram: Diagram) -> str:
    """Write a diagram in Mermaid's entity-relationship syntax."""
    lines = ["erDiagram"]
    for entity in diagram.entities:
        lines.append(f"    {entity.name} {{")
        lines += [f"        {_attribute(column)}" for column in entity.columns]
        lines.append("    }")
    for relation in diagram.relations:
        columns = ", ".join(relation.child_columns)
        lines.append(
            f'    {relation.child} {SYMBOLS[relation.kind]} {relation.parent} : "{columns}"'
        )
    return "\n".join(lines) + "\n"


def _attribute(column: Column) -> str:
    # Mermaid accepts neither spaces nor commas in a type.
    data_type = re.sub(r"\(.*\)", "", column.data_type).replace(" ", "_")
    marks = [
        mark for mark, is_set in (("PK", column.is_key), ("FK", column.is_reference)) if is_set
    ]
    return f"{data_type} {column.name} {', '.join(marks)}".rstrip()
