"""The bytes of a raw file on their way into COPY."""

from __future__ import annotations

import codecs
import hashlib
import io
from pathlib import Path

from orchestrate.loading.problems import bad_file
from orchestrate.loading.scan import CHUNK, ScannedFile


class CopyStream(io.BufferedIOBase):
    """A scanned file as COPY reads it: without byte-order mark and without empty lines at the end.

    Constant memory. psycopg2 turns an exception of `read` into one of its own, so the original is
    kept in `error` for the caller to raise.
    """

    def __init__(self, scanned: ScannedFile) -> None:
        super().__init__()
        self._scanned = scanned
        self._file = Path(scanned.path).open("rb")  # noqa: SIM115 - closed by close
        self._digest = hashlib.sha256()
        self._held = b""
        self._begun = False
        self.error: BaseException | None = None

    def close(self) -> None:
        """Close the file; leaving a with block does so."""
        self._file.close()
        super().close()

    def read(self, size: int | None = CHUNK, /) -> bytes:
        """Return the next bytes; empty at the end."""
        try:
            return self._next(size or CHUNK)
        except BaseException as error:
            self.error = error
            raise

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
        self._refuse_change()
        return b""

    def _refuse_change(self) -> None:
        if self._digest.hexdigest() != self._scanned.sha256:
            raise bad_file(
                self._scanned.name,
                "the file changed while it was read",
                cure="Load it again when it is complete. Nothing was replaced.",
            )
