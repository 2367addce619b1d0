"""What lists, reaches and makes subscriptions at the provider, and tries a token; none of it is executed.

A secret stands in none of them: a token stays in its environment variable.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from dsaudit import catalogue, codebase
from dsaudit.facts import webhooks
from dsaudit.facts.webhooks import EVERY, Subscription
from dsaudit.probes import MARK
from dsaudit.source.by_hand import CURL, curl
from dsaudit.verdict import Verdict
from dsaudit.wording import shown

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.catalogue import Provider
    from dsaudit.catalogue.model import Call
    from dsaudit.parameters import Parameters
    from dsaudit.parameters.models import Tenant

Remedy = dict[str, str]
MOST = 5  # statements, calls or ids that are written out
PATIENT = f"{CURL} --max-time 20"
STATUS_ONLY = "-o /dev/null -w '%{http_code}\\n'"
TOPIC = re.compile(r"[\w./:*-]{1,100}", re.ASCII)
METACHARACTERS = r"(?<!\\)[*+?^$(){}\[\]|]|\\\w"  # what makes a pattern one of many addresses; a dot is meant as such
REACHED = (
    "see whether deliveries reach it: with 400, 401, 403 or 405 it refuses what is not signed; with 200 it takes what "
    "anybody sends; with any other answer, or none, no delivery arrives"
)


def registration(audit: Audit, verdict: Verdict) -> Iterator[Remedy]:
    """Yield how a failing tenant's webhooks are looked up, reached and registered again."""
    tenants = _failing(audit, verdict)[:MOST]
    addresses = _addresses(audit, tenants)
    for tenant in tenants:
        if command := _listing(audit.parameters, tenant):
            yield {"say": f"see what the provider has registered for {tenant.name}", "command": command}
    provider = _provider(audit.parameters)
    # An audit leaves out of its figures what has this mark.
    name = provider.delivery.id_header
    mark = f"-H {shlex.quote(f'{name}: {MARK}{0:012}')} " if name else ""
    for address in addresses:
        yield {"say": REACHED, "command": f"{PATIENT} {STATUS_ONLY} -X POST {mark}-d '{{}}' {shlex.quote(address)}"}
    for tenant in tenants:
        topics = _topics(verdict, tenant)
        wrong = [one for one in _sent_elsewhere(audit, tenant) if not topics or one.topic in topics]
        yield from _putting_right(audit, provider, tenant, wrong, addresses)
        sent = {one.topic for one in wrong}
        topics = [one for one in topics if one not in sent]
        if topics and provider.subscribing.by_hand:
            yield {"say": f"register {', '.join(topics[:MOST])} for {tenant.name}: {provider.subscribing.by_hand}"}
        elif (
            topics
            and addresses
            and (commands := _subscribing(audit.parameters, provider, tenant, topics, addresses[0]))
        ):
            more = f" (the first {MOST} of {len(topics)})" if len(topics) > MOST else ""
            note = f"; {provider.subscribing.note}" if provider.subscribing.note else ""
            words = f"register the topics at the provider for {tenant.name}{more}{note}"
            yield {"say": words, "command": commands}
    for function in codebase.functions(audit.code, "*register*webhook*")[:1] if audit.parameters.code else []:
        accounts = ", ".join(tenant.account or tenant.name for tenant in tenants)
        yield {"say": f"register anew with {function.qualified} ({function.file}:{function.line}) for {accounts}"}


def _listed(audit: Audit, tenant: Tenant) -> list[Subscription]:
    """Return what is registered for a tenant; nothing where the source was not read at all."""
    return (webhooks.subscriptions(audit, tenant.name) or []) if "source" in vars(audit) else []


def _sent_elsewhere(audit: Audit, tenant: Tenant) -> list[Subscription]:
    listed = _listed(audit, tenant) if audit.parameters.webhooks else []
    return [one for one in listed if webhooks.address_problem(audit, one.address)]


def _putting_right(
    audit: Audit, provider: Provider, tenant: Tenant, wrong: list[Subscription], addresses: list[str]
) -> Iterator[Remedy]:
    """Yield the calls that give a tenant's `wrong` subscriptions the right address, or remove them.

    What is sent to the right address already would come twice, so its other subscription is removed.
    """
    here = {one.topic for one in _listed(audit, tenant) if not webhooks.address_problem(audit, one.address)}
    topics = {one.id: {two.topic for two in wrong if two.id == one.id} for one in wrong}
    moved, removed = dict[str, Iterable[str | None]](), dict[str, Iterable[str | None]]()
    path, how = _path(audit.parameters, provider), provider.subscribing.moving
    for key, sent in topics.items():
        where = _of_one(provider, path, key)
        if sent <= here or EVERY in here:
            removed[key] = [_call(audit.parameters, tenant, where, "-X DELETE")]
        else:
            moved[key] = _calls(audit.parameters, tenant, how, where, [""], addresses[0]) if addresses else []
            here |= sent
    for doing, calls in (("point at this system", moved), ("remove, as it comes here too,", removed)):
        named = sorted({topic for key in calls for topic in topics[key] if TOPIC.fullmatch(topic)})[:MOST]
        more = f" (the first {MOST} of {len(calls)})" if len(calls) > MOST else ""
        words = f"{doing} what the provider sends elsewhere for {tenant.name}, with a token that may write{more}"
        words += f": {', '.join(named)}"
        commands = "\n".join(call for made in [*calls.values()][:MOST] for call in made if call)
        if calls:
            yield {"say": words, "command": commands} if commands else {"say": words}


def token(audit: Audit, verdict: Verdict) -> Iterator[Remedy]:
    """Yield what tries the token of each failing tenant on a list that the provider refused, and how it is renewed."""
    parameters, columns = audit.parameters, [column["name"] for column in verdict.columns]
    refused: dict[str, str] = {}
    for row in verdict.rows:
        told = dict(zip(columns, row, strict=True))
        refused.setdefault(told["tenant"], told["resource"])
    for tenant in [one for one in _failing(audit, verdict) if one.name in refused][:MOST]:
        path, variable = parameters.resources[refused[tenant.name]].read, _variable(parameters, tenant)
        if variable and path and (command := _call(parameters, tenant, path, STATUS_ONLY)):
            hint = _provider(parameters).token
            words = (
                f"try the token of {tenant.name}: with 401 it has expired or was taken back, so renew it and set"
                f" {variable} anew; with 403 it lacks a scope{f'. {hint}' if hint else ''}"
            )
            yield {"say": words, "command": command}


def _failing(audit: Audit, verdict: Verdict) -> list[Tenant]:
    failing = {result.scope.get("tenant") for result in verdict.results if result.status == "fail"}
    return [one for one in audit.parameters.tenants if failing & {one.name, None}]


def _provider(parameters: Parameters) -> Provider:
    try:
        return catalogue.load(parameters.provider_file)
    except catalogue.ProviderError:
        return catalogue.Provider()


def _topics(verdict: Verdict, tenant: Tenant) -> list[str]:
    """Return the topics that a tenant lacks at the provider, by the rows found."""
    columns = [column["name"] for column in verdict.columns]
    rows = [dict(zip(columns, row, strict=True)) for row in verdict.rows]
    own = [row for row in rows if row.get("tenant") == tenant.name and row.get("only_in") != "the provider's list"]
    topics = [row["topic"] for row in own if isinstance(row.get("topic"), str)]
    return [one for one in dict.fromkeys(topics) if TOPIC.fullmatch(one)]


def _subscribing(
    parameters: Parameters, provider: Provider, tenant: Tenant, topics: list[str], address: str
) -> str | None:
    """Return the calls that subscribe to the topics, by the catalogue: one for each, or one for all."""
    how = provider.subscribing
    return "\n".join(_calls(parameters, tenant, how, _path(parameters, provider), topics[:MOST], address)) or None


def _calls(
    parameters: Parameters, tenant: Tenant, how: Call, path: str, topics: list[str], address: str
) -> Iterator[str]:
    """Yield what is to be sent: for each topic a body, or one form for all."""
    options = []
    if how.body:
        kind = f"-X {how.method} -H 'Content-Type: application/json'"
        bodies = [_filled(how.body, {"address": address, "topic": topic}) for topic in topics]
        options = [f"{kind} -d {shlex.quote(body)}" for body in bodies]
    elif how.form:
        given = [(name, value.replace("{address}", address)) for name, value in how.form.items()]
        pairs = [(name, value.replace("{topic}", topic)) for name, value in given for topic in topics]
        fields = [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in dict.fromkeys(pairs)]
        options = [" ".join([f"-X {how.method}", *fields])]
    yield from filter(None, (_call(parameters, tenant, path, one) for one in options))


def _path(parameters: Parameters, provider: Provider) -> str:
    """Return the path of the list of subscriptions."""
    source = parameters.source
    return (source.subscriptions if source else None) or provider.subscribing.path.replace(
        "{version}", provider.version
    )


def _of_one(provider: Provider, path: str, key: str) -> str:
    """Return the path of one subscription, below that of the list; nothing where its id could be more than that."""
    bare = path.partition("?")[0].removesuffix(provider.suffix)
    return f"{bare}/{key}{provider.suffix}" if re.fullmatch(r"[\w-]{1,64}", key, re.ASCII) else ""


def _filled(body: str, values: dict[str, str]) -> str:
    """Return a body of JSON with its slots filled, by texts as JSON has them."""
    return re.sub(r"\{(address|topic)\}", lambda slot: json.dumps(values[slot[1]])[1:-1], body)


def _listing(parameters: Parameters, tenant: Tenant) -> str | None:
    """Return the command that lists a tenant's subscriptions."""
    path = parameters.source.subscriptions if parameters.source else None
    return _call(parameters, tenant, path) if path else None


def _call(parameters: Parameters, tenant: Tenant, path: str, options: str = "") -> str | None:
    """Return the call of a path of a tenant's API; the token stays in its variable."""
    source = parameters.source
    if source is None or source.kind != "rest" or not path:
        return None
    base = source.base_url or f"${source.base_url_env}"
    path = quote(path, safe="/?&=%:,;+@!$'()*~[]{}#")  # a select in an address has blanks
    account = source.account_path.replace("{account}", tenant.account or "")
    url = "/".join(part.strip("/") for part in (base, account, path) if part)
    return curl(source, url, _variable(parameters, tenant), options, PATIENT)


def _variable(parameters: Parameters, tenant: Tenant) -> str | None:
    return tenant.token_env or (parameters.source.token_env if parameters.source else None)


def _addresses(audit: Audit, tenants: list[Tenant]) -> list[str]:
    """Return the right address of these tenants' webhooks: one that is registered, or the only one that can be."""
    if audit.parameters.webhooks is None:
        return []
    pattern = audit.parameters.webhooks.address
    found = {one.address for tenant in tenants for one in _listed(audit, tenant)}
    right = sorted(one for one in found if not webhooks.address_problem(audit, one) and shown(one) == one)
    only = [] if re.search(METACHARACTERS, pattern) else [re.sub(r"\\(\W)", r"\1", pattern)]
    return (right or only)[:1]
