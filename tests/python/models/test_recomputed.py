"""What the recomputation itself rests on: a comparison that fails, and rules at their borders."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from recomputed import rule
from recomputed.compare import check, check_close
from recomputed.management import statistics
from recomputed.raw import age_band, zip3

KEYS = [f"{number:032x}" for number in range(3)]
TABLE = pd.DataFrame(
    {
        "scope_id": ["a", "b", "b"],
        "key": [KEYS[0], KEYS[0], KEYS[1]],
        "name": ["x", "x", None],
        "cost": [Decimal("1.50"), Decimal("1.50"), Decimal("2.00")],
    },
    dtype=object,
)


def with_cell(row: int, column: str, value: object) -> pd.DataFrame:
    """Return the table with another value in one cell."""
    changed = TABLE.copy()
    changed.loc[row, column] = value
    return changed


def test_equal_relations_are_compared_in_any_order_of_rows_and_columns() -> None:
    found = TABLE.iloc[::-1, ::-1]
    assert check(found, TABLE.drop(columns="key"), opaque="key") == TABLE.size


@pytest.mark.parametrize(
    "found",
    [
        with_cell(2, "cost", Decimal("2.01")),
        with_cell(2, "name", ""),
        TABLE.iloc[:2],
        pd.concat([TABLE, TABLE.iloc[2:]]),
        TABLE.iloc[:0],
        TABLE.assign(more=1),
        TABLE.drop(columns="cost"),
        with_cell(2, "key", KEYS[0]),
        with_cell(2, "key", "p-1"),
        with_cell(1, "key", KEYS[1]).assign(name="x"),
    ],
)
def test_any_other_cell_row_column_or_key_fails(found: pd.DataFrame) -> None:
    with pytest.raises(AssertionError):
        check(found, TABLE.drop(columns="key"), opaque="key")


def test_the_same_key_for_two_things_in_two_scopes_fails() -> None:
    expected = with_cell(0, "name", "y").drop(columns="key")
    with pytest.raises(AssertionError):
        check(with_cell(0, "name", "y"), expected, opaque="key")


@pytest.mark.parametrize("value", [0.500001, None, 0.0])
def test_another_statistic_fails_and_one_that_is_rounded_elsewhere_passes(
    value: float | None,
) -> None:
    expected = TABLE.iloc[[0, 2]].assign(index=[0.5, None]).astype({"index": object})
    found = expected.assign(index=[0.5 + 1e-12, None]).astype({"index": object})
    grain = ["scope_id"]
    assert check_close(found, expected.drop(columns="key"), grain, "key") == found.size
    with pytest.raises(AssertionError):
        check_close(found.assign(index=[value, None]), expected.drop(columns="key"), grain, "key")


def test_the_residual_is_the_root_of_chi_squared_of_the_two_by_two_table() -> None:
    # Takes a second to import, for which collecting the tests should not wait.
    from scipy.stats import chi2_contingency

    def crude(observed: int, live: int, had: int, everybody: int) -> dict[str, object]:
        return statistics(observed, 1, 1, had, live, everybody, is_exact=True)

    found = crude(9, 20, 30, 100)
    table = [[9, 11], [21, 59]]
    chi_squared = chi2_contingency(table, correction=False)
    assert found["crude_expected_patients"] == chi_squared.expected_freq[0, 0] == 6
    assert found["crude_residual"] == pytest.approx(chi_squared.statistic**0.5)
    assert crude(20, 20, 30, 20)["crude_residual"] is None


def test_a_figure_is_known_within_ten_numbers_or_less() -> None:
    counts = (0, 1, 10, 11, 14, 15, 24, 25)
    intervals = [(0, 0), (1, 10), (1, 10), (11, 14), (11, 14), (15, 24), (15, 24), (25, 34)]
    assert [rule.interval(count) for count in counts] == intervals


def test_a_sum_tells_more_where_it_is_near_an_end_of_what_its_parts_allow() -> None:
    # 15-24 and 15-24 are 30-48: a total shown as 40 (35-44) leaves both as they are, one shown as
    # 30 (25-34) tells that neither is above 19.
    assert not rule.a_sum_tells_more(40, [20, 20])
    assert rule.a_sum_tells_more(31, [16, 15])
    assert rule.a_sum_tells_more(48, [24, 24])
    assert not rule.a_sum_tells_more(20, [20])


def test_one_to_ten_are_few() -> None:
    assert [rule.is_small(patients) for patients in (0, 1, 10, 11)] == [False, True, True, False]


def test_counts_are_rounded_to_tens_halves_up() -> None:
    counts = (0, 11, 14, 15, 25, 104)
    assert [rule.count(value, suppressed=False) for value in counts] == [0, 10, 10, 20, 30, 100]
    assert rule.count(50, suppressed=True) is None


def test_money_is_hidden_where_two_hold_more_than_nine_tenths() -> None:
    assert not rule.is_dominated(1_000_000, 900_000)
    assert rule.is_dominated(1_000_000, 900_001)


def test_money_is_rounded_by_what_ten_cost_and_to_hundreds_at_least() -> None:
    assert [rule.step(Decimal(price)) for price in ("4", "10", "431.5")] == [100, 100, 4315]


def test_ages_are_completed_years_in_bands() -> None:
    start = pd.Timestamp("2021-02-28T23:59:59Z")
    births = ("2021-01-01", "2011-03-01", "2011-02-28", "1931-03-01", "1931-02-28", "1996-02-29")
    assert [age_band(born, start) for born in births] == [
        "0-9",
        "0-9",
        "10-19",
        "80-89",
        "90+",
        "20-29",
    ]
    assert age_band("", start) is None


def test_zip_prefixes_that_tell_too_much_or_nothing_are_zeros() -> None:
    sparse = frozenset({"036"})
    codes = ("02134", "02134-1000", "03601", "2134", "", "0213A")
    assert [zip3(code, sparse) for code in codes] == ["021", "021", "000", "000", "000", "000"]
