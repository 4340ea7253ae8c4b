"""Sentences tell the plain truth, also of nothing, of one row and of ties."""

from __future__ import annotations

import pytest

from orchestrate.reports import findings, management_findings
from orchestrate.reports.text import percent
from tests.python.reports import datasets


def test_totals_name_the_most_read_category_and_its_bounds() -> None:
    steps = datasets.progress({"Abel, Ada": (700, 20, 1), "Bo, Bea": (900, 300, 1)})
    assert (
        findings.totals_finding(steps)
        == "Chest x-ray is read most: 700 exams (Abel, Ada) to 900 (Bo, Bea)."
    )


def test_totals_of_level_residents_of_one_and_of_none() -> None:
    level = datasets.progress({"Abel, Ada": (700, 20, 1), "Bo, Bea": (700, 20, 1)})
    assert findings.totals_finding(level) == (
        "Chest x-ray is read most: 700 exams by every resident."
    )
    one = datasets.progress({"Abel, Ada": (1, 0, 0)})
    assert findings.totals_finding(one) == "Chest x-ray is read most: 1 exam."
    none = datasets.progress({"Abel, Ada": (0, 0, 0)})
    assert findings.totals_finding(none) == "No exam counts in any category yet."
    assert findings.totals_finding(none.iloc[0:0]) == "No resident has an exam to count."


def test_totals_are_not_led_by_who_has_next_to_nothing() -> None:
    steps = datasets.progress(
        {"New, Ned": (69, 0, 0), "Abel, Ada": (700, 20, 1), "Bo, Bea": (900, 300, 1)}
    )
    assert findings.totals_finding(steps) == (
        "Chest x-ray is read most: 700 exams (Abel, Ada) to 900 (Bo, Bea). Left aside: New, Ned, "
        "who has less than a tenth of the median."
    )
    pair = datasets.progress({"A": (0, 0, 0), "B": (700, 20, 1), "C": (700, 20, 1)})
    assert findings.totals_finding(pair) == (
        "Chest x-ray is read most: 700 exams by B and C. Left aside: A, who has less than a tenth "
        "of the median."
    )
    a_tenth = datasets.progress({"A": (70, 0, 0), "B": (700, 0, 0), "C": (700, 0, 0)})
    assert findings.totals_finding(a_tenth) == (
        "Chest x-ray is read most: 70 exams (A) to 700 (B and C)."
    )


def test_the_most_read_category_is_that_of_all_together() -> None:
    # One resident alone has more of another category than anybody of any.
    steps = datasets.progress({"A": (300, 0, 0), "B": (310, 0, 0), "C": (290, 0, 500)})
    assert findings.totals_finding(steps) == ("Chest x-ray is read most: 290 exams (C) to 310 (B).")
    tie = datasets.progress({"A": (5, 9, 0), "B": (4, 0, 0)})
    assert findings.totals_finding(tie) == "Chest x-ray and MRI brain are read most: 9 exams each."


def test_a_giant_leads_no_sentence() -> None:
    steps = datasets.progress(
        {"A": (700, 0, 0), "B": (900, 0, 0), "C": (800, 0, 0), "Giant": (8501, 0, 0)}
    )
    assert findings.totals_finding(steps) == (
        "Chest x-ray is read most: 700 exams (A) to 900 (B). Left aside: Giant, who has more than "
        "ten times the median."
    )
    ten_times = steps.assign(completed=steps["completed"].replace(8501, 8500))
    assert "to 8,500 (Giant)" in findings.totals_finding(ten_times)
    rows = datasets.rvu(
        [("A", "50", "50"), ("B", "1", "0"), ("C", "60", "40"), ("Giant", "1", "1999")]
    )
    assert findings.rvu_finding(rows) == (
        "Lines that count give 50\u202f% (A) to 60\u202f% (C) of a resident's RVUs; the largest "
        "total is 100.0 (A and C). Left aside: B, who has less than a tenth of the median; Giant, "
        "who has more than ten times the median."
    )


def test_who_alone_has_anything_is_not_left_aside() -> None:
    steps = datasets.progress({"A": (0, 0, 0), "B": (0, 0, 0), "C": (7, 0, 0)})
    assert findings.totals_finding(steps) == (
        "Chest x-ray is read most: 0 exams (A and B) to 7 (C)."
    )


def test_shares_of_who_is_left_are_of_nobody_else() -> None:
    rows = datasets.rvu([("A", "50", "50"), ("B", "1", "0"), ("C", "0", "2")])
    one = findings.rvu_finding(rows.iloc[0:2])
    assert one.startswith("Lines that count give 50\u202f% of the RVUs of A; the largest total is")
    giant = findings.rvu_finding(rows)
    assert giant.startswith("Lines that count give 0\u202f% (C) to 100\u202f% (B)")
    assert giant.endswith("Left aside: A, who has more than ten times the median.")


def test_shares_are_not_led_by_who_has_next_to_nothing() -> None:
    rows = datasets.rvu(
        [("A", "50", "50"), ("B", "75", "25"), ("C", "8", "0"), ("D", "0", "9"), ("E", "60", "40")]
    )
    assert findings.rvu_finding(rows) == (
        "Lines that count give 50\u202f% (A) to 75\u202f% (B) of a resident's RVUs; the largest "
        "total is 100.0 (A, B and E). Left aside: C and D, who have less than a tenth of the "
        "median."
    )


def test_percentages_name_where_most_and_where_none_reached_the_minimum() -> None:
    steps = datasets.progress({"A": (1, 110, 20), "B": (1, 110, 20), "C": (1, 1, 1)})
    assert findings.percentages_finding(steps) == (
        "2 of 3 residents have reached the minimum in MRI brain and MRI lower-extremity joints; "
        "nobody has in Chest x-ray."
    )


def test_percentages_when_no_minimum_or_every_minimum_is_reached() -> None:
    none = datasets.progress({"A": (19, 55, 1), "B": (19, 44, 1)})
    assert findings.percentages_finding(none) == (
        "No minimum is reached yet; nearest is A in MRI brain with 50\u202f%."
    )
    tie = datasets.progress({"A": (19, 55, 1), "B": (19, 55, 1)})
    assert findings.percentages_finding(tie) == (
        "No minimum is reached yet; nearest are A in MRI brain and B in MRI brain with "
        "50\u202f% each."
    )
    nothing = datasets.progress({"A": (0, 0, 0), "B": (0, 0, 0)})
    assert findings.percentages_finding(nothing) == (
        "No minimum is reached yet, nor does any exam count towards one."
    )
    assert findings.percentages_finding(nothing.iloc[0:0]) == (
        "No resident has a category to reach."
    )
    everything = datasets.progress({"A": (1900, 110, 20), "B": (1900, 110, 20)})
    assert findings.percentages_finding(everything) == (
        "All residents have reached the minimum in Chest x-ray, MRI brain and MRI lower-extremity "
        "joints."
    )


def test_percentages_of_one_resident_speak_of_one() -> None:
    one = datasets.progress({"A": (1, 110, 1)})
    assert findings.percentages_finding(one) == (
        "The minimum is reached in MRI brain; not yet in Chest x-ray and "
        "MRI lower-extremity joints."
    )


def test_status_counts_minimums_and_complete_residents() -> None:
    steps = datasets.progress({"A": (1900, 110, 20), "B": (1, 110, 1)})
    assert findings.status_finding(steps) == (
        "4 of 6 minimums are met; 1 resident has met all of them."
    )
    nobody = datasets.progress({"A": (1, 110, 20), "B": (1, 110, 1)})
    assert findings.status_finding(nobody) == (
        "3 of 6 minimums are met; no resident has met all of them yet."
    )
    everybody = datasets.progress({"A": (1900, 110, 20), "B": (1900, 110, 20)})
    assert findings.status_finding(everybody) == "Every resident has met every minimum."
    assert findings.status_finding(nobody.iloc[0:3]) == "2 of 3 minimums are met."
    assert findings.status_finding(nobody.iloc[0:0]) == "No resident has a minimum to meet."


def test_group_names_nearest_and_furthest() -> None:
    rows = datasets.group([("chest_xray", 10, 0, 100), ("mri_brain", 90, 5, 100)])
    assert findings.group_finding(rows) == (
        "No category is complete for the whole group; nearest is MRI brain with 90 of 100 "
        "(90\u202f%), furthest Chest x-ray with 10 of 100 (10\u202f%)."
    )


def test_a_group_of_one_category_and_of_nothing_read() -> None:
    one = datasets.group([("chest_xray", 0, 0, 100)])
    assert findings.group_finding(one) == (
        "No category is complete for the whole group; Chest x-ray stands at 0\u202f% of what is "
        "required."
    )


def test_group_with_ties_complete_categories_and_nothing() -> None:
    tie = datasets.group(
        [
            ("chest_xray", 50, 0, 100),
            ("mri_brain", 5, 0, 10),
            ("mri_lower_extremity_joints", 9, 1, 9),
        ]
    )
    assert findings.group_finding(tie) == (
        "MRI lower-extremity joints is complete; Chest x-ray and MRI brain stand at 50\u202f% of "
        "what is required."
    )
    assert findings.group_finding(tie.iloc[2:]) == "The group has completed every category."
    assert findings.group_finding(tie.iloc[0:0]) == "There is no category to show."


def test_a_share_just_under_all_is_not_rounded_to_all() -> None:
    almost = datasets.group([("chest_xray", 47499, 0, 47500), ("mri_brain", 1, 0, 10000)])
    assert "(99\u202f%)" in findings.group_finding(almost)
    assert "(<1\u202f%)" in findings.group_finding(almost)


def test_rvu_bounds_ties_and_single_resident() -> None:
    rows = datasets.rvu([("A", "50", "50"), ("B", "75", "25"), ("C", "0", "0")])
    assert findings.rvu_finding(rows) == (
        "Lines that count give 50\u202f% (A) to 75\u202f% (B) of a resident's RVUs; the largest "
        "total is 100.0 (A and B)."
    )
    assert findings.rvu_finding(datasets.rvu([("A", "3.5", "1.5")])) == (
        "70\u202f% of the 5.0 RVUs of A come from lines that count in a category."
    )
    assert findings.rvu_finding(rows.iloc[2:]) == "No RVU is recorded."
    level = datasets.rvu([("A", "1", "1"), ("B", "2", "2")])
    assert findings.rvu_finding(level).startswith(
        "Lines that count give 50\u202f% of every resident's RVUs; the largest total is 4.0 (B)"
    )


def test_site_names_the_marked_one_and_who_is_level_with_it() -> None:
    rows = datasets.sites([("EAST", 300, 200, True), ("WEST", 3000, 2000, False)])
    assert findings.site_finding(rows) == (
        "EAST has the highest ratio, level with WEST: 1.50 required studies to each that is not "
        "(300 to 200)."
    )


def test_a_site_with_nothing_but_required_studies_is_spoken_of_without_a_ratio() -> None:
    rows = datasets.sites([("ALL", 500, 0, True), ("EAST", 300, 200, False)])
    assert findings.site_finding(rows) == (
        "ALL has the highest ratio: all of its 500 studies are required."
    )


def test_sites_under_the_floor_that_lie_higher_are_named() -> None:
    rows = datasets.sites(
        [
            ("EAST", 300, 200, True),
            ("FEW", 45, 5, False),
            ("LOW", 1, 9, False),
            ("LEVEL", 3, 2, False),
        ]
    )
    assert findings.site_finding(rows) == (
        "EAST has the highest ratio: 1.50 required studies to each that is not (300 to 200). "
        "FEW (45 required of 50) lies higher, on fewer than the 100 studies that a site needs to "
        "be compared."
    )
    both = datasets.sites([("EAST", 300, 200, True), ("A", 4, 1, False), ("B", 9, 0, False)])
    assert "A (4 required of 5) and B (9 required of 9) lie higher" in findings.site_finding(both)


def test_site_without_a_marked_one_or_without_sites() -> None:
    rows = datasets.sites([("EAST", 3, 2, False), ("WEST", 3, 0, False)])
    assert findings.site_finding(rows) == (
        "No site has enough studies for its ratio to be compared."
    )
    assert findings.site_finding(rows.iloc[0:0]) == "There is no site to compare."


def test_best_site_names_the_leading_and_the_missing_categories() -> None:
    assert findings.best_site_finding(datasets.best_site((50, 50, 0), 100)) == (
        "At MAIN, Chest x-ray and MRI brain give most: 0.50 studies to each study that is not "
        "required; MRI lower-extremity joints has none."
    )
    assert findings.best_site_finding(datasets.best_site((0, 0, 0), 100)) == (
        "No study at MAIN counts in a category."
    )
    assert findings.best_site_finding(datasets.best_site((5, 5, 5), 0)) == (
        "Every study at MAIN is required, so there is no ratio to break down."
    )
    nowhere = datasets.best_site((5, 5, 5), 0).assign(organization_code=None)
    for missing in (nowhere, nowhere.iloc[0:0]):
        assert findings.best_site_finding(missing) == (
            "No site is marked as the highest, so there is nothing to break down."
        )


def test_codes_are_counted_by_how_they_count() -> None:
    rows = datasets.codes(
        [
            ("71046", "chest_xray", True, 9, 0),
            ("76870", "us_abd_pel", False, 9, 3),
            ("71260", "", None, 9, None),
            ("70450", "", None, 9, None),
        ]
    )
    assert findings.codes_finding(rows) == (
        "1 of 4 codes of the export counts in a category, 1 is left out in doubt and 2 are not in "
        "the map."
    )
    assert findings.codes_finding(rows.iloc[0:1]) == (
        "1 of 1 code of the export counts in a category."
    )
    assert findings.codes_finding(rows.iloc[0:0]) == "The export has no CPT code."


def test_doubt_names_the_code_that_matters_most() -> None:
    start = "Which codes count is inferred from their meaning, for the ACGME lists none"
    rows = datasets.codes(
        [
            ("71046", "chest_xray", True, 9, 99),
            ("76870", "us_abd_pel", False, 9, 3),
            ("76805", "us_abd_pel", False, 9, 1),
            ("71260", "", None, 9, None),
        ]
    )
    assert findings.doubt_finding(rows) == (
        f"{start}. 2 codes of this export are left out in doubt; most depends on 76870: with it "
        "alone switched on, 3 results would be Met that are not."
    )
    assert findings.doubt_finding(rows.iloc[[0, 3]]) == (
        f"{start}; no code of this export is left out in doubt."
    )
    level = datasets.codes([("A", "pet", False, 9, 1), ("B", "pet", False, 9, 1)])
    assert findings.doubt_finding(level).endswith(
        "; most depends on A and B: with one of them alone switched on, 1 result would be Met "
        "that is not."
    )
    idle = datasets.codes([("A", "pet", False, 9, 0)])
    assert findings.doubt_finding(idle) == (
        f"{start}. 1 code of this export is left out in doubt; none of them alone would change a "
        "result."
    )


def test_data_findings_are_counted_by_kind() -> None:
    kinds = ["missing_rvu", "equal_rows", "equal_rows"]
    assert findings.data_finding(kinds) == (
        "3 things in the export deserve a look: missing RVU (1) and equal rows (2)."
    )
    assert findings.data_finding(["missing_zip"] * 1200).endswith(": missing ZIP (1,200).")
    assert findings.data_finding(kinds[:1]) == "One thing in the export deserves a look."
    assert findings.data_finding([]) == "Nothing in the export needs attention."


NEAR = "About {} of living unaffiliated patients live within 0.75 km of a client's patient; "
LOTS = "if it were drawn by lot who of all these people is a client's, it would be {}. "
NEITHER = "So they live no closer to clients' patients than chance would have it, and no farther."


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.9, "So they live closer to clients' patients than chance would have it."),
        (0.8, NEITHER),
        (0.74, NEITHER),
        (0.7, "So they live farther from clients' patients than chance would have it."),
    ],
)
def test_nearness_is_closer_than_chance_no_different_or_farther(share: float, said: str) -> None:
    other = (0.5, 0.4, 0.6)
    found = management_findings.nearness_finding(
        datasets.nearness(other, (share, 0.74, 0.8), other)
    )
    near = NEAR.format(percent(100 * share)) + LOTS.format(f"74 to {percent(80)}")
    assert found == near + said


def test_what_chance_always_makes_is_no_range() -> None:
    other = (0.5, 0.4, 0.6)
    found = management_findings.nearness_finding(datasets.nearness(other, (1.0, 1.0, 1.0), other))
    assert found.endswith(LOTS.format(percent(100)) + NEITHER)


def test_nearness_without_a_share_is_not_compared() -> None:
    hidden = datasets.nearness(*[(None, None, None)] * 3)
    for frame in (hidden, hidden.iloc[:0], hidden.iloc[:1]):
        assert management_findings.nearness_finding(frame).startswith("Too few living")


def test_groups_are_told_with_who_is_near_but_in_none() -> None:
    clusters, nearness = datasets.management_data().clusters, datasets.nearness()
    assert management_findings.clusters_finding(clusters, nearness) == (
        "2 groups of living unaffiliated patients, 2 of them with clients' patients nearby; the "
        "largest has about 20 patients around Suffolk County. About 190 who live near a client's "
        "patient are in no group."
    )
    none = management_findings.clusters_finding(clusters.iloc[:0], nearness.iloc[:1])
    assert none == "No group of unaffiliated patients is dense enough to be shown."
