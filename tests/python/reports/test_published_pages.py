"""Every page of a real run, opened from disk: drawn in full, equal to what its reader may see."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import scoped
from psycopg2 import sql

from orchestrate.cells import formula_safe
from orchestrate.console import Console
from orchestrate.errors import ConfigurationError
from orchestrate.reports import render_reports
from tests.python.browser import Visit
from tests.python.conftest import Casebook
from tests.python.outputs import READERS
from tests.python.reports.conftest import cut_words, opened, width_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# What a chart's traces draw, in their order: the mart's column and what it is multiplied by.
# A chart that is not listed is still counted mark by mark.
DRAWN = {
    "rvu-plot": (("required_rvu", 1), ("not_required_rvu", 1)),
    "sites-plot": (("ratio", 1), ("required_share", 100)),
    "best-site-plot": (("ratio", 1),),
    "cost-plot": (("total_cost", 1),),
    "count-plot": (("procedure_count", 1),),
}
# Charts and tables with a row per value of a column, where the mart has several rows to each.
# Sections are named by their anchors; a chart's id is that of its section with -plot.
ROW_PER = {
    "followers": "top_rank",
    "overlap": "shared_procedures",
}
DRAWN_PER = {**ROW_PER, "areas": "county", "unaffiliated-areas": "county"}
# Heat maps, by the population whose pairs they show.
POPULATIONS = {"humana": "humana", "visible-payers": "visible_payers"}
DRAWN_PROCEDURES, LEAST_EXPECTED = 20, 5
MARKS = """plot => ({
    id: plot.id,
    relation: plot.closest('[data-relation]').dataset.relation,
    expected: plot.data.filter(trace => trace.mode !== 'text').map(
        trace => trace.x.filter(value => value !== null).length),
    rows: plot.data.filter(trace => trace.mode !== 'text').map(trace => trace.x.length),
    values: plot.data.filter(trace => trace.mode !== 'text').map(trace => [...trace.x]),
    bars: [...plot.querySelectorAll('.barlayer .trace')].map(
        trace => trace.querySelectorAll('.point').length),
    visible: [...plot.querySelectorAll('.barlayer .trace')].map(
        trace => [...trace.querySelectorAll('.point path')].filter(
            path => path.getBBox().width > 0).length),
    dots: [...plot.querySelectorAll('.scatterlayer .trace')].map(
        trace => trace.querySelectorAll('path.point').length).filter(count => count > 0),
    cells: plot.data.filter(trace => trace.type === 'heatmap').flatMap(trace => trace.z.flatMap(
        (line, place) => line.map((value, column) => [
            plot.layout.yaxis.ticktext[place], plot.layout.xaxis.ticktext[column], value]))),
})"""


class Reader:
    """What the login of a folder sees, read without the code under test."""

    def __init__(self, casebook: Casebook, login: str) -> None:
        self._connection = scoped.reader(casebook.databases, login).connect()

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """Return the relation's rows by column, without the version."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(*relation.split("."))))
            names = [column.name for column in cursor.description or ()]
            return [
                {name: value for name, value in zip(names, row, strict=True) if name != "version"}
                for row in cursor.fetchall()
            ]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.fixture(scope="module")
def readers(published: Casebook) -> Iterator[dict[str, Reader]]:
    """Connect as the login of each folder."""
    opened = {folder: Reader(published, login) for folder, login in READERS.items()}
    yield opened
    for reader in opened.values():
        reader.close()


@pytest.fixture(scope="module")
def visits(browser: Browser, published: Casebook) -> Iterator[dict[Path, Visit]]:
    """Open every page that the run rendered."""
    found = sorted(published.output_dir.glob("*/*.html"))
    assert {page.parent.name for page in found} == set(READERS)
    with opened(browser, found) as visited:
        yield visited


def test_every_page_opens_offline_without_a_complaint_and_nothing_leaves(
    visits: dict[Path, Visit],
) -> None:
    for file, visited in visits.items():
        assert visited.complaints == [], file
        assert visited.foreign_requests == [], file
        assert visited.page.locator(".modebar").count() == 0


@pytest.mark.parametrize("width", [390, 1000, 1280])
def test_each_chart_fits_and_has_as_many_marks_as_its_mart_has_rows(
    visits: dict[Path, Visit], readers: dict[str, Reader], width: int
) -> None:
    charts = set()
    for file, visited in visits.items():
        assert width_of(visited, width) <= width, file
        assert cut_words(visited) == [], file
        for plot in visited.page.locator(".plot").all():
            drawn: dict[str, Any] = plot.evaluate(MARKS)
            anchor = drawn["id"].removesuffix("-plot")
            rows = readers[file.parent.name].rows(drawn["relation"])
            assert rows, drawn["relation"]
            charts.add((file.parent.name, anchor))
            if drawn["cells"]:
                _check_cells(drawn["cells"], _most_deviating(_part(anchor, rows)))
                continue
            per = DRAWN_PER.get(anchor)
            wanted = len({row[per] for row in rows} if per else rows)
            assert set(drawn["rows"]) == {wanted}, drawn["id"]
            # A bar has a mark even for null; a dot without a value has none.
            assert set(drawn["bars"]) <= {wanted}, drawn["id"]
            assert drawn["dots"] == drawn["expected"][len(drawn["bars"]) :], drawn["id"]
            assert drawn["bars"] or drawn["dots"], drawn["id"]
            _check_values(drawn, rows)
    assert {anchor for _, anchor in charts} >= {*DRAWN_PER, *POPULATIONS, "cost", "clusters"}


def _part(anchor: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of a relation's rows that a section is about."""
    if anchor in POPULATIONS:
        return [row for row in rows if row["population"] == POPULATIONS[anchor]]
    if anchor == "others":
        return [row for row in rows if row["population"] not in POPULATIONS.values()]
    return rows


def _most_deviating(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pairs of the procedures with the largest residuals where enough are expected."""
    strength: dict[str, float] = {}
    for row in rows:
        if row["adjusted_residual"] is not None:
            assert row["crude_expected_patients"] >= LEAST_EXPECTED
            size = abs(row["adjusted_residual"])
            strength[row["procedure_name"]] = max(strength.get(row["procedure_name"], 0), size)
    names = sorted(strength, key=lambda name: (-strength[name], name))[:DRAWN_PROCEDURES]
    return [row for row in rows if row["procedure_name"] in names]


def _check_cells(cells: list[list[Any]], rows: list[dict[str, Any]]) -> None:
    """Compare a heat map, cell by cell, with the pairs that it shows; names may be cut short."""
    assert cells
    wanted = sorted(
        (row["county"].removesuffix(" County"), row["adjusted_residual"])
        for row in rows
        if row["adjusted_residual"] is not None
    )
    found = sorted((county, value) for _, county, value in cells if value is not None)
    assert [county for county, _ in found] == [county for county, _ in wanted]
    assert [value for _, value in found] == pytest.approx([value for _, value in wanted])
    names = {" ".join(row["procedure_name"].split()) for row in rows}
    shown = {unescape(label).rstrip("…") for label, _, _ in cells}
    assert [start for start in shown if not any(name.startswith(start) for name in names)] == []


def _check_values(drawn: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Compare what is drawn with the mart, and see that what is not nothing is visible."""
    for values, visible in zip(drawn["values"], drawn["visible"], strict=False):
        largest = max(value or 0 for value in values)
        # Bars under a thousandth of the longest may be thinner than the screen can show.
        assert visible >= sum((value or 0) > largest / 1000 for value in values), drawn["id"]
    for values, (column, factor) in zip(
        drawn["values"], DRAWN.get(drawn["id"], ()), strict=drawn["id"] in DRAWN
    ):
        mart = [float(row[column]) * factor for row in rows if row[column] is not None]
        assert sorted(value for value in values if value is not None) == pytest.approx(
            sorted(mart)
        ), (drawn["id"], column)


def test_each_download_equals_the_mart_and_each_table_has_its_rows(
    visits: dict[Path, Visit], readers: dict[str, Reader]
) -> None:
    for file, visited in visits.items():
        for section in visited.page.locator("section[data-relation]").all():
            relation = section.get_attribute("data-relation") or ""
            anchor = section.get_attribute("id") or ""
            rows = _part(anchor, readers[file.parent.name].rows(relation))
            text = _download(visited.page, anchor)
            lines = list(csv.DictReader(io.StringIO(text)))
            assert lines, (file, anchor)
            assert list(lines[0]) == list(rows[0]), (file, anchor)
            assert sorted(map(_key, lines)) == sorted(
                _key({name: _as_csv(value) for name, value in row.items()}) for row in rows
            ), (file, anchor)
            assert section.locator("tbody tr").count() == _table_rows(anchor, rows), (file, anchor)


def _table_rows(anchor: str, rows: list[dict[str, Any]]) -> int:
    """Return how many rows a section's table has to have for the rows of its download."""
    if anchor in ROW_PER:
        return len({row[ROW_PER[anchor]] for row in rows})
    if anchor in POPULATIONS:
        return len(_most_deviating(rows))
    if anchor == "others":
        return sum(bool(row["observed_patients"]) for row in rows)
    return len(rows)


def _download(page: Page, anchor: str) -> str:
    for view in page.locator(f'.views a[href="#{anchor}"]').all():
        view.click()
    with page.expect_download() as download:
        page.locator(f"#{anchor} .download a").click()
    return Path(download.value.path()).read_text(encoding="utf-8-sig")


def _key(line: dict[str, str]) -> tuple[str, ...]:
    return tuple(line.values())


def _as_csv(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    return formula_safe(value) if isinstance(value, str) else str(value)


def test_folders_are_closed_to_others_and_share_one_script(published: Casebook) -> None:
    for folder in READERS:
        path = published.output_dir / folder
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for file in path.iterdir():
            mode = stat.S_IMODE(file.stat().st_mode)
            assert mode == (0o700 if file.is_dir() else 0o600), file
        large = [file.name for file in path.iterdir() if file.stat().st_size > 1_000_000]
        assert large == ([] if folder == "staff" else ["plotly.min.js"])


def test_each_index_links_to_the_extracts_of_its_folder(published: Casebook) -> None:
    for folder in READERS:
        text = (published.output_dir / folder / "index.html").read_text()
        for name in ("README.txt", f"{folder}.xlsx"):
            assert f'href="extracts/{name}"' in text
            assert (published.output_dir / folder / "extracts" / name).is_file()


def test_a_clients_folder_does_not_name_another_client(published: Casebook) -> None:
    for page in (published.output_dir / "united_healthcare").glob("*.html"):
        assert "humana" not in page.read_text().lower()


def test_a_residents_pages_hold_nobody_else(
    published: Casebook, readers: dict[str, Reader], tmp_path: Path
) -> None:
    rendered = render_reports(
        published.settings,
        published.databases,
        audiences=None,
        login="resident_sample",
        out_dir=tmp_path,
        console=Console(),
    )
    assert {page.name for page in rendered} == {"index.html", "case_logs.html", "graphs.html"}
    everybody = [
        row["resident_name"] for row in readers["program"].rows("residency.case_log_totals")
    ]
    text = "".join(page.read_text() for page in rendered)
    assert [name for name in everybody if name in text] == ["Okafor, Chidi"]
    assert "This membership sees one resident" in text


def test_a_failing_render_leaves_what_was_there(
    published: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render() -> list[Path]:
        return render_reports(
            published.settings,
            published.databases,
            audiences=["united_healthcare"],
            login=None,
            out_dir=tmp_path,
            console=Console(),
        )

    render()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.html")}

    def fail(*_: object) -> None:
        raise psycopg2.OperationalError("the server is gone")

    monkeypatch.setattr("orchestrate.reports.data._read", fail)
    with pytest.raises(Exception, match="the server is gone"):
        render()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.html")} == before


def test_a_login_that_nobody_has_is_refused(published: Casebook, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no login"):
        render_reports(
            published.settings,
            published.databases,
            audiences=None,
            login="nobody",
            out_dir=tmp_path,
            console=Console(),
        )
    assert list(tmp_path.iterdir()) == []
