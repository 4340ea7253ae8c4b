"""What a build knows that members may name: residents, specialties, clients and their scopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql

from orchestrate.access.members import COLUMNS, Known, Listed, list_member
from orchestrate.contracts import RESIDENT_COLUMN, Mart
from orchestrate.errors import ConfigurationError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

MEMBERS_MODEL: Final = "stg_reference__members"
SPECIALTIES_MODEL: Final = "stg_reference__specialties"
RESTRICTIONS_MODEL: Final = "stg_reference__restrictions"
SCOPES_MODEL: Final = "int_client_scopes"
HIDDEN_MODEL: Final = "int_codes_hidden"
PAYERS_MODEL: Final = "stg_reference__payer_groups"
_SPECIALTY_COLUMN: Final = "specialty_id"

Relation = tuple[str, str]
FindModel = Callable[[str], Relation | None]


def read_member_seed(cursor: Cursor, find_model: FindModel) -> list[Listed]:
    """Read the seed `members` as its staging model shows it in the warehouse."""
    relation = find_model(MEMBERS_MODEL)
    if relation is None:
        raise ConfigurationError(
            f"The build has no model {MEMBERS_MODEL}, so nobody is known who may read.",
            "Restore the model, or let CASEBOOK_MEMBERS name a CSV file of members.",
        )
    rows = _select(cursor, relation, COLUMNS)
    return [
        list_member(dict(zip(COLUMNS, row, strict=True)), f"Seed members, login '{row[0]}'")
        for row in rows
    ]


def read_known(cursor: Cursor, find_model: FindModel, marts: Sequence[Mart]) -> Known:
    """Read from the warehouse what members may name.

    Residents are those of any mart that has a resident_name; specialties those of the seed and of
    any mart that has a specialty_id. A model that the build lacks knows nothing.
    """
    residents: set[str] = set()
    specialties: set[str] = set()
    for mart in marts:
        names = {column.name for column in mart.columns}
        source = (mart.source_schema, mart.name)
        if RESIDENT_COLUMN in names:
            residents.update(row[0] for row in _select(cursor, source, [RESIDENT_COLUMN]) if row[0])
        if _SPECIALTY_COLUMN in names:
            found = _select(cursor, source, [_SPECIALTY_COLUMN])
            specialties.update(row[0] for row in found if row[0])
    if relation := find_model(SPECIALTIES_MODEL):
        specialties.update(row[0] for row in _select(cursor, relation, [_SPECIALTY_COLUMN]))
    scopes: dict[tuple[str, str], str] = {}
    if relation := find_model(SCOPES_MODEL):
        for client_id, visibility, scope_id in _select(
            cursor, relation, ["client_id", "visibility", "scope_id"]
        ):
            scopes[client_id, visibility] = scope_id
    restrictions: set[tuple[str, str]] = set()
    if relation := find_model(RESTRICTIONS_MODEL):
        for client_id, specialty_id in _select(cursor, relation, ["client_id", _SPECIALTY_COLUMN]):
            restrictions.add((client_id, specialty_id))
    hidden: set[tuple[str, str]] = set()
    if relation := find_model(HIDDEN_MODEL):
        for scope_id, code in _select(cursor, relation, ["scope_id", "code"]):
            hidden.add((scope_id, code))
    open_payers: set[str] = set()
    if relation := find_model(PAYERS_MODEL):
        rows = _select(cursor, relation, ["payer_name", "detail_is_visible"])
        open_payers.update(name for name, is_visible in rows if is_visible)
    return Known(residents, specialties, scopes, restrictions, hidden, open_payers)


def _select(cursor: Cursor, relation: Relation, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    cursor.execute(
        sql.SQL("select distinct {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*relation)
        )
    )
    return [tuple(row) for row in cursor.fetchall()]
