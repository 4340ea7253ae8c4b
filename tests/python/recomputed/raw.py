"""An advocacy export as its CSV files tell it, in pandas, by another way than the staging models.

Money is whole cents (int) here, months are dates of their first day, and every procedure carries
what its encounter says, so that a relation is one selection and one `groupby`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pandas as pd

from orchestrate.settings import PROJECT_DIR

REFERENCE = PROJECT_DIR / "seeds" / "reference"
UNIT_SEPARATOR = "\x1f"


def table(path: Path) -> pd.DataFrame:
    """Read a CSV file as trimmed text under lower-case names; an empty cell is an empty text."""
    rows = pd.read_csv(path, dtype=object, keep_default_na=False, encoding="utf-8-sig")
    rows.columns = rows.columns.str.lower()
    return rows.apply(lambda column: column.str.strip(" "))


def reference(name: str) -> pd.DataFrame:
    """Read a reference seed."""
    return table(REFERENCE / f"{name}.csv")


def cents(amounts: pd.Series) -> pd.Series:
    """Read amounts in US dollars as whole cents, without a float in between."""
    return amounts.map(lambda text: int(Decimal(text) * 100)).astype("int64")


def dollars(amount: int) -> Decimal:
    """Write whole cents as the marts do: US dollars with two places."""
    return Decimal(int(amount)).scaleb(-2)


def age_band(born: str, start: pd.Timestamp) -> str | None:
    """Ten-year band of the completed years at a start; `90+` from there on; None without a birth.

    Who was born on 29 February completes a year on 1 March where there is no such day.
    """
    if not born:
        return None
    year, month, day = map(int, born.split("-"))
    years = start.year - year - ((start.month, start.day) < (month, day))
    return "90+" if years >= 90 else f"{years // 10 * 10}-{years // 10 * 10 + 9}"


def zip3(code: str, sparse: frozenset[str]) -> str:
    """First three digits of a ZIP or ZIP+4; `000` when malformed, absent or sparsely populated."""
    known = re.fullmatch(r"(\d{3})\d{2}(-\d{4})?", code, re.ASCII)
    return known[1] if known and known[1] not in sparse else "000"


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms with one secret: SHA-256(key, SHA-256(key, purpose, owner, id)), 32 hex digits."""

    key: str = field(repr=False)

    def of(self, purpose: str, owner: str, ids: pd.Series) -> pd.Series:
        """Return the pseudonyms of source identifiers."""
        known = {name: self.one(purpose, owner, name) for name in ids.unique()}
        return ids.map(known)

    def one(self, purpose: str, owner: str, name: str) -> str:
        """Return the pseudonym of a source identifier."""
        message = UNIT_SEPARATOR.join((self.key, purpose, owner, name))
        inner = hashlib.sha256(message.encode()).hexdigest()
        return hashlib.sha256(f"{self.key}{UNIT_SEPARATOR}{inner}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Export:
    """An advocacy export in a folder; `prefix` is that of its file names."""

    folder: Path
    prefix: str = ""

    def table(self, name: str) -> pd.DataFrame:
        """Read one file of the export."""
        return table(self.folder / f"{self.prefix}{name}.csv")

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row per patient: who, from when to when, and where.

        Columns patient_id, birthdate, deathdate (empty while there is none), gender, zip3, county,
        city, lat and lon.
        """
        sparse = frozenset(reference("sparse_zip3")["zip3"])
        rows = self.table("patients").rename(columns={"id": "patient_id"})
        rows["zip3"] = rows["zip"].map(lambda code: zip3(code, sparse))
        rows[["lat", "lon"]] = rows[["lat", "lon"]].astype("float64")
        rows["gender"] = rows["gender"].where(rows["gender"] != "", None)
        persons = ["patient_id", "birthdate", "deathdate", "gender"]
        return rows[[*persons, "zip3", "county", "city", "lat", "lon"]]

    @cached_property
    def encounters(self) -> pd.DataFrame:
        """A row per encounter, with its payer, organization and patient, and service_month."""
        organizations = self.table("organizations").set_index("id")
        rows = self.table("encounters").rename(
            columns={
                "id": "encounter_id",
                "patient": "patient_id",
                "encounterclass": "encounter_class",
                "code": "encounter_code",
                "description": "encounter_name",
            }
        )
        rows["payer_name"] = rows["payer"].map(self.table("payers").set_index("id")["name"])
        rows["organization_name"] = rows["organization"].map(organizations["name"])
        for column in ("address", "city", "state", "zip"):
            rows[f"organization_{column}"] = rows["organization"].map(organizations[column])
        rows["started"] = pd.to_datetime(rows["start"], utc=True)
        rows["service_month"] = rows["started"].map(lambda start: start.date().replace(day=1))
        rows["claim"] = cents(rows["total_claim_cost"])
        rows["coverage"] = cents(rows["payer_coverage"])
        rows = rows.drop(columns=["start", "stop", "payer_coverage", "total_claim_cost"])
        rows = rows.merge(
            self.patients[["patient_id", "birthdate", "gender", "zip3", "county", "city"]],
            on="patient_id",
            validate="many_to_one",
        )
        rows["age_band"] = [
            age_band(*pair) for pair in zip(rows["birthdate"], rows["started"], strict=True)
        ]
        return rows

    @cached_property
    def procedures(self) -> pd.DataFrame:
        """A row per procedure: its code, name, specialty and cost, and what its encounter says."""
        rows = self.table("procedures").rename(columns={"code": "procedure_code"})
        rows["cost"] = cents(rows["base_cost"])
        rows["procedure_name"] = rows["procedure_code"].map(self.procedure_names)
        rows["specialty_id"] = rows["procedure_code"].map(self.specialty_of)
        columns = ["encounter", "procedure_code", "procedure_name", "specialty_id", "cost"]
        merged = rows[columns].merge(
            self.encounters, left_on="encounter", right_on="encounter_id", validate="many_to_one"
        )
        return merged.drop(columns="encounter")

    @cached_property
    def procedure_names(self) -> dict[str, str]:
        """The most frequent description of each code; among equals the first by code point."""
        counts = self.table("procedures").groupby(["code", "description"]).size()
        ordered = sorted(counts.items(), key=lambda found: (-found[1], found[0][1]))
        return {code: text for (code, text), _ in reversed(ordered)}

    @cached_property
    def specialties(self) -> pd.DataFrame:
        """The seed that groups codes: procedure_code, specialty_id, specialty_name."""
        return reference("specialties")

    @cached_property
    def groups(self) -> dict[str, str]:
        """Specialty of each code that the seed groups."""
        seed = self.specialties
        return dict(zip(seed["procedure_code"], seed["specialty_id"], strict=True))

    def specialty_of(self, code: str) -> str:
        """Return the specialty of a code: its group or itself."""
        return self.groups.get(code, code)

    @cached_property
    def specialty_names(self) -> dict[str, str]:
        """Name of each specialty: that of its group, or of its code."""
        grouped = zip(
            self.specialties["specialty_id"], self.specialties["specialty_name"], strict=True
        )
        return {**self.procedure_names, **dict(grouped)}
