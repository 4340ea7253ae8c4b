"""Requests to end: Ctrl-C, SIGTERM and a terminal that hangs up, each cleaned up after alike.

The first request cancels the queries that run, because Python hears of a signal only when the call
that waits for the server returns, and raises KeyboardInterrupt in the main thread. A later one, of
somebody who will not wait for the cleaning up, ends the process at once. That is as safe as
SIGKILL: nothing here relies on being cleaned up after.

Python raises where the main thread happens to be, and that may be where nothing can be raised: in
a finalizer, or in a codec that psycopg2 calls while it makes an error. What is lost there comes
again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Final

from orchestrate.errors import ExitStatus

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Two signals so close together are one request: timeout(1) and some supervisors send two.
_SAME_REQUEST_SECONDS: Final = 2.0
# By then, whoever could not raise has returned to who can.
_COMES_AGAIN_SECONDS: Final = 0.05
# A query may begin right after it would have been cancelled; then it is cancelled now.
_CANCEL_AGAIN_SECONDS: Final = 0.2


_ShowError = Callable[[type[BaseException], BaseException, TracebackType | None], object]
_ShowUnraisable = Callable[["sys.UnraisableHookArgs"], object]


class _Request:
    """What is known of the request that is being answered, if there is one."""

    def __init__(self) -> None:
        # When it came, and whether the main thread has heard of it.
        self.since: float | None = None
        self.is_heard = threading.Event()
        # What lets it come again, after it was lost.
        self.again: threading.Timer | None = None


_request = _Request()
_is_listening = threading.Event()


def listen(cancel_queries: Callable[[], None]) -> None:
    """Clean up on request from now on; to be called once, in the main thread.

    `cancel_queries` ends what the server does for this process, so that the calls that wait for it
    return. Signals that the process was started to ignore (nohup, a script's background) stay so,
    but SIGTERM.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.excepthook = _notice_lost(sys.excepthook)
    sys.unraisablehook = _notice_unraisable(sys.unraisablehook)
    threading.Thread(
        target=_attend, args=(reader, cancel_queries), name="interruption", daemon=True
    ).start()
    _is_listening.set()


def interrupt_main_thread() -> None:
    """Interrupt the main thread like a request from outside, if those are listened to."""
    if _is_listening.is_set():
        # A real signal to that very thread, because only such a one ends its waiting.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def go_on() -> None:
    """Take the request for answered: the work goes on, and the next one is a first one again."""
    if _request.again:
        _request.again.cancel()
        _request.again = None
    _request.since = None
    _request.is_heard.clear()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt for the first request; the cleaning up is left in peace."""
    if not _request.is_heard.is_set():
        _request.is_heard.set()
        raise KeyboardInterrupt


def _notice_lost(show: _ShowError) -> _ShowError:
    """Let an interruption come again that C code could only have shown; show all other errors."""

    def notice(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            _come_again()
        else:
            show(kind, error, traceback)

    return notice


def _notice_unraisable(show: _ShowUnraisable) -> _ShowUnraisable:
    """Let an interruption come again that a finalizer could not raise; show all other errors."""

    def notice(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _come_again()
        else:
            show(unraisable)

    return notice


def _come_again() -> None:
    go_on()
    _request.again = threading.Timer(_COMES_AGAIN_SECONDS, interrupt_main_thread)
    _request.again.daemon = True
    _request.again.start()


def _attend(reader: int, cancel_queries: Callable[[], None]) -> None:
    """Wait for signals: each arrives here at once, whatever the main thread waits for."""
    while numbers := os.read(reader, 64):
        if not set(numbers) & set(SIGNALS):
            continue
        now = time.monotonic()
        if _request.since is None:
            _request.since = now
            # In a thread of its own: on a dead network even cancelling takes its time.
            threading.Thread(target=_cancel, args=(cancel_queries,), daemon=True).start()
        elif now - _request.since > _SAME_REQUEST_SECONDS:
            os._exit(ExitStatus.INTERRUPTED)


def _cancel(cancel_queries: Callable[[], None]) -> None:
    """Cancel until the main thread has heard; what runs after that cleans up."""
    while True:
        cancel_queries()
        if _request.is_heard.wait(_CANCEL_AGAIN_SECONDS):
            return
