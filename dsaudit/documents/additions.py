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
from dsaudit.facts.sync_code import functions_named
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
    parameters = audit.parameters
    provider, _ = provider_of(audit)
    resource = parameters.resources[one.resource]
    yield todo(True, f"Verify that the provider has it: {words(provider.name)}, {link(provider.sources.get('topics'))}")
    yield from (_scope(audit, scope) for scope in _scopes(audit, one.topic))
    yield todo(
        one.wanted,
        f"Want it in the parameter file: {code(place_of(parameters.path, ('resources', one.resource, 'webhooks')))}",
    )
    yield todo(bool(topic.place), f"Add it to the list of topics: {_list(audit, one.resource)}")
    yield todo(_is_handled(topic), f"Add a handler where deliveries are told apart: {_handler(audit, one.resource)}")
    yield todo(not parameters.raw, f"Map it to the object type {code(resource.raw or one.resource)}{_raw(audit)}")
    registered = bool(topic.registered) and not topic.unregistered
    yield todo(registered, f"Register again for {_accounts(audit)}: {_registration(audit)}")
    yield todo(False, f"Sync once, for what was missed: {_sync(audit, one.resource)}")
    yield todo(
        False, f"Test with one real {words(one.tells)} of {code(one.resource)}, and see {code('webhooks_arrive')} pass"
    )
    yield todo(False, f"Say so in the documentation: {_document(audit)}")
    script = parameters.code.verification_script if parameters.code else None
    yield todo(False, f"Update the verification script: {code(script) if script else 'the parameter file names none'}")


def _scopes(audit: Audit, topic: str) -> list[str]:
    provider, _ = provider_of(audit)
    return next((entry.scopes for entry in provider.topics.values() if topic in entry.all), [])


def _scope(audit: Audit, scope: str) -> str:
    """Return who granted a scope that the catalogue names for topics of this kind, and who did not."""
    granted = {tenant: scopes.granted(audit, tenant).scopes for tenant in audit.parameters.tenant_names}
    lacks = {tenant: scopes.lacking(audit, given, [scope]) for tenant, given in granted.items() if given is not None}
    lacking = [tenant for tenant, (missing, _) in lacks.items() if missing]
    unknown = [tenant for tenant in granted if tenant not in lacks or lacks[tenant][1]]
    told = [f"not granted by {words(', '.join(lacking))}"] if lacking else []
    told += [f"not known of {words(', '.join(unknown))}"] if unknown else []
    return todo(not told, f"Scope {code(scope)}: {'; '.join(told) or 'granted'}")


def _list(audit: Audit, resource: str) -> str:
    """Return where the code's list ends, best behind the last topic of the same resource."""
    if not audit.parameters.code:
        return NO_CODE
    own = [one.place for one in topics(audit) if one.place and one.resource == resource]
    places = own or list(webhooks.in_code(audit).places.values())
    name = code(audit.parameters.code.topics)
    return f"{name}, behind {code(_last(places))}" if places else f"{name}, which was not found in the code"


def _last(places: Iterable[str]) -> str:
    """Return the place furthest down, of the file that comes last."""
    return max(places, key=lambda one: (one.rpartition(":")[0], int(one.rpartition(":")[2])))


def _is_handled(topic: Topic) -> bool:
    return topic.handled is not None and topic.handled.state == "found"


def _handler(audit: Audit, resource: str) -> str:
    if not audit.parameters.code:
        return NO_CODE
    found = [one for one in topics(audit) if one.handled and _is_handled(one)]
    best = sorted(found, key=lambda one: one.resource != resource)[:1]
    beside = [
        f"beside that of {code(one.name)}, {code(f'{one.handled.file}:{one.handled.line}')}"
        for one in best
        if one.handled
    ]
    return beside[0] if beside else "none was found in the code"


def _raw(audit: Audit) -> str:
    return f" of {code(audit.parameters.raw.table)}" if audit.parameters.raw else ", which has no raw table"


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
    return (
        ", or ".join(_place(one.function) for one in functions_named(audit, name))
        or f"{code(name)}, which was not found"
    )


def _document(audit: Audit) -> str:
    declared = audit.parameters.documents
    if not declared:
        return "the parameter file names no documents"
    return code(f"{declared.folder.rstrip('/')}/{documents(audit.parameters)['webhook_analysis'].name}")
