"""The page of areas and procedures says what was tested, and colours nothing else."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from orchestrate.reports import management_findings as findings
from orchestrate.reports.charts import PALE
from orchestrate.reports.maps import residual_figure

THIN = "\u202f"


def pairs(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return pairs of one county that are tested and not notable, but for what the rows say."""
    usual = {
        "population": "humana",
        "county": "Kings",
        "observed_patients": 12,
        "expected_patients": 8.0,
        "adjusted_residual": 1.0,
        "is_notable": False,
        "direction": None,
        "overlaps_with": None,
        "overlap_share": None,
        "is_suppressed": False,
    }
    numbered = [
        usual | {"procedure_code": str(place), "procedure_name": f"Scan {place}"} | row
        for place, row in enumerate(rows)
    ]
    return pd.DataFrame(numbered, dtype=object)


NOTABLE = {"is_notable": True, "direction": "more", "adjusted_residual": 4.0}


def test_how_many_pairs_could_be_tested_is_said_also_when_none_is_notable() -> None:
    untested = {"adjusted_residual": None}
    assert findings.association_finding(pairs({}, {}, untested)) == (
        "Of 2 pairs of county and procedure that could be tested, none is notable."
    )
    assert findings.association_finding(pairs(untested)) == (
        "No pair of county and procedure has enough patients to be tested."
    )


def test_notable_pairs_are_named_the_strongest_first() -> None:
    less = {"is_notable": True, "direction": "less", "adjusted_residual": -5.0}
    assert findings.association_finding(pairs(NOTABLE, less, {})) == (
        "Of 3 pairs of county and procedure that could be tested, 2 are notable: Scan 1 in Kings "
        "(12 patients, 8.0 expected); Scan 0 in Kings (12 patients, 8.0 expected)."
    )


def test_pairs_of_largely_the_same_patients_are_named_as_such() -> None:
    overlapping = NOTABLE | {"overlaps_with": "1", "overlap_share": 0.74}
    assert findings.association_finding(pairs(overlapping, NOTABLE)).startswith(
        "Of 2 pairs of county and procedure that could be tested, 2 are notable: Scan 0 in Kings "
        f"(12 patients, 8.0 expected; largely the same patients as Scan 1: 74{THIN}% of those with "
        "either had both); Scan 1"
    )


def test_of_hidden_populations_directions_are_told() -> None:
    hidden = {"is_suppressed": True, "observed_patients": None}
    assert findings.hidden_finding(pairs({}, hidden)) == (
        "Humana: 1 pair has enough patients to be counted; none is notable for certain."
    )
    none = {"is_notable": True, "direction": "less", "observed_patients": 0}
    assert findings.hidden_finding(pairs({}, none)) == (
        "Humana: 1 pair has enough patients to be counted; 1 is notable: Scan 1 in Kings (Humana, "
        "less often than expected)."
    )


def test_what_is_not_tested_has_no_colour_of_the_scale() -> None:
    """A pair without a residual, and one that is not there, lie grey behind the heat map."""
    shown = pairs({}, {"adjusted_residual": None}, NOTABLE | {"county": "Queens"})
    drawn = residual_figure(shown, ["Kings", "Queens"])
    figure = json.loads(drawn.payload)["wide"]
    assert figure["data"][0]["z"] == [[1.0, None], [None, None], [None, 4.0]]
    assert figure["data"][0]["text"] == [["1.0", ""], ["", ""], ["", "4.0 ★"]]
    scale = {colour.upper() for _, colour in figure["data"][0]["colorscale"]}
    assert figure["layout"]["plot_bgcolor"] == PALE
    assert PALE not in scale
    assert (PALE, "not tested") in drawn.legend
