"""Members are checked before anybody gets a login, and tied to no more than they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrate.access.known import Known
from orchestrate.access.members import (
    check_members,
    list_member,
    read_members_file,
    tie_members,
)
from orchestrate.errors import ConfigurationError, DataError

HEADER = "login,audience,client_id,specialty_id,resident_name\n"
KNOWN = Known(
    residents=frozenset({"One, Ann"}),
    specialties=frozenset({"73761001", "hospice"}),
    visibilities=frozenset({("humana", "open", "open-scope"), ("humana", "hospice", "more-scope")}),
    restrictions=frozenset({("humana", "hospice"), ("humana", "unscoped")}),
)


def member(login: str, audience: str, **more: str) -> Any:
    return list_member({"login": login, "audience": audience, **more}, "here")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("Ann,program,,,", "line 3: 'Ann' cannot be a login"),
        (",program,,,", "line 3: '' cannot be a login"),
        ("a;drop,program,,,", "cannot be a login"),
        (f"{'a' * 51},program,,,", "cannot be a login"),
        ("casebook_owner,program,,,", "'casebook_owner' is reserved"),
        ("pg_monitor,program,,,", "reserved"),
        ("postgres,program,,,", "reserved"),
        ("ann,director,,,", "line 3: unknown audience 'director'"),
        ("ann,client,,,", "names no client_id"),
        ("ann,resident,,,", "names no resident_name"),
        ("first,program,,,", "listed twice"),
        ("first,staff,,,", "in two audiences, program and staff"),
        ("ann,program,,", "line 3: not 5 fields"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(tmp_path: Path, row: str, text: str) -> None:
    path = tmp_path / "members.csv"
    path.write_text(f"{HEADER}first,program,,,\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        check_members(read_members_file(path))
    assert text in str(raised.value)
    assert str(path) in str(raised.value)


def test_headers_are_matched_loosely_and_names_kept(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    header = "\ufeffResident Name,LOGIN,Audience,client-id,specialty_id,note"
    path.write_bytes(f'{header}\r\n" One, Ann ",ann , resident,,,x\r\n'.encode())
    (read,) = read_members_file(path)
    assert (read.login, read.audience, read.client_id) == ("ann", "resident", None)
    assert read.resident_name == " One, Ann "


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (None, ConfigurationError, "cannot be read"),
        (b"login,audience\n", DataError, "line 1: missing column client_id"),
        (HEADER.encode("utf-16"), DataError, "not UTF-8"),
        (b"", DataError, "missing column login"),
    ],
)
def test_a_file_that_is_no_member_list_is_refused(
    tmp_path: Path, content: bytes | None, error: type[Exception], text: str
) -> None:
    path = tmp_path / "members.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=text):
        read_members_file(path)


@pytest.mark.parametrize(
    ("listed", "scope", "resident", "unknown"),
    [
        (member("a", "program"), None, None, None),
        (member("a", "resident", resident_name="One, Ann"), None, "One, Ann", None),
        (member("a", "resident", resident_name="one, ann"), None, None, "resident"),
        (member("a", "client", client_id="humana"), "open-scope", None, None),
        (
            member("a", "client", client_id="humana", specialty_id="hospice"),
            "more-scope",
            None,
            None,
        ),
        (
            member("a", "client", client_id="humana", specialty_id="73761001"),
            "open-scope",
            None,
            None,
        ),
        (
            member("a", "client", client_id="humana", specialty_id="nonsense"),
            None,
            None,
            "specialty",
        ),
        (
            member("a", "client", client_id="humana", specialty_id="unscoped"),
            None,
            None,
            "specialty",
        ),
        (member("a", "client", client_id="aetna"), None, None, "client"),
        (member("a", "client", client_id="aetna", specialty_id="hospice"), None, None, "client"),
    ],
)
def test_members_are_tied_to_what_is_known(
    listed: Any, scope: str | None, resident: str | None, unknown: str | None
) -> None:
    (tied,), warnings = tie_members([listed], KNOWN)
    assert (tied.scope.scope_id, tied.scope.resident_name) == (scope, resident)
    assert [f"names a {unknown}" in warning for warning in warnings] == [True] * bool(unknown)


def test_members_who_see_the_same_share_a_scope_and_nobody_else_does() -> None:
    """Who names what is not known has a scope alone: what is in it must not depend on others."""
    members, _ = tie_members(
        [
            member("manager", "management"),
            member("second_manager", "management"),
            member("resident", "resident", resident_name="One, Ann"),
            member("twin", "resident", resident_name="One, Ann"),
            member("reader", "client", client_id="humana"),
            member("open_to_all", "client", client_id="humana", specialty_id="73761001"),
            member("more", "client", client_id="humana", specialty_id="hospice"),
            member("unknown", "client", client_id="humana", specialty_id="nonsense"),
            member("lost", "client", client_id="aetna"),
        ],
        KNOWN,
    )
    shared: dict[str, list[str]] = {}
    for one in members:
        shared.setdefault(one.scope.name, []).append(one.login)
    assert sorted(shared.values()) == [
        ["lost"],
        ["manager", "second_manager"],
        ["more"],
        ["open_to_all", "reader"],
        ["resident"],
        ["twin"],
        ["unknown"],
    ]
