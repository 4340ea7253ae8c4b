"""What is checked of the marts in the warehouse before anything of them is shown.

A check is a function of what is examined that yields findings; each finding stops the publication.
`CHECKS` is the list: adding a check is adding a function. A finding names relations and columns and
says how many rows are meant, and never shows a value: it ends in logs and on screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrate.errors import DataError
from orchestrate.publishing.audit.columns import check_allowed, check_columns
from orchestrate.publishing.audit.disclosure import check_counts
from orchestrate.publishing.audit.examined import Check, Examined
from orchestrate.publishing.audit.identifiers import check_identifiers
from orchestrate.publishing.audit.reconciliation import check_extracts, check_scopes
from orchestrate.publishing.audit.restrictions import check_hidden, check_tags

__all__ = ["CHECKS", "Check", "Examined", "audit"]

CHECKS: Final[tuple[Check, ...]] = (
    check_columns,
    check_allowed,
    check_identifiers,
    check_counts,
    check_tags,
    check_hidden,
    check_scopes,
    check_extracts,
)

_NAMED: Final = 5


def audit(examined: Examined, checks: Sequence[Check] = CHECKS) -> None:
    """Run the checks up to the first that finds something; raise DataError with what it found.

    In this order: a later check reads the columns that an earlier one has looked at.
    """
    for check in checks:
        findings = list(check(examined))
        if findings:
            more = len(findings) - _NAMED
            raise DataError(
                "The marts may not be published: "
                + "; ".join(findings[:_NAMED])
                + (f"; and {more} more." if more > 0 else "."),
                "Nothing was published. Mend the models, build again, then publish.",
            )
