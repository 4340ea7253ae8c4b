"""dbt's events, told as progress and warnings while it runs."""

from __future__ import annotations

import threading
from typing import Any

from orchestrate.console import Console, Task

# Warnings that repeat what the outcome of the build says better.
_REPEATED = (
    "RunResult",
    "LogTestResult",
    "LogModelResult",
    "EndOfRunSummary",
    "StatsLine",
    "LogFreshness",
)


class Progress:
    """A dbt callback: advances a task per finished node and passes each warning on once.

    dbt calls it from its worker threads; an exception here would end the build, so it raises none.
    """

    def __init__(self, console: Console, task: Task | None = None) -> None:
        self._console = console
        self._task = task
        self._warned: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, event: Any) -> None:
        """Handle one `EventMsg`."""
        name, level = event.info.name, event.info.level
        if name == "NodeFinished" and self._task is not None:
            self._task.advance(event.data.node_info.node_name)
        elif level == "warn" and not name.startswith(_REPEATED):
            self._warn_once(event.info.msg)

    def _warn_once(self, text: str) -> None:
        with self._lock:
            if text in self._warned:
                return
            self._warned.add(text)
        self._console.warn("dbt: " + " ".join(text.removeprefix("[WARNING]:").split()))
