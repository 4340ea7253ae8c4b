"""One pass over the bytes of a raw file before it goes to the database.

Finds what no row can be blamed for: other encodings than UTF-8, and a quote in the wrong place,
which would join the rows up to the next quote.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate.errors import ConfigurationError, DataError
from orchestrate.loading.headers import comparable
from orchestrate.loading.problems import SAVE_AS_UTF8, bad_file
from orchestrate.loading.records import Layout, layout, rows, undecodable_column

CHUNK = 1 << 18


@dataclass(frozen=True)
class ScannedFile:
    """A file that is well-formed CSV in UTF-8: its size in bytes, its content and its layout."""

    path: Path
    size: int
    sha256: str
    layout: Layout
    has_rows: bool

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, none where the file has no header."""
        return self.layout.names

    @property
    def name(self) -> str:
        """The file's name, as messages show it."""
        return self.path.name


def scan(path: Path, declared: Sequence[str] = ()) -> ScannedFile:
    """Read a file once, in constant memory. Messages name none but the `declared` columns.

    Raises DataError, with the line, when it is not CSV in UTF-8 or empty, ConfigurationError when
    it cannot be read.
    """
    try:
        scanner = _Scanner(path, declared)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                scanner.feed(chunk)
        return scanner.finish()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", "Check the file and its permissions."
        ) from error


class _Scanner:
    """What is known after the chunks so far."""

    def __init__(self, path: Path, declared: Sequence[str]) -> None:
        self.path = path
        self.declared = declared
        self.layout = layout(path, declared)
        self.separators = f"{self.layout.separator}\r\n".encode()
        self.size = 0
        self.lines = 0  # line ends so far
        self.after_return = False  # the last chunk ended between \r and, perhaps, \n
        self.in_quotes = False
        self.just_closed = False  # the last byte was a closing quote, or the first of a doubled one
        self.opened_at = 0  # line of the quote that is open
        self.opened_in_chunk: int | None = None  # position of the last opening quote
        self.before = self.separators[0]  # the last byte outside quotes
        self.digest = hashlib.sha256()
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        if self.size == 0:
            self._refuse_utf16(chunk)
        self._check_encoding(chunk)
        # What stands above the header is no part of the table.
        above = max(self.layout.offset - self.size, 0)
        if self.size == 0 and not above and chunk.startswith(codecs.BOM_UTF8):
            above = len(codecs.BOM_UTF8)
        self._check_quotes(chunk, above)
        self.size += len(chunk)
        self.lines += self._line_ends(chunk)
        self.after_return = chunk.endswith(b"\r")

    def finish(self) -> ScannedFile:
        name = self.path.name
        self._check_encoding(b"", final=True)
        if self.in_quotes:
            raise bad_file(name, "a quote is opened here and never closed", line=self.opened_at)
        has_rows = any(True for _ in rows(self.path, self.layout))
        if not (self.layout.names or has_rows):
            raise bad_file(name, "the file is empty", cure="Export it again. Nothing was replaced.")
        return ScannedFile(self.path, self.size, self.digest.hexdigest(), self.layout, has_rows)

    def _refuse_utf16(self, chunk: bytes) -> None:
        marked = chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if marked or b"\0" in chunk[:4]:
            raise bad_file(
                self.path.name, "the file is in UTF-16, not in UTF-8", line=1, cure=SAVE_AS_UTF8
            )

    def _check_encoding(self, chunk: bytes, final: bool = False) -> None:
        pending = len(self.decoder.getstate()[0])
        try:
            self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self._not_utf8(chunk, max(error.start - pending, 0)) from None
        position = chunk.find(b"\0")
        if position >= 0:
            raise bad_file(
                self.path.name,
                "there is a NUL byte, which no text contains",
                line=self._line(chunk, position),
                cure=SAVE_AS_UTF8,
            )

    def _not_utf8(self, chunk: bytes, position: int) -> DataError:
        return bad_file(
            self.path.name,
            "there are bytes that are not UTF-8",
            line=self._line(chunk, position),
            column=self._undecodable_column(),
            cure=SAVE_AS_UTF8,
        )

    def _undecodable_column(self) -> str | None:
        # Without a header, the first row stands in its place, and no message may show that.
        column = undecodable_column(self.path, self.layout)
        known = {comparable(name) for name in self.declared}
        return column if column is not None and comparable(column) in known else None

    def _check_quotes(self, chunk: bytes, above: int) -> None:
        """Follow the quotes: one opens only where a field begins and closes only where it ends."""
        position, self.opened_in_chunk = min(above, len(chunk)), None
        for index, part in enumerate(chunk[above:].split(b'"')):
            if index:
                self._cross_quote(chunk, position)
                position += 1
            if part and not self.in_quotes:
                if self.just_closed and part[0] not in self.separators:
                    raise self._misplaced(chunk, position)
                self.just_closed = False
                self.before = part[-1]
            position += len(part)
        if self.in_quotes and self.opened_in_chunk is not None:
            # Counted once per chunk: counting at each quote would take minutes.
            self.opened_at = self._line(chunk, self.opened_in_chunk)

    def _cross_quote(self, chunk: bytes, position: int) -> None:
        if self.in_quotes:
            self.in_quotes, self.just_closed = False, True
            return
        if not self.just_closed:
            if self.before not in self.separators:
                raise self._misplaced(chunk, position)
            self.opened_in_chunk = position
        self.in_quotes, self.just_closed = True, False

    def _misplaced(self, chunk: bytes, position: int) -> DataError:
        return bad_file(
            self.path.name,
            "a quote stands inside a value that does not begin and end with one",
            line=self._line(chunk, position),
            cure="Put the whole value in quotes and write each quote in it twice."
            " Nothing was replaced.",
        )

    def _line(self, chunk: bytes, position: int) -> int:
        return self.lines + self._line_ends(chunk[:position]) + 1

    def _line_ends(self, chunk: bytes) -> int:
        ends = chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n")
        return ends - (self.after_return and chunk.startswith(b"\n"))
