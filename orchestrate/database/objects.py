"""Roles and databases that Casebook makes and marks as its own; it never takes over another's."""

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress

from psycopg2 import errors, sql
from psycopg2.extensions import encrypt_password

from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError, DatabaseError

_UNFINISHED = "casebook_unfinished_"
# All of a kind on the server, with the comments on them.
_COMMENTS = {
    "role": """
        select rolname::text, pg_catalog.shobj_description(oid, 'pg_authid')
        from pg_catalog.pg_roles
    """,
    "database": """
        select datname::text, pg_catalog.shobj_description(oid, 'pg_database')
        from pg_catalog.pg_database
    """,
}


def marker(installation: str) -> str:
    """Return the comment on all roles and databases of an installation."""
    return f"Made by Casebook, installation {installation}"


def ensure_installation(connection: Connection) -> str:
    """Return the uuid of this installation, kept in the warehouse: casebook.installation, one row.

    `connection` is an autocommitting one to the warehouse; the builder must be allowed to create a
    schema there.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_catalog.to_regclass('casebook.installation') is not null")
        if not _scalar(cursor.fetchone()):
            try:
                # One message is one transaction. The index on a constant allows a single row.
                cursor.execute(
                    "create schema if not exists casebook;"
                    "create table casebook.installation (installation uuid not null);"
                    "create unique index on casebook.installation ((true));"
                    "comment on table casebook.installation is"
                    " 'Which installation of Casebook builds here: one row';"
                    "insert into casebook.installation values (%s)",
                    (str(uuid.uuid4()),),
                )
            except (errors.UniqueViolation, errors.DuplicateTable):
                # Another command made it meanwhile.
                return ensure_installation(connection)
        cursor.execute("select installation::text from casebook.installation")
        return str(_scalar(cursor.fetchone()))


def role_exists(connection: Connection, name: str) -> bool:
    """Tell whether a role is there, whoever made it."""
    return name in _comments(connection, "role")


def database_exists(connection: Connection, name: str) -> bool:
    """Tell whether a database is there, whoever made it."""
    return name in _comments(connection, "database")


def marked_databases(connection: Connection, installation: str) -> set[str]:
    """Return the databases of the server that this installation made."""
    found = _comments(connection, "database").items()
    return {name for name, comment in found if comment == marker(installation)}


def marked_roles(connection: Connection, installation: str) -> set[str]:
    """Return the roles of the server that this installation made."""
    found = _comments(connection, "role").items()
    return {name for name, comment in found if comment == marker(installation)}


def ensure_role(
    connection: Connection,
    name: str,
    *,
    installation: str,
    limit: int | None = None,
    password: str | None = None,
) -> bool:
    """Make a role with the mark of this installation, or bring a marked one into this shape.

    The role never is superuser, creates nothing and does not bypass row security. `limit` is how
    many connections a login may have, -1 any number; without one the role cannot log in. The server
    is given a SCRAM verifier, never the password. Returns whether the role is new. Raises
    ConfigurationError, and changes nothing, when a role of this name is not marked.
    """
    exists = role_exists(connection, name)
    if exists:
        _refuse_unmarked(connection, "role", name, installation)
    shape = [
        sql.SQL("nologin" if limit is None else "login"),
        sql.SQL("inherit connection limit {}").format(sql.Literal(-1 if limit is None else limit)),
    ]
    if password is not None:
        verifier = scram_verifier(connection, name, password)
        shape.append(sql.SQL("password {}").format(sql.Literal(verifier)))
    statement = sql.SQL("alter role {} {}" if exists else "create role {} {}").format(
        sql.Identifier(name), sql.SQL(" ").join(shape)
    )
    with connection.cursor() as cursor:
        if exists:
            cursor.execute(statement)
        else:
            # One message is one transaction: a role never is without its mark.
            comment = sql.SQL("comment on role {} is {}").format(
                sql.Identifier(name), sql.Literal(marker(installation))
            )
            cursor.execute(sql.SQL("; ").join([statement, comment]))
    return not exists


def ensure_database(
    connection: Connection, name: str, *, installation: str, template: str = "template0"
) -> bool:
    """Make a database that is owned by the current user, marked, and closed to everyone else.

    `connection` is an autocommitting one to another database of the server. Returns whether the
    database is new. It is a copy of `template`; text is UTF-8. Raises ConfigurationError, and
    changes nothing, when one of this name is not marked, and DatabaseError for a builder who may
    not make databases.
    """
    if database_exists(connection, name):
        _refuse_unmarked(connection, "database", name, installation)
        return False
    _refuse_without_createdb(connection, name)
    # It gets its name last, so that no crash leaves one without mark that is refused ever after;
    # what a crash does leave, `drop_unfinished_databases` finds by its name.
    unfinished = sql.Identifier(f"{_UNFINISHED}{secrets.token_hex(6)}")
    with connection.cursor() as cursor:
        try:
            for statement, values in (
                ("create database {0} template {1} encoding 'UTF8'", (sql.Identifier(template),)),
                ("revoke all on database {0} from public", ()),
                ("comment on database {0} is {1}", (sql.Literal(marker(installation)),)),
                ("alter database {0} rename to {1}", (sql.Identifier(name),)),
            ):
                cursor.execute(sql.SQL(statement).format(unfinished, *values))
        except (errors.DuplicateDatabase, errors.UniqueViolation, errors.InvalidCatalogName):
            # Another command made it meanwhile, and may have taken this one for a leftover.
            cursor.execute(sql.SQL("drop database if exists {}").format(unfinished))
            _refuse_unmarked(connection, "database", name, installation)
            return False
    return True


def drop_unfinished_databases(connection: Connection) -> None:
    """Drop what a killed command left of `ensure_database`, on the same kind of connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_catalog.pg_database"
            " where pg_catalog.starts_with(datname, %s)"
            " and pg_catalog.pg_get_userbyid(datdba) = current_user",
            (_UNFINISHED,),
        )
        for (name,) in cursor.fetchall():
            with suppress(errors.InvalidCatalogName, errors.ObjectInUse):
                cursor.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


def _refuse_without_createdb(connection: Connection, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolcreatedb or rolsuper, rolname from pg_catalog.pg_roles"
            " where rolname = current_user"
        )
        row = cursor.fetchone()
    if row and not row[0]:
        statement = sql.SQL("alter role {} createdb").format(sql.Identifier(str(row[1])))
        raise DatabaseError(
            f"There is no database {name!r}, and {row[1]!r} may not make it.",
            f"Let an administrator run: {statement.as_string(connection)};",
        )


def scram_verifier(connection: Connection, user: str, password: str) -> str:
    """Return what the server stores in place of a password, so that no log can show that one."""
    return str(encrypt_password(password, user, scope=connection, algorithm="scram-sha-256"))


def _refuse_unmarked(connection: Connection, kind: str, name: str, installation: str) -> None:
    wanted = marker(installation)
    if _comments(connection, kind).get(name) == wanted:
        return
    statement = sql.SQL("comment on {} {} is {}").format(
        sql.SQL(kind), sql.Identifier(name), sql.Literal(wanted)
    )
    raise ConfigurationError(
        f"The {kind} {name!r} exists already and was not made by this installation of Casebook,"
        " which leaves it as it is.",
        f"Rename or drop it; or, if it is meant for Casebook, have its owner run:"
        f" {statement.as_string(connection)};",
    )


def _comments(connection: Connection, kind: str) -> dict[str, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(_COMMENTS[kind])
        return dict(cursor.fetchall())


def _scalar(row: tuple[object, ...] | None) -> object:
    return row[0] if row else None
