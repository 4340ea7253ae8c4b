"""What people see while something runs: sentences, warnings and progress, on standard error.

On a terminal progress is a live bar; elsewhere (CI, a log file) it is plain lines. Standard output
stays free for results: tables for people are written there by `show`, JSON by `show_json`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.progress import Progress

# Plain progress repeats itself at most this often, in seconds.
PLAIN_INTERVAL = 5.0


class Task:
    """One piece of long work, told of as `tell` does: how many parts are done, and what is next."""

    def __init__(self, tell: Callable[[int, str], None]) -> None:
        self._tell = tell
        self._done = 0
        self._lock = threading.Lock()

    def advance(self, label: str = "") -> None:
        """Count one more part as done, from any thread; `label`: just finished or begun."""
        with self._lock:
            self._done += 1
            self._tell(self._done, label)


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
            # Its import takes as long as to read a command line.
            from rich import progress as bars

            with bars.Progress(
                bars.TextColumn("{task.description}"),
                bars.BarColumn(),
                bars.MofNCompleteColumn(),
                bars.TimeElapsedColumn(),
                bars.TextColumn("[dim]{task.fields[label]}[/dim]"),
                console=self._errors,
                transient=True,
            ) as progress:
                self._live = progress
                bar = progress.add_task(escape(title), total=total, label="")
                try:
                    yield Task(
                        lambda done, label: progress.update(
                            bar, completed=done, label=escape(label)
                        )
                    )
                finally:
                    self._live = None
        else:
            self._tell_plainly(f"{title} …")
            told = started

            def tell(done: int, label: str) -> None:
                nonlocal told
                if time.monotonic() - told >= PLAIN_INTERVAL:
                    told = time.monotonic()
                    share = f"{done}/{total}" if total else str(done)
                    self._tell_plainly(f"{title}: {share} {label}".rstrip())

            yield Task(tell)
        self.say(f"{title}: done in {time.monotonic() - started:.1f} s")

    def _tell_plainly(self, line: str) -> None:
        self._error_stream.write(f"{line}\n")
        self._error_stream.flush()

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

    def show_files(self, files: Sequence[Path], kind: str = "files") -> None:
        """Write the names of files, a line each; of their `kind` as JSON."""
        for file in files:
            self.write(str(file))
        self.show_json({kind: files})


def format_value(value: object) -> str:
    """Show a value in a table cell: thousands separated, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
