"""Every mutant of a rule that protects patients is noticed: by the gate, dbt's tests or by pandas.

A mutant is the SQL of a model as a mutated macro would have made it. It is built beside the sound
models, with all that reads it, in a transaction that is rolled back. Where the marts hold the same
rows as in the sound build nothing is shown that should not be, and it does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from psycopg2 import Error
from recomputed.compare import check, check_close, read
from recomputed.raw import Export, Pseudonyms
from recomputed.relations import RECOMPUTED

from orchestrate.publishing.artifacts import Build, read_build
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import REAL_EXPORT, Casebook, own_copy
from tests.python.disclosure.mutated import PREFIX, Mutated, compiled, rebuild, shown
from tests.python.disclosure.rule_mutants import rule_mutants
from tests.python.sampling import stratified

pytestmark = pytest.mark.slow

SAMPLED = 10  # of each dataset


@dataclass
class Recomputation:
    """What pandas makes of the CSV files, each relation once."""

    export: Export
    pseudonyms: Pseudonyms
    known: dict[str, pd.DataFrame] = field(default_factory=dict)

    def differs(self, mutated: Mutated) -> str | None:
        """Return the relation that is not what it should be."""
        for node in mutated.changed.values():
            relation = f"{node['schema']}.{node['alias']}"
            if node["access"] == "public":
                try:
                    self._check(mutated.cursor.connection, relation)
                except AssertionError:
                    return relation
        return None

    def _check(self, connection: Any, relation: str) -> None:
        recomputed = RECOMPUTED[relation]
        if relation not in self.known:
            self.known[relation] = recomputed.of(self.export, self.pseudonyms)
        found, expected = read(connection, f"{PREFIX}{relation}"), self.known[relation]
        if relation.endswith("association"):
            check_close(
                found, expected, ["population", "county", "procedure_code"], str(recomputed.opaque)
            )
        else:
            check(found.drop(columns="cluster_id", errors="ignore"), expected, recomputed.opaque)


@pytest.fixture(params=["sample", "export"])
def dataset(request: pytest.FixtureRequest) -> Iterator[tuple[str, Export, Casebook]]:
    """Return the CSV files of a dataset and a copy of the Casebook that was made of them.

    A copy, because long transactions and those of other tests would stop each other.
    """
    if request.param == "export":
        export, casebook = Export(REAL_EXPORT), request.getfixturevalue("published_export")
    else:
        export = Export(PROJECT_DIR / "seeds" / "advocacy", "advocacy__")
        casebook = request.getfixturevalue("published")
    with own_copy(casebook) as copy:
        yield request.param, export, copy


def test_every_mutant_of_a_rule_is_noticed(
    dataset: tuple[str, Export, Casebook], soak: bool, figure: Callable[[str], None]
) -> None:
    name, export, casebook = dataset
    key = casebook.settings.pseudonym_key_path.read_text(encoding="ascii").strip()
    build = read_build(casebook.settings.target_dir, casebook.databases.warehouse.database)
    recomputation = Recomputation(export, Pseudonyms(key))
    models = compiled(build)
    noticed: Counter[str] = Counter()
    equal, survivors = 0, []
    with (
        closing(casebook.databases.warehouse.connect()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select set_config('casebook.pseudonym_key', %s, false)", (key,))
        mutants = [*rule_mutants(models, dict(shown(build, list(models))), scopes(cursor))]
        assert len(mutants) > 200
        assert first_to_notice(rebuild(build, cursor, {}), recomputation) is None
        for mutant in stratified(mutants):
            if not soak and noticed.total() + len(survivors) == SAMPLED:
                break
            cursor.execute("savepoint sound")
            by = built_and_looked_at(build, cursor, mutant.models, recomputation)
            cursor.execute("rollback to savepoint sound")
            if by == EQUAL:
                equal += 1
            elif by is None:
                survivors.append(mutant[:2])
            else:
                noticed[by] += 1
        connection.rollback()
    tried = noticed.total() + len(survivors)
    figure(
        f"mutants of rules on the {name}: {tried} of {len(mutants)} tried, besides {equal} that"
        f" show the same rows; {noticed.total()} noticed, first by"
        f" {', '.join(f'{by}: {count}' for by, count in noticed.most_common())}"
    )
    assert survivors == []


EQUAL, UNBUILT = "the same rows", "the build"


def built_and_looked_at(
    build: Build, cursor: Any, models: Mapping[str, str], recomputation: Recomputation
) -> str | None:
    """Build a mutant and say who notices; a build that fails shows nobody anything."""
    try:
        mutated = rebuild(build, cursor, models)
    except Error:
        return UNBUILT
    return first_to_notice(mutated, recomputation) if mutated.shows_more else EQUAL


def first_to_notice(mutated: Mutated, recomputation: Recomputation) -> str | None:
    """Say what notices that rows are not as they should be."""
    if mutated.gate_refuses():
        return "the gate"
    if mutated.test_fails():
        return "dbt's tests"
    if recomputation.differs(mutated):
        return "the recomputation"
    return None


def scopes(cursor: Any) -> dict[str, str]:
    """Return the scopes by client and visibility."""
    cursor.execute(
        "select client_id || ' ' || visibility, scope_id from intermediate.int_client_scopes"
    )
    return dict(cursor.fetchall())
