"""The kinds of files that extracts are written as."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A kind of file; `parquet` and `hyper` need packages that do not come with Casebook."""

    csv = "csv"
    xlsx = "xlsx"
    parquet = "parquet"
    hyper = "hyper"


DEFAULT_FORMATS = (Format.csv, Format.xlsx)
