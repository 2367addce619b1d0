"""What the application's own logs tell: whom a line is about, as we call it, and what it may be shown as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.catalogue import topics_of
from dsaudit.facts import messages
from dsaudit.logs import INDEX, Line, Log, record
from dsaudit.parameters.ids import id_text
from dsaudit.probes import MARK

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def log(audit: Audit) -> Log:
    """Return the logs as the run has read them; by hand they are read once, now."""
    if "log" not in audit.kept:
        folder = audit.private / "logs"
        if audit.run_folder:
            folder = audit.run_folder / "recording"
        elif audit.parameters.source and not audit.asks_anew and (audit.source.folder / INDEX).is_file():
            folder = audit.source.folder  # of the run that is replayed
        record(audit.parameters, folder)
        audit.kept["log"] = Log(folder, audit.parameters)
    found: Log = audit.kept["log"]
    return found


@dataclass(frozen=True)
class Names:
    """By which words the lines of a log call our tenants and resources."""

    tenants: Mapping[str, str]
    resources: Mapping[str, str]
    kinds: Mapping[str, str | None]

    def is_foreign(self, line: Line) -> bool:
        """Return whether a line names a tenant that is none of ours."""
        return line.tenant is not None and bool(self.tenants) and line.tenant not in self.tenants

    def of(self, line: Line) -> Line | None:
        """Return a line with tenant, resource and id as we call them, or None: another's, or our own probe's."""
        if self.is_foreign(line):
            return None
        if MARK in (line.delivery_id or "") or MARK in (line.source_id or ""):
            return None
        resource = self.resources.get(line.resource or "")
        source_id = line.source_id and id_text(line.source_id, self.kinds.get(resource or ""))  # type: ignore[arg-type]
        return replace(line, tenant=self.tenants.get(line.tenant or ""), resource=resource, source_id=source_id)


def names(audit: Audit) -> Names:
    """Return the words by which lines are told whose they are."""
    whole = audit.parameters.whole
    tenants = {word: one.name for one in whole.tenants for word in (one.account, one.id, one.name) if word}
    resources = {**topics_of(whole, whole.resources), **whole.types(whole.resources)}
    resources |= {name: name for name in whole.resources}
    kinds = {name: one.id_kind for name, one in whole.resources.items()}
    return Names(tenants, resources, kinds)


def lines(audit: Audit, whose: Counter[str] | None = None) -> Iterator[Line]:
    """Yield the lines that the recording keeps, of our tenants, up to the audit's instant: see `Log.lines`.

    In `whose` is counted how many lines are ``ours``, and how many errors are ``foreign``: about tenants that the file
    does not declare.

    Raises
    ------
    LogError
        They cannot be read back.
    """
    found, until = names(audit), datetime.fromisoformat(audit.instant)
    for line in log(audit).lines():
        if whose is not None:
            is_foreign = found.is_foreign(line)
            whose.update(ours=not is_foreign, foreign=is_foreign and line.is_error)
        one = found.of(line) if line.at <= until else None
        if one:
            yield one


def settled_until(audit: Audit) -> datetime:
    """Return until when what a line is about has had its time to stand in the tables."""
    policy = audit.parameters.policy
    margin = timedelta(seconds=policy.in_flight_seconds + policy.clock_error_seconds)
    return datetime.fromisoformat(audit.instant) - margin


def words(audit: Audit) -> frozenset[str]:
    """Return the words that may be shown of a message: what the integration itself calls things, or logs with."""
    named = messages.names(audit.parameters, audit.database)
    return named | codebase.logged_words(audit.code) if audit.parameters.code else named


def said(line: Line, known: frozenset[str]) -> str:
    """Return what a line may be shown as: its message without what could be data, and the name of the exception."""
    found = messages.EXCEPTION.search((line.error or "").partition(":")[0])
    words = messages.template(line.message or None, known)
    return f"{words} ({found[0]})" if found and found[0] not in words else words
