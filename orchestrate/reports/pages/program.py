"""The residency program's pages: case logs (part 2) and graphs (part 3).

A resident's login reads the same relations, of which the ones per resident hold its own rows only;
the pages then say so and speak of one person.
"""

from __future__ import annotations

import pandas as pd

from orchestrate.reports import figures, findings, tables
from orchestrate.reports.data import ResidencyData
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.headlines import residency_headlines
from orchestrate.reports.pages.export_findings import findings_section
from orchestrate.reports.pages.layout import Folder, Page, Section
from orchestrate.reports.tables import Column
from orchestrate.reports.text import NOTHING, integer

OWN_ROWS_NOTICE = (
    "This membership sees one resident's own rows. Figures of the whole group and of the sites "
    "cover everybody."
)
_RESIDENT = Column("resident_name", "Resident")
_CATEGORY = Column("category_name", "Category")
_SITE = Column("organization_code", "Site")
_CODE = Column("cpt_code", "Code")
_SWITCHES = ("is_known", "counts_by_default", "counts_alone")


def program_folder(data: ResidencyData, *, own_rows_only: bool = False) -> Folder:
    """Lay out the program's folder; `own_rows_only` for the login of one resident."""
    introduction = [
        "Case logs of the residency program against the minimums of the ACGME Review "
        "Committee for diagnostic radiology. The minimums are for the whole four-year residency; "
        "what is counted here is what the export covers, so one year of studies cannot by itself "
        "be expected to meet them.",
    ]
    return Folder(
        title="My case log" if own_rows_only else "Residency case logs",
        introduction=introduction,
        pages=[
            _case_logs(data),
            _graphs(data),
            *([] if data.codes is None else [_codes(data.codes, data.progress)]),
        ],
        edition=data.edition,
        notice=OWN_ROWS_NOTICE if own_rows_only else "",
        headlines=residency_headlines(data),
    )


def _case_logs(data: ResidencyData) -> Page:
    legend = (
        f"The line in a cell shows how much of the minimum is reached; from "
        f"{tables.NEAR_PERCENT} % on the cell is tinted, and a tick marks a minimum that is met."
    )
    return Page(
        file_name="case_logs.html",
        views=True,
        title="Case logs",
        summary="Every resident's counted exams in each category: totals, percent of the "
        "minimum, and what remains.",
        sections=[
            Section(
                anchor="totals",
                heading="Totals",
                relation="residency.case_log_totals",
                finding=findings.totals_finding(data.progress),
                explanation=[
                    "Counted exams per resident and category. A study counts once in a category, "
                    "and may count in several. " + legend
                ],
                table=tables.case_log_table(
                    "totals-table",
                    "Counted exams by resident and category",
                    data.totals,
                    data.progress,
                    tables.write_total,
                ),
                download=csv_download("case_log_totals", data.totals),
            ),
            Section(
                anchor="percentages",
                heading="Percent of the minimum",
                relation="residency.case_log_percentages",
                finding=findings.percentages_finding(data.progress),
                explanation=[
                    "100 times the counted exams divided by the minimum, not capped: above 100 the "
                    "resident has more than is required."
                ],
                table=tables.case_log_table(
                    "percentages-table",
                    "Percent of the minimum by resident and category",
                    data.percentages,
                    data.progress,
                    tables.write_percent,
                ),
                download=csv_download("case_log_percentages", data.percentages),
            ),
            Section(
                anchor="status",
                heading="Met or remaining",
                relation="residency.case_log_status",
                finding=findings.status_finding(data.progress),
                explanation=[
                    "“Met”, or the number of exams that remain to the minimum.",
                    *([] if data.codes is None else [findings.doubt_finding(data.codes)]),
                ],
                table=tables.case_log_table(
                    "status-table",
                    "Met, or exams remaining, by resident and category",
                    data.status,
                    data.progress,
                    tables.write_status,
                ),
                download=csv_download("case_log_status", data.status),
            ),
        ],
    )


def _graphs(data: ResidencyData) -> Page:
    group = _in_order(data.group_progress, data.totals)
    best_site = _in_order(data.best_site, data.totals)
    rvu = data.rvu.sort_values("total_rvu", ascending=False, kind="stable", ignore_index=True)
    sites = data.sites.sort_values(
        "required_share", ascending=False, kind="stable", ignore_index=True, na_position="last"
    )
    return Page(
        file_name="graphs.html",
        title="Graphs",
        summary="How far the whole group is, where RVUs come from, and which site gives most "
        "required studies.",
        sections=[
            _group_section(group),
            _rvu_section(rvu),
            _site_section(sites),
            _best_site_section(best_site),
            findings_section(
                data.findings,
                "residency.data_findings",
                "finding",
                tables.FINDING_COLUMNS,
                [
                    "Nothing here was corrected or left out in silence: unmapped exam codes are "
                    "outside required and not required, codes outside their validity dates and "
                    "equal rows count."
                ],
            ),
        ],
    )


def _group_section(group: pd.DataFrame) -> Section:
    return Section(
        anchor="group",
        heading="Completed and remaining, whole group",
        relation="residency.case_log_group_progress",
        finding=findings.group_finding(group),
        explanation=[
            "Each category is drawn on its own scale, in percent of what all residents together "
            "need, so that categories with large minimums do not flatten those with small ones.",
            "A surplus does not count here: every resident must reach the minimum in person, so "
            "what one has beyond it cannot cover what another lacks. Exams are credited up to each "
            "resident's own minimum: credited + remaining = required. The surplus stands apart.",
        ],
        table=tables.table(
            "group-table",
            "Exams of the whole group by category",
            group,
            _CATEGORY,
            tables.GROUP_COLUMNS,
        ),
        download=csv_download("case_log_group_progress", group),
        drawing=figures.group_progress_figure(group),
    )


def _rvu_section(rvu: pd.DataFrame) -> Section:
    return Section(
        anchor="rvu",
        heading="RVUs per resident, required and not",
        relation="residency.rvu_by_requirement",
        finding=findings.rvu_finding(rvu),
        explanation=[
            "The bars split work RVUs by CPT line: a line is required when its code counts in a "
            "category, so the two parts add up to the total.",
            "The table also splits by whole studies: all RVUs of a study with at least one code "
            "that counts are “in required studies”; studies without any CPT code are unmapped.",
        ],
        table=tables.table(
            "rvu-table", "Work RVUs by resident", rvu, _RESIDENT, tables.RVU_COLUMNS
        ),
        download=csv_download("rvu_by_requirement", rvu),
        drawing=figures.rvu_figure(rvu),
        folded=True,
    )


def _site_section(sites: pd.DataFrame) -> Section:
    return Section(
        anchor="sites",
        heading="Required to not-required studies, by site",
        relation="residency.site_requirement_ratio",
        finding=findings.site_finding(sites),
        explanation=[
            "A study is required when any of its CPT codes counts in a category, not required when "
            "it has codes and none counts. Studies without a CPT code are unmapped and stay out.",
            f"A ratio of few studies is chance: only sites with at least {_floor(sites)} studies, "
            "required and not, can be the highest. Sites stand in the order of their required "
            "share, which is that of the ratio; a site without any other study has no ratio and "
            "is the highest of all.",
            "The interval is Wilson's at 95 %: the range of shares that the site's number of "
            "studies leaves plausible, the wider the fewer they are. It takes each study for "
            "itself; the studies of one resident are alike, so it is rather too narrow.",
            "The RVU ratio divides the RVUs of CPT lines that count by those of all others.",
        ],
        table=tables.table(
            "sites-table", "Studies by site and requirement", sites, _SITE, tables.SITE_COLUMNS
        ),
        download=csv_download("site_requirement_ratio", sites),
        drawing=figures.site_figure(sites),
    )


def _floor(sites: pd.DataFrame) -> str:
    """Return how many studies a site needs to be compared."""
    return integer(sites["min_site_studies"].max()) if len(sites) else "so many"


def _best_site_section(best_site: pd.DataFrame) -> Section:
    return Section(
        anchor="best-site",
        heading="The highest site, by category",
        relation="residency.best_site_category_ratio",
        finding=findings.best_site_finding(best_site),
        explanation=[
            "Each category's studies at the highest site, divided by all of the site's studies "
            "that are not required. A study may count in several categories, so the parts may add "
            "up to more than the site's own ratio."
        ],
        table=tables.table(
            "best-site-table",
            "Categories at the site with the highest ratio",
            best_site,
            _CATEGORY,
            tables.BEST_SITE_COLUMNS,
        ),
        download=csv_download("best_site_category_ratio", best_site),
        drawing=figures.best_site_figure(best_site),
    )


def _codes(codes: pd.DataFrame, progress: pd.DataFrame) -> Page:
    names = dict(zip(progress["category_id"], progress["category_name"], strict=True))
    known, on, alone = (codes[name].map(bool) for name in _SWITCHES)  # null is not known: no
    shown = codes.assign(
        counts=[_how_it_counts(*row) for row in zip(known, on, alone, strict=True)],
        category=codes["category_id"].map(lambda name: names.get(name, name) or NOTHING),
        confidence=codes["confidence"].map(lambda value: value or NOTHING),
        note=codes["note"].map(lambda value: value or ""),
        example_exam=codes["example_exam"].map(lambda value: value or NOTHING),
        order=known.astype(int) + on.astype(int),
    ).sort_values(
        ["order", "study_count", "cpt_code"], ascending=[True, False, True], ignore_index=True
    )
    return Page(
        file_name="codes.html",
        title="Codes",
        summary="Each CPT code of the export: whether it counts, how sure that is, and what would "
        "change if it were switched.",
        sections=[
            Section(
                anchor="codes",
                heading="CPT codes of the export",
                relation="residency.code_review",
                finding=findings.codes_finding(codes),
                explanation=[
                    "Codes that the map does not know come first, then those that it leaves out in "
                    "doubt, then those that count. Most codes that it does not know belong to no "
                    "category, as a CT of the chest does; one that should is to be added to the "
                    "seed cpt_case_log_category, where doubtful ones are switched on or off.",
                    "The results that a code would change are cells of resident and category that "
                    "would become Met, or cease to be, if this code alone were switched. An add-on "
                    "counts no study by itself, so switching it changes none.",
                ],
                table=tables.table(
                    "codes-table", "CPT codes of the export", shown, _CODE, tables.CODE_COLUMNS
                ),
                download=csv_download("code_review", codes),
            )
        ],
    )


def _how_it_counts(is_known: bool, is_on: bool, is_alone: bool) -> str:
    if not is_known:
        return "unknown"
    if not is_on:
        return "no, in doubt"
    return "yes" if is_alone else "beside another code"


def _in_order(frame: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Put categories in the order in which the wide reports have their columns."""
    order = {str(name): place for place, name in enumerate(totals.columns)}
    places = frame["category_id"].map(lambda name: order.get(name, len(order))).astype(int)
    return frame.loc[places.sort_values(kind="stable").index].reset_index(drop=True)
