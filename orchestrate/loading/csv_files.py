"""A raw file: what is known of it before its rows are read, and its rows, each with its lines.

Finds what no row can be blamed for: other encodings than UTF-8, and a quote in the wrong place,
which would join the rows up to the next quote.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orchestrate.errors import ConfigurationError
from orchestrate.loading.headers import HIGHEST_HEADER, HeaderMatch, comparable
from orchestrate.loading.problems import SAVE_AS_UTF8, ExportError, bad_file
from orchestrate.loading.rules import BLANKS

# The longest value; a quote that is never closed would fill the memory with the rest of the file.
LONGEST_VALUE = 1 << 24
# The header is looked for among so many bytes.
_BEGINNING = 1 << 18
_SEPARATORS = ",;\t|"
# The line by which Excel is told what separates the columns.
_SEP_LINE = re.compile(r'"?sep=([ \t!-/:-@[-`{-~])"?[\r\n]', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNMATCHED = HeaderMatch((), ())

# A row: its first and its last line in the file, from 1, its fields, these joined by bars, and the
# text of its lines, which the next row takes the place of.
Row = tuple[int, int, list[str], str, list[str]]


@dataclass(frozen=True)
class CsvFile:
    """A file of which size and content are known, and how it is laid out.

    `separator` stands between columns; the header, whose names are `header`, begins below `skipped`
    lines, of which `told` are of no use to a program either. Without a header the rows begin in the
    first line. `match` says which of the columns are which of the raw table.
    """

    path: Path
    size: int
    sha256: str
    separator: str = ","
    skipped: int = 0
    told: int = 0
    header: tuple[str, ...] = ()
    match: HeaderMatch = _UNMATCHED

    @property
    def name(self) -> str:
        """The file's name, as messages show it."""
        return self.path.name

    def refuse_change(self) -> None:
        """Raise ExportError when the file is no longer what it was."""
        if _sha256(self.path) != self.sha256:
            raise bad_file(
                self.name,
                "the file changed while it was read",
                cure="Load it again when it is complete. Nothing was replaced.",
            )


def open_file(path: Path, declared: Sequence[str]) -> CsvFile:
    """Find the content of a file, and its separator and header by the `declared` columns.

    The header is the first record with the most of these names, and with half of them at least; a
    comma separates the columns unless more of the names show when another character does. Raises
    ExportError for an empty file and for UTF-16, ConfigurationError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
        size, sha256 = path.stat().st_size, _sha256(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", "Check the file and its permissions."
        ) from error
    marked = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or b"\0" in beginning[:4]:
        raise bad_file(path.name, "the file is in UTF-16, not in UTF-8", line=1, cure=SAVE_AS_UTF8)
    text = beginning.decode("utf-8-sig", errors="replace")
    if not text.strip(BLANKS + _SEPARATORS):
        raise bad_file(
            path.name, "the file is empty", cure="Export it again. Nothing was replaced."
        )
    told = _SEP_LINE.match(text)
    wanted = {comparable(name) for name in declared}
    best, most = CsvFile(path, size, sha256), (len(wanted) - 1) // 2
    for separator in told[1] if told else _SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        above = 0
        for record in islice(reader, HIGHEST_HEADER):
            names = tuple(name.strip(BLANKS) for name in record)
            if (found := len(wanted & set(map(comparable, names)))) > most:
                most = found
                useless = max(above - bool(told), 0)
                best = CsvFile(path, size, sha256, separator, above, useless, names)
            above = reader.line_num
    return best


def rows(file: CsvFile) -> Iterator[Row]:
    """Yield the rows below the header, one at a time; the header, again or not, is none of them.

    Nor is a row with nothing between its separators. Raises ExportError, with the line, where the
    file is not CSV in UTF-8.
    """
    csv.field_size_limit(LONGEST_VALUE)
    well_formed = re.compile(r"(?:{0}{1})*+{0}(?:\r\n|\r|\n)?".format(*_patterns(file.separator)))
    header: list[str] | None = None
    taken: list[str] = []
    last = file.skipped
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as text:
            for _ in islice(text, file.skipped):
                pass
            reader = csv.reader(_tapped(text, taken), delimiter=file.separator, strict=True)
            for fields in reader:
                first, last = last + 1, file.skipped + reader.line_num
                joined = "|".join(fields)
                if '"' in joined and not well_formed.fullmatch("".join(taken)):
                    raise _misplaced(file, first, "".join(taken))
                if "\0" in joined:
                    raise _nul(file, first, "".join(taken))
                if header is None and file.header:
                    header = fields
                elif any(fields) and fields != header:
                    yield first, last, fields, joined, taken
                taken.clear()
    except UnicodeDecodeError:
        raise _undecodable(file) from None
    except csv.Error:
        raise _misplaced(file, last + 1, "".join(taken)) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tapped(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _patterns(separator: str) -> tuple[str, str]:
    """Return the patterns of a field, quoted or not, and of what stands between two."""
    escaped = re.escape(separator)
    return rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{escaped}\r\n]*+)', escaped


def _misplaced(file: CsvFile, first: int, text: str) -> ExportError:
    """Return the error for the quote in a record, which begins in line `first`, that is wrong."""
    field, separator = _patterns(file.separator)
    sound = re.compile(rf"(?:{field}(?:{separator}|\r\n|\r|\n))*+")
    begin = found.end() if (found := sound.match(text)) else 0
    rest = re.compile(field).match(text, begin)
    end = rest.end() if rest else begin
    line = first + len(_LINE_END.findall(text, 0, end))
    if end == begin and text[begin : begin + 1] == '"':
        return bad_file(file.name, "a quote is opened here and never closed", line=line)
    return bad_file(
        file.name,
        "a quote stands inside a value that does not begin and end with one",
        line=line,
        cure="Put the whole value in quotes and write each quote in it twice."
        " Nothing was replaced.",
    )


def _nul(file: CsvFile, first: int, text: str) -> ExportError:
    return bad_file(
        file.name,
        "there is a NUL byte, which no text contains",
        line=first + len(_LINE_END.findall(text[: text.index("\0")])),
        cure=SAVE_AS_UTF8,
    )


def _undecodable(file: CsvFile) -> ExportError:
    """Return the error for the first bytes that are not UTF-8, with their line and column."""
    bad = re.compile("[\udc80-\udcff]")
    column = None
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        line = next(number for number, found in enumerate(text, start=1) if bad.search(found))
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        for number, fields in enumerate(csv.reader(islice(text, file.skipped, None))):
            places = [place for place, field in enumerate(fields) if bad.search(field)]
            if places:
                # Of columns that are none of ours, and of a header, no message shows anything.
                if number and file.header and any(file.match.columns[places[0] : places[0] + 1]):
                    column = file.header[places[0]]
                break
    return bad_file(
        file.name,
        "there are bytes that are not UTF-8",
        line=line,
        column=column,
        cure=SAVE_AS_UTF8,
    )
