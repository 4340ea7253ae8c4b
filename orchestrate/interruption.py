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
from types import FrameType
from typing import Any, Final

from orchestrate.errors import ExitStatus

# The alarm lets a lost interruption come again.
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

# Two signals so close together are one request: timeout(1) and some supervisors send two.
_SAME_REQUEST_SECONDS: Final = 2.0
# By then, whoever could not raise has returned to who can.
_COMES_AGAIN_SECONDS: Final = 0.05
# A query may begin right after it would have been cancelled; then it is cancelled now.
_CANCEL_AGAIN_SECONDS: Final = 0.2
# What `go_on` puts among the numbers of signals.
_ANSWERED: Final = 0


class _Request:
    """When the request came that is being answered, and whether the main thread has heard."""

    since: float | None = None
    is_heard = threading.Event()
    cancelling: threading.Thread | None = None
    # The end into which signals write, and whether what `go_on` wrote there was read.
    pipe = -1
    is_over = threading.Event()


def listen(cancel_queries: Callable[[], None]) -> None:
    """Clean up on request from now on; to be called once, in the main thread.

    `cancel_queries` ends what the server does for this process, so that the calls that wait for it
    return. Signals that the process was started to ignore (nohup, a script's background) stay so,
    but SIGTERM.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    _Request.pipe = writer
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in SIGNALS:
        is_ignored = signal.getsignal(number) is signal.SIG_IGN
        if number in {signal.SIGTERM, signal.SIGALRM} or not is_ignored:
            signal.signal(number, _interrupt)
    sys.excepthook = _not_lost(sys.excepthook)
    sys.unraisablehook = _not_lost(sys.unraisablehook)
    threading.Thread(target=_attend, args=(reader, cancel_queries), daemon=True).start()


def interrupt_main_thread() -> None:
    """Interrupt the main thread like a request from outside, if those are listened to."""
    if _is_listening():
        # A real signal to that very thread, because only such a one ends its waiting.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def go_on() -> None:
    """Take the request for answered: the work goes on, and the next one is a first one again.

    The thread that attends to signals may be behind, so it is waited for: nothing of what goes on
    is cancelled for a request of before.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    if _is_listening():
        _Request.is_over.clear()
        os.write(_Request.pipe, bytes([_ANSWERED]))
        _Request.is_over.wait()


def _is_listening() -> bool:
    return signal.getsignal(signal.SIGTERM) is _interrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt for the first request; the cleaning up is left in peace."""
    if not _Request.is_heard.is_set():
        _Request.is_heard.set()
        raise KeyboardInterrupt


def _not_lost(show: Callable[..., object]) -> Callable[..., None]:
    """Let an interruption come again that `show` could only have shown, as it does all else."""

    def notice(*told: Any) -> None:
        # Class, error and traceback where C code could not raise; one object where a finalizer.
        kind = told[0] if len(told) > 1 else told[0].exc_type
        if issubclass(kind, KeyboardInterrupt):
            go_on()
            signal.setitimer(signal.ITIMER_REAL, _COMES_AGAIN_SECONDS)
        else:
            show(*told)

    return notice


def _attend(reader: int, cancel_queries: Callable[[], None]) -> None:
    """Wait for signals: each arrives here at once, whatever the main thread waits for."""
    while numbers := os.read(reader, 64):
        for number in numbers:
            since = _Request.since
            if number == _ANSWERED:
                _end_request()
            elif number in SIGNALS and since is None:
                _begin_request(cancel_queries)
            elif number in SIGNALS and time.monotonic() - (since or 0) > _SAME_REQUEST_SECONDS:
                os._exit(ExitStatus.INTERRUPTED)


def _begin_request(cancel_queries: Callable[[], None]) -> None:
    _Request.since = time.monotonic()
    # In a thread of its own: on a dead network even cancelling takes its time.
    _Request.cancelling = threading.Thread(
        target=_cancel, args=(cancel_queries, _Request.is_heard), daemon=True
    )
    _Request.cancelling.start()


def _end_request() -> None:
    _Request.since = None
    heard, _Request.is_heard = _Request.is_heard, threading.Event()
    heard.set()
    if _Request.cancelling:
        _Request.cancelling.join(_SAME_REQUEST_SECONDS)
    _Request.is_over.set()


def _cancel(cancel_queries: Callable[[], None], is_heard: threading.Event) -> None:
    """Cancel until the main thread has heard; what runs after that cleans up."""
    cancel_queries()
    while not is_heard.wait(_CANCEL_AGAIN_SECONDS):
        cancel_queries()
