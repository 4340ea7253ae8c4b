"""What a load of an export has to do, worked out by another way than the loader's.

The bytes are taken apart by one regular expression, the rules are written out by hand, and a value
is of a type if PostgreSQL says so of it alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import psycopg2

from orchestrate.driver import Cursor

# A record of CSV whose quotes are where they may be.
_FIELD = r'(?:"(?:[^"]|"")*"|[^",\r\n][^",\r\n]*|)'
_RECORD = re.compile(rf"({_FIELD}(?:,{_FIELD})*)(\r\n|\r|\n|\Z)")
_CELL = re.compile(rf"({_FIELD})(?:,|\Z)")
_BREAK = re.compile(r"\r\n|\r|\n")
# What counts as nothing, and what may stand around a value.
_NOTHING = {"", "\\n", "nan"}
_AROUND = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0 \u2002\u200b\ufeff"
# PostgreSQL says that these are times, but of which day depends on when it is asked.
_DAY_WORD = re.compile(r"\b(now|today|tomorrow|yesterday|epoch)\b", re.IGNORECASE)

TIME, DATE, MONEY, DEGREES = "timestamptz", "date", "numeric(18,2)", "double precision"
COLUMNS = {
    "residency": {
        "studies.csv": "priorities exam_code procedure_name trainee_name! finalized!:time"
        " modality_id!>modalities organization_id!>organizations",
        "organizations.csv": "id!* organization_code!*",
        "modalities.csv": "id!* modality_code!",
        "exam_to_cpt.csv": "exam_code! cpt rvu:rvu",
    },
    "advocacy": {
        "patients.csv": "id!* birthdate!:birth deathdate:death prefix first last suffix maiden"
        " marital race ethnicity gender birthplace address city state county zip lat:lat lon:lon",
        "encounters.csv": "id!* start!:time stop:stop patient!>patients"
        " organization!>organizations payer!>payers encounterclass! code! description"
        " base_encounter_cost:cost total_claim_cost!:cost payer_coverage!:cost"
        " reasoncode reasondescription",
        "procedures.csv": "start!:time stop:stop patient!>patients encounter!>encounters code!"
        " description base_cost!:cost reasoncode reasondescription",
        "payers.csv": "id!* name! address city state_headquartered zip phone",
        "organizations.csv": "id!* name! address city state zip lat:lat lon:lon",
    },
}
# Kind of value: type, least, most, the column that it must not be less than.
Limit = float | None
# Files of which the same row may be there again, and names that one of them has to hold.
_ONCE = {("advocacy", "payers.csv"), ("advocacy", "organizations.csv")}
_PAYERS = {"Humana", "UnitedHealthcare"}
_KINDS: Mapping[str, tuple[str, Limit, Limit, str | None]] = {
    "time": (TIME, datetime(1900, 1, 1, tzinfo=UTC).timestamp(),
             datetime(2100, 1, 1, tzinfo=UTC).timestamp(), None),
    "stop": (TIME, None, None, "start"),
    "birth": (DATE, datetime(1850, 1, 1, tzinfo=UTC).timestamp(),
              datetime.now(UTC).timestamp(), None),
    "death": (DATE, None, None, "birthdate"),
    "cost": (MONEY, 0, None, None),
    "rvu": ("numeric(12,4)", 0, None, None),
    "lat": (DEGREES, -90, 90, None),
    "lon": (DEGREES, -180, 180, None),
}  # fmt: skip

Value = str | None


@dataclass(frozen=True)
class Column:
    """What is asked of a column, read from its short form above."""

    name: str
    required: bool
    is_key: bool
    parent: str | None
    kind: str | None


@dataclass
class Row:
    """A row of a file: its first line and its declared values; None: it has not as many fields."""

    line: int
    values: dict[str, Value] | None


@dataclass
class Expected:
    """What to expect: `damage` in a file that always refuses, or rows and the bad ones' lines."""

    damaged: bool = False
    rows: dict[str, list[Row]] = field(default_factory=dict)
    bad: set[tuple[str, int]] = field(default_factory=set)
    followers: set[tuple[str, int]] = field(default_factory=set)
    shown: dict[str, list[tuple[Value, ...]]] = field(default_factory=dict)

    def lacks_payers(self, left_out: set[tuple[str, int]]) -> bool:
        """Tell whether a payer is missing among the rows that are left."""
        return (
            "payers.csv" in self.rows
            and not {str(names[1]) for names in self.content("payers.csv", left_out)} >= _PAYERS
        )

    def content(self, file: str, left_out: set[tuple[str, int]]) -> list[tuple[Value, ...]]:
        """Return the rows of a file as the database shows them, in the file's order."""
        return [
            shown
            for row, shown in zip(self.rows[file], self.shown[file], strict=True)
            if (file, row.line) not in left_out
        ]


def columns(domain: str, file: str) -> list[Column]:
    """Return the declared columns of a file, in order."""
    found = []
    for word in COLUMNS[domain][file].split():
        name = re.match(r"\w+", word)
        parent, kind = re.search(r">(\w+)", word), re.search(r":(\w+)", word)
        found.append(
            Column(
                name[0] if name else "",
                "!" in word,
                "*" in word,
                f"{parent[1]}.csv" if parent else None,
                kind[1] if kind else None,
            )
        )
    return found


def expect(domain: str, files: Mapping[str, bytes | None], cursor: Cursor) -> Expected:
    """Work out what a load of these files has to do."""
    expected = Expected()
    for file in COLUMNS[domain]:
        rows = _rows(files[file], columns(domain, file), may_lack=domain == "advocacy")
        if rows is None:
            return Expected(damaged=True)
        if (domain, file) in _ONCE:
            rows = _once(rows)
        expected.rows[file] = rows
    for file in COLUMNS[domain]:
        _judge(expected, file, columns(domain, file), cursor)
    _judge_references(expected, domain)
    return expected


def _rows(content: bytes | None, declared: list[Column], *, may_lack: bool) -> list[Row] | None:
    """Return the rows of a file; None when its structure is damaged."""
    records = None if content is None else _records(content)
    if not records:
        return None
    wanted = {column.name: column.name.replace("_", "") for column in declared}
    names = [
        [re.sub(r"[\s_-]", "", name).casefold() for name in fields] for _, fields in records[:50]
    ]
    matches = [len(set(wanted.values()) & set(plain)) for plain in names]
    place = matches.index(max(matches))
    plain, header, body = names[place], records[place][1], records[place + 1 :]
    needed = [wanted[column.name] for column in declared if column.required or not may_lack]
    if (
        2 * max(matches) < len(wanted)
        or any(plain.count(name) != 1 for name in needed)
        or any(plain.count(name) > 1 for name in wanted.values())
    ):
        return None
    rows = [
        Row(line, None)
        if len(fields) != len(plain)
        else Row(
            line,
            {
                name: fields[plain.index(short)] if short in plain else None
                for name, short in wanted.items()
            },
        )
        for line, fields in body
        if fields != header
    ]
    return rows or None


def _once(rows: list[Row]) -> list[Row]:
    found: list[dict[str, Value]] = []
    kept = []
    for row in rows:
        values = row.values and {name: _key(value) for name, value in row.values.items()}
        if values is None or values not in found:
            kept.append(row)
        if values is not None:
            found.append(values)
    return kept


def _records(content: bytes) -> list[tuple[int, list[str]]] | None:
    """Return line and fields of every record that is not empty; None: no CSV in UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    found, position, line = [], 0, 1
    while position < len(text):
        match = _RECORD.match(text, position)
        if match is None:
            return None
        record = match[1]
        cells = [
            cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
            for cell in _CELL.findall(record)[: 1 + _commas(record)]
        ]
        if "".join(cells).strip(_AROUND):
            found.append((line, cells))
        line += len(_BREAK.findall(match[0]))
        position = match.end()
    return found


def _commas(record: str) -> int:
    return re.sub(r'"(?:[^"]|"")*"', "", record).count(",")


def _judge(expected: Expected, file: str, declared: list[Column], cursor: Cursor) -> None:
    """Note the rows that are bad by themselves or share a key, and how PostgreSQL shows values."""
    rows = expected.rows[file]
    numbers: dict[str, list[float | None]] = {}
    shown: dict[str, list[Value]] = {}
    for column in declared:
        written = [row.values[column.name] if row.values else None for row in rows]
        if column.kind is None:
            shown[column.name] = [
                (value if _key(value) else None) if column.name == "trainee_name" else _key(value)
                for value in written
            ]
            continue
        type_, least, most, other = _KINDS[column.kind]
        valid, shown[column.name], numbers[column.name] = _cast(cursor, type_, written)
        for at, (row, is_valid, number) in enumerate(
            zip(rows, valid, numbers[column.name], strict=True)
        ):
            before = numbers[other][at] if other else None
            if (
                not is_valid
                or (number is not None and abs(number) == float("inf"))
                or (number is not None and number != number)
                or (number is not None and least is not None and number < least)
                or (number is not None and most is not None and number > most)
                or (number is not None and before is not None and number < before)
            ):
                expected.bad.add((file, row.line))
    for row in rows:
        if row.values is None or any(
            column.required and not _key(row.values[column.name]) for column in declared
        ):
            expected.bad.add((file, row.line))
    for column in (column for column in declared if column.is_key):
        alike = defaultdict(list)
        for row in rows:
            if row.values and (key := _key(row.values[column.name])):
                alike[key].append(row)
        for group in alike.values():
            contents = [
                {name: _key(value) for name, value in (row.values or {}).items()} for row in group
            ]
            differ = any(content != contents[0] for content in contents)
            expected.bad |= {(file, row.line) for row in group[0 if differ else 1 :]} - (
                {(file, group[0].line)} if len(group) == 1 else set()
            )
    expected.shown[file] = list(zip(*(shown[column.name] for column in declared), strict=True))


def _judge_references(expected: Expected, domain: str) -> None:
    """Note the rows that refer to none, and apart from them those that refer to a bad one."""
    found = [
        (file, row, column.parent, _key(row.values[column.name]))
        for file in COLUMNS[domain]
        for column in columns(domain, file)
        if column.parent
        for row in expected.rows[file]
        if row.values and _key(row.values[column.name])
    ]

    def known(parent: str, left_out: set[tuple[str, int]]) -> Counter[Value]:
        return Counter(
            _key(row.values["id"])
            for row in expected.rows[parent]
            if row.values and (parent, row.line) not in left_out
        )

    expected.bad |= {
        (file, row.line) for file, row, parent, key in found if key not in known(parent, set())
    }
    expected.followers = set(expected.bad)
    while True:
        more = {
            (file, row.line)
            for file, row, parent, key in found
            if key not in known(parent, expected.followers)
        }
        if more <= expected.followers:
            return
        expected.followers |= more


def _key(value: Value) -> Value:
    plain = (value or "").strip(_AROUND)
    return None if plain.casefold() in _NOTHING else plain


def _is_valid(cursor: Cursor, type_: str, value: Value) -> bool:
    """Tell whether PostgreSQL takes a text for a value of a type, by letting it try."""
    try:
        cursor.execute(f"select %s::{type_}", (value,))
    except psycopg2.DataError:
        return False
    return True


def _cast(
    cursor: Cursor, type_: str, values: list[Value]
) -> tuple[list[bool], list[Value], list[float | None]]:
    """Return of each value whether it is of a type, how it is shown, and its number."""
    # A number that is none is not nothing.
    values = [
        value if (value or "").strip() == "NaN" and type_ not in {TIME, DATE} else _key(value)
        for value in values
    ]
    valid = [
        _is_valid(cursor, type_, value)
        and not (type_ in {TIME, DATE} and value and _DAY_WORD.search(value))
        and not (type_ == DATE and value and re.search(r"\d:\d\d", value))
        for value in values
    ]
    sound = [value if is_valid else None for value, is_valid in zip(values, valid, strict=True)]
    cursor.execute(f"select value::{type_}::text from unnest(%s::text[]) as value", (sound,))
    shown = [text for (text,) in cursor.fetchall()]
    number = "extract(epoch from value::{})" if type_ in {TIME, DATE} else "value::{}"
    cursor.execute(
        f"select ({number.format(type_)})::text from unnest(%s::text[]) as value", (sound,)
    )
    return valid, shown, [None if text is None else float(Decimal(text)) for (text,) in cursor]
