"""The residency sample keeps its promises: volume, mix, progress, and the traps of real exports."""

from __future__ import annotations

import pandas as pd
import pytest

from tools.samples.files import read_list
from tools.samples.residency.exams import RETIRED_WORK_RVU

Files = dict[str, pd.DataFrame]

MODALITY_PERCENT = {
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
SITE_PERCENT = {"MAIN": 55.0, "VETERANS": 20.0, "CLINIC": 12.0, "CHILDREN": 8.0, "COUNTY": 5.0}


@pytest.fixture(scope="module")
def studies(residency: Files) -> pd.DataFrame:
    """Return the studies with modality and site by name."""
    modality = residency["modalities"].set_index("id")["modality_code"]
    site = residency["organizations"].set_index("id")["organization_code"]
    frame = residency["studies"]
    return frame.assign(
        modality=frame["modality_id"].map(modality),
        site=frame["organization_id"].map(site),
    )


@pytest.fixture(scope="module")
def cpt_lines(residency: Files) -> pd.DataFrame:
    """Return exam_to_cpt with the plain code of each line (empty where the text is none)."""
    lines = residency["exam_to_cpt"]
    code = lines["cpt"].str.strip().str.upper().str.replace(r"(-\w+|\.0)$", "", regex=True)
    return lines.assign(code=code.where(code.str.fullmatch(r"[0-9A-Z]\d{4}"), ""))


@pytest.fixture(scope="module")
def exam_categories(cpt_lines: pd.DataFrame, reference: Files) -> pd.DataFrame:
    """Return exam code by category: what a study of the exam counts for by default."""
    rules = reference["cpt_case_log_category"]
    counting = rules[(rules["counts_by_default"] == "true") & (rules["counts_alone"] == "true")]
    lines = cpt_lines.merge(counting, left_on="code", right_on="cpt")
    return lines[["exam_code", "category_id"]].drop_duplicates()


@pytest.fixture(scope="module")
def statuses(
    studies: pd.DataFrame, cpt_lines: pd.DataFrame, exam_categories: pd.DataFrame
) -> pd.Series:
    """Return the requirement status of each study."""
    with_cpt = set(cpt_lines.loc[cpt_lines["code"] != "", "exam_code"])
    status = pd.Series("unmapped", index=studies.index)
    status[studies["exam_code"].isin(with_cpt)] = "not_required"
    status[studies["exam_code"].isin(exam_categories["exam_code"])] = "required"
    return status


@pytest.fixture(scope="module")
def progress(
    studies: pd.DataFrame, exam_categories: pd.DataFrame, reference: Files
) -> pd.DataFrame:
    """Return residents by categories: completed as a part of the minimum."""
    counted = studies.merge(exam_categories, on="exam_code")
    table = pd.crosstab(counted["trainee_name"], counted["category_id"])
    minimum = reference["case_log_categories"].set_index("category_id")["required_minimum"]
    return table / minimum.astype(int)


def percent(values: pd.Series) -> dict[str, float]:
    shares = values.value_counts(normalize=True) * 100
    return {str(value): float(share) for value, share in shares.items()}


def test_volume(studies: pd.DataFrame) -> None:
    assert 78_000 <= len(studies) <= 82_000
    per_resident = studies["trainee_name"].value_counts()
    assert len(per_resident) == 25
    busy = per_resident[per_resident > 100]
    assert len(busy) == 24
    assert busy.min() >= 2_000
    assert busy.max() <= 4_600


def test_every_reference_is_valid_and_nothing_is_empty(
    studies: pd.DataFrame, residency: Files
) -> None:
    assert studies.notna().all().all()
    assert not (residency["studies"] == "").any().any()
    assert not residency["organizations"]["id"].duplicated().any()
    assert not residency["modalities"]["id"].duplicated().any()


def test_modalities_sites_and_priorities_have_their_shares(studies: pd.DataFrame) -> None:
    modalities = percent(studies["modality"])
    assert modalities.keys() == MODALITY_PERCENT.keys()
    for modality, share in MODALITY_PERCENT.items():
        assert modalities[modality] == pytest.approx(share, abs=0.6)
    sites = percent(studies["site"])
    assert sites.keys() == SITE_PERCENT.keys()
    for site, share in SITE_PERCENT.items():
        assert sites[site] == pytest.approx(share, abs=0.8)
    assert set(studies["priorities"]) == set("012345")


def test_the_academic_year_is_full_to_its_edges_and_in_order(studies: pd.DataFrame) -> None:
    finalized = studies["finalized"]
    assert finalized.str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").all()
    assert finalized.min() == "2018-07-01 00:00:00"
    assert finalized.max() == "2019-06-30 23:59:59"
    assert finalized.is_monotonic_increasing
    assert finalized.str[:10].nunique() == 365


@pytest.mark.parametrize("modality", ["MG", "PT", "IR"])
def test_rotations_come_in_blocks(studies: pd.DataFrame, modality: str) -> None:
    rows = studies[studies["modality"] == modality]
    days = pd.to_datetime(rows["finalized"]) - pd.Timestamp("2018-07-01")
    blocks = (days.dt.days // 28).clip(upper=12)
    assert blocks.groupby(rows["trainee_name"]).nunique().max() <= 3
    assert rows["trainee_name"].nunique() < 24


def test_about_55_percent_of_studies_count(statuses: pd.Series) -> None:
    shares = percent(statuses)
    assert shares["required"] == pytest.approx(55, abs=1.5)
    assert 0.2 < shares["unmapped"] < 1.5


def test_one_year_gives_45_percent_of_the_largest_minimums(progress: pd.DataFrame) -> None:
    assert len(progress.columns) == 11
    assert progress["chest_xray"].mean() == pytest.approx(0.45, abs=0.05)
    assert progress["ct_abd_pel"].mean() == pytest.approx(0.45, abs=0.05)
    is_met = progress >= 1
    assert 0.1 < is_met.to_numpy().mean() < 0.4
    assert not is_met["chest_xray"].any()
    assert is_met["mri_lower_extremity_joints"].mean() > 0.5


def test_sites_differ_in_what_they_require_and_one_is_highest(
    studies: pd.DataFrame, statuses: pd.Series
) -> None:
    table = pd.crosstab(studies["site"], statuses)
    assert table[["required", "not_required"]].to_numpy().min() >= 100
    ratio = (table["required"] / table["not_required"]).sort_values()
    assert ratio.index[-1] == "CLINIC"
    assert ratio.iloc[-1] > 1.5 * ratio.iloc[-2]


def test_work_rvus_are_those_of_the_fee_schedule(cpt_lines: pd.DataFrame) -> None:

    schedule = {row["cpt"]: row["work_rvu"] for row in read_list("residency/work_rvu_2019.csv")}
    coded = cpt_lines[cpt_lines["code"] != ""]
    assert (cpt_lines.loc[cpt_lines["code"] == "", "rvu"] == "").all()
    for code, rvu in zip(coded["code"], coded["rvu"], strict=True):
        assert rvu == (schedule | RETIRED_WORK_RVU)[code], code
    assert set(coded["code"]) - set(schedule) == set(RETIRED_WORK_RVU)


@pytest.mark.parametrize(
    ("exam", "lines"),
    [
        ("CTCAP", {"71260": "1.24", "74177": "1.82"}),
        ("MRBRMRA", {"70553": "2.29", "70544": "1.20"}),
        ("MRTOTSP", {"72156": "2.29", "72157": "2.29", "72158": "2.29"}),
        ("MGSCRT", {"77067": "0.76", "77063": "0.60"}),
        ("MGDXBT", {"77066": "1.00", " g0279": "0.60"}),
        ("MGTOMO", {"77063": "0.60"}),
        ("IRLIVCT", {"47000": "1.65", "77012": "1.50"}),
        ("IRLIVUS", {"47000": "1.65", "76942": "0.67"}),
        ("XRCHEST2C", {"71046-26": "0.22"}),
        ("XRCHEST2E", {"71046.0": "0.22"}),
        ("00417", {"71020": "0.22"}),
        ("IRFNAOLD", {"10022": "1.27", "76942": "0.67"}),
        ("XROUTSIDE", {"": ""}),
        ("XRCONSULT", {"see note": ""}),
    ],
)
def test_exams_with_several_or_blemished_lines_are_there_and_read(
    residency: Files, exam: str, lines: dict[str, str]
) -> None:
    rows = residency["exam_to_cpt"].set_index("exam_code").loc[[exam]]
    assert dict(zip(rows["cpt"], rows["rvu"], strict=True)) == lines
    assert (residency["studies"]["exam_code"] == exam).sum() >= 5


def test_an_exam_of_both_sides_has_the_same_line_twice(residency: Files) -> None:
    lines = residency["exam_to_cpt"]
    assert set(lines.loc[lines.duplicated(), "exam_code"]) == {"XRKNEEB", "MRKNEEB"}


def test_some_exam_codes_are_not_in_the_dictionary_at_all(residency: Files) -> None:
    known = set(residency["exam_to_cpt"]["exam_code"])
    studies = residency["studies"]
    unknown = studies[~studies["exam_code"].isin(known)]
    assert set(unknown["exam_code"]) == {"XRINTRA"}
    assert len(unknown) > 50


def test_codes_are_read_outside_their_validity_dates(
    studies: pd.DataFrame, cpt_lines: pd.DataFrame, reference: Files
) -> None:
    rules = reference["cpt_case_log_category"].rename(columns={"cpt": "code"})
    dated = studies.merge(cpt_lines, on="exam_code").merge(rules, on="code")
    day = dated["finalized"].str[:10]
    is_late = (dated["valid_to"] != "") & (day > dated["valid_to"])
    is_early = (dated["valid_from"] != "") & (day < dated["valid_from"])
    assert set(dated.loc[is_late, "code"]) == {"71020", "10022", "77059"}
    assert set(dated.loc[is_early, "code"]) == {"10005"}
    assert 10 <= (is_late | is_early).sum() <= 200


def test_some_rows_are_equal(residency: Files) -> None:
    studies = residency["studies"]
    assert 24 <= studies.duplicated().sum() <= 96
    assert studies.value_counts().max() == 3


def test_names_need_care(studies: pd.DataFrame) -> None:
    names = set(studies["trainee_name"])
    assert all("," in name for name in names)
    assert {"Garcia, Ana", "García, Ana", "O'Brien, Maeve", "Pereira, João, Jr."} <= names
    assert any('"' in name for name in names)


def test_the_sample_resident_has_an_ordinary_year(studies: pd.DataFrame) -> None:
    per_resident = studies["trainee_name"].value_counts()
    typical = per_resident.median()
    assert per_resident["Okafor, Chidi"] == pytest.approx(typical, rel=0.15)


def test_one_resident_has_no_counted_study(studies: pd.DataFrame, statuses: pd.Series) -> None:
    counted = set(studies.loc[statuses == "required", "trainee_name"])
    (without,) = set(studies["trainee_name"]) - counted
    rows = studies[studies["trainee_name"] == without]
    assert 5 <= len(rows) <= 30
    assert set(rows["modality"]) == {"FL"}
    assert set(statuses[rows.index]) == {"not_required"}
