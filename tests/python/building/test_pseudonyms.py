"""The secret of the pseudonyms: made once, closed to others, used by builds and told to nobody."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.building.pseudonyms import DEVELOPMENT_KEY_ID, ensure_key
from orchestrate.database import ConnectionTarget
from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR, Settings
from tests.python.building.conftest import Project
from tests.python.conftest import Casebook

KEY = "0123456789abcdef" * 4


def key_id(key: str) -> str:
    """Return what record_build() notes of a key."""
    return hashlib.sha256(f"casebook pseudonym key\x1f{key}".encode()).hexdigest()[:16]


@pytest.fixture
def settings_with_key(settings: Settings, tmp_path: Path) -> Settings:
    """Return settings that name a file with KEY."""
    path = tmp_path / "given.key"
    path.touch(mode=0o600)
    path.write_text(KEY + "\n", encoding="ascii")
    return replace(settings, pseudonym_key_file=path)


def test_the_first_use_makes_it_for_its_owner_alone(settings: Settings) -> None:
    key = ensure_key(settings)
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert ensure_key(settings) == key
    path = settings.pseudonym_key_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_who_removes_it_gets_another(settings: Settings) -> None:
    key = ensure_key(settings)
    settings.pseudonym_key_path.unlink()
    assert ensure_key(settings) != key


def test_two_at_once_agree(settings: Settings) -> None:
    barrier = threading.Barrier(8)

    def use(_: int) -> str:
        barrier.wait()
        return ensure_key(settings)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(use, range(8)))) == 1


def test_a_named_file_is_used_or_made(settings_with_key: Settings, tmp_path: Path) -> None:
    assert ensure_key(settings_with_key) == KEY
    missing = replace(settings_with_key, pseudonym_key_file=tmp_path / "a folder" / "key")
    made = ensure_key(missing)
    assert made != KEY
    assert (tmp_path / "a folder" / "key").read_text(encoding="ascii") == f"{made}\n"


def let_others_read(path: Path) -> None:
    path.chmod(0o640)


def shorten(path: Path) -> None:
    path.write_text(KEY[1:], encoding="ascii")


def empty(path: Path) -> None:
    path.write_text("", encoding="ascii")


def write_more(path: Path) -> None:
    path.write_text(f"{KEY}\n{KEY}\n", encoding="ascii")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def leave_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "unmounted")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (let_others_read, "Others than its owner"),
        (shorten, "64 hex digits"),
        (empty, "64 hex digits"),
        (write_more, "64 hex digits"),
        (make_folder, "Is a directory"),
        (leave_link_to_nowhere, "No such file"),
    ],
)
def test_a_file_that_is_no_secret_is_refused_and_left(
    settings_with_key: Settings, damage: Callable[[Path], None], text: str
) -> None:
    path = settings_with_key.pseudonym_key_path
    damage(path)
    before = path.lstat()
    with pytest.raises(ConfigurationError, match=text) as caught:
        ensure_key(settings_with_key)
    assert str(path) in str(caught.value)
    assert KEY[1:] not in str(caught.value)
    assert path.lstat() == before or os.path.samestat(path.lstat(), before)


def test_the_development_key_is_the_one_in_the_macro() -> None:
    macro = (PROJECT_DIR / "macros" / "keys" / "pseudonym_key.sql").read_text(encoding="utf-8")
    (key,) = re.findall("'([0-9a-f]{64})'", macro)
    assert key_id(key) == DEVELOPMENT_KEY_ID


def test_a_build_has_it_and_nobody_sees_it(
    project: Project, settings_with_key: Settings, own_database: ConnectionTarget
) -> None:
    digest = "md5(current_setting('casebook.pseudonym_key')) as secret"
    slow = f"select 1 as number, {digest}, pg_sleep(3)::text as slept"
    target = ConnectionTarget({**own_database.parameters, "options": "-c work_mem=5MB"})
    dbt = project({"models/numbers.sql": slow, "models/later.sql": f"select {digest}"}, target)
    object.__setattr__(dbt, "_settings", settings_with_key)
    seen: list[str] = []
    done = threading.Event()

    def look_around() -> None:
        with own_database.session() as connection, connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute("select pg_stat_activity::text from pg_stat_activity")
                seen.extend(text for (text,) in cursor.fetchall())
                for process in Path("/proc").glob("[0-9]*/cmdline"):
                    try:
                        seen.append(process.read_bytes().decode(errors="replace"))
                    except OSError:
                        continue
                time.sleep(0.2)

    looking = threading.Thread(target=look_around)
    looking.start()
    try:
        assert dbt.build({}).succeeded
    finally:
        done.set()
        looking.join()
    assert any("pg_sleep(3)" in text for text in seen)
    assert not [text for text in seen if KEY in text]
    with own_database.session() as connection, connection.cursor() as cursor:
        cursor.execute("select secret from casebook.numbers union all table casebook.later")
        expected = hashlib.md5(KEY.encode(), usedforsecurity=False).hexdigest()
        assert cursor.fetchall() == [(expected,), (expected,)]
    assert not holding(KEY, settings_with_key.home, settings_with_key.project_dir)
    assert "PGOPTIONS" not in os.environ or KEY not in os.environ["PGOPTIONS"]


def test_a_whole_run_leaves_it_in_its_file_alone(published: Casebook) -> None:
    settings = published.settings
    key = settings.pseudonym_key_path.read_text(encoding="ascii").strip()
    assert holding(key, published.home, published.output_dir) == [settings.pseudonym_key_path]
    with published.databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("select pseudonym_key_id from casebook.last_build")
        assert cursor.fetchone() == (key_id(key),)


def holding(key: str, *folders: Path) -> list[Path]:
    """Return the files in which a key stands as it is."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and key.encode() in path.read_bytes()
    ]
