"""Whatever is killed in the middle of a publication, readers see one whole version."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

import pytest

from orchestrate.errors import BusyError
from orchestrate.publishing import run_lock

WHOLE = (
    "select totals.version, chest_xray, count(*), min(split_part(study_id, '-', 1))"
    " from residency.case_log_totals as totals"
    " inner join residency.fct_studies as studies on studies.version = totals.version"
    " where totals.resident_name = 'One, Ann' group by 1, 2"
)


@pytest.mark.slow
def test_a_killed_publisher_leaves_a_whole_version(tiny: Any) -> None:
    tiny.publish()
    started = time.monotonic()
    tiny.publish()
    duration = time.monotonic() - started
    chance = random.Random(7)  # noqa: S311 - moments to kill at, not secrets
    survived = 0
    for generation in range(3, 18):
        tiny.build(generation)
        child = os.fork()
        if child == 0:
            try:
                with run_lock(tiny.databases):
                    tiny.publish()
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        (row,) = tiny.read("program_director", WHOLE)
        _, mark, count, generation_seen = row
        assert (count, generation_seen) == (20, f"g{mark}")
        survived += mark == generation
    assert survived < 15, "no publication was killed before it had finished"
    last = tiny.publish()
    assert tiny.read("program_director", WHOLE) == [(last.version, 17, 20, "g17")]


@pytest.mark.slow
def test_of_many_starts_at_once_one_runs(tiny: Any) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(12)

    def start() -> None:
        ready.wait()
        try:
            with run_lock(tiny.databases):
                time.sleep(2)
                outcomes.append("ran")
        except BusyError:
            outcomes.append("busy")

    starts = [threading.Thread(target=start) for _ in range(12)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    assert sorted(outcomes) == ["busy"] * 11 + ["ran"]
