"""What a load warned of, kept beside the raw tables: who loads the same again is told it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from orchestrate.driver import Connection
from orchestrate.loading.oddities import Oddity
from orchestrate.loading.problems import Problem, Problems

_CREATE = """
create table if not exists casebook.load_warnings (
    domain text primary key,
    oddities jsonb not null,
    problem_count bigint not null,
    first_problems jsonb not null
);
revoke all on table casebook.load_warnings from public;
comment on table casebook.load_warnings is
    'Of the exports in use: what was odd, and the first reasons why rows were set aside.'
"""


def keep_warnings(
    connection: Connection, domain: str, oddities: Sequence[Oddity], problems: Problems
) -> None:
    """Note what was odd in the export loaded last, and why rows of it were set aside."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("delete from casebook.load_warnings where domain = %s", (domain,))
        cursor.execute(
            "insert into casebook.load_warnings values (%s, %s, %s, %s)",
            (
                domain,
                json.dumps([asdict(one) for one in oddities]),
                problems.count,
                json.dumps([asdict(one) for one in problems.first]),
            ),
        )


def kept_warnings(connection: Connection, domain: str) -> tuple[list[Oddity], Problems]:
    """Return what was noted of the export loaded last; nothing of one of an earlier release."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute(
            "select oddities, problem_count, first_problems from casebook.load_warnings"
            " where domain = %s",
            (domain,),
        )
        oddities, count, first = cursor.fetchone() or ([], 0, [])
    return (
        [
            Oddity(**{**one, "lines": tuple(one["lines"]), "parts": tuple(one["parts"])})
            for one in oddities
        ],
        Problems(count, tuple(Problem(**one) for one in first)),
    )
