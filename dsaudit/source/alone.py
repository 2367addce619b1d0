"""Reads single records, or one list alone: what the story of one record needs, and no request more."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source.by_id import see_that_it_answers
from dsaudit.source.choosing import Choice
from dsaudit.source.collecting import Progress, Reader, extra, notes_of, now, reader_of, record_list, tell, tenants_of
from dsaudit.source.drawing import Draw
from dsaudit.source.reading import Record, SourceError
from dsaudit.source.recording import INDEX, Recording, changed_at, declared
from dsaudit.source.rest import Client
from dsaudit.source.sql import Tables
from dsaudit.source.writing import Tape


class Alone:
    """A reading of the list `top` that grows as it is asked for: some tenants' single records, or all of theirs.

    It is kept in `folder` as a recording. What could not be read stands there as a problem of its tenant's list.
    """

    def __init__(self, parameters: Parameters, folder: Path, top: str, progress: Progress = lambda line: None) -> None:
        self._parameters = parameters
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._top = top
        self._resource = parameters.resources[top]
        self._progress = progress
        self._held = contextlib.ExitStack()
        self._readers: dict[str, Reader] = {}
        self._index: dict[str, Any] = {"started": now(), "declared": declared(parameters), "tenants": {}}

    def close(self) -> None:
        """Let go of the connections."""
        self._held.close()

    def one(self, tenant: str, source_id: str) -> None:
        """Read one record of a tenant."""
        begun = now()
        entry: dict[str, Any] = {"started": begun, "counted": None, "problem": None, "part": True}
        try:
            record = self._record(self._reader(tenant), source_id)
            tape = self._tape(tenant)
            with tape.opened({"started": begun, "before": None}, None):
                tape.add([record] if record else [], int(record is not None), None)
                tape.end()
                notes = notes_of(self._parameters, self._resource, tape)
                notes.note([record] if record else [])
                entry |= notes.facts() | {"sha256": tape.sha256, "newest": _newest(self._resource, record)}
        except (SourceError, SecretMissing) as error:
            entry["problem"] = str(error)
        self._put(tenant, {**entry, "ended": now()})

    def whole(self, tenant: str) -> None:
        """Read the whole list of a tenant."""
        told = partial(tell, self._progress, f"reading {self._top} of {tenant}")
        try:
            choice = Choice(self._parameters, self._resource, Draw(), datetime.now(UTC))
            entry = record_list(self._reader(tenant), choice, self._tape(tenant), None, told)
        except (SourceError, SecretMissing) as error:
            entry = {"started": now(), "ended": now(), "problem": str(error)}
        self._put(tenant, entry)

    def facts(self, tenant: str) -> None:
        """Ask which scopes are granted and what is registered, as far as the parameter file says where."""
        source, entry = self._parameters.source, self._entry(tenant)
        assert source is not None
        try:
            entry["scopes"] = extra(self._reader(tenant), source.scopes, entry)
            entry["subscriptions"] = extra(self._reader(tenant), source.subscriptions, entry)
        except (SourceError, SecretMissing) as error:
            entry["problems"].append(str(error))

    def let_settle(self) -> None:
        """Wait until what was read, or has just gone, has had its time to arrive here."""
        most = self._parameters.policy.in_flight_seconds
        entries = [entry for tenant in self._index["tenants"].values() for entry in tenant["resources"].values()]
        # A record that is there tells itself when it changed; one that is gone may have gone a moment ago.
        times = [one.get("newest") or one["started"] for one in entries if not one["problem"]]
        latest = max((datetime.fromisoformat(one).timestamp() for one in times), default=0.0)
        time.sleep(min(max(latest + most - time.time(), 0), most))

    def recording(self) -> Recording:
        """Return what was read up to now."""
        self._index["ended"] = now()
        (self._folder / INDEX).write_text(json.dumps(self._index), encoding="utf-8")
        return Recording(self._folder, self._parameters)

    def _reader(self, tenant: str) -> Reader:
        if tenant not in self._readers:
            self._readers[tenant] = reader_of(self._parameters, self._tenant(tenant))
            self._held.callback(self._readers[tenant].close)
        return self._readers[tenant]

    def _tenant(self, name: str) -> Tenant:
        return next(one for one in tenants_of(self._parameters) if one.name == name)

    def _tape(self, tenant: str) -> Tape:
        folder = self._folder / tenant
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Tape(folder, self._top)

    def _entry(self, tenant: str) -> dict[str, Any]:
        entry: dict[str, Any] = self._index["tenants"].setdefault(tenant, {"resources": {}, "problems": []})
        return entry

    def _put(self, tenant: str, entry: dict[str, Any]) -> None:
        self._entry(tenant)["resources"][self._top] = entry

    def _record(self, reader: Reader, source_id: str) -> Record | None:
        assert isinstance(reader, (Client, Tables))

        def found(ids: list[str]) -> list[Record]:
            return [record for one in ids if (record := reader.one(self._resource, one))]

        records = found([source_id])
        if not records:
            see_that_it_answers(reader, self._resource, "one", found)
        return next(iter(records), None)


def may_read_one(parameters: Parameters, top: str) -> bool:
    """Return whether a record of this list can be asked for alone."""
    return parameters.source is not None and parameters.resources[top].one is not None


def _newest(resource: Resource, record: Record | None) -> str | None:
    """Return when a record changed; of one that does not say, long ago, as nobody could wait for it."""
    if record is None:
        return None
    mapping = record.value if isinstance(record.value, Mapping) else {}
    return (changed_at(resource, dict(mapping)) or datetime.fromtimestamp(0, UTC)).isoformat()
