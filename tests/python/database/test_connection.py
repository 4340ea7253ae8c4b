"""URLs in, URIs out, and no password on the way."""

from __future__ import annotations

import traceback

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from orchestrate.database import Databases, connection
from orchestrate.database.connection import ConnectionTarget, database_errors, parse_url
from orchestrate.errors import (
    ConfigurationError,
    DatabaseError,
    ExitStatus,
    LostConnectionError,
)
from orchestrate.settings import Settings

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


STARTING = 'connection to server at "h" failed: FATAL:  the database system is starting up'


class Server:
    """Answers a number of attempts with an error, and counts them; its clock never waits."""

    autocommit = False

    def __init__(self, answer: str, failures: int) -> None:
        self.answer, self.failures, self.attempts, self.now = answer, failures, 0, 0.0

    def connect(self, _dsn: str) -> object:
        """Refuse, or be the connection."""
        self.attempts += 1
        if self.attempts <= self.failures:
            raise psycopg2.OperationalError(self.answer)
        return self

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds


@pytest.mark.parametrize(
    ("answer", "failures", "connects", "longest"),
    [
        (STARTING, 5, True, 30),
        ("FATAL:  the database system is in recovery mode", 5, True, 30),
        ("server closed the connection unexpectedly", 3, True, 10),
        (STARTING, 10_000, False, 30),
        ("Connection refused", 2, True, 1),
        ("Connection refused", 10_000, False, 1),
        ('FATAL:  password authentication failed for user "u"', 1, False, 0),
    ],
)
def test_a_server_that_is_away_for_a_moment_is_asked_again_and_not_for_ever(
    answer: str, failures: int, connects: bool, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(answer, failures)
    monkeypatch.setattr(psycopg2, "connect", server.connect)
    monkeypatch.setattr(connection.time, "sleep", server.sleep)
    monkeypatch.setattr(connection.time, "monotonic", lambda: server.now)
    target = parse_url("postgresql://u@h/d", "X")
    if connects:
        target.connect()
        assert server.attempts == failures + 1
    else:
        with pytest.raises(DatabaseError):
            target.connect()
        assert (server.attempts == 1) == (longest == 0)
    assert server.now <= longest


@pytest.mark.parametrize("loss", ["terminate", "close"])
def test_a_lost_connection_is_told_from_a_refusal(
    loss: str, running: tuple[Settings, Databases]
) -> None:
    warehouse = running[1].warehouse
    opened = warehouse.connect()
    with pytest.raises(DatabaseError) as caught, database_errors("It refused"):
        opened.cursor().execute("select 1 / 0")
    assert not isinstance(caught.value, LostConnectionError)
    opened.rollback()
    cursor = opened.cursor()
    if loss == "close":
        opened.close()
    else:
        with warehouse.session() as other, other.cursor() as terminating:
            terminating.execute(f"select pg_terminate_backend({opened.info.backend_pid}, 5000)")
    with pytest.raises(LostConnectionError, match="It refused"), database_errors("It refused"):
        cursor.execute("select 1")
    opened.close()


def test_every_session_lets_the_server_look_after_its_client(
    running: tuple[Settings, Databases],
) -> None:
    with running[1].warehouse.session() as session, session.cursor() as cursor:
        cursor.execute(
            "select source, setting from pg_settings"
            " where name = 'client_connection_check_interval'"
        )
        assert cursor.fetchall() == [("client", "2000")]
