"""What it takes to add one topic: the checklist of the reference guide, with this integration's own places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.documents.markdown import code, codes, link, todo, words
from dsaudit.facts import scopes, webhooks
from dsaudit.facts.documents import documents
from dsaudit.facts.offers import Advice
from dsaudit.facts.provider import provider_of
from dsaudit.facts.topics import Topic, topics
from dsaudit.parameters import place_of

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NO_CODE = "the parameter file names no code"


def addition(audit: Audit, one: Advice) -> str:
    """Return the section of one topic to add: why, and what to do where."""
    topic = next(other for other in topics(audit) if other.name == one.topic)
    head = f"### Add {code(one.topic)}"
    tells = f"it tells of {words(one.tells)} of {code(one.resource)}, which now is {words(one.now)}"
    why = f"Impact {one.impact.upper()}: {tells}; {words(one.why)}."
    return "\n\n".join([head, why, "\n".join(_steps(audit, one, topic))])


def _steps(audit: Audit, one: Advice, topic: Topic) -> Iterator[str]:
    """Yield the guide's steps in their order; what the audit found done already is ticked."""
    parameters = audit.parameters
    provider, _ = provider_of(audit)
    resource = parameters.resources[one.resource]
    place = place_of(parameters.path, ("resources", one.resource, "webhooks")).rpartition("/")[2]
    raw = f"of {code(parameters.raw.table)}" if parameters.raw else "(the parameter file names no raw table)"
    script = parameters.code.verification_script if parameters.code else None
    yield todo(True, f"Verify that the provider has it: {words(provider.name)}, {link(provider.sources.get('topics'))}")
    yield from _scope(audit, one.topic)
    yield todo(False, f"Want it in the parameter file: {code(place)}")
    yield todo(bool(topic.place), f"Add it to the list of topics: {_list(audit, topic)}")
    yield todo(_is_handled(topic), f"Add a handler: {_handler(audit, topic)}")
    yield todo(False, f"Map it to the object type {code(resource.raw or one.resource)} {raw}")
    is_registered = bool(topic.registered) and not (topic.elsewhere or topic.unregistered)
    yield todo(is_registered, f"Register again for {_accounts(audit)}: {_registration(audit)}")
    yield todo(False, f"Sync once, for what was missed: {_sync(audit, one.resource)}")
    yield todo(False, f"Test with one real change of {code(one.resource)}: {code('webhooks_arrive')} still passes")
    yield todo(False, f"Say so in the documentation: {_document(audit)}")
    yield todo(False, f"Update the verification script: {code(script) if script else 'the parameter file names none'}")


def _scope(audit: Audit, topic: str) -> Iterator[str]:
    """Yield the scopes that let the topics of this kind be subscribed to, one of which has to be granted."""
    provider, _ = provider_of(audit)
    needed = next((entry.scopes for entry in provider.topics.values() if topic in entry.all), [])
    granted = {tenant: scopes.granted(audit, tenant).scopes for tenant in audit.parameters.tenant_names}
    told_of = {tenant: given for tenant, given in granted.items() if given is not None}
    having = {
        scope: [tenant for tenant, given in told_of.items() if scopes.lacking(audit, given, [scope]) == ([], None)]
        for scope in needed
    }
    told = [f"{code(scope)} ({_granted_by(tenants, granted)})" for scope, tenants in having.items()]
    is_granted = set().union(*having.values()) >= set(granted)
    if told:
        yield todo(is_granted, f"Have a scope for it granted, which may be any of: {', '.join(told)}")


def _granted_by(tenants: list[str], granted: dict[str, list[str] | None]) -> str:
    unknown = [tenant for tenant, given in granted.items() if given is None]
    by = f"granted by {words(', '.join(tenants))}" if tenants else "granted by none"
    return f"{by}, not known of {words(', '.join(unknown))}" if unknown else by


def _list(audit: Audit, topic: Topic) -> str:
    """Return where it stands in the code's list, or where the list ends, best behind one of the same resource."""
    if not audit.parameters.code:
        return NO_CODE
    own = [one.place for one in topics(audit) if one.place and one.resource == topic.resource]
    places = own or list(webhooks.in_code(audit).places.values())
    name = code(audit.parameters.code.topics)
    if topic.place:
        return f"{name}, {code(topic.place)}"
    return f"{name}, behind {code(_last(places))}" if places else f"{name}, which was not found in the code"


def _last(places: Iterable[str]) -> str:
    """Return the place furthest down, of the file that comes last."""
    return max(places, key=lambda one: (one.rpartition(":")[0], int(one.rpartition(":")[2])))


def _is_handled(topic: Topic) -> bool:
    return topic.handled is not None and topic.handled.state == "found"


def _handler(audit: Audit, topic: Topic) -> str:
    """Return where it is handled, or where another topic is, best one of the same resource."""
    if not audit.parameters.code:
        return NO_CODE
    found = [one for one in topics(audit) if _is_handled(one)]
    nearest = sorted(found, key=lambda one: (one.name != topic.name, one.resource != topic.resource))[:1]
    for one in nearest:
        assert one.handled is not None
        place = code(f"{one.handled.file}:{one.handled.line}")
        return place if one.name == topic.name else f"beside that of {code(one.name)}, {place}"
    return "none was found in the code"


def _accounts(audit: Audit) -> str:
    return codes((one.account or one.name for one in audit.parameters.tenants), "the one account")


def _registration(audit: Audit) -> str:
    if not audit.parameters.code:
        return NO_CODE
    found = [_place(one) for one in codebase.functions(audit.code, "*register*webhook*")]
    return found[0] if found else "no function of the code is called so"


def _place(function: codebase.Function) -> str:
    return f"{code(function.qualified)}, {code(f'{function.file}:{function.line}')}"


def _sync(audit: Audit, resource: str) -> str:
    name = audit.parameters.resources[resource].sync
    if not audit.parameters.code or not name:
        return code(name) if name else "the parameter file names no sync function"
    found = [_place(one) for one in codebase.functions(audit.code, name.rpartition(".")[2])]
    return ", or ".join(found) or f"{code(name)}, which was not found"


def _document(audit: Audit) -> str:
    declared = audit.parameters.documents
    if not declared:
        return "the parameter file names no documents"
    return code(f"{declared.folder.rstrip('/')}/{documents(audit.parameters)['webhook_analysis'].name}")
