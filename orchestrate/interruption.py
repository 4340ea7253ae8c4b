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
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from orchestrate.errors import ExitStatus

# The alarm lets a lost interruption come again, soon: whoever could not raise has then returned.
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
_COMES_AGAIN_SECONDS: Final = 0.05
# Two signals so close together are one request: timeout(1) and some supervisors send two.
_SAME_REQUEST_SECONDS: Final = 2.0
# A query may begin right after it would have been cancelled; then it is cancelled now.
_CANCEL_AGAIN_SECONDS: Final = 0.2


class _Requests:
    """The request that is being answered, if any: since when, and whether the main thread heard."""

    def __init__(self, cancel_queries: Callable[[], None]) -> None:
        self._cancel_queries = cancel_queries
        self._since: float | None = None
        self._is_heard = threading.Event()
        self._canceller: threading.Thread | None = None
        # Signals write into a pipe at once, whatever the main thread waits for.
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # Reentrant: a finalizer within `forget` may lose an interruption, and that calls it, too.
        self._lock = threading.RLock()
        threading.Thread(target=self._attend, daemon=True).start()

    def raise_once(self, *_: object) -> None:
        """Raise KeyboardInterrupt for the first signal; the cleaning up is left in peace."""
        if not self._is_heard.is_set():
            self._is_heard.set()
            raise KeyboardInterrupt

    def forget(self) -> None:
        """Take the request for answered, signals that nobody attended to yet included."""
        with self._lock:
            self._read_signals()
            self._is_heard.set()
            self._since, self._is_heard = None, threading.Event()
        if self._canceller:
            self._canceller.join(_SAME_REQUEST_SECONDS)

    def _attend(self) -> None:
        while True:
            select.select([self._reader], [], [])
            with self._lock:
                if not self._read_signals():
                    continue
                if self._since is None:
                    self._since = time.monotonic()
                    # In a thread of its own: on a dead network even cancelling takes its time.
                    self._canceller = threading.Thread(
                        target=self._cancel, args=(self._is_heard,), daemon=True
                    )
                    self._canceller.start()
                elif time.monotonic() - self._since > _SAME_REQUEST_SECONDS:
                    os._exit(ExitStatus.INTERRUPTED)

    def _read_signals(self) -> bool:
        try:
            return not set(os.read(self._reader, 64)).isdisjoint(SIGNALS)
        except BlockingIOError:
            return False

    def _cancel(self, is_heard: threading.Event) -> None:
        """Cancel until the main thread has heard; what runs after that cleans up."""
        self._cancel_queries()
        while not is_heard.wait(_CANCEL_AGAIN_SECONDS):
            self._cancel_queries()


_listening: _Requests | None = None


def listen(cancel_queries: Callable[[], None]) -> None:
    """Clean up on request from now on; to be called once, in the main thread.

    `cancel_queries` ends what the server does for this process, so that the calls that wait for it
    return. Signals that the process was started to ignore (nohup, a script's background) stay so,
    but SIGTERM.
    """
    global _listening
    _listening = requests = _Requests(cancel_queries)
    for number in SIGNALS:
        is_ignored = signal.getsignal(number) is signal.SIG_IGN
        if number in {signal.SIGTERM, signal.SIGALRM} or not is_ignored:
            signal.signal(number, requests.raise_once)
    sys.excepthook = _not_lost(sys.excepthook)
    sys.unraisablehook = _not_lost(sys.unraisablehook)


def interrupt_main_thread() -> None:
    """Interrupt the main thread like a request from outside, if those are listened to."""
    if _listening:
        # A real signal to that very thread, because only such a one ends its waiting.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def go_on() -> None:
    """Take the request for answered: the work goes on, and the next one is a first one again."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    if _listening:
        _listening.forget()


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
