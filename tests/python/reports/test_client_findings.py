"""Sentences of clients' pages tell the plain truth, also of nothing, of one row and of ties."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from orchestrate.reports import client_findings as findings
from tests.python.reports import datasets


def test_cost_with_share_tie_single_and_nothing() -> None:
    rows = datasets.procedures([("Scan", 2, 1, "300"), ("Test", 9, 3, "100")])
    assert findings.cost_finding(rows) == (
        "Scan costs most: $300 for 2 procedures on 1 patient, 75\u202f% of all cost."
    )
    tie = datasets.procedures([("Scan", 2, 1, "300"), ("Test", 9, 3, "300")])
    assert findings.cost_finding(tie) == "Scan and Test cost most, $300 each in total."
    assert findings.cost_finding(tie.iloc[0:1]) == "The only procedure is Scan: $300."
    free = datasets.procedures([("Scan", 2, 1, "0"), ("Test", 9, 3, "0")])
    assert findings.cost_finding(free) == "No procedure has a cost."
    giant = datasets.procedures([("Scan", 2, 1, "999999"), ("Test", 9, 3, "1")])
    assert findings.cost_finding(giant).endswith(", 99\u202f% of all cost.")
    assert findings.cost_finding(tie.iloc[0:0]) == "This membership may see no procedure."


def test_count_with_once_only_tie_and_nothing() -> None:
    rows = datasets.procedures([("Scan", 1, 1, "300"), ("Test", 9, 3, "100")])
    assert findings.count_finding(rows) == (
        "Test is performed most: 9 times on 3 patients; 1 of 2 procedures was performed once only."
    )
    tie = datasets.procedures([("Scan", 1, 1, "300"), ("Test", 1, 1, "100")])
    assert findings.count_finding(tie) == "Scan and Test are performed most, 1 time each."
    giant = datasets.procedures(
        [("Scan", 1200, 9, "1"), *(("Test", 1, 1, "1") for _ in range(1100))]
    )
    assert findings.count_finding(giant) == (
        "Scan is performed most: 1,200 times on 9 patients; 1,100 of 1,101 procedures were "
        "performed once only."
    )
    assert (
        findings.count_finding(tie.iloc[0:1]) == "The only procedure is Scan: 1 time on 1 patient."
    )
    assert findings.count_finding(tie.iloc[0:0]) == "This membership may see no procedure."


def specialties(*rows: tuple[str, int, int]) -> pd.DataFrame:
    """Make `specialties` from (name, procedures, patients)."""
    return datasets.frame(("specialty_name", "procedure_count", "patient_count"), rows)


def test_the_busiest_specialty_with_ties_single_and_nothing() -> None:
    rows = specialties(("Hospice", 1200, 9), ("Scan", 1, 1))
    assert findings.specialties_finding(rows) == (
        "Hospice is the busiest of 2 specialties: 1,200 procedures for 9 patients."
    )
    level = specialties(("Hospice", 1, 1), ("Scan", 1, 1), ("Test", 1, 1))
    assert findings.specialties_finding(level) == (
        "Hospice, Scan and Test are the busiest of 3 specialties: 1 procedure each."
    )
    assert findings.specialties_finding(level.iloc[0:1]) == (
        "The only specialty is Hospice: 1 procedure for 1 patient."
    )
    assert findings.specialties_finding(level.iloc[0:0]) == (
        "No procedure is there that this membership may see."
    )


def test_claims_with_and_without_coverage_and_none() -> None:
    def said(*rows: tuple[str | None, str | None]) -> str:
        cells = [tuple(None if one is None else Decimal(one) for one in row) for row in rows]
        return findings.claims_finding(datasets.frame(("claim_cost", "payer_coverage"), cells))

    assert said(("1000.50", "10"), (None, None)) == (
        "Claims of $1,000 in all, of which $10 was covered."
    )
    assert said(("1000", "0")) == "Claims of $1,000 in all, of which nothing was covered."
    assert said(("0", "0")) == said() == "No claim is there that this membership may see."


def followers(*rows: tuple[str, int, int | None]) -> pd.DataFrame:
    """Make what followers are shown as from (procedure, own, other insurers' patients)."""
    return datasets.frame(("procedure_name", "own", "other_insured"), rows)


def test_followers_with_ties_hidden_counts_and_nothing() -> None:
    rows = followers(("Scan", 7, 30), ("Test", 9, None), ("Visit", 9, 20))
    assert findings.followers_finding(rows) == (
        "Scan has the most patients elsewhere: about 30 under other insurers, next to 7 of the "
        "client's own."
    )
    # Rounded to tens, which of them has more cannot be told.
    level = followers(("Scan", 7, 30), ("Test", 9, 30))
    assert findings.followers_finding(level) == (
        "Scan and Test have the most patients elsewhere: about 30 each under other insurers."
    )
    for nobody in (followers(("Scan", 7, None), ("Test", 9, 0)), level.iloc[0:0]):
        assert findings.followers_finding(nobody) == (
            "No procedure has enough patients of other insurers to count them."
        )


def test_overlap_of_several_of_one_and_of_none() -> None:
    rows = datasets.frame(
        ("shared_procedures", "other_insured"), [(1, 1200), (2, 40), (3, None), (4, 0)]
    )
    assert findings.overlap_finding(rows) == (
        "About 1,200 patients of other insurers had at least 1 of these procedures, and about 40 "
        "had 2 or more."
    )
    assert findings.overlap_finding(rows.iloc[0:1]) == (
        "About 1,200 patients of other insurers had at least 1 of these procedures."
    )
    assert findings.overlap_finding(rows.iloc[2:]) == (
        "Too few of other insurers' patients share any of these procedures to count them."
    )
