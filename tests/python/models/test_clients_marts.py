"""Recompute clients.procedure_summary from the CSV files, by another way than the models.

The models hide codes by joins; here each encounter of a client is looked at by itself, with the set
of specialties that its reader may not see. A difference in a single cell of any scope fails.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812  (a class, named so upstream)

from orchestrate.settings import PROJECT_DIR

REFERENCE = PROJECT_DIR / "seeds" / "reference"
SAMPLE = PROJECT_DIR / "seeds" / "advocacy"
REAL_EXPORT = PROJECT_DIR.parent / "shared" / "data" / "mighty_analyst"
CENT = Decimal("0.01")

Row = tuple[object, ...]


def records(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as text under lower-case names; an empty cell is an empty text."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    table.columns = table.columns.str.lower()
    rows = table.to_dict("records")
    return [{str(name): value.strip(" ") for name, value in row.items()} for row in rows]


@dataclass
class Tally:
    """What a scope shows of one procedure code."""

    patients: list[str] = field(default_factory=list)
    costs: list[Decimal] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Sum of the costs."""
        return sum(self.costs, Decimal(0)).quantize(CENT)

    @property
    def average(self) -> Decimal:
        """Mean cost, halves of a cent away from zero as PostgreSQL's numeric rounds."""
        return (self.total / len(self.costs)).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Recomputed:
    """An advocacy export and what each scope shows of it. `prefix` is that of its file names."""

    folder: Path
    prefix: str = ""

    def table(self, name: str) -> list[dict[str, str]]:
        """Read one file of the export."""
        return records(self.folder / f"{self.prefix}{name}.csv")

    @cached_property
    def procedures(self) -> dict[str, list[dict[str, str]]]:
        """Procedures by encounter."""
        by_encounter = defaultdict(list)
        for procedure in self.table("procedures"):
            by_encounter[procedure["encounter"]].append(procedure)
        return by_encounter

    @cached_property
    def names(self) -> dict[str, str]:
        """The most frequent description of each code; among equals the first by code point."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for procedure in self.table("procedures"):
            counts[procedure["code"]][procedure["description"]] += 1
        return {
            code: min(found, key=lambda text: (-found[text], text))
            for code, found in counts.items()
        }

    @cached_property
    def groups(self) -> dict[str, str]:
        """Specialty of each code that the seed groups."""
        seed = records(REFERENCE / "specialties.csv")
        return {row["procedure_code"]: row["specialty_id"] for row in seed}

    def specialty(self, code: str) -> str:
        """Return the specialty of a code: its group or itself."""
        return self.groups.get(code, code)

    def book(self, payer_name: str) -> list[dict[str, str]]:
        """Return the encounters that a payer paid."""
        ids = {row["id"] for row in self.table("payers") if row["name"] == payer_name}
        return [row for row in self.table("encounters") if row["payer"] in ids]

    def tallies(self, book: list[dict[str, str]], hidden: set[str]) -> dict[str, Tally]:
        """Tally what remains of a book without the hidden specialties, by procedure code."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        for encounter in book:
            if self.specialty(encounter["code"]) in hidden:
                continue
            for procedure in self.procedures.get(encounter["id"], []):
                if self.specialty(procedure["code"]) not in hidden:
                    tally = tallies[procedure["code"]]
                    tally.patients.append(encounter["patient"])
                    tally.costs.append(Decimal(procedure["base_cost"]))
        return tallies

    def summary(self) -> Iterator[Row]:
        """Yield every row of clients.procedure_summary, in the order of its columns."""
        restrictions = records(REFERENCE / "restrictions.csv")
        for client in records(REFERENCE / "clients.csv"):
            client_id = client["client_id"]
            book = self.book(client["payer_name"])
            restricted = {
                row["specialty_id"] for row in restrictions if row["client_id"] == client_id
            }
            for visibility in ("open", *restricted):
                digest = hashlib.sha256(f"{client_id}\x1f{visibility}".encode()).hexdigest()
                tallies = self.tallies(book, restricted - {visibility})
                by_cost = sorted(tallies, key=lambda code: (-tallies[code].total, code))
                by_count = sorted(tallies, key=lambda code: (-len(tallies[code].costs), code))
                for code, tally in tallies.items():
                    yield (
                        digest[:16],
                        client_id,
                        code,
                        self.names[code],
                        self.specialty(code),
                        len(tally.costs),
                        len(set(tally.patients)),
                        tally.total,
                        tally.average,
                        by_cost.index(code) + 1,
                        by_count.index(code) + 1,
                    )


def check(recomputed: Recomputed, connection: Connection) -> None:
    """Compare the recomputed rows with the mart's, both ways, row by row."""
    with connection.cursor() as cursor:
        cursor.execute("select * from clients.procedure_summary")
        found = Counter(cursor.fetchall())
    expected = Counter(recomputed.summary())
    assert expected
    assert not list((expected - found).elements())[:5], "missing"
    assert not list((found - expected).elements())[:5], "unexpected"


def test_every_scope_of_the_sample_equals_its_recomputation(warehouse: Connection) -> None:
    check(Recomputed(SAMPLE, "advocacy__"), warehouse)


@pytest.mark.slow
@pytest.mark.skipif(not REAL_EXPORT.is_dir(), reason=f"the real export is not at {REAL_EXPORT}")
def test_every_scope_of_the_real_export_equals_its_recomputation(
    real_warehouse: Connection,
) -> None:
    check(Recomputed(REAL_EXPORT), real_warehouse)


def test_the_sample_has_a_scope_that_hides_and_one_that_shows_the_same(
    warehouse: Connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            """
            select
                scopes.visibility,
                count(*) filter (where summary.specialty_id = 'hospice') > 0
            from clients.procedure_summary as summary
            inner join intermediate.int_client_scopes as scopes
                on summary.scope_id = scopes.scope_id
            where summary.client_id = 'humana'
            group by scopes.visibility
            """
        )
        assert dict(cursor.fetchall()) == {"open": False, "hospice": True}
