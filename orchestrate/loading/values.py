"""How a written value is read: the one rule that every value of every file goes through.

What PostgreSQL would take for something else than its writer meant is put right where the meaning
is certain, and read as null otherwise, which the close look tells as a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn

TIMES = ("date", "timestamp")
NUMBERS = ("numeric", "double")
# What spreadsheets, databases and programs write for nothing, whatever the case.
WORDS_FOR_NOTHING = (
    *("null", "(null)", "[null]", "<null>", "\\n", "nil", "none", "n/a", "na", "n.a.", "<na>"),
    *("nan", "nat", "-", "--", "\u2013", "\u2014", "(blank)", "(none)", "undefined"),
    *("#n/a", "#null!", "#value!", "#ref!", "#name?", "#div/0!", "#num!"),
)
# Blanks of every width, and marks that nobody sees.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\xad\u1680\u180e"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f"
    + "\u205f\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3000\ufeff"
)
# PostgreSQL takes these for days, and most of them for the day of the load. No time zone's name
# holds one of them.
_DAY_WORDS = "now|today|tomorrow|yesterday|epoch"
_MONTHS = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Letters before an offset make it one of POSIX, whose signs are the other way round. Names of the
# zone database like Etc/GMT+4 and EST5EDT mean what they say; IST is the time of three countries.
_UNCERTAIN_ZONE = (
    rf"(?<![/a-z])(?!{_MONTHS}[-./, ]*\d|(est5edt|cst6cdt|mst7mdt|pst8pdt)\M)[a-z]+[+-]?\d|\mist\M"
)
# From version 16 on PostgreSQL reads 0x10 and 1_000 as numbers, too.
_PROGRAMMERS_NUMBER = "[_xob]"
_DAY_NUMBER = r"^[1-6]\d{4}([.,]\d+)?$"
_EXACT = re.compile(r"numeric\((\d+),\s*(\d+)\)")
_SHORTENED_CODE = r"^[+-]?\d([.,]\d+)?e[+]\d+$"

# A table that was read by other rules is read again.
RULES = (WORDS_FOR_NOTHING, BLANKS, _DAY_WORDS, _UNCERTAIN_ZONE, _PROGRAMMERS_NUMBER)


def plain(column: SeedColumn, written: sql.Composable) -> sql.Composed:
    """Return the expression of a written value without blanks around it, null for nothing."""
    # A number that is none is refused as one that is not finite.
    words = [w for w in WORDS_FOR_NOTHING if w != "nan" or not column.type.startswith(NUMBERS)]

    def unless_nothing(value: sql.Composable) -> sql.Composable:
        return sql.SQL(
            "case when octet_length({0}) > {1} or lower({0}) not in ({2}) then {0} end"
        ).format(
            value,
            sql.Literal(max(len(word.encode()) for word in words)),
            sql.SQL(", ").join(map(sql.Literal, ["", *words])),
        )

    return _with_trimmed(written, unless_nothing)


def text(column: SeedColumn, written: sql.Composable) -> sql.Composed:
    """Return the expression of a text as it is kept.

    A whole number that a program wrote with a decimal point (385763009.0) is the code without it,
    and one that was written for a spreadsheet to keep (="00123") what stands in the quotes. A
    `verbatim` text keeps what stands around it.
    """
    value = plain(column, written)
    if column.rules.verbatim:
        return sql.SQL("case when {} is not null then {} end").format(value, written)
    return sql.SQL(
        r"case when {0} like '%.0%' and {1} ~ '^\d+\.0+$' then split_part({1}, '.', 1)"
        r""" when {0} like '%="_%"%' and {1} like '="_%"' then substr({1}, 3, length({1}) - 3)"""
        " else {2} end"
    ).format(written, _trimmed(written), value)


def converter(type_: str) -> str:
    """Return the body of a PL/pgSQL function: a plain text as a value of a type, null for others.

    Servers before 16 cannot ask whether a text is a valid value; one that fails can be caught, but
    to be ready for that takes longer than all the rest, and what is usual cannot fail.
    """
    before = ""
    if type_.startswith(TIMES):
        before = rf"""
            if written ~* '[a-z]' then
                written := regexp_replace(written, '(\d)t(\d)', '\1 \2', 'i');
                written := regexp_replace(written, '([ap]m)([+-])', '\1 \2', 'i');
                written := regexp_replace(
                    written, '(?<![/a-z])(utc|gmt|z) ?(?=[+-]\d)', '', 'gi'
                );
                if written ~* '{_DAY_WORDS}|{_UNCERTAIN_ZONE}' then
                    return null;
                end if;
            end if;
        """
    if type_ == "date":
        before += """
            if written::timestamp::time <> time '00:00' then
                return null;
            end if;
        """
    if type_.startswith(NUMBERS):
        before = f"if written ~* '{_PROGRAMMERS_NUMBER}' then return null; end if;"
    return f"""
        begin
            if written ~ '{_usual(type_)}' then
                return written::{type_};
            end if;
            begin
                {before}
                return written::{type_};
            exception when data_exception then
                return null;
            end;
        end
    """


def _usual(type_: str) -> str:
    """Return the pattern of how most values of a type are written: each is one, whatever it says.

    Days up to 28 are in every month.
    """
    if type_.startswith(TIMES):
        day = r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
        time = r"([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?Z?)?"
        return f"^{day}{'' if type_ == 'date' else time}$"
    if exact := _EXACT.match(type_):
        return rf"^-?\d{{1,{int(exact[1]) - int(exact[2]) - 1}}}(\.\d+)?$"
    return {
        "smallint": r"^-?\d{1,4}$",
        "integer": r"^-?\d{1,9}$",
        "bigint": r"^-?\d{1,18}$",
        "boolean": "^(true|false)$",
    }.get(type_, r"^-?\d{1,15}(\.\d{1,15})?$")


def complaint(
    column: SeedColumn, value: sql.Composable, as_number: sql.Composable
) -> sql.Composable:
    """Return what to say of a plain value that is not of its column's type.

    `as_number`: the value read as a number of any size, for one that is too large for its column.
    """
    if column.type.startswith(NUMBERS):
        return _cases(
            [(sql.SQL("{} is not null").format(as_number), "is too large a number")],
            "is not a number",
        )
    if not column.type.startswith(TIMES):
        is_boolean = column.type == "boolean"
        return sql.Literal(
            "is neither true nor false" if is_boolean else "is not a number that fits here"
        )
    what = "a date" if column.type == "date" else "a date and time"

    def like(pattern: str) -> sql.Composed:
        return sql.SQL("{} ~* {}").format(value, sql.Literal(pattern))

    cases = [
        (
            like(_DAY_NUMBER),
            f"is the number by which a spreadsheet counts days, not {what}:"
            " format the column as yyyy-mm-dd hh:mm:ss before it is saved",
        ),
        (
            like(rf"\d:\d\d.*({_UNCERTAIN_ZONE})"),
            "names a time zone of uncertain meaning: write its offset alone, as in -04:00",
        ),
    ]
    if column.type == "date":
        cases.append(
            (
                like(r"\d:\d\d"),
                "is a time, whose day depends on a time zone: write the date alone",
            )
        )
    return _cases(cases, f"is not {what}")


def is_blank(written: sql.Composable) -> sql.Composed:
    """Return the condition that nothing was written, or nothing but blanks."""
    return sql.SQL("coalesce({}, '') = ''").format(_trimmed(written))


def is_shortened_code(value: sql.Composable) -> sql.Composed:
    """Return the condition that a text is a number that lost its digits (3.86E+08)."""
    return sql.SQL("{0} like '%+%' and {0} ~* {1}").format(value, sql.Literal(_SHORTENED_CODE))


def _cases(cases: list[tuple[sql.Composed, str]], otherwise: str) -> sql.Composed:
    whens = [
        sql.SQL("when {} then {}").format(condition, sql.Literal(said)) for condition, said in cases
    ]
    return sql.SQL("case {} else {} end").format(sql.SQL(" ").join(whens), sql.Literal(otherwise))


def _trimmed(written: sql.Composable) -> sql.Composed:
    return _with_trimmed(written, lambda value: value)


def _with_trimmed(
    written: sql.Composable, expression: Callable[[sql.Composable], sql.Composable]
) -> sql.Composed:
    """Return an expression of a value without the blanks around it."""
    # To look for so many blanks takes most of the time of a load, and few values have any.
    return sql.SQL(
        "case when ascii({0}) between 33 and 126 and ascii(right({0}, 1)) between 33 and 126"
        " then {1} else {2} end"
    ).format(
        written,
        expression(written),
        expression(sql.SQL("btrim({}, {})").format(written, sql.Literal(BLANKS))),
    )
