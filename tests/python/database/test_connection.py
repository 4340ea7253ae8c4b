"""URLs in, URIs out, and no password on the way."""

from __future__ import annotations

import traceback

import pytest
from psycopg2.extensions import parse_dsn

from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.errors import ConfigurationError, DatabaseError, ExitStatus

SECRET = "hunter2-and-more"  # noqa: S105  (the password that must not appear)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"mysql://u:{SECRET}@h/d", "does not start with postgresql://"),
        (f"u:{SECRET}@h/d", "does not start with postgresql://"),
        (f"postgresql://u:{SECRET}%zz@h/d", "not a well-formed"),
        (f"postgresql://u:{SECRET}@h/d?color=red", "not a well-formed"),
        (f"postgresql://u:{SECRET}@[::1/d", "not a well-formed"),
        (f"postgresql://u:{SECRET}@h", "names no database"),
        (f"postgresql://u:{SECRET}@h/", "names no database"),
        (f"postgresql://u:{SECRET}@/d", "names no host"),
        (f"postgresql://u:{SECRET}@a,b/d", "several hosts"),
        (f"postgresql://u:{SECRET}@h/d?service=mine", "names a service"),
        (f"postgresql://u:{SECRET}@h:0/d", "port"),
        (f"postgresql://u:{SECRET}@h:99999/d", "port"),
        (f"postgresql://u:{SECRET}@h:http/d", "port"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_by_the_name_of_its_variable(
    url: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url, "CASEBOOK_DATABASE_URL")
    error = caught.value
    assert error.status == ExitStatus.USAGE
    assert "CASEBOOK_DATABASE_URL" in error.cause
    assert complaint in error.cause
    assert SECRET not in "".join(traceback.format_exception(error))


def test_a_url_is_read_as_libpq_reads_it() -> None:
    target = parse_url("postgres://me%40home:p%3Aw@[::1]:5433/da%20ta?sslmode=require", "X")
    assert dict(target.parameters) == {
        "user": "me@home",
        "password": "p:w",
        "host": "::1",
        "port": "5433",
        "dbname": "da ta",
        "sslmode": "require",
    }


def test_user_host_and_port_come_from_libpqs_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "me")
    monkeypatch.setenv("PGHOST", "/run/postgresql")
    monkeypatch.setenv("PGPORT", "5999")
    target = parse_url("postgresql:///data", "X")
    found = [target.parameters[name] for name in ("user", "host", "port")]
    assert found == ["me", "/run/postgresql", "5999"]


def test_the_usual_socket_folders_have_a_password_line_that_libpq_finds() -> None:
    # Each build of libpq looks for its own usual folder under the name localhost.
    usual = parse_url("postgresql:///data?host=/var/run/postgresql&port=5999", "X")
    other = parse_url("postgresql:///data?host=/srv/sockets&port=5999", "X")
    assert tuple(usual.endpoint) == ("*", "5999")
    assert tuple(other.endpoint) == ("/srv/sockets", "5999")


def test_a_user_without_a_name_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows() -> str:
        raise OSError

    monkeypatch.delenv("PGUSER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody_knows)
    with pytest.raises(ConfigurationError, match="X names no user"):
        parse_url("postgresql://h/d", "X")


@pytest.mark.parametrize(
    "parameters",
    [
        {
            "host": "/a b/é",
            "port": "5432",
            "user": "ü:@/",
            "dbname": "d%?&",
            "passfile": "/x y",
        },
        {"host": "::1", "port": "5433", "user": "u", "dbname": "d"},
        {"host": "db.example", "port": "5432", "user": "u", "dbname": "d", "sslmode": "require"},
    ],
)
def test_a_uri_leads_libpq_to_the_same_place(parameters: dict[str, str]) -> None:
    assert parse_dsn(ConnectionTarget(parameters).uri()) == parameters


def test_nothing_shows_the_password() -> None:
    target = parse_url(f"postgresql://u:{SECRET}@h/d?sslpassword={SECRET}", "X")
    assert SECRET not in f"{target!r} {target!s} {target.uri()}"
    assert target.password() == SECRET


def test_another_user_of_the_same_server_gets_nothing_personal() -> None:
    target = parse_url(f"postgresql://u:{SECRET}@h/d?sslmode=require&sslcert=/mine.crt", "X")
    assert dict(target.derive(user="reader", passfile="/p").parameters) == {
        "host": "h",
        "port": "5432",
        "dbname": "d",
        "sslmode": "require",
        "user": "reader",
        "passfile": "/p",
    }
    assert target.derive(dbname="other").password() == SECRET


def test_an_unreachable_server_is_named_and_its_password_is_not() -> None:
    target = parse_url(f"postgresql://u:{SECRET}@127.0.0.1:1/d", "X")
    with pytest.raises(DatabaseError) as caught:
        target.connect()
    error = caught.value
    assert error.status == ExitStatus.DATABASE
    for part in ("'d'", "'u'", "'127.0.0.1'", "port 1"):
        assert part in error.cause
    assert error.cure
    assert SECRET not in "".join(traceback.format_exception(error))


def test_a_password_that_a_message_repeats_is_taken_out() -> None:
    with pytest.raises(DatabaseError) as caught:
        parse_url("postgresql://u:refused@127.0.0.1:1/d", "X").connect()
    assert "Connection ***" in caught.value.cause
    assert "refused" not in caught.value.cause
