"""Starts one sync of each resource by the integration's own endpoint, and waits for its run to be recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd

from dsaudit.parameters.secret import SecretMissing, from_environment
from dsaudit.source.collecting import tenants_of
from dsaudit.source.recording import STARTED

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Tenant
    from dsaudit.parameters.starting import Start

PAUSE = 0.5  # seconds between two looks
RUNS = """
select distinct on (tenant, resource)
  tenant, resource, started_at, ended_at, fetched, pages, error is not null as failed
from {syncs} as s order by tenant, resource, started_at desc
"""


@dataclass(frozen=True)
class Started:
    """A sync that was started, and its run as the integration recorded it.

    outcome: completed, failed, refused, silent (no run was recorded), unknown (it was not answered, or has not ended).
    """

    tenant: str
    resource: str
    outcome: str
    told: str = ""
    fetched: int | None = None
    pages: int | None = None
    seconds: float | None = None


Run = dict[str, Any]  # as the table of sync runs has it
Runs = dict[tuple[str, str], Run]


def started_syncs(audit: Audit) -> list[Started] | None:
    """Return what came of one sync of each resource of each tenant, started once; None if a replayed run has none.

    Raises
    ------
    QueryError, RelationMissing
        The runs cannot be read.
    """
    known: list[Started] | None = audit.kept.get("started syncs")
    if known is None:
        path = audit.source.folder / STARTED
        if audit.source.replayed:
            lines = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
            known = None if lines is None else [Started(**line) for line in lines]
        else:
            known = list(_start_all(audit))
            path.write_text(json.dumps([asdict(one) for one in known]), encoding="utf-8")
        audit.kept["started syncs"] = known
    return known


def _start_all(audit: Audit) -> Iterator[Started]:
    """Start each sync function once for each tenant; resources that share one share the start."""
    assert audit.parameters.syncs is not None and audit.parameters.syncs.run is not None
    given = audit.parameters.syncs.run
    functions: dict[str, list[str]] = {}
    for name, resource in audit.parameters.resources.items():
        if resource.sync:
            functions.setdefault(resource.sync, []).append(name)
    for tenant in tenants_of(audit.parameters):
        for names in functions.values():
            yield from _start(audit, given, tenant, names)


def _start(audit: Audit, given: Start, tenant: Tenant, names: list[str]) -> Iterator[Started]:
    before, clock = _runs(audit), time.monotonic()
    declared = audit.parameters.resources[names[0]]
    try:
        status = _ask(given, tenant, declared.raw or names[0])
    except SecretMissing as error:
        yield from (Started(tenant.name, name, "unknown", str(error).splitlines()[0]) for name in names)
        return
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        yield from (Started(tenant.name, name, "unknown", f"not reached: {type(error).__name__}") for name in names)
        return
    except httpx.HTTPError:
        status = None  # the answer may come when the sync has ended, or not at all: its run tells
    while True:
        runs = {one: run for one, run in _runs(audit).items() if _is_new(run, before.get(one))}
        found = {name: runs.get((tenant.name, name)) for name in names}
        over = time.monotonic() - clock > given.wait_seconds or (status is not None and status >= 400)
        if over or all(run is not None and run["ended_at"] is not None for run in found.values()):
            break
        time.sleep(PAUSE)
    yield from (_judged(tenant.name, name, run, status) for name, run in found.items())


def _ask(given: Start, tenant: Tenant, resource: str) -> int:
    """Send the request and return the status of its answer."""
    texts = {"tenant": tenant.name, "id": str(tenant.id), "account": tenant.account or "", "resource": resource}
    address = given.url or from_environment(given.url_env or "").reveal()
    headers = {"User-Agent": "dsaudit"}
    if given.token_env:
        headers["Authorization"] = f"Bearer {from_environment(given.token_env).reveal()}"
    with httpx.Client(follow_redirects=False, trust_env=False, timeout=given.wait_seconds) as client:
        answer = client.request(given.method, _filled(address, texts), json=_filled(given.body, texts), headers=headers)
    return answer.status_code


def _filled(given: Any, texts: dict[str, str]) -> Any:
    """Put the texts in place of their names, in an address or anywhere in a body."""
    if isinstance(given, dict):
        return {key: _filled(one, texts) for key, one in given.items()}
    if isinstance(given, list):
        return [_filled(one, texts) for one in given]
    if isinstance(given, str):
        for name, text in texts.items():
            given = given.replace(f"{{{name}}}", text)
    return given


def _runs(audit: Audit) -> Runs:
    """Return the newest run of each tenant and resource as the database has it by now."""
    filled = audit.relations.fill(RUNS, None, None)
    frame = audit.database.now().query(filled.sql, {**audit.values(), **filled.values}, filled.tables, most=None).frame
    found: Runs = {}
    for row in frame.to_dict("records"):
        run = {str(name): None if pd.isna(value) else value for name, value in row.items()}
        found[str(run["tenant"]), str(run["resource"])] = run
    return found


def _is_new(run: Run, before: Run | None) -> bool:
    return before is None or run["started_at"] > before["started_at"]


def _judged(tenant: str, resource: str, run: Run | None, status: int | None) -> Started:
    refused = status is not None and status >= 400
    if run is None:
        told = f"answered with {status}" if status else "not answered"
        return Started(tenant, resource, "refused" if refused else "silent" if status else "unknown", told)
    fetched, pages = (None if run[name] is None else int(run[name]) for name in ("fetched", "pages"))
    if run["ended_at"] is None:
        return Started(tenant, resource, "unknown", "it has not ended", fetched, pages)
    seconds = round(float((run["ended_at"] - run["started_at"]).total_seconds()), 3)
    outcome = "failed" if run["failed"] else "refused" if refused else "completed"
    return Started(tenant, resource, outcome, f"answered with {status}" if refused else "", fetched, pages, seconds)
