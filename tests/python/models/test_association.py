"""What is called notable: what was planted is, what age explains is not, and hardly ever chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pandas as pd
import pytest
from recomputed import management

from orchestrate.publishing.artifacts import Build, read_build
from tests.python.conftest import Casebook
from tests.python.models.made_populations import LAST, MODELS, Made, judge, made

JUDGED, OVERLAPPING = MODELS[-2:]
MOST_BY_CHANCE = 0.05


@pytest.fixture
def build(published: Casebook) -> Build:
    return read_build(published.settings.target_dir, published.databases.warehouse.database)


@pytest.fixture
def cursor(published: Casebook) -> Iterator[Any]:
    """Return a cursor of a session of its own, whose tables go with it."""
    with (
        closing(published.databases.warehouse.connect()) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def of(found: pd.DataFrame, made_up: Made) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of one population by county and procedure."""
    rows = found[found["population"] == made_up.name].to_dict("records")
    return {(row["county"], row["procedure_code"]): row for row in rows}


def test_what_is_planted_is_found_and_what_age_explains_is_not(build: Build, cursor: Any) -> None:
    planted = made("planted", 1, planted="Bravo")
    older = made("older", 2, old_county="Charlie")
    found = judge(build, cursor, [planted, older])
    pairs = of(found[JUDGED], planted)
    assert pairs["Bravo", "1"]["direction"] == "more"
    assert pairs["Bravo", "2"]["direction"] == "less"
    near = of(found[OVERLAPPING], planted)
    assert near["Bravo", "1"]["overlaps_with"] == "3"
    assert near["Bravo", "3"]["overlaps_with"] == "1"
    assert ("Bravo", "2") not in near
    of_the_old = of(found[JUDGED], older)["Charlie", "12"]
    assert of_the_old["crude_residual"] > management.NOTABLE_Z
    assert abs(of_the_old["adjusted_residual"]) < management.NOTABLE_Z
    assert of_the_old["direction"] is None


def test_hardly_anything_is_notable_by_chance(
    build: Build, cursor: Any, soak: bool, figure: Callable[[str], None]
) -> None:
    """Where area and procedure have nothing to do with each other; people of one area are old."""
    number = 200 if soak else 40
    populations = [
        made(f"export {seed}", 1000 + seed, old_county="Charlie") for seed in range(number)
    ]
    pairs = judge(build, cursor, populations)[JUDGED]
    tested = pairs[pairs["crude_expected_patients"] >= management.LEAST_EXPECTED]
    notable = tested.loc[tested["direction"].notna(), "population"].nunique()
    crude = tested["crude_residual"].astype(float).abs() >= management.NOTABLE_Z
    without = tested.loc[crude, "population"].nunique()
    figure(
        f"Association by chance: in {notable} of {number} made-up exports something is notable, of"
        f" {len(tested) // number} pairs tested in each; without strata in {without}"
    )
    assert notable <= MOST_BY_CHANCE * number
    assert without > number / 2


@pytest.mark.parametrize("is_exact", [True, False])
def test_made_up_populations_are_recomputed(build: Build, cursor: Any, *, is_exact: bool) -> None:
    populations = [
        made(f"{place} {seed}", seed, old_county=old, planted=place, is_exact=is_exact)
        for seed, (old, place) in enumerate([("Charlie", "Alpha"), ("Alpha", "Bravo"), ("", "")])
    ]
    found = judge(build, cursor, populations)
    directions = set()
    for one in populations:
        encounters = one.patients.loc[one.patients.index.repeat(one.patients["encounter_count"])]
        encounters = encounters.assign(started=LAST, age_band=encounters["born_on"].map(band_of))
        patients = management.compared(one.procedures, encounters)
        pairs = management.tested(one.procedures, patients, is_exact=is_exact)
        hidden = set() if is_exact else management.hidden_lines(pairs)
        rows = of(found[JUDGED], one)
        assert len(rows) == len(pairs)
        for wants in pairs.to_dict("records"):
            has = rows[wants["county"], wants["procedure_code"]]
            shown = wants | (
                {}
                if is_exact
                else management.by_the_rule(wants, hides_line=wants["procedure_code"] in hidden)
            )
            assert has["is_suppressed"] == shown["is_suppressed"]
            assert has["direction"] == shown["direction"]
            directions.add(has["direction"])
            for measure in management.STATISTICS[:5]:
                wanted = wants[measure]
                assert has[measure] == (wanted if wanted is None else pytest.approx(wanted))
        near = management.overlaps(one.procedures, pairs) if is_exact else {}
        assert {
            pair: (row["overlaps_with"], row["overlap_share"])
            for pair, row in of(found[OVERLAPPING], one).items()
        } == near
    assert directions == {None, "more", "less"}


def band_of(born: Any) -> str:
    """Return the age band at the last encounter; birthdays lie a hundred days before it."""
    years = LAST.year - born.year - ((LAST.month, LAST.day) < (born.month, born.day))
    return "90+" if years >= 90 else f"{years // 10 * 10}-{years // 10 * 10 + 9}"
