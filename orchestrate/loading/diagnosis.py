"""What PostgreSQL says about a row that it cannot take, told as file, line, column and reason.

Values are shown only from files that say nothing about persons: in a row whose columns are shifted,
any column may hold a name.
"""

from __future__ import annotations

import re

import psycopg2
from psycopg2 import errorcodes

from orchestrate.building.manifest import SeedDefinition
from orchestrate.errors import CasebookError, DatabaseError
from orchestrate.loading.headers import HeaderMatch
from orchestrate.loading.problems import bad_file
from orchestrate.loading.records import Record, record_at
from orchestrate.loading.scan import ScannedFile

REQUIRED = "required_"
FINITE = "finite_"

# COPY studies__loading, line 17, column finalized: "…"; also in other languages.
_CONTEXT = re.compile(r"^COPY [^,]+, \D+ (?P<line>\d+)(?:, [^\s,]+ (?P<column>\w+))?")
_SHOWN_LENGTH = 40
_BAD_VALUE_CODES = {
    errorcodes.INVALID_TEXT_REPRESENTATION,
    errorcodes.INVALID_DATETIME_FORMAT,
    errorcodes.DATETIME_FIELD_OVERFLOW,
    errorcodes.INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
    errorcodes.NUMERIC_VALUE_OUT_OF_RANGE,
    errorcodes.INVALID_PARAMETER_VALUE,
}


def explain(
    error: psycopg2.Error, scanned: ScannedFile, match: HeaderMatch, seed: SeedDefinition
) -> CasebookError:
    """Return the error to show for what a COPY of `scanned` into `seed`'s table raised."""
    found = _CONTEXT.match(error.diag.context or "")
    record = record_at(scanned.path, int(found["line"])) if found else None
    line = record.first_line if record else int(found["line"]) if found else None
    last_line = record.last_line if record else None
    column = found["column"] if found else None
    code = error.pgcode or ""
    if code == errorcodes.CHECK_VIOLATION:
        constraint = error.diag.constraint_name or ""
        column = constraint.removeprefix(REQUIRED).removeprefix(FINITE)
        reason = "a value is required"
        if constraint.startswith(FINITE):
            reason = f"{_value(record, match, column, seed)} is not finite"
    elif code in _BAD_VALUE_CODES and column is not None:
        value = _value(record, match, column, seed)
        reason = f"{value} {_complaint(seed.column_types.get(column, ''), code)}"
    elif code == errorcodes.BAD_COPY_FILE_FORMAT:
        column, reason = None, _shape(record, len(match.columns))
    else:
        primary = error.diag.message_primary or "no reason given"
        return DatabaseError(
            f"The warehouse refused {scanned.name}: {primary}.",
            "Nothing was replaced.",
        )
    return bad_file(scanned.name, reason, line=line, last_line=last_line, column=column)


def _shape(record: Record | None, expected: int) -> str:
    if record is None or len(record.fields) == expected:
        return "the line ends are mixed; all lines must end alike"
    if not record.fields:
        return "the line is empty"
    fields = "1 field" if len(record.fields) == 1 else f"{len(record.fields)} fields"
    return f"the row has {fields}, the header has {expected}"


def _value(record: Record | None, match: HeaderMatch, column: str, seed: SeedDefinition) -> str:
    if seed.personal or record is None or len(record.fields) != len(match.columns):
        return "the value (not shown)"
    value = record.fields[match.columns.index(column)]
    shortened = value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…"
    return repr(shortened)


def _complaint(type_: str, code: str) -> str:
    if type_.startswith("timestamp"):
        return "is not a date and time"
    if type_ == "date":
        return "is not a date"
    if type_ == "boolean":
        return "is neither true nor false"
    if code == errorcodes.NUMERIC_VALUE_OUT_OF_RANGE:
        return "is too large a number"
    return "is not a number"
