"""Everything that a reader can get of a Casebook: files, unpacked, rows and catalogs."""

from __future__ import annotations

import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from psycopg2 import errors

# Who reads what lies in each folder that a run on the sample's members renders.
READERS = {
    "program": "program_director",
    "humana": "humana_colonoscopy",
    "humana_hospice": "humana_hospice",
    "united_healthcare": "uhc_analyst",
    "management": "senior_manager",
    "staff": "staff_member",
}
# Shipped as they are in every folder; nothing of a run is in them.
STATIC = ("plotly.min.js", "casebook.css", "casebook.js", "explorer.js")
_DOWNLOADS = re.compile(rb'data:[a-z/]+;[^,"]*base64,([A-Za-z0-9+/=]+)')
_RELATIONS = """
    select format('%I.%I', table_schema, table_name),
        string_agg(quote_ident(column_name), ', ' order by ordinal_position)
    from information_schema.columns
    where table_schema not in ('pg_catalog', 'information_schema')
    group by table_schema, table_name order by 1
"""
_CATALOGS = """
    select oid::regclass::text from pg_class
    where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
    order by 1
"""
_READABLE = """
    select format('select shown::text from %I.%I as shown order by 1', nspname, relname)
    from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v')
        and has_table_privilege(pg_class.oid, 'select')
"""
_CALLABLE = """
    select format('select shown::text from %I.%I() as shown', nspname, proname)
    from pg_proc inner join pg_namespace on pg_namespace.oid = pronamespace
    where has_schema_privilege(pg_namespace.oid, 'usage') and prokind = 'f'
        and pronargs = pronargdefaults and provariadic = 0
        and prorettype not in (
            select oid from pg_type where typtype = 'p' and typname not in ('record', 'void')
        )
        and has_function_privilege(pg_proc.oid, 'execute')
"""
# Functions of the server that give another answer at every call, whatever others do.
CHANGES_BY_ITSELF = {
    f"select shown::text from pg_catalog.{name}() as shown": reason
    for name, reason in {
        **dict.fromkeys(
            ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday"),
            "a clock",
        ),
        **dict.fromkeys(("random", "random_normal", "gen_random_uuid", "uuidv4"), "chance"),
        "uuidv7": "a clock and chance",
    }.items()
}


def every_byte(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give the name and content of every file, of every part of a workbook, and of downloads."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name in STATIC:
            continue
        name, content = str(path.relative_to(folder)), path.read_bytes()
        is_packed = path.suffix == ".xlsx"
        yield name, path.name.encode() + (b"" if is_packed else content)
        if is_packed:
            with zipfile.ZipFile(path) as archive:
                for part in archive.namelist():
                    yield f"{name}/{part}", part.encode() + archive.read(part)
        if path.suffix == ".html":
            for place, download in enumerate(_DOWNLOADS.findall(content)):
                yield f"{name}/download {place}", b64decode(download)


def every_row(cursor: Any) -> Iterator[tuple[str, str]]:
    """Give each relation that a reader may read, as the lines of COPY."""
    cursor.execute(_RELATIONS)
    for relation, columns in cursor.fetchall():
        lines = StringIO()
        cursor.copy_expert(f"copy (select {columns} from {relation}) to stdout", lines)
        yield relation, lines.getvalue()


def every_catalog(cursor: Any) -> Iterator[tuple[str, str]]:
    """Give each catalog of the server that a reader may read: comments, bodies, policies, names.

    The cursor's connection commits by itself. The standard's views show no more than these.
    """
    # Compiling a view takes seconds, reading it once does not.
    cursor.execute("set jit = off")
    cursor.execute(_CATALOGS)
    for (catalog,) in cursor.fetchall():
        try:
            cursor.execute(f"select shown::text from {catalog} as shown")
        except errors.InsufficientPrivilege:
            continue
        yield catalog, "\n".join(row for (row,) in cursor.fetchall() if row)


def every_answer(cursor: Any) -> Iterator[tuple[str, object]]:
    """Give each query of a catalog or view of the server, and each call without arguments.

    With what it answers the reader, be it an error. The cursor's connection commits by itself.
    """
    for kind in (_READABLE, _CALLABLE):
        cursor.execute(kind)
        for (query,) in cursor.fetchall():
            try:
                cursor.execute(query)
                yield query, cursor.fetchall()
            except errors.DatabaseError as error:
                yield query, str(error)
