"""Password files: libpq's format, closed to others, whole under concurrent writers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrate.database.passwords import Endpoint, PasswordFile, PasswordLine
from orchestrate.errors import ConfigurationError

ENDPOINT = Endpoint("db.example", "5432")
FIELD = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=20
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=FIELD, user=FIELD, password=FIELD)
def test_any_name_and_password_comes_back(
    tmp_path: Path, host: str, user: str, password: str
) -> None:
    endpoint = Endpoint(f"h{host}", "5432")
    passwords = PasswordFile(tmp_path / "secrets" / "file.pgpass")
    passwords.put(endpoint, f"u{user}", password)
    assert passwords.find(endpoint, f"u{user}") == password


def test_colons_and_backslashes_are_escaped_as_libpq_wants_it() -> None:
    line = PasswordLine(Endpoint("C:\\socket", "5432"), "a:b", "c\\:d")
    assert line.render() == r"C\:\\socket:5432:*:a\:b:c\\\:d"


def test_a_user_has_one_line_per_server_which_names_the_database_to_enter(tmp_path: Path) -> None:
    passwords = PasswordFile(tmp_path / "file.pgpass")
    passwords.put(ENDPOINT, "reader", "secret", "reporting_a:b")
    assert passwords.path.read_text(encoding="utf-8").startswith(r"db.example:5432:reporting_a\:b:")
    line = passwords.line(ENDPOINT, "reader")
    assert line is not None
    assert line.database == "reporting_a:b"
    other = Endpoint("other.example", "5432")
    passwords.store([replace(line, database="moved"), replace(line, endpoint=other)])
    found = [passwords.line(endpoint, "reader") for endpoint in (ENDPOINT, other)]
    assert [line and line.database for line in found] == ["moved", "reporting_a:b"]
    passwords.forget_users({"reader"}, other)
    assert passwords.line(other, "reader") is None
    assert passwords.users() == ["reader"]
    passwords.forget_users({"reader"})
    assert passwords.users() == []


def test_file_and_folder_are_closed_to_others(tmp_path: Path) -> None:
    passwords = PasswordFile(tmp_path / "secrets" / "file.pgpass")
    passwords.ensure(ENDPOINT, "reader")
    assert passwords.path.stat().st_mode & 0o777 == 0o600
    assert passwords.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    passwords = PasswordFile(tmp_path / "secrets" / "file.pgpass")
    first = passwords.ensure(ENDPOINT, "reader")
    passwords.path.chmod(0o644)
    assert passwords.ensure(ENDPOINT, "reader") == first
    assert passwords.path.stat().st_mode & 0o777 == 0o600


def test_a_password_is_made_once_and_replaced_on_demand(tmp_path: Path) -> None:
    passwords = PasswordFile(tmp_path / "file.pgpass")
    first = passwords.ensure(ENDPOINT, "reader")
    assert len(first) >= 32
    assert passwords.ensure(ENDPOINT, "reader") == first
    passwords.put(ENDPOINT, "reader", "other")
    assert passwords.find(ENDPOINT, "reader") == "other"
    assert passwords.path.read_text(encoding="utf-8").count("reader") == 1


def test_the_first_line_that_matches_wins_wildcards_included(tmp_path: Path) -> None:
    file = tmp_path / "file.pgpass"
    file.write_text("# mine\n*:5432:*:reader:any host\ndb.example:*:*:reader:later\n")
    assert PasswordFile(file).find(ENDPOINT, "reader") == "any host"
    assert PasswordFile(file).find(Endpoint("db.example", "6000"), "reader") == "later"
    assert PasswordFile(file).find(ENDPOINT, "other") is None


def test_passwords_follow_a_server_that_moved(tmp_path: Path) -> None:
    passwords = PasswordFile(tmp_path / "file.pgpass")
    new = Endpoint("/new", "*")
    passwords.put(ENDPOINT, "reader", "secret")
    passwords.put(new, "reader", "stale")
    passwords.move(ENDPOINT, new)
    assert passwords.find(new, "reader") == "secret"
    assert passwords.find(ENDPOINT, "reader") is None
    passwords.forget(new)
    assert passwords.users() == []


def test_nothing_shows_a_password(tmp_path: Path) -> None:
    line = PasswordLine(ENDPOINT, "reader", "secret")
    assert "secret" not in f"{line!r} {line!s}"
    with pytest.raises(ConfigurationError) as caught:
        PasswordFile(tmp_path / "file").put(ENDPOINT, "reader", "sec\nret")
    assert "sec" not in str(caught.value)


def test_simultaneous_writers_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file.pgpass"
    code = (
        "import sys; from pathlib import Path;"
        "from orchestrate.database.passwords import Endpoint, PasswordFile;"
        "file = PasswordFile(Path(sys.argv[1]));"
        "[file.ensure(Endpoint('h', '1'), f'user{sys.argv[2]}_{n}') for n in range(20)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(file), str(number)])
        for number in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert len(PasswordFile(file).users()) == 80


def test_an_unusable_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        PasswordFile(tmp_path / "secrets" / "file.pgpass").ensure(ENDPOINT, "reader")
