"""Tables of phase 3: what announces the changes of each resource, and what each side knows of each topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.codebase import Finding
from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts import offers, webhooks
from dsaudit.facts.provider import provider_of
from dsaudit.facts.webhooks import ACTIONS, EVERY, action, of_resource

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource


Row = dict[str, Any]
Handled = dict[str, Finding]
STATES = ("not registered", "not in the code", "no handler", "not known", "registered")  # of a topic, the worst first


def webhook_matrix(audit: Audit) -> pd.DataFrame:
    """What tells of the changes of each resource.

    needs: webhooks, resources
    key: resource
    show: resource, create, update, delete, other
    """
    topics = {row["topic"]: row for row in _topics(audit)}
    rows: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        own = of_resource(resource, topics)
        told = {one: _told(resource, one, [topics[topic] for topic in own if action(topic) == one]) for one in ACTIONS}
        others = _states([topics[topic] for topic in own if action(topic) is None])
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


def webhook_analysis(audit: Audit) -> pd.DataFrame:
    """Each topic that the provider has for a declared resource: whether it is wanted, and what to do about it.

    needs: provider, resources
    key: resource, topic
    show: resource, topic, tells, wanted, impact, advice, why
    """
    return pd.DataFrame([asdict(one) for one in offers.advised(audit)], dtype=object)


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
    """Return every topic that anybody knows of, wanted ones first, with who knows of it."""
    parameters = audit.parameters
    places = webhooks.in_code(audit).places if parameters.code else {}
    registered = _registered(audit) if parameters.source and parameters.source.subscriptions else {}
    recorded = _recorded(audit) if parameters.record else {}
    wanted: dict[str, list[str]] = {}
    for name, resource in parameters.resources.items():
        for topic in resource.webhooks:
            wanted.setdefault(topic, []).append(name)
    others = set().union(*registered.values(), *recorded.values()) - {EVERY}
    known = list(dict.fromkeys([*wanted, *places, *sorted(others)]))
    handled = webhooks.handled(audit, known) if parameters.code else {}
    provider, _ = provider_of(audit)
    return [
        {
            "topic": topic,
            "available": ("yes" if provider.knows(topic) else "no") if provider.key else "",
            "wanted_by": ", ".join(wanted.get(topic, [])),
            "in_the_code": places.get(topic, "").rpartition("/")[2],
            "handled": handled[topic].state if handled else "",
            "registered_for": _listed(tenant for tenant, given in registered.items() if given & {topic, EVERY}),
            "recorded_for": _listed(tenant for tenant, given in recorded.items() if topic in given),
            "state": _state(topic, registered, not places or topic in places, handled),
        }
        for topic in known
    ]


def _registered(audit: Audit) -> dict[str, set[str]]:
    """Return the topics registered at the provider, of each tenant whose list is known."""
    tenants = {tenant: webhooks.subscriptions(audit, tenant) for tenant in audit.parameters.tenant_names}
    return {tenant: {one.topic for one in found} for tenant, found in tenants.items() if found is not None}


def _recorded(audit: Audit) -> dict[str, set[str]]:
    """Return the topics in each tenant's record; what cannot be read there is a finding of the checks."""
    try:
        found = webhooks.recorded(audit)
    except (RelationMissing, QueryError):
        return {}
    return {tenant: topics for tenant, topics in found.items() if topics is not None}


def _state(topic: str, registered: dict[str, set[str]], in_code: bool, handled: Handled) -> str:
    missing = _listed(tenant for tenant, given in registered.items() if not given & {topic, EVERY})
    if missing:
        return f"not registered for {missing}"
    if not in_code:
        return "not in the code"
    if handled and handled[topic].state == "absent":
        return "no handler"
    return "registered" if registered else "not known"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
