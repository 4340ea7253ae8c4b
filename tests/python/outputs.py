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


def every_byte(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give the name and content of every file, of every part of a workbook, and of downloads."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name in STATIC:
            continue
        name, content = str(path.relative_to(folder)), path.read_bytes()
        yield name, path.name.encode() + content
        if path.suffix == ".xlsx":
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
