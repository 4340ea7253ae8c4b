"""What a build knows that members may name, and what its rows tell: kept with each version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql

from orchestrate.contracts.marts import RESIDENT_COLUMN, Mart

if TYPE_CHECKING:
    from orchestrate.access.scopes import Scope
    from orchestrate.driver import Cursor

MEMBERS_MODEL: Final = "stg_reference__members"
_SPECIALTY_COLUMN: Final = "specialty_id"
# From the coarsest to the finest date of service that rows may show.
_PRECISIONS: Final = ("year", "month", "day")

Relation = tuple[str, str]
FindModel = Callable[[str], Relation | None]
Rows = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Known:
    """What members may name, and what decides which rows each scope has, as a build has it.

    Sets of rows, each a tuple of text: `clients` (client_id, client_name, report_page),
    `visibilities` (client_id, visibility, scope_id), `restrictions` (client_id, specialty_id),
    `words` (specialty_id, word) by which restricted care is found, `hidden` (scope_id, code) of
    what a scope does not show, `payers` (payer_name) whose patients' rows staff may see. `readers`
    are (relation, audience). `precision` is that of dates of service.
    """

    residents: frozenset[str] = frozenset()
    specialties: frozenset[str] = frozenset()
    clients: Rows = frozenset()
    visibilities: Rows = frozenset()
    restrictions: Rows = frozenset()
    words: Rows = frozenset()
    hidden: Rows = frozenset()
    payers: Rows = frozenset()
    readers: Rows = frozenset()
    precision: str = "month"

    @property
    def scopes(self) -> Mapping[tuple[str, str], str]:
        """Map (client_id, visibility) to scope_id."""
        return {(client, visibility): scope for client, visibility, scope in self.visibilities}

    def as_json(self) -> dict[str, object]:
        """Return it as plain values, in an order of their own."""
        return {
            field.name: value if isinstance(value, str) else sorted(value)
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Known:
        """Read what `as_json` returned."""
        values: dict[str, Any] = {
            name: value
            if isinstance(value, str)
            else frozenset(tuple(one) if isinstance(one, list) else one for one in value)
            for name, value in content.items()
        }
        return cls(**values)

    def shows_more_than(self, later: Known, scope: Scope) -> bool:
        """Tell whether a scope was shown rows of this build that a later one keeps from it."""
        if _PRECISIONS.index(self.precision) > _PRECISIONS.index(later.precision):
            return scope.audience in ("client", "management", "staff")
        # A relation that nobody reads any more is gone; nobody was meant to be kept from it.
        lasting = {relation for relation, _ in later.readers}
        if any(
            audience == scope.audience and relation in lasting
            for relation, audience in self.readers - later.readers
        ):
            return True
        if scope.audience == "client":
            return any(scope_id == scope.scope_id for scope_id, _ in later.hidden - self.hidden)
        return scope.audience in ("management", "staff") and not self.payers <= later.payers


def read_known(cursor: Cursor, find_model: FindModel, marts: Sequence[Mart]) -> Known:
    """Read from the warehouse what a build knows; a model that it lacks knows nothing.

    Residents are those of any mart that has a resident_name; specialties those of the seed and of
    any mart that has a specialty_id.
    """

    def rows(model: str, *columns: str, where: str = "true") -> Rows:
        relation = find_model(model)
        return frozenset() if relation is None else _select(cursor, relation, columns, where)

    residents: set[str] = set()
    specialties = {name for (name,) in rows("stg_reference__specialties", _SPECIALTY_COLUMN)}
    for mart in marts:
        names = {column.name for column in mart.columns}
        for column, found in ((RESIDENT_COLUMN, residents), (_SPECIALTY_COLUMN, specialties)):
            if column in names:
                source = (mart.source_schema, mart.name)
                where = f"{column} is not null"
                found.update(name for (name,) in _select(cursor, source, (column,), where))
    cursor.execute(
        "select to_jsonb(last_build) ->> 'service_date_precision' from casebook.last_build"
    )
    noted = cursor.fetchone()
    return Known(
        frozenset(residents),
        frozenset(specialties),
        rows("stg_reference__clients", "client_id", "client_name", "report_page"),
        rows("int_client_scopes", "client_id", "visibility", "scope_id"),
        rows("stg_reference__restrictions", "client_id", _SPECIALTY_COLUMN),
        rows("stg_reference__specialty_words", _SPECIALTY_COLUMN, "word"),
        rows("int_codes_hidden", "scope_id", "code"),
        rows("stg_reference__payer_groups", "payer_name", where="detail_is_visible"),
        frozenset((mart.relation, audience) for mart in marts for audience in mart.readers),
        (noted[0] if noted else None) or "month",
    )


def _select(cursor: Cursor, relation: Relation, columns: Sequence[str], where: str) -> Rows:
    cursor.execute(
        sql.SQL("select distinct {} from {} where {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Identifier(*relation),
            sql.SQL(where),
        )
    )
    return frozenset(tuple(row) for row in cursor.fetchall())
