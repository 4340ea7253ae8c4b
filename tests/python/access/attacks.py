"""Each attack with the guards that stop it, and the statements that take a guard away."""

from __future__ import annotations

from typing import NamedTuple

from tests.python.access.attackers import (
    LOGIN,
    OWN,
    RELATION,
    SECRET,
    Learn,
    ask_by_errors,
    bring_functions,
    compare_estimates,
    count_what_filters_remove,
    look_where_rows_lie,
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

    Policies, rights and functions need not be put back: that is done after every attack.
    """

    what: str
    removed: tuple[str, ...]
    restored: tuple[str, ...] = ()


class Attack(NamedTuple):
    """An attack, what it needs to be tried at all, and the guards, each of which stops it alone."""

    learn: Learn
    guards: tuple[Guard, ...]
    given: Guard = Guard("nothing", ())


# A policy with a flag: it shows what it should, and plans tell how much it does not.
FLAGGED = (
    f"alter policy scope_is_own on {RELATION}"
    f" using (scope_id = 'scope-humana-more' and specialty_id <> '{SECRET}')"
)
# A view of the owner's that filters, by a condition that costs more than the attacker's.
_VIEW = Guard(
    "rows are filtered by row security, not by a view",
    (
        f"create view clients.shown as select * from {RELATION}"
        f" where translate(lower(trim(scope_id)), ' ', '') = '{OWN}'",
        "alter view clients.shown owner to casebook_owner",
        "grant select on clients.shown to casebook_client",
    ),
    ("drop view clients.shown",),
)
_SCOPE_BY_SETTING = """
    create or replace function private.reader_scope() returns text language sql stable
    security definer parallel restricted set search_path to pg_catalog, pg_temp as
    'select coalesce(current_setting(''casebook.scope_id'', true), members.scope_id)
    from private.members where members.login = session_user'
"""
_VERSION_FOR_MEMBERS = """
    create or replace function private.current_version() returns bigint language sql stable
    security definer parallel restricted set search_path to pg_catalog, pg_temp as
    'select current_version from private.pointer'
"""
_TEMPORARY = Guard(
    "nobody makes temporary objects",
    (f"grant temporary on database reporting to {LOGIN}",),
    (f"revoke temporary on database reporting from {LOGIN}",),
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


def _with_statistics(target: int) -> tuple[str, ...]:
    return tuple(
        f"alter table {RELATION} alter {column} set statistics {target}"
        for column in ("version", "scope_id", "specialty_id")
    )


ATTACKS = (
    Attack(
        read_everything,
        (
            Guard("each scope has a policy", (f"drop policy scope_is_own on {RELATION}",)),
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
        read_everything,
        (Guard("who is in two audiences has no version", (_VERSION_FOR_MEMBERS,)),),
        _granted("a login in two audiences", "casebook_program"),
    ),
    Attack(take_roles, (_granted("a login is in its group alone", "casebook_owner"),)),
    Attack(take_sessions, (_of_login("no superuser", "superuser", "nosuperuser"),)),
    Attack(switch_row_security_off, (_of_login("no bypass", "bypassrls", "nobypassrls"),)),
    Attack(spoof_settings, (Guard("scopes go by who logged in", (_SCOPE_BY_SETTING,)),)),
    Attack(
        count_what_filters_remove,
        (Guard("policies are equalities that an index answers", (FLAGGED,)),),
    ),
    Attack(
        look_where_rows_lie,
        (
            Guard(
                "rows of several scopes are shuffled",
                (f"cluster {RELATION} using procedure_summary_pkey",),
                (
                    f"create table private.kept as select * from {RELATION}",
                    f"delete from {RELATION}",
                    f"insert into {RELATION} select * from private.kept order by random()",
                    "drop table private.kept",
                ),
            ),
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
                "no statistics of columns",
                (*_with_statistics(100), f"analyze {RELATION}"),
                (
                    *_with_statistics(0),
                    f"delete from pg_statistic where starelid = '{RELATION}'::regclass",
                ),
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
