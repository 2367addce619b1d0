"""Takes the recording: reads every declared list once, and notes what speaks against its being whole."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.secret import SecretMissing, from_environment
from dsaudit.source.reading import Client, SourceError, SourceRefused, count_in, lines_of, parse, records_in
from dsaudit.source.recording import changed_at, identity, value_at

Progress = Callable[[str], None]
MOST_SHARED = 1000


def record(parameters: Parameters, folder: Path, progress: Progress = lambda line: None) -> None:
    """Read every declared list of every tenant into `folder`.

    A list that cannot be read does not stop the others: the index says what was wrong with it, and what needs it
    is inconclusive.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    index: dict[str, Any] = {"started": _now(), "tenants": {}}
    for tenant in parameters.tenants or [Tenant(name="all", id="all")]:
        index["tenants"][tenant.name] = _record_tenant(parameters, tenant, folder / tenant.name, progress)
    index["ended"] = _now()
    _let_settle(index, parameters)
    draft = folder / "index.json.draft"
    draft.write_text(json.dumps(index), encoding="utf-8")
    draft.replace(folder / "index.json")


def _let_settle(index: dict[str, Any], parameters: Parameters) -> None:
    """Wait until what was read, and what was deleted before it, has had its time to arrive here.

    What is missing then is late or lost. A deletion leaves no trace in a list, so the list's own time stands for it.
    """
    entries = [entry for tenant in index["tenants"].values() for entry in tenant["resources"].values()]
    times = [one for entry in entries for one in (entry["started"], entry.get("newest")) if one]
    if times:
        arrived = max(datetime.fromisoformat(one).timestamp() for one in times) + parameters.policy.in_flight_seconds
        time.sleep(min(max(arrived - time.time(), 0), parameters.policy.in_flight_seconds))


def reachable(parameters: Parameters) -> Iterator[tuple[str, str | None]]:
    """Yield each tenant's name and why its account cannot be read, or None; one small request each."""
    source = parameters.source
    first = next((resource.read for _, resource in _own_lists(parameters)), None)
    for tenant in parameters.tenants or [Tenant(name="all", id="all")]:
        problem = None
        try:
            if source and source.kind == "files":
                folder = parameters.folder(source.folder or "") / (tenant.account or tenant.name)
                problem = None if folder.is_dir() else f"there is no folder {folder.name}"
            elif path := (source.scopes if source else None) or first:
                client = _client(parameters, tenant)
                client.get(path)
                client.close()
        except (SourceError, SecretMissing) as error:
            problem = str(error)
        yield tenant.name, problem


def _record_tenant(parameters: Parameters, tenant: Tenant, folder: Path, progress: Progress) -> dict[str, Any]:
    source = parameters.source
    assert source is not None
    folder.mkdir(mode=0o700, exist_ok=True)
    entry: dict[str, Any] = {"resources": {}, "scopes": None, "subscriptions": None, "problems": []}
    if source.kind == "files":
        exported = parameters.folder(source.folder or "") / (tenant.account or tenant.name)
        entry["scopes"] = _extra_file(exported, source.scopes, entry)
        entry["subscriptions"] = _extra_file(exported, source.subscriptions, entry)
        for name, resource in _own_lists(parameters):
            entry["resources"][name] = _record_file(
                resource, exported / (resource.read or ""), folder / f"{name}.jsonl.gz"
            )
        return entry
    client = _client(parameters, tenant)
    try:
        entry["scopes"] = _extra(client, source.scopes, entry)
        entry["subscriptions"] = _extra(client, source.subscriptions, entry)
        for name, resource in _own_lists(parameters):
            progress(f"reading {name} of {tenant.name}")
            entry["resources"][name] = _record_list(client, resource, folder / f"{name}.jsonl.gz")
    finally:
        client.close()
    entry["clock"] = [min(client.offsets, default=0.0), max(client.offsets, default=0.0)]
    entry["requests"] = client.requests
    return entry


def _own_lists(parameters: Parameters) -> Iterator[tuple[str, Resource]]:
    return ((name, resource) for name, resource in parameters.resources.items() if resource.read)


def _client(parameters: Parameters, tenant: Tenant) -> Client:
    source = parameters.source
    assert source is not None
    token_env = tenant.token_env or source.token_env
    base = source.base_url or os.environ.get(source.base_url_env or "", "")
    if not base:
        raise SourceError(f"the environment variable {source.base_url_env} is not set; it holds the source's address")
    whole = f"{base.rstrip('/')}/{source.account_path}".rstrip("/").replace("{account}", tenant.account or "")
    return Client(source, whole, from_environment(token_env) if token_env else None)


def _extra(client: Client, path: str | None, entry: dict[str, Any]) -> Any:
    if not path:
        return None
    try:
        return [item for page in client.pages(path) for item in records_in(parse(page.text), path)]
    except SourceError as error:
        entry["problems"].append(str(error))
        return None


def _extra_file(folder: Path, name: str | None, entry: dict[str, Any]) -> Any:
    if not name:
        return None
    try:
        return [json.loads(line) for line in lines_of(folder / name)]
    except SourceError as error:
        entry["problems"].append(str(error))
        return None


def _record_list(client: Client, resource: Resource, path: Path) -> dict[str, Any]:
    entry = _new_entry()
    seen = _Seen(resource)
    try:
        before = _counted(client, resource)
        with _private(path) as file:
            for page in client.pages(resource.read or ""):
                for one in records_in(parse(page.text), resource.read or ""):
                    seen.note(one)
                entry["pages"] += 1
                file.write(json.dumps(page.text) + "\n")
        after = _counted(client, resource)
        entry |= seen.facts() | {"counted": after, "problem": seen.doubt(before, after), "answered": True}
    except SourceError as error:
        entry |= seen.facts() | {"problem": str(error), "refused": isinstance(error, SourceRefused)}
    entry["ended"] = _now()
    return entry


def _record_file(resource: Resource, path: Path, target: Path) -> dict[str, Any]:
    entry = _new_entry()
    seen = _Seen(resource)
    try:
        with _private(target) as file:
            for line in lines_of(path):
                seen.note(_parsed(line, path))
                file.write(json.dumps(f"[{line.strip()}]") + "\n")
        entry |= seen.facts() | {"pages": 1, "problem": seen.doubt(None, None), "answered": True}
    except SourceError as error:
        entry |= seen.facts() | {"problem": str(error)}
    entry["ended"] = _now()
    return entry


def _new_entry() -> dict[str, Any]:
    return {"started": _now(), "records": 0, "pages": 0, "counted": None, "problem": None}


def _counted(client: Client, resource: Resource) -> int | None:
    return count_in(parse(client.get(resource.count).text), resource.count) if resource.count else None


def _parsed(line: str, path: Path) -> dict[str, Any]:
    try:
        one: dict[str, Any] = parse(line)
    except ValueError:
        raise SourceError(f"{path.name}: a line is no JSON") from None
    return one


@dataclass
class _Seen:
    """What a list showed while it was read: how many records, which ids, the newest change."""

    resource: Resource
    records: int = 0
    nameless: int = 0
    again: int = 0
    newest: datetime | None = None
    shared: dict[str, None] = field(default_factory=dict)
    known: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)

    def note(self, one: dict[str, Any]) -> None:
        """Take in one record."""
        self.records += 1
        name, changed = identity(self.resource, one, one, "", 0), changed_at(self.resource, one)
        content = (hash(json.dumps(one, sort_keys=True, default=str)), changed)
        paths = (part for part in self.resource.id_from if part not in ("#", "@"))
        self.nameless += any(value_at(one, path) in (None, "") for path in paths)
        if name not in self.known:
            self.known[name] = content
        elif self.known[name] == content or self.known[name][1] != changed:
            self.again += 1
        else:
            self.shared[name] = None
        self.newest = max(filter(None, (self.newest, changed)), default=None)

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of it."""
        newest = self.newest.isoformat() if self.newest else None
        return {"records": self.records, "newest": newest, "shared_ids": list(self.shared)[:MOST_SHARED]}

    def doubt(self, before: int | None, after: int | None) -> str | None:
        """Return why the list may not be whole, or None; the source's counts were taken before and after it."""
        if self.nameless:
            return f"{self.nameless} records have no id"
        if self.shared:
            return f"{len(self.shared)} ids stand for several different records each"
        if self.again:
            return f"{self.again} ids came twice: rows moved between pages while they were read"
        counts = [count for count in (before, after) if count is not None]
        # A source in use goes on changing between the two.
        if counts and not min(counts) <= self.records <= max(counts):
            return f"{self.records} records were read, but the source counts {counts[-1]}"
        return None


@contextlib.contextmanager
def _private(path: Path) -> Iterator[TextIO]:
    """Open a compressed file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as whole, gzip.open(whole, "wt", encoding="utf-8", compresslevel=1) as text:
        yield cast(TextIO, text)


def _now() -> str:
    return datetime.now(UTC).isoformat()
