"""Keys lead back to nobody and from no reader's rows to another's."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import combinations

import pytest
from recomputed.raw import UNIT_SEPARATOR, Export, Pseudonyms, reference

from orchestrate.publishing.versions import read_readers
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import REAL_EXPORT, Casebook

pytestmark = pytest.mark.slow

Keys = dict[tuple[str, str], set[str]]
DEVELOPMENT_KEY = re.findall(
    "'([0-9a-f]{64})'",
    (PROJECT_DIR / "macros" / "keys" / "pseudonym_key.sql").read_text(encoding="utf-8"),
)
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
PURPOSES = ("patient", "encounter", "procedure", "activity")
OWNERS = (*reference("clients")["client_id"], *reference("clients")["payer_name"], "staff")
SOURCES = {
    "sample": (Export(PROJECT_DIR / "seeds" / "advocacy", "advocacy__"), "published"),
    "export": (Export(REAL_EXPORT), "published_export"),
}


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest) -> tuple[Export, Casebook]:
    """Return CSV files and the Casebook that was made of them."""
    export, name = SOURCES[request.param]
    return export, request.getfixturevalue(name)


@pytest.fixture(scope="module")
def published_keys(source: tuple[Export, Casebook]) -> Keys:
    """Return the published keys by whose they are and what they name, read as every login."""
    _, casebook = source
    databases = casebook.databases
    keys: Keys = defaultdict(set)
    places, members = read_readers(databases)
    at = {place.scope: place for place in places}
    for member in members:
        with (
            closing(at[member.scope].as_reader(member.login).connect()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select table_schema::text, table_name::text, column_name::text"
                " from information_schema.columns where column_name like '%\\_key'"
                " and table_schema not in ('pg_catalog', 'information_schema')"
            )
            for schema, relation, column in cursor.fetchall():
                cursor.execute(f'select distinct "{column}" from "{schema}"."{relation}"')
                owner = member.client_id if schema == "clients" else schema
                # What has a key of its own only there is named by the relation.
                what = column if schema != "management" else f"{relation} {column}"
                keys[str(owner), what].update(key for (key,) in cursor.fetchall())
    return keys


def guesses(name: str, pseudonyms: Pseudonyms) -> Iterator[str]:
    """Yield what somebody may try who knows an identifier and how pseudonyms are made."""
    texts = [name, f"={name}", name.lower(), name.upper(), name.replace("-", "")]
    texts += [
        separator.join(parts)
        for context in (*OWNERS, *PURPOSES, "casebook")
        for separator in ("", ":", "|", UNIT_SEPARATOR)
        for parts in ((context, name), (name, context))
    ]
    for text in texts:
        for algorithm in ALGORITHMS:
            digest = hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()
            yield digest[:32]
            yield digest[-32:]
    for purpose in PURPOSES:
        for owner in OWNERS:
            yield pseudonyms.one(purpose, owner, name)


def test_no_dictionary_of_identifiers_hits_a_key(
    source: tuple[Export, Casebook],
    published_keys: Keys,
    soak: bool,
    figure: Callable[[str], None],
) -> None:
    export, casebook = source
    every_key = set().union(*published_keys.values())
    assert len(every_key) > 50_000
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in every_key)
    encounters = list(export.encounters["encounter_id"])
    names = [*export.patients["patient_id"], *(encounters if soak else encounters[::20])]
    (key,) = DEVELOPMENT_KEY
    tried = 0
    for name in names:
        found = every_key.intersection(guesses(name, Pseudonyms(key)))
        assert found == set(), name
        tried += 1
    figure(f"dictionary attack on {len(every_key):,} keys: {tried:,} identifiers tried, no hit")

    secret = Pseudonyms(casebook.settings.pseudonym_key_path.read_text(encoding="ascii").strip())
    hit = {
        found
        for name in export.patients["patient_id"]
        for found in every_key.intersection(guesses(name, secret))
    }
    assert hit > published_keys["humana", "patient_key"]
    assert hit > published_keys["extracts", "patient_key"]


def test_no_key_of_one_reader_or_purpose_is_anothers(
    published_keys: Keys, figure: Callable[[str], None]
) -> None:
    assert {owner for owner, _ in published_keys} == {
        "humana", "united_healthcare", "extracts", "management",
    }  # fmt: skip
    assert len(published_keys) > 12
    for (one, keys), (other, more) in combinations(published_keys.items(), 2):
        assert keys.isdisjoint(more), (one, other)
    figure(f"keys of {len(published_keys)} owners and purposes: none in common")


def test_a_common_owner_would_join_two_clients(
    source: tuple[Export, Casebook], published_keys: Keys
) -> None:
    """See the test above fail: the same patients are in both books, and activity is theirs."""
    export, casebook = source
    secret = Pseudonyms(casebook.settings.pseudonym_key_path.read_text(encoding="ascii").strip())
    encounters = export.encounters
    of_humana = encounters.loc[encounters["payer_name"] == "Humana", "patient_id"]
    for purpose in ("patient", "activity"):
        keys = set(secret.of(purpose, "united_healthcare", of_humana))
        assert keys & published_keys["united_healthcare", f"{purpose}_key"]
