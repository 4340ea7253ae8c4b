"""Every cell of the access matrix, as a server itself answers: object by verb for one role.

Everything is enumerated from the catalog of the database that the cursor is in, and from the
server's lists of databases, roles, settings and tablespaces. Nothing is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

OURS = 16384  # The first oid of an object that did not come with the server.


class Cell(NamedTuple):
    """May the role do this? `path` names the object in parts, outermost first.

    kind        path                                 verbs
    database    name                                 CONNECT, CREATE, TEMPORARY
    schema      name                                 USAGE, CREATE
    relation    schema, name, kind of relation       SELECT … MAINTAIN
    column      schema, relation, name, plain or system      SELECT, INSERT, UPDATE, REFERENCES
    sequence    schema, name                         USAGE, SELECT, UPDATE
    function    schema, name, types of arguments, volatility     EXECUTE
    role        name                                 MEMBER, USAGE, SET, ADMIN
    attribute   of the role itself: login …          HOLDS
    setting     name                                 SET, ALTER SYSTEM
    tablespace, wrapper, server: name                CREATE; USAGE
    default     schema, kind of object               what new objects of anybody's will grant

    `at_birth`: a new server lets everybody do it. A verb followed by a star may be passed on.
    """

    kind: str
    path: tuple[str, ...]
    verb: str
    is_held: bool
    at_birth: bool


def read_cells(cursor: Any, role: str) -> Iterator[Cell]:
    """Yield all cells of a role."""
    return _ask(cursor, _QUERIES, _parameters(cursor, role, only_changed=False))


def read_changed_cells(cursor: Any, roles: Iterable[str]) -> Iterator[tuple[str, Cell]]:
    """Yield the cells of all roles, with the role, without what is as the server came.

    What came with the server and was granted or revoked since counts as changed. Kinds that are
    few come first.
    """
    parameters = {role: _parameters(cursor, role, only_changed=True) for role in roles}
    for query in sorted(_QUERIES, key=[_RELATIONS, _FUNCTIONS, _COLUMNS].count):
        for role, values in parameters.items():
            for cell in _ask(cursor, [query], values):
                yield role, cell


def _parameters(cursor: Any, role: str, *, only_changed: bool) -> dict[str, Any]:
    cursor.execute("select current_setting('server_version_num')::integer")
    (version,) = cursor.fetchone()
    return {
        "role": role,
        "first": OURS if only_changed else 0,
        "table_verbs": _passed_on(
            ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
            + ["MAINTAIN"] * (version >= 170000)
        ),
        "column_verbs": _passed_on(["SELECT", "INSERT", "UPDATE", "REFERENCES"]),
        "sequence_verbs": _passed_on(["USAGE", "SELECT", "UPDATE"]),
        "schema_verbs": _passed_on(["USAGE", "CREATE"]),
        "database_verbs": _passed_on(["CONNECT", "CREATE", "TEMPORARY"]),
        "function_verbs": _passed_on(["EXECUTE"]),
        "role_verbs": ["MEMBER", "USAGE", "MEMBER WITH ADMIN OPTION"]
        + ["SET"] * (version >= 160000),
    }


def _ask(cursor: Any, queries: Iterable[str], parameters: dict[str, Any]) -> Iterator[Cell]:
    for query in queries:
        cursor.execute(query, parameters)
        for kind, path, verb, is_held, at_birth in cursor.fetchall():
            plain = verb.replace(" WITH GRANT OPTION", "*").replace("MEMBER WITH ADMIN OPTION", "*")
            yield Cell(kind, tuple(path), plain, is_held, at_birth)


def _passed_on(verbs: list[str]) -> list[str]:
    return [form for verb in verbs for form in (verb, f"{verb} WITH GRANT OPTION")]


def _at_birth(catalog: str, kind: str, owner: str) -> str:
    """Return what a new server grants to everybody on an object, as an array of verbs."""
    return f"""
        coalesce((
            select array_agg(given.privilege_type)
            from aclexplode(coalesce(
                (
                    select initprivs from pg_init_privs
                    where objoid = object.oid and classoid = '{catalog}'::regclass
                        and objsubid = 0
                ),
                acldefault('{kind}', object.{owner})
            )) as given
            where given.grantee = 0 and object.oid < {OURS}
        ), array[]::text[])"""


def _is_changed(catalog: str, acl: str) -> str:
    return f"""
        (object.oid >= %(first)s or object.{acl} is distinct from (
            select initprivs from pg_init_privs
            where objoid = object.oid and classoid = '{catalog}'::regclass and objsubid = 0
        ))"""


# What a star stands for is never anybody's at birth: PUBLIC cannot pass anything on.
_DATABASES = """
    select 'database', array[datname::text], verb, has_database_privilege(%(role)s, oid, verb),
        not datallowconn and verb = 'CONNECT'
    from pg_database cross join unnest(%(database_verbs)s) as verb
"""
_SCHEMAS = f"""
    select 'schema', array[object.nspname::text], verb,
        has_schema_privilege(%(role)s, object.oid, verb),
        verb = any ({_at_birth("pg_namespace", "n", "nspowner")})
    from pg_namespace as object cross join unnest(%(schema_verbs)s) as verb
    where not starts_with(object.nspname, 'pg_temp_')
        and not starts_with(object.nspname, 'pg_toast_temp_')
"""
_RELATIONS = f"""
    select 'relation', array[nspname::text, object.relname::text, object.relkind::text], verb,
        has_table_privilege(%(role)s, object.oid, verb), verb = any (object.at_birth)
    from (
        select object.*, {_at_birth("pg_class", "r", "relowner")} as at_birth
        from pg_class as object where {_is_changed("pg_class", "relacl")}
    ) as object
    inner join pg_namespace on pg_namespace.oid = object.relnamespace
    cross join unnest(%(table_verbs)s) as verb
    where object.relkind <> 'S'
        and (%(first)s = 0 or nspname <> 'information_schema')
"""
_COLUMNS = f"""
    select 'column',
        array[
            nspname::text, object.relname::text, attname::text,
            case when attnum < 0 then 'system' else 'plain' end
        ],
        verb, has_column_privilege(%(role)s, object.oid, attnum, verb),
        verb = any (object.at_birth) or exists (
            select from pg_init_privs cross join aclexplode(initprivs) as given
            where objoid = object.oid and classoid = 'pg_class'::regclass and objsubid = attnum
                and given.grantee = 0 and given.privilege_type = verb
        )
    from (
        select object.*, {_at_birth("pg_class", "r", "relowner")} as at_birth
        from pg_class as object
        where object.relkind in ('r', 'v', 'm', 'f', 'p', 't') and (
            {_is_changed("pg_class", "relacl")} or exists (
                select from pg_attribute where attrelid = object.oid and attacl is not null
            )
        )
    ) as object
    inner join pg_namespace on pg_namespace.oid = object.relnamespace
    inner join pg_attribute on attrelid = object.oid and not attisdropped
    cross join unnest(%(column_verbs)s) as verb
    where %(first)s = 0 or nspname <> 'information_schema'
"""
_SEQUENCES = f"""
    select 'sequence', array[nspname::text, object.relname::text], verb,
        has_sequence_privilege(%(role)s, object.oid, verb),
        verb = any ({_at_birth("pg_class", "s", "relowner")})
    from pg_class as object
    inner join pg_namespace on pg_namespace.oid = object.relnamespace
    cross join unnest(%(sequence_verbs)s) as verb
    where object.relkind = 'S'
"""
_FUNCTIONS = f"""
    select 'function',
        array[
            nspname::text, object.proname::text, oidvectortypes(object.proargtypes),
            object.provolatile::text
        ],
        verb,
        has_function_privilege(%(role)s, object.oid, verb),
        verb = any ({_at_birth("pg_proc", "f", "proowner")})
    from pg_proc as object
    inner join pg_namespace on pg_namespace.oid = object.pronamespace
    cross join unnest(%(function_verbs)s) as verb
    where {_is_changed("pg_proc", "proacl")}
"""
_ROLES = """
    select 'role', array[rolname::text], verb, pg_has_role(%(role)s, oid, verb), false
    from pg_roles cross join unnest(%(role_verbs)s) as verb
"""
_ATTRIBUTES = """
    select 'attribute', array[name], 'HOLDS', is_held, false
    from pg_roles cross join lateral (
        values
            ('login', rolcanlogin),
            ('superuser', rolsuper),
            ('createrole', rolcreaterole),
            ('createdb', rolcreatedb),
            ('replication', rolreplication),
            ('bypassrls', rolbypassrls),
            ('unlimited connections', rolconnlimit < 0)
    ) as attributes (name, is_held)
    where rolname = %(role)s
"""
_SETTINGS = """
    select 'setting', array[name], verb, has_parameter_privilege(%(role)s, name, verb), false
    from pg_settings cross join (values ('SET'), ('ALTER SYSTEM')) as verbs (verb)
    where %(first)s = 0 or exists (select from pg_parameter_acl where parname = name)
"""
_TABLESPACES = """
    select 'tablespace', array[spcname::text], 'CREATE',
        has_tablespace_privilege(%(role)s, oid, 'CREATE'), false
    from pg_tablespace
"""
_FOREIGN = """
    select 'wrapper', array[fdwname::text], 'USAGE',
        has_foreign_data_wrapper_privilege(%(role)s, oid, 'USAGE'), false
    from pg_foreign_data_wrapper
    union all
    select 'server', array[srvname::text], 'USAGE',
        has_server_privilege(%(role)s, oid, 'USAGE'), false
    from pg_foreign_server
"""
_DEFAULTS = """
    select 'default', array[coalesce(nspname::text, 'any schema'), defaclobjtype::text],
        given.privilege_type,
        given.grantee = 0 or given.grantee = (select oid from pg_roles where rolname = %(role)s),
        false
    from pg_default_acl
    left join pg_namespace on pg_namespace.oid = defaclnamespace
    cross join lateral aclexplode(defaclacl) as given
    where given.grantee <> defaclrole
"""

_QUERIES = (
    _DATABASES,
    _SCHEMAS,
    _RELATIONS,
    _COLUMNS,
    _SEQUENCES,
    _FUNCTIONS,
    _ROLES,
    _ATTRIBUTES,
    _SETTINGS,
    _TABLESPACES,
    _FOREIGN,
    _DEFAULTS,
)
