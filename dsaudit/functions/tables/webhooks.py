"""Tables of phase 3: what announces the changes of each resource, and what each side knows of each topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.codebase import Finding
from dsaudit.facts import offers
from dsaudit.facts.provider import provider_of
from dsaudit.facts.topics import Topic, matrix, topics
from dsaudit.facts.ways import ways
from dsaudit.facts.webhooks import ACTIONS, of_resource, tells

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource


Row = dict[str, Any]
# Of a topic, the worst first.
STATES = ("no handler", "not registered", "elsewhere", "not in the code", "not known", "registered")


def webhook_matrix(audit: Audit) -> pd.DataFrame:
    """What tells of the changes of each resource.

    needs: webhooks, resources
    key: resource
    show: resource, create, update, delete, other
    """
    known = {row["topic"]: row for row in _topics(audit)}
    rows: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        own = of_resource(resource, known)
        by_kind = {kind: [known[topic] for topic in own if tells(audit, topic) == kind] for kind in (*ACTIONS, None)}
        told = {one: _told(resource, one, by_kind[one]) for one in ACTIONS}
        others = _states(by_kind[None])
        rows.append({"resource": name, **told, "other": "; ".join(others)})
    return pd.DataFrame(rows)


def webhook_reasons(audit: Audit) -> pd.DataFrame:
    """What no topic tells of, and why none has to.

    needs: webhooks, resources
    key: resource, change
    show: resource, change, why
    """
    rows: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        if resource.no_webhooks:
            rows.append({"resource": name, "change": "any", "why": resource.no_webhooks})
        rows += [{"resource": name, "change": what, "why": reason} for what, reason in resource.never.items()]
    return pd.DataFrame(rows)


def webhook_topics(audit: Audit) -> pd.DataFrame:
    """Each topic: who wants it, and who knows of it.

    needs: webhooks, resources
    key: topic
    show: topic, available, wanted_by, in_the_code, handled, registered_for, recorded_for, state
    """
    return pd.DataFrame(_topics(audit))


def topic_matrix(audit: Audit) -> pd.DataFrame:
    """Each topic at each side: available, wanted, in the code, handled, registered and recorded.

    needs: resources
    key: resource, topic
    show: resource, topic, side, state, told
    """
    return pd.DataFrame([asdict(one) for one in matrix(audit)], dtype=object)


def webhook_analysis(audit: Audit) -> pd.DataFrame:
    """What to add, keep and skip: each topic that the provider has for a declared resource, and each that has none.

    needs: provider, resources
    key: resource, topic
    show: advice, impact, resource, topic, tells, why
    """
    found = [
        asdict(one) | {"impact": one.impact or "not rated", "why": "; ".join(_reasons(one))}
        for one in offers.advised(audit)
    ]
    return pd.DataFrame(found, columns=["advice", "impact", "resource", "topic", "tells", "why"], dtype=object)


def _reasons(one: offers.Advice) -> Iterator[str]:
    """Yield why that is advised, and where no topic tells of a change, what brings it today and who wrote so down."""
    yield one.why
    if one.advice == "add" or not one.topic:
        yield f"today {one.now}"
    if one.documented:
        yield f"written down: {one.documented}"
    if not one.impact:
        yield "not rated, as it is not in the catalogue"


def webhook_or_polling(audit: Audit) -> pd.DataFrame:
    """By which ways each resource comes, and when it last did.

    needs: resources
    key: resource
    show: resource, topics, sync, ways, last_by_webhook, last_by_sync, not_known
    """
    rows = [
        {
            "resource": one.resource,
            "ways": one.words or "none",
            "topics": one.topics,
            "sync": one.sync,
            "records_by_webhook": None if one.unknown else one.by_webhook,
            "last_by_webhook": _last(one.last_by_webhook, one.unknown),
            "records_by_sync": None if one.unknown else one.by_sync,
            "last_by_sync": _last(one.last_by_sync, one.unknown),
            "not_known": one.unknown,
        }
        for one in ways(audit)
    ]
    return pd.DataFrame(rows, dtype=object)


def _last(at: datetime | None, unknown: str) -> datetime | str:
    """Return when something last came, to the second, or that it never did."""
    return at.replace(microsecond=0) if at else "" if unknown else "never"


def _told(resource: Resource, what: str, topics: list[Row]) -> str:
    """Return in a few words what tells of one kind of change."""
    if topics:
        return "; ".join(_states(topics))
    if what in resource.never:
        return "never"
    if resource.nested and not resource.webhooks:
        return f"with {resource.nested.in_}"
    return "polled" if resource.no_webhooks else "no topic"


def _states(topics: list[Row]) -> Iterator[str]:
    """Yield each state that topics are in, the worst first, and where there are several how many are in it."""
    for state in STATES:
        found = [topic for topic in topics if topic["state"].startswith(state)]
        if found:
            yield f"{len(found)} {found[0]['state']}" if len(topics) > 1 else found[0]["state"]


def _topics(audit: Audit) -> list[Row]:
    """Return every topic that somebody uses, wanted ones first, with who knows of it."""
    used = [
        one for one in topics(audit) if one.wanted_by or one.place or one.registered or one.elsewhere or one.recorded
    ]
    provider, _ = provider_of(audit)
    return [
        {
            "topic": one.name,
            "available": ("yes" if provider.knows(one.name) else "no") if provider.key else "",
            "wanted_by": one.wanted_by,
            "in_the_code": one.place.rpartition("/")[2],
            "handled": _handler(one.handled) if one.handled else "",
            "registered_for": _tenants(audit, one.registered),
            "recorded_for": _tenants(audit, one.recorded),
            "state": _state(one, any(other.place for other in used)),
        }
        for one in sorted(used, key=lambda one: not one.wanted_by)
    ]


def _state(topic: Topic, is_code_known: bool) -> str:
    if topic.handled and topic.handled.state == "absent":
        return "no handler"
    if topic.unregistered:
        return f"not registered for {_listed(topic.unregistered)}"
    if topic.elsewhere:
        return f"elsewhere for {_listed(topic.elsewhere)}"
    if is_code_known and not topic.place:
        return "not in the code"
    return "registered" if topic.registered else "not known"


def _handler(found: Finding) -> str:
    """Return where a topic is handled, or where it is seen that it is not."""
    place = f"{found.file}:{found.line}".rpartition("/")[2]
    if found.state == "found":
        return place
    words = "none" if found.state == "absent" else "not resolved"
    return words if found.file == "." else f"{words}: {place}"


def _tenants(audit: Audit, names: Iterable[str]) -> str:
    """Return the tenants by name, or in a word where they are all of several."""
    named, known = list(names), audit.parameters.tenant_names
    return f"all {len(known)} tenants" if len(known) > 1 and set(named) == set(known) else _listed(named)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
