"""What the checks of the audit look at: one snapshot of the warehouse, and the marts in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql

from orchestrate.contracts import Mart
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

# The residents' own program: no patient is in it.
RESIDENCY: Final = "residency"


@dataclass(frozen=True)
class Examined:
    """The warehouse at one moment, the public marts, and where the build put its other models.

    `find_model` returns schema and name of a model, None when the build has none of that name.
    """

    cursor: Cursor
    marts: Sequence[Mart]
    find_model: Callable[[str], tuple[str, str] | None]

    @property
    def of_patients(self) -> list[Mart]:
        """The marts that patients are behind: all but the residency's."""
        return [mart for mart in self.marts if mart.schema != RESIDENCY]

    def rows(
        self, query: str, models: Sequence[str] = (), **parts: sql.Composable
    ) -> list[tuple[Any, ...]]:
        """Run a query with `{model}` for each of the models named and `{part}` as given.

        Raises DataError when the build lacks a model: a check that finds nothing to look at would
        pass for ever after.
        """
        named = {model: self.relation(model) for model in models}
        self.cursor.execute(sql.SQL(query).format(**named, **parts))
        return self.cursor.fetchall()

    def relation(self, model: str) -> sql.Composable:
        """Return where the build put a model; raises DataError when it has none of that name."""
        found = self.find_model(model)
        if found is None:
            raise DataError(
                f"The build has no model {model}, without which the marts cannot be audited.",
                "Restore the model, build again, then publish.",
            )
        return sql.Identifier(*found)


Check = Callable[[Examined], Iterable[str]]


def source(mart: Mart) -> sql.Identifier:
    """Return where a mart is in the warehouse."""
    return sql.Identifier(mart.source_schema, mart.name)
