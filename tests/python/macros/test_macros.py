"""Keys tell different values apart, and macros give on the server what they promise."""

from __future__ import annotations

import datetime
import hashlib

from small_project import Build


def key(*values: object) -> str:
    """Return the key of a row as the macro's comment describes it."""
    separator = chr(31)
    texts = ("" if value is None else str(value) for value in values)
    marked = (f"={text.replace(separator, separator * 2)}" for text in texts)
    parts = ("-" if value is None else text for value, text in zip(values, marked, strict=True))
    return hashlib.sha256(separator.join(parts).encode()).hexdigest()


def test_keys_are_the_documented_digest(built: Build) -> None:
    rows = built.rows("select first_value, second_value, row_key from casebook.keys")
    assert rows
    for first, second, row_key in rows:
        assert row_key == key(first, second), (first, second)


def test_no_two_different_rows_share_a_key(built: Build) -> None:
    assert built.rows("select count(*) - count(distinct row_key) from casebook.keys") == [(0,)]


def test_a_digest_is_of_the_utf_8_bytes(built: Build) -> None:
    rows = built.rows("select first_value, digest from casebook.keys")
    assert ("Müller", hashlib.sha256("Müller".encode()).hexdigest()) in rows
    assert (None, None) in rows


def test_macros_hide_dialect(built: Build) -> None:
    assert built.rows("select * from casebook.portable") == [
        (
            "2019-07-01T04:00:00.000000",
            None,
            datetime.datetime(2019, 6, 30, 20, 0),
            "a-b-",
            True,
            False,
            "B",
            "true false false false false null",
            "true false false false false null",
        )
    ]


def test_a_function_may_be_of_another_language_and_looks_nothing_up_elsewhere(built: Build) -> None:
    assert built.statuses["doubled"] == "success"
    assert built.rows("select casebook.doubled(21)") == [(42,)]
    assert built.rows(
        "select lanname::text, proconfig, provolatile::text, prosecdef from pg_proc"
        " inner join pg_language on pg_language.oid = prolang where proname = 'doubled'"
    ) == [("plpgsql", ["search_path=pg_catalog, pg_temp"], "s", False)]
