"""A folder changes at once or not at all, and belongs to its owner alone."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest

from orchestrate.console import Console
from orchestrate.errors import ConfigurationError
from orchestrate.reports import writer
from orchestrate.reports.writer import (
    alone_in,
    copy_folder,
    note_folders,
    remove_folders_but,
    renewed_folder,
    require_writable,
    write_file,
)


def replace_folder(
    folder: Path, files: Mapping[str, bytes | Path], folders: Mapping[str, Path] | None = None
) -> None:
    """Put files and sub-folders into a folder, in one step."""
    folders = folders or {}
    with renewed_folder(folder, without=folders) as aside:
        for name, source in folders.items():
            copy_folder(source, aside / name)
        for name, content in files.items():
            write_file(aside / name, content)


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
    rest = tmp_path / ".program.casebook-new"
    rest.mkdir()
    (rest / "half.html").write_text("half")
    replace_folder(tmp_path / "program", {"index.html": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["program"]
    assert [path.name for path in (tmp_path / "program").iterdir()] == ["index.html"]


DIE_AT = ("before the swap", "between its steps", "after the swap")


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("moment", DIE_AT)
def test_a_process_that_is_killed_leaves_one_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, can_exchange: bool
) -> None:
    """Old pages go with old extracts and new with new, whenever the process was killed."""
    folder = tmp_path / "program"
    told = {}
    for edition in ("old", "new"):
        extracts = tmp_path / edition
        extracts.mkdir()
        (extracts / "README.txt").write_text(edition)
        told[edition] = [("extracts/README.txt", edition), ("index.html", edition)]

    def seen() -> list[tuple[str, str]]:
        return sorted(
            (str(path.relative_to(folder)), path.read_text())
            for path in folder.rglob("*")
            if path.is_file()
        )

    replace_folder(folder, {"index.html": b"old"}, {"extracts": tmp_path / "old"})
    assert seen() == told["old"]
    swap, rename = writer._swap, Path.rename

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def swap_and_die(aside: Path, target: Path) -> None:
        swap(aside, target)
        die()

    child = os.fork()
    if child == 0:
        if not can_exchange:
            monkeypatch.setattr(writer, "_exchange", lambda *_: False)
        if moment == DIE_AT[0]:
            monkeypatch.setattr(writer, "_swap", die)
        elif moment == DIE_AT[2]:
            monkeypatch.setattr(writer, "_swap", swap_and_die)
        else:
            monkeypatch.setattr(Path, "rename", lambda one, other: (rename(one, other), die())[0])
        replace_folder(folder, {"index.html": b"new"}, {"extracts": tmp_path / "new"})
        os._exit(0)
    os.waitpid(child, 0)
    if moment == DIE_AT[1] and not can_exchange:
        # Two renames: what was there waits under another name, for the next one to put back.
        assert not folder.exists()
        with pytest.raises(RuntimeError), renewed_folder(folder):
            raise RuntimeError
    is_swapped = moment == DIE_AT[2] or (moment == DIE_AT[1] and can_exchange)
    assert seen() == told["new" if is_swapped else "old"]
    replace_folder(folder, {"index.html": b"new"}, {"extracts": tmp_path / "new"})
    assert seen() == told["new"]
    assert {path.name for path in tmp_path.iterdir()} == {"program", "old", "new"}


def test_an_extract_that_was_cut_short_is_not_carried_on(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    replace_folder(folder, {"index.html": b"old"})
    (folder / ".extracts.casebook-new").mkdir()
    (folder / ".extracts.casebook-new" / "half.csv").write_text("half")
    replace_folder(folder, {"index.html": b"new"})
    assert [path.name for path in folder.iterdir()] == ["index.html"]


def test_what_a_killed_command_left_goes_also_where_nobody_renders_any_more(tmp_path: Path) -> None:
    kept, leftovers = tmp_path / "kept", (".gone.casebook-new", "kept/.extracts.casebook-new")
    replace_folder(kept, {"index.html": b"kept"})
    # Killed between the two steps that take the place of an exchange of names.
    replace_folder(tmp_path / ".moved.casebook-old", {"index.html": b"moved"})
    replace_folder(tmp_path / ".kept.casebook-old", {"index.html": b"older"})
    for name in leftovers:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.csv").write_text("half")
    (tmp_path / ".somebody's.new").mkdir()
    with alone_in(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".somebody's.new", "kept", "moved"
        ]  # fmt: skip
    assert [path.name for path in kept.iterdir()] == ["index.html"]
    assert (kept / "index.html").read_bytes() == b"kept"
    assert (tmp_path / "moved" / "index.html").read_bytes() == b"moved"


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


def test_only_folders_that_were_made_here_are_removed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "output", tmp_path / "elsewhere"
    for folder in (*(out / name for name in ("mine", "gone", "kept", ".hidden")), elsewhere):
        folder.mkdir(parents=True)
    (out / "link").symlink_to(elsewhere)
    (out / "file").touch()
    note_folders(out, {"gone", "link"})
    note_folders(out, {"kept", "file", "never_made"})
    with (out / ".casebook-folders").open("a") as file:
        file.write("../elsewhere\n..\n.hidden\n\n")
    said = StringIO()
    remove_folders_but(out, {"kept"}, Console(error_stream=said))
    assert sorted(path.name for path in out.iterdir()) == [
        ".casebook-folders",
        ".hidden",
        "file",
        "kept",
        "link",
        "mine",
    ]
    assert elsewhere.is_dir()
    assert " ".join(said.getvalue().split()).count("nobody reads it any more") == 1
    assert (out / ".casebook-folders").read_text() == "kept\n"
