"""The gate: dbt tests without which nothing is published, whatever else a build passed.

They are in `tests/publish_gate` and part of every `dbt build`. Their names are here, too, so that
one that was deleted, disabled, left out or made milder stops the publication instead of going
unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestrate.errors import DataError

GATE: Final = (
    "assert_codes_of_restricted_care_have_a_specialty",
    "assert_counts_of_other_people_are_declared",
    "assert_extracts_hold_every_visible_encounter",
    "assert_extracts_show_no_restricted_payer",
    "assert_findings_name_no_restricted_payer",
    "assert_marts_hold_what_the_scope_shows_of_the_export",
    "assert_no_identifier_is_shown",
    "assert_only_listed_columns_are_shown",
    "assert_other_peoples_counts_follow_the_rule",
    "assert_restricted_specialties_have_words",
    "assert_scopes_show_nothing_hidden",
    "assert_shown_texts_name_no_hidden_care",
    "assert_shown_values_are_of_their_kind",
    "assert_the_build_was_told_the_promised_rule",
)
# What a test's configuration could let pass that it finds.
_STRICT: Final[Mapping[str, object]] = MappingProxyType(
    {
        "severity": "error",
        "error_if": "!= 0",
        "warn_if": "!= 0",
        "fail_calc": "count(*)",
        "where": None,
        "limit": None,
    }
)


def check_gate(manifest: Mapping[str, Any], status: Mapping[str, str]) -> None:
    """Check that each test of the gate ran in the build and passed; `status` is by unique id.

    Raises DataError that names those that did not, and why.
    """
    problems = list(_problems(manifest, status))
    if problems:
        raise DataError(
            f"The build did not pass the gate: {'; '.join(problems)}. Nothing was published.",
            "Restore the tests of tests/publish_gate as they were, or mend what they found; build"
            " again with all of them, then publish.",
        )


def _problems(manifest: Mapping[str, Any], status: Mapping[str, str]) -> Iterator[str]:
    for name in GATE:
        unique_id = f"test.casebook.{name}"
        node = manifest["nodes"].get(unique_id)
        if node is None:
            yield f"{name} is not in the project"
        elif not node["config"].get("enabled", True):
            yield f"{name} is disabled"
        elif milder := [
            key
            for key, value in _STRICT.items()
            if str(node["config"].get(key, value)).lower() != str(value).lower()
        ]:
            yield f"{name} has another {milder[0]} than it needs"
        elif (found := status.get(unique_id, "no result")) != "pass":
            yield f"{name} did not pass ({found})"
