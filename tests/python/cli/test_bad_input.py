"""Bad input, from the shell: one clear message, the right exit status, and nothing changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scoped

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

pytestmark = pytest.mark.slow

RESIDENCY_FILES = ("studies", "organizations", "modalities", "exam_to_cpt")


def fingerprint(casebook: Casebook) -> str:
    """Hash all that readers see, and every file of the output folder."""
    digest = hashlib.sha256()
    for login, schema in (("program_director", "residency"), ("uhc_analyst", "clients")):
        reader = scoped.reader(casebook.databases, login)
        with reader.session() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select table_name from information_schema.tables"
                " where table_schema = %s order by table_name",
                (schema,),
            )
            for (table,) in cursor.fetchall():
                cursor.execute(
                    f"select md5(string_agg(md5(t::text), '' order by md5(t::text)))"
                    f' from {schema}."{table}" as t'
                )
                digest.update(f"{table}{cursor.fetchone()}".encode())
    for file in sorted(casebook.output_dir.rglob("*")):
        if file.is_file():
            digest.update(f"{file.name}".encode() + file.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def untouched(module_casebook: Casebook) -> Iterator[Casebook]:
    """Return a Casebook that none of the commands that are given it may change."""
    before = fingerprint(module_casebook)
    yield module_casebook
    assert fingerprint(module_casebook) == before


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return a small residency export that would load."""
    folder = tmp_path / "my export"
    folder.mkdir()
    for name in RESIDENCY_FILES:
        source = PROJECT_DIR / "seeds" / "residency" / f"residency__{name}.csv"
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{name}.csv").write_text("".join(lines[:300]), encoding="utf-8")
    return folder


def replace_line(file: Path, number: int, change: Callable[[str], str]) -> None:
    """Change one line of a file, counted from 1."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    file.write_text("".join(lines), encoding="utf-8")


def break_number(folder: Path) -> None:
    def with_wrong_rvu(line: str) -> str:
        exam, cpt, _, *rest = line.split(",")
        return ",".join([exam, cpt, "0.5x", *rest])

    replace_line(folder / "exam_to_cpt.csv", 17, with_wrong_rvu)


def break_time(folder: Path) -> None:
    def with_impossible_day(line: str) -> str:
        return line.replace("2018-07-01", "2018-07-41").replace("2018-07-02", "2018-07-41")

    replace_line(folder / "studies.csv", 17, with_impossible_day)


def drop_column(folder: Path) -> None:
    replace_line(folder / "studies.csv", 1, lambda line: line.replace("trainee_name", "doctor"))


def drop_file(folder: Path) -> None:
    (folder / "modalities.csv").unlink()


def empty_file(folder: Path) -> None:
    (folder / "organizations.csv").write_bytes(b"")


def as_utf16(folder: Path) -> None:
    text = (folder / "studies.csv").read_text(encoding="utf-8")
    (folder / "studies.csv").write_text(text, encoding="utf-16")


def as_latin1(folder: Path) -> None:
    replace_line(folder / "organizations.csv", 3, lambda line: line.strip() + "é\n")
    text = (folder / "organizations.csv").read_text(encoding="utf-8")
    (folder / "organizations.csv").write_text(text, encoding="latin-1")


def nameless_resident(folder: Path) -> None:
    def without_name(line: str) -> str:
        name = next(part for part in line.split('"') if ", " in part)
        return line.replace(f'"{name}"', "")

    lines = (folder / "studies.csv").read_text(encoding="utf-8").splitlines()
    number = next(at for at, line in enumerate(lines, 1) if '"' in line and at > 5)
    replace_line(folder / "studies.csv", number, without_name)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (break_number, ["exam_to_cpt.csv", "line 17", "rvu"]),
        (break_time, ["studies.csv", "line 17", "finalized"]),
        (drop_column, ["studies.csv", "trainee"]),
        (drop_file, ["modalities.csv"]),
        (empty_file, ["organizations.csv", "empty"]),
        (as_utf16, ["studies.csv", "UTF-16"]),
        (as_latin1, ["organizations.csv", "line 3", "UTF-8"]),
        (nameless_resident, ["studies.csv", "line", "trainee"]),
    ],
)
def test_a_damaged_export_is_refused_with_its_place(
    untouched: Casebook, export: Path, damage: Callable[[Path], None], expected: list[str]
) -> None:
    damage(export)

    done = untouched.command("load", "residency", str(export), check=False)

    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error:") == 1
    for part in expected:
        assert part.lower() in done.stderr.lower()


def at_unknown_site(line: str) -> str:
    return line.rsplit(",", 1)[0] + ",no-such-site\n"


def test_a_bad_row_is_told_as_json_and_can_be_set_aside(
    own_casebook: Casebook, export: Path
) -> None:
    replace_line(export / "studies.csv", 17, at_unknown_site)
    refused = own_casebook.command("load", "residency", str(export), "--json", check=False)
    assert refused.returncode == 1
    told = json.loads(refused.stdout)
    assert (told["source"], told["changed"], told["files"]) == (None, False, [])
    assert told["problems"] == {
        "count": 1,
        "report": str(own_casebook.settings.problems_dir / "residency.csv"),
        "first": [
            {
                "file": "studies.csv",
                "line": 17,
                "last_line": 17,
                "column": "organization_id",
                "value": "(not shown)",
                "reason": "is in no row of organizations.csv",
            }
        ],
    }

    loaded = own_casebook.command("load", "residency", str(export), "--quarantine", "1", "--json")
    told = json.loads(loaded.stdout)
    files = {file["file"]: file for file in told["files"]}
    assert (told["changed"], told["problems"]["count"]) == (True, 1)
    assert files["studies.csv"]["quarantined"] == 1
    assert told["quarantine"] == {
        "percent": 1.0,
        "rows": 1,
        "table": "casebook.quarantined_rows",
    }
    assert told["warnings"]
    status = json.loads(own_casebook.command("status", "--json").stdout)
    assert status["sources"]["residency"]["quarantined"] == {"studies.csv": 1}


def test_an_export_that_breaks_a_test_is_not_published(
    own_casebook: Casebook, export: Path
) -> None:
    own_casebook.command("load", "residency", str(export))
    before = fingerprint(own_casebook)
    # What a load would refuse, put where only dbt's tests can find it.
    own_casebook.command(
        "db", "psql", "-qc", "update export_residency.studies set organization_id = 'no-such-site'"
    )
    done = own_casebook.command("run", "--out", str(own_casebook.output_dir), check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "nothing was published" in done.stderr
    assert "relationships" in done.stderr
    assert fingerprint(own_casebook) == before


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "expected"),
    [
        (["load", "residency", "/no/such/folder"], {}, 2, "/no/such/folder"),
        (["load", "residency"], {}, 2, "--sample"),
        (["load", "residency", "--sample", "--quarantine", "1"], {}, 2, "--quarantine"),
        (["load", "residency", ".", "--quarantine", "101"], {}, 2, "--quarantine"),
        (["load", "finance", "."], {}, 2, "finance"),
        (["frobnicate"], {}, 2, "frobnicate"),
        # The kernel's folder is locked to everybody, root included.
        (["status"], {"CASEBOOK_HOME": "/sys/casebook"}, 2, "/sys/casebook"),
        (["status"], {"CASEBOOK_HOME": "/proc/casebook"}, 2, "/proc/casebook"),
        (["status"], {"CASEBOOK_HOME": "~no-such-user/x"}, 2, "CASEBOOK_HOME"),
        (["report", "--out", "/sys/casebook"], {}, 2, "/sys/casebook"),
        (["run", "--out", "/sys/casebook"], {}, 2, "/sys/casebook"),
        (["report", "--audience", "nobody"], {}, 2, "nobody"),
        (["report", "--as", "nobody"], {}, 2, "nobody"),
        (["publish", "--target-path", "/no/such/target"], {}, 2, "/no/such/target"),
        (["db", "url", "--as", "nobody"], {}, 2, "nobody"),
        (["status"], {"CASEBOOK_DATABASE_URL": "not a url"}, 2, "CASEBOOK_DATABASE_URL"),
        (["status"], {"CASEBOOK_DATABASE_URL": "mysql://a@b/c"}, 2, "CASEBOOK_DATABASE_URL"),
        (
            ["run"],
            {"CASEBOOK_DATABASE_URL": "postgresql://u:secret-word@127.0.0.1:9/warehouse"},
            3,
            "127.0.0.1",
        ),
    ],
)
def test_bad_usage_has_one_message_and_its_status(
    untouched: Casebook,
    arguments: list[str],
    environment: dict[str, str],
    status: int,
    expected: str,
) -> None:
    done = untouched.command(*arguments, check=False, **environment)

    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error:") == 1
    assert expected in done.stderr
    assert "secret-word" not in done.stderr + done.stdout
