"""One sentence per chart: what a reader should take from it, computed from what it shows.

Each function takes a published relation as it was read, whole, and tells the plain
truth also of an empty relation, of a single row and of ties.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import pandas as pd

from orchestrate.reports.rows import Row, column, largest, records
from orchestrate.reports.text import counted, decimal, integer, listed, percent, plain


def totals_finding(progress: pd.DataFrame) -> str:
    """Say which category is read most and how far residents lie apart in it."""
    rows = records(progress)
    if not rows:
        return "No resident has an exam to count."
    read: Counter[str] = Counter()
    for row in rows:
        read[row["category_name"]] += row["completed"]
    most = max(read.values())
    if most == 0:
        return "No exam counts in any category yet."
    names = [name for name, count in read.items() if count == most]
    exams = counted(most, "exam", "exams")
    if len(names) > 1:
        return f"{listed(names)} are read most: {exams} each."
    rows = [row for row in rows if row["category_name"] == names[0]]
    if len(rows) == 1:
        return f"{names[0]} is read most: {exams}."
    rows, aside = _without_odd(rows, "completed")
    high, low = max(column(rows, "completed")), min(column(rows, "completed"))
    if low == high:
        who = _named(rows, "completed", high) if aside else "every resident"
        return f"{names[0]} is read most: {counted(int(high), 'exam', 'exams')} by {who}.{aside}"
    return (
        f"{names[0]} is read most: {integer(low)} exams ({_named(rows, 'completed', low)}) "
        f"to {integer(high)} ({_named(rows, 'completed', high)}).{aside}"
    )


def percentages_finding(progress: pd.DataFrame) -> str:
    """Say in which category most residents have reached the minimum, and where none has."""
    rows = records(progress)
    if not rows:
        return "No resident has a category to reach."
    residents = len({row["resident_name"] for row in rows})
    met: dict[str, int] = {}
    for row in rows:
        met[row["category_name"]] = met.get(row["category_name"], 0) + bool(row["is_met"])
    open_to_all = [name for name, count in met.items() if count == 0]
    if len(open_to_all) == len(met):
        best = largest(rows, "percent_of_minimum")
        if best[0]["percent_of_minimum"] == 0:
            return "No minimum is reached yet, nor does any exam count towards one."
        who = listed([f"{row['resident_name']} in {row['category_name']}" for row in best])
        each = " each" if len(best) > 1 else ""
        return (
            f"No minimum is reached yet; nearest {'is' if len(best) == 1 else 'are'} {who} with "
            f"{percent(best[0]['percent_of_minimum'])}{each}."
        )
    most = max(met.values())
    best_names = listed([name for name, count in met.items() if count == most])
    if residents == 1:
        reached = f"The minimum is reached in {best_names}"
        return f"{reached}; not yet in {listed(open_to_all)}." if open_to_all else f"{reached}."
    who = f"{most} of {residents} residents {'has' if most == 1 else 'have'}"
    if most == residents:
        who = "All residents have"
    sentence = f"{who} reached the minimum in {best_names}"
    return f"{sentence}; nobody has in {listed(open_to_all)}." if open_to_all else f"{sentence}."


def status_finding(progress: pd.DataFrame) -> str:
    """Say how many of all minimums are met, and by how many residents all of them."""
    rows = records(progress)
    if not rows:
        return "No resident has a minimum to meet."
    residents = {row["resident_name"] for row in rows}
    complete = len(residents - {row["resident_name"] for row in rows if not row["is_met"]})
    met = sum(bool(row["is_met"]) for row in rows)
    sentence = f"{integer(met)} of {integer(len(rows))} minimums are met"
    if len(residents) == 1:
        return f"{sentence}."
    if complete == len(residents):
        return "Every resident has met every minimum."
    if complete == 0:
        return f"{sentence}; no resident has met all of them yet."
    return f"{sentence}; {counted(complete, 'resident has', 'residents have')} met all of them."


def group_finding(group: pd.DataFrame) -> str:
    """Say which categories the group has completed, and which of the others is nearest."""
    rows = [row | {"share": _share(row, "credited", "required_total")} for row in records(group)]
    if not rows:
        return "There is no category to show."
    done = [row["category_name"] for row in rows if row["remaining"] == 0]
    if len(done) == len(rows):
        return "The group has completed every category."
    rows = [row for row in rows if row["remaining"] != 0]
    start = "No category is complete for the whole group"
    if done:
        start = f"{listed(done)} {'is' if len(done) == 1 else 'are'} complete"
    near, far = max(column(rows, "share")), min(column(rows, "share"))
    if near == far:
        names = listed([row["category_name"] for row in rows])
        verb = "stands" if len(rows) == 1 else "stand"
        return f"{start}; {names} {verb} at {percent(near)} of what is required."
    return f"{start}; nearest is {_progress_at(rows, near)}, furthest {_progress_at(rows, far)}."


def rvu_finding(rvu: pd.DataFrame) -> str:
    """Say between which bounds the share of required RVUs lies, and whose total is largest."""
    rows = [
        row | {"share": _share(row, "required_rvu", "total_rvu")}
        for row in records(rvu)
        if row["total_rvu"]
    ]
    if not rows:
        return "No RVU is recorded."
    if len(rows) == 1:
        row = rows[0]
        return (
            f"{percent(row['share'])} of the {decimal(row['total_rvu'])} RVUs of "
            f"{row['resident_name']} come from lines that count in a category."
        )
    rows, aside = _without_odd(rows, "total_rvu")
    low, high = min(column(rows, "share")), max(column(rows, "share"))
    if percent(low) == percent(high):
        names = listed([row["resident_name"] for row in rows])
        whose = f"the RVUs of {names}" if aside else "every resident's RVUs"
        shares = f"Lines that count give {percent(low)} of {whose}"
    else:
        shares = (
            f"Lines that count give {percent(low)} ({_named(rows, 'share', low)}) "
            f"to {percent(high)} ({_named(rows, 'share', high)}) of a resident's RVUs"
        )
    top = largest(rows, "total_rvu")
    names = listed([row["resident_name"] for row in top])
    return f"{shares}; the largest total is {decimal(top[0]['total_rvu'])} ({names}).{aside}"


def site_finding(sites: pd.DataFrame) -> str:
    """Name the site with the highest ratio, or say why there is none."""
    rows = records(sites)
    if not rows:
        return "There is no site to compare."
    best = next((row for row in rows if row["is_highest"]), None)
    if best is None:
        return "No site has enough studies for its ratio to be compared."
    level = [
        row["organization_code"]
        for row in rows
        if row["required_share"] == best["required_share"]
        and row["is_above_floor"]
        and not row["is_highest"]
    ]
    needed, others = best["required_studies"], best["not_required_studies"]
    what = (
        f"{decimal(best['ratio'], 2)} required studies to each that is not "
        f"({integer(needed)} to {integer(others)})"
        if others
        else f"all of its {integer(needed)} studies are required"
    )
    sentence = (
        f"{best['organization_code']} has the highest ratio"
        f"{f', level with {listed(level)}' if level else ''}: {what}."
    )
    few = [
        f"{row['organization_code']} ({integer(row['required_studies'])} required of "
        f"{integer(row['required_studies'] + row['not_required_studies'])})"
        for row in rows
        if not row["is_above_floor"] and (row["required_share"] or 0) > best["required_share"]
    ]
    if not few:
        return sentence
    verb = "lies" if len(few) == 1 else "lie"
    return (
        f"{sentence} {listed(few)} {verb} higher, on fewer than the "
        f"{integer(best['min_site_studies'])} studies that a site needs to be compared."
    )


def best_site_finding(best_site: pd.DataFrame) -> str:
    """Say which categories carry the ratio of the highest site, and which are missing there."""
    rows = records(best_site)
    site = rows[0]["organization_code"] if rows else None
    if site is None:
        return "No site is marked as the highest, so there is nothing to break down."
    rows = [row for row in rows if row["ratio"] is not None]
    if not rows:
        return f"Every study at {site} is required, so there is no ratio to break down."
    top = largest(rows, "ratio")
    if top[0]["ratio"] == 0:
        return f"No study at {site} counts in a category."
    missing = [row["category_name"] for row in rows if row["category_studies"] == 0]
    sentence = (
        f"At {site}, {listed([row['category_name'] for row in top])} "
        f"{'gives' if len(top) == 1 else 'give'} most: {decimal(top[0]['ratio'], 2)} studies to "
        "each study that is not required"
    )
    verb = "has" if len(missing) == 1 else "have"
    return f"{sentence}; {listed(missing)} {verb} none." if missing else f"{sentence}."


def codes_finding(codes: pd.DataFrame) -> str:
    """Say how many codes of the export count, are left out in doubt, or are not in the map."""
    rows = records(codes)
    if not rows:
        return "The export has no CPT code."
    known = [row for row in rows if row["is_known"]]
    off = [row for row in known if not row["counts_by_default"]]
    unknown = len(rows) - len(known)
    parts = [
        f"{integer(len(known) - len(off))} of {counted(len(rows), 'code', 'codes')} of the export "
        f"{'counts' if len(known) - len(off) == 1 else 'count'} in a category"
    ]
    if off:
        parts.append(f"{integer(len(off))} {'is' if len(off) == 1 else 'are'} left out in doubt")
    if unknown:
        parts.append(f"{integer(unknown)} {'is' if unknown == 1 else 'are'} not in the map")
    return f"{listed(parts)}."


def doubt_finding(codes: pd.DataFrame) -> str:
    """Say how much of the case logs rests on codes that the CPT map leaves out in doubt."""
    off = [row for row in records(codes) if row["counts_by_default"] is False]
    start = "Which codes count is inferred from their meaning, for the ACGME lists none"
    if not off:
        return f"{start}; no code of this export is left out in doubt."
    doubt = f"{counted(len(off), 'code of this export is', 'codes of this export are')} left out"
    top = largest(off, "met_change")
    change = top[0]["met_change"]
    if change == 0:
        return f"{start}. {doubt} in doubt; none of them alone would change a result."
    names = listed([row["cpt_code"] for row in top])
    alone = "it alone" if len(top) == 1 else "one of them alone"
    return (
        f"{start}. {doubt} in doubt; most depends on {names}: with {alone} switched on, "
        f"{counted(change, 'result', 'results')} would be Met that "
        f"{'is' if change == 1 else 'are'} not."
    )


def data_finding(kinds: Sequence[str]) -> str:
    """Say whether the export holds anything that deserves a look; a kind for each finding."""
    if not len(kinds):
        return "Nothing in the export needs attention."
    if len(kinds) == 1:
        return "One thing in the export deserves a look."
    parts = [f"{plain(kind)} ({integer(count)})" for kind, count in Counter(kinds).items()]
    return f"{integer(len(kinds))} things in the export deserve a look: {listed(parts, limit=9)}."


def _share(row: Row, part: str, whole: str) -> float:
    """Return part / whole in percent; 100 where nothing is required."""
    return 100 * float(row[part]) / float(row[whole]) if row[whole] else 100.0


def _without_odd(rows: Sequence[Row], key: str) -> tuple[list[Row], str]:
    """Return residents within ten times the median either way, and a sentence about the others.

    Who has next to nothing, as after a week on the rotation, would lead every sentence of extremes,
    and so would who has everybody's.
    """
    middle = median(column(rows, key))
    few = [str(row["resident_name"]) for row in rows if float(row[key]) < middle / 10]
    many = [str(row["resident_name"]) for row in rows if float(row[key]) > middle * 10 > 0]
    parts = [
        f"{listed(names)}, who {'has' if len(names) == 1 else 'have'} {how}"
        for names, how in (
            (few, "less than a tenth of the median"),
            (many, "more than ten times the median"),
        )
        if names
    ]
    if not parts:
        return list(rows), ""
    rest = [row for row in rows if str(row["resident_name"]) not in {*few, *many}]
    return rest, f" Left aside: {'; '.join(parts)}."


def _named(rows: Sequence[Row], key: str, value: float) -> str:
    """Return the residents at whom a column has a value, as a bracket lists them."""
    return listed([str(row["resident_name"]) for row in rows if float(row[key]) == value])


def _progress_at(rows: Sequence[Row], share: float) -> str:
    found = [row for row in rows if row["share"] == share]
    if len(found) > 1:
        return f"{listed([row['category_name'] for row in found])} ({percent(share)} each)"
    return (
        f"{found[0]['category_name']} with {integer(found[0]['credited'])} of "
        f"{integer(found[0]['required_total'])} ({percent(share)})"
    )
