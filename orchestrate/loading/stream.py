"""The bytes of a raw file on their way into COPY."""

from __future__ import annotations

import codecs
import hashlib
import io
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orchestrate.errors import DataError
from orchestrate.loading.problems import bad_file
from orchestrate.loading.records import Record, records, rows
from orchestrate.loading.scan import CHUNK, ScannedFile


class Stream(io.BufferedIOBase):
    """What COPY reads from.

    psycopg2 turns an exception of `read` into one of its own, so the original is kept in `error`
    for the caller to raise.
    """

    error: BaseException | None = None

    def read(self, size: int | None = CHUNK, /) -> bytes:
        """Return the next bytes, about `size` of them; empty at the end."""
        try:
            return self._next(size or CHUNK)
        except BaseException as error:
            self.error = error
            raise

    @abstractmethod
    def _next(self, size: int) -> bytes:
        """Return the next bytes, about `size` of them; empty at the end."""


class CopyStream(Stream):
    """A scanned file as it is, without byte-order mark and without empty lines at the end.

    Constant memory.
    """

    def __init__(self, scanned: ScannedFile) -> None:
        super().__init__()
        self._scanned = scanned
        self._file = Path(scanned.path).open("rb")  # noqa: SIM115 - closed by close
        self._digest = hashlib.sha256()
        self._held = b""
        self._begun = False

    def close(self) -> None:
        """Close the file; leaving a with block does so."""
        self._file.close()
        super().close()

    def _next(self, size: int) -> bytes:
        while chunk := self._file.read(size):
            self._digest.update(chunk)
            if not self._begun:
                self._begun = True
                chunk = chunk.removeprefix(codecs.BOM_UTF8)
            # Line ends wait until something follows them.
            chunk = self._held + chunk
            text = chunk.rstrip(b"\r\n")
            self._held = chunk[len(text) :]
            if text:
                return text
        if self._digest.hexdigest() != self._scanned.sha256:
            raise _changed(self._scanned)
        return b""


class PieceStream(Stream):
    """Pieces of text, made one after another while COPY asks for them."""

    def __init__(self, pieces: Iterable[str]) -> None:
        super().__init__()
        self._pieces = iter(pieces)

    def _next(self, size: int) -> bytes:
        taken = bytearray()
        for piece in self._pieces:
            taken += piece.encode()
            if len(taken) >= size:
                break
        return bytes(taken)


def kept_pieces(scanned: ScannedFile, left_out: Sequence[int]) -> Iterator[str]:
    """Yield header and rows of a file as they are, but for the rows with these numbers, sorted."""
    yield next(records(scanned.path)).text
    for _, record in kept_rows(scanned.path, left_out):
        yield record.text
    refuse_change(scanned)


def kept_rows(path: Path, left_out: Sequence[int]) -> Iterator[tuple[int, Record]]:
    """Yield the numbered rows of a file but for those with the numbers in `left_out`, sorted."""
    place = 0
    for number, record in rows(path):
        if place < len(left_out) and left_out[place] == number:
            place += 1
        else:
            yield number, record


def refuse_change(scanned: ScannedFile) -> None:
    """Raise DataError when a file is no longer what it was when it was scanned."""
    with scanned.path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != scanned.sha256:
            raise _changed(scanned)


def _changed(scanned: ScannedFile) -> DataError:
    return bad_file(
        scanned.name,
        "the file changed while it was read",
        cure="Load it again when it is complete. Nothing was replaced.",
    )
