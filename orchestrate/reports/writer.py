"""Writes a folder of an audience aside and swaps it in whole, so that nobody sees half of one."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.database.files import replace_text
from orchestrate.errors import ConfigurationError

if TYPE_CHECKING:
    from orchestrate.console import Console

# What the reports own in a folder; everything else in it (diagrams, extracts) is carried over.
_OWN_SUFFIXES = frozenset({".html", ".css", ".js"})
_CURRENT_DIRECTORY = -100
_RENAME_EXCHANGE = 2
# Ends of the names under which a folder is made and, without _RENAME_EXCHANGE, kept meanwhile.
_NEW, _OLD = ".casebook-new", ".casebook-old"
# Sub-folders of an audience's folder that are written with its pages or without them.
DIAGRAMS, EXTRACTS = "erd", "extracts"
# Names of the folders that were made here, a line each.
_FOLDERS = ".casebook-folders"


@contextmanager
def renewed_folder(folder: Path, *, without: Container[str] = ()) -> Iterator[Path]:
    """Give a new folder, holding what stays of `folder`, that takes its place when all went well.

    Sub-folders and files other than HTML, CSS and scripts stay, but for those named in `without`.
    Folders are 0700 and files 0600. Everything in it changes in one step, pages and sub-folders
    alike; after a failure `folder` is as it was. Raises ConfigurationError when it cannot be
    written.
    """
    with new_folder(folder) as aside:
        _carry_over(folder, aside, without)
        yield aside


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder, of mode 0700, that takes the place of `folder` when all went well.

    It is beside `folder`; after a failure it is gone and `folder` as it was. What a killed process
    left is cleared first. Raises ConfigurationError when it cannot be written.
    """
    aside = folder.with_name(f".{folder.name}{_NEW}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise ConfigurationError(
                f"{folder} is not a folder of its own.", "Move it away, then write again."
            )
        _remove(aside)
        _recover(folder)
        aside.mkdir(mode=0o700)
        aside.chmod(0o700)
        yield aside
        _swap(aside, folder)
        _remove(aside)
    except OSError as problem:
        raise ConfigurationError(
            f"{folder} cannot be written: {problem.strerror or problem}.",
            "Make the folder writable or give another one with --out.",
        ) from problem
    finally:
        # After a swap this is the old folder, after a failure the new one.
        shutil.rmtree(aside, ignore_errors=True)


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone when it is missing; refuse a link in its place."""
    try:
        if folder.is_symlink():
            raise ConfigurationError(
                f"{folder} is not a folder of its own.", "Move it away, then write again."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as problem:
        raise ConfigurationError(
            f"{folder} cannot be written: {problem.strerror or problem}.",
            "Make the folder writable or give another one with --out.",
        ) from problem


def require_writable(folder: Path) -> None:
    """Make a folder when it is missing, and raise ConfigurationError when nothing can be put there.

    Asked before long work, whose result could otherwise not be shown.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise ConfigurationError(
            f"{folder} cannot be written: {problem.strerror or problem}.",
            "Make the folder writable or give another one with --out.",
        ) from problem


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other renderings out of a folder; they wait. Ends with the process at the latest.

    What a killed one left is cleared away first: its folder may have no readers any more, and
    nobody would come by again.
    """
    require_writable(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _clear_leftovers(folder)
        yield
    finally:
        os.close(descriptor)


def _clear_leftovers(folder: Path) -> None:
    """Remove what was being made in a folder or the ones in it, and put back what was kept."""
    for pattern in (f".*{_NEW}", f"*/.*{_NEW}"):
        for leftover in folder.glob(pattern):
            _remove(leftover)
    for pattern in (f".*{_OLD}", f"*/.*{_OLD}"):
        for old in folder.glob(pattern):
            _recover(old.with_name(old.name.removeprefix(".").removesuffix(_OLD)))


def note_folders(out_dir: Path, folders: Collection[str]) -> None:
    """Note which folders of `out_dir` were made here, beside those noted already."""
    _note(out_dir, _noted(out_dir) | set(folders))


def remove_folders_but(out_dir: Path, kept: Collection[str], console: Console) -> None:
    """Remove the folders that were made here, but those to be kept; what others made stays."""
    for name in sorted(_noted(out_dir) - set(kept)):
        folder = out_dir / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
            console.say(f"Removed {folder}: nobody reads it any more.")
    _note(out_dir, _noted(out_dir) & set(kept))


def _noted(out_dir: Path) -> set[str]:
    try:
        names = (out_dir / _FOLDERS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    # A name, not a way elsewhere, nor to the folder itself.
    return {name for name in names if name and Path(name).name == name and name[0] != "."}


def _note(out_dir: Path, names: Collection[str]) -> None:
    replace_text(out_dir / _FOLDERS, "".join(f"{name}\n" for name in sorted(names)))


def write_file(path: Path, content: bytes | Path) -> None:
    """Make a file for its owner alone; one that is copied may be larger than memory."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with content.open("rb") as source:
                shutil.copyfileobj(source, file)


def _carry_over(folder: Path, aside: Path, without: Container[str]) -> None:
    """Copy what other commands put into the folder."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        # A folder that was being written when its process was killed is nobody's.
        is_leftover = entry.name.startswith(".") and entry.name.endswith((_NEW, _OLD))
        if entry.is_symlink() or is_leftover or entry.name in without:
            continue
        if entry.is_dir():
            copy_folder(entry, aside / entry.name)
        elif entry.suffix not in _OWN_SUFFIXES:
            write_file(aside / entry.name, entry)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder's files, for their owner alone; links are left out, they may lead anywhere."""
    target.mkdir(mode=0o700)
    for entry in source.iterdir():
        if entry.is_symlink():
            continue
        if entry.is_dir():
            copy_folder(entry, target / entry.name)
        else:
            write_file(target / entry.name, entry)


def _swap(aside: Path, folder: Path) -> None:
    """Give `aside` the name of `folder`; the old folder, if any, is called `aside` afterwards."""
    if not folder.exists():
        aside.rename(folder)
    elif not _exchange(aside, folder):
        # No such call here (another system or file system): two steps, with a way back, which
        # `_recover` goes when the process is killed between them.
        old = folder.with_name(f".{folder.name}{_OLD}")
        folder.rename(old)
        try:
            aside.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        _remove(old)


def _recover(folder: Path) -> None:
    """Put the old folder back, or away, when a swap in two steps was cut short."""
    old = folder.with_name(f".{folder.name}{_OLD}")
    if old.is_dir() and not folder.exists():
        old.rename(folder)
    _remove(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step (Linux's renameat2); False where that does not exist."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    result = rename(
        ctypes.c_int(_CURRENT_DIRECTORY),
        ctypes.c_char_p(os.fsencode(one)),
        ctypes.c_int(_CURRENT_DIRECTORY),
        ctypes.c_char_p(os.fsencode(other)),
        ctypes.c_uint(_RENAME_EXCHANGE),
    )
    return bool(result == 0)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
