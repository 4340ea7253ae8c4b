"""One finding of `casebook doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrate.errors import ExitStatus

OK = "ok"


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, `ok` or what is wrong, what to do, and how bad it is.

    `statements` are SQL that mends it, for whoever may run it, in the database `run_in`.
    """

    name: str
    result: str = OK
    cure: str = ""
    status: ExitStatus = ExitStatus.DONE
    statements: tuple[str, ...] = ()
    run_in: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the check as plain values."""
        return {
            "check": self.name,
            "ok": self.status == ExitStatus.DONE,
            "result": self.result,
            "cure": self.cure,
            "statements": list(self.statements),
            "run_in": self.run_in,
        }
