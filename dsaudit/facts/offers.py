"""What the provider could announce of each resource, by the catalogue, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from dsaudit.catalogue import ACTIONS, KINDS, Object, Provider
from dsaudit.facts.exceptions import written_down
from dsaudit.facts.provider import provider_of
from dsaudit.facts.webhooks import action
from dsaudit.naming import one as singular_name

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

IMPACTS = ("high", "medium", "low")


@dataclass(frozen=True)
class Offer:
    """The topics that a provider has for one resource, each with what it tells, and what a gap among them costs."""

    tells: dict[str, str] = field(default_factory=dict)
    impact: str = "low"

    def of(self, kind: str) -> list[str]:
        """Return the topics that tell one thing, such as ``delete``."""
        return [topic for topic, told in self.tells.items() if told == kind]

    def wanted(self, resource: Resource, kind: str) -> list[str]:
        """Return those of them that the resource wants."""
        return [topic for topic in self.of(kind) if topic in resource.webhooks]


def offers(audit: Audit) -> dict[str, Offer]:
    """Return what the provider has for each declared resource, worked out once."""
    known: dict[str, Offer] | None = audit.kept.get("offers")
    if known is None:
        provider, _ = provider_of(audit)
        resources = audit.parameters.resources.items()
        known = audit.kept["offers"] = {name: _offer(provider, name, resource) for name, resource in resources}
    return known


def _offer(provider: Provider, name: str, resource: Resource) -> Offer:
    wanted = set(resource.webhooks)
    entries = [entry for entry, topics in provider.topics.items() if wanted.intersection(topics.all)]
    if not wanted and not resource.nested:
        entries = provider.resource(name).topics
    found = [provider.topics[entry] for entry in entries]
    tells = {topic: kind for one in found for kind in KINDS for topic in getattr(one, kind)}
    levels = {one.impact for one in found}
    return Offer(tells, min(levels, key=IMPACTS.index, default="low"))


@dataclass(frozen=True)
class Unmet:
    """A kind of data that either the catalogue or the file alone knows, and what declaring it would need."""

    resource: str
    declared: str  # no; or alone, where the catalogue does not know it
    impact: str = ""
    scope: str = ""
    read: str = ""
    topics: str = ""  # or why it has none, and what to do instead


def unmet(audit: Audit) -> list[Unmet]:
    """Return what only one of catalogue and file knows: first what the file declares alone, then by impact."""
    provider, problem = provider_of(audit)
    declared = audit.parameters.resources
    if problem or not provider.key:
        return []
    taken = {entry for entry, one in provider.topics.items() for topic in one.all if topic in _wanted(audit)}
    taken |= {entry for name in declared for entry in provider.resource(name).topics}
    found = [
        Unmet(name, "alone")
        for name, one in declared.items()
        if name not in provider.resources and not one.nested and not any(map(provider.knows, one.webhooks))
    ]
    there = {name: one for name, one in provider.resources.items() if name not in declared}
    there = {name: one for name, one in there.items() if not one.topics or not taken.issuperset(one.topics)}
    offered = [_unmet(provider, name, one, one.topics) for name, one in there.items()]
    owned = {entry for one in provider.resources.values() for entry in one.topics}
    others = [one for one in provider.topics if one not in owned | taken and singular_name(one) not in declared]
    offered += [_unmet(provider, singular_name(entry), Object(), [entry]) for entry in others]
    return found + sorted(offered, key=lambda one: (IMPACTS.index(one.impact), not one.read, one.resource))


def _wanted(audit: Audit) -> set[str]:
    return {topic for one in audit.parameters.resources.values() for topic in one.webhooks}


def _unmet(provider: Provider, name: str, one: Object, entries: list[str]) -> Unmet:
    topics = [provider.topics[entry] for entry in entries]
    scopes = one.scope or provider.scope or [scope for each in topics for scope in each.scopes]
    impact = min([one.impact, *(each.impact for each in topics)], key=IMPACTS.index)
    told = ", ".join(topic for each in topics for topic in each.all) or f"none: {one.no_webhooks}"
    return Unmet(name, "no", impact, ", ".join(dict.fromkeys(scopes)), one.read or "", told)


@dataclass(frozen=True)
class New:
    """What the provider has had since a day: a topic, a resource, or another way of writing the topics."""

    since: date
    new: str
    what: str
    resource: str
    wanted: bool


def news(audit: Audit) -> list[New]:
    """Return what came to the catalogue's provider after the day as of which the file was last held against it."""
    provider, _ = provider_of(audit)
    reviewed = audit.parameters.provider_reviewed
    found = [
        New(day, provider.named(name), "topic", next(iter(provider.grouped([name]))), name in _wanted(audit))
        if provider.knows(name)
        else New(day, name, "resource", name, name in audit.parameters.resources)
        for day, names in provider.added.items()
        for name in names
    ]
    spellings = ((one.since, one.form) for one in provider.spellings)
    ways = [New(day, form, "way of writing the topics", "all", False) for day, form in spellings if day]
    return sorted((one for one in [*found, *ways] if reviewed and one.since > reviewed), key=lambda one: one.since)


@dataclass(frozen=True)
class Advice:
    """What to do about one topic that the provider has, and why; without one, about how a resource is kept up to date.

    ``now`` is what brings that change today, ``documented`` where it is written down that no topic does, or what such a
    note lacks.
    """

    resource: str
    topic: str
    tells: str
    wanted: bool
    impact: str
    now: str
    advice: str  # add, keep or skip
    why: str
    documented: str = ""


def advised(audit: Audit) -> list[Advice]:
    """Return an advice for each topic that the provider has for a declared resource, those to add first.

    A resource without topics keeps its way, whether it is polled or comes with its parent.
    """
    known: list[Advice] | None = audit.kept.get("advice")
    if known is None:
        found = [one for name in audit.parameters.resources for one in _advised(audit, name)]
        known = sorted(found, key=lambda one: ("add", "keep", "skip").index(one.advice))
        audit.kept["advice"] = known
    return known


def _advised(audit: Audit, name: str) -> Iterator[Advice]:
    resource, offer = audit.parameters.resources[name], offers(audit)[name]
    for topic, kind in offer.tells.items():
        wanted = topic in resource.webhooks
        now = topic if wanted else next(iter(offer.wanted(resource, kind)), _without_topic(audit, name))
        yield Advice(name, topic, kind, wanted, offer.impact, now, *_advice(resource, offer, topic, kind))
    if not offer.tells and not resource.webhooks:
        why = resource.no_webhooks or "the catalogue has no topic for it"
        if resource.nested and not resource.no_webhooks:
            why = f"each topic of {audit.parameters.top(name)} carries it"
        documented = _documented(audit, name)
        yield Advice(name, "", "", False, _impact(audit, name), _without_topic(audit, name), "keep", why, documented)


def _impact(audit: Audit, name: str) -> str:
    """Return what a late change of a resource without topics costs.

    Low where its parent's topics carry it, otherwise as the catalogue rates that kind of data, empty where it has none.
    """
    provider, _ = provider_of(audit)
    is_carried = audit.parameters.resources[name].nested and not audit.parameters.resources[name].no_webhooks
    return "low" if is_carried else provider.resources[name].impact if name in provider.resources else ""


def _without_topic(audit: Audit, name: str) -> str:
    """Return what brings a resource's changes without a topic of their own."""
    resource = audit.parameters.resources[name]
    if resource.nested:
        return f"with {resource.nested.in_}"
    return f"polled by {resource.sync}" if resource.sync else "polled"


def _documented(audit: Audit, name: str) -> str:
    if not audit.parameters.code and not audit.parameters.documents:
        return "not known"
    note = written_down(audit).get(name)
    if note is None:
        return "no"
    place = f"{note.file}:{note.line}"
    return f"{place}, without {' and '.join(note.missing)}" if note.missing else place


def _advice(resource: Resource, offer: Offer, topic: str, kind: str) -> tuple[str, str]:
    if topic in resource.webhooks:
        return "keep", "it tells of a change" if kind != "other" else "it is wanted, and tells of no change of its own"
    if kind == "other":
        return "skip", "the catalogue counts it as none of creation, update and deletion"
    if beside := offer.wanted(resource, kind):
        # `charge.succeeded` is a way of being created, and says nothing of the charges that failed.
        same = next((one for one in beside if action(one) == kind), None)
        if same:
            return "skip", f"{same} tells the same"
        return "add", f"{beside[0]} need not tell of it"
    if kind == "end" and (updates := offer.wanted(resource, "update")):
        return "skip", f"{updates[0]} tells of that state too"
    said = next((why for what, why in resource.never.items() if what == kind), resource.no_webhooks)
    return "add", f"nothing tells of this change; the file says: {said}" if said else "nothing tells of this change"


def changes(audit: Audit) -> Iterator[tuple[str, str, list[str], bool]]:
    """Yield each change that the provider can announce, its topics, and whether one of them is wanted.

    A change is a declared resource with creation, update or deletion.
    """
    for name, offer in offers(audit).items():
        for kind in ACTIONS:
            if topics := offer.of(kind):
                yield name, kind, topics, bool(offer.wanted(audit.parameters.resources[name], kind))
