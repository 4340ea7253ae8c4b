"""A folder changes at once or not at all, and belongs to its owner alone."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from orchestrate.errors import ConfigurationError
from orchestrate.reports import writer
from orchestrate.reports.writer import alone_in, replace_folder, require_writable


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder.parent)): stat.S_IMODE(path.stat().st_mode)
        for path in [folder, *folder.rglob("*")]
    }


def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared.js"
    shared.write_text("1")
    shared.chmod(0o666)
    diagrams = tmp_path / "diagrams"
    diagrams.mkdir()
    (diagrams / "a.svg").write_text("<svg/>")
    folder = tmp_path / "out put" / "program"
    replace_folder(folder, {"index.html": b"new", "shared.js": shared}, {"erd": diagrams})
    assert modes(folder) == {
        "program": 0o700,
        "program/index.html": 0o600,
        "program/shared.js": 0o600,
        "program/erd": 0o700,
        "program/erd/a.svg": 0o600,
    }


def test_pages_of_before_go_and_what_others_put_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    replace_folder(folder, {"old.html": b"old", "index.html": b"old"})
    (folder / "erd").mkdir()
    (folder / "erd" / "marts.svg").write_text("<svg/>")
    (folder / "totals.csv").write_text("a\n1\n")
    replace_folder(folder, {"index.html": b"new"})
    assert (folder / "index.html").read_bytes() == b"new"
    assert not (folder / "old.html").exists()
    assert (folder / "erd" / "marts.svg").read_text() == "<svg/>"
    assert (folder / "totals.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_a_failure_while_writing_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "program"
    replace_folder(folder, {"index.html": b"old"})
    with pytest.raises(ConfigurationError, match="cannot be written"):
        replace_folder(folder, {"index.html": b"new", "shared.js": tmp_path / "missing"})
    assert (folder / "index.html").read_bytes() == b"old"

    def fail(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_exchange", fail)
    with pytest.raises(ConfigurationError, match="No space left"):
        replace_folder(folder, {"index.html": b"new"})
    assert (folder / "index.html").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_it_also_works_where_names_cannot_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_exchange", lambda *_: False)
    folder = tmp_path / "program"
    replace_folder(folder, {"index.html": b"old"})
    replace_folder(folder, {"index.html": b"new"})
    assert (folder / "index.html").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_what_an_interrupted_run_left_is_cleared(tmp_path: Path) -> None:
    rest = tmp_path / ".program.new"
    rest.mkdir()
    (rest / "half.html").write_text("half")
    replace_folder(tmp_path / "program", {"index.html": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["program"]
    assert [path.name for path in (tmp_path / "program").iterdir()] == ["index.html"]


def test_a_link_or_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "program").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a folder of its own"):
        replace_folder(tmp_path / "program", {"index.html": b"new"})
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (tmp_path / "client").write_text("a file")
    with pytest.raises(ConfigurationError, match="not a folder of its own"):
        replace_folder(tmp_path / "client", {"index.html": b"new"})


def test_links_inside_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "program"
    replace_folder(folder, {"index.html": b"old"})
    (folder / "link.txt").symlink_to(secret)
    replace_folder(folder, {"index.html": b"new"})
    assert [path.name for path in folder.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file"):
        require_writable(tmp_path / "file")
    require_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_a_second_rendering_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    def render() -> None:
        with alone_in(tmp_path):
            order.append("second")

    with alone_in(tmp_path):
        second = threading.Thread(target=render)
        second.start()
        second.join(timeout=0.3)
        order.append("first")
    second.join()
    assert order == ["first", "second"]
