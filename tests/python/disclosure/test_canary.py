"""No canary of an identifier leaves the warehouse: not by rows, pages, files, logs or artifacts."""

from __future__ import annotations

import importlib
import importlib.util
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import xlsxwriter

from orchestrate.console import Console
from orchestrate.extracts.extract import write_extracts
from orchestrate.extracts.formats import Format
from orchestrate.publishing.versions import read_readers
from tests.python.disclosure.altered import DIGITS, KEYS, MARK, MARKED, Canaries
from tests.python.disclosure.conftest import Challenged
from tests.python.outputs import every_byte, every_catalog, every_row

pytestmark = pytest.mark.slow

Figure = Callable[[str], None]
# What the runner keeps beside the server's own files and the secrets.
KEPT = ("logs", "target", "description", "profiles")


@pytest.fixture(scope="module")
def canaries(challenged: Challenged) -> Canaries:
    """Return what must not be found."""
    return Canaries(challenged.altered)


def holding(canaries: Canaries, contents: Iterator[tuple[str, bytes]]) -> tuple[int, set[str]]:
    """Count the contents, and name those that hold a canary, with the canary."""
    looked_at, found = 0, set()
    for name, content in contents:
        looked_at += 1
        found |= {f"{name}: {one}" for one in canaries.found_in(content.decode("utf-8", "replace"))}
    return looked_at, found


def test_no_file_of_any_audience_holds_one(
    challenged: Challenged, canaries: Canaries, figure: Figure
) -> None:
    looked_at, found = holding(canaries, every_byte(challenged.casebook.output_dir))
    assert found == set()
    assert looked_at > 150
    figure(f"canaries: {looked_at} files and parts of files hold none")


def test_no_login_reads_one(challenged: Challenged, canaries: Canaries, figure: Figure) -> None:
    """Rows of every relation, and everything that the server's catalogs show."""
    databases = challenged.casebook.databases
    looked_at = 0
    places, members = read_readers(databases)
    at = {place.scope: place for place in places}
    for member in members:
        target = at[member.scope].as_reader(member.login)
        with closing(target.connect(autocommit=True)) as connection:
            cursor = connection.cursor()
            for read in (every_row, every_catalog):
                for name, text in read(cursor):
                    looked_at += 1
                    assert canaries.found_in(text) == set(), (member.login, name)
    assert looked_at > 100
    figure(f"canaries: {looked_at} relations and catalogs as logins hold none")


def test_no_log_artifact_or_message_holds_one(challenged: Challenged, canaries: Canaries) -> None:
    assert "Building and testing" in challenged.said
    assert canaries.found_in(challenged.said) == set()
    for folder in KEPT:
        looked_at, found = holding(canaries, every_byte(challenged.casebook.home / folder))
        assert found == set(), folder
        assert looked_at, folder


def parquet_values(path: Path) -> str:
    """Return the columns' names and comments and every value of a Parquet file."""
    table = importlib.import_module("pyarrow.parquet").read_table(str(path))
    return f"{table.schema.to_string(show_field_metadata=True)}\n{table.to_pylist()}"


def hyper_values(path: Path) -> str:
    """Return the definition and every value of each table of a Tableau extract."""
    api = importlib.import_module("tableauhyperapi")
    parts: list[str] = []
    with (
        api.HyperProcess(
            api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters={"log_config": ""}
        ) as process,
        api.Connection(process.endpoint, str(path)) as connection,
    ):
        catalog = connection.catalog
        for schema in catalog.get_schema_names():
            for table in catalog.get_table_names(schema):
                parts += [str(table), str(catalog.get_table_definition(table).columns)]
                with connection.execute_query(f"select * from {table}") as rows:
                    parts += [" | ".join(map(str, row)) for row in rows]
    assert len(parts) > 2
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("kind", "package", "read"),
    [
        (Format.parquet, "pyarrow", parquet_values),
        (Format.hyper, "tableauhyperapi", hyper_values),
    ],
)
def test_no_other_format_holds_one(
    challenged: Challenged,
    canaries: Canaries,
    tmp_path: Path,
    kind: Format,
    package: str,
    read: Callable[[Path], str],
) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    files = write_extracts(
        challenged.casebook.databases,
        audiences=None,
        login=None,
        formats=(kind,),
        out_dir=tmp_path,
        console=Console(),
    )
    for path in files:
        is_written_so = path.suffix == f".{kind.value}"
        text = read(path) if is_written_so else path.read_text(encoding="utf-8")
        assert canaries.found_in(text) == set(), path
        # Packing cuts texts into pieces, so five digits between two bytes need not be a ZIP code.
        packed = path.read_bytes().lower()
        assert not [one for one in (MARK, DIGITS) if one.encode() in packed], path


def test_they_are_in_the_warehouse(challenged: Challenged, canaries: Canaries) -> None:
    """Otherwise not to find them elsewhere would say nothing."""
    target = challenged.casebook.databases.warehouse
    with closing(target.connect(autocommit=True)) as connection:
        rows = {
            name: text
            for name, text in every_row(connection.cursor())
            if name.startswith(("export_advocacy.", "staging.stg_advocacy"))
        }
    altered = challenged.altered
    for file, columns in MARKED.items():
        found = canaries.found_in(rows[f"export_advocacy.{file}"])
        for column in (*columns, *KEYS[file]):
            values = {value.casefold() for value in altered.values(file, column)}
            assert values <= found, (file, column)
    found = canaries.found_in(rows["staging.stg_advocacy__patients"])
    assert len(canaries.dates) > 100
    assert canaries.dates <= found
    assert DIGITS in found
    assert len([one for one in found if one.isdecimal()]) > 100
    assert any(one.count(":") == 2 for one in canaries.found_in("".join(rows.values())))


def test_one_is_found_wherever_it_hides(canaries: Canaries, tmp_path: Path) -> None:
    """In a file's name, in clear, in a download of a page, and in a workbook's packed parts."""
    canary = f"{MARK.upper()} first 12"
    (tmp_path / "name").mkdir()
    (tmp_path / "name" / f"{MARK}.txt").touch()
    (tmp_path / "clear").mkdir()
    (tmp_path / "clear" / "rows.csv").write_text(f"a,{canary}\n", encoding="utf-8")
    (tmp_path / "page").mkdir()
    packed = b64encode(canary.encode()).decode()
    (tmp_path / "page" / "index.html").write_text(
        f'<a href="data:text/csv;charset=utf-8;base64,{packed}">', encoding="utf-8"
    )
    (tmp_path / "book").mkdir()
    with xlsxwriter.Workbook(tmp_path / "book" / "rows.xlsx") as book:
        book.add_worksheet().write_string(0, 0, canary)
    for folder in ("name", "clear", "page", "book"):
        assert holding(canaries, every_byte(tmp_path / folder))[1], folder
