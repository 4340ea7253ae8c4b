"""The staff's index: what its extracts hold, relation by relation and column by column."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from orchestrate.reports import tables
from orchestrate.reports.catalog import Relation
from orchestrate.reports.edition import Edition
from orchestrate.reports.pages.layout import Definition, Folder
from orchestrate.reports.tables import Column

STAFF_NOTICE = (
    "Rows cover encounters of the payers whose rows may be extracted, and nothing about a patient "
    "is derived from others. Where counts cover other payers, 1 to 10 patients are left empty "
    "(is_suppressed), more are rounded to the nearest 10, and money to what ten of the procedure "
    "cost, 100 at least; it is left empty where it would tell more than the counts."
)
_NAME = Column("name", "Column")
_COLUMNS = (Column("data_type", "Type"), Column("description", "What it means"))


def staff_folder(relations: Sequence[Relation], edition: Edition, files: Sequence[str]) -> Folder:
    """Lay out the staff's folder, which has no pages; `files` are those of its extracts."""
    return Folder(
        title="Staff extracts",
        introduction=[
            "Each relation as a CSV file, and all of them in one workbook. Keys are pseudonyms, "
            "months are those in which an encounter started (UTC), ages are bands, and ZIP codes "
            "have three digits.",
        ],
        pages=[],
        edition=edition,
        notice=STAFF_NOTICE,
        definitions=[_definition(relation, files) for relation in relations],
    )


def _definition(relation: Relation, files: Sequence[str]) -> Definition:
    return Definition(
        name=relation.file_stem,
        description=relation.description,
        row_count=relation.row_count,
        table=tables.table(
            f"{relation.file_stem}-columns",
            f"Columns of {relation.file_stem}",
            pd.DataFrame(
                [(one.name, one.data_type, one.description) for one in relation.columns],
                columns=["name", "data_type", "description"],
                dtype=object,
            ),
            _NAME,
            _COLUMNS,
        ),
        files=[
            (f"extracts/{name}", name)
            for name in files
            if name.rpartition(".")[0] == relation.file_stem
        ],
    )
