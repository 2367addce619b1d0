"""Webhooks: what a topic tells of, and which topics the code and the provider know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dsaudit import codebase
from dsaudit.catalogue import ACTIONS as ACTIONS
from dsaudit.catalogue import group as group
from dsaudit.catalogue import topics_of, without_version
from dsaudit.facts.provider import provider_of
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

# How providers call it that something came, changed or went: the last word of a topic.
ENDINGS = {
    "create": {"create", "created", "connect", "connected", "add", "added", "attach", "attached"},
    "update": {"update", "updated", "change", "changed", "edit", "edited", "modified"},
    "delete": {"delete", "deleted", "disconnect", "disconnected", "remove", "removed", "destroy", "detached"},
}
EVERY = "*"  # a subscription to all topics
REGISTRATIONS = "select tenant, registration from {record} as r order by tenant"


@dataclass(frozen=True)
class Topics:
    """The topics that the code names, each with its place; and why there may be more, or None."""

    places: dict[str, str]
    doubt: str | None


@dataclass(frozen=True)
class Subscription:
    """One topic registered at the provider, and where its deliveries go."""

    topic: str
    address: str
    id: str = ""


def ending(topic: str) -> str:
    """Return a topic's last word, which is no version: ``create`` of ``orders/create``."""
    return re.split(r"[/.:]", without_version(topic))[-1]


def action(topic: str) -> str | None:
    """Return what a topic tells of: ``create``, ``update``, ``delete``, or None for anything else."""
    return next((name for name, endings in ENDINGS.items() if ending(topic).lower() in endings), None)


def tells(audit: Audit, topic: str) -> str | None:
    """Return what a topic tells of, by the catalogue, else by its last word: ``create``, ``update``, ``delete``, None.

    ``charge.succeeded`` is how Stripe tells of a new charge.
    """
    kind = provider_of(audit)[0].kinds.get(topic)
    return action(topic) if kind is None else kind if kind in ACTIONS else None


def due(audit: Audit, resource: Resource) -> set[str]:
    """Return which of ``create`` and ``update`` a topic of a resource tells of, unless the file says it never is."""
    return {"create", "update"}.intersection(tells(audit, one) or "" for one in resource.webhooks) - set(resource.never)


def of_resource(resource: Resource, topics: Iterable[str]) -> list[str]:
    """Return those of `topics` that speak of a resource: those it declares, and their neighbours of the same group."""
    groups = {group(topic) for topic in resource.webhooks}
    return [topic for topic in topics if group(topic) in groups]


def resource_of(audit: Audit, topic: str) -> str:
    """Return the resource of which a topic speaks, however it is written; nothing where it is none that is declared."""
    resources, named = audit.parameters.resources, provider_of(audit)[0].named(topic)
    wanted = topics_of(audit.parameters, resources).get(topic)
    return wanted or next((name for name, one in resources.items() if of_resource(one, [named])), "")


def in_code(audit: Audit) -> Topics:
    """Return the topics that the code registers."""
    assert audit.parameters.code is not None
    found = codebase.list_literal(audit.code, audit.parameters.code.topics)
    places = {provider_of(audit)[0].named(str(item.value)): f"{item.file}:{item.line}" for item in found.items}
    more = f" and {len(found.unresolved) - 1} more" if len(found.unresolved) > 1 else ""
    return Topics(places, f"not resolved in the code: {found.unresolved[0]}{more}" if found.unresolved else None)


def handled(audit: Audit, topics: Iterable[str]) -> dict[str, codebase.Finding]:
    """Return for each of `topics` whether the code does something for it."""
    wanted = frozenset(topics)
    known: dict[frozenset[str], dict[str, codebase.Finding]] = audit.kept.setdefault("handlers", {})
    if wanted not in known:
        found = codebase.handlers(audit.code, sorted(wanted))
        known[wanted] = found | _by_other_names(audit, [topic for topic, one in found.items() if one.state != "found"])
    return known[wanted]


def _by_other_names(audit: Audit, topics: Iterable[str]) -> dict[str, codebase.Finding]:
    """Return which of `topics` are handled where they are written in another of the provider's ways."""
    others = {name: topic for topic in topics for name in provider_of(audit)[0].written(topic)[1:]}
    found = codebase.handlers(audit.code, sorted(others)) if others else {}
    return {others[name]: one for name, one in found.items() if one.state == "found"}


def without_handler(audit: Audit, topics: Iterable[str]) -> tuple[dict[str, str], str | None]:
    """Return which of `topics` the code does nothing for, each with what was seen; and why others are not known."""
    findings = handled(audit, topics)
    dropped = {topic: one.evidence for topic, one in findings.items() if one.state == "absent"}
    doubts = [f"{one.file}:{one.line}: {one.evidence}" for one in findings.values() if one.state == "unresolved"]
    unsure = f"the handlers of {plural(len(doubts), 'topic')} are not resolved in the code"
    return dropped, f"{unsure}: {doubts[0]}" if doubts else None


def subscriptions(audit: Audit, tenant: str) -> list[Subscription] | None:
    """Return what is registered at the provider, in order; None where it was not asked, or refused."""
    found = audit.source.subscriptions(tenant)
    if found is None:
        return None
    named = provider_of(audit)[0].named
    listed = (replace(one, topic=named(one.topic)) for given in found for one in read_subscriptions(given))
    return sorted(listed, key=lambda one: (one.topic, one.address))


def read_subscriptions(given: dict[str, Any]) -> Iterator[Subscription]:
    """Yield what one entry of the provider's list holds: a topic with its address, or an endpoint with several."""
    topics = given.get("topic") or given.get("enabled_events") or []
    address = str(given.get("address") or given.get("url") or "")
    if given.get("status") != "disabled":
        key = str(given.get("id") or "")
        listed = [topics] if isinstance(topics, str) else topics
        yield from (Subscription(str(topic), address, key) for topic in listed)


def is_ours(audit: Audit, address: str) -> bool:
    """Return whether an address is this system's, as far as the file tells."""
    declared = audit.parameters.webhooks
    return declared is None or re.fullmatch(declared.address, address) is not None


def address_problem(audit: Audit, address: str) -> str | None:
    """Return what is wrong with the address of a subscription, or None."""
    if not is_ours(audit, address):
        return "not the declared address"
    if audit.parameters.environment != "development" and not address.startswith("https://"):
        return "not https"
    return None


def unanswered(audit: Audit, tenant: str) -> str:
    """Return why a tenant's list of subscriptions is not known."""
    path = audit.parameters.source.subscriptions if audit.parameters.source else None
    problems = audit.source.index["tenants"].get(tenant, {}).get("problems") or []
    told = next((one for one in problems if path and path in one), "it was not asked for")
    return f"the provider's list of subscriptions is not known: {told}"


def recorded(audit: Audit) -> dict[str, set[str] | None]:
    """Return the topics that each tenant's record lists as registered, or None where it has no such list.

    Raises
    ------
    RelationMissing, QueryError
        The record cannot be read.
    """
    frame = audit.query(REGISTRATIONS)
    named = provider_of(audit)[0].named
    listed = {str(row["tenant"]): _topics_in(row["registration"]) for row in frame.to_dict("records")}
    return {tenant: None if given is None else {named(topic) for topic in given} for tenant, given in listed.items()}


def _topics_in(registration: Any) -> set[str] | None:
    """Return the topics in a record's registration: texts, or objects that hold a topic."""
    listed = registration.get("topics") if isinstance(registration, dict) else None
    if not isinstance(listed, list):
        return None
    return {str(one.get("topic") if isinstance(one, dict) else one) for one in listed}
