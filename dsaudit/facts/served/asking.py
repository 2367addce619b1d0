"""Asks the system's own API, gently: one request after the other, at a pace, so many in all and for so long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from dsaudit.parameters import Parameters
from dsaudit.parameters.action import joined, why_unprotected
from dsaudit.parameters.apis import Apis, Endpoint
from dsaudit.parameters.secret import Secret, SecretMissing, from_environment
from dsaudit.parameters.source import Source
from dsaudit.source.pacing import Pace
from dsaudit.source.paging import Listing
from dsaudit.source.reading import SourceAbsent, SourceError, records_in, strictly, value_at
from dsaudit.source.rest import Client
from dsaudit.verdict.card import thousands

ATTEMPTS = 2  # of a list's page: one that fails twice is told
LONGEST = 900.0  # seconds that the API is asked for in all
WRONG = "a-token-that-nobody-was-given"
Token = Literal["right", "wrong", "none"]


@dataclass(frozen=True)
class Heard:
    """One answer, whatever it is: its status, its text, and this parsed, None where it is no JSON."""

    status: int
    text: str
    body: Any


@dataclass(frozen=True)
class Listed:
    """A list as it was read: its records, how many it tells that it has, and whether it was read to its end."""

    records: list[Any]
    told: int | None
    is_whole: bool


@dataclass
class _Budget(Pace):
    """Keeps all requests to the declared pace, and to so many."""

    left: int = 0
    until: float = field(default_factory=lambda: time.monotonic() + LONGEST)

    def before(self, now: float) -> float:
        """Return the wait before a request; raises `SourceError` where there is to be no further one."""
        if not self.left:
            raise SourceError("as many requests were made as the file lets be made (apis.most_requests)")
        if now > self.until:
            raise SourceError(f"the API was asked for {LONGEST / 60:.0f} min, and no longer")
        self.left -= 1
        return super().before(now)


class Api:
    """The system's API, as whoever has the token asks it."""

    def __init__(self, parameters: Parameters) -> None:
        """Look up the address and the token; raises `SourceError` where one is not there, or may not be sent."""
        assert parameters.apis is not None
        self.apis: Apis = parameters.apis
        try:
            self._base = joined(self.apis.url, self.apis.url_env, self.apis.path).rstrip("/")
            self._token = from_environment(self.apis.token_env) if self.apis.token_env else None
        except SecretMissing as error:
            raise SourceError(str(error)) from None
        if problem := why_unprotected(self._token is not None, self._base, parameters.environment):
            raise SourceError(problem)
        apis = self.apis
        self._source = Source(
            kind="rest",
            base_url=self._base,
            token_header=apis.token_header,
            paging=apis.paging,
            page_size=apis.page_size,
            rate=apis.rate,
            rate_share=100,
        )  # type: ignore[call-arg]  # all others have defaults
        self._budget = _Budget(self._source, left=apis.most_requests)
        self._clients: dict[tuple[Any, ...], Client] = {}

    def close(self) -> None:
        """Close all connections; what is asked afterwards opens new ones."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.apis.most_requests - self._budget.left

    def heard(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, str] | None = None, token: Token = "right"
    ) -> Heard:
        """Ask once for a path and return what is answered, a refusal too.

        Raises
        ------
        SourceError
            There is no answer.
        """
        whole = f"{path}?{urlencode(query)}" if query else path
        with self._without_address(path):
            status, content = self._client(headers, token).heard(whole)
        try:
            text = content.decode("utf-8-sig")
            return Heard(status, text, strictly(text, path))
        except (UnicodeDecodeError, SourceError):
            return Heard(status, "", None)

    def listed(self, endpoint: Endpoint, path: str, headers: Mapping[str, str], most: int) -> Listed:
        """Read a list to its end, or as far as `most` records; nothing of one whose parent is not there.

        Raises
        ------
        SourceError
            It is not answered, or not as the file says.
        """
        records: list[Any] = []
        told = None
        with self._without_address(path, endpoint.list_):
            try:
                for page in self._client(headers).pages(Listing(path, id_from=(endpoint.key,), proven=True)):
                    told = page.total
                    records += [one.value for one in page.records]
                    if len(records) > most:
                        return Listed(records, told, is_whole=False)
            except SourceAbsent:
                if not endpoint.within:
                    raise
        return Listed(records, told, is_whole=True)

    def record_in(self, heard: Heard) -> Any:
        """Return the record that an answer holds, None where it holds none."""
        found = value_at(heard.body, self.apis.record)
        return found if heard.status == 200 and isinstance(found, dict) else None

    def records_in(self, heard: Heard) -> list[Any] | None:
        """Return the records of one page, None where the answer holds no list."""
        paging = self.apis.paging
        if heard.status != 200 or heard.body is None:
            return None
        try:
            found = records_in(heard.text, heard.body, paging.records, "", paging.empty_is_absent)
        except SourceError:
            return None
        return [one.value for one in found]

    def _client(self, headers: Mapping[str, str], token: Token = "right") -> Client:
        key = (*sorted(headers.items()), token)
        if key not in self._clients:
            given = {"right": self._token, "wrong": Secret("", WRONG), "none": None}[token]
            self._clients[key] = Client(
                self._source,
                self._base,
                given,
                headers=dict(headers),
                patience=self.apis.wait_seconds,
                attempts=ATTEMPTS,
                until=self._budget.until,
                pace=self._budget,
            )
        return self._clients[key]

    @contextmanager
    def _without_address(self, path: str, shown: str = "") -> Iterator[None]:
        """Tell of a problem by the path that the file has, as the address is a secret and an id may be somebody's."""
        try:
            yield
        except UnicodeEncodeError:
            raise SourceError("the tenancy's values cannot be sent in a header, which takes ASCII alone") from None
        except SourceError as error:
            words = str(error).replace(f"{self._base}/{path}", shown or path).replace(f"{self._base}/", "")
            raise type(error)(words) from None


def limit_of(apis: Apis, what: str, looked: int, there: int) -> str:
    """Say that a part alone was looked at."""
    return f"{what}: {thousands(looked)} of {thousands(there)}, chosen by seed {apis.seed}"
