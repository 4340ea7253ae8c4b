"""Recompute every residency mart from the CSV files with pandas, by another way than the models.

The models classify exam codes and join studies once; here every study meets each of its CPT lines
and is counted there, with RVUs as whole ten-thousandths. A difference in a single cell fails.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest

from orchestrate.driver import Connection
from orchestrate.settings import PROJECT_DIR

MIN_SITE_STUDIES = 100
Z = Decimal("1.959963984540054")
CODE = r"^\s*([0-9]{4}[0-9A-Z]|[A-Z][0-9]{4})(?:\.0)?(?:[ -]+[0-9A-Z]{2})*\s*$"

Row = tuple[object, ...]
Finding = tuple[str, str, int, str]


@dataclass(frozen=True)
class Mart:
    """A relation: the names of its columns in order, and its rows."""

    columns: list[str]
    rows: list[Row]


@dataclass(frozen=True)
class Category:
    """A case-log category and the exams that a resident must complete in it."""

    id: str
    name: str
    minimum: int


def read(path: Path) -> pd.DataFrame:
    """Read a CSV file as text; an empty cell is an empty text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def rounded(value: Decimal, places: int) -> Decimal:
    """Round halves away from zero, as PostgreSQL's numeric does."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def ratio(numerator: int, denominator: int, places: int = 6) -> Decimal | None:
    """Divide; None where the denominator is 0."""
    return rounded(Decimal(numerator) / denominator, places) if denominator else None


def rvu(units: int) -> Decimal:
    """RVUs from ten-thousandths."""
    return Decimal(int(units)).scaleb(-4)


def key(*values: str | None) -> str:
    """Hash the values as macros/keys/surrogate_key.sql describes it."""
    parts = ["-" if value is None else "=" + value.replace("\x1f", "\x1f\x1f") for value in values]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def wilson(successes: int, trials: int) -> tuple[Decimal | None, Decimal | None]:
    """Return the bounds of the Wilson score interval, from its quadratic's two roots."""
    if not trials:
        return None, None
    # The bounds are the shares s with (p - s)² = z²·s(1 - s)/n: a·s² + b·s + c = 0.
    p, n = Decimal(successes) / trials, Decimal(trials)
    a, b, c = 1 + Z * Z / n, -(2 * p + Z * Z / n), p * p
    root = (b * b - 4 * a * c).sqrt()
    return rounded((-b - root) / (2 * a), 6), rounded((-b + root) / (2 * a), 6)


@dataclass(frozen=True)
class Recomputed:
    """The residency marts of the raw files in `raw`, with the categories and map in `reference`."""

    raw: Path
    reference: Path

    @cached_property
    def categories(self) -> list[Category]:
        """Categories in order."""
        frame = read(self.reference / "case_log_categories.csv")
        minimums = map(int, frame["required_minimum"])
        return list(map(Category, frame["category_id"], frame["category_name"], minimums))

    @cached_property
    def cpt_map(self) -> pd.DataFrame:
        """The CPT map, one row per code."""
        return read(self.reference / "cpt_case_log_category.csv")

    @cached_property
    def exclusions(self) -> set[tuple[str, str]]:
        """Codes that do not count, each with the one on the same exam beside which."""
        frame = read(self.reference / "cpt_exclusions.csv")
        return set(zip(frame["cpt"], frame["beside_cpt"], strict=True))

    @cached_property
    def lines(self) -> pd.DataFrame:
        """CPT lines: exam, text, code (missing when none), units, category, counts alone."""
        frame = read(self.raw / "residency__exam_to_cpt.csv")
        on = self.cpt_map[self.cpt_map["counts_by_default"] == "true"].set_index("cpt")
        code = frame["cpt"].str.upper().str.extract(CODE)[0]
        exams = frame["exam_code"].str.strip()
        beside = code.groupby(exams).agg(set)
        counting = code.where(
            [
                not any((one, other) in self.exclusions for other in beside[exam])
                for one, exam in zip(code, exams, strict=True)
            ]
        )
        return pd.DataFrame(
            {
                "exam": exams,
                "text": frame["cpt"].str.strip(),
                "code": code,
                "has_rvu": frame["rvu"] != "",
                "units": frame["rvu"].map(lambda value: int(Decimal(value or "0") * 10_000)),
                "category": counting.map(on["category_id"]),
                "alone": counting.map(on["counts_alone"]) == "true",
            }
        )

    @cached_property
    def studies(self) -> pd.DataFrame:
        """Studies, one row per row of the export: as exported, and exam, moment, site, modality."""
        frame = read(self.raw / "residency__studies.csv")
        sites = read(self.raw / "residency__organizations.csv").set_index("id")
        modalities = read(self.raw / "residency__modalities.csv").set_index("id")
        return frame.assign(
            row=range(len(frame)),
            exam=frame["exam_code"].str.strip(),
            moment=pd.to_datetime(frame["finalized"], utc=True),
            site=frame["organization_id"].map(sites["organization_code"]),
            modality=frame["modality_id"].map(modalities["modality_code"]),
            occurrence=frame.groupby(list(frame.columns)).cumcount() + 1,
        )

    @cached_property
    def study_lines(self) -> pd.DataFrame:
        """Every study with every one of its CPT lines, and whether the line is required."""
        columns = ["row", "exam", "trainee_name", "site"]
        exploded = self.studies[columns].merge(self.lines, on="exam")
        starts = exploded[exploded["alone"]][["row", "category"]].drop_duplicates()
        return exploded.merge(starts.assign(required=True), on=["row", "category"], how="left")

    @cached_property
    def counted(self) -> pd.DataFrame:
        """Studies that count, once per category: row, trainee_name, site, category."""
        hits = self.study_lines[self.study_lines["alone"]]
        return hits[["row", "trainee_name", "site", "category"]].drop_duplicates()

    @cached_property
    def status(self) -> pd.Series[str]:
        """The status of each study, by its row."""
        status = pd.Series("unmapped", index=self.studies["row"])
        status[self.study_lines.loc[self.study_lines["code"].notna(), "row"].unique()] = (
            "not_required"
        )
        status[self.counted["row"].unique()] = "required"
        return status

    @cached_property
    def units(self) -> pd.Series[int]:
        """RVUs of each study in ten-thousandths, by its row."""
        return (
            self.study_lines.groupby("row")["units"].sum().reindex(self.status.index, fill_value=0)
        )

    @cached_property
    def residents(self) -> list[str]:
        """All names in the export."""
        return sorted(self.studies["trainee_name"].unique())

    @cached_property
    def completed(self) -> dict[Hashable, int]:
        """Counted studies by resident and category; absent when none."""
        return self.counted.groupby(["trainee_name", "category"]).size().to_dict()

    def done(self, resident: str, category: Category) -> int:
        """Count a resident's studies in a category."""
        return self.completed.get((resident, category.id), 0)

    def wide(self, cell: Callable[[int, int], object]) -> Mart:
        """One row per resident; cell(completed, minimum) in each category's column."""
        rows: list[Row] = [
            (name, *(cell(self.done(name, each), each.minimum) for each in self.categories))
            for name in self.residents
        ]
        return Mart(["resident_name", *(category.id for category in self.categories)], rows)

    def case_log_totals(self) -> Mart:
        """Resident: counted studies by category."""
        return self.wide(lambda done, _: done)

    def case_log_percentages(self) -> Mart:
        """Resident: percent of each minimum."""
        return self.wide(lambda done, minimum: ratio(100 * done, minimum))

    def case_log_status(self) -> Mart:
        """Resident: Met, or what remains."""
        return self.wide(lambda done, minimum: "Met" if done >= minimum else str(minimum - done))

    def case_log_progress(self) -> Mart:
        """Resident and category."""
        rows: list[Row] = []
        for name in self.residents:
            for category in self.categories:
                done, least = self.done(name, category), category.minimum
                percent, missing = ratio(100 * done, least), max(least - done, 0)
                labels = (name, category.id, category.name)
                rows.append((*labels, done, least, percent, missing, missing == 0))
        names = "resident_name category_id category_name completed required_minimum"
        return Mart([*names.split(), "percent_of_minimum", "remaining", "is_met"], rows)

    def case_log_group_progress(self) -> Mart:
        """Category: the whole group, gap and credit taken per resident."""
        rows: list[Row] = []
        for category in self.categories:
            least = category.minimum
            done = [self.done(name, category) for name in self.residents]
            credited = sum(min(n, least) for n in done)
            surplus = sum(max(n - least, 0) for n in done)
            remaining = sum(max(least - n, 0) for n in done)
            figures = (sum(done), credited, surplus, remaining, least * len(done))
            rows.append((category.id, category.name, *figures))
        names = "category_id category_name completed credited surplus remaining required_total"
        return Mart(names.split(), rows)

    def rvu_by_requirement(self) -> Mart:
        """Resident: RVUs by line and by whole study."""
        lines, names = self.study_lines, self.studies["trainee_name"].to_numpy()
        required = lines["required"].notna().to_numpy()
        by_line = lines["units"].groupby([lines["trainee_name"], required]).sum().to_dict()
        by_study = self.units.groupby([names, self.status]).sum().to_dict()
        rows: list[Row] = []
        for name in self.residents:
            split = [by_line.get((name, is_required), 0) for is_required in (True, False)]
            whole = [by_study.get((name, s), 0) for s in ("required", "not_required", "unmapped")]
            rows.append((name, *map(rvu, (*split, sum(split), *whole))))
        columns = "resident_name required_rvu not_required_rvu total_rvu required_study_rvu"
        return Mart([*columns.split(), "not_required_study_rvu", "unmapped_study_rvu"], rows)

    @cached_property
    def site_counts(self) -> dict[str, Counter[str]]:
        """Studies by status for every site of the export."""
        sites = read(self.raw / "residency__organizations.csv")["organization_code"]
        at = self.studies["site"].to_numpy()
        return {site: Counter(self.status.to_numpy()[at == site]) for site in sites}

    @cached_property
    def highest_site(self) -> str | None:
        """The site with the highest share of required studies, of those with enough."""
        enough = {
            site: Decimal(n["required"]) / (n["required"] + n["not_required"])
            for site, n in self.site_counts.items()
            if n["required"] + n["not_required"] >= MIN_SITE_STUDIES
        }
        return min(enough, key=lambda site: (-enough[site], site)) if enough else None

    def site_requirement_ratio(self) -> Mart:
        """Site: required against not required, with the Wilson interval of the share."""
        lines = self.study_lines
        required = lines["required"].notna().to_numpy()
        units = lines["units"].groupby([lines["site"], required]).sum().to_dict()
        rows: list[Row] = []
        for site, n in self.site_counts.items():
            yes, no = n["required"], n["not_required"]
            shares = (ratio(yes, no), ratio(yes, yes + no), *wilson(yes, yes + no))
            for_it, other = (units.get((site, is_required), 0) for is_required in (True, False))
            above = yes + no >= MIN_SITE_STUDIES
            measures = (rvu(for_it), rvu(other), ratio(for_it, other), MIN_SITE_STUDIES, above)
            rows.append(
                (site, yes, no, n["unmapped"], *shares, *measures, site == self.highest_site)
            )
        names = (
            "organization_code required_studies not_required_studies unmapped_studies ratio"
            " required_share share_low share_high required_rvu not_required_rvu rvu_ratio"
            " min_site_studies is_above_floor is_highest"
        )
        return Mart(names.split(), rows)

    def best_site_category_ratio(self) -> Mart:
        """Category: its studies at the highest site against all not-required studies there."""
        assert self.highest_site is not None, "the sample has a site with enough studies"
        here = Counter(self.counted.loc[self.counted["site"] == self.highest_site, "category"])
        no = self.site_counts[self.highest_site]["not_required"]
        rows: list[Row] = [
            (self.highest_site, each.id, each.name, here[each.id], no, ratio(here[each.id], no))
            for each in self.categories
        ]
        names = "organization_code category_id category_name category_studies not_required_studies"
        return Mart([*names.split(), "ratio"], rows)

    def fct_studies(self) -> Mart:
        """Study."""
        studies = self.studies
        texts = studies.assign(finalized=studies["moment"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f"))
        values = texts[list(read(self.raw / "residency__studies.csv").columns)].to_numpy()
        ids = [
            key(key(*(value or None for value in row)), str(occurrence))
            for row, occurrence in zip(values, studies["occurrence"], strict=True)
        ]
        moments = [moment.to_pydatetime() for moment in studies["moment"]]
        first_years = [moment.year - (moment.month < 7) for moment in moments]
        rows: list[Row] = list(
            zip(
                ids,
                studies["trainee_name"],
                studies["site"],
                studies["modality"],
                (exam or None for exam in studies["exam"]),
                (name.strip() or None for name in studies["procedure_name"]),
                (priority.strip() or None for priority in studies["priorities"]),
                moments,
                (f"{year}-{year + 1}" for year in first_years),
                self.status,
                map(rvu, self.units),
                strict=True,
            )
        )
        names = "study_id resident_name organization_code modality_code exam_code procedure_name"
        rest = "priority finalized_at academic_year requirement_status rvu"
        return Mart([*names.split(), *rest.split()], rows)

    def study_categories(self) -> Mart:
        """Study and category: the first of the codes that make it count there."""
        ids = [row[0] for row in self.fct_studies().rows]
        hits = self.study_lines[self.study_lines["alone"]]
        codes = hits.groupby(["row", "trainee_name", "category"])["code"].min()
        rows: list[Row] = [
            (ids[row], category, resident, code)
            for (row, resident, category), code in codes.to_dict().items()
        ]
        return Mart(["study_id", "category_id", "resident_name", "cpt_code"], rows)

    def coverage(self) -> Mart:
        """One row: the whole export."""
        moments = sorted(self.studies["moment"])
        first, last = moments[0].to_pydatetime(), moments[-1].to_pydatetime()
        counts = (len(moments), len(self.residents))
        names = "source first_finalized_at last_finalized_at study_count resident_count as_of"
        return Mart(names.split(), [("sample", first, last, *counts, last.date())])

    def data_findings(self) -> Mart:
        """Return the findings."""
        found = itertools.chain(
            self._unmapped(),
            self._repeated(),
            self._outside_validity(),
            self._odd_lines(),
            self._adding_up(),
        )
        rows: list[Row] = [(key(kind, about), kind, about, n, why) for kind, about, n, why in found]
        return Mart(["finding_id", "finding", "subject", "study_count", "detail"], rows)

    def code_review(self) -> Mart:
        """Code: what the map says of it, and the cells that switching it alone would change."""
        carried = self.study_lines[["row", "code"]].drop_duplicates()
        reads = Counter(carried["code"].dropna())
        exams = self.studies["procedure_name"].str.strip()
        names = carried.assign(
            name=carried["row"].map(dict(zip(self.studies["row"], exams, strict=True)))
        )
        example = {
            str(code): min(Counter(found[found != ""]).items(), key=lambda one: (-one[1], one[0]))[
                0
            ]
            for code, found in names.groupby("code")["name"]
            if (found != "").any()
        }
        units = self.study_lines.groupby("code")["units"].sum()
        known = {str(row["cpt"]): row for _, row in self.cpt_map.iterrows()}
        now = {code for code, row in known.items() if row["counts_by_default"] == "true"}
        met = self._met(now)
        rows: list[Row] = []
        for code in sorted(set(self.lines["code"].dropna())):
            said: Row = (False, None, None, None, None)
            change: int | None = None
            note: str | None = None
            if (row := known.get(code)) is not None:
                on, alone = (row[name] == "true" for name in ("counts_by_default", "counts_alone"))
                said = (True, row["category_id"], on, alone, row["confidence"])
                change, note = len(met ^ self._met(now ^ {code})), row["note"] or None
            measures = (reads[code], rvu(units.get(code, 0)), change, note)
            rows.append((code, example.get(code), *said, *measures))
        header = (
            "cpt_code example_exam is_known category_id counts_by_default counts_alone confidence"
        )
        return Mart([*header.split(), "study_count", "rvu", "met_change", "note"], rows)

    def _met(self, on: set[str]) -> set[tuple[str, str]]:
        """Residents and categories that are met where these codes count."""
        rows = self.cpt_map[self.cpt_map["cpt"].isin(on) & (self.cpt_map["counts_alone"] == "true")]
        categories = dict(zip(rows["cpt"], rows["category_id"], strict=True))
        codes = self.lines.dropna(subset="code").groupby("exam")["code"].agg(set)
        done: Counter[tuple[str, str]] = Counter()
        for (resident, exam), n in self.reads.items():
            counting = {
                categories[code]
                for code in codes.get(exam, set())
                if code in categories
                and not any((code, other) in self.exclusions for other in codes[exam])
            }
            done.update({(resident, category): n for category in counting})
        least = {category.id: category.minimum for category in self.categories}
        return {cell for cell, n in done.items() if n >= least[cell[1]]}

    @cached_property
    def reads(self) -> Counter[tuple[str, str]]:
        """Studies by resident and exam."""
        return Counter(zip(self.studies["trainee_name"], self.studies["exam"], strict=True))

    def _unmapped(self) -> Iterator[Finding]:
        exams = self.studies.loc[(self.status == "unmapped").to_numpy(), "exam"]
        for exam, n in Counter(exams).items():
            detail = "No line of the exam code in exam_to_cpt holds a CPT code."
            if exam not in set(self.lines["exam"]):
                detail = "The exam code has no line in exam_to_cpt."
            if not exam:
                detail = "These studies carry no exam code."
            yield "unmapped_exam_code", exam or "(no exam code)", n, detail

    def _repeated(self) -> Iterator[Finding]:
        detail = "Rows equal to an earlier row in every column; all of them count."
        for exam, n in Counter(self.studies.loc[self.studies["occurrence"] > 1, "exam"]).items():
            yield "equal_rows", exam or "(no exam code)", n, detail

    def _outside_validity(self) -> Iterator[Finding]:
        days = self.studies["moment"].dt.strftime("%Y-%m-%d").tolist()
        carried = self.study_lines[["row", "code"]].drop_duplicates()
        for code, first, last, successor in zip(
            *(self.cpt_map[name] for name in ("cpt", "valid_from", "valid_to", "replaced_by")),
            strict=True,
        ):
            if not first and not last:
                continue
            rows = carried.loc[carried["code"] == code, "row"]
            outside = sum(not (first or "0000") <= days[row] <= (last or "9999") for row in rows)
            detail = "Treated as at any other time. Valid"
            detail += (f" from {first}" if first else "") + (f" to {last}" if last else "")
            detail += f", replaced by {successor}." if successor else "."
            if outside:
                yield "code_outside_validity", code, outside, detail

    def _odd_lines(self) -> Iterator[Finding]:
        reads = Counter(self.studies["exam"])
        lines = self.lines
        odd = lines[lines["code"].isna() & (lines["text"] != "")]
        detail = "Has not the shape of a CPT or HCPCS code; read as a line without one."
        for text in set(odd["text"]):
            exams = set(odd.loc[odd["text"] == text, "exam"])
            yield "unrecognised_cpt_text", text, sum(reads[exam] for exam in exams), detail
        without = Counter(lines.loc[lines["code"].notna() & ~lines["has_rvu"], "exam"])
        for exam, n in without.items():
            yield "missing_rvu", exam, reads[exam], f"CPT codes without RVU, counted as 0: {n}."

    def _adding_up(self) -> Iterator[Finding]:
        reads = Counter(self.studies["exam"])
        coded = self.lines[self.lines["code"].notna()]
        again = coded[coded.duplicated(["exam", "text"])].groupby("exam")["units"].sum()
        detail = (
            "One CPT code stands on several lines, whose RVUs add up: right for both sides, wrong"
            " for a line that was repeated. At stake: {:.2f} RVU."
        )
        for exam, units in again.items():
            at_stake = reads[exam] * Decimal(int(units)) / 10_000
            yield "repeated_cpt_line", str(exam), reads[exam], detail.format(at_stake)
        detail = (
            "Each of these studies counts in {}: right for an exam of several parts, wrong for a"
            " code that means one exam here and another there. At stake: {:.2f} RVU."
        )
        rvus = self.lines.groupby("exam")["units"].sum()
        for exam, categories in coded[coded["alone"]].groupby("exam")["category"].unique().items():
            if len(categories) > 1:
                at_stake = reads[exam] * Decimal(int(rvus[exam])) / 10_000
                named = ", ".join(sorted(categories))
                yield "several_categories", str(exam), reads[exam], detail.format(named, at_stake)


MARTS = [
    name
    for name, member in vars(Recomputed).items()
    if getattr(member, "__annotations__", {}).get("return") == "Mart" and name != "wide"
]


@pytest.fixture(scope="module")
def recomputed() -> Recomputed:
    """Return the marts of the shipped sample."""
    return Recomputed(PROJECT_DIR / "seeds" / "residency", PROJECT_DIR / "seeds" / "reference")


def select(warehouse: Connection, query: str) -> Mart:
    """Return what a query finds, and leave no transaction open."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(query)
        return Mart([column.name for column in cursor.description or ()], cursor.fetchall())


@pytest.mark.parametrize("name", MARTS)
def test_mart_equals_its_recomputation(
    name: str, recomputed: Recomputed, warehouse: Connection
) -> None:
    expected: Mart = getattr(recomputed, name)()
    found = select(warehouse, f"select * from residency.{name}")
    assert found.columns == expected.columns
    assert not list(Counter(expected.rows) - Counter(found.rows))[:5], "missing"
    assert not list(Counter(found.rows) - Counter(expected.rows))[:5], "unexpected"


def test_every_published_residency_relation_is_recomputed(warehouse: Connection) -> None:
    tables = select(warehouse, "select tablename from pg_tables where schemaname = 'residency'")
    assert {table for (table,) in tables.rows} == set(MARTS)
