"""What privileges do not tell: the guards on tables, functions and logins of a scope's database.

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
    for query in (_TABLES, _POLICIES, _INDEXES, _FUNCTIONS, _LOGINS, _NOTHING_ELSE):
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
# The first condition costs nothing, so that no reader's comes before it.
_POLICIES = f"""
    select format('%s.%s', nspname, relname), what, stands
    from pg_class
    inner join {_OURS} on schema_id = relnamespace
    cross join lateral (
        values
            ('restricts to the version that is shown', 1 = (
                select count(*) from pg_policy
                where polrelid = pg_class.oid and not polpermissive and polroles = '{{0}}'
                    and polcmd = 'r'
                    and regexp_replace(pg_get_expr(polqual, polrelid), '\\s+', ' ', 'g')
                    ~ '^\\(\\(version, true\\) = \\( SELECT private.current_version\\(\\) AS'
            )),
            ('shows every row of it', array['true'] = array(
                select pg_get_expr(polqual, polrelid) from pg_policy
                where polrelid = pg_class.oid and polpermissive and polcmd = 'r'
            )),
            ('has no other policy', 2 = (
                select count(*) from pg_policy where polrelid = pg_class.oid
            ))
    ) as guards (what, stands)
    where relkind = 'r' and nspname <> 'private'
"""
# An index that begins otherwise lets a plan count the rows of other versions that it removed.
_INDEXES = f"""
    select indexrelid::regclass::text, 'begins with the version',
        'version' = (
            select attname from pg_attribute where attrelid = indrelid and attnum = indkey[0]
        )
    from pg_index
    inner join pg_class on pg_class.oid = indrelid
    inner join {_OURS} on schema_id = relnamespace
    where nspname <> 'private'
"""
_FUNCTIONS = f"""
    select format('%s.%s', nspname, proname), what, stands
    from pg_proc
    inner join {_OURS} on schema_id = pronamespace
    cross join lateral (select (nspname, proname) = ('private', 'is_given') as is_answer) as kind
    cross join lateral (
        values
            ('belongs to the owner', proowner = 'casebook_owner'::regrole),
            ('runs as the owner in private only', is_answer or prosecdef = (nspname = 'private')),
            ('promises no more than that it is stable', not proleakproof
                and (is_answer or provolatile = 's')),
            ('has a pinned search path', is_answer or exists (
                select from unnest(proconfig) as setting
                where starts_with(setting, 'search_path=') and not setting like '%$user%'
            )),
            ('gives its place to what it asks', not is_answer or not prosecdef
                and provolatile = 'i' and proconfig is null and prosrc = 'select $1 is not null')
    ) as guards (what, stands)
"""
# Logins of members and those for pages; the latter are the scope's own, with fewer connections.
_LOGINS = """
    select login.rolname::text, what, stands
    from pg_roles as login
    cross join lateral (
        values
            ('is in one group only', 1 = (
                select count(*) from pg_auth_members
                where member = login.oid
                    and not (
                        login.rolname ~ '^casebook_.*_pages$'
                        and roleid::regrole::text = 'pg_use_reserved_connections'
                    )
            )),
            ('has a limit of connections', login.rolconnlimit between 1 and 20),
            ('has a limit of time', starts_with(login.rolname, 'casebook_') or exists (
                select from unnest(login.rolconfig) as setting
                where starts_with(setting, 'statement_timeout=') and not setting like '%=0'
            )),
            ('has settings in no single database', not exists (
                select from pg_db_role_setting where setrole = login.oid and setdatabase <> 0
            ))
    ) as guards (what, stands)
    where login.rolcanlogin and login.rolname not in ('casebook_builder', 'casebook_publisher')
        and exists (
            select from pg_auth_members
            where member = login.oid and starts_with(roleid::regrole::text, 'casebook_')
        )
"""
_NOTHING_ELSE = """
    select current_database()::text, format('has no %s', what), not found
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
