"""How a sync is taken back, step by step with the values of this system. Nothing of it is executed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from dsaudit.background import rows
from dsaudit.database import RelationMissing

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.action import Action


@dataclass(frozen=True)
class Step:
    """One step: what it does, and the command, if there is one."""

    what: str
    command: str = ""


def steps(audit: Audit) -> list[Step]:
    """Return the steps in their order: stop it, look, see that the system is well, and only then touch data."""
    return [*_stopping(audit), *_looking(audit), *_deleting(audit)]


def _stopping(audit: Audit) -> Iterator[Step]:
    flag, worker = audit.parameters.flag, audit.parameters.worker
    if flag and flag.off:
        yield Step(f"Turn the flag {flag.name} off", by_hand(flag.off))
    elif flag:
        yield Step(f"Turn the flag {flag.name} off, and create every process anew that reads it")
    if worker:
        broker = f'celery -b "${worker.broker_env}"'
        yield Step(
            "Let the workers end what they do and take nothing more", f"{broker} control cancel_consumer {worker.queue}"
        )
        yield Step("See what is still at work", f"{broker} inspect active")
    if audit.parameters.schedule:
        entry = audit.parameters.schedule.entry
        yield Step(
            f"End the process of the beat that has the entry {entry}, where it was started; no command reaches it"
        )


def _looking(audit: Audit) -> Iterator[Step]:
    logs, api = audit.parameters.logs, audit.parameters.api
    for pattern in logs.files if logs else ():
        yield Step("Read the end of the log", f"tail -n 50 {shlex.quote(pattern)}")
    if logs and logs.files_env:
        yield Step("Read the end of the log", f"tail -n 50 ${logs.files_env}")
    if api and api.health:
        base = shlex.quote(api.url) if api.url else f'"${api.url_env}"'
        yield Step("See that the API is well", f"curl -sS {base}/{api.health.lstrip('/')}")


def _deleting(audit: Audit) -> Iterator[Step]:
    """Yield how rows are removed that a sync wrote: bounded by time, counted before it is committed."""
    for name in rows.synced(audit):
        resource = audit.parameters.resources[name]
        written = resource.refined_at
        if not written:
            yield Step(
                f"Rows of {resource.table} are not told apart by when they were written; restore them from a backup"
            )
            continue
        try:
            info = audit.relations.table(resource.table)
        except RelationMissing:
            continue
        table = sql.Identifier(info.schema, info.name).as_string(None)
        bound = f"{sql.Identifier(written).as_string(None)} >= $${audit.instant}$$"
        commands = ("begin", f"delete from {table} where {bound}", "rollback")
        listed = " ".join(f"-c {shlex.quote(one)}" for one in commands)
        yield Step(
            f"Only if rows of {resource.table} have to go: see how many were written since this audit began, or since "
            "another instant; where the number is right, write commit for rollback",
            f'psql "$OWNER_URL" -v ON_ERROR_STOP=1 {listed}',
        )


def by_hand(action: Action) -> str:
    """Return an action as a command for a shell; its address and token stay in their variables."""
    if action.command:
        return shlex.join(action.command)
    base = shlex.quote(action.url) if action.url else f'"${action.url_env}"'
    target = f"{base}/{action.path.lstrip('/')}" if action.path else base
    token = f' -H "Authorization: Bearer ${action.token_env}"' if action.token_env else ""
    body = f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(action.body))}" if action.body else ""
    return f"curl -sS -X {action.method}{token}{body} {target}"
