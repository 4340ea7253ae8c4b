"""Relations of clients: who else has their most performed procedures."""

from __future__ import annotations

from collections.abc import Iterable

from attacker.figures import Figures, Row
from attacker.payers import Payers

PATIENTS = "clients.top_procedure_patients"
OVERLAP = "clients.top_procedure_overlap"
GROUPS = ("other_insured", "uninsured")


def add(figures: Figures, patients: Iterable[Row], overlap: Iterable[Row]) -> dict[str, int]:
    """Add other people by procedure and by how many they share; returns the uninsured by procedure.

    Who shares several procedures is counted under each of them, as one who is uninsured only if no
    insurer paid for any.
    """
    system = figures.system
    by_code: dict[str, dict[str, int]] = {group: {} for group in GROUPS}
    for row in patients:
        group, code, client_id = row["patient_group"], row["procedure_code"], row["client_id"]
        if group in by_code:
            grain = (client_id, code, group)
            by_code[group][code] = figures.patients(
                PATIENTS, "patient_count", grain, row, some=True
            )
    shared: dict[str, list[int]] = {group: [] for group in GROUPS}
    for row in sorted(overlap, key=lambda row: row["shared_procedures"]):
        group, number, client_id = row["patient_group"], row["shared_procedures"], row["client_id"]
        count = figures.patients(
            OVERLAP, "patient_count", (client_id, number, group), row, some=True
        )
        if shared[group]:
            system.not_above([count], [shared[group][-1]])
        shared[group].append(count)
    uninsured = list(by_code["uninsured"].values())
    system.not_above(shared["uninsured"], uninsured)
    system.not_above(
        [*shared["uninsured"], *shared["other_insured"]],
        [*uninsured, *by_code["other_insured"].values()],
    )
    return by_code["uninsured"]


def compare(figures: Figures, payers: Payers, uninsured: dict[str, int], payer_name: str) -> None:
    """Add that who is uninsured for a procedure had it paid by nobody.

    Only an attacker who reads clients' and staff's relations knows both.
    """
    for code, count in uninsured.items():
        whole = payers.patients.get((payer_name, "all", None, code))
        if whole is not None:
            figures.system.not_above([count], [whole])
