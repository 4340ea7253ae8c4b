"""The rules of raw tables as SQL: the statements in `sql/`, filled in for the files of a load.

A file is copied as text into one temporary table (`read`) and worked out into another (`values`);
every rule of the seeds' yml, one of them or all, is a question to these two.
"""

from __future__ import annotations

import graphlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from orchestrate.building.manifest import SeedColumn
    from orchestrate.driver import Cursor
    from orchestrate.loading.tables import RawTable

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
_STATEMENTS = Path(__file__).with_name("sql")


@dataclass(frozen=True)
class Link:
    """A column of one file whose values have to be in the key of another one."""

    child: RawTable
    column: SeedColumn
    parent: RawTable
    parent_column: str

    @property
    def condition(self) -> str:
        """The join of both tables, called child and parent."""
        return f"parent.{quoted(self.parent_column)} = child.{quoted(self.column.name)}"


def links(raws: Sequence[RawTable]) -> list[Link]:
    """Return the references between these tables, those of a table before those to it."""
    by_seed = {raw.seed.name: raw for raw in raws}
    found = {
        raw.seed.name: [
            Link(raw, column, by_seed[reference.seed], reference.column)
            for column in raw.seed.columns
            if (reference := column.rules.reference) is not None and reference.seed in by_seed
        ]
        for raw in raws
    }
    order = graphlib.TopologicalSorter(
        {name: [link.parent.seed.name for link in own] for name, own in found.items()}
    )
    return [link for name in order.static_order() for link in found[name]]


def run(cursor: Cursor, name: str, **context: object) -> None:
    """Run the statements of a file in `sql/`."""
    # From version 16 on the server tells by itself whether a text is of a type.
    is_old = cursor.connection.server_version < 160000
    reads_as = "pg_temp.reads_as" if is_old else "pg_input_is_valid"
    cursor.execute(_environment().get_template(f"{name}.sql").render(reads_as=reads_as, **context))


@cache
def versions() -> str:
    """Return what values are read by: a table that was read by other rules is read again."""
    statements = [path.read_text(encoding="utf-8") for path in sorted(_STATEMENTS.glob("*.sql"))]
    return "".join([*WORDS_FOR_NOTHING, BLANKS, _DAY_WORDS, _UNCERTAIN_ZONE, *statements])


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - makes SQL, not HTML
        loader=FileSystemLoader(_STATEMENTS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(name=quoted, literal=_literal)
    environment.tests.update(
        time=lambda column: column.type.startswith(("date", "timestamp")),
        number_type=lambda column: column.type.startswith(("numeric", "double")),
    )
    environment.globals.update(
        words_for_nothing=", ".join(map(_literal, WORDS_FOR_NOTHING)),
        longest_word=max(len(word.encode()) for word in WORDS_FOR_NOTHING),
        day_words=_DAY_WORDS,
        uncertain_zone=_UNCERTAIN_ZONE,
    )
    return environment
