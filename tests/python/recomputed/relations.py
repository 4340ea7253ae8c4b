"""Which function recomputes which relation, and the key in it that cannot be told from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from recomputed import areas, clients, coverage, extracts, findings, management, nearness
from recomputed.raw import Export, Pseudonyms


class Recomputed(NamedTuple):
    """How a relation is recomputed; `has_keys` of persons, which take the secret to make."""

    make: Callable[..., pd.DataFrame]
    has_keys: bool = False
    opaque: str | None = None

    def of(self, export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
        """Recompute it from an export."""
        return self.make(export, pseudonyms) if self.has_keys else self.make(export)


RECOMPUTED = {
    "clients.coverage": Recomputed(coverage.clients),
    "clients.procedure_summary": Recomputed(clients.procedure_summary),
    "clients.monthly_activity": Recomputed(clients.monthly_activity),
    "clients.hospital_activity": Recomputed(clients.hospital_activity),
    "clients.specialties": Recomputed(clients.specialties),
    "clients.top_procedure_patients": Recomputed(clients.top_procedure_patients),
    "clients.top_procedure_overlap": Recomputed(clients.top_procedure_overlap),
    "clients.procedure_extract": Recomputed(clients.procedure_extract, True, "procedure_key"),
    "clients.encounter_extract": Recomputed(clients.encounter_extract, True),
    "clients.patient_extract": Recomputed(clients.patient_extract, True),
    "clients.patient_activity": Recomputed(clients.patient_activity, True),
    "extracts.coverage": Recomputed(coverage.visible_payers),
    "extracts.patients": Recomputed(extracts.patients, True),
    "extracts.encounters": Recomputed(extracts.encounters, True),
    "extracts.procedures": Recomputed(extracts.procedures, True, "procedure_key"),
    "extracts.restricted_payer_summary": Recomputed(
        extracts.restricted_payer_summary, opaque="summary_key"
    ),
    "management.coverage": Recomputed(coverage.visible_payers),
    "management.client_patients_by_area": Recomputed(
        areas.client_patients_by_area, opaque="area_key"
    ),
    "management.unaffiliated_by_area": Recomputed(areas.unaffiliated_by_area, opaque="area_key"),
    "management.area_procedure_association": Recomputed(
        management.area_procedure_association, opaque="association_key"
    ),
    "management.data_findings": Recomputed(findings.data_findings, opaque="finding_key"),
    "management.unaffiliated_patient_clusters": Recomputed(
        management.unaffiliated_patient_clusters
    ),
    "management.unaffiliated_nearness": Recomputed(nearness.unaffiliated_nearness),
}


def of_schema(schema: str) -> dict[str, Recomputed]:
    """Return what is recomputed of a schema, by the names of its relations."""
    return {
        relation.partition(".")[2]: recomputed
        for relation, recomputed in RECOMPUTED.items()
        if relation.startswith(f"{schema}.")
    }
