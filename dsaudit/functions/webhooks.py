"""Phase 3: is every change announced, by a topic that is wanted, handled and registered to the right address?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.facts import webhooks
from dsaudit.facts.exceptions import written_down
from dsaudit.facts.sync_code import unread
from dsaudit.facts.webhooks import ACTIONS, EVERY, Topics, of_resource
from dsaudit.functions import Found, Row, frames
from dsaudit.wording import shown

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def wanted_topics_are_in_the_code(audit: Audit) -> Found:
    """Every topic that a resource wants is in the code's list.

    why: what the code does not register when the next tenant connects will never arrive there
    requirement: DS3.1
    severity: high
    scope: resource
    having: webhooks
    needs: code
    key: topic
    show: topic, list
    explains: create_update_delete_covered
    remedy: add the topic to the list and a handler for it, then register the topics again for every tenant
    """
    known = webhooks.in_code(audit)
    rows: list[Row] = []
    examined: list[Row] = []
    assert audit.parameters.code is not None
    for name, resource in audit.parameters.resources.items():
        missing = [topic for topic in resource.webhooks if topic not in known.places]
        doubt = known.doubt if missing else None
        if not doubt:
            rows += [{"resource": name, "topic": topic, "list": audit.parameters.code.topics} for topic in missing]
        examined.append({"resource": name, "examined": len(resource.webhooks), "reason": doubt})
    return frames(rows, examined)


def topics_have_handlers(audit: Audit) -> Found:
    """Every topic that the code registers has a handler.

    why: a delivery without a handler is answered with success and dropped, so that neither side ever notices
    requirement: DS3.1
    severity: critical
    needs: code
    key: topic
    show: topic, registered_in, seen
    explains: subscriptions_are_wanted, deliveries_succeed, deliveries_were_taken, webhooks_arrive
    remedy: add a handler for the topic, then sync its resource once to fetch what was dropped
    """
    topics = webhooks.in_code(audit)
    dropped, doubt = webhooks.without_handler(audit, topics.places)
    rows = [{"topic": topic, "registered_in": topics.places[topic], "seen": seen} for topic, seen in dropped.items()]
    return frames(rows, [{"examined": len(topics.places), "reason": topics.doubt or doubt}])


def wanted_topics_are_registered(audit: Audit) -> Found:
    """Every topic that a resource wants is registered at the provider.

    why: a topic that the provider does not know of brings nothing, and it takes subscriptions away after failures
    requirement: DS3.1, DS3.3
    severity: critical
    scope: tenant, resource
    having: webhooks
    needs: source.subscriptions
    key: topic
    show: topic
    explains: recorded_topics_are_registered, webhooks_arrive, source_missing_in_raw, source_missing_in_refined,
        raw_differs_from_source, field_differences
    remedy: register the topics again, then sync the resource once to fetch what was missed meanwhile
    """

    def judge(tenant: str, topics: dict[str, list[str]]) -> tuple[list[Row], list[Row]]:
        rows, examined = [], []
        for name, resource in audit.parameters.resources.items():
            missing = [topic for topic in resource.webhooks if topic not in topics and EVERY not in topics]
            rows += [{"tenant": tenant, "resource": name, "topic": topic} for topic in missing]
            examined.append({"tenant": tenant, "resource": name, "examined": len(resource.webhooks)})
        return rows, examined

    return _by_tenant(audit, judge, list(audit.parameters.resources))


def recorded_topics_are_registered(audit: Audit) -> Found:
    """What the integration's record lists as registered is what the provider has, no more and no less.

    why: whoever looks at the record believes in webhooks that the provider has long taken away
    requirement: DS3.1, DS3.2
    severity: high
    scope: tenant
    needs: record, source.subscriptions
    key: topic
    show: topic, only_in
    remedy: register the topics again, which rewrites the record, and compare it with the provider from time to time
    """
    recorded = webhooks.recorded(audit)

    def judge(tenant: str, topics: dict[str, list[str]]) -> tuple[list[Row], list[Row]]:
        listed = recorded.get(tenant)
        if listed is None:
            reason = "the record does not say which topics are registered"
            return [], [{"tenant": tenant, "examined": 0, "reason": reason}]
        sides = {"the record": sorted(listed - set(topics)), "the provider's list": sorted(set(topics) - listed)}
        rows = [{"tenant": tenant, "topic": topic, "only_in": side} for side, only in sides.items() for topic in only]
        return rows, [{"tenant": tenant, "examined": len(listed | set(topics))}]

    return _by_tenant(audit, judge)


def subscriptions_are_wanted(audit: Audit) -> Found:
    """Every topic registered at the provider is one that the code handles.

    why: it is sent, answered and dropped for ever, and a log full of it hides the deliveries that matter
    requirement: DS3.1
    severity: low
    scope: tenant
    needs: code, source.subscriptions
    key: topic
    show: topic, seen
    remedy: remove the subscription at the provider, or give the topic a handler
    """

    def judge(tenant: str, topics: dict[str, list[str]]) -> tuple[list[Row], list[Row]]:
        dropped, doubt = webhooks.without_handler(audit, [topic for topic in topics if topic != EVERY])
        rows = [{"tenant": tenant, "topic": topic, "seen": seen} for topic, seen in dropped.items()]
        return rows, [{"tenant": tenant, "examined": len(topics), "reason": doubt}]

    return _by_tenant(audit, judge)


def webhook_addresses_right(audit: Audit) -> Found:
    """Every webhook is registered to the address of this system.

    why: deliveries to another address arrive somewhere else, or over plain http where anybody can read and change them
    requirement: DS3.1
    severity: critical
    scope: tenant
    needs: webhooks, source.subscriptions
    key: topic
    show: topic, address, problem
    explains: deliveries_were_taken, taken_deliveries_are_logged, webhooks_arrive, source_missing_in_raw,
        source_missing_in_refined, raw_differs_from_source, field_differences
    remedy: register the topics again with the right address, then sync once to fetch what went elsewhere
    """

    def judge(tenant: str, topics: dict[str, list[str]]) -> tuple[list[Row], list[Row]]:
        given = [(topic, address) for topic, addresses in topics.items() for address in addresses]
        rows = [
            {"tenant": tenant, "topic": topic, "address": shown(address), "problem": problem}
            for topic, address in given
            if (problem := webhooks.address_problem(audit, address))
        ]
        return rows, [{"tenant": tenant, "examined": len(given)}]

    return _by_tenant(audit, judge)


def create_update_delete_covered(audit: Audit) -> Found:
    """Every resource announces what is created, updated and deleted, or the file says why it need not.

    why: without a topic for it, a deletion at the source leaves a row here that lives for ever
    requirement: DS3.1, DS3.3
    severity: high
    scope: resource
    having: announced
    needs: webhooks
    key: action
    show: action, topics
    remedy: register the missing topic, or write the reason under the resource's `never` or `no_webhooks`
    """
    known = webhooks.in_code(audit) if audit.parameters.code else Topics({}, None)
    rows: list[Row] = []
    examined: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        topics = of_resource(resource, known.places) if audit.parameters.code else resource.webhooks
        needed = [one for one in ACTIONS if one not in resource.never]
        missing = [one for one in needed if one not in {webhooks.tells(audit, topic) for topic in topics}]
        doubt = known.doubt if missing and resource.webhooks else None
        told = ", ".join(topics) or "none"
        rows += [
            {"resource": name, "action": one, "topics": told} for one in missing if resource.announced and not doubt
        ]
        examined.append({"resource": name, "examined": len(ACTIONS), "reason": doubt})
    return frames(rows, examined)


def signature_verified_in_code(audit: Audit) -> Found:
    """The code verifies the signature of what it receives, over the raw body and in constant time.

    why: without it anybody who knows the address can write orders; over a parsed body it refuses what is genuine
    requirement: DS3.1
    severity: critical
    needs: code, webhooks
    key: place
    show: place, seen
    explains: forged_deliveries_refused, forged_deliveries_not_stored
    remedy: compute the HMAC over the body as it came, compare by hmac.compare_digest, and refuse before reading it
    """
    finding = codebase.signature_verification(audit.code)
    if finding.state == "absent" and finding.file == "." and not _receives(audit):
        return frames([], [{"examined": 1, "reason": "no function that receives webhooks was found in the code"}])
    place = f"{finding.file}:{finding.line}"
    rows = [{"place": place, "seen": finding.evidence}] if finding.state == "absent" else []
    reason = f"not resolved in the code: {finding}" if finding.state == "unresolved" else None
    return frames(rows, [{"examined": 1, "reason": reason}])


def _receives(audit: Audit) -> bool:
    """Return whether something is known of the code that takes deliveries in: it may be another system's."""
    topics = [topic for resource in audit.parameters.resources.values() for topic in resource.webhooks]
    return any(one.state != "unresolved" for one in webhooks.handled(audit, topics).values())


def missing_webhooks_are_documented(audit: Audit) -> Found:
    """It is written of every resource without webhooks how it is kept up to date, since when and by which source.

    why: without the note somebody looks for the webhook again each year, or believes that there is one
    requirement: WH1
    severity: low
    scope: resource
    having: unannounced
    needs: code, webhooks
    key: lacking
    show: lacking, place
    remedy: write the note at the code that reads the resource: what it comes with, the date, the provider's page
    """
    notes = written_down(audit)
    problem = unread(audit)
    rows: list[Row] = []
    examined: list[Row] = []
    for name, resource in audit.parameters.resources.items():
        if not resource.unannounced:
            continue
        note = notes.get(name)
        place = f"{note.file}:{note.line}" if note else None
        lacking = note.missing if note else ("note",)
        doubt = f"not all of the code could be read: {problem}" if problem and lacking else None
        rows += [{"resource": name, "lacking": part, "place": place} for part in lacking if not doubt]
        examined.append({"resource": name, "examined": 1, "reason": doubt})
    return frames(rows, examined)


def _by_tenant(
    audit: Audit,
    judge: Callable[[str, dict[str, list[str]]], tuple[list[Row], list[Row]]],
    resources: list[str] | None = None,
) -> Found:
    """Let `judge` look at every tenant's topics with their addresses; a list that is not known is inconclusive."""
    rows: list[Row] = []
    examined: list[Row] = []
    for tenant in audit.parameters.tenant_names:
        found = webhooks.subscriptions(audit, tenant)
        if found is None:
            unknown = {"tenant": tenant, "examined": 0, "reason": webhooks.unanswered(audit, tenant)}
            examined += [{**unknown, "resource": name} for name in resources or [""]]
            continue
        topics: dict[str, list[str]] = {}
        for one in found:
            topics.setdefault(one.topic, []).append(one.address)
        wrong, looked = judge(tenant, topics)
        rows += wrong
        examined += looked
    return frames(rows, examined)
