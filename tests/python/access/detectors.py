"""What notices a change of access: the publisher's gate first, then what only tests look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import Error, sql

from orchestrate.access.policies import Access, difference, live_access
from tests.python.access.cells import read_changed_cells
from tests.python.access.declared import Role, is_allowed, is_compared
from tests.python.access.guards import standing_otherwise
from tests.python.access.subject import (
    Name,
    Subject,
    fingerprint,
    relations,
)

GATE, GUARDS, MATRIX, ROWS = "the gate", "guards", "the matrix", "rows"
Shown = Mapping[Name, tuple[int, int] | None]


@dataclass(frozen=True)
class Detectors:
    """What is known of a sound Casebook, for looking at a changed one.

    `shown` is, per login and relation, the fingerprint of the rows that it must see; None where it
    must see nothing at all.
    """

    subject: Subject
    declared: Access
    roles: list[Role]
    shown: Mapping[str, Shown]

    @classmethod
    def prepare(cls, cursor: Any, subject: Subject, declared: Access) -> Detectors:
        """Look at a sound Casebook, as the superuser in reporting."""
        columns = relations(cursor)
        shown: dict[str, Shown] = {}
        for login in subject.logins:
            wanted = subject.conditions(login, columns)
            rows: dict[Name, tuple[int, int] | None] = dict.fromkeys(columns)
            for name, condition in wanted.items():
                cursor.execute(fingerprint(name, condition))
                rows[name] = cursor.fetchone()
            shown[login] = rows
        return cls(subject, declared, subject.roles(), shown)

    def first_to_notice(self, cursor: Any) -> str | None:
        """Say which detector notices something, in the superuser's transaction with a change."""
        if difference(self.declared, live_access(cursor)):
            return GATE
        if standing_otherwise(cursor):
            return GUARDS
        if self._has_wrong_cell(cursor):
            return MATRIX
        if self._has_wrong_rows(cursor):
            return ROWS
        return None

    def _has_wrong_cell(self, cursor: Any) -> bool:
        placed = {role.name: role for role in self.roles}
        reporting = self.subject.reporting
        return any(
            is_compared(placed[name], cell)
            and cell.is_held != is_allowed(placed[name], cell, reporting)
            for name, cell in read_changed_cells(cursor, placed)
        )

    def _has_wrong_rows(self, cursor: Any) -> bool:
        for login, wanted in self.shown.items():
            for name, rows in wanted.items():
                cursor.execute("savepoint looking")
                try:
                    cursor.execute(
                        sql.SQL("set local session authorization {}").format(sql.Identifier(login))
                    )
                    cursor.execute(fingerprint(name, sql.SQL("true")))
                    found = cursor.fetchone()
                except Error:
                    found = None
                finally:
                    cursor.execute("rollback to savepoint looking")
                if found != rows:
                    return True
        return False
