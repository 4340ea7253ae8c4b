"""One sentence per chart or table of clients' pages, computed from what it shows."""

from __future__ import annotations

import pandas as pd

from orchestrate.reports.rows import column, largest, records
from orchestrate.reports.text import counted, integer, listed, money, percent, short_name

_NOTHING_SEEN = "This membership may see no procedure."


def cost_finding(procedures: pd.DataFrame) -> str:
    """Name the procedure with the highest total cost."""
    rows = records(procedures)
    if not rows:
        return _NOTHING_SEEN
    top = largest(rows, "total_cost")
    cost = top[0]["total_cost"]
    if len(rows) == 1:
        return f"The only procedure is {short_name(rows[0]['procedure_name'])}: {money(cost)}."
    if cost == 0:
        return "No procedure has a cost."
    if len(top) > 1:
        names = listed([short_name(row["procedure_name"]) for row in top])
        return f"{names} cost most, {money(cost)} each in total."
    share = 100 * float(cost) / sum(column(rows, "total_cost"))
    return (
        f"{short_name(top[0]['procedure_name'])} costs most: {money(cost)} for "
        f"{counted(top[0]['procedure_count'], 'procedure', 'procedures')} on "
        f"{counted(top[0]['patient_count'], 'patient', 'patients')}, "
        f"{percent(share)} of all cost."
    )


def count_finding(procedures: pd.DataFrame) -> str:
    """Name the procedure performed most and say how many are performed once only."""
    rows = records(procedures)
    if not rows:
        return _NOTHING_SEEN
    top = largest(rows, "procedure_count")
    times = counted(top[0]["procedure_count"], "time", "times")
    patients = counted(top[0]["patient_count"], "patient", "patients")
    if len(rows) == 1:
        return (
            f"The only procedure is {short_name(rows[0]['procedure_name'])}: {times} on {patients}."
        )
    if len(top) > 1:
        names = listed([short_name(row["procedure_name"]) for row in top])
        return f"{names} are performed most, {times} each."
    sentence = f"{short_name(top[0]['procedure_name'])} is performed most: {times} on {patients}"
    once = sum(row["procedure_count"] == 1 for row in rows)
    if once == 0:
        return f"{sentence}."
    verb = "was" if once == 1 else "were"
    return (
        f"{sentence}; {integer(once)} of {integer(len(rows))} procedures {verb} performed once "
        "only."
    )


def specialties_finding(specialties: pd.DataFrame) -> str:
    """Name the specialty with the most procedures."""
    rows = records(specialties)
    if not rows:
        return "No procedure is there that this membership may see."
    top = largest(rows, "procedure_count")
    name = short_name(top[0]["specialty_name"])
    procedures = counted(top[0]["procedure_count"], "procedure", "procedures")
    patients = counted(top[0]["patient_count"], "patient", "patients")
    if len(rows) == 1:
        return f"The only specialty is {name}: {procedures} for {patients}."
    if len(top) > 1:
        names = listed([short_name(row["specialty_name"]) for row in top])
        return f"{names} are the busiest of {integer(len(rows))} specialties: {procedures} each."
    return (
        f"{name} is the busiest of {integer(len(rows))} specialties: {procedures} for {patients}."
    )


def claims_finding(hospitals: pd.DataFrame) -> str:
    """Say what was claimed and covered in all."""
    rows = records(hospitals)
    claims = sum(row["claim_cost"] or 0 for row in rows)
    covered = sum(row["payer_coverage"] or 0 for row in rows)
    if not claims:
        return "No claim is there that this membership may see."
    part = f"of which {money(covered)} was covered" if covered else "of which nothing was covered"
    return f"Claims of {money(claims)} in all, {part}."


def followers_finding(wide: pd.DataFrame) -> str:
    """Name the procedure with the most patients elsewhere; a row per procedure, as it is shown."""
    rows = [row for row in records(wide) if row.get("other_insured")]
    if not rows:
        return "No procedure has enough patients of other insurers to count them."
    top = largest(rows, "other_insured")
    about = f"about {integer(top[0]['other_insured'])}"
    if len(top) > 1:
        names = listed([short_name(row["procedure_name"]) for row in top])
        return f"{names} have the most patients elsewhere: {about} each under other insurers."
    return (
        f"{short_name(top[0]['procedure_name'])} has the most patients elsewhere: {about} under "
        f"other insurers, next to {integer(top[0]['own'])} of the client's own."
    )


def overlap_finding(wide: pd.DataFrame) -> str:
    """Say how many patients elsewhere share the fewest and the most of the procedures."""
    rows = [row for row in records(wide) if row.get("other_insured")]
    if not rows:
        return "Too few of other insurers' patients share any of these procedures to count them."
    first, last = rows[0], rows[-1]
    sentence = (
        f"About {integer(first['other_insured'])} patients of other insurers had at least "
        f"{integer(first['shared_procedures'])} of these procedures"
    )
    if len(rows) == 1:
        return f"{sentence}."
    return (
        f"{sentence}, and about {integer(last['other_insured'])} had "
        f"{integer(last['shared_procedures'])} or more."
    )
