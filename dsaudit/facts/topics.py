"""Each topic that anybody knows of, and who does: catalogue, parameter file, code, provider, and our record of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dsaudit.codebase import Finding
from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts import webhooks
from dsaudit.facts.offers import advised, offers
from dsaudit.facts.provider import provider_of
from dsaudit.facts.webhooks import EVERY, Subscription, of_resource

if TYPE_CHECKING:
    from dsaudit.audit import Audit

SIDES = ("available", "wanted", "in code", "handled", "registered", "recorded")
# covered: the side knows it; said: it need not; lost: it should, and does not; elsewhere: it does, for another address
# than ours; unknown: could not be told; unasked: the file gives no way in.
State = Literal["covered", "said", "lost", "elsewhere", "unknown", "unasked"]
Told = tuple[State, str]


@dataclass(frozen=True)
class Topic:
    """One topic. Of the tenants each is in at most one of those that say the same; the others are not known.

    Where it is registered to our address and to another one, it is registered: ``elsewhere`` has only others.
    """

    name: str
    resource: str  # of which it speaks; empty where it is none that the file declares
    wanted_by: str
    place: str  # where the code registers it
    handled: Finding | None
    registered: tuple[str, ...]
    elsewhere: tuple[str, ...]
    unregistered: tuple[str, ...]
    recorded: tuple[str, ...]
    unrecorded: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One topic at one side."""

    resource: str
    topic: str
    side: str
    state: State
    told: str


def topics(audit: Audit) -> list[Topic]:
    """Return all topics: those of each declared resource, in the file's order, then those that only others know."""
    known: list[Topic] | None = audit.kept.get("topics")
    if known is None:
        known = audit.kept["topics"] = [*_topics(audit)]
    return known


def _topics(audit: Audit) -> Iterator[Topic]:
    parameters = audit.parameters
    places = webhooks.in_code(audit).places if parameters.code else {}
    registered = _registered(audit) if parameters.source and parameters.source.subscriptions else {}
    recorded = _recorded(audit) if parameters.record else {}
    listed = [{one.topic for one in found} for found in registered.values()]
    everywhere = [*places, *sorted(set().union(*listed, *recorded.values()) - {EVERY})]
    owners = dict(_owners(audit, everywhere))
    handled = webhooks.handled(audit, owners) if parameters.code else {}
    for name, owner in owners.items():
        has = {tenant: _goes(audit, name, found) for tenant, found in registered.items()}
        lists = {tenant: name in given for tenant, given in recorded.items()}
        yield Topic(
            name,
            owner,
            next((one for one, resource in parameters.resources.items() if name in resource.webhooks), ""),
            places.get(name, ""),
            handled.get(name),
            *(
                tuple(tenant for tenant, one in has.items() if one == where)
                for where in ("here", "elsewhere", "nowhere")
            ),
            *(tuple(tenant for tenant, one in lists.items() if one is wanted) for wanted in (True, False)),
        )


def _owners(audit: Audit, everywhere: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each topic once, with the resource it speaks of."""
    seen: set[str] = set()
    resources = audit.parameters.resources.items()
    own = [
        (name, [*offers(audit)[name].tells, *one.webhooks, *of_resource(one, everywhere)]) for name, one in resources
    ]
    for name, listed in [*own, ("", everywhere)]:
        for topic in dict.fromkeys(listed):
            if topic not in seen:
                seen.add(topic)
                yield topic, name


def _registered(audit: Audit) -> dict[str, list[Subscription]]:
    """Return what is registered at the provider, of each tenant whose list is known."""
    tenants = {tenant: webhooks.subscriptions(audit, tenant) for tenant in audit.parameters.tenant_names}
    return {tenant: found for tenant, found in tenants.items() if found is not None}


def _goes(audit: Audit, topic: str, registered: list[Subscription]) -> str:
    """Return where a topic's deliveries go: here, elsewhere alone, or nowhere."""
    ours = [webhooks.is_ours(audit, one.address) for one in registered if one.topic in (topic, EVERY)]
    return "here" if any(ours) else "elsewhere" if ours else "nowhere"


def _recorded(audit: Audit) -> dict[str, set[str]]:
    """Return the topics in each tenant's record; what cannot be read there is a finding of the checks."""
    try:
        found = webhooks.recorded(audit)
    except (RelationMissing, QueryError):
        return {}
    return {tenant: topics for tenant, topics in found.items() if topics is not None}


def matrix(audit: Audit) -> list[Cell]:
    """Return each topic at each side; what is needed at a side, and is not there, is lost."""
    parameters = audit.parameters
    _, no_catalogue = provider_of(audit)
    available = {topic for offer in offers(audit).values() for topic in offer.tells}
    available |= {topic for one in provider_of(audit)[0].topics.values() for topic in one.all}
    to_add = {one.topic for one in advised(audit) if one.advice == "add"}
    doubt = webhooks.in_code(audit).doubt if parameters.code else None
    tenants = len(parameters.tenant_names)
    asked = {
        "available": bool(parameters.provider),
        "wanted": bool(parameters.resources),
        "in code": bool(parameters.code),
        "handled": bool(parameters.code),
        "registered": bool(parameters.source and parameters.source.subscriptions),
        "recorded": bool(parameters.record),
    }

    def told(one: Topic, side: str) -> Told:
        needed = bool(one.wanted_by or one.place)
        if not asked[side]:
            return "unasked", ""
        if side == "available":
            there: Told = ("covered", "yes") if one.name in available else ("lost", "no such topic")
            return ("unknown", "") if no_catalogue else there
        if side == "wanted":
            return ("covered", "yes") if one.wanted_by else ("lost", "add") if one.name in to_add else ("said", "no")
        if side == "in code":
            lost: Told = ("unknown", "") if doubt else ("lost", "no")
            return ("covered", "yes") if one.place else lost if one.wanted_by else ("said", "no")
        if side == "handled":
            return _handled(one.handled, needed or bool(one.registered or one.elsewhere))
        if side == "registered":
            return _at_our_address(one, tenants, needed)
        return _recorded_as_it_is(one, tenants, needed)

    return [Cell(one.resource, one.name, side, *told(one, side)) for one in topics(audit) for side in SIDES]


def _handled(finding: Finding | None, needed: bool) -> Told:
    if finding is None or finding.state == "unresolved":
        return ("unknown", "") if needed else ("said", "no")
    if finding.state == "found":
        return "covered", "yes"
    return ("lost", "no") if needed else ("said", "no")


def _at_our_address(topic: Topic, count: int, needed: bool) -> Told:
    """Return for how many tenants a topic is registered; what goes to another address is not covered."""
    if topic.elsewhere and not (needed and topic.unregistered):
        return "elsewhere", "elsewhere" if count == 1 else f"{len(topic.elsewhere)} of {count} elsewhere"
    state, told = _of_tenants(topic.registered, topic.unregistered, count, needed)
    return state, f"{told}, {len(topic.elsewhere)} elsewhere" if topic.elsewhere else told


def _of_tenants(having: tuple[str, ...], lacking: tuple[str, ...], count: int, needed: bool) -> Told:
    if needed and lacking:
        return "lost", "no" if count == 1 else f"{len(having)} of {count}"
    if needed and len(having) < count:
        return "unknown", ""
    return _known_of(having, count)


def _known_of(having: tuple[str, ...], count: int) -> Told:
    told = "yes" if len(having) == count else f"{len(having)} of {count}"
    return ("covered", told) if having else ("said", "no")


def _recorded_as_it_is(topic: Topic, count: int, needed: bool) -> Told:
    """Return whether the record is true: it lists what is registered, and nothing else."""
    if set(topic.recorded) & set(topic.unregistered):
        return "lost", "not true"
    lacking = tuple(tenant for tenant in topic.unrecorded if tenant not in topic.unregistered)
    if lacking or len(topic.recorded) + len(topic.unrecorded) < count:
        is_there = bool(topic.registered or topic.elsewhere)
        return _of_tenants(topic.recorded, lacking, count, needed or is_there)
    return _known_of(topic.recorded, count)
