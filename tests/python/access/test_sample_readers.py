"""The logins that the sample ships, on a Casebook that was really run."""

from __future__ import annotations

from typing import Any

import pytest
import scoped

from orchestrate.errors import DatabaseError


@pytest.fixture
def read(published: Any) -> Any:
    """Return a function that runs a query as a login of the sample."""
    databases = published.databases

    def run(login: str, query: str) -> list[tuple[Any, ...]]:
        return scoped.read(databases, login, query)

    return run


def test_the_program_director_reads_all_of_residency(read: Any) -> None:
    tables = read(
        "program_director", "select tablename from pg_tables where schemaname = 'residency'"
    )
    assert len(tables) >= 9
    for (name,) in tables:
        read("program_director", f"select * from residency.{name} limit 1")
    assert read("program_director", "select count(*) from residency.case_log_status") == [(25,)]
    with pytest.raises(DatabaseError, match="does not exist"):
        read("program_director", "table clients.procedure_summary")


def test_a_resident_sees_own_rows_and_the_group(read: Any) -> None:
    for name in (
        "case_log_totals",
        "case_log_percentages",
        "case_log_status",
        "case_log_progress",
        "rvu_by_requirement",
        "fct_studies",
        "study_categories",
    ):
        assert read("resident_sample", f"select distinct resident_name from residency.{name}") == [
            ("Okafor, Chidi",)
        ]
    for name in (
        "case_log_group_progress",
        "site_requirement_ratio",
        "best_site_category_ratio",
        "coverage",
    ):
        whole = read("program_director", f"select * from residency.{name} order by 2, 3")
        assert read("resident_sample", f"select * from residency.{name} order by 2, 3") == whole


def test_clients_see_their_own_book_and_visibility(read: Any) -> None:
    clients = "select distinct client_id from clients.procedure_summary"
    hospice = "select count(*) from clients.procedure_summary where specialty_id = 'hospice'"
    ranks = "select cost_rank from clients.procedure_summary order by 1"
    assert read("uhc_analyst", clients) == [("united_healthcare",)]
    assert read("humana_colonoscopy", clients) == read("humana_hospice", clients) == [("humana",)]
    assert read("humana_colonoscopy", hospice) == [(0,)]
    assert read("humana_hospice", hospice) > [(0,)]
    for login in ("uhc_analyst", "humana_colonoscopy", "humana_hospice"):
        found = [rank for (rank,) in read(login, ranks)]
        assert found == list(range(1, len(found) + 1))
        with pytest.raises(DatabaseError, match="does not exist"):
            read(login, "table residency.case_log_status")


@pytest.mark.parametrize("login", ["senior_manager", "staff_member"])
def test_audiences_without_relations_read_nothing(read: Any, login: str) -> None:
    assert read(login, "select current_user::text") == [(login,)]
    for relation in ("residency.case_log_status", "clients.procedure_summary"):
        with pytest.raises(DatabaseError, match="does not exist"):
            read(login, f"table {relation}")


@pytest.mark.parametrize("login", ["program_director", "uhc_analyst", "staff_member"])
def test_the_planner_expects_the_rows_that_a_reader_sees(read: Any, login: str) -> None:
    """Half of them would do for no join: the policy is not to be taken for a choice of rows."""
    tables = read(
        login,
        "select schemaname, tablename from pg_tables where schemaname in"
        " ('residency', 'clients', 'extracts')",
    )
    expected = {}
    for schema, name in tables:
        ((plan,),) = read(login, f"explain (format json) select * from {schema}.{name}")
        ((seen,),) = read(login, f"select count(*) from {schema}.{name}")
        expected[name] = (plan[0]["Plan"]["Plan Rows"], seen)
    assert len(expected) >= 4
    wrong = {
        name: (guessed, seen)
        for name, (guessed, seen) in expected.items()
        if abs(guessed - seen) > max(1, 0.1 * seen)
    }
    assert wrong == {}
