"""Samples and reference data are loaded where and as `dbt seed` would load them."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.building.manifest import Manifest
from orchestrate.errors import DataError
from orchestrate.loading import LoadedTable, load_seeds
from tests.python.loading.conftest import SAMPLE_VARIABLES, Warehouse


def load(warehouse: Warehouse, manifest: Manifest | None = None) -> list[LoadedTable]:
    return load_seeds(
        warehouse.databases, manifest or warehouse.manifest, SAMPLE_VARIABLES, warehouse.console
    )


def with_changed_seed(manifest: Manifest, name: str, folder: Path, text: str) -> Manifest:
    """Return the manifest with another file for one seed."""
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return replace(
        manifest,
        seeds=tuple(
            replace(seed, path=path) if seed.name == name else seed for seed in manifest.seeds
        ),
    )


def reference_only(manifest: Manifest) -> Manifest:
    """Return the manifest with the small seeds alone."""
    return replace(manifest, seeds=manifest.domain_seeds("reference"))


def test_every_seed_is_loaded_once_with_all_its_rows(warehouse: Warehouse) -> None:
    loaded = load(warehouse)
    assert len(loaded) == len(warehouse.manifest.seeds) > 10
    for seed, table in zip(warehouse.manifest.seeds, loaded, strict=True):
        assert (table.schema, table.table) == (seed.schema, seed.alias)
        with seed.path.open(encoding="utf-8", newline="") as file:
            assert table.rows == sum(1 for _ in csv.reader(file)) - 1
        assert warehouse.query(f"select count(*) from {table.schema}.{table.table}") == [
            (table.rows,)
        ]
    said = warehouse.said.getvalue()
    assert "Loading samples and reference data" in said
    again = load(warehouse)
    assert not any(table.changed for table in again)
    assert [table.loaded_at for table in again] == [table.loaded_at for table in loaded]
    assert warehouse.said.getvalue() == said


def test_only_what_changed_is_loaded_again(warehouse: Warehouse, tmp_path: Path) -> None:
    manifest = reference_only(warehouse.manifest)
    load(warehouse, manifest)
    restrictions = "client_id,specialty_id\n"
    changed = with_changed_seed(manifest, "restrictions", tmp_path, restrictions)
    loaded = load(warehouse, changed)
    assert [table.table for table in loaded if table.changed] == ["restrictions"]
    assert warehouse.query("select count(*) from reference.restrictions") == [(0,)]
    # Rows that did not come from the loader are replaced, too.
    warehouse.query("truncate reference.clients")
    assert [table.table for table in load(warehouse, changed) if table.changed] == ["clients"]


def test_a_seed_that_does_not_fit_its_definition_changes_nothing(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    manifest = reference_only(warehouse.manifest)
    load(warehouse, manifest)
    before = warehouse.content()
    other_column = "client_id,speciality\nhumana,hospice\n"
    with pytest.raises(DataError, match=r"restrictions\.csv, line 1: .* client_id, speciality"):
        load(warehouse, with_changed_seed(manifest, "restrictions", tmp_path, other_column))
    header = "category_id,category_name,required_minimum,display_order\n"
    seed = next(seed for seed in manifest.seeds if seed.name == "case_log_categories")
    header = seed.path.read_text(encoding="utf-8").splitlines()[0]
    bad = header + "\n" + ",".join("x" for _ in header.split(",")) + "\n"
    with pytest.raises(DataError, match=r"case_log_categories\.csv, line 2, column .* not a"):
        load(warehouse, with_changed_seed(manifest, "case_log_categories", tmp_path, bad))
    missing = replace(manifest, seeds=(replace(seed, path=tmp_path / "gone.csv"),))
    with pytest.raises(DataError, match=r"gone\.csv is missing"):
        load(warehouse, missing)
    assert warehouse.content() == before


@pytest.mark.slow
def test_plain_dbt_seed_makes_the_same_tables(warehouse: Warehouse, tmp_path: Path) -> None:
    from dbt.cli.main import dbtRunner

    from orchestrate.building.environment import applied, dbt_environment
    from orchestrate.settings import PROJECT_DIR

    manifest = replace(
        warehouse.manifest,
        seeds=tuple(seed for seed in warehouse.manifest.seeds if seed.domain != "advocacy"),
    )
    shutil.copy(PROJECT_DIR / "profiles.example.yml", tmp_path / "profiles.yml")
    target = warehouse.databases.warehouse
    arguments = ["seed", "--select", "path:seeds/reference", "path:seeds/residency"]
    arguments += ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(tmp_path)]
    arguments += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    arguments += ["--log-level", "none", "--no-partial-parse"]

    def seeded() -> None:
        service = tmp_path / "service.conf"
        with applied(dbt_environment(target.parameters, target.password(), service)):
            outcome = dbtRunner().invoke(arguments)
        assert outcome.success, outcome.exception
        # The loader takes off blanks and the .0 of a code at once, staging in both cases.
        warehouse.query(
            "update sample_residency.exam_to_cpt"
            r" set cpt = regexp_replace(btrim(cpt), '^(\d+)\.0$', '\1')"
        )

    def described() -> tuple[object, object]:
        content = {
            table: rows
            for table, rows in warehouse.content().items()
            if not table.startswith("casebook.")
        }
        columns = warehouse.query(
            "select table_schema, table_name, ordinal_position, column_name, data_type,"
            " numeric_precision, numeric_scale, is_nullable from information_schema.columns"
            " where table_schema in ('reference', 'sample_residency') order by 1, 2, 3"
        )
        return content, columns

    load(warehouse, manifest)
    by_copy = described()
    seeded()
    assert described() == by_copy
    # What dbt wrote is not what the loader wrote: it is loaded again, over tables of dbt's making.
    assert all(table.changed for table in load(warehouse, manifest))
    assert described() == by_copy
    for schema in ("reference", "sample_residency"):
        warehouse.query(f"drop schema {schema} cascade")
    seeded()
    assert described() == by_copy
