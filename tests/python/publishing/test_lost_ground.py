"""What was tested is what is published: nothing that was written, run or loaded in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrate import pipeline
from orchestrate.building.pseudonyms import DEVELOPMENT_KEY_ID
from orchestrate.console import Console
from orchestrate.errors import DataError, LostConnectionError
from orchestrate.loading import DomainSource, LoadedTable
from orchestrate.loading.state import raw_transaction, record_table
from orchestrate.pipeline import refuse_newer_sources
from orchestrate.publishing import published_versions
from orchestrate.publishing.artifacts import BuildNote
from orchestrate.run_lock import run_lock

pytestmark = pytest.mark.slow

BUILT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("loss", ["update casebook.last_build set invocation_id = 'another'", ""])
def test_tables_that_something_else_wrote_are_not_published(tiny: Any, loss: str) -> None:
    tiny.publish()
    before = tiny.content()
    tiny.build(generation=2)
    tiny.as_builder(loss or "drop table casebook.last_build")

    with pytest.raises(DataError, match="another dbt invocation"):
        tiny.publish()

    assert tiny.content() == before


@pytest.mark.parametrize("source", ["'export'", "'landed'", "null"])
@pytest.mark.parametrize("key_id", [f"'{DEVELOPMENT_KEY_ID}'", "null"])
def test_real_data_under_the_development_key_is_not_published(
    tiny: Any, source: str, key_id: str
) -> None:
    tiny.publish()
    before = tiny.content()
    tiny.build(generation=2)
    noted = f"update casebook.last_build set advocacy_source = {source}, pseudonym_key_id = "
    tiny.as_builder(noted + key_id)

    with pytest.raises(DataError, match="development key"):
        tiny.publish()

    assert tiny.content() == before
    tiny.as_builder(noted + "'of a secret'")
    assert tiny.publish().version == 2


def test_the_sample_may_be_published_under_the_development_key(tiny: Any) -> None:
    tiny.as_builder(f"update casebook.last_build set pseudonym_key_id = '{DEVELOPMENT_KEY_ID}'")
    assert tiny.publish().version == 1


def test_a_note_of_an_earlier_release_tells_of_no_key(tiny: Any) -> None:
    tiny.as_builder("alter table casebook.last_build drop advocacy_source, drop pseudonym_key_id")
    with pytest.raises(DataError, match="development key"):
        tiny.publish()


def test_a_build_may_leave_out_all_unit_tests_and_not_lose_some(tiny: Any) -> None:
    def is_data(result: dict[str, Any]) -> bool:
        return not result["unique_id"].startswith("unit_test.")

    tiny.results["results"] = [one for one in tiny.results["results"] if is_data(one)]
    with pytest.raises(DataError, match="unit_test"):
        tiny.publish()
    tiny.results["args"]["exclude_resource_types"] = ["seed", "unit_test"]
    assert tiny.publish().version == 1


def test_a_lost_lock_stops_the_publication(tiny: Any) -> None:
    tiny.publish()
    before = tiny.content()
    tiny.build(generation=2)
    tiny.write_artifacts()
    with run_lock(tiny.databases) as still_alone:
        still_alone()
        tiny.as_builder(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'casebook run lock%'"
        )
        with pytest.raises(LostConnectionError, match="another may have run"):
            tiny.publish(still_alone=still_alone)
    assert tiny.content() == before


def test_settings_that_a_reader_made_end_with_the_next_publication(tiny: Any) -> None:
    tiny.publish()
    database = tiny.place("program_director").database
    tiny.read("program_director", "alter role program_director set row_security = off")
    tiny.read(
        "program_director",
        f"alter role program_director in database {database} set statement_timeout = '1ms'",
    )

    tiny.publish(build=True)

    assert tiny.read("program_director", "show row_security") == [("on",)]
    assert tiny.read("program_director", "show statement_timeout") == [("5min",)]


def source(kind: str, loaded_at: datetime) -> dict[str, DomainSource]:
    """Return the source of one domain with a single table."""
    table = LoadedTable("s", "studies", "studies.csv", 1, 0, 10, "0" * 64, loaded_at)
    return {"residency": DomainSource("residency", kind, None, loaded_at, (table,))}


def test_a_build_of_what_is_loaded_is_publishable() -> None:
    before = BUILT - timedelta(minutes=1)
    refuse_newer_sources(
        BuildNote("build", BUILT, {"residency": "sample"}, None), source("sample", before)
    )
    refuse_newer_sources(
        BuildNote("build", BUILT, {"residency": "export"}, None), source("export", BUILT)
    )


@pytest.mark.parametrize(
    ("noted", "kind", "minutes", "told"),
    [
        ({"residency": "sample"}, "sample", 1, "loaded anew since"),
        (
            {"residency": "sample"},
            "export",
            -1,
            "from its sample, but the domain is set to its exp",
        ),
        (
            {"residency": "landed"},
            "sample",
            -1,
            "from its landed, but the domain is set to its sam",
        ),
        ({"advocacy": "sample"}, "sample", -1, "was taken from"),
    ],
)
def test_a_build_of_what_was_loaded_before_is_refused(
    noted: dict[str, str], kind: str, minutes: int, told: str
) -> None:
    with pytest.raises(DataError, match=f"residency.*{told}"):
        refuse_newer_sources(
            BuildNote("build", BUILT, noted, None), source(kind, BUILT + timedelta(minutes=minutes))
        )


def test_a_source_set_in_dbt_project_counts_like_one_given_on_the_command_line(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_artifacts()
    tiny.as_builder("update casebook.last_build set residency_source = 'landed'")
    monkeypatch.setattr(pipeline, "open_databases", lambda *_: tiny.databases)
    with pytest.raises(DataError, match="took residency from its landed"):
        pipeline.publish_build(tiny.settings, Console(error_stream=tiny.said), None)


def test_a_build_that_began_while_an_export_was_being_loaded_is_older(tiny: Any) -> None:
    seed = SimpleNamespace(columns=(), description="Studies.")
    raw: Any = SimpleNamespace(
        schema="staging",
        table="studies",
        seed=seed,
        file="studies.csv",
        size=10,
        sha256="0" * 64,
        time_zone="UTC",
        date_order=None,
    )
    with raw_transaction(tiny.databases.warehouse) as connection, connection.cursor() as cursor:
        cursor.execute("create table staging.studies ()")
        cursor.execute("select clock_timestamp()")
        ((built,),) = cursor.fetchall()
        assert record_table(connection, raw, rows=0, equal_rows=0).loaded_at > built


def lose(losses: int, step: Callable[..., Any]) -> Callable[..., Any]:
    """Let a step be done and the connection be lost before anybody hears of it, so many times."""
    left = [None] * losses

    def steps(*args: Any, **kwargs: Any) -> Any:
        done = step(*args, **kwargs)
        if left:
            left.pop()
            raise LostConnectionError("The connection was lost.")
        return done

    return steps


def test_a_publication_whose_answer_was_lost_is_not_made_again(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "open_databases", lambda *_: tiny.databases)
    console = Console(error_stream=tiny.said)
    tiny.publish()
    # The same build, published on purpose: that the current version is of it tells nothing.
    monkeypatch.setattr(pipeline, "publish_version", lose(1, pipeline.publish_version))
    assert pipeline.publish_build(tiny.settings, console, None).version == 2
    monkeypatch.setattr(pipeline, "read_build", lose(1, pipeline.read_build))
    assert pipeline.publish_build(tiny.settings, console, None).version == 3
    assert [one.version for one in published_versions(tiny.databases)] == [3, 2, 1]


@pytest.mark.parametrize("lost", ["publish_version", "render_all"])
def test_a_run_that_begins_again_after_it_has_published_only_renders(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    def build(*_: Any) -> None:
        tiny.manifest["metadata"]["invocation_id"] += "+"
        tiny.build(2)
        tiny.write_artifacts()

    tiny.publish()
    for name, stand_in in (
        ("open_databases", lambda *_: tiny.databases),
        ("build_all", build),
        ("write_diagrams", lambda *_: None),
        ("render_all", lambda *_: []),
    ):
        monkeypatch.setattr(pipeline, name, stand_in)
    monkeypatch.setattr(pipeline, lost, lose(1, getattr(pipeline, lost)))
    done = pipeline.run_all(tiny.settings, Console(error_stream=tiny.said), tiny.target_dir)
    assert done.version == 2
    assert [one.version for one in published_versions(tiny.databases)] == [2, 1]
