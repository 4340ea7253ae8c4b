"""The residency sample: one academic year of studies that 25 residents finalized at five sites.

Volumes follow what programs report: about 3,200 studies per resident and year, more with
seniority; mammography, nuclear medicine with PET, and procedures come in rotation blocks. A few
blemishes of real exports are in it on purpose: equal rows, CPT text with modifiers, blanks or
`.0`, retired codes, exam codes without a CPT, and names that need care.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tools.samples.files import SampleFile, read_list
from tools.samples.randomness import RandomNumbers, Weighted
from tools.samples.residency.exams import Exam, exam_to_cpt_rows, read_exams

SEED = 20180701
FIRST_DAY = date(2018, 7, 1)
LAST_DAY = date(2019, 6, 30)
BLOCK_DAYS = 28
BLOCKS = 13
STUDIES_PER_RESIDENT = 3340
DUPLICATES = 48

RESEARCH_RESIDENT = "Whitfield, Rosalind"
RESEARCH_STUDIES = 14

VOLUME_BY_YEAR = {"1": 0.80, "2": 1.02, "3": 1.09, "4": 1.10}
MODALITIES = ("XR", "CT", "US", "MR", "MG", "FL", "NM", "PT", "IR")
MODALITY_SHARE = {
    "XR": 48.0,
    "CT": 26.5,
    "US": 9.0,
    "MR": 7.5,
    "MG": 4.0,
    "FL": 2.0,
    "NM": 1.5,
    "PT": 0.7,
    "IR": 0.8,
}
# How many blocks of each rotation a resident has is in these columns of the list of residents.
BLOCK_COLUMNS = {
    "breast": "breast_blocks",
    "nuclear": "nuclear_blocks",
    "procedures": "procedure_blocks",
}
ROTATION = {"MG": "breast", "NM": "nuclear", "PT": "nuclear", "IR": "procedures"}

SITES = ("MAIN", "VETERANS", "CLINIC", "CHILDREN", "COUNTY")
# Percent of a modality's studies read at MAIN, VETERANS, CLINIC, CHILDREN, COUNTY. Overall this
# makes 55, 20, 12, 8 and 5 percent.
SITE_SHARE: dict[str, tuple[float, ...]] = {
    "XR": (56.0, 21.3, 8.0, 9.5, 5.2),
    "CT": (60.5, 22.5, 7.5, 3.5, 6.0),
    "US": (48.0, 14.0, 19.0, 14.0, 5.0),
    "MR": (51.0, 19.5, 19.5, 7.0, 3.0),
    "MG": (30.0, 6.0, 64.0, 0.0, 0.0),
    "FL": (52.0, 15.0, 4.0, 24.0, 5.0),
    "NM": (66.0, 28.0, 4.0, 2.0, 0.0),
    "PT": (74.0, 26.0, 0.0, 0.0, 0.0),
    "IR": (70.0, 24.0, 3.0, 1.0, 2.0),
}

PRIORITY_BY_DAY = Weighted(zip("012345", (1.5, 12.0, 16.0, 52.0, 13.0, 5.5), strict=True))
PRIORITY_BY_NIGHT = Weighted(zip("012345", (5.0, 47.0, 22.0, 22.0, 3.0, 1.0), strict=True))
HOURS = Weighted(
    enumerate((2, 2, 2, 1, 1, 1, 2, 4, 8, 10, 11, 10, 7, 8, 10, 10, 9, 7, 5, 4, 4, 4, 3, 3))
)
WEEKEND_WEIGHT = 0.42


@dataclass(frozen=True)
class Resident:
    """A resident's expected volume and the blocks (0 to 12) of each rotation."""

    name: str
    volume: float
    blocks: dict[str, tuple[int, ...]]


@dataclass(frozen=True, order=True)
class Study:
    """One study as exported; the order is that of the file."""

    finalized: datetime
    resident: str
    exam_code: str
    priority: str
    procedure_name: str
    modality: str
    site: str


class StudyGenerator:
    """Draws studies: the exam within a modality, its site, its moment and its priority."""

    def __init__(self, rng: RandomNumbers, exams: list[Exam]) -> None:
        self._rng = rng
        self._by_modality = {
            modality: Weighted((exam, exam.weight) for exam in exams if exam.modality == modality)
            for modality in MODALITIES
        }
        self._sites = {
            modality: Weighted(zip(SITES, shares, strict=True))
            for modality, shares in SITE_SHARE.items()
        }

    def study(self, resident: str, modality: str, days: Weighted[date]) -> Study:
        """Return one study of `resident` on one of `days`."""
        rng = self._rng
        day = rng.weighted_choice(days)
        exam = rng.weighted_choice(self._by_modality[modality])
        while not exam.in_use(day):
            exam = rng.weighted_choice(self._by_modality[modality])
        hour = rng.weighted_choice(HOURS)
        moment = time(hour, rng.randint(0, 59), rng.randint(0, 59))
        priority = rng.weighted_choice(PRIORITY_BY_DAY if 7 <= hour < 18 else PRIORITY_BY_NIGHT)
        site = exam.site or rng.weighted_choice(self._sites[modality])
        return study_of(exam, resident, datetime.combine(day, moment), priority, site)


def study_of(exam: Exam, resident: str, moment: datetime, priority: str, site: str) -> Study:
    """Return a study of `exam` as its row says it."""
    return Study(moment, resident, exam.code, priority, exam.name, exam.modality, site)


def residency_files() -> list[SampleFile]:
    """Return the four files of the residency export, studies by the time they were finalized."""
    exams = read_exams()
    rng = RandomNumbers(SEED)
    studies = sorted(all_studies(rng, exams))
    studies = with_duplicates(rng, studies)
    modality_id = {code: str(number) for number, code in enumerate(MODALITIES, start=1)}
    site_id = {code: str(100 + number) for number, code in enumerate(SITES, start=1)}
    rows = [
        (
            study.priority,
            study.exam_code,
            study.procedure_name,
            study.resident,
            study.finalized.isoformat(sep=" "),
            modality_id[study.modality],
            site_id[study.site],
        )
        for study in studies
    ]
    header = (
        "priorities",
        "exam_code",
        "procedure_name",
        "trainee_name",
        "finalized",
        "modality_id",
        "organization_id",
    )
    return [
        SampleFile("residency__studies.csv", header, rows),
        SampleFile(
            "residency__organizations.csv",
            ("id", "organization_code"),
            [(site_id[code], code) for code in SITES],
        ),
        SampleFile(
            "residency__modalities.csv",
            ("id", "modality_code"),
            [(modality_id[code], code) for code in MODALITIES],
        ),
        SampleFile(
            "residency__exam_to_cpt.csv",
            ("exam_code", "cpt", "rvu", "organization_id", "organization_code"),
            # Every exam code means the same at all sites.
            [(*line, "", "") for line in exam_to_cpt_rows(exams)],
        ),
    ]


def all_studies(rng: RandomNumbers, exams: list[Exam]) -> Iterator[Study]:
    """Yield the studies of everyone, in no particular order, the edges of the year among them."""
    generator = StudyGenerator(rng, exams)
    by_code = {exam.code: exam for exam in exams}
    residents = draw_residents(rng)
    blocks = {resident.name: rotation_days(resident) for resident in residents}
    everyday = [modality for modality in MODALITIES if modality not in ROTATION]
    everyday_modalities = Weighted((modality, MODALITY_SHARE[modality]) for modality in everyday)
    for resident in residents:
        counts = rotation_counts(rng, resident, residents)
        days = blocks[resident.name]
        for modality, count in counts.items():
            for _ in range(count):
                yield generator.study(resident.name, modality, days[ROTATION[modality]])
        rest = int(resident.volume * everyday_share(everyday))
        for _ in range(rest):
            yield generator.study(
                resident.name, rng.weighted_choice(everyday_modalities), days["other"]
            )

    whole_year = Weighted((day, day_weight(day)) for day in days_between(FIRST_DAY, LAST_DAY))
    for _ in range(RESEARCH_STUDIES):
        yield generator.study(RESEARCH_RESIDENT, "FL", whole_year)

    start = datetime.combine(FIRST_DAY, time(0, 0, 0))
    end = datetime.combine(LAST_DAY, time(23, 59, 59))
    yield study_of(by_code["XRCHEST1P"], "Tan, Wei Ling", start, "1", "MAIN")
    yield study_of(by_code["CTCAP"], "Okafor, Chidi", end, "1", "MAIN")
    yield study_of(by_code["XRCHEST2"], "O'Brien, Maeve", end, "2", "COUNTY")


def draw_residents(rng: RandomNumbers) -> list[Resident]:
    """Return the residents with their volume of the year and their rotation blocks."""
    residents = []
    for row in read_list("residency/residents.csv"):
        factor = min(max(rng.gauss(1.0, 0.10), 0.75), 1.25)
        counts = {rotation: int(row[column]) for rotation, column in BLOCK_COLUMNS.items()}
        open_blocks = list(range(BLOCKS))
        blocks = {}
        for rotation, count in counts.items():
            chosen = [open_blocks.pop(rng.randint(0, len(open_blocks) - 1)) for _ in range(count)]
            blocks[rotation] = tuple(sorted(chosen))
        blocks["other"] = tuple(open_blocks)
        volume = STUDIES_PER_RESIDENT * VOLUME_BY_YEAR[row["training_year"]] * factor
        residents.append(Resident(row["resident_name"], volume, blocks))
    return residents


def rotation_days(resident: Resident) -> dict[str, Weighted[date]]:
    """Return the days of each rotation, weekends lighter; the usual reading goes on elsewhere.

    In a block of another rotation a resident reads the usual work on call only.
    """
    special = {
        rotation: Weighted(
            (day, day_weight(day)) for block in resident.blocks[rotation] for day in days_of(block)
        )
        for rotation in BLOCK_COLUMNS
        if resident.blocks[rotation]
    }
    usual = set(resident.blocks["other"])
    special["other"] = Weighted(
        (day, day_weight(day) * (1.0 if block in usual else 0.25))
        for block in range(BLOCKS)
        for day in days_of(block)
    )
    return special


def rotation_counts(
    rng: RandomNumbers, resident: Resident, everyone: list[Resident]
) -> dict[str, int]:
    """Return how many studies of each rotation-bound modality a resident reads.

    The modality's share of all studies is divided by volume and number of blocks.
    """
    total = portable_sum(one.volume for one in everyone)
    counts = {}
    for modality, rotation in ROTATION.items():
        all_weights = portable_sum(one.volume * len(one.blocks[rotation]) for one in everyone)
        weight = resident.volume * len(resident.blocks[rotation])
        expected = total * MODALITY_SHARE[modality] / 100.0 * weight / all_weights
        counts[modality] = int(expected * min(max(rng.gauss(1.0, 0.09), 0.7), 1.3))
    return counts


def with_duplicates(rng: RandomNumbers, studies: list[Study]) -> list[Study]:
    """Return the studies with some of them exported twice, one three times."""
    repeated = [int(rng.random() * len(studies)) for _ in range(DUPLICATES - 1)]
    repeated.append(repeated[0])
    return sorted(studies + [studies[index] for index in repeated])


def everyday_share(everyday: list[str]) -> float:
    """Return the part of all studies that is of no rotation-bound modality."""
    return portable_sum(MODALITY_SHARE[modality] for modality in everyday) / 100.0


def portable_sum(numbers: Iterator[float]) -> float:
    """Add numbers one by one: `sum` rounds differently from Python 3.12 on."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def days_of(block: int) -> Iterator[date]:
    """Yield the days of a rotation block; the last block takes the rest of the year."""
    first = FIRST_DAY + timedelta(days=BLOCK_DAYS * block)
    last = LAST_DAY if block == BLOCKS - 1 else first + timedelta(days=BLOCK_DAYS - 1)
    yield from days_between(first, last)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def day_weight(day: date) -> float:
    """Return how many studies a day brings, relative to a working day."""
    return WEEKEND_WEIGHT if day.weekday() >= 5 else 1.0
