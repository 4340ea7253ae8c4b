"""Errors that a user can mend: what went wrong and where, what to do, and the exit status.

Everything that the runner raises on purpose is a `CasebookError`; the command line shows it once,
at the edge, without a traceback. Anything else that escapes is a defect of the runner.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of the command line, as the public interface defines them."""

    DONE = 0
    DATA = 1
    USAGE = 2
    DATABASE = 3
    BUSY = 4
    INTERRUPTED = 130


class CasebookError(Exception):
    """A failure with a cause and a cure.

    `cause` says what is wrong and where, `cure` what the user can do about it.
    """

    status: ExitStatus = ExitStatus.DATA

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.cause} {self.cure}".strip()


class DataError(CasebookError):
    """The data failed a check: nothing was loaded, published or replaced."""

    status = ExitStatus.DATA


class ConfigurationError(CasebookError):
    """A command, setting, folder or URL cannot be used as given."""

    status = ExitStatus.USAGE


class DatabaseError(CasebookError):
    """A database could not be reached, or refused."""

    status = ExitStatus.DATABASE


class LostConnectionError(DatabaseError):
    """A connection was lost in the midst of work: the server restarted, or the network broke."""


class BusyError(CasebookError):
    """Another run is active."""

    status = ExitStatus.BUSY
