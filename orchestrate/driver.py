"""The database driver's classes, which it names like functions, by names for annotations."""

from __future__ import annotations

from psycopg2 import extensions

Connection = extensions.connection
Cursor = extensions.cursor
