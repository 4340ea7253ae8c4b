"""Exports made from a part of the samples: canaries, odd ages and ZIPs, hostile texts.

A canary is a value that stands nowhere else, so that finding it anywhere tells where it came from.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from orchestrate.settings import PROJECT_DIR

Row = dict[str, str]

# In every text that identifies somebody or that nobody has to see, followed by column and row.
MARK = "qanary"
# The last digits of every place of a home or hospital, and of amounts that are not shown.
DIGITS = "31337313"
SEEDS = PROJECT_DIR / "seeds"
HOSPICE = ("385763009", "305336008")
RESIDENT = "Okafor, Chidi"
# Every fifth patient of the sample, besides those with hospice care.
PART = 5
STUDIES = 400

# Columns of patients, encounters, procedures, payers and organizations that hold a marked text …
MARKED = {
    "patients": (
        "prefix", "first", "last", "suffix", "maiden", "marital", "race", "ethnicity", "birthplace",
        "address",
    ),
    "encounters": ("reasoncode",),
    "procedures": ("reasoncode",),
    "payers": ("address", "city", "state_headquartered", "phone"),
    "organizations": (),
}  # fmt: skip
# … and the keys, which the files share.
KEYS = {
    "patients": {"id": "patient"},
    "encounters": {
        "id": "encounter", "patient": "patient", "payer": "payer", "organization": "organization",
    },
    "procedures": {"patient": "patient", "encounter": "encounter"},
    "payers": {"id": "payer"},
    "organizations": {"id": "organization"},
}  # fmt: skip
ODD_ZIPS = ("", "2", "02", "0213", "03690", "06399-1234", "2134", "0213A", "021345", "O2134")
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<b>bold</b> & <a href='javascript:alert(2)'>link</a>",
    "<img src=x onerror=alert(3)> \"quoted\" 'single'",
    '=HYPERLINK("https://example.org")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-2+3",
    "＝1+1",  # noqa: RUF001 - a full-width twin, as an attacker writes it
    "García-Müller, José Ñ",
    "<!-- <style>body{display:none}</style>",
)


@dataclass
class Altered:
    """The altered exports, and what is odd about whom."""

    residency: Path
    advocacy: Path
    # Patients who have their 90th birthday at their last encounter, or a day later.
    ninety: set[str] = field(default_factory=set)
    almost: set[str] = field(default_factory=set)
    # The odd ZIP of a patient.
    odd_zips: dict[str, str] = field(default_factory=dict)

    def values(self, file: str, column: str) -> set[str]:
        """Return what a column of the advocacy export holds, without the empty text."""
        return {row[column] for row in read(self.advocacy / f"{file}.csv")} - {""}


def alter(folder: Path) -> Altered:
    """Write both exports below a folder."""
    made = Altered(folder / "residency", folder / "advocacy")
    for path in (made.residency, made.advocacy):
        path.mkdir(parents=True)
    _alter_advocacy(made)
    _alter_residency(made.residency)
    return made


def read(path: Path) -> list[Row]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _alter_advocacy(made: Altered) -> None:
    tables = {name: read(SEEDS / "advocacy" / f"advocacy__{name}.csv") for name in KEYS}
    _keep_a_part(tables)
    _mark(tables)
    patients, encounters = tables["patients"], tables["encounters"]
    _make_old(made, patients, encounters)
    for number, patient in enumerate(patients):
        patient["zip"] = f"02{900 - number:03}" if patient["zip"] else ""
        patient["lat"], patient["lon"] = (
            f"{float(patient[axis]):.4f}{DIGITS}" for axis in ("lat", "lon")
        )
        if patient["city"] == "Quincy":
            patient["city"] = f"Quincy {HOSTILE[0]}"
    for patient, zip_code in zip(patients[::7], ODD_ZIPS, strict=False):
        patient["zip"] = made.odd_zips[patient["id"]] = zip_code
    for number, encounter in enumerate(encounters):
        encounter["base_encounter_cost"] = f"{DIGITS}{number:05}.71"
        encounter["reasondescription"] = f"{MARK} reason {number}"
        if encounter["code"] in HOSPICE:
            encounter["reasondescription"] += " of terminal care, HOSPICE, palliation"
    for number, procedure in enumerate(tables["procedures"]):
        procedure["reasondescription"] = f"{MARK} reason {number}"
        if procedure["code"] in HOSPICE:
            procedure["reasondescription"] += " of terminal care, HOSPICE, palliation"
            procedure["description"] = "HOSPICE care in another spelling"
    _make_hostile(tables)
    for name, rows in tables.items():
        write(made.advocacy / f"{name}.csv", rows)


def _keep_a_part(tables: dict[str, list[Row]]) -> None:
    """Keep whole patients."""
    cared = {row["patient"] for row in tables["procedures"] if row["code"] in HOSPICE}
    payers = {row["id"]: row["name"] for row in tables["payers"]}
    cared &= {row["patient"] for row in tables["encounters"] if payers[row["payer"]] == "Humana"}
    kept = {
        row["id"]
        for number, row in enumerate(tables["patients"])
        if number % PART == 0 or row["id"] in cared
    }
    for name, column in (("patients", "id"), ("encounters", "patient"), ("procedures", "patient")):
        tables[name] = [row for row in tables[name] if row[column] in kept]


def _mark(tables: dict[str, list[Row]]) -> None:
    numbers: dict[tuple[str, str], str] = {}
    for name, rows in tables.items():
        for number, row in enumerate(rows):
            for column, what in KEYS[name].items():
                key = (what, row[column])
                row[column] = numbers.setdefault(key, f"{MARK}-{what}-{len(numbers):06}")
            for column in MARKED[name]:
                row[column] = f"{MARK} {column} {number}"


def _make_old(made: Altered, patients: list[Row], encounters: list[Row]) -> None:
    """Let patients be 90 on the day of their last encounter, and others on the day after."""
    last: dict[str, str] = {}
    for encounter in encounters:
        day = encounter["start"][:10]
        last[encounter["patient"]] = max(day, last.get(encounter["patient"], day))
    for number, patient in enumerate(patients):
        day = date.fromisoformat(last[patient["id"]])
        # Days that some month lacks would make the arithmetic another test's.
        if not 2 <= day.day <= 27:
            continue
        if number % 6 in (1, 2):
            is_ninety = number % 6 == 1
            (made.ninety if is_ninety else made.almost).add(patient["id"])
            born = day.replace(year=day.year - 90, day=day.day + (not is_ninety))
            patient["birthdate"], patient["deathdate"] = str(born), ""


def _make_hostile(tables: dict[str, list[Row]]) -> None:
    """Rename what is shown: the most frequent procedures and encounters, the hospital."""
    for name, rows in tables.items():
        if name in ("encounters", "procedures"):
            counts: dict[str, int] = {}
            for row in rows:
                counts[row["code"]] = counts.get(row["code"], 0) + 1
            ordered = sorted(counts, key=lambda code: (-counts[code], code))
            names = dict(zip((one for one in ordered if one not in HOSPICE), HOSTILE, strict=False))
            for row in rows:
                row["description"] = names.get(row["code"], row["description"])
    (hospital,) = tables["organizations"]
    hospital["name"], hospital["address"] = HOSTILE[1], HOSTILE[3]
    hospital["lat"], hospital["lon"] = f"42.3652{DIGITS}", f"-71.0301{DIGITS}"


def _alter_residency(folder: Path) -> None:
    tables = {
        name: read(SEEDS / "residency" / f"residency__{name}.csv")
        for name in ("studies", "organizations", "modalities", "exam_to_cpt")
    }
    studies = tables["studies"] = tables["studies"][:: len(tables["studies"]) // STUDIES]
    for number, study in enumerate(studies):
        # One resident has a login, whose rows are those of nobody else.
        study["trainee_name"] = (*HOSTILE, RESIDENT)[number % (len(HOSTILE) + 1)]
        study["procedure_name"] = HOSTILE[number // 2 % len(HOSTILE)]
    for organization, name in zip(tables["organizations"], HOSTILE, strict=False):
        organization["organization_code"] = name
    for name, rows in tables.items():
        write(folder / f"{name}.csv", rows)


# How a date may be written.
_SPELLINGS: tuple[Callable[[date], str], ...] = (
    str,
    lambda day: f"{day:%Y%m%d}",
    lambda day: f"{day:%m/%d/%Y}",
    lambda day: f"{day:%d.%m.%Y}",
)
_DATES = re.compile(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}|\d\d\.\d\d\.\d{4}|(?<!\d)\d{8}(?!\d)")
_ZIPS = re.compile(r"(?<![\w.])\d{5}(?:-\d{4})?(?![\w.])")


class Canaries:
    """Everything that may stand in no output, to be searched in any text."""

    def __init__(self, made: Altered) -> None:
        dates = made.values("patients", "birthdate") | made.values("patients", "deathdate")
        # Days of studies are shown, to the minute.
        dates -= {row["finalized"][:10] for row in read(made.residency / "studies.csv")}
        self.dates = dates
        self._spelled = {
            spelled(date.fromisoformat(one)) for one in dates for spelled in _SPELLINGS
        }
        self._moments = {
            moment[:-1].replace("T", separator)
            for file in ("encounters", "procedures")
            for column in ("start", "stop")
            for moment in made.values(file, column)
            for separator in "T "
        }
        hospitals = made.values("organizations", "zip")
        self._zips = made.values("patients", "zip") | made.values("payers", "zip")
        self._zips = {one for one in self._zips if _ZIPS.fullmatch(one)} - hospitals

    def found_in(self, text: str) -> set[str]:
        """Return the canaries in a text."""
        lower = text.casefold()
        found = {DIGITS} if DIGITS in lower else set()
        if MARK in lower:
            found |= set(re.findall(rf"{MARK}[-\w ]{{0,24}}", lower))
        found |= self._spelled.intersection(_DATES.findall(text))
        found |= self._zips.intersection(_ZIPS.findall(text))
        moments = re.findall(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", text)
        return found | self._moments.intersection(moments)
