"""`casebook db`: the embedded server, and how a login connects."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrate.console import Console
from orchestrate.settings import Settings

LoginOption = Annotated[
    str | None, typer.Option("--as", help="A login of the reporting database.", metavar="LOGIN")
]
db_app = typer.Typer(help="The embedded PostgreSQL server and connections to it.")


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
