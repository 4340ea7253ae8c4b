"""What a reader's database keeps from PostgreSQL's own functions and views, and where it is made.

Whoever connects to a database may call nearly all functions of the server: take locks until nobody
gets any, write into the log of changes, or read how much is written in other databases. Rights on
them belong to each database, and only a superuser can change them. So a superuser closes them once,
in a template that the databases of scopes are copies of.

Closed to everybody is every function that does something or changes its answer by itself (volatile)
but those on a list; what tells of the server's statistics, its transactions and what roles own in
other databases; and the views on these. What a later version of the server adds is closed too.
"""

from __future__ import annotations

from psycopg2 import sql

from orchestrate.driver import Cursor

TEMPLATE = "casebook_template"
_PLAIN_TEMPLATE = "template0"

# What queries and psql need, and what tells only of the caller or of tables that it may see.
_HARMLESS = (
    *("random", "random_normal", "setseed", "gen_random_uuid", "uuidv4", "uuidv7"),
    *("clock_timestamp", "timeofday", "array_sample", "array_shuffle"),
    *("set_config", "current_query", "query_to_xml", "currtid2"),
    *("pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size"),
    *("pg_partition_ancestors", "pg_partition_tree", "pg_is_in_recovery", "pg_jit_available"),
)
# Statistics, current transactions; age(xid) counts the server's transactions since a given one.
_TELLS_OF_OTHERS = """
    proname ~ '^(pg_stat_get_|pg_current_|pg_get_replication_slots|txid_current)'
    or 'xid'::regtype = any(proargtypes)
"""
_CLOSED = f"""
    closed_function as (
        select oid, proname::text as name, coalesce(proacl, acldefault('f', proowner)) as acl
        from pg_catalog.pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
            and (
                (provolatile = 'v' and proname not in ({", ".join(map(repr, _HARMLESS))}))
                or (provolatile = 's' and ({_TELLS_OF_OTHERS}))
            )
    ),
    closed_relation as (
        select oid, relname::text as name, relacl as acl
        from pg_catalog.pg_class
        where relkind in ('r', 'v') and relnamespace = 'pg_catalog'::regnamespace
            and (
                relname ~ '^(pg_stat(io)?_|pg_shdepend$)'
                or exists (
                    select from regexp_matches(pg_get_viewdef(oid), '(\\w+)\\(', 'g') as called
                    where relkind = 'v' and called[1] in (select name from closed_function)
                )
            )
    )
"""
_REVOCATIONS = f"""
    with {_CLOSED}
    select format('revoke execute on function %s from public;', oid::regprocedure)
    from closed_function
    where exists (select from aclexplode(acl) where grantee = 0)
    union all
    select format('revoke select on %s from public;', oid::regclass)
    from closed_relation
    where exists (select from aclexplode(acl) where grantee = 0)
"""
# By which a superuser closes the database in which it is run, also again. As one statement, so that
# any program will do, and all of it is done or nothing.
CLOSING_STATEMENT = f"""do $close$
declare
    next_statement text;
begin
    for next_statement in
        {_REVOCATIONS}
    loop
        execute next_statement;
    end loop;
end
$close$"""
# With the version of PostgreSQL that has it.
_LIMITS = (
    ("grant set on parameter temp_file_limit to {builder}", 150000),
    ("grant pg_use_reserved_connections to {builder} with admin option", 160000),
)


def open_to_everybody(cursor: Cursor) -> list[str]:
    """Return the statements that are still needed to close the cursor's database, in order.

    Each takes one function or view of the server from PUBLIC, which only a superuser can. None: it
    is closed, as every copy of the template is until the server gets a newer version.
    """
    cursor.execute(f"{_REVOCATIONS} order by 1")
    return [statement for (statement,) in cursor.fetchall()]


def limit_statements(cursor: Cursor, builder: str) -> list[str]:
    """Return the statements by which a superuser lets the builder limit logins on this server.

    The builder may then set `temp_file_limit` on roles and, from PostgreSQL 16 on, let roles have
    the connections that `reserved_connections` keeps. The cursor tells the version.
    """
    version = cursor.connection.server_version
    name = sql.Identifier(builder)
    return [
        sql.SQL(text).format(builder=name).as_string(cursor)
        for text, since in _LIMITS
        if version >= since
    ]


def template_for(cursor: Cursor) -> str:
    """Return the template for a database that readers connect to.

    That is the closed one where a superuser has made it, else the server's plain one: anybody who
    creates databases could make one of that name and put functions of their own into it.
    """
    cursor.execute(
        "select 1 from pg_catalog.pg_database"
        " inner join pg_catalog.pg_roles on pg_roles.oid = datdba"
        " where datname = %s and datistemplate and rolsuper",
        (TEMPLATE,),
    )
    return TEMPLATE if cursor.fetchone() else _PLAIN_TEMPLATE
