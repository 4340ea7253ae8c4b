"""Password files in libpq's format: host:port:database:user:password, one line each."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from orchestrate.database.files import give_to_owner_of_folder, locked, replace_text
from orchestrate.errors import ConfigurationError

ANY = "*"
_PASSWORD_BYTES = 24
# A field ends at a colon that no backslash escapes.
_FIELD = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)")


class Endpoint(NamedTuple):
    """Host name, address or socket folder, and port (`*`: every port)."""

    host: str
    port: str


@dataclass(frozen=True)
class PasswordLine:
    """One password, for one user on one server; `database` is the one that the user may enter."""

    endpoint: Endpoint
    user: str
    password: str
    database: str = ANY

    def __repr__(self) -> str:
        return f"PasswordLine({self.endpoint.host}:{self.endpoint.port}, {self.user})"

    def matches(self, endpoint: Endpoint, user: str) -> bool:
        """Tell whether libpq would take this line, wildcards included."""
        wanted = (*endpoint, user)
        own = (*self.endpoint, self.user)
        return all(mine in (ANY, theirs) for mine, theirs in zip(own, wanted, strict=True))

    def render(self) -> str:
        """Return the line as libpq reads it."""
        fields = (
            self.endpoint.host,
            self.endpoint.port,
            self.database,
            self.user,
            self.password,
        )
        if any("\n" in field or "\r" in field for field in fields):
            raise ConfigurationError("A name or password with a line break cannot be stored.")
        return ":".join(field if field == ANY else _escape(field) for field in fields)


class PasswordFile:
    """A password file of mode 0600 in a folder of mode 0700, replaced as a whole under a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def line(self, endpoint: Endpoint, user: str) -> PasswordLine | None:
        """Return the first line of a user there, or None; a user enters one database only."""
        return next((line for line in self._read() if line.matches(endpoint, user)), None)

    def find(self, endpoint: Endpoint, user: str) -> str | None:
        """Return the password of a user there, or None."""
        line = self.line(endpoint, user)
        return line.password if line else None

    def users(self) -> list[str]:
        """Return the users that have a password, sorted."""
        return sorted({line.user for line in self._read()})

    def ensure(self, endpoint: Endpoint, user: str) -> str:
        """Return the password of a user, generating and storing one where there is none."""
        with self._locked():
            if found := self.find(endpoint, user):
                return found
            password = new_password()
            self._write([*self._read(), PasswordLine(endpoint, user, password)])
            return password

    def put(self, endpoint: Endpoint, user: str, password: str, database: str = ANY) -> None:
        """Store a password, in place of what that user had at that endpoint."""
        self.store([PasswordLine(endpoint, user, password, database)])

    def store(self, new: Collection[PasswordLine]) -> None:
        """Store lines, each in place of what its user had at its endpoint."""
        replaced = {(line.endpoint, line.user) for line in new}
        if new:
            self._change(
                lambda lines: [
                    *(line for line in lines if (line.endpoint, line.user) not in replaced),
                    *new,
                ]
            )

    def move(self, old: Endpoint, new: Endpoint) -> None:
        """Let the passwords of one endpoint be those of another, for a server that moved."""
        if old == new or not self.path.exists():
            return
        self._change(
            lambda lines: [
                replace(line, endpoint=new) if line.endpoint == old else line
                for line in lines
                if line.endpoint != new
            ]
        )

    def forget(self, endpoint: Endpoint) -> None:
        """Remove the passwords of an endpoint."""
        if self.path.exists():
            self._change(lambda lines: [line for line in lines if line.endpoint != endpoint])

    def forget_users(self, users: Collection[str], endpoint: Endpoint | None = None) -> None:
        """Remove the passwords of users at an endpoint, None: wherever they are."""
        if users and self.path.exists():
            self._change(
                lambda lines: [
                    line
                    for line in lines
                    if line.user not in users or endpoint not in (None, line.endpoint)
                ]
            )

    def _change(self, change: Callable[[Sequence[PasswordLine]], Sequence[PasswordLine]]) -> None:
        with self._locked():
            before = self._read()
            after = change(before)
            if list(after) != before:
                self._write(after)

    def _read(self) -> list[PasswordLine]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable(self.path, error) from None
        return [line for line in map(_parse, text.splitlines()) if line]

    def _write(self, lines: Sequence[PasswordLine]) -> None:
        text = "".join(f"{line.render()}\n" for line in lines)
        replace_text(self.path, text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self.path.parent
        try:
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                give_to_owner_of_folder(folder)
            # libpq ignores a password file that others can read.
            for path, mode in ((folder, 0o700), (self.path, 0o600)):
                if path.exists() and path.stat().st_mode & 0o077:
                    path.chmod(mode)
            with locked(folder / ".lock", "writing passwords"):
                yield
        except OSError as error:
            raise _unusable(self.path, error) from None


def new_password() -> str:
    """Return a password of letters, digits, `-` and `_` that nobody can guess."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _escape(field: str) -> str:
    return field.replace("\\", "\\\\").replace(":", "\\:")


def _parse(text: str) -> PasswordLine | None:
    if not text or text.startswith("#"):
        return None
    fields = [re.sub(r"\\(.)", r"\1", match[1]) for match in _FIELD.finditer(text)][:5]
    if len(fields) < 5:
        return None
    host, port, database, user, password = fields
    return PasswordLine(Endpoint(host, port), user, password, database)


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The password file {path} cannot be used: {error.strerror}.",
        "Its folder must belong to you; or let CASEBOOK_HOME name another folder.",
    )
