"""The read-me of an extract: what it is, of which version and source, what each column means.

One list of lines serves the workbook's first sheet, README.csv and README.txt.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Sequence
from datetime import date

from orchestrate.cells import csv_cell
from orchestrate.reports.catalog import Relation
from orchestrate.reports.edition import (
    Edition,
    as_of_line,
    coverage_line,
    edition_line,
    source_line,
)
from orchestrate.reports.pages.clients import VISIBILITY_NOTICE
from orchestrate.reports.pages.program import OWN_ROWS_NOTICE
from orchestrate.reports.recipients import CLIENT, MANAGEMENT, PROGRAM, RESIDENT, STAFF, Recipient
from orchestrate.reports.text import counted, moment

_WIDTH = 100
_TITLES = {
    PROGRAM: "Residency case logs",
    RESIDENT: "My case log",
    MANAGEMENT: "Management",
    STAFF: "Staff",
}
_RULE = (
    "Counts of patients of other payers follow one rule: 1 to 10 patients are left empty "
    "(is_suppressed), more are rounded to the nearest 10, money to the nearest multiple of what "
    "ten of the procedure cost, 100 at least, and left empty where it would tell more than counts."
)
_COVERAGE = {
    PROGRAM: ("Rows cover every study of the residency export.",),
    RESIDENT: (OWN_ROWS_NOTICE,),
    CLIENT: (VISIBILITY_NOTICE,),
    MANAGEMENT: ("Each relation says below which patients it covers.", _RULE),
    STAFF: ("Rows cover encounters of the payers whose rows may be extracted.", _RULE),
}
_DEIDENTIFIED = (
    "Keys are pseudonyms, made anew for each reader and purpose. Months are those in which an "
    "encounter started (UTC), ages are bands, ZIP codes have three digits."
)
_CSV_HINT = (
    "In the CSV files a ' stands before text that a spreadsheet could take for a formula, also "
    "after a semicolon, comma, bar, tab or line break within a cell, since any of these may "
    "separate columns where the file is opened. In the workbook control characters are left out, "
    "and text longer than a cell ends with …."
)

Line = tuple[str, ...]


def readme_lines(
    recipient: Recipient, edition: Edition, relations: Sequence[Relation]
) -> list[Line]:
    """Return the read-me as lines of up to four cells; an empty one stands between its parts."""
    return [
        (f"Casebook extracts: {title_of(recipient)}",),
        *_facts(recipient, edition),
        (),
        ("Relation", "Schema", "Rows", "What it holds"),
        *(
            (
                relation.file_stem,
                relation.schema,
                str(relation.row_count),
                " ".join([relation.description, *_spans(relation)]),
            )
            for relation in relations
        ),
        (),
        ("Relation", "Column", "Type", "What it means"),
        *(
            (relation.file_stem, column.name, column.data_type, column.description)
            for relation in relations
            for column in relation.columns
        ),
    ]


def title_of(recipient: Recipient) -> str:
    """Return whose extracts they are, as a heading."""
    return recipient.client_name or _TITLES[recipient.audience]


def readme_csv(lines: Sequence[Line]) -> str:
    """Return the read-me as CSV, four columns."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for line in lines:
        writer.writerow([csv_cell(cell) for cell in (*line, "", "", "", "")[:4]])
    return buffer.getvalue()


def readme_text(recipient: Recipient, edition: Edition, relations: Sequence[Relation]) -> str:
    """Return the read-me for people without a spreadsheet."""
    title = f"Casebook extracts: {title_of(recipient)}"
    parts = [title, "=" * len(title)]
    parts += [_wrapped(f"{name}: {value}", "") for name, value in _facts(recipient, edition)]
    for relation in relations:
        head = (
            f"{relation.file_stem} ({relation.label}, {counted(relation.row_count, 'row', 'rows')})"
        )
        parts += ["", head, "-" * len(head)]
        parts += [_wrapped(" ".join([relation.description, *_spans(relation)]), "")]
        parts += [
            _wrapped(f"{column.name} ({column.data_type}): {column.description}", "  ")
            for column in relation.columns
        ]
    return "\n".join(parts) + "\n"


def _facts(recipient: Recipient, edition: Edition) -> list[tuple[str, str]]:
    """Return what holds for all relations, as name and sentence."""
    published_at = edition.published_at
    told = (
        ("Version", str(edition.version) if published_at else edition_line(edition)),
        ("As of", as_of_line(edition)),
        ("Period", coverage_line(edition)),
        ("Source", source_line(edition)),
        ("Published", moment(published_at) if published_at else ""),
    )
    facts = [(name, fact) for name, fact in told if fact]
    facts += [("Coverage", sentence) for sentence in _COVERAGE[recipient.audience]]
    if recipient.audience not in (PROGRAM, RESIDENT):
        facts.append(("De-identified", _DEIDENTIFIED))
    return [*facts, ("How to read", _CSV_HINT)]


def _spans(relation: Relation) -> list[str]:
    return [f"{name} from {_day(first)} to {_day(last)}." for name, first, last in relation.spans]


def _day(value: date) -> str:
    return value.isoformat()


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
    )
