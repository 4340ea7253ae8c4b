"""The command line: reads arguments, calls one function, shows its result or its error.

Nothing is decided here. Each command opens what it needs, hands over to the package that does the
work, and writes a table for people or, with `--json`, one JSON object to standard output.
"""

from __future__ import annotations

import errno
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from orchestrate import __version__, interruption
from orchestrate.console import Console
from orchestrate.database.connection import cancel_queries
from orchestrate.errors import CasebookError, ConfigurationError, ExitStatus
from orchestrate.extracts.formats import DEFAULT_FORMATS, Format
from orchestrate.settings import Settings

app = typer.Typer(name="casebook", add_completion=False)
db_app = typer.Typer(help="The embedded PostgreSQL server and connections to it.")
app.add_typer(db_app, name="db")

# Typer carries a click of its own; this is its error for a command line that cannot be read.
USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

# A disk or a quota that is used up may be met by any file that a command or dbt writes.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON object to standard output.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for what is written (default: output/ of the project)."),
]
LoginOption = Annotated[
    str | None, typer.Option("--as", help="A login of the reporting database.", metavar="LOGIN")
]


class Domain(StrEnum):
    """The two domains whose exports can be loaded."""

    residency = "residency"
    advocacy = "advocacy"


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        Console().write(f"casebook {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """Load exports, build and test with dbt, publish, and render reports."""


@app.command()
def run(
    full: Annotated[
        bool, typer.Option("--full", help="Build and publish even where nothing has changed.")
    ] = False,
    out: OutOption = None,
    json_output: JsonOption = False,
) -> None:
    """Load what is new, build and test, publish all at once, render reports and extracts."""
    from orchestrate.unchanged import unchanged_run

    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    out_dir = out or settings.output_dir
    summary = None if full else unchanged_run(settings, console, out_dir)
    if summary is None:
        # Its import takes longer than to see that there is nothing to do.
        from orchestrate.pipeline import run_all

        summary = run_all(settings, console, out_dir, full=full)
    if summary.changed:
        console.show(
            f"Published version {summary.version}", ["relation", "rows"], summary.relations
        )
    else:
        console.write(
            f"Nothing has changed since version {summary.version} was published; it stays as it is."
            " `casebook run --full` builds and publishes all the same."
        )
    console.write("")
    console.write("Open:")
    for page in summary.pages:
        console.write(f"  {page}")
    console.write("Connect:")
    for line in summary.connections:
        console.write(f"  {line}")
    console.show_json(summary.as_json())


@app.command()
def load(
    domain: Annotated[Domain, typer.Argument(help="Which domain the export belongs to.")],
    directory: Annotated[
        Path | None, typer.Argument(help="Folder with the CSV files of the export.", metavar="DIR")
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Go back to the shipped sample.")
    ] = False,
    landed: Annotated[
        bool, typer.Option("--landed", help="Take the tables that Airbyte landed in the warehouse.")
    ] = False,
    quarantine: Annotated[
        float | None,
        typer.Option(
            "--quarantine",
            help="Set bad rows aside, up to so many percent of each file's.",
            metavar="PERCENT",
            min=0,
            max=100,
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Take an export or landed tables as a domain's source, or go back to the sample."""
    from orchestrate.load_command import load_domain, refused_as_json, use_landed
    from orchestrate.loading import ExportError

    if (directory is not None) + sample + landed != 1:
        raise ConfigurationError(
            "casebook load needs either a folder or --sample or --landed.",
            f"Write `casebook load {domain} DIR`, `casebook load {domain} --landed` or"
            f" `casebook load {domain} --sample`.",
        )
    if directory is None and quarantine is not None:
        raise ConfigurationError(
            "--quarantine is for the files of a folder.",
            f"Write `casebook load {domain} DIR --quarantine PERCENT`.",
        )
    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    if landed:
        outcome = use_landed(settings, console, domain.value)
        console.show(
            f"{domain.value}: {outcome.source}",
            ["table", "records", "extracted last"],
            [(table.name, table.rows, table.extracted_at) for table in outcome.landed],
        )
    else:
        try:
            outcome = load_domain(settings, console, domain.value, directory, quarantine)
        except ExportError as error:
            console.show_json(refused_as_json(domain.value, quarantine, error.problems))
            raise
        console.show(
            f"{domain.value}: {outcome.source}",
            ["file", "rows", "equal rows", "set aside"],
            outcome.file_rows,
        )
    console.write("`casebook run` builds and publishes from it.")
    console.show_json(outcome.as_json())


@app.command()
def publish(
    target_path: Annotated[
        Path | None,
        typer.Option(
            "--target-path",
            help="dbt's target folder with manifest.json and run_results.json "
            "(default: that of the last casebook run).",
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Publish the last complete and passing dbt build."""
    from orchestrate.pipeline import publish_build

    console = Console(json_output=json_output)
    published = publish_build(Settings.from_environment(), console, target_path)
    console.show(
        f"Published version {published.version}", ["relation", "rows"], list(published.rows.items())
    )
    console.show_json({"version": published.version, "rows": dict(published.rows)})


@app.command()
def report(
    audience: Annotated[
        list[str] | None,
        typer.Option("--audience", help="Render this audience only; may be repeated."),
    ] = None,
    login: LoginOption = None,
    from_month: Annotated[
        str, typer.Option("--from", help="Month that pages open on, YYYY-MM.", metavar="MONTH")
    ] = "",
    to_month: Annotated[
        str, typer.Option("--to", help="Last month that pages open on, YYYY-MM.", metavar="MONTH")
    ] = "",
    out: OutOption = None,
    json_output: JsonOption = False,
) -> None:
    """Render reports from what is published."""
    from orchestrate.pipeline import render

    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    pages = render(
        settings, console, audience, login, out or settings.output_dir, from_month, to_month
    )
    for page in pages:
        console.write(str(page))
    console.show_json({"pages": [str(page) for page in pages]})


@app.command()
def extract(
    audience: Annotated[
        list[str] | None,
        typer.Option("--audience", help="Write this audience's only; may be repeated."),
    ] = None,
    login: LoginOption = None,
    formats: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Kind of file; may be repeated (default: csv and xlsx)."),
    ] = None,
    out: OutOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write what each audience may read as files, with definitions."""
    from orchestrate.pipeline import extract as write

    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    files = write(
        settings, console, audience, login, formats or DEFAULT_FORMATS, out or settings.output_dir
    )
    for file in files:
        console.write(str(file))
    console.show_json({"files": [str(file) for file in files]})


@app.command()
def status(json_output: JsonOption = False) -> None:
    """Show what is published, from which exports, and past versions."""
    from orchestrate.status import read_status, show_status

    console = Console(json_output=json_output)
    show_status(read_status(Settings.from_environment(), console), console)


@app.command()
def rollback(out: OutOption = None, json_output: JsonOption = False) -> None:
    """Put the previously published version back, and render reports and extracts from it."""
    from orchestrate.pipeline import roll_back

    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    summary = roll_back(settings, console, out or settings.output_dir)
    console.write(f"Version {summary.version} is what readers see again.")
    for page in summary.pages:
        console.write(str(page))
    console.show_json(summary.as_json())


@app.command()
def erd(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the diagrams (default: docs/erd).")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Write the entity-relationship diagrams of raw tables and marts (Mermaid and SVG)."""
    from orchestrate.pipeline import draw_diagrams

    console = Console(json_output=json_output)
    settings = Settings.from_environment()
    files = draw_diagrams(settings, console, out or settings.project_dir / "docs" / "erd")
    for file in files:
        console.write(str(file))
    console.show_json({"files": [str(file) for file in files]})


@app.command()
def doctor(
    mend: Annotated[
        bool,
        typer.Option(
            "--mend", help="Bring roles, logins, members, functions, policies and rights in order."
        ),
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Check versions, connections, roles, privileges and disk; say how to mend what is wrong."""
    from orchestrate.doctor import examine

    console = Console(json_output=json_output)
    checks, mended = examine(Settings.from_environment(), console, mending=mend)
    if mended:
        console.show("Mended", ["what was wrong"], [(problem,) for problem in mended])
    elif mend:
        console.write("Nothing had to be mended.")
    console.show(
        "Casebook's health",
        ["check", "result", "what to do"],
        [(check.name, check.result, check.cure) for check in checks],
    )
    for check in checks:
        if check.statements:
            # A comment of SQL, so that all of it can be pasted.
            console.write(f"-- {check.name}: in the database {check.run_in}")
        for statement in check.statements:
            console.write(statement)
    told: dict[str, object] = {"mended": list(mended)} if mend else {}
    console.show_json({**told, "checks": [check.as_json() for check in checks]})
    worst = max((check.status for check in checks), default=ExitStatus.DONE)
    if worst != ExitStatus.DONE:
        raise typer.Exit(worst)


@db_app.command("start")
def db_start(
    port: Annotated[
        int | None,
        typer.Option("--port", help="Also listen on 127.0.0.1 at this port.", min=1, max=65535),
    ] = None,
) -> None:
    """Start the embedded server; it runs until `casebook db stop`."""
    from orchestrate.database import start

    console = Console()
    start(Settings.from_environment(), port)
    console.say("The server is running" + (f", also on 127.0.0.1:{port}." if port else "."))


@db_app.command("stop")
def db_stop() -> None:
    """Stop the embedded server."""
    from orchestrate.database import stop

    stop(Settings.from_environment())
    Console().say("The server is stopped.")


@db_app.command("remove", hidden=True)
def db_remove() -> None:
    """Stop the embedded server and delete its data; `make clean` calls it."""
    from orchestrate.database import remove_embedded

    remove_embedded(Settings.from_environment())


@db_app.command("url")
def db_url(login: LoginOption = None) -> None:
    """Print a connection URI: of the warehouse, or with --as of a login of reporting."""
    from orchestrate.database import url

    Console().write(url(Settings.from_environment(), login))


@db_app.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(context: typer.Context, login: LoginOption = None) -> None:
    """Open psql on the warehouse, or with --as as a login of reporting; arguments go to psql."""
    from orchestrate.database import psql

    psql(Settings.from_environment(), login, context.args)


def main() -> NoReturn:
    """Run the command line and exit with a status of the public interface."""
    interruption.listen(cancel_queries)
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command and return its exit status; errors are shown here and nowhere else."""
    console = Console()
    try:
        # Not app(…), which would set how errors are shown that nothing can raise.
        command = typer.main.get_command(app)
        result: Any = command.main(arguments, prog_name="casebook", standalone_mode=False)
    except USAGE_ERROR as error:
        console.fail(error.format_message(), "`casebook --help` lists commands and options.")
        return ExitStatus.USAGE
    except CasebookError as error:
        console.fail(error.cause, error.cure)
        return error.status
    except (KeyboardInterrupt, typer.Abort):
        result = ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left; point standard output elsewhere so that exit stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        console.fail(
            f"{error.filename or 'A file'} cannot be written: {error.strerror}.",
            "Make room, then run again: what was published stands, and nothing has to be mended.",
        )
        return ExitStatus.USAGE
    if result == ExitStatus.INTERRUPTED:
        # Also what Typer makes of a KeyboardInterrupt that reaches it.
        console.fail("Interrupted.", "`casebook status` shows what is published.")
    return result if isinstance(result, int) else ExitStatus.DONE
