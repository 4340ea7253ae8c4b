"""The schema `private` of a scope's database: which version is shown, and which versions it holds.

No reader may use the schema. The policies reach its function all the same: a policy holds its
functions by identity, so that a reader needs EXECUTE but never looks the name up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestrate.access.routines import Routine
from orchestrate.access.scopes import OWNER

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

SCHEMA: Final = "private"
TABLES: Final = ("pointer", "versions")
CURRENT_VERSION = Routine(
    SCHEMA,
    "current_version",
    signature="",
    owner=OWNER,
    # As the server writes it back.
    definition="""CREATE OR REPLACE FUNCTION private.current_version()
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL RESTRICTED SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$select pointer.current_version from private.pointer$function$
""",
)
# What the policies ask for beside the version: the planner sees `is not null` in its place.
IS_GIVEN = Routine(
    SCHEMA,
    "is_given",
    signature="private.answer",
    owner=OWNER,
    definition="""CREATE OR REPLACE FUNCTION private.is_given(private.answer)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$select $1 is not null$function$
""",
)
ROUTINES: Final = (CURRENT_VERSION, IS_GIVEN)

_CREATE: Final = f"""
    create schema private;
    -- Functions are PUBLIC's by default; for the owner's own that ends here.
    alter default privileges revoke execute on functions from public;
    create table private.pointer (
        only_row boolean primary key default true check (only_row),
        current_version bigint,
        highest_version bigint not null default 0,
        turn bigint not null default 0,
        check (current_version <= highest_version)
    );
    comment on table private.pointer is
        'One row: the version that readers see, the highest one they ever saw, and the decision'
        ' (casebook.pointer of the warehouse) that made it so.';
    insert into private.pointer default values;
    create table private.versions (version bigint primary key, given jsonb not null);
    comment on table private.versions is
        'One row per version whose rows are here, with the relations and functions of its readers.';
    create type private.answer as enum ('given');
    {CURRENT_VERSION.definition};
    {IS_GIVEN.definition};
    create cast (private.answer as boolean) with function private.is_given as implicit;
    revoke all on function private.current_version(), private.is_given from public;
"""


def ensure_private(cursor: Cursor) -> None:
    """Create the schema where it is missing. The caller has set the role to the owner."""
    cursor.execute("select to_regnamespace('private') is null")
    if cursor.fetchone() == (True,):
        cursor.execute(_CREATE)
