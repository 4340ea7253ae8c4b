"""The exam dictionary of the residency sample: exam codes, CPT lines and their work RVUs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tools.samples.files import read_list

# Codes that had gone before 2019, with their last work RVU in the Medicare physician fee schedule
# (71020: 2017; 10022 and 77059: 2018). The list of 2019 beside this module has all the others.
RETIRED_WORK_RVU = {"71020": "0.22", "10022": "1.27", "77059": "1.63"}

# Stands in `cpt_lines` for an exam code that exam_to_cpt does not mention at all; an empty
# `cpt_lines` is a row of exam_to_cpt whose CPT is empty.
ABSENT = "?"


@dataclass(frozen=True)
class Exam:
    """One exam code of the radiology system.

    `cpt_lines` holds the CPT text of each line as exported, blemishes included. `site` is set when
    only that site offers the exam. The exam is in use from `first_day` to `last_day`.
    """

    code: str
    name: str
    modality: str
    weight: float
    cpt_lines: tuple[str, ...]
    is_listed: bool
    site: str
    first_day: date
    last_day: date

    def in_use(self, day: date) -> bool:
        """Say whether the exam could be ordered on `day`."""
        return self.first_day <= day <= self.last_day


def read_exams() -> list[Exam]:
    """Return the exam dictionary in the order of its file."""
    return [
        Exam(
            code=row["exam_code"],
            name=row["procedure_name"],
            modality=row["modality"],
            weight=float(row["weight"]),
            cpt_lines=tuple(row["cpt_lines"].split("+")),
            is_listed=row["cpt_lines"] != ABSENT,
            site=row["site"],
            first_day=date.fromisoformat(row["first_day"] or "2000-01-01"),
            last_day=date.fromisoformat(row["last_day"] or "2099-12-31"),
        )
        for row in read_list("residency/exams.csv")
    ]


def plain_code(text: str) -> str:
    """Return a CPT code as the fee schedule writes it: no blanks, modifier, `.0` or lower case."""
    return text.strip().upper().partition("-")[0].partition(".")[0]


def exam_to_cpt_rows(exams: list[Exam]) -> list[tuple[str, str, str]]:
    """Return the rows of exam_to_cpt: exam code, CPT text, work RVU.

    The RVU is empty where the text is not a code. A line written twice (both knees) is two rows.
    """
    work_rvu = {row["cpt"]: row["work_rvu"] for row in read_list("residency/work_rvu_2019.csv")}
    work_rvu.update(RETIRED_WORK_RVU)
    rows = []
    for exam in exams:
        if not exam.is_listed:
            continue
        for line in exam.cpt_lines:
            rvu = work_rvu.get(plain_code(line))
            rows.append((exam.code, line, f"{Decimal(rvu):.2f}" if rvu else ""))
    return rows
