"""The resources and relations of a draft, each with its table, key, scope, sync function, webhooks and fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dsaudit import naming
from dsaudit.catalogue import Provider
from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.describing import Relation, common
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.outside import version, with_version
from dsaudit.drafting.refined import Refined
from dsaudit.drafting.sections import table_name
from dsaudit.drafting.system import System
from dsaudit.facts.webhooks import ACTIONS
from dsaudit.parameters.fields import FieldOf

_SHARED = ("tenant", "updated_column", "deleted", "refined_at", "built_from")


def in_order(found: Sequence[Refined], provider: Provider) -> list[Refined]:
    """Return the resources in the catalogue's order, each followed by those that are nested in it."""
    known = list(provider.resources)
    top = [one for one in found if not one.nested]
    top.sort(key=lambda one: (known.index(one.name) if one.name in known else len(known), one.name))
    return [each for one in top for each in _with_children(one, found)]


def _with_children(one: Refined, found: Sequence[Refined]) -> Iterator[Refined]:
    yield one
    for child in found:
        if child.nested and child.nested.parent == one.name:
            yield from _with_children(child, found)


def put_defaults(
    draft: Draft, found: Sequence[Refined], updated: str | None, created: str | None, doubt: str | None
) -> dict[str, Any]:
    """Set what all resources have in common, and return it; `doubt` says why the time of change is a guess."""
    shared: dict[str, Any] = {}
    for key in _SHARED:
        value = common(getattr(one, key) for one in found)
        if value and all(value in one.shape.columns for one in found):
            shared[key] = value
            guesses = [one.guesses[key] for one in found if key in one.guesses]
            draft.put(f"defaults.{key}", value, guesses[0] if guesses else _GUESSED.get(key))
    is_seen = any(one.pairs for one in found)
    guess = None if is_seen else "by its name; no record of the source was seen"
    draft.put("defaults.updated", updated, guess or doubt)
    draft.put("defaults.known", {"created": created} if created else None, guess)
    return shared


_GUESSED = {"deleted": "by its name", "refined_at": "by its name"}


def put_resource(
    draft: Draft, one: Refined, system: System, provider: Provider, told: Told, shared: dict[str, Any]
) -> None:
    """Set one resource."""
    at, facts = f"resources.{one.name}", provider.resource(one.name)
    draft.put(f"{at}.table", table_name(one.shape, system.tables.values()))
    draft.put(f"{at}.key", one.key[0] if len(one.key) == 1 else list(one.key), one.guesses.get("key"))
    draft.put(f"{at}.joined", one.joined)
    if one.id_from != ["id"] or "id_from" in one.guesses:
        draft.put(f"{at}.id_from", one.id_from[0] if len(one.id_from) == 1 else one.id_from, one.guesses.get("id_from"))
    if one.type and one.type != one.name:
        draft.put(f"{at}.raw", one.type, one.guesses.get("raw"))
    for key in _SHARED:
        if getattr(one, key) and getattr(one, key) != shared.get(key):
            draft.put(f"{at}.{key}", getattr(one, key), one.guesses.get(key) or _GUESSED.get(key))
    if one.nested:
        where = list(one.nested.at.items())
        path: Any = where[0][1] if len(where) == 1 else one.nested.at
        draft.put(f"{at}.nested", {"in": one.nested.parent, "at": path}, one.nested.guess)
    else:
        _put_reading(draft, at, one, provider, told)
        _put_scope(draft, at, one, facts, told, provider)
        _put_webhooks(draft, at, one, facts, told, provider)
    _put_known(draft, at, one, provider)
    for name, found in one.fields.items():
        draft.put(f"{at}.fields.{name}", _short(name, found.field), found.guess)
    for what in one.left_out:
        draft.note(f"{at}.fields" if one.fields else at, what)
    for what in one.open:
        draft.ask(f"{at}.fields" if one.fields else at, what)


def _put_known(draft: Draft, at: str, one: Refined, provider: Provider) -> None:
    """Set what the catalogue knows of a list's behaviour; the resource's own section takes the place of the default."""
    facts = provider.resource(one.name)
    created = facts.created or provider.created
    if facts.known or facts.created:
        doubt = provider.doubt(one.name, "known", "by_default") if "by_default" in facts.known else None
        draft.put(f"{at}.known", {"created": created, **facts.known}, doubt)


def _short(name: str, field: FieldOf) -> Any:
    given = field.model_dump(by_alias=True, exclude_defaults=True)
    given = {
        "from": field.from_,
        "as": field.as_,
        **{key: value for key, value in given.items() if key not in ("from", "as")},
    }
    return field.as_ if given == {"from": name, "as": field.as_} else given


def _put_reading(draft: Draft, at: str, one: Refined, provider: Provider, told: Told) -> None:
    facts, number = provider.resource(one.name), version(provider, told)
    function, guess = reading.sync_of(told, one.name, one.type or one.name)
    prefix = with_version(provider.prefix, number)
    in_code = reading.path_of(told, one.name, function, facts.read) if function and provider.key else None
    if in_code:
        path, query = _parted(in_code.strip("/"), provider.suffix)
        draft.put(f"{at}.read", f"{prefix}{path}{provider.suffix}{query}")
        if reading.asks_counts(told):
            doubt = None if facts.count else "the code asks for counts like this one; see that there is one"
            draft.put(f"{at}.count", f"{prefix}{path}/count{provider.suffix}{query}", doubt)
        elif facts.count:
            draft.put(f"{at}.count", prefix + facts.count, provider.doubt(one.name, "count"))
    elif facts.of:
        draft.ask(at, f"read: {provider.name} lists it under one {facts.of} at a time ({facts.read})")
    elif facts.read:
        draft.put(f"{at}.read", prefix + facts.read, provider.doubt(one.name, "read") or "from the catalogue")
        draft.put(f"{at}.count", prefix + facts.count if facts.count else None, provider.doubt(one.name, "count"))
    else:
        draft.ask(at, "read: where the source lists it; or nested, if it comes inside another's record")
    draft.put(f"{at}.sync", function, guess)
    if told.code and not function:
        draft.ask(at, "sync: the function that reads it; none was recognised")


def _parted(path: str, suffix: str) -> tuple[str, str]:
    bare, question, query = path.partition("?")
    return bare.removesuffix(suffix) if suffix else bare, question + query


def _put_scope(draft: Draft, at: str, one: Refined, facts: Any, told: Told, provider: Provider) -> None:
    requested = told.scopes[1] if told.scopes else []
    # One that opens the older records is needed whether the code asks for it or not.
    asked = [*requested, facts.known.get("aged", {}).get("scope")]
    listed = [scope for scope in facts.scope or provider.scope if not requested or scope in asked]
    guess = None
    if not listed and requested:
        listed = [scope for scope in requested if naming.one(scope.partition("_")[2]) == one.name]
        guess = "by its name"
    draft.put(f"{at}.scope", listed[0] if len(listed) == 1 else listed, guess)


def put_unclaimed_scopes(draft: Draft, found: Sequence[Refined], told: Told) -> None:
    """Give the scopes that no resource needs so far to the one that the code's remark beside them names."""
    claimed = {scope for one in found for scope in _as_list(draft.value(f"resources.{one.name}.scope"))}
    for scope in told.scopes[1] if told.scopes else ():
        if scope in claimed:
            continue
        remark = told.remarks.get(scope, "").lower()
        named = [one.name for one in found if not one.nested and _speaks_of(remark, one.name)]
        if len(named) == 1:
            at = f"resources.{named[0]}.scope"
            draft.put(at, [*_as_list(draft.value(at)), scope], f"the code's remark on {scope} names it")
        else:
            draft.ask("resources", f"scope: which resource needs {scope}, which the code asks for")


def _as_list(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _speaks_of(remark: str, name: str) -> bool:
    spoken = name.replace("_", " ")
    return bool(re.search(rf"(?<![\w-])({spoken}|{naming.plural(spoken)})\b", remark))


def _put_webhooks(draft: Draft, at: str, one: Refined, facts: Any, told: Told, provider: Provider) -> None:
    wanted = (
        told.topics[1] if told.topics else [topic for name in provider.resources for topic in provider.webhooks(name)]
    )
    topics = provider.grouped(wanted).get(one.name, [])
    guess = None if told.topics else "all that the catalogue knows; the code was not seen to choose"
    draft.put(f"{at}.webhooks", topics, guess)
    if not topics:
        draft.put(f"{at}.no_webhooks", facts.no_webhooks)
        if not facts.no_webhooks:
            draft.ask(at, "webhooks: its topics; or no_webhooks, and why there are none")
        return
    told_of = {kind for entry in facts.topics for kind in ACTIONS if getattr(provider.topics[entry], kind)}
    for missing in ACTIONS if facts.topics else ():
        if missing not in told_of:
            words = facts.never.get(missing, "the provider has no topic for it")
            draft.put(f"{at}.never.{missing}", words, "the catalogue has no other topics of it")


def put_relations(draft: Draft, listed: Sequence[Relation]) -> None:
    """Set the relations, in the order of their children."""
    for number, one in enumerate(listed):
        value = {"child": one.child, "parent": one.parent, **({"nullable": True} if one.nullable else {})}
        draft.put(f"relations.{number}", value, one.guess)
