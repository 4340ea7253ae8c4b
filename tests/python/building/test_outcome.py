"""What a build says holds no value of any row."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestrate.building.outcome import Failure, build_outcome, one_line


def result(status: str, kind: str = "model", message: str | None = None, **more: Any) -> Any:
    """Make a result as dbt hands it over."""
    node = SimpleNamespace(
        name=more.get("name", "x"), resource_type=kind, description=more.get("description", "")
    )
    return SimpleNamespace(node=node, status=status, message=message, failures=more.get("failures"))


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        (
            "Database Error in model stg_x (models/stg_x.sql)\n"
            '  invalid input syntax for type integer: "Canary"\n  LINE 1: …',
            "invalid input syntax for type integer: (value not shown)",
        ),
        (
            'Database Error in model x (x.sql)\n  value "99999" is out of range for type integer',
            "value (value not shown) is out of range for type integer",
        ),
        (
            'Database Error in model x (x.sql)\n  time zone "Canary" not recognized',
            "time zone (value not shown) not recognized",
        ),
        (
            "Database Error in model x (x.sql)\n"
            '  duplicate key value violates unique constraint "x_pkey"\n'
            "  DETAIL:  Key (name)=(Canary) already exists.",
            'duplicate key value violates unique constraint "x_pkey"',
        ),
        (
            'Database Error in model x (x.sql)\n  column "nmae" does not exist',
            'column "nmae" does not exist',
        ),
        ("Compilation Error\n", "Compilation Error"),
        ("", "no message"),
    ],
)
def test_the_telling_line_is_kept_and_values_are_not(message: str, line: str) -> None:
    assert one_line(message) == line


def test_failures_are_explained_and_what_was_left_out_is_counted() -> None:
    outcome = build_outcome(
        [
            result("success"),
            result("no-op"),
            result("pass", "test"),
            result("pass", "unit_test"),
            result("warn", "test", "Got 2 results", failures=2, name="careful"),
            result(
                "fail", "test", "Got 4 results", failures=4, name="unique_x", description="Why."
            ),
            result("error", "model", "Database Error in model x (x)\n  division by zero"),
            result("skipped"),
        ]
    )
    assert outcome.skipped == 1
    assert outcome.failures == (
        Failure("unique_x", "test", "Got 4 results", 4, "Why."),
        Failure("x", "model", "division by zero"),
    )
    assert not outcome.succeeded
    assert str(outcome.failures[0]) == (
        "test unique_x: Got 4 results (4 failing rows). It means: Why."
    )


def test_warnings_do_not_fail_a_build_but_skipped_nodes_do() -> None:
    assert build_outcome([result("warn", "test", "Got 1 result")]).succeeded
    assert not build_outcome([result("skipped")]).succeeded


@pytest.mark.parametrize(
    ("message", "is_lost"),
    [
        ("Database Error\n  server closed the connection unexpectedly", True),
        ("Database Error\n  terminating connection due to administrator command", True),
        ("Database Error\n  division by zero", False),
    ],
)
def test_a_lost_connection_is_recognised(message: str, is_lost: bool) -> None:
    assert build_outcome([result("error", "model", message)]).lost_connection is is_lost
