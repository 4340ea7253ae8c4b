"""What each scope (a client in a visibility) shows of an export: a world without the rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property

import pandas as pd

from recomputed.raw import UNIT_SEPARATOR, Export, reference


@dataclass(frozen=True)
class Scope:
    """A client in one visibility, and what is left of the export in it."""

    export: Export
    client_id: str
    payer_name: str
    visibility: str
    hidden: frozenset[str]

    @property
    def scope_id(self) -> str:
        """Sixteen hex digits that name neither client nor visibility."""
        text = f"{self.client_id}{UNIT_SEPARATOR}{self.visibility}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def world(self) -> pd.DataFrame:
        """Encounters of every payer that exist in this scope; `is_whole` if no procedure is hidden.

        An encounter does not exist if its own code is hidden, or if it has procedures and all are.
        """
        procedures = self.export.procedures
        is_hidden = procedures["specialty_id"].isin(self.hidden)
        some_hidden = set(procedures.loc[is_hidden, "encounter_id"])
        all_hidden = some_hidden - set(procedures.loc[~is_hidden, "encounter_id"])
        encounters = self.export.encounters
        own_code_hidden = (
            encounters["encounter_code"].map(self.export.specialty_of).isin(self.hidden)
        )
        exists = ~own_code_hidden & ~encounters["encounter_id"].isin(all_hidden)
        return encounters.assign(is_whole=~encounters["encounter_id"].isin(some_hidden))[exists]

    @cached_property
    def world_procedures(self) -> pd.DataFrame:
        """Procedures of every payer that exist in this scope."""
        procedures = self.export.procedures
        exists = procedures["encounter_id"].isin(self.world["encounter_id"])
        return procedures[exists & ~procedures["specialty_id"].isin(self.hidden)]

    @cached_property
    def book(self) -> pd.DataFrame:
        """Encounters of the client's own book in this scope, with procedure_count and cost."""
        own = self.world[self.world["payer_name"] == self.payer_name]
        procedures = self.book_procedures.groupby("encounter_id")["cost"]
        counts = own["encounter_id"].map(procedures.size()).fillna(0).astype("int64")
        costs = own["encounter_id"].map(procedures.sum()).fillna(0).astype("int64")
        return own.assign(procedure_count=counts, cost=costs)

    @cached_property
    def book_procedures(self) -> pd.DataFrame:
        """Procedures of the client's own book in this scope."""
        return self.world_procedures[self.world_procedures["payer_name"] == self.payer_name]


@cache
def scopes(export: Export) -> list[Scope]:
    """Return every scope: each client as `open`, and once per specialty that it restricts."""
    restrictions = reference("restrictions")
    found = []
    for client in reference("clients").itertuples():
        of_client = restrictions["client_id"] == client.client_id
        restricted = frozenset(restrictions.loc[of_client, "specialty_id"])
        for visibility in ("open", *sorted(restricted)):
            hidden = restricted - {visibility}
            found.append(Scope(export, client.client_id, client.payer_name, visibility, hidden))
    return found
