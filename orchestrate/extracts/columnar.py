"""Parquet files and a Tableau extract, where the packages that write them are installed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrate.errors import ConfigurationError
from orchestrate.extracts.sinks import Rows, Sink, WriteRows
from orchestrate.reports.catalog import Column, Relation

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


@contextmanager
def parquet_files(folder: Path) -> Iterator[Sink]:
    """Write a Parquet file per relation, typed as its columns are, a row group per batch."""
    arrow = require("pyarrow", "parquet")
    parquet = require("pyarrow.parquet", "parquet")
    types = {
        "smallint": arrow.int16(),
        "integer": arrow.int32(),
        "bigint": arrow.int64(),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "timestamp with time zone": arrow.timestamp("us", tz="UTC"),
        "double precision": arrow.float64(),
        "text": arrow.string(),
    }

    @contextmanager
    def table(relation: Relation) -> Iterator[WriteRows]:
        schema = arrow.schema(
            [
                arrow.field(
                    column.name,
                    _type_of(column, arrow.decimal128, types),
                    metadata={"comment": column.description},
                )
                for column in relation.columns
            ]
        )
        path = folder / f"{relation.file_stem}.parquet"

        def write(rows: Rows) -> None:
            columns = zip(zip(*rows, strict=True), schema, strict=True)
            arrays = [arrow.array(values, field.type) for values, field in columns]
            file.write_batch(arrow.record_batch(arrays, schema=schema))

        with parquet.ParquetWriter(str(path), schema) as file:
            path.chmod(0o600)
            yield write

    yield table


@contextmanager
def hyper_file(path: Path) -> Iterator[Sink]:
    """Write one Tableau extract with a table per relation; it is whole when the context ends."""
    api = require("tableauhyperapi", "tableau")
    types = {
        "smallint": api.SqlType.small_int(),
        "integer": api.SqlType.int(),
        "bigint": api.SqlType.big_int(),
        "boolean": api.SqlType.bool(),
        "date": api.SqlType.date(),
        "timestamp with time zone": api.SqlType.timestamp_tz(),
        "double precision": api.SqlType.double(),
        "text": api.SqlType.text(),
    }
    silent = {"telemetry": api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU}
    with (
        api.HyperProcess(**silent, parameters={"log_config": ""}) as process,
        api.Connection(process.endpoint, str(path), api.CreateMode.CREATE) as connection,
    ):

        @contextmanager
        def table(relation: Relation) -> Iterator[WriteRows]:
            definition = api.TableDefinition(
                api.TableName("public", relation.file_stem),
                [
                    api.TableDefinition.Column(
                        column.name, _type_of(column, api.SqlType.numeric, types), api.NULLABLE
                    )
                    for column in relation.columns
                ],
            )
            connection.catalog.create_table(definition)
            with api.Inserter(connection, definition) as inserter:
                yield inserter.add_rows
                inserter.execute()

        yield table
    path.chmod(0o600)


def require(module: str, extra: str) -> ModuleType:
    """Import a module of an optional package; ConfigurationError says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        package = module.partition(".")[0]
        raise ConfigurationError(
            f"This format needs the package {package}, which is not installed.",
            f"Install it beside Casebook: `.venv/bin/python -m pip install -e '.[{extra}]'`,"
            " or choose csv and xlsx.",
        ) from problem


def _type_of(column: Column, exact: Any, types: Mapping[str, Any]) -> Any:
    """Return a library's type for a column, text where it has none; `exact` makes decimals."""
    if digits := _NUMERIC.fullmatch(column.data_type):
        return exact(int(digits[1]), int(digits[2]))
    return types.get(column.data_type, types["text"])
