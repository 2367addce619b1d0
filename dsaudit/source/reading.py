"""Reads one list of a provider to its end: paged, patient with its rate limit, and suspicious of short answers."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from dsaudit.parameters.models import Source
from dsaudit.secret import Secret

ATTEMPTS = 6
LONGEST_WAIT = 60.0  # seconds that one Retry-After may ask for
LARGEST_BODY = 64_000_000  # bytes of one page
MOST_PAGES = 100_000


class SourceError(Exception):
    """The source cannot be read; the message is one line and names the address without its query."""


class SourceRefused(SourceError):
    """The source answers, and does not accept the token, or what the token was granted."""


@dataclass
class Client:
    """Reads from one account of a provider: GET only, one host, no redirects."""

    source: Source
    base_url: str
    token: Secret | None
    offsets: list[float] = field(default_factory=list)  # seconds that the provider's clock is ahead of ours
    requests: int = 0

    def __post_init__(self) -> None:
        headers = {"Accept": "application/json", "User-Agent": "dsaudit"}
        if self.token:
            bearer = self.source.token_header.lower() == "authorization"
            headers[self.source.token_header] = f"Bearer {self.token.reveal()}" if bearer else self.token.reveal()
        # A proxy or a redirect from the environment could carry the token to another host.
        self._http = httpx.Client(headers=headers, follow_redirects=False, trust_env=False, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, url: str) -> httpx.Response:
        """Get one page, waiting where the provider asks for it.

        Raises
        ------
        SourceError
            It refuses, does not answer, or answers something other than JSON.
        """
        target = url if urlsplit(url).scheme else f"{self.base_url.rstrip('/')}/{url.lstrip('/')}"
        for attempt in range(ATTEMPTS):
            try:
                response = self._http.get(target)
            except httpx.HTTPError as error:
                if attempt + 1 == ATTEMPTS:
                    raise SourceError(f"{_shown(target)}: no answer ({type(error).__name__})") from None
                time.sleep(0.2 * 2**attempt)
                continue
            self.requests += 1
            if response.status_code == 429 or response.status_code >= 500:
                time.sleep(_wait(response, attempt))
                continue
            self._note_clock(response)
            self._spare(response)
            return _accepted(response, target)
        raise SourceError(f"{_shown(target)}: still answers {response.status_code} after {ATTEMPTS} tries")

    def pages(self, path: str) -> Iterator[httpx.Response]:
        """Yield the pages of a list until the provider says that there are no more."""
        separator = "&" if "?" in path else "?"
        url: str | None = f"{path}{separator}limit={self.source.page_size}" if self.source.paging == "link" else path
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= MOST_PAGES:
                raise SourceError(f"{_shown(url)}: the pages run in a circle; page {len(seen) + 1} was read before")
            seen.add(url)
            response = self.get(url)
            yield response
            url = self._next(response) if self.source.paging == "link" else None

    def _next(self, response: httpx.Response) -> str | None:
        given = response.links.get("next", {}).get("url")
        if not given:
            return None
        link = urljoin(str(response.url), given)
        if urlsplit(link)[:2] != urlsplit(self.base_url)[:2]:
            raise SourceError(f"{_shown(link)}: the next page is on another host; the token does not go there")
        return link

    def _note_clock(self, response: httpx.Response) -> None:
        with contextlib.suppress(ValueError):
            told = parsedate_to_datetime(response.headers.get("date", ""))
            self.offsets.append(told.timestamp() - time.time())

    def _spare(self, response: httpx.Response) -> None:
        """Leave the larger share of the provider's rate limit to production."""
        used, _, size = response.headers.get("X-Shopify-Shop-Api-Call-Limit", "").partition("/")
        if used.isdigit() and size.isdigit() and int(used) * 100 > int(size) * self.source.rate_share:
            time.sleep(0.1)


def _accepted(response: httpx.Response, url: str) -> httpx.Response:
    if response.is_redirect:
        raise SourceError(f"{_shown(url)}: answers with a redirect, which is not followed; correct the base_url")
    if response.status_code in (401, 403):
        raise SourceRefused(f"{_shown(url)}: refused with {response.status_code}; token or scope is not accepted")
    if response.status_code != 200:
        raise SourceError(f"{_shown(url)}: answers {response.status_code}")
    if len(response.content) > LARGEST_BODY:
        raise SourceError(f"{_shown(url)}: a page of {len(response.content)} bytes; ask for smaller pages")
    try:
        parse(response.text)
    except (ValueError, RecursionError):
        raise SourceError(f"{_shown(url)}: answers 200, but not with JSON") from None
    return response


def _wait(response: httpx.Response, attempt: int) -> float:
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = -1
    return min(asked, LONGEST_WAIT) if asked >= 0 else 0.2 * 2**attempt


def _shown(url: str) -> str:
    """Return an address without its query, which may hold a token or a cursor."""
    return url.split("?")[0]


def parse(text: str) -> Any:
    """Parse JSON exactly: no number goes through a float, and NaN is none."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def records_in(body: Any, where: str) -> list[dict[str, Any]]:
    """Return the records of one page: the body itself if it is a list, else its only list."""
    values = body.values() if isinstance(body, dict) else [body]
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) != 1:
        raise SourceError(f"{where}: expected one list of records in the answer, found {len(lists)}")
    return lists[0]


def count_in(body: Any, where: str) -> int:
    """Return the only integer of an answer such as ``{"count": 12}``."""
    numbers = [value for value in body.values() if isinstance(value, int)] if isinstance(body, dict) else []
    if len(numbers) != 1:
        raise SourceError(f"{where}: expected one number in the answer, found {len(numbers)}")
    return numbers[0]


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a JSON Lines file."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())
    except OSError as error:
        raise SourceError(f"{path.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path.name}: is not UTF-8") from None
