"""What notices a change of access: the publisher's gate first, then what only tests look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import Error, sql

from orchestrate.access.policies import Given, access_changes, roles_with_default_rights
from orchestrate.access.roles import groups_of, role_changes
from orchestrate.access.scopes import ScopeDatabase
from orchestrate.publishing.versions import read_readers
from tests.python.access.cells import read_changed_cells
from tests.python.access.declared import Role, is_allowed, is_compared
from tests.python.access.guards import standing_otherwise
from tests.python.access.subject import Fingerprint, Name, Subject, everything

GATE, GUARDS, MATRIX, ROWS = "the gate", "guards", "the matrix", "rows"


@dataclass(frozen=True)
class Detectors:
    """What is known of a sound Casebook, for looking at a changed one in one scope's database.

    `shown` is, per relation, the fingerprint of the rows that the readers of the scope must see;
    None where they must see nothing at all.
    """

    subject: Subject
    place: ScopeDatabase
    given: Given
    roles: list[Role]
    shown: Mapping[Name, Fingerprint | None]

    @classmethod
    def prepare(cls, cursor: Any, subject: Subject, database: str) -> Detectors:
        """Look at a sound Casebook, as the superuser in the database."""
        places, _ = read_readers(subject.databases)
        (place,) = [one for one in places if one.database == database]
        cursor.execute(
            "select given from private.versions"
            " inner join private.pointer on version = current_version"
        )
        given = Given.from_json(cursor.fetchone()[0])
        return cls(subject, place, given, subject.roles(), subject.expected(database))

    def first_to_notice(self, cursor: Any) -> str | None:
        """Say which detector notices something, in the superuser's transaction with a change."""
        if self._is_refused(cursor):
            return GATE
        if standing_otherwise(cursor):
            return GUARDS
        if self._has_wrong_cell(cursor):
            return MATRIX
        if self._has_wrong_rows(cursor):
            return ROWS
        return None

    def _is_refused(self, cursor: Any) -> bool:
        """Tell whether a publication would be: it looks at rights in the database, and at roles."""
        if access_changes(cursor, self.place, self.given) or roles_with_default_rights(cursor):
            return True
        places, members = read_readers(self.subject.databases)
        # As the builder looks, who administers the roles that it made.
        cursor.execute("set local role casebook_builder")
        found = list(role_changes(cursor, places, groups_of(places, members), settled=True))
        cursor.execute("reset role")
        return bool(found)

    def _has_wrong_cell(self, cursor: Any) -> bool:
        placed = {role.name: role for role in self.roles}
        audiences, where = self.subject.audiences, self.place.database
        return any(
            is_compared(placed[name], cell)
            and cell.is_held != is_allowed(placed[name], cell, audiences, where)
            for name, cell in read_changed_cells(cursor, placed)
        )

    def _has_wrong_rows(self, cursor: Any) -> bool:
        for role in self.subject.entering():
            if role.database != self.place.database:
                continue
            for relation, rows in self.shown.items():
                cursor.execute("savepoint looking")
                try:
                    cursor.execute("set local timezone to 'UTC'")
                    cursor.execute(
                        sql.SQL("set local session authorization {}").format(
                            sql.Identifier(role.name)
                        )
                    )
                    cursor.execute(everything(relation))
                    found = cursor.fetchone()
                except Error:
                    found = None
                finally:
                    cursor.execute("rollback to savepoint looking")
                if found != rows:
                    return True
        return False
