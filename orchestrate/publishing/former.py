"""The one reporting database of releases before 0.2, in which all readers read.

A run publishes into a database per scope, and then drops that one as it drops every database of
its own that no scope uses. Here is only what has to be taken over from it. This goes in a release
or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from orchestrate.access.scopes import OWNER, PUBLISHER
from orchestrate.database.objects import marked_databases

if TYPE_CHECKING:
    from orchestrate.database import Databases


def former_highest_version(databases: Databases) -> int:
    """Return the highest version that readers saw there, 0 where there is no such database."""
    server = databases.reporting
    with server.door.session() as connection:
        if server.base not in marked_databases(connection, databases.installation):
            return 0
    publisher = server.door.derive(
        user=PUBLISHER, dbname=server.base, passfile=str(databases.passwords.path)
    )
    with publisher.session() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("set role {}").format(sql.Identifier(OWNER)))
        cursor.execute("select to_regclass('private.pointer') is not null")
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute("select highest_version from private.pointer")
        (highest,) = cursor.fetchone() or (0,)
    return int(highest)
