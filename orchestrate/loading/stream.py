"""Rows on their way into COPY."""

from __future__ import annotations

import io
from collections.abc import Iterable

CHUNK = 1 << 18


class PieceStream(io.BufferedIOBase):
    """Pieces of text, made one after another while COPY asks for them, in constant memory.

    psycopg2 turns an exception of `read` into one of its own, so the original is kept in `error`
    for the caller to raise.
    """

    error: BaseException | None = None

    def __init__(self, pieces: Iterable[str]) -> None:
        super().__init__()
        self._pieces = iter(pieces)

    def read(self, size: int | None = CHUNK, /) -> bytes:
        """Return the next bytes, about `size` of them; empty at the end."""
        try:
            taken = bytearray()
            for piece in self._pieces:
                taken += piece.encode()
                if len(taken) >= (size or CHUNK):
                    break
            return bytes(taken)
        except BaseException as error:
            self.error = error
            raise
