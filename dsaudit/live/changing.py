"""Sends the requests that change one record at the source: to one host, without redirects, none twice."""

from __future__ import annotations

import json
import math
import time
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from dsaudit.parameters import Parameters, Tenant
from dsaudit.parameters.filling import filled
from dsaudit.parameters.ids import id_text
from dsaudit.parameters.live import Call
from dsaudit.parameters.secret import from_environment, is_protected
from dsaudit.source.by_hand import curl
from dsaudit.source.pacing import pause, retry_after
from dsaudit.source.reading import SourceError, SourceRefused, parse, value_at
from dsaudit.source.recording import instant_at
from dsaudit.source.rest import Client
from dsaudit.wording import shown

LARGEST_ANSWER = 1_000_000  # bytes
ATTEMPTS = 4  # of a request that the provider refuses unread, as we ask too often


class Changer:
    """Creates, updates and deletes one record of one account; `id` is known once it is created.

    Nothing is waited for beyond `until`, by the clock that never jumps.
    """

    def __init__(self, parameters: Parameters, tenant: Tenant) -> None:
        live, source = parameters.live, parameters.source
        assert live and source
        self.live, self.resource = live, parameters.resources[live.resource]
        token = from_environment(live.token_env)
        self.reader = Client.of(parameters, tenant)
        if not is_protected(self.reader.base_url):
            self.reader.close()
            raise SourceError(f"{self.reader.base_url}: a token that writes is sent over https alone")
        bearer = source.token_header.lower() == "authorization"
        headers = {"Accept": "application/json", "User-Agent": "dsaudit"}
        headers[source.token_header] = f"Bearer {token.reveal()}" if bearer else token.reveal()
        self._http = httpx.Client(headers=headers, follow_redirects=False, trust_env=False, timeout=30)
        self._answer: Any = None
        self.id: Any = None
        self.may_exist = False  # whether there may be a record of ours at the source
        self.until = math.inf

    @property
    def source_id(self) -> str:
        """The record's id as our tables have it."""
        return id_text(self.id, self.resource.id_kind) or str(self.id)

    def close(self) -> None:
        """Close the connections."""
        self.reader.close()
        self._http.close()

    def create(self, mark: str) -> None:
        """Create the record; its id is known then.

        Raises
        ------
        SourceError
            The source does not do it, or does not say which record it is.
        """
        self.may_exist = True
        self._send(self.live.create, mark)
        self.id = value_at(self._answer, self.live.id)
        if not isinstance(self.id, (str, int)):
            raise SourceError(f"{self.live.create.path}: there is no id at {self.live.id} in the answer")

    def update(self, mark: str) -> datetime | None:
        """Change the record and return when, if the answer holds the record; raises `SourceError` if it is not done."""
        self._send(self.live.update, mark)
        if not self.resource.updated:
            return None
        above = self.live.id.rpartition(".")[0]  # where the record stood in the answer to its creation
        return instant_at(self._answer, ".".join(filter(None, (above, self.resource.updated))))

    def delete(self) -> None:
        """Delete the record; that it is gone already is as good."""
        self._send(self.live.delete, "", gone=True)
        self.may_exist = False

    def see_it(self, mark: str | None) -> None:
        """See that the source itself shows the record with the mark, or not at all, where it can be asked for it.

        Raises
        ------
        SourceError
            It answered that it did as it was asked, and shows something else.
        """
        if self.resource.one:
            record = self.reader.one(self.resource, self.source_id)
            if mark is None and record:
                self.may_exist = True
                raise SourceError(f"{self.resource.one}: the source answered the deletion, and still has the record")
            if mark and mark not in (record.text if record else ""):
                raise SourceError(f"{self.resource.one}: the source answered the change, and does not show it")

    @property
    def deletion(self) -> str | None:
        """The command that deletes the record by hand, with the token in its variable; None while its id is unknown."""
        call, source = self.live.delete, self.reader.source
        if self.id is None:
            return None
        path = filled(call.path, lambda name: quote(str(self.id), safe="") if name == "id" else f"{{{name}}}")
        address = f"{shown(self.reader.base_url).rstrip('/')}/{path.lstrip('/')}"
        body = "" if call.body is None else ", and the body of `live.delete`"
        return curl(source, address, self.live.token_env, f"-X {call.method}") + body

    def _send(self, call: Call, mark: str, gone: bool = False) -> None:
        path = filled(call.path, lambda name: quote(str(self._value(name, mark, call)), safe=""))
        body = None if call.body is None else filled(call.body, lambda name: self._value(name, mark, call))
        given: dict[str, Any] = {} if body is None else {"data": body}
        if body is not None and call.as_ == "json":
            given = {"content": json.dumps(body, default=str), "headers": {"Content-Type": "application/json"}}
        target = f"{self.reader.base_url.rstrip('/')}/{path.lstrip('/')}"
        where = f"{call.method} {call.path}"
        self.reader.until = self.until
        for attempt in range(ATTEMPTS):
            status, headers, content = self._answered(call.method, target, where, given)
            if status != 429 or attempt + 1 == ATTEMPTS:
                break
            pause(retry_after(headers, time.time(), 0.5 * 2**attempt), self.until, f"{where}: answers 429")
        if gone and status in (404, 410):
            return
        if 400 <= status < 500 and self.id is None:
            self.may_exist = False
        if status in (401, 403):
            raise SourceRefused(f"{where}: refused with {status}; token or scope is not accepted")
        if not 200 <= status < 300:
            raise SourceError(f"{where}: answers {status}")
        try:
            self._answer = parse(content.decode("utf-8-sig")) if content.strip() else None
        except ValueError:
            raise SourceError(f"{where}: answers {status}, but not with JSON") from None

    def _answered(self, method: str, target: str, where: str, given: dict[str, Any]) -> tuple[int, Any, bytes]:
        content = bytearray()
        try:
            with self._http.stream(method, target, **given) as response:
                for part in response.iter_bytes():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise SourceError(f"{where}: an answer of more than {LARGEST_ANSWER} bytes")
                    if time.monotonic() > self.until:
                        raise SourceError(f"{where}: the answer does not end in time")
                return response.status_code, response.headers, bytes(content)
        except httpx.HTTPError as error:
            # Whether it was done is not known, so it is not sent again.
            raise SourceError(f"{where}: no answer ({type(error).__name__})") from None

    def _value(self, name: str, mark: str, call: Call) -> Any:
        found = mark if name == "mark" else self.id if name == "id" else value_at(self._answer, name)
        if found is None:
            raise SourceError(f"{call.path}: the answer before it has no {name}")
        return found
