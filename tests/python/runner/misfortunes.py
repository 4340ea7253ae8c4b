"""Real misconfigurations of a Casebook on a server of one's own, and what doctor says to each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from postgres15 import SystemPostgres, make_certificate
from tiny import Tiny

from orchestrate.cli import invoke
from orchestrate.database import own_server
from orchestrate.database.objects import marker

PASSWORD = "of-the-builder"  # noqa: S105 - of a server that lives as long as these tests
Told = Mapping[str, Any]
Steps = Generator[None, Told, None]


@dataclass
class Patient:
    """The tiny Casebook, its server, and the variables and files that a misfortune may change."""

    tiny: Tiny
    server: SystemPostgres
    folder: Path
    read_output: Callable[[], str]
    variables: dict[str, str] = field(default_factory=dict)

    def doctor(self, *options: str) -> tuple[int, dict[str, Any]]:
        """Run `casebook doctor` with the patient's variables."""
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.variables.items():
                environment.setenv(name, value)
            status = invoke(["doctor", "--json", *options])
        told: dict[str, Any] = json.loads(self.read_output())
        return status, told

    def mend(self) -> None:
        """Let doctor mend it."""
        status, told = self.doctor("--mend")
        assert (status, bool(told["mended"])) == (0, True), told

    def set_url(self, text: str, changed: str) -> None:
        """Change a part of the warehouse's URL."""
        url = self.variables["CASEBOOK_DATABASE_URL"]
        assert text in url
        self.variables["CASEBOOK_DATABASE_URL"] = url.replace(text, changed)


@dataclass(frozen=True)
class Misfortune:
    """What doctor says: in which check, what is wrong, what to do; and its exit status."""

    steps: Callable[[Patient], Steps]
    check: str
    result: str
    cure: str
    status: int


MISFORTUNES: dict[str, Misfortune] = {}


def misfortune(
    check: str, result: str, cure: str, status: int
) -> Callable[[Callable[[Patient], Steps]], Callable[[Patient], Steps]]:
    """List a misfortune: a function that breaks, yields, is sent what doctor told, and mends.

    Variables are put back by themselves.
    """

    def listed(steps: Callable[[Patient], Steps]) -> Callable[[Patient], Steps]:
        MISFORTUNES[steps.__name__] = Misfortune(steps, check, result, cure, status)
        return steps

    return listed


# The way to the server


@misfortune("databases", "port 1: ", "Check that the server runs", 3)
def nobody_listens_there(patient: Patient) -> Steps:
    patient.set_url(f":{patient.server.port}/", ":1/")
    yield


@misfortune("databases", "does not start with postgresql://", "Write it as postgresql://", 2)
def the_url_is_none(patient: Patient) -> Steps:
    patient.variables["CASEBOOK_DATABASE_URL"] = "warehouse.example:5432"
    yield


@misfortune("databases", "password authentication failed", "Check the user name and the pass", 3)
def the_password_is_another(patient: Patient) -> Steps:
    patient.server.execute("alter role casebook_builder password 'changed'")
    yield
    patient.server.execute(f"alter role casebook_builder password $${PASSWORD}$$")


@misfortune("databases", 'database "elsewhere" does not exist', "Check the name", 3)
def the_database_is_not_there(patient: Patient) -> Steps:
    patient.set_url("/warehouse?", "/elsewhere?")
    yield


@misfortune("databases", "no encryption", "The server wants TLS: add ?sslmode=verify-full", 3)
def tls_is_turned_off(patient: Patient) -> Steps:
    patient.set_url("sslmode=verify-full", "sslmode=disable")
    yield


@misfortune("databases", "certificate verify failed", "Let sslrootcert in the URL name", 3)
def somebody_else_signed_the_certificate(patient: Patient) -> Steps:
    make_certificate(patient.folder)
    root = patient.variables["CASEBOOK_DATABASE_URL"].partition("sslrootcert=")[2]
    patient.set_url(root, str(patient.folder / "server.crt"))
    yield


@misfortune("databases", "nowhere.crt", "Let sslrootcert in the URL name", 3)
def the_certificate_to_check_by_is_not_there(patient: Patient) -> Steps:
    patient.set_url("server.crt", "nowhere.crt")
    yield


@misfortune("warehouse, connections", "can open 2 more", "raise max_connections or the", 3)
def the_builder_has_too_few_connections(patient: Patient) -> Steps:
    patient.server.execute("alter role casebook_builder connection limit 2")
    yield
    patient.server.execute("alter role casebook_builder connection limit -1")


# The server and its databases


@misfortune("databases", "PostgreSQL 15.13 is too old for readers", "15.14, 16.10, 17.6", 3)
def the_server_is_too_old(patient: Patient) -> Steps:
    with pytest.MonkeyPatch.context() as older:
        older.setattr(own_server, "server_version", lambda _connection: 150013)
        yield


@misfortune("warehouse, encoding", "database latin is in LATIN1", "encoding 'UTF8' template", 2)
def a_database_cannot_store_every_name(patient: Patient) -> Steps:
    patient.server.execute(
        "create database latin owner casebook_builder encoding 'LATIN1' template template0"
    )
    patient.set_url("/warehouse?", "/latin?")
    yield
    patient.server.execute("drop database latin")


@misfortune(
    "warehouse, read-only", "may only read in warehouse", "default_transaction_read_only", 3
)
def nothing_can_be_written(patient: Patient) -> Steps:
    patient.server.execute("alter role casebook_builder set default_transaction_read_only = on")
    yield
    patient.server.execute("alter role casebook_builder reset default_transaction_read_only")


@misfortune("privileges of casebook_builder", "not all that a run needs", "statements below", 3)
def the_builder_may_not_make_databases(patient: Patient) -> Steps:
    patient.server.execute("alter role casebook_builder nocreatedb")
    told = yield
    patient.server.execute(*told["statements"])


@misfortune("privileges of casebook_builder", "not all that a run needs", "statements below", 3)
def the_builder_may_not_make_roles(patient: Patient) -> Steps:
    patient.server.execute("alter role casebook_builder nocreaterole")
    told = yield
    patient.server.execute(*told["statements"])


@misfortune("warehouse closed to the public", "everybody holds privileges", "statements below", 3)
def everybody_may_enter_the_warehouse(patient: Patient) -> Steps:
    patient.server.execute("grant connect on database warehouse to public")
    told = yield
    patient.server.execute(*told["statements"], database="warehouse")


# Roles, members and what they may read


@misfortune("roles", "not made by this installation: casebook_client", "a server of its own", 2)
def a_group_belongs_to_another_installation(patient: Patient) -> Steps:
    patient.server.execute("comment on role casebook_client is 'Made by Casebook, installation X'")
    yield
    mark = marker(patient.tiny.databases.installation)
    patient.server.execute(f"comment on role casebook_client is '{mark}'")


@misfortune("access", "the role open_reader was not made by this installation", "other hands", 3)
def a_login_has_the_name_of_somebody_else(patient: Patient) -> Steps:
    patient.server.execute("drop role open_reader", "create role open_reader login")
    yield
    patient.server.execute("drop role open_reader")
    patient.mend()


@misfortune("access", "members.csv cannot be read: No such file", "Let CASEBOOK_MEMBERS name", 2)
def the_list_of_members_is_not_there(patient: Patient) -> Steps:
    patient.variables["CASEBOOK_MEMBERS"] = str(patient.folder / "members.csv")
    yield


@misfortune("access", "line 3: the login ann is in two audiences, staff and", "one row", 1)
def a_member_is_in_two_audiences(patient: Patient) -> Steps:
    members = patient.folder / "members.csv"
    columns = "login,audience,client_id,specialty_id,resident_name"
    members.write_text(f"{columns}\nann,staff,,,\nann,management,,,\n", encoding="utf-8")
    patient.variables["CASEBOOK_MEMBERS"] = str(members)
    yield


@misfortune("access", "version_is_current", "casebook doctor --mend", 3)
def a_policy_was_dropped(patient: Patient) -> Steps:
    patient.tiny.as_owner(
        "drop policy version_is_current on clients.procedure_summary", "open_reader"
    )
    yield
    patient.mend()


@misfortune("access", "SELECT (rvu) of casebook_program", "casebook doctor --mend", 3)
def a_group_lost_a_right(patient: Patient) -> Steps:
    patient.tiny.as_owner("revoke select (rvu) on residency.fct_studies from casebook_program")
    yield
    patient.mend()


@misfortune("access", "everything", "other hands", 3)
def a_view_of_other_hands_shows_everything(patient: Patient) -> Steps:
    patient.tiny.as_owner(
        "create view clients.everything as select * from clients.procedure_summary;"
        "grant select on clients.everything to casebook_client",
        "open_reader",
    )
    yield
    patient.tiny.as_owner("drop view clients.everything", "open_reader")


@misfortune("access", "does not exist", "casebook doctor --mend", 3)
def a_readers_database_was_dropped(patient: Patient) -> Steps:
    patient.server.execute(f"drop database {patient.tiny.place('staff_member').database}")
    yield
    patient.mend()
    patient.tiny.publish()


@misfortune("access", "CONNECT of other_reader on database", "casebook doctor --mend", 3)
def a_readers_database_was_opened(patient: Patient) -> Steps:
    database = patient.tiny.place("open_reader").database
    patient.server.execute(f"grant connect on database {database} to other_reader")
    yield
    patient.mend()


@misfortune("access", "open_reader is a member of casebook_staff", "doctor --mend", 3)
def a_login_is_in_two_audiences(patient: Patient) -> Steps:
    patient.server.execute("grant casebook_staff to open_reader")
    yield
    patient.mend()


@misfortune("access", "former is a member of casebook_staff", "casebook doctor --mend", 3)
def somebody_who_is_no_member_is_in_a_group(patient: Patient) -> Steps:
    patient.server.execute("create role former login in role casebook_staff")
    yield
    patient.mend()
    patient.server.execute("drop role former")


@misfortune("access", "no password of the login open_reader is in", "casebook doctor --mend", 3)
def the_passwords_of_the_logins_are_lost(patient: Patient) -> Steps:
    patient.tiny.databases.logins.path.unlink()
    yield
    patient.mend()
    assert patient.tiny.read("open_reader", "select count(*) from clients.procedure_summary")


@misfortune("access", "no password supplied", "casebook doctor --mend", 3)
def the_password_of_the_publisher_is_lost(patient: Patient) -> Steps:
    (patient.tiny.settings.secrets_dir / "server.pgpass").unlink()
    yield
    patient.mend()


# This machine


@misfortune("secrets", "others can read", "chmod 600", 2)
def others_can_read_the_passwords(patient: Patient) -> Steps:
    passwords = patient.tiny.settings.secrets_dir / "server.pgpass"
    passwords.chmod(0o644)
    yield
    passwords.chmod(0o600)


@misfortune("pseudonym key", "holds no pseudonym key", "openssl rand -hex 32", 2)
def the_secret_of_the_pseudonyms_is_none(patient: Patient) -> Steps:
    key = patient.folder / "pseudonym.key"
    key.touch(mode=0o600)
    key.write_text("not a secret\n", encoding="utf-8")
    patient.variables["CASEBOOK_PSEUDONYM_KEY_FILE"] = str(key)
    yield


@misfortune("home", "cannot be written", "move the home with CASEBOOK_HOME", 2)
def the_home_cannot_be_made(patient: Patient) -> Steps:
    (patient.folder / "a file").touch()
    patient.variables["CASEBOOK_HOME"] = str(patient.folder / "a file" / "home")
    yield


@misfortune("home ", "only 20 MB are free", "Free at least 1 GB", 2)
def the_disk_is_nearly_full(patient: Patient) -> Steps:
    with pytest.MonkeyPatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=20_000_000))
        yield


@misfortune("packages", "typer is 0.1, wanted ", "make clean run", 2)
def a_package_is_of_another_release(patient: Patient) -> Steps:
    description = patient.folder / "typer-0.1.dist-info" / "METADATA"
    description.parent.mkdir()
    description.write_text("Metadata-Version: 2.1\nName: typer\nVersion: 0.1\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(str(patient.folder))
        yield
