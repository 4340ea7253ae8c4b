"""Parquet files and a Tableau extract, where the packages that write them are installed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from orchestrate.errors import ConfigurationError
from orchestrate.extracts.sinks import Rows, WriteRows
from orchestrate.reports.catalog import Relation

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


class ParquetFiles:
    """A Parquet file per relation, typed as its columns are."""

    def __init__(self, folder: Path) -> None:
        self._arrow = require("pyarrow", "parquet")
        self._parquet = require("pyarrow.parquet", "parquet")
        self._folder = folder

    @contextmanager
    def table(self, relation: Relation) -> Iterator[WriteRows]:
        """Write a relation as its file, a row group per batch."""
        arrow = self._arrow
        schema = arrow.schema(
            [
                arrow.field(
                    column.name,
                    _arrow_type(arrow, column.data_type),
                    metadata={"comment": column.description},
                )
                for column in relation.columns
            ]
        )
        path = self._folder / f"{relation.file_stem}.parquet"

        def write(rows: Rows) -> None:
            columns = zip(*rows, strict=True)
            file.write_batch(
                arrow.record_batch(
                    [
                        arrow.array(values, field.type)
                        for values, field in zip(columns, schema, strict=True)
                    ],
                    schema=schema,
                )
            )

        with self._parquet.ParquetWriter(str(path), schema) as file:
            path.chmod(0o600)
            yield write


class HyperFile:
    """One Tableau extract with a table per relation; it is whole when its context ends."""

    def __init__(self, path: Path) -> None:
        self._api = require("tableauhyperapi", "tableau")
        self._path = path

    def __enter__(self) -> HyperFile:
        api = self._api
        self._process = api.HyperProcess(
            api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters={"log_config": ""}
        )
        try:
            self._connection = api.Connection(
                self._process.endpoint, str(self._path), api.CreateMode.CREATE
            )
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.close()
        if kind is None:
            self._path.chmod(0o600)

    @contextmanager
    def table(self, relation: Relation) -> Iterator[WriteRows]:
        """Write a relation as its table."""
        api = self._api
        definition = api.TableDefinition(
            api.TableName("public", relation.file_stem),
            [
                api.TableDefinition.Column(
                    column.name, _hyper_type(api.SqlType, column.data_type), api.NULLABLE
                )
                for column in relation.columns
            ],
        )
        self._connection.catalog.create_table(definition)
        with api.Inserter(self._connection, definition) as inserter:
            yield inserter.add_rows
            inserter.execute()


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


def _arrow_type(arrow: Any, data_type: str) -> Any:
    """Return Arrow's type for a PostgreSQL type of the contracts; text for any other."""
    exact = _NUMERIC.fullmatch(data_type)
    if exact:
        return arrow.decimal128(int(exact.group(1)), int(exact.group(2)))
    plain = {
        "smallint": arrow.int16(),
        "integer": arrow.int32(),
        "bigint": arrow.int64(),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "timestamp with time zone": arrow.timestamp("us", tz="UTC"),
        "double precision": arrow.float64(),
    }
    return plain.get(data_type, arrow.string())


def _hyper_type(types: Any, data_type: str) -> Any:
    """Return Hyper's type for a PostgreSQL type of the contracts; text for any other."""
    exact = _NUMERIC.fullmatch(data_type)
    if exact:
        return types.numeric(int(exact.group(1)), int(exact.group(2)))
    plain = {
        "smallint": types.small_int(),
        "integer": types.int(),
        "bigint": types.big_int(),
        "boolean": types.bool(),
        "date": types.date(),
        "timestamp with time zone": types.timestamp_tz(),
        "double precision": types.double(),
    }
    return plain.get(data_type, types.text())
