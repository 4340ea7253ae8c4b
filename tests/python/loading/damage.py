"""Exports of both domains, small and sound, and ways to damage them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Table = list[list[str]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

STUDIES = [
    ["priorities", "exam Code", "procedure name", "trainee Name", "finalized", "modality_id",
     "organization_id"],
    ["3", "XR1", "Chest 2 views", "Okafor, Chidi", "2018-07-01 08:00:00", "1", "1"],
    ["3", "CT1", "CT abdomen", "Åse Ødegård", "2018-07-02 09:30:00", "2", "1"],
    ["1", "CT1", "CT abdomen", "Åse Ødegård", "2018-07-02T09:31:00Z", "2", "2"],
    ["1", "CT1", "CT abdomen", "Åse Ødegård", "2018-07-02T09:31:00Z", "2", "2"],
    ["", "MR9", 'MR "brain"', "Lee, Ann", "7/4/2018 8:00 PM", "3", "2"],
    ["2", "XR1", "Chest\n2 views", "Lee, Ann", "2018-07-05 10:00+02", "1", "1"],
]  # fmt: skip
PATIENT = ["Mr.", "Ann1", "Lee2", "", "", "M", "white", "hispanic", "F", "Boston", "1 Way, Apt 2",
           "Boston", "MA", "Suffolk", "02115"]  # fmt: skip
ENCOUNTER = ["ambulatory", "185347001", "Visit", "85.55", "1018.02", "0", "", ""]
SOUND: dict[str, dict[str, Table]] = {
    "residency": {
        "studies.csv": STUDIES,
        "organizations.csv": [["id", "organization_code"], ["1", "MAIN"], ["2", "EAST"]],
        "modalities.csv": [["id", "modality_code"], ["1", "XR"], ["2", "CT"], ["3", "MR"]],
        "exam_to_cpt.csv": [
            ["exam_code", "cpt", "rvu"],
            ["XR1", "71046", "0.22"],
            ["CT1", "74177", "1.82"],
            ["CT1", "76377", ""],
        ],
    },
    "advocacy": {
        "patients.csv": [
            ["Id", "BIRTHDATE", "DEATHDATE", "PREFIX", "FIRST", "LAST", "SUFFIX", "MAIDEN",
             "MARITAL", "RACE", "ETHNICITY", "GENDER", "BIRTHPLACE", "ADDRESS", "CITY", "STATE",
             "COUNTY", "ZIP", "LAT", "LON"],
            ["p1", "1950-01-31", "", *PATIENT, "42.3", "-71.0"],
            ["p2", "1960-02-29", "2012-01-01", *PATIENT, "42.31", "-71.05"],
            ["p3", "1970-12-31", "", *PATIENT, "", ""],
        ],
        "encounters.csv": [
            ["Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PAYER", "ENCOUNTERCLASS", "CODE",
             "DESCRIPTION", "BASE_ENCOUNTER_COST", "TOTAL_CLAIM_COST", "PAYER_COVERAGE",
             "REASONCODE", "REASONDESCRIPTION"],
            ["e1", "2011-01-02T09:26:36Z", "2011-01-02T12:58:36Z", "p1", "o1", "y1", *ENCOUNTER],
            ["e2", "2011-02-02T09:26:36Z", "", "p1", "o1", "y2", *ENCOUNTER],
            ["e3", "2011-03-02T09:26:36Z", "2011-03-02T09:26:36Z", "p2", "o1", "y1", *ENCOUNTER],
            ["e4", "2011-04-02T09:26:36Z", "2011-04-03T12:58:36Z", "p3", "o1", "y2", *ENCOUNTER],
        ],
        "procedures.csv": [
            ["START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST",
             "REASONCODE", "REASONDESCRIPTION"],
            ["2011-01-02T09:26:36Z", "2011-01-02T12:58:36Z", "p1", "e1", "265764009",
             "Renal dialysis", "903", "", ""],
            ["2011-03-02T09:26:36Z", "", "p2", "e3", "76601001", "Injection", "12.5", "", ""],
            ["2011-04-02T09:26:36Z", "2011-04-02T10:26:36Z", "p3", "e4", "76601001", "Injection",
             "12.5", "1", "Why"],
        ],
        "payers.csv": [
            ["Id", "NAME", "ADDRESS", "CITY", "STATE_HEADQUARTERED", "ZIP", "PHONE"],
            ["y1", "Humana", "", "", "", "", ""],
            ["y2", "UnitedHealthcare", "1 Way", "X", "MN", "00001", "1-800"],
        ],
        "organizations.csv": [
            ["Id", "NAME", "ADDRESS", "CITY", "STATE", "ZIP", "LAT", "LON"],
            ["o1", "GENERAL", "55 FRUIT ST", "BOSTON", "MA", "02114", "42.3", "-71"],
        ],
    },
}  # fmt: skip

ODD_VALUES = [
    "", " ", "x", "0", "1", "-1", "-0.004", "1e3", "1e400", "9" * 25, "NaN", "Infinity",
    "-infinity", "90.5", "1749-12-31", "1899-12-31 23:59:59", "2100-01-02", "9999-12-31",
    "2018-02-30", "13/13/2018",
    "2018-07-01 25:00", "epoch", "now", " Today", "p1", " p1 ", "P1", "p9", "e1", "e9", "o1", "y1",
    "\\.", "\\N",
    "a\nb", "a\r\nb", '"', '""', "=1+1", "Ünï, 𝄞", "x" * 300,
]  # fmt: skip
ODD_BYTES = [b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xc3", b"\\", b"-", b"9", b" "]


def written(table: Table, line_end: str = "\n") -> bytes:
    """Return a table as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_MINIMAL).writerows(
        # The writer would leave a line of one empty cell without quotes, which is another thing.
        row or [""]
        for row in table
    )
    return text.getvalue().encode()


def change_cell(table: Table, draw: Draw) -> None:
    row = table[draw(st.integers(min(1, len(table) - 1), len(table) - 1))]
    if row:
        row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(ODD_VALUES))


def repeat_row(table: Table, draw: Draw) -> None:
    table.append(list(table[draw(st.integers(0, len(table) - 1))]))


def repeat_row_changed(table: Table, draw: Draw) -> None:
    repeat_row(table, draw)
    if table[-1]:
        table[-1][draw(st.integers(0, len(table[-1]) - 1))] = draw(st.sampled_from(ODD_VALUES))


def drop_row(table: Table, draw: Draw) -> None:
    del table[draw(st.integers(0, len(table) - 1))]
    if not table:
        table.append([""])


def drop_field(table: Table, draw: Draw) -> None:
    row = table[draw(st.integers(0, len(table) - 1))]
    if len(row) > 1:
        del row[draw(st.integers(0, len(row) - 1))]


def add_field(table: Table, draw: Draw) -> None:
    table[draw(st.integers(0, len(table) - 1))].append(draw(st.sampled_from(ODD_VALUES)))


def drop_column(table: Table, draw: Draw) -> None:
    place = draw(st.integers(0, len(table[0]) - 1))
    for row in table:
        if len(row) > place and len(row) > 1:
            del row[place]


def add_column(table: Table, draw: Draw) -> None:
    place = draw(st.integers(0, len(table[0])))
    name = draw(st.sampled_from(["note", "", "I-D", "Trainee_NAME"]))
    for number, row in enumerate(table):
        row.insert(place, "secret" if number else name)


def reorder_columns(table: Table, draw: Draw) -> None:
    width = len(table[0])
    order = draw(st.permutations(range(width)))
    for row in table:
        if len(row) == width:
            row[:] = [row[place] for place in order]


def respell_header(table: Table, draw: Draw) -> None:
    spell = draw(st.sampled_from([str.upper, str.title, lambda name: name.replace("_", " - ")]))
    table[0] = [spell(name) for name in table[0]]


TABLE_DAMAGES = [
    *[change_cell] * 6, *[repeat_row, repeat_row_changed, drop_row, drop_field, add_field] * 2,
    drop_column, add_column, reorder_columns, respell_header,
]  # fmt: skip


def insert_bytes(content: bytes, draw: Draw) -> bytes:
    place = draw(st.integers(0, len(content)))
    return content[:place] + draw(st.sampled_from(ODD_BYTES)) + content[place:]


def delete_bytes(content: bytes, draw: Draw) -> bytes:
    place = draw(st.integers(0, len(content)))
    return content[:place] + content[place + draw(st.integers(1, 3)) :]


def cut_off(content: bytes, draw: Draw) -> bytes:
    return content[: draw(st.integers(0, len(content)))]


def add_empty_line(content: bytes, draw: Draw) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(draw(st.integers(0, len(lines))), b"\n")
    return b"".join(lines)


def end_lines_otherwise(content: bytes, draw: Draw) -> bytes:
    return content.replace(b"\n", draw(st.sampled_from([b"\r\n", b"\r", b"\n\n"])))


def encode_otherwise(content: bytes, draw: Draw) -> bytes:
    encoding = draw(st.sampled_from(["utf-16", "utf-16-le", "latin-1", "utf-8-sig"]))
    return content.decode("utf-8", "replace").encode(encoding, "replace")


BYTE_DAMAGES = [
    insert_bytes, insert_bytes, delete_bytes, cut_off, add_empty_line, end_lines_otherwise,
    encode_otherwise,
]  # fmt: skip


@st.composite
def damaged(draw: Draw, domain: str) -> dict[str, bytes | None]:
    """Draw the files of an export with up to three damages; None: a file that is left out."""
    tables = {name: [list(row) for row in table] for name, table in SOUND[domain].items()}
    names = st.sampled_from(sorted(tables))
    for _ in range(draw(st.integers(0, 3))):
        draw(st.sampled_from(TABLE_DAMAGES))(tables[draw(names)], draw)
    files: dict[str, bytes | None] = {name: written(table) for name, table in tables.items()}
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2]))):
        name = draw(names)
        files[name] = draw(st.sampled_from(BYTE_DAMAGES))(files[name], draw)
    if draw(st.integers(0, 49)) == 25:
        files[draw(names)] = None
    return files
