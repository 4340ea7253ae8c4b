"""What must not be published is refused, and readers see what they saw."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tiny import make_tiny
from tiny_manifest import tiny_manifest

from orchestrate.console import Console
from orchestrate.errors import ConfigurationError, DatabaseError, DataError
from orchestrate.publishing import publish, published_versions
from orchestrate.publishing.gate import GATE


@pytest.fixture(scope="module")
def once(tiny_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a tiny Casebook with one version published, shared by the tests here."""
    with make_tiny(tiny_server, tmp_path_factory.mktemp("refusals")) as tiny:
        tiny.publish()
        yield tiny


@pytest.fixture
def steady(once: Any) -> Any:
    """Return it with a passing second build, still to be damaged and never to be published."""
    once.manifest = tiny_manifest()
    once.build(2)
    return once


def break_test(tiny: Any) -> None:
    tiny.results["results"][-2]["status"] = "fail"


def break_unit_test(tiny: Any) -> None:
    tiny.results["results"][-1]["status"] = "error"


def break_model(tiny: Any) -> None:
    tiny.results["results"][0]["status"] = "skipped"


def forget_test(tiny: Any) -> None:
    del tiny.results["results"][-2]


def mix_invocations(tiny: Any) -> None:
    tiny.results["metadata"]["invocation_id"] = "two"


def only_run(tiny: Any) -> None:
    tiny.results["args"]["which"] = "run"


def build_empty(tiny: Any) -> None:
    tiny.results["args"]["empty"] = True


def rename_project(tiny: Any) -> None:
    tiny.manifest["metadata"]["project_name"] = "somebody_elses"


def build_elsewhere(tiny: Any) -> None:
    tiny.node("fct_studies")["database"] = "another"


def lose_mart(tiny: Any) -> None:
    tiny.as_builder("drop table residency.fct_studies")


def break_foreign_key(tiny: Any) -> None:
    tiny.as_builder("insert into residency.fct_studies values ('x', 'Nobody', 1)")


def repeat_key(tiny: Any) -> None:
    tiny.as_builder("insert into residency.case_log_group_progress values ('chest_xray', 1)")


GATE_TEST = f"test.casebook.{GATE[0]}"


def delete_gate(tiny: Any) -> None:
    del tiny.manifest["nodes"][GATE_TEST]


def disable_gate(tiny: Any) -> None:
    tiny.manifest["nodes"][GATE_TEST]["config"]["enabled"] = False


def soften_gate(tiny: Any) -> None:
    tiny.manifest["nodes"][GATE_TEST]["config"]["severity"] = "warn"


def raise_threshold(tiny: Any) -> None:
    tiny.manifest["nodes"][GATE_TEST]["config"] |= {"error_if": "> 5", "warn_if": "> 5"}


def narrow_gate(tiny: Any) -> None:
    tiny.manifest["nodes"][GATE_TEST]["config"]["where"] = "false"


def leave_gate_out(tiny: Any) -> None:
    tiny.results["results"] = [
        result for result in tiny.results["results"] if result["unique_id"] != GATE_TEST
    ]


def gate_result(status: str) -> Callable[[Any], None]:
    """Return the damage that the gate's first test has another status."""

    def damage(tiny: Any) -> None:
        for result in tiny.results["results"]:
            if result["unique_id"] == GATE_TEST:
                result["status"] = status

    damage.__name__ = f"gate_{status}"
    return damage


@pytest.mark.parametrize(
    ("damage", "error", "text"),
    [
        (break_test, DataError, "test.casebook.unique_study (fail)"),
        (break_unit_test, DataError, "unit_test.casebook.fct_studies.counts (error)"),
        (break_model, DataError, "model.casebook.case_log_totals (skipped)"),
        (forget_test, DataError, "without a result: test.casebook.unique_study"),
        (mix_invocations, DataError, "different dbt invocations"),
        (only_run, DataError, "is of `dbt run`"),
        (build_empty, DataError, "--empty"),
        (rename_project, DataError, "'somebody_elses'"),
        (build_elsewhere, DataError, "is of the database another, but the warehouse is warehouse"),
        (delete_gate, DataError, f"{GATE[0]} is not in the project"),
        (disable_gate, DataError, f"{GATE[0]} is disabled"),
        (soften_gate, DataError, f"{GATE[0]} has another severity than it needs"),
        (raise_threshold, DataError, f"{GATE[0]} has another error_if than it needs"),
        (narrow_gate, DataError, f"{GATE[0]} has another where than it needs"),
        (leave_gate_out, DataError, f"without a result: {GATE_TEST}"),
        (gate_result("warn"), DataError, f"{GATE[0]} did not pass (warn)"),
        (gate_result("skipped"), DataError, f"{GATE_TEST} (skipped)"),
        (gate_result("fail"), DataError, f"{GATE_TEST} (fail)"),
        (lose_mart, DataError, "residency.fct_studies has no column study_id"),
        (break_foreign_key, DatabaseError, "violates foreign key constraint"),
        (repeat_key, DatabaseError, "duplicate key"),
    ],
)
def test_what_is_wrong_changes_nothing(
    steady: Any, damage: Callable[[Any], None], error: type[Exception], text: str
) -> None:
    before = steady.content()
    damage(steady)
    with pytest.raises(error) as raised:
        steady.publish()
    assert text in str(raised.value)
    assert steady.content() == before
    assert [version.version for version in published_versions(steady.databases)] == [1]


@pytest.mark.parametrize("name", ["manifest.json", "run_results.json"])
def test_a_missing_or_foreign_artifact_is_a_usage_error(steady: Any, name: str) -> None:
    steady.write_artifacts()
    path = steady.target_dir / name
    console = Console(error_stream=io.StringIO())
    for content in (None, "not JSON", json.dumps({"results": []})):
        path.unlink()
        if content:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=name):
            publish(steady.settings, steady.databases, steady.target_dir, console)
        path.touch()
