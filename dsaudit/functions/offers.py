"""Phase 3, by the catalogue: what the provider can announce, against what the parameter file wants and rules out."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dsaudit.catalogue import ACTIONS, Provider
from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts import webhooks
from dsaudit.facts.offers import changes, offers
from dsaudit.facts.provider import provider_of
from dsaudit.functions import Found, Row, frames
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.audit import Audit

A_YEAR = timedelta(days=366)  # providers change their topics with their versions, several a year
DELIVERED = "select distinct topic from {deliveries} as d where accepted and topic = any(%(topics)s)"


def available_changes_are_wanted(audit: Audit) -> Found:
    """Most changes that the provider can announce are wanted: creation, update and deletion of each resource.

    why: what is not wanted arrives with the next sync, hours late, though the provider would tell it within seconds
    requirement: DS3.3
    severity: low
    needs: provider, webhooks
    key: resource, action
    show: resource, action, topics
    expect: webhook_coverage_percent
    remedy: see what the table of topics advises, then register what is to be added, handle it, and sync once
    """
    _, reason = provider_of(audit)
    found = list(changes(audit))
    wanted = sum(is_wanted for *_, is_wanted in found)
    share = 100 * wanted / len(found) if found else None
    is_enough = share is not None and share >= audit.parameters.policy.webhook_coverage_percent
    rows = [
        {"resource": name, "action": action, "topics": ", ".join(topics)}
        for name, action, topics, is_wanted in found
        if not is_wanted and not is_enough
    ]
    return frames(rows, [{"examined": len(found), "value": share, "unit": "%", "reason": reason}])


def what_is_ruled_out_has_no_topic(audit: Audit) -> Found:
    """What the file says is not announced, the provider has no topic for.

    why: a reason that was true once keeps a resource on polling for years after the provider got a topic for it
    requirement: DS3.1, DS3.3
    severity: low
    needs: provider, resources
    key: resource, action
    show: resource, action, topics
    explains: available_changes_are_wanted
    remedy: want one of these topics under `webhooks`, register it and handle it, and take the reason away
    """
    _, reason = provider_of(audit)
    rows: list[Row] = []
    examined = 0
    for name, resource in audit.parameters.resources.items():
        if resource.nested and not resource.webhooks:
            continue  # it comes with its parent
        examined += len(ACTIONS)
        ruled_out = ACTIONS if resource.no_webhooks else [one for one in ACTIONS if one in resource.never]
        topics = {one: offers(audit)[name].of(one) for one in ruled_out}
        rows += [{"resource": name, "action": one, "topics": ", ".join(told)} for one, told in topics.items() if told]
    return frames(rows, [{"examined": examined, "reason": reason}])


def wanted_topics_exist(audit: Audit) -> Found:
    """Every topic that a resource wants or the code registers is one that the provider has.

    why: a topic that was renamed or mistyped is refused at registration, or registered and never sent
    requirement: DS3.1
    severity: high
    needs: provider, webhooks
    key: topic
    show: topic, named_in, hint
    explains: wanted_topics_are_registered, registration_succeeded
    remedy: correct the name in the parameter file and in the code, register the topics again, and sync once
    """
    provider, reason = provider_of(audit)
    places = {topic: name for name, one in audit.parameters.resources.items() for topic in one.webhooks}
    if audit.parameters.code:
        places |= webhooks.in_code(audit).places
    known = [topic for one in provider.topics.values() for topic in one.all]
    strange = {} if reason else {topic: place for topic, place in places.items() if topic not in known}
    strange = {topic: place for topic, place in strange.items() if topic not in _seen(audit, strange)}
    if strange and (doubt := _doubt(audit, provider)):
        strange, reason = {}, f"the catalogue has no {', '.join(strange)}, and {doubt}"
    rows = [
        {"topic": topic, "named_in": place, "hint": did_you_mean(topic, known, "the catalogue has none like it")}
        for topic, place in strange.items()
    ]
    return frames(rows, [{"examined": len(places), "reason": reason}])


def _seen(audit: Audit, topics: Collection[str]) -> set[str]:
    """Return which of these topics there are, whatever the catalogue says: one is subscribed to, or was delivered."""
    parameters, found = audit.parameters, set[str]()
    if topics and parameters.source and parameters.source.subscriptions:
        lists = [webhooks.subscriptions(audit, tenant) or [] for tenant in parameters.tenant_names]
        found |= {one.topic for listed in lists for one in listed}
    if topics and parameters.deliveries:
        with suppress(RelationMissing, QueryError):
            found |= set(audit.query(DELIVERED, topics=list(topics))["topic"])
    return found


def _doubt(audit: Audit, provider: Provider) -> str | None:
    """Return why the provider may have topics that its facts lack, None where nothing says so."""
    if provider.as_of and date.fromisoformat(audit.instant[:10]) - provider.as_of > A_YEAR:
        return f"was last held against the provider's pages on {provider.as_of}"
    if "{version}" not in provider.prefix:
        return None
    source = audit.parameters.source
    form = re.escape(provider.prefix).replace(re.escape("{version}"), "([^/]+)")
    paths = [one.read or "" for one in audit.parameters.resources.values()]
    paths.append(f"{source.base_url}/" if source and source.base_url else "")
    used = {match[1] for path in paths if (match := re.search(form, path))} - {provider.version}
    return f"is of version {provider.version}, where the file reads {', '.join(sorted(used))}" if used else None
