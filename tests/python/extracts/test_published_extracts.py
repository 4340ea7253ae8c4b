"""The extracts of a real run: all that each login sees, nothing that it does not, in every file."""

from __future__ import annotations

import csv
import stat
import sys
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import scoped
from packaging.requirements import Requirement
from psycopg2 import sql

from orchestrate.cells import csv_cell
from orchestrate.console import Console
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError
from orchestrate.extracts import extract
from orchestrate.extracts.extract import write_extracts
from orchestrate.extracts.formats import Format
from orchestrate.extracts.sinks import Sink, WriteRows, csv_files
from orchestrate.extracts.workbook import README_SHEET
from orchestrate.reports.catalog import Relation, readable_relations
from orchestrate.reports.data import snapshot
from orchestrate.reports.pages.clients import VISIBILITY_NOTICE
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook
from tests.python.outputs import READERS, every_byte

pytestmark = pytest.mark.slow

# Sheets with more rows are counted only: reading one takes a minute, and all are written alike.
READ_ROWS = 4_000
CLIENTS = ("humana", "humana_hospice", "united_healthcare")
PERIODS = {
    "program": ("Figures cover studies finalized from 1 July 2018", "30 June 2019 (UTC)"),
    "united_healthcare": ("Figures cover encounters from January 2011", "February 2022 (UTC)"),
    "humana": ("Figures cover encounters from January 2011", "January 2022 (UTC)"),
    "humana_hospice": ("Figures cover encounters from January 2011", "January 2022 (UTC)"),
    "management": (
        "Rows that may be shown cover encounters from January 2011",
        "February 2022 (UTC)",
    ),
    "staff": ("Rows that may be shown cover encounters from January 2011", "February 2022 (UTC)"),
}
READABLE = """
select table_schema, table_name, column_name from information_schema.columns
where table_schema not in ('pg_catalog', 'information_schema')
  and column_name <> 'version'
order by table_schema, table_name, ordinal_position
"""


@dataclass
class Extract:
    """A folder of extracts and what its login sees, read without the code under test."""

    folder: Path
    relations: dict[tuple[str, str], list[str]]
    connection: Connection

    def rows(self, relation: tuple[str, str]) -> list[tuple[Any, ...]]:
        """Return a relation's rows in any order."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, self.relations[relation])),
                    sql.Identifier(*relation),
                )
            )
            return cursor.fetchall()

    def stem(self, relation: tuple[str, str]) -> str:
        """Return how files and sheets call a relation: with its schema where two have one name."""
        schema, name = relation
        return f"{schema}_{name}" if sum(other == name for _, other in self.relations) > 1 else name

    def lines(self, relation: tuple[str, str]) -> list[list[str]]:
        """Return the lines of a relation's CSV file, the header first."""
        with (self.folder / f"{self.stem(relation)}.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            return list(csv.reader(file))


@pytest.fixture(scope="module")
def extracts(published: Casebook) -> Iterator[dict[str, Extract]]:
    """Return the folders that `casebook run` wrote, by name."""
    databases = published.databases
    found = {}
    for name, login in READERS.items():
        connection = scoped.reader(databases, login).connect()
        connection.set_session(autocommit=True)
        relations: dict[tuple[str, str], list[str]] = {}
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
            cursor.execute(READABLE)
            for *relation, column in cursor.fetchall():
                relations.setdefault(tuple(relation), []).append(column)
        found[name] = Extract(published.output_dir / name / "extracts", relations, connection)
    yield found
    for opened in found.values():
        opened.connection.close()


def test_each_folder_has_a_file_and_a_sheet_per_relation_and_nothing_else(
    published: Casebook, extracts: dict[str, Extract]
) -> None:
    made = {path.name for path in published.output_dir.iterdir() if path.is_dir()}
    assert made == set(extracts)
    for folder, one in extracts.items():
        names = set(map(one.stem, one.relations))
        assert len(names) == len(one.relations) > 0
        assert {path.name for path in one.folder.iterdir()} == {
            "README.txt",
            "README.csv",
            f"{folder}.xlsx",
            *(f"{name}.csv" for name in names),
        }
        book = openpyxl.load_workbook(one.folder / f"{folder}.xlsx", read_only=True)
        assert book.sheetnames[0] == README_SHEET
        assert set(book.sheetnames[1:]) == names
        book.close()


def test_each_csv_file_is_what_its_login_sees(extracts: dict[str, Extract]) -> None:
    for one in extracts.values():
        for relation, columns in one.relations.items():
            header, *lines = one.lines(relation)
            assert header == columns
            rows = one.rows(relation)
            assert sorted(lines) == sorted(
                [str(csv_cell(value)) for value in row] for row in rows
            ), (one.folder, relation)


def test_rows_are_in_the_order_of_their_key_byte_by_byte(extracts: dict[str, Extract]) -> None:
    checked = 0
    for one in extracts.values():
        for relation in one.relations:
            header, *lines = one.lines(relation)
            if header[0].endswith("_key") or header[0] == "study_id":
                values = [line[0].encode() for line in lines]
                assert values == sorted(values), (one.folder, relation)
                checked += len(values) > 1
    assert checked


def test_each_sheet_holds_what_the_csv_file_holds(extracts: dict[str, Extract]) -> None:
    for folder, one in extracts.items():
        path = one.folder / f"{folder}.xlsx"
        book = openpyxl.load_workbook(path, read_only=True)
        for relation, columns in one.relations.items():
            expected, name = one.rows(relation), one.stem(relation)
            if len(expected) > READ_ROWS:
                place = book.sheetnames.index(name) + 1
                with zipfile.ZipFile(path) as archive:
                    sheet = archive.read(f"xl/worksheets/sheet{place}.xml")
                assert sheet.count(b"<row ") == len(expected) + 1, (folder, name)
                continue
            header, *rows = book[name].iter_rows(values_only=True)
            assert list(header) == columns
            assert sorted(map(_comparable, rows)) == sorted(map(_comparable, expected)), (
                folder,
                name,
            )
        book.close()


def _comparable(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return a row as text: numbers as floats of 12 digits, days and times as days."""
    return tuple(map(_as_text, row))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float, Decimal)):
        return f"{float(value):.12g}"
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def test_every_read_me_says_version_source_coverage_and_every_column(
    extracts: dict[str, Extract],
) -> None:
    for folder, one in extracts.items():
        book = openpyxl.load_workbook(one.folder / f"{folder}.xlsx", read_only=True)
        sheet = [
            [cell or "" for cell in row] for row in book[README_SHEET].iter_rows(values_only=True)
        ]
        book.close()
        lines = [[*line, "", "", ""][:4] for line in sheet]
        with (one.folder / "README.csv").open(encoding="utf-8", newline="") as file:
            assert [[cell.lstrip("'") for cell in line] for line in csv.reader(file)] == lines
        text = " ".join((one.folder / "README.txt").read_text(encoding="utf-8").split())
        facts = {line[0]: line[1] for line in lines[:10]}
        assert facts["Version"].isdecimal()
        assert facts["Published"].endswith("UTC")
        first, last = PERIODS[folder]
        assert (facts["As of"], facts["Period"]) == (last, f"{first} to {last}")
        assert f"Period: {first} to {last}" in text
        assert "sample data" in facts["Source"]
        assert facts["Coverage"]
        assert "`" not in text
        assert (VISIBILITY_NOTICE in text) == (one.folder.parent.name in CLIENTS)
        said = {(line[0], line[1]): line[3] for line in lines}
        for relation, columns in one.relations.items():
            name = one.stem(relation)
            assert said[name, relation[0]]
            for column in columns:
                assert said[name, column]
                assert " ".join(said[name, column].split()) in text


def test_files_are_for_their_owner_alone_and_nothing_is_left_over(
    published: Casebook, extracts: dict[str, Extract]
) -> None:
    for one in extracts.values():
        for folder in (one.folder, one.folder.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in one.folder.iterdir()} == {0o600}
    hidden = [path.name for path in published.output_dir.rglob(".*casebook-*")]
    assert hidden == [".casebook-folders"]


def test_no_folder_mentions_another_client(published: Casebook) -> None:
    for folder, foreign in (
        ("united_healthcare", b"humana"),
        ("humana", b"united_healthcare"),
        ("humana_hospice", b"united_healthcare"),
        ("humana", b"humana_hospice"),
    ):
        for name, content in every_byte(published.output_dir / folder):
            assert foreign not in content.lower(), (folder, name)


def write(casebook: Casebook, out: Path, **chosen: Any) -> list[Path]:
    given: dict[str, Any] = {"audiences": None, "login": None, "formats": (Format.csv,)}
    return write_extracts(casebook.databases, out_dir=out, console=Console(), **{**given, **chosen})


def test_rows_pass_through_a_few_at_a_time(
    published: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    @contextmanager
    def counting(_: Path) -> Iterator[Sink]:
        def table(_: Relation) -> AbstractContextManager[WriteRows]:
            return nullcontext(lambda rows: sizes.append(len(rows)))

        yield table

    monkeypatch.setattr(extract, "csv_files", counting)
    write(published, tmp_path, audiences=["program"])
    assert max(sizes) == 2_000
    assert sum(sizes) > 79_000


def test_a_resident_gets_own_rows_and_those_of_the_group(
    published: Casebook, tmp_path: Path
) -> None:
    files = write(published, tmp_path, login="resident_sample")
    assert {path.parent.parent.name for path in files} == {"resident_sample"}
    totals = (tmp_path / "resident_sample" / "extracts" / "case_log_totals.csv").read_text()
    assert totals.count("\n") == 2
    assert "Okafor, Chidi" in totals


def test_a_failure_leaves_the_extracts_of_before(
    published: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(published, tmp_path, audiences=["humana"])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert before

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(extract, "_copy", fail)
    with pytest.raises(KeyboardInterrupt):
        write(published, tmp_path, audiences=["humana"])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_format_without_its_package_is_refused_with_what_to_install(
    published: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    for kind, package, extra in (
        (Format.parquet, "pyarrow", "parquet"),
        (Format.hyper, "tableauhyperapi", "tableau"),
    ):
        needed = [
            one for one in metadata.requires("casebook") or () if f'extra == "{extra}"' in one
        ]
        assert [Requirement(one).name for one in needed] == [package]
        assert f"[{extra}]" in readme
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ConfigurationError, match=package) as caught:
            write(published, tmp_path, audiences=["humana"], formats=(kind,))
        assert f"[{extra}]" in caught.value.cure
    assert not (tmp_path / "humana" / "extracts").exists()


def test_a_folder_of_extracts_that_is_a_link_is_refused(
    published: Casebook, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "humana").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a folder of its own"):
        write(published, tmp_path, audiences=["humana"])
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_command_names_what_it_wrote(published: Casebook, tmp_path: Path) -> None:
    done = published.command(
        "extract", "--as", "uhc_analyst", "--format", "csv", "--out", str(tmp_path)
    )
    named = [Path(line) for line in done.stdout.splitlines()]
    assert sorted(named) == sorted((tmp_path / "united_healthcare" / "extracts").iterdir())
    wrong = published.command(
        "extract", "--audience", "nobody", "--out", str(tmp_path), check=False
    )
    assert wrong.returncode == 2


def test_a_relation_without_rows_has_its_header(published: Casebook, tmp_path: Path) -> None:
    with (
        closing(scoped.reader(published.databases, "humana_colonoscopy").connect()) as connection,
        snapshot(connection) as cursor,
    ):
        relation = readable_relations(cursor)[0]
    with csv_files(tmp_path) as table, table(relation):
        pass
    (file,) = tmp_path.iterdir()
    assert file.read_text() == ",".join(column.name for column in relation.columns) + "\n"
