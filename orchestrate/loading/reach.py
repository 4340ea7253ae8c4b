"""From when to when the records are that the last build counted, table by table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrate.driver import Connection

_RELATION = "intermediate.int_tables_covered"


@dataclass(frozen=True)
class TableReach:
    """When the first and the last record of a table took place that count, None where none does.

    `last_delivered_at` is that of the last record of all, also of those that are left out. In UTC.
    """

    domain: str
    table: str
    first_at: datetime | None
    last_at: datetime | None
    last_delivered_at: datetime

    @property
    def is_behind(self) -> bool:
        """Tell whether a record that does not count is later than all that do."""
        return self.last_at is None or self.last_delivered_at > self.last_at

    def as_json(self) -> dict[str, str | None]:
        """Return its times as text, as a version records them, and that of what is left out."""
        times = {
            "first_at": self.first_at,
            "last_at": self.last_at,
            "left_out_at": self.last_delivered_at if self.is_behind else None,
        }
        return {name: time.isoformat() if time else None for name, time in times.items()}

    def __str__(self) -> str:
        counted = (
            f"the newest that does is of {self.last_at:%Y-%m-%d}" if self.last_at else "none does"
        )
        return (
            f"{self.domain} {self.table}: the newest record, of {self.last_delivered_at:%Y-%m-%d},"
            f" does not count; {counted}"
        )


def read_reaches(connection: Connection, domain: str) -> tuple[TableReach, ...]:
    """Return how far the records of a domain reached in the last build; none before the first."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is null", (_RELATION,))
        if cursor.fetchone() == (True,):
            return ()
        cursor.execute(
            "select table_name, first_at, last_at, last_delivered_at"
            f" from {_RELATION} where domain_name = %s order by table_name",
            (domain,),
        )
        return tuple(
            TableReach(domain, table, *(time and time.astimezone(UTC) for time in times))
            for table, *times in cursor.fetchall()
        )
