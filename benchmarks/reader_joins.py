"""Readers' joins at ten times the sample, beside the same tables read without policies.

`python benchmarks/reader_joins.py` publishes the sample into a Casebook of its own, multiplies the
rows of three scopes by ten, and asks each query in turn as the reader, whom the policies hold to
the current version, and as the owner, whom they do not. It prints the medians in milliseconds and
the ratio of the two, and ends with 1 when a ratio is above the limit. Milliseconds are of one
machine at one time; ratios of different runs may be compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg2 import sql

from orchestrate.access.scopes import OWNER, ScopeDatabase
from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.driver import Cursor
from orchestrate.publishing.versions import read_readers
from orchestrate.settings import Settings

LIMIT = 1.5
TIMES = 10
ROUNDS = 9

# By login, the relations whose rows are multiplied, each after those that it refers to. A copy gets
# keys of its own, which refer to the rows of the same copy.
MULTIPLIED: Mapping[str, Sequence[str]] = {
    "uhc_analyst": (
        "clients.patient_extract",
        "clients.encounter_extract",
        "clients.procedure_extract",
    ),
    "staff_member": ("extracts.patients", "extracts.encounters", "extracts.procedures"),
    "program_director": ("residency.fct_studies",),
}
KEYS = ("patient_key", "encounter_key", "procedure_key", "study_id")
# What a dashboard asks: joins, distinct counts, months by codes, the first of many.
QUERIES: Sequence[tuple[str, str, str]] = (
    (
        "uhc_analyst",
        "cost by gender",
        """
        select patients.gender, count(*), sum(procedures.procedure_cost)
        from clients.procedure_extract as procedures
        inner join clients.patient_extract as patients using (patient_key)
        group by patients.gender
        """,
    ),
    (
        "uhc_analyst",
        "patients by site and procedure",
        """
        select
            encounters.organization_name,
            procedures.procedure_name,
            count(distinct procedures.patient_key)
        from clients.procedure_extract as procedures
        inner join clients.encounter_extract as encounters using (encounter_key)
        group by encounters.organization_name, procedures.procedure_name
        order by 3 desc
        limit 20
        """,
    ),
    (
        "uhc_analyst",
        "procedures of an age band, ranked",
        """
        select summary.procedure_name, count(*)
        from clients.procedure_extract as procedures
        inner join clients.procedure_summary as summary using (procedure_code)
        inner join clients.patient_extract as patients
            on patients.patient_key = procedures.patient_key
        where patients.age_band = '60-69'
        group by summary.procedure_name
        order by 2 desc
        limit 10
        """,
    ),
    (
        "uhc_analyst",
        "months by codes",
        """
        select service_month, procedure_code, count(*)
        from clients.procedure_extract
        group by service_month, procedure_code
        order by 3 desc
        limit 10
        """,
    ),
    (
        "staff_member",
        "cost by gender",
        """
        select patients.gender, count(*), sum(procedures.procedure_cost)
        from extracts.procedures as procedures
        inner join extracts.patients as patients using (patient_key)
        group by patients.gender
        """,
    ),
    (
        "staff_member",
        "patients by payer and procedure",
        """
        select
            encounters.payer_name,
            procedures.procedure_name,
            count(distinct procedures.patient_key)
        from extracts.procedures as procedures
        inner join extracts.encounters as encounters using (encounter_key)
        group by encounters.payer_name, procedures.procedure_name
        order by 3 desc
        limit 20
        """,
    ),
    (
        "staff_member",
        "one patient's procedures",
        """
        select procedure_name, procedure_cost
        from extracts.procedures
        where patient_key = (select min(patient_key) from extracts.patients)
        """,
    ),
    (
        "program_director",
        "RVUs by site",
        """
        select
            studies.organization_code,
            sum(studies.rvu),
            count(distinct studies.resident_name)
        from residency.fct_studies as studies
        inner join residency.case_log_totals as totals using (resident_name)
        group by studies.organization_code
        """,
    ),
    (
        "program_director",
        "procedures of residents by year",
        """
        select
            studies.resident_name,
            studies.academic_year,
            count(distinct studies.procedure_name),
            sum(studies.rvu)
        from residency.fct_studies as studies
        inner join residency.case_log_status as status using (resident_name)
        where studies.requirement_status = 'required'
        group by studies.resident_name, studies.academic_year
        """,
    ),
)


@contextmanager
def published_sample() -> Iterator[Settings]:
    """Publish the sample into a home of its own; remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="casebook-bench-") as name:
        folder = Path(name)
        # The embedded server runs as a user of its own where the caller is root.
        folder.chmod(0o755)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CASEBOOK_")},
            "CASEBOOK_HOME": str(folder / "home"),
        }
        casebook = [sys.executable, "-m", "orchestrate"]
        try:
            subprocess.run(
                [*casebook, "run", "--out", str(folder / "output")], env=environment, check=True
            )
            yield Settings.from_environment(environment)
        finally:
            subprocess.run([*casebook, "db", "remove"], env=environment, check=True)


def multiply(cursor: Cursor, relations: Sequence[str]) -> None:
    """Give each relation TIMES as many rows, and the planner statistics of them."""
    for relation in relations:
        cursor.execute(
            "select array_agg(attname::text order by attnum) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            (relation,),
        )
        (columns,) = cursor.fetchone() or ([],)
        table = sql.Identifier(*relation.split("."))
        copied = [
            sql.SQL("{} || '-' || copy" if column in KEYS else "{}").format(sql.Identifier(column))
            for column in columns
        ]
        cursor.execute(
            sql.SQL(
                "insert into {table} ({columns}) select {copied} from {table}"
                " cross join generate_series(2, {times}) as copy; analyze {table}"
            ).format(
                table=table,
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                copied=sql.SQL(", ").join(copied),
                times=sql.Literal(TIMES),
            )
        )


def milliseconds(cursor: Cursor, query: str) -> float:
    """Ask once and fetch all; return how long that took."""
    begin = time.perf_counter()
    cursor.execute(query)
    cursor.fetchall()
    return (time.perf_counter() - begin) * 1000


def compare(place: ScopeDatabase, login: str, query: str) -> tuple[float, float, float]:
    """Return the reader's and the owner's median, and the median of the ratios of each round."""
    with (
        closing(place.as_reader(login).connect(autocommit=True)) as reader,
        closing(place.as_publisher().connect(autocommit=True)) as owner,
        reader.cursor() as read,
        owner.cursor() as own,
    ):
        # As readers' sessions have it.
        own.execute(sql.SQL("set role {}; set jit to off").format(sql.Identifier(OWNER)))
        rounds = [(milliseconds(read, query), milliseconds(own, query)) for _ in range(ROUNDS + 1)][
            1:
        ]
    with_policies, without = zip(*rounds, strict=True)
    return (
        statistics.median(with_policies),
        statistics.median(without),
        statistics.median(one / other for one, other in rounds),
    )


def main() -> int:
    """Print the table and return the exit status."""
    with published_sample() as settings:
        places, members = read_readers(open_databases(settings, Console()))
        place_of = {
            member.login: place
            for member in members
            for place in places
            if place.scope == member.scope
        }
        for login, relations in MULTIPLIED.items():
            with place_of[login].as_owner() as cursor:
                multiply(cursor, relations)
        print(f"Readers' joins at {TIMES} times the sample, medians of {ROUNDS} in ms:")
        highest = 0.0
        for login, name, query in QUERIES:
            read, own, ratio = compare(place_of[login], login, query)
            print(f"{login:16} {name:46} {read:7.1f} beside {own:7.1f}: {ratio:.2f}")
            highest = max(highest, ratio)
    print(f"The highest ratio is {highest:.2f}; at most {LIMIT} is asked for.")
    return int(highest > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
