"""Leaves the larger share of a provider's rate limit to production."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from dsaudit.parameters.source import RateLimit, Source
from dsaudit.source.reading import SourceError

LONGEST_ANSWER = 300.0  # seconds that one page may take; of a server that sends a byte a second it would never end
LONGEST_WAIT = 60.0  # seconds that a provider can make us wait at once
LONGEST_PAUSE = 5.0  # seconds between two requests while more than our share is used, and no time of refill is told
AN_EPOCH = 1_000_000_000  # a larger number of seconds is a time since 1970


class Watch:
    """Ends an answer that takes too long, with its headers: the client's timeout bounds each read, not all of them."""

    def __init__(self, longest: float | None = None) -> None:
        self._longest = longest or LONGEST_ANSWER
        self._socket: socket.socket | None = None
        self.told = {"trace": self._trace}  # has httpx tell which connection a request is sent over

    def _trace(self, event: str, told: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = told["return_value"].get_extra_info("socket")

    @contextlib.contextmanager
    def in_time(self, where: str) -> Iterator[None]:
        """Bound the time of the block, in which a request is sent and its answer read.

        Raises
        ------
        SourceError
            It did not come to its end in time.
        """
        is_over = threading.Event()

        def end() -> None:
            is_over.set()
            with contextlib.suppress(OSError):
                if self._socket:
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

        timer = threading.Timer(self._longest, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except httpx.HTTPError:
            if not is_over.is_set():
                raise
        finally:
            timer.cancel()
        if is_over.is_set():  # an answer of no told length would look as if it were whole
            raise SourceError(f"{where}: its answer had not ended after {self._longest:g} s")


@dataclass
class Pace:
    """Says how many seconds to wait: `before` by a clock that never jumps, `after` by the seconds since 1970."""

    source: Source
    _last: float | None = None
    _over: int = 0  # answers in a row by which more than our share is used

    def before(self, now: float) -> float:
        """Return the wait before a request, so that requests keep to our share of the declared `rate`."""
        if self.source.rate is None:
            return 0.0
        apart = 100 / (self.source.rate * self.source.rate_share)
        wait = max(self._last + apart - now, 0.0) if self._last is not None else 0.0
        self._last = now + wait
        return wait

    def after(self, headers: Mapping[str, str], now: float) -> float:
        """Return the wait after an answer that says how much of the limit is used, by whomever."""
        declared = self.source.rate_limit
        used = _used(declared, headers) if declared else None
        if declared is None or used is None or used * 100 <= self.source.rate_share:
            self._over = 0
            return 0.0
        self._over += 1
        told = _number(headers.get(declared.reset or "", ""))
        if told is not None:
            return min(max(told - now if told > AN_EPOCH else told, 0.0), LONGEST_WAIT)
        return float(min(0.1 * 2 ** min(self._over - 1, 10), LONGEST_PAUSE))


def retry_after(headers: Mapping[str, str], now: float, otherwise: float) -> float:
    """Return how long a refusal asks to wait, in seconds or until a time by the provider's own clock."""
    given = headers.get("retry-after", "")
    asked = _number(given)
    if asked is None:
        until, told = _time(given), _time(headers.get("date", ""))
        asked = until - (now if told is None else told) if until is not None else None
    return otherwise if asked is None else min(max(asked, 0.0), LONGEST_WAIT)


def keep(seconds: float, until: float) -> None:
    """Wait to keep the pace, by `until` at the longest, a time of the clock that never jumps."""
    time.sleep(max(min(seconds, until - time.monotonic()), 0.0))


def pause(seconds: float, until: float, problem: str) -> None:
    """Wait before a request is sent again, by `until` at the latest, a time of the clock that never jumps.

    Raises
    ------
    SourceError
        There is no time to wait so long; it tells the `problem`.
    """
    if time.monotonic() + seconds > until:
        raise SourceError(f"{problem}, and no time is left to try again")
    time.sleep(seconds)


def _used(declared: RateLimit, headers: Mapping[str, str]) -> float | None:
    """Return which part of the limit is used, or None where the answer does not tell."""
    if declared.used:
        part, _, whole = headers.get(declared.used, "").partition("/")
        used, size = _number(part), _number(whole)
    else:
        limit = declared.limit if isinstance(declared.limit, int) else headers.get(str(declared.limit), "")
        size, remaining = _number(str(limit)), _number(headers.get(declared.remaining or "", ""))
        used = None if size is None or remaining is None else size - remaining
    return used / size if used is not None and size else None


def _number(given: str) -> float | None:
    """Return a number that a header holds; of ``100, 100;window=60`` the first."""
    text = given.partition(",")[0].partition(";")[0].strip()
    return float(text) if text.replace(".", "", 1).isdecimal() else None


def _time(given: str) -> float | None:
    with contextlib.suppress(ValueError, OverflowError):
        told = parsedate_to_datetime(given)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return None


def told_time(headers: Mapping[str, str]) -> float | None:
    """Return the time by the provider's own clock, None where an answer does not tell it or comes out of a cache."""
    return None if _number(headers.get("age", "")) else _time(headers.get("date", ""))
