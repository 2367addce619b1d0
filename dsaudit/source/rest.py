"""Reads the lists of a REST or GraphQL API to their end: paged, patient, gentle, and suspicious of short answers."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from dsaudit.clock import Clock
from dsaudit.parameters import Parameters, Resource, Tenant, place_of
from dsaudit.parameters.graphql import why_refused
from dsaudit.parameters.keys import named_parts
from dsaudit.parameters.secret import Secret, from_environment
from dsaudit.parameters.source import Source
from dsaudit.source import paging
from dsaudit.source.accepting import accepted, shown, throttled
from dsaudit.source.pacing import Pace, Watch, keep, pause, retry_after, told_time
from dsaudit.source.paging import Answer, Listing, Request
from dsaudit.source.reading import (
    Page,
    Position,
    Record,
    SourceAbsent,
    SourceError,
    count_in,
    record_of,
    records_in,
    the_record,
)
from dsaudit.verdict.card import plural

ATTEMPTS = 6
LARGEST_BODY = 64_000_000  # bytes of one page
MOST_PAGES = 1_000_000
MOST_EMPTY = 100  # pages in a row without a record, of a list that says that it goes on
# A header Date has whole seconds, and there are servers that write its text anew only once a second.
DATE_RESOLUTION = 2.0


@dataclass
class Client:
    """Reads from one account of a provider: GET, or a GraphQL query; one host, no redirects."""

    source: Source
    base_url: str
    token: Secret | None
    clock: Clock = field(default_factory=Clock)
    requests: int = 0
    path: Path | None = None  # of the parameter file
    until: float = float("inf")  # by the clock that never jumps: then nothing is waited for any more
    headers: dict[str, str] = field(default_factory=dict)  # that each request has beside the token's
    patience: float | None = None  # seconds that an answer may take; by itself what providers are given
    attempts: int | None = None  # at a request; by itself as many as providers are given
    pace: Pace | None = None  # that several clients keep together

    def __post_init__(self) -> None:
        headers = {"Accept": "application/json", "User-Agent": "dsaudit", **self.headers}
        if self.token:
            bearer = self.source.token_header.lower() == "authorization"
            headers[self.source.token_header] = f"Bearer {self.token.reveal()}" if bearer else self.token.reveal()
        # A proxy or a redirect from the environment could carry the token to another host.
        self._http = httpx.Client(headers=headers, follow_redirects=False, trust_env=False, timeout=self.patience or 30)
        self._pace, self._watch = self.pace or Pace(self.source), Watch(self.patience)
        self._names_next = False  # whether an answer had what names the next page: then its path is right

    @classmethod
    def of(cls, parameters: Parameters, tenant: Tenant) -> Client:
        """Return the reader of one tenant's account.

        Raises
        ------
        SourceError, SecretMissing
            The environment does not hold the address, or the token.
        """
        source = parameters.source
        assert source is not None
        token_env = tenant.token_env or source.token_env
        base = source.base_url or os.environ.get(source.base_url_env or "", "")
        if not base:
            raise SourceError(
                f"the environment variable {source.base_url_env} is not set; it holds the source's address"
            )
        whole = f"{base.rstrip('/')}/{source.account_path}".rstrip("/").replace("{account}", tenant.account or "")
        return cls(source, whole, from_environment(token_env) if token_env else None, path=parameters.path)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of the reading: how far whose clock is ahead, and the number of requests."""
        return {"offset": self.clock.offset, "host": urlsplit(self.base_url).netloc, "requests": self.requests}

    # Lists -------------------------------------------------------------------------------------------------------

    def resume_at(self, page: Page) -> Position | None:
        """Return where a reading that breaks off behind `page` can go on, None where it cannot."""
        given = paging.resume_at(self.source.paging, page)
        is_secret = self.token is not None and self.token.reveal() in str(given)  # some put it into their links
        return None if is_secret else given

    @property
    def rereads(self) -> bool:
        """Whether it goes on there with the last page once more."""
        return paging.rereads(self.source.paging)

    def probe(self, resource: Resource | None) -> None:
        """Make one small request that needs the token.

        Raises
        ------
        SourceError
            It is not answered as it should be.
        """
        declared = self.source.paging
        if path := self.source.scopes or (resource and resource.count and "{" not in resource.count and resource.count):
            self.ask(Request(path))
        elif resource:
            self.ask(paging.request(declared, 1, Listing.of(resource), paging.first(declared)))

    def pages(
        self, listing: Listing, position: Position | None = None, number: int = 0, before: Record | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a list to its end, or from `position` on, behind page `number` and the record `before`.

        Raises
        ------
        SourceError
            A page cannot be had, is not what was declared, or shows that the list is not read whole.
        """
        declared, seen = self.source.paging, set[Position]()
        following: Position | None = paging.first(declared) if position is None else position
        last = before if declared.style == "offset" and declared.overlap else None
        empty = 0
        read = int(following or 0) - declared.first if declared.style == "offset" else 0
        while following is not None:
            number += 1
            try:
                if following in seen or number > MOST_PAGES:
                    raise SourceError("the pages run in a circle; this one was read before")
                seen.add(following)
                page = self._page(listing, following, last, read)
            except SourceError as error:
                raise type(error)(f"page {number}: {error}") from None
            yield page
            following, read = page.following, read + len(page.records)
            empty = 0 if page.records else empty + 1
            if empty > MOST_EMPTY:
                raise SourceError(f"page {number}: {empty} pages in a row have no record, and more are announced")
            # A page of one record says nothing of the size that the provider keeps to: no overlap would be seen.
            is_long = declared.style == "offset" and declared.overlap and (last is not None or len(page.records) > 1)
            last = page.records[-1] if is_long and page.records else None

    def _page(self, listing: Listing, position: Position, before: Record | None, read: int) -> Page:
        declared = self.source.paging
        request = paging.request(declared, self.source.page_size, listing, position, before is not None)
        answer = self.ask(request)
        page = paging.page_of(declared, listing, position, answer, before, read)
        if not paging.ends_unsaid(declared, answer):
            self._names_next = True
        elif position == paging.first(declared) and not listing.proven:
            ends, size = self.ends(listing, page), len(page.records)
            if ends is False or (ends is None and size >= self.source.page_size):
                raise SourceError(
                    f"{answer.where}: there is no {declared.next} in the answer, and nothing tells whether its "
                    f"{plural(size, 'record')} are all; correct {self._place_of_next()}, or declare the list's count"
                )
        return page

    def ends(self, listing: Listing, page: Page) -> bool | None:
        """Return whether a list is over with its first page, whose answer does not have what names the next; or None.

        Some providers leave it out of the last page; where it is misspelt, no page has it. Asked for one record alone,
        a list of several has to name a next page.
        """
        declared, start = self.source.paging, paging.first(self.source.paging)
        if self._names_next or not page.records:
            return True
        if not declared.size_parameter or len(page.records) == 1:
            return None
        try:
            answer = self.ask(paging.request(declared, 1, listing, start))
            alone = paging.page_of(declared, listing, start, answer, None, 0)
        except SourceError:
            return None
        self._names_next = not paging.ends_unsaid(declared, answer)
        is_shorter = len(alone.records) < len(page.records)
        return self._names_next or (False if is_shorter else None)

    def _place_of_next(self) -> str:
        keys = ("source", "paging", "next")
        return place_of(self.path, keys) if self.path else ".".join(keys)

    def count(self, resource: Resource) -> int | None:
        """Return how many records the provider says a list has, by another way than the list; None where it has none.

        Raises
        ------
        SourceError
            It does not say.
        """
        if not resource.count:
            return None
        if "{" in resource.count:
            answer = self.ask(Request(resource.read or "", {"query": resource.count}))
        else:
            answer = self.ask(Request(resource.count))
        return count_in(answer.body, answer.where)

    def one(self, resource: Resource, source_id: str) -> Record | None:
        """Return one record as its list has it, None where the provider answers that there is none.

        A record that says of itself ``deleted: true`` is none either.

        Raises
        ------
        SourceError
            It does not answer, or with another record.
        """
        parts = named_parts(resource, source_id)
        if parts is None:
            return None  # an id that the source cannot have given
        if not all(part.strip(".") for part in parts.values()):
            raise SourceError(f"{source_id!r} is no id that an address can hold")
        path = re.sub(r"\{(.*?)\}", lambda found: quote(parts[found[1]], safe=""), resource.one or "")
        try:
            answer = self.ask(Request(path))
            record = the_record(record_of(answer.text, answer.where), resource, source_id, answer.where)
        except SourceAbsent:
            return None
        except SourceError as error:  # an id may be somebody's address
            raise type(error)(str(error).replace(path, resource.one or "")) from None
        return None if record.value.get("deleted") is True else record

    def extra(self, path: str) -> list[Any]:
        """Return the records of a list beside the resources': the scopes, the subscriptions."""
        if self.source.paging.style == "graphql":
            answer = self.ask(Request(path))
            return [record.value for record in records_in(answer.text, answer.body, None, answer.where)]
        listing = Listing(path)
        return [record.value for page in self.pages(listing) for record in page.records]

    # Requests ----------------------------------------------------------------------------------------------------

    def ask(self, request: Request) -> Answer:
        """Send one request, waiting where the provider asks for it, and return its answer.

        Raises
        ------
        SourceError
            The provider refuses, does not answer, or answers something other than JSON.
        """
        target = self._target(request)
        problem, attempts = "", self.attempts or ATTEMPTS
        for attempt in range(attempts):
            wait = 0.2 * 2**attempt
            try:
                response, content = self._send(target, request.body)
            except httpx.HTTPError as error:
                problem = f"no answer ({type(error).__name__})"
            else:
                status = response.status_code
                if status != 429 and status < 500:
                    answer = accepted(response, content, target, LARGEST_BODY)
                    if not throttled(request, answer):
                        return answer
                problem = f"still answers {status}" if status != 200 else "still says that we ask too often"
                wait = retry_after(response.headers, time.time(), wait)
            if attempt + 1 < attempts:
                pause(wait, self.until, f"{shown(target)}: {problem}")
        raise SourceError(f"{shown(target)}: {problem} after {plural(attempts, 'try', 'tries')}")

    def heard(self, path: str) -> tuple[int, bytes]:
        """Ask for a path once, and return the answer's status and body, whatever they are.

        Raises
        ------
        SourceError
            There is no answer.
        """
        target = self._target(Request(path))
        try:
            response, content = self._send(target, None)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"{shown(target)}: no answer ({type(error).__name__})") from None
        return response.status_code, content

    def _target(self, request: Request) -> str:
        """Return the whole address of a request; none leaves the declared host, as the token would go there."""
        target = request.url
        if not urlsplit(target).scheme:
            target = f"{self.base_url.rstrip('/')}/{target.lstrip('/')}"
        if urlsplit(target)[:2] != urlsplit(self.base_url)[:2]:
            raise SourceError(f"{shown(target)}: is on another host; the token does not go there")
        problem = why_refused(str(request.body.get("query"))) if request.body else None
        if problem:
            raise SourceError(f"{shown(target)}: the document {problem}")
        return target

    def _send(self, target: str, body: dict[str, Any] | None) -> tuple[httpx.Response, bytes]:
        """Return a response and its body; of a body that is too large, or does not end in time, its beginning."""
        keep(self._pace.before(time.monotonic()), self.until)
        content, before = bytearray(), time.time()
        sent = self._http.stream("GET" if body is None else "POST", target, json=body, extensions=self._watch.told)
        with self._watch.in_time(shown(target)), sent as response:
            if (told := told_time(response.headers)) is not None:
                self.clock.note(told, before, time.time(), DATE_RESOLUTION)
            for part in response.iter_bytes():
                content += part
                if len(content) > LARGEST_BODY or time.monotonic() > self.until:
                    break
        self.requests += 1
        if response.status_code == 200:
            keep(self._pace.after(response.headers, time.time()), self.until)
        return response, bytes(content)
