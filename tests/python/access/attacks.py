"""Each attack with the guards that stop it, and the statements that take a guard away."""

from __future__ import annotations

from typing import NamedTuple

from tests.python.access.attackers import (
    LOGIN,
    RELATION,
    SECRET,
    VERSION,
    Learn,
    ask_by_errors,
    ask_whether_the_version_was_asked_for,
    bring_functions,
    compare_estimates,
    end_sessions,
    enter_other_databases,
    read_everything,
    read_system_columns,
    search_the_catalog,
    spoof_settings,
    switch_row_security_off,
    take_roles,
    take_sessions,
    use_the_server,
    watch_counters,
)


class Guard(NamedTuple):
    """What stops an attack, in words, and the statements that take it away and put it back.

    `{own}`, `{other}` and `{other_group}` in them stand for the attacker's database, another
    client's, and the group that enters that one. Policies, rights and functions need not be put
    back: that is done after every attack.
    """

    what: str
    removed: tuple[str, ...]
    restored: tuple[str, ...] = ()


class Attack(NamedTuple):
    """An attack, what it needs to be tried at all, and the guards, each of which stops it alone."""

    learn: Learn
    guards: tuple[Guard, ...]
    given: Guard = Guard("nothing", ())


# A view of the owner's that filters, by a condition that costs more than the attacker's.
_VIEW = Guard(
    "versions are filtered by row security, not by a view",
    (
        f"create view clients.shown as select * from {RELATION}"
        f" where translate(lower(trim(version::text)), ' ', '') = '{VERSION}'",
        "alter view clients.shown owner to casebook_owner",
        "grant select on clients.shown to casebook_client",
    ),
    ("drop view clients.shown",),
)
_VERSION_BY_SETTING = """
    create or replace function private.current_version() returns bigint language sql stable
    security definer parallel restricted set search_path to pg_catalog, pg_temp as
    'select coalesce(current_setting(''casebook.version'', true)::bigint, current_version)
    from private.pointer'
"""
# Rows of others, though of a version that nobody sees.
_FOREIGN = f"""
    insert into {RELATION}
    select 0, 'humana', 'foreign ' || number, '{SECRET}', 1 from generate_series(1, 500) as number
"""
_TEMPORARY = Guard(
    "nobody makes temporary objects",
    (f"grant temporary on database {{own}} to {LOGIN}",),
    (f"revoke temporary on database {{own}} from {LOGIN}",),
)
_TEMPORARY_AND_VIEW = Guard(
    "nor is there a view to ask by them",
    (*_TEMPORARY.removed, *_VIEW.removed),
    (*_VIEW.restored, *_TEMPORARY.restored),
)


_COUNTERS = """
    do $$
    declare
        counter text;
    begin
        for counter in
            select format('execute on function %s', oid::regprocedure) from pg_proc
            where starts_with(proname, 'pg_stat_get_') or proname = 'pg_stat_clear_snapshot'
            union all
            select format('select on %s', oid::regclass) from pg_class
            where relname in ('pg_stat_user_tables', 'pg_stat_user_indexes', 'pg_stat_database')
        loop
            execute format('{change} %s {of} public', counter);
        end loop;
    end
    $$
"""


def _of_login(what: str, change: str, back: str) -> Guard:
    return Guard(what, (f"alter role {LOGIN} {change}",), (f"alter role {LOGIN} {back}",))


def _granted(what: str, role: str) -> Guard:
    return Guard(what, (f"grant {role} to {LOGIN}",), (f"revoke {role} from {LOGIN}",))


ATTACKS = (
    Attack(
        read_everything,
        (
            Guard("each version has a policy", (f"drop policy version_is_current on {RELATION}",)),
            Guard(
                "a new table gives nobody any right",
                (
                    "alter default privileges for role casebook_owner"
                    " grant select on tables to casebook_client",
                    "set role casebook_owner",
                    f"create table clients.more as select * from {RELATION}",
                    "reset role",
                ),
                (
                    "drop table clients.more",
                    "alter default privileges for role casebook_owner"
                    " revoke select on tables from casebook_client",
                ),
            ),
        ),
    ),
    Attack(
        enter_other_databases,
        (
            Guard(
                "a database is open to the group of its scope only",
                (f"grant connect on database {{other}} to {LOGIN}",),
                (f"revoke connect on database {{other}} from {LOGIN}",),
            ),
            _granted("a login is in the group of its scope alone", "{other_group}"),
        ),
    ),
    Attack(take_roles, (_granted("a login is in its group alone", "casebook_owner"),)),
    Attack(take_sessions, (_of_login("no superuser", "superuser", "nosuperuser"),)),
    Attack(switch_row_security_off, (_of_login("no bypass", "bypassrls", "nobypassrls"),)),
    Attack(
        spoof_settings,
        (Guard("the version goes by the pointer alone", (_VERSION_BY_SETTING,)),),
    ),
    Attack(
        ask_whether_the_version_was_asked_for,
        tuple(
            Guard(
                f"nothing costs less than the policy, not {condition}",
                (f"alter policy version_is_current on {RELATION} using ({condition})",),
            )
            for condition in (
                "version = (select private.current_version())",
                "version = any (array[(select private.current_version())])",
            )
        ),
    ),
    Attack(
        read_system_columns,
        (
            Guard(
                "rights are on columns, not on tables",
                (f"grant select on {RELATION} to casebook_client",),
            ),
        ),
    ),
    Attack(
        compare_estimates,
        (
            Guard(
                "rows of others are not there to be in statistics",
                (_FOREIGN, f"analyze {RELATION}"),
                (f"delete from {RELATION} where version = 0", f"analyze {RELATION}"),
            ),
        ),
    ),
    Attack(
        search_the_catalog,
        (
            Guard(
                "no index for a part of the rows",
                (
                    f"create index {SECRET}_only on {RELATION} (version)"
                    f" where specialty_id = '{SECRET}'",
                ),
                (f"drop index clients.{SECRET}_only",),
            ),
            Guard(
                "statistics keep no value that was taken away",
                (
                    _FOREIGN,
                    f"analyze {RELATION}",
                    f"delete from {RELATION} where version = 0",
                    "grant select on pg_statistic to public",
                ),
                ("revoke select on pg_statistic from public", f"analyze {RELATION}"),
            ),
            Guard(
                "no name of a group tells of a restriction",
                (f"create role casebook_humana_{SECRET}",),
                (f"drop role casebook_humana_{SECRET}",),
            ),
            Guard(
                "comments name nothing that is hidden",
                (f"comment on column {RELATION}.specialty_id is 'Such as {SECRET}.'",),
                (f"comment on column {RELATION}.specialty_id is 'The specialty_id.'",),
            ),
        ),
    ),
    Attack(
        watch_counters,
        (
            Guard(
                "the server's counters are closed",
                (_COUNTERS.format(change="grant", of="to"),),
                (_COUNTERS.format(change="revoke", of="from"),),
            ),
        ),
    ),
    Attack(
        end_sessions,
        (
            Guard(
                "no function takes a session from anybody",
                (
                    "grant select on pg_stat_activity to public",
                    "grant execute on function pg_stat_get_activity(integer),"
                    " pg_terminate_backend(integer, bigint) to public",
                ),
                (
                    "revoke select on pg_stat_activity from public",
                    "revoke execute on function pg_stat_get_activity(integer),"
                    " pg_terminate_backend(integer, bigint) from public",
                ),
            ),
        ),
    ),
    Attack(ask_by_errors, (_VIEW,)),
    Attack(bring_functions, (_TEMPORARY, _TEMPORARY_AND_VIEW)),
    Attack(
        use_the_server,
        (
            _granted("no role of the server", "pg_execute_server_program"),
            _granted("no role that writes files", "pg_write_server_files"),
            Guard(
                "large objects are closed",
                ("grant execute on function lo_create(oid) to public",),
                (
                    "revoke execute on function lo_create(oid) from public",
                    "select lo_unlink(oid) from pg_largeobject_metadata",
                ),
            ),
        ),
    ),
)
