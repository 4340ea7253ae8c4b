"""The embedded server starts anywhere, once, and again after anything that may happen to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from embedded import LOGIN, is_alive, kill_everything, make_scope, settings_of

from orchestrate.console import Console
from orchestrate.database import (
    Databases,
    open_databases,
    remove_embedded,
    server_status,
    start,
    stop,
    url,
)
from orchestrate.database.account import Account
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.places import Note
from orchestrate.errors import BusyError, ConfigurationError, DatabaseError
from orchestrate.settings import PROJECT_DIR, Settings

NewHome = Callable[[str], Settings]


def answers(target: ConnectionTarget) -> bool:
    """Tell whether a database can be used."""
    with target.session() as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
        return cursor.fetchone() == (1,)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def data_dir(settings: Settings) -> Path:
    """Return where the server keeps its data."""
    return server_status(settings).data_dir


@pytest.mark.slow
def test_a_new_server_starts_in_a_home_of_any_name(new_home: NewHome, console: Console) -> None:
    settings = new_home("a space, é 漢, quotes '\" $HOME `id` \\ %s")
    databases = open_databases(settings, console)
    assert answers(databases.reporting.door)
    pid = server_status(settings).pid
    assert open_databases(settings, console).installation == databases.installation
    assert server_status(settings).pid == pid


def test_a_home_may_be_moved_to_a_path_too_long_for_a_socket(
    disposable: Settings, new_home: NewHome, console: Console
) -> None:
    before = open_databases(disposable, console)
    passwords = (before.warehouse.password(), make_scope(before).as_reader(LOGIN).password())
    stop(disposable)
    moved = new_home("deep/" + "x" * 100 + "/" + "y" * 100 + "/home")
    moved.home.parent.mkdir(parents=True)
    disposable.home.rename(moved.home)
    after = open_databases(moved, console)
    assert after.installation == before.installation
    reader = make_scope(after).as_reader(LOGIN)
    assert (after.warehouse.password(), reader.password()) == passwords
    assert answers(reader)


@pytest.mark.slow
def test_simultaneous_first_starts_make_one_server(new_home: NewHome, console: Console) -> None:
    settings = new_home("home")
    code = (
        "import sys; from pathlib import Path; from orchestrate.console import Console;"
        "from orchestrate.settings import Settings; from orchestrate.database import *;"
        "home = Path(sys.argv[1]);"
        "settings = Settings(project_dir=home, home=home, output_dir=home);"
        "print(open_databases(settings, Console()).installation, server_status(settings).pid)"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(settings.home)],
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    # The pipes close when their starters end: the server holds none of them.
    told = {starter.communicate(timeout=120)[0] for starter in starters}
    assert len(told) == 1
    installation, pid = told.pop().split()
    assert open_databases(settings, console).installation == installation
    assert server_status(settings).pid == int(pid)


def test_it_outlives_its_starter_and_is_stopped_once(stopped: Settings, console: Console) -> None:
    assert server_status(stopped).pid is None
    open_databases(stopped, console)
    pid = server_status(stopped).pid
    assert pid is not None
    assert os.getsid(pid) != os.getsid(0)
    folder = server_status(stopped).socket_folder
    assert folder is not None
    assert folder.exists()
    assert stop(stopped)
    assert not stop(stopped)
    assert not folder.exists()
    assert server_status(stopped).pid is None


def test_it_starts_after_everything_was_killed(stopped: Settings, console: Console) -> None:
    before = open_databases(stopped, console)
    with before.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "create schema if not exists kept; create table kept.rows as select 1 as one"
        )
    kill_everything(stopped)
    assert server_status(stopped).pid is None
    after = open_databases(stopped, console)
    with after.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("select one from kept.rows")
        assert cursor.fetchone() == (1,)


def test_it_starts_although_a_child_of_the_killed_server_is_busy(
    stopped: Settings, console: Console
) -> None:
    warehouse = open_databases(stopped, console).warehouse
    connection = psycopg2.connect(warehouse.uri(), async_=True)
    psycopg2.extras.wait_select(connection)
    backend = connection.info.backend_pid
    # For minutes it looks neither at its client nor for its server.
    connection.cursor().execute("select count(*) from generate_series(1, 1000000000)")
    pid = server_status(stopped).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        pass
    assert is_alive(backend)
    assert answers(open_databases(stopped, console).warehouse)
    assert not is_alive(backend)
    connection.close()


def test_it_starts_when_its_number_belongs_to_another_process(
    stopped: Settings, console: Console
) -> None:
    open_databases(stopped, console)
    kill_everything(stopped)
    file = data_dir(stopped) / "postmaster.pid"
    owner = file.stat()
    stranger = subprocess.Popen(
        ["sleep", "60"],
        user=owner.st_uid if os.geteuid() == 0 else None,
        group=owner.st_gid if os.geteuid() == 0 else None,
    )
    try:
        rest = file.read_text(encoding="utf-8").partition("\n")[2]
        file.write_text(f"{stranger.pid}\n{rest}", encoding="utf-8")
        assert server_status(stopped).pid is None
        assert answers(open_databases(stopped, console).warehouse)
    finally:
        stranger.kill()
        stranger.wait()


def test_it_is_waited_for_while_it_goes_away_by_itself(stopped: Settings, console: Console) -> None:
    open_databases(stopped, console)
    # What a server looks like that cannot recover from a crash: there, called ready, and deaf.
    told = (data_dir(stopped) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    kill_everything(stopped)
    leaving = subprocess.Popen(["sleep", "1.5"], cwd=data_dir(stopped))
    (data_dir(stopped) / "postmaster.pid").write_text(
        "\n".join([str(leaving.pid), *told[1:]]) + "\n", encoding="utf-8"
    )
    status = server_status(stopped)
    assert status.pid == leaving.pid
    assert status.socket_folder is not None
    assert (status.socket_folder / ".s.PGSQL.5432").is_socket()
    assert answers(open_databases(stopped, console).warehouse)
    assert leaving.wait() == 0


def test_a_removed_socket_folder_is_made_again(stopped: Settings, console: Console) -> None:
    open_databases(stopped, console)
    folder = server_status(stopped).socket_folder
    assert folder is not None
    shutil.rmtree(folder)
    assert answers(open_databases(stopped, console).warehouse)
    stop(stopped)
    shutil.rmtree(folder, ignore_errors=True)
    assert answers(open_databases(stopped, console).warehouse)


def test_a_socket_folder_that_a_copy_clears_away_meanwhile_is_made_again(
    stopped: Settings, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied home that starts at the same moment removes what is its original's, while empty."""
    run = Account.run
    cleared: list[Path] = []

    def clear_first(account: Account, arguments: Any, **options: Any) -> int:
        if "start" in arguments and not cleared:
            cleared.append(Path(Note.read(stopped.home).socket_folder))
            cleared[0].rmdir()
        return run(account, arguments, **options)

    monkeypatch.setattr(Account, "run", clear_first)
    open_databases(stopped, console)
    assert cleared[0].is_dir()


def test_a_socket_folder_of_somebody_else_is_refused(stopped: Settings, console: Console) -> None:
    if os.geteuid() != 0:
        pytest.skip("Only root can make a folder of another user")
    open_databases(stopped, console)
    folder = server_status(stopped).socket_folder
    assert folder is not None
    stop(stopped)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with pytest.raises(ConfigurationError, match="in the way"):
            open_databases(stopped, console)
        folder.rmdir()
        folder.symlink_to(stopped.home)
        with pytest.raises(ConfigurationError, match="in the way"):
            open_databases(stopped, console)
    finally:
        folder.unlink()


def test_lost_passwords_are_replaced(stopped: Settings, console: Console) -> None:
    installation = open_databases(stopped, console).installation
    shutil.rmtree(stopped.secrets_dir)
    assert answers(open_databases(stopped, console).warehouse)
    stop(stopped)
    shutil.rmtree(stopped.secrets_dir)
    assert open_databases(stopped, console).installation == installation


@pytest.mark.slow
def test_an_interrupted_first_start_leaves_nothing_in_the_way(
    new_home: NewHome, console: Console
) -> None:
    settings = new_home("home")
    server = settings.home / "server"
    settings.home.mkdir(mode=0o755)
    Account.for_server(server / "data").make_folder(server)
    (server / "unfinished-by-a-crash" / "data").mkdir(parents=True)
    assert answers(open_databases(settings, console).warehouse)
    assert [path.name for path in server.iterdir()] == ["data"]


def test_a_database_that_was_not_finished_is_dropped_by_the_next_publication(
    stopped: Settings, console: Console
) -> None:
    names = "select datname from pg_database where datname like '%unfinished%'"
    databases = open_databases(stopped, console)
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("create database casebook_unfinished_0123456789ab")
        cursor.execute("create database unfinished_of_somebody")
        make_scope(databases)
        cursor.execute(names)
        assert cursor.fetchall() == [("unfinished_of_somebody",)]
        cursor.execute("drop database unfinished_of_somebody")


def test_data_of_another_version_or_kind_are_refused(
    disposable: Settings, console: Console
) -> None:
    version = data_dir(disposable) / "PG_VERSION"
    version.write_text("14\n", encoding="ascii")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 14"):
        open_databases(disposable, console)
    version.unlink()
    with pytest.raises(ConfigurationError, match="holds no PostgreSQL data"):
        open_databases(disposable, console)


def test_a_server_that_cannot_start_says_why(disposable: Settings, console: Console) -> None:
    (data_dir(disposable) / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseError) as caught:
        open_databases(disposable, console)
    assert "pg_control" in caught.value.cause
    assert "server.log" in caught.value.cause


def test_a_port_is_for_this_machine_and_for_those_with_a_password(
    stopped: Settings, console: Console
) -> None:
    port = free_port()
    databases = open_databases(stopped, console)
    make_scope(databases)
    assert start(stopped, port).tcp_port == port
    uri = url(stopped)
    assert f"@127.0.0.1:{port}/warehouse" in uri
    assert f"@127.0.0.1:{port}/reporting_staff?" in url(stopped, LOGIN)
    assert databases.warehouse.password() not in uri
    done = subprocess.run(
        ["psql", uri, "-Atc", "select inet_server_addr()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("127.0.0.1")
    for password in ("", "wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(uri.partition("?")[0], password=password, passfile="/none")
    # 127.0.0.2 is this machine too; a server that listened on every address would answer there.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)
    # Its own commands go on using the socket, and whoever starts it again gets the same port.
    assert answers(open_databases(stopped, console).warehouse)
    kill_everything(stopped)
    assert start(stopped).tcp_port == port
    stop(stopped)
    assert start(stopped).tcp_port == 0
    assert "127.0.0.1" not in (stopped.secrets_dir / "server.pgpass").read_text(encoding="utf-8")


def test_a_server_in_use_is_not_restarted_for_a_port(stopped: Settings, console: Console) -> None:
    held = open_databases(stopped, console).warehouse.connect()
    with pytest.raises(BusyError, match="in use"):
        start(stopped, free_port())
    held.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DatabaseError, match="in use"):
            start(stopped, taken.getsockname()[1])
    assert answers(open_databases(stopped, console).warehouse)


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_impossible_port_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(ConfigurationError, match=str(port)):
        start(settings_of(tmp_path), port)


def test_removal_leaves_neither_server_nor_data_nor_password(
    disposable: Settings, console: Console
) -> None:
    open_databases(disposable, console)
    status = server_status(disposable)
    assert status.socket_folder is not None
    remove_embedded(disposable)
    remove_embedded(disposable)
    assert status.pid is not None
    assert not is_alive(status.pid)
    assert not status.data_dir.exists()
    assert not status.socket_folder.exists()
    assert (disposable.secrets_dir / "server.pgpass").read_text(encoding="utf-8") == ""


def test_removing_a_copied_home_leaves_the_server_of_its_original_alone(
    running: tuple[Settings, Databases], new_home: NewHome
) -> None:
    """A copy that never started remembers only where its original listened."""
    original, _ = running
    open_databases(original, Console())
    before = server_status(original)
    stopped_copy = new_home("copy")
    stopped_copy.home.mkdir()
    shutil.copy(original.home / "server.json", stopped_copy.home)
    remove_embedded(stopped_copy)
    assert before.socket_folder is not None
    assert list(before.socket_folder.iterdir())
    assert answers(open_databases(original, Console()).warehouse)
    assert server_status(original).pid == before.pid
