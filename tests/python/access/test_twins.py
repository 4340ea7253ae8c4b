"""What a reader may not see makes no difference to anything that it can find out.

Servers with one history get publications that differ in rows of others alone. Each login that may
not see these is to be shown the same, byte by byte: every catalog and view, what every function
without arguments says, sizes, rows as they lie, plans with costs and buffers; then every file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2 import sql
from tiny import Tiny

from orchestrate.access.scopes import ScopeDatabase
from orchestrate.console import Console
from orchestrate.driver import Cursor
from orchestrate.publishing import publisher
from orchestrate.publishing.scope_versions import Version
from tests.python.access.twins import (
    LOGINS,
    LOOKS,
    Look,
    differences,
    make_twins,
    plans,
    publish,
    rows,
    seen_by,
    sizes,
)
from tests.python.outputs import CHANGES_BY_ITSELF, every_answer

pytestmark = pytest.mark.slow

# What a server tells everybody, and why it is never the same twice.
INEVITABLE = {
    **CHANGES_BY_ITSELF,
    **{
        f"select shown::text from pg_catalog.{name}() as shown": reason
        for name, reason in {
            "pg_backend_pid": "the number of the reader's own session",
            "inet_client_port": "the end of the reader's own connection",
            "pg_postmaster_start_time": "when this server was started",
            "pg_conf_load_time": "when this server read its configuration",
        }.items()
    },
}

_MORE_HOSPICE = """
    insert into clients.procedure_summary
    select 'scope-humana-more', 'humana', (1000 + number)::text, 'hospice', 77
    from generate_series(1, 400) as number;
"""
# By twin: what its first, second and third version have in rows of others that the plain twin's do
# not. The fourth is as the first one was, whose rows it lets be deleted.
SECRETS = {
    "plain": ("", "", ""),
    "hospice": (
        _MORE_HOSPICE,
        "update clients.procedure_summary set procedure_code = '305336008', patient_count = 99"
        " where scope_id = 'scope-humana-more' and specialty_id = 'hospice'",
        "delete from clients.procedure_summary"
        " where scope_id = 'scope-humana-more' and specialty_id = 'hospice'",
    ),
    "united": (
        "update clients.procedure_summary set patient_count = 1000 - patient_count"
        " where scope_id = 'scope-united-open'",
        "delete from clients.procedure_summary"
        " where scope_id = 'scope-united-open' and patient_count < 25",
        "insert into clients.procedure_summary"
        " select 'scope-united-open', 'united', (8000 + number)::text, repeat('x', 9000), 77"
        " from generate_series(1, 400) as number",
    ),
    "resident": (
        "update residency.fct_studies set rvu = rvu + 1 where resident_name = 'Two, Bob'",
        "delete from residency.fct_studies where resident_name = 'Two, Bob' and rvu > 30;"
        "update residency.case_log_totals set chest_xray = 55 where resident_name = 'Two, Bob'",
        "insert into residency.fct_studies select 'much-' || number, 'Two, Bob', 77"
        " from generate_series(1, 400) as number",
    ),
}
CONCERNED = {
    "plain": (),
    "hospice": ("hospice_reader",),
    "united": ("other_reader",),
    "resident": ("resident_two", "program_director"),
}

# Ways to tell of 400 rows of another scope without showing one: by login, what is done in its
# database with their number, how the reader looks, and where it has to notice.
LEAKS: dict[str, tuple[str, Look, str]] = {
    # One of them, as when a table held the rows of all, and a policy kept them apart.
    "open_reader": (
        "insert into clients.procedure_summary"
        " select 0, 'humana', '1001', 'hospice', 77 where {} > 1",
        plans,
        "plan of select count(*) from clients.procedure_summary",
    ),
    # They are gone again, but were there when samples were taken.
    "other_reader": (
        "insert into clients.procedure_summary"
        " select 0, 'humana', number::text, 'hospice', 77 from generate_series(1, {}) as number;"
        " analyze clients.procedure_summary;"
        " delete from clients.procedure_summary where version = 0",
        plans,
        "plan of select * from clients.procedure_summary",
    ),
    "resident_one": (
        "do $$ begin execute format('comment on table residency.fct_studies is %L', {}); end $$",
        every_answer,
        "select shown::text from pg_catalog.pg_description as",
    ),
    "resident_two": (
        "create sequence private.numbers start {}",
        every_answer,
        "select shown::text from pg_catalog.pg_sequence as",
    ),
    # The same rows in another order.
    "program_director": (
        "with gone as (delete from residency.fct_studies where version = 5 returning *)"
        " insert into residency.fct_studies select * from gone order by md5(study_id || {})",
        rows,
        "rows of residency.fct_studies",
    ),
    "staff_member": (
        "create table private.others as select generate_series(1, {}) as number",
        sizes,
        "size of private.others",
    ),
}


@pytest.fixture(scope="module")
def twins() -> Iterator[dict[str, Tiny]]:
    """Return the twins after their fourth publication."""
    with make_twins(list(SECRETS)) as made:
        for place in (0, 1, 2, 0):
            publish(made, {name: secrets[place] for name, secrets in SECRETS.items()})
        yield made


@pytest.fixture(scope="module")
def told(twins: dict[str, Tiny]) -> dict[tuple[str, str], set[str]]:
    """Return by which questions each login can tell each twin from the plain one."""
    found = {}
    for login, *_ in LOGINS:
        seen = {name: seen_by(twin.reader(login), *LOOKS) for name, twin in twins.items()}
        assert len(seen["plain"]) > 400
        for name in SECRETS:
            found[name, login] = differences(seen["plain"], seen[name])
    return found


def test_nobody_is_told_what_it_may_not_see(told: dict[tuple[str, str], set[str]]) -> None:
    for (name, login), questions in told.items():
        if login in CONCERNED[name]:
            assert len(questions - INEVITABLE.keys()) > 20, (name, login)
        else:
            assert questions <= INEVITABLE.keys(), (name, login)


@pytest.mark.usefixtures("told")  # as the leaks stay
def test_what_leaks_is_noticed(twins: dict[str, Tiny], monkeypatch: pytest.MonkeyPatch) -> None:
    leaks = {twins["plain"].place(login).scope: text for login, (text, *_) in LEAKS.items()}
    fill = publisher.fill

    def leak(place: ScopeDatabase, version: Version, source: Cursor, console: Console) -> bool:
        done = fill(place, version, source, console)
        source.execute(
            "select count(*) from clients.procedure_summary where specialty_id = 'hospice'"
            " and scope_id = 'scope-humana-more'"
        )
        (number,) = source.fetchone() or (0,)
        if place.scope in leaks:
            with place.as_owner() as cursor:
                cursor.execute(sql.SQL(leaks[place.scope]).format(sql.Literal(number)))
        return done

    monkeypatch.setattr(publisher, "fill", leak)
    pair = {name: twins[name] for name in ("plain", "hospice")}
    publish(pair, {"hospice": _MORE_HOSPICE})
    for login, (_, look, place) in LEAKS.items():
        seen = [seen_by(twin.reader(login), look) for twin in pair.values()]
        assert any(question.startswith(place) for question in differences(*seen)), login
