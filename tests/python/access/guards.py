"""What privileges do not tell: the guards on tables, functions and logins of reporting.

One query per kind of object; each row says what is guarded, which guard, and whether it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Guard(NamedTuple):
    """A guard on an object that `name` names in words."""

    name: str
    what: str
    stands: bool


def read_guards(cursor: Any) -> Iterator[Guard]:
    """Yield every guard of the database that the cursor is in."""
    for query in (_TABLES, _COLUMNS, _INDEXES, _FUNCTIONS, _LOGINS, _NOTHING_ELSE):
        cursor.execute(query)
        yield from (Guard(*row) for row in cursor.fetchall())


def standing_otherwise(cursor: Any) -> list[str]:
    """Say which guards do not stand."""
    return [f"{guard.name}: {guard.what}" for guard in read_guards(cursor) if not guard.stands]


# Schemas that did not come with the server.
_OURS = """
    (
        select oid as schema_id, nspname from pg_namespace
        where oid >= 16384 and not starts_with(nspname, 'pg_')
    ) as schemas"""
_TABLES = f"""
    select format('%s.%s', nspname, relname), what, stands
    from pg_class
    inner join {_OURS} on schema_id = relnamespace
    cross join lateral (
        values
            ('is an ordinary table', relkind = 'r'),
            ('belongs to the owner', relowner = 'casebook_owner'::regrole),
            ('has no inheritance, rule or trigger', not (
                relhassubclass or relispartition or relhasrules
                or exists (select from pg_trigger where tgrelid = pg_class.oid and not tgisinternal)
            )),
            ('row security is on', relrowsecurity or nspname = 'private'),
            ('row security is not forced', not relforcerowsecurity)
    ) as guards (what, stands)
    where relkind not in ('i', 'I', 't', 'c')
"""
_COLUMNS = f"""
    select format('%s.%s.%s', nspname, relname, attname), 'keeps no statistics',
        attstattarget = 0 and not exists (
            select from pg_statistic where starelid = attrelid and staattnum = attnum
        )
    from pg_attribute
    inner join pg_class on pg_class.oid = attrelid
    inner join {_OURS} on schema_id = relnamespace
    where relkind = 'r' and attnum > 0 and not attisdropped and nspname <> 'private'
"""
# An index that begins otherwise lets a plan count the rows of others that it removed.
_INDEXES = f"""
    select indexrelid::regclass::text, 'begins with what the policies compare',
        (
            select array_agg(attname::text order by position)
            from unnest(indkey::smallint[]) with ordinality as key (attnum, position)
            inner join pg_attribute on attrelid = indrelid and pg_attribute.attnum = key.attnum
            where position <= case when is_scoped then 2 else 1 end
        ) = case when is_scoped then array['version', 'scope_id'] else array['version'] end
    from pg_index
    inner join pg_class on pg_class.oid = indrelid
    inner join {_OURS} on schema_id = relnamespace
    cross join lateral (
        select exists (
            select from pg_attribute where attrelid = indrelid and attname = 'scope_id'
        ) as is_scoped
    ) as scoped
    where nspname <> 'private'
"""
_FUNCTIONS = f"""
    select format('%s.%s', nspname, proname), what, stands
    from pg_proc
    inner join {_OURS} on schema_id = pronamespace
    cross join lateral (
        values
            ('belongs to the owner', proowner = 'casebook_owner'::regrole),
            ('runs as the owner in private only', prosecdef = (nspname = 'private')),
            ('promises no more than that it is stable', provolatile = 's' and not proleakproof),
            ('has a pinned search path', exists (
                select from unnest(proconfig) as setting
                where starts_with(setting, 'search_path=') and not setting like '%$user%'
            ))
    ) as guards (what, stands)
"""
_LOGINS = """
    select login.rolname::text, what, stands
    from pg_roles as login
    inner join pg_auth_members on member = login.oid
    inner join pg_roles as audience on audience.oid = roleid
    cross join lateral (
        values
            ('is in one group only', 1 = (
                select count(*) from pg_auth_members as memberships
                where memberships.member = login.oid
            )),
            ('plans without sequential scans', 'enable_seqscan=off' = any (login.rolconfig)),
            ('has a limit of time', exists (
                select from unnest(login.rolconfig) as setting
                where starts_with(setting, 'statement_timeout=') and not setting like '%=0'
            ))
    ) as guards (what, stands)
    where login.rolcanlogin and login.rolname not in ('casebook_builder', 'casebook_publisher')
        and audience.rolname in ('casebook_program', 'casebook_resident', 'casebook_client',
            'casebook_management', 'casebook_staff')
"""
_NOTHING_ELSE = """
    select 'reporting', format('has no %s', what), not found
    from (
        values
            ('extension', exists (select from pg_extension where extname <> 'plpgsql')),
            ('foreign server', exists (select from pg_foreign_server)),
            ('event trigger', exists (select from pg_event_trigger)),
            ('logical publication', exists (select from pg_publication)),
            ('large object', exists (select from pg_largeobject_metadata)),
            ('extended statistics', exists (select from pg_statistic_ext)),
            ('right of a reader on new objects', exists (
                select from pg_default_acl cross join aclexplode(defaclacl) as given
                where given.grantee <> defaclrole
            ))
    ) as guards (what, found)
"""
