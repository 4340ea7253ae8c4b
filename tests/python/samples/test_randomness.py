"""Random numbers repeat for a seed, keep to their ranges and follow their weights."""

from __future__ import annotations

from collections import Counter

import pytest

from tools.samples.randomness import RandomNumbers, Weighted


def test_the_same_seed_gives_the_same_numbers() -> None:
    def some(seed: int) -> list[object]:
        rng = RandomNumbers(seed)
        return [rng.random(), rng.randint(1, 6), rng.gauss(0, 1), rng.identifier()]

    assert some(7) == some(7)
    assert some(7) != some(8)


def test_numbers_are_those_of_the_first_release() -> None:
    # Written down once: a change of these changes every committed sample file.
    rng = RandomNumbers(1)
    assert rng.random() == 0.13436424411240122
    assert rng.randint(1, 6) == 6
    assert rng.identifier() == "c386414c-7ed4-7311"


def test_whole_numbers_reach_both_ends_and_no_further() -> None:
    rng = RandomNumbers(2)
    assert {rng.randint(3, 5) for _ in range(200)} == {3, 4, 5}


def test_items_come_by_their_weight() -> None:
    rng = RandomNumbers(3)
    weighted = Weighted([("rare", 1.0), ("never", 0.0), ("often", 3.0)])
    counts = Counter(rng.weighted_choice(weighted) for _ in range(4000))
    assert set(counts) == {"rare", "often"}
    assert 2.6 < counts["often"] / counts["rare"] < 3.4


def test_positions_fall_into_the_items_share() -> None:
    weighted = Weighted([("a", 1.0), ("b", 3.0)])
    assert [weighted.at(position) for position in (0.0, 0.2499, 0.25, 0.9999)] == list("aabb")


@pytest.mark.parametrize("pairs", [[], [("a", 0.0)], [("a", -1.0), ("b", 2.0)]])
def test_weights_that_cannot_be_drawn_by_are_refused(pairs: list[tuple[str, float]]) -> None:
    with pytest.raises(ValueError, match="weights must be positive"):
        Weighted(pairs)


def test_quantiles_are_hit() -> None:
    rng = RandomNumbers(4)
    values = sorted(
        rng.from_quantiles([(0.0, 10.0), (0.5, 20.0), (1.0, 120.0)]) for _ in range(4001)
    )
    assert values[0] >= 10
    assert values[-1] < 120
    assert values[1000] == pytest.approx(15, abs=1)
    assert values[2000] == pytest.approx(20, abs=4)
    assert values[3000] == pytest.approx(70, abs=4)


def test_bell_has_its_mean_and_deviation() -> None:
    rng = RandomNumbers(5)
    values = [rng.gauss(50, 4) for _ in range(4000)]
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    assert mean == pytest.approx(50, abs=0.3)
    assert deviation == pytest.approx(4, abs=0.2)
