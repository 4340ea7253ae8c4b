"""Beginning again, once, after a lost connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from orchestrate.console import Console
from orchestrate.errors import LostConnectionError
from orchestrate.settings import Settings

Given = ParamSpec("Given")
Result = TypeVar("Result")


def once_more_when_lost(
    step: Callable[Concatenate[Settings, Console, Given], Result],
) -> Callable[Concatenate[Settings, Console, Given], Result]:
    """Let a step begin again, once, when a connection was lost in the midst of it.

    Each step does all or nothing, and takes the lock anew: another run that came in between is met
    with BusyError or, before anything is published, by the check of the last build. Not for what is
    something else when done twice, such as a rollback.
    """

    @wraps(step)
    def steadfast(
        settings: Settings, console: Console, /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        try:
            return step(settings, console, *args, **kwargs)
        except LostConnectionError as error:
            console.warn(f"{error.cause.rstrip('.')}. Beginning again, this once.")
        return step(settings, console, *args, **kwargs)

    return steadfast
