"""What came out of a build, in words that hold no value of any row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_FAILED = {"error", "fail", "runtime error", "partial success"}

# Where PostgreSQL quotes a value of a row in the first line of an error. Identifiers stay.
_QUOTED_VALUES = (
    re.compile(r'(?<=: )".*"?'),  # invalid input syntax for type integer: "…"
    re.compile(r'(?<=\bvalue )".*"'),  # value "…" is out of range for type integer
    re.compile(r'(?<=\bzone )".*"'),  # time zone "…" not recognized
)
_LOST_CONNECTION = re.compile(
    r"server closed the connection|terminating connection|connection to server|could not connect"
    r"|connection already closed|SSL connection has been closed|database system is",
    re.IGNORECASE,
)


class NodeResult(Protocol):
    """The part of dbt's result of one node that is looked at."""

    node: Any
    status: Any
    message: str | None
    failures: int | None


@dataclass(frozen=True)
class Failure:
    """One model or test that did not succeed.

    `kind` is dbt's resource type in words (`model`, `test`, `unit test`), `message` one line,
    `failing_rows` the number of rows that a test found (None for models), `meaning` what the test's
    description says.
    """

    node: str
    kind: str
    message: str
    failing_rows: int | None = None
    meaning: str = ""

    def __str__(self) -> str:
        rows = ""
        if self.failing_rows is not None:
            rows = f" ({self.failing_rows:,} failing row{'' if self.failing_rows == 1 else 's'})"
        meaning = f" It means: {self.meaning}" if self.meaning else ""
        return f"{self.kind} {self.node}: {self.message}{rows}.{meaning}"


@dataclass(frozen=True)
class BuildOutcome:
    """How a `dbt build` ended: what failed, in dbt's order, and how much was left out for it."""

    skipped: int
    failures: tuple[Failure, ...]
    lost_connection: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether everything was built and no test of severity error failed."""
        return not self.failures and not self.skipped


def build_outcome(results: Sequence[NodeResult]) -> BuildOutcome:
    """Summarise dbt's results."""
    statuses = [(result, str(result.status).lower()) for result in results]
    return BuildOutcome(
        skipped=sum(status == "skipped" for _, status in statuses),
        failures=tuple(_failure(result) for result, status in statuses if status in _FAILED),
        lost_connection=any(
            status in _FAILED and _LOST_CONNECTION.search(result.message or "") is not None
            for result, status in statuses
        ),
    )


def one_line(message: str) -> str:
    """Return the telling line of one of dbt's messages, without values of rows.

    dbt puts a heading first (`Database Error in model x (path)`) and what the database said below;
    details beneath that quote whole rows and are left out.
    """
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    if not lines:
        return "no message"
    heading = re.match(r"\w+ Error\b", lines[0])
    text = lines[1] if heading and len(lines) > 1 else lines[0]
    for pattern in _QUOTED_VALUES:
        text = pattern.sub("(value not shown)", text)
    return text.rstrip(".")


def _failure(result: NodeResult) -> Failure:
    kind = str(result.node.resource_type).replace("_", " ")
    is_test = kind in {"test", "unit test"}
    message = one_line(result.message or "")
    return Failure(
        node=result.node.name,
        kind=kind,
        message=message,
        failing_rows=result.failures if is_test and str(result.status).lower() != "error" else None,
        meaning=(getattr(result.node, "description", "") or "").strip() if is_test else "",
    )
