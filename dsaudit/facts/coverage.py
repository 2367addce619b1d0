"""The coverage matrix: each resource on its way from the source through sync and webhooks to its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.provider import provider_of
from dsaudit.facts.sync_code import functions_named, unread
from dsaudit.parameters import Parameters, Resource
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# covered: by its own; parent: with the record it is nested in; reason: not covered, and the file says why;
# gap: not covered, and nobody says why; unknown: could not be told; unasked: the file gives no way in.
State = Literal["covered", "parent", "reason", "gap", "unknown", "unasked"]
WAYS = ("available", "source", "sync", "raw", "refined", "webhook")

RAW = "select resource, count(*) as rows from {raw} as r group by 1"
REFINED = "select count(*) as rows from {refined} as f where not deleted"


@dataclass(frozen=True)
class Cell:
    """One resource at one station of its way; ``told`` is a number or a reason in a few words."""

    resource: str
    way: str
    state: State
    told: str


def matrix(audit: Audit) -> list[Cell]:
    """Return the cells of all resources; worked out once, as check, table and plot share them."""
    known: list[Cell] | None = audit.kept.get("coverage")
    if known is None:
        known = audit.kept["coverage"] = [cell for name in audit.parameters.resources for cell in _line(audit, name)]
    return known


def _line(audit: Audit, name: str) -> Iterator[Cell]:
    resource = audit.parameters.resources[name]
    there, counted = _at_source(audit, name, resource)
    yield Cell(name, "available", *_available(audit, name, resource))
    yield Cell(name, "source", *there)
    yield Cell(name, "sync", *_sync(audit, name, resource))
    expected = 0 if counted is None and resource.may_be_empty else counted
    yield Cell(name, "raw", *_stored(audit.parameters.raw is not None, lambda: _raw_rows(audit, name), expected))
    yield Cell(name, "refined", *_stored(True, lambda: _refined_rows(audit, name), expected))
    yield Cell(name, "webhook", *_webhook(audit.parameters, resource))


Told = tuple[State, str]


def _available(audit: Audit, name: str, resource: Resource) -> Told:
    """Return how the catalogue says that the provider shows this resource; it need not know all that there are."""
    provider, problem = provider_of(audit)
    facts = provider.resources.get(name)
    if problem or not provider.key:
        return "unasked", problem or "the file names no provider"
    if facts and facts.read:
        return "covered", f"of each {facts.of}" if facts.of else "list"
    if resource.nested:
        return "parent", f"in {resource.nested.in_}"
    topics = [topic for topic in resource.webhooks if provider.knows(topic)] or provider.webhooks(name)
    return ("covered", plural(len(topics), "topic")) if topics else ("unasked", "not in the catalogue")


def _at_source(audit: Audit, name: str, resource: Resource) -> tuple[Told, int | None]:
    """Return how the source shows this resource, and how many records it has, if that is known."""
    if audit.parameters.source is None:
        return ("unasked", "the file names no source"), None
    if not resource.read and not resource.nested:
        return ("gap", "neither a list of the source nor a parent is declared"), None
    tenants = audit.parameters.tenant_names
    problems = [problem for tenant in tenants if (problem := audit.source.problem(tenant, name))]
    if problems:
        return ("unknown", problems[0]), None
    count = sum(audit.source.count(tenant, name) or 0 for tenant in tenants)
    return ("parent" if resource.nested else "covered", f"{count:,}"), count


def _sync(audit: Audit, name: str, resource: Resource) -> Told:
    if audit.parameters.code is None:
        return "unasked", "the file names no code"
    top = audit.parameters.top(name)
    function = audit.parameters.resources[top].sync
    if function is None:
        return "gap", "no sync function is declared"
    if not functions_named(audit, function):
        problem = unread(audit)
        return ("unknown", problem) if problem else ("gap", f"the code has no function {function}")
    return ("parent", f"with {top}") if resource.nested else ("covered", "yes")


def _stored(declared: bool, count: Callable[[], int], expected: int | None) -> Told:
    """Judge a table by its rows: an empty one is a gap where the source has records."""
    if not declared:
        return "unasked", "the file names no raw table"
    try:
        rows = count()
    except (RelationMissing, QueryError) as error:
        return "unknown", str(error)
    if rows or expected == 0:
        return "covered", f"{rows:,}"
    if expected is None:
        return "unknown", "no rows, and what the source has is not known"
    return "gap", f"no rows, though the source has {plural(expected, 'record')}"


def _raw_rows(audit: Audit, name: str) -> int:
    if "raw rows" not in audit.kept:
        frame = audit.query(RAW)
        audit.kept["raw rows"] = dict(zip(frame["resource"], frame["rows"], strict=True))
    return int(audit.kept["raw rows"].get(name, 0))


def _refined_rows(audit: Audit, name: str) -> int:
    return int(audit.query(REFINED, {"resource": name})["rows"][0])


def _webhook(parameters: Parameters, resource: Resource) -> Told:
    if resource.webhooks:
        return "covered", plural(len(resource.webhooks), "topic")
    if resource.no_webhooks:
        return "reason", resource.no_webhooks
    if resource.nested:
        return _of_parent(parameters, resource.nested.in_)
    if not any(one.webhooks for one in parameters.resources.values()):
        return "unasked", "the file names no topics"
    return "gap", "no topic, and no reason for it (no_webhooks)"


def _of_parent(parameters: Parameters, parent: str) -> Told:
    """Return how a nested resource is announced: as its outermost parent is."""
    state, told = _webhook(parameters, parameters.resources[parent])
    return ("parent", f"with {parent}") if state == "covered" else (state, told)
