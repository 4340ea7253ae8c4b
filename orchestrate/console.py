"""What people see while something runs: sentences, warnings and progress, on standard error.

On a terminal progress is a live bar; elsewhere (CI, a log file) it is plain lines. Standard output
stays free for results: tables for people are written there by `show`, JSON by `show_json`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

# Plain progress repeats itself at most this often, in seconds.
PLAIN_INTERVAL = 5.0


class Task:
    """One piece of long work; `advance` may be called from any thread."""

    def advance(self, label: str = "") -> None:
        """Count one more part as done; `label` names what was just finished or begun."""


class _LiveTask(Task):
    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._title = title
        self._id = progress.add_task(escape(title), total=total, label="")

    def advance(self, label: str = "") -> None:
        self._progress.update(self._id, advance=1, label=escape(label))


class _PlainTask(Task):
    def __init__(self, stream: TextIO, title: str, total: int | None) -> None:
        self._stream = stream
        self._title = title
        self._total = total
        self._done = 0
        self._told = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, label: str = "") -> None:
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if now - self._told < PLAIN_INTERVAL:
                return
            self._told = now
            share = f"{self._done}/{self._total}" if self._total else str(self._done)
            self._stream.write(f"{self._title}: {share} {label}".rstrip() + "\n")
            self._stream.flush()


class _Stream(RichConsole):
    """A stream whose reader may leave: the command line ends quietly then, wherever it was."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Console:
    """Where the runner speaks. One per process; `json_output` keeps standard output to JSON."""

    def __init__(
        self,
        *,
        json_output: bool = False,
        error_stream: TextIO | None = None,
        output_stream: TextIO | None = None,
    ) -> None:
        self.json_output = json_output
        self._error_stream = error_stream or sys.stderr
        self._errors = _Stream(file=self._error_stream, highlight=False, soft_wrap=True)
        self._output = _Stream(file=output_stream or sys.stdout, highlight=False)
        self._live: Progress | None = None

    def say(self, text: str) -> None:
        """Tell something worth knowing."""
        self._errors.print(escape(text))

    def warn(self, text: str) -> None:
        """Tell something that does not stop the work but wants attention."""
        self._errors.print(f"[yellow]Warning:[/yellow] {escape(text)}")

    def fail(self, cause: str, cure: str = "") -> None:
        """Tell why the work stopped and what to do about it."""
        self._errors.print(f"[red]Error:[/red] {escape(cause)}")
        if cure:
            self._errors.print(escape(cure))

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:
        """Show progress of long work: a bar on a terminal, plain lines elsewhere."""
        started = time.monotonic()
        if self._errors.is_terminal and self._live is None:
            with Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[label]}[/dim]"),
                console=self._errors,
                transient=True,
            ) as progress:
                self._live = progress
                try:
                    yield _LiveTask(progress, title, total)
                finally:
                    self._live = None
        else:
            self._error_stream.write(f"{title} …\n")
            self._error_stream.flush()
            yield _PlainTask(self._error_stream, title, total)
        self.say(f"{title}: done in {time.monotonic() - started:.1f} s")

    def show(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table for people to standard output (nothing under --json)."""
        if self.json_output:
            return
        table = Table(title=escape(title), title_justify="left")
        for column in columns:
            table.add_column(escape(column))
        for row in rows:
            table.add_row(*(escape(format_value(value)) for value in row))
        self._output.print(table)

    def write(self, text: str) -> None:
        """Write one line of result to standard output, as it is (nothing under --json)."""
        if not self.json_output:
            self._output.print(text, markup=False, soft_wrap=True)

    def show_json(self, result: Mapping[str, object]) -> None:
        """Write the machine-readable result to standard output (only under --json)."""
        if self.json_output:
            self._output.file.write(json.dumps(result, default=str, ensure_ascii=False) + "\n")


def format_value(value: object) -> str:
    """Show a value in a table cell: thousands separated, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
