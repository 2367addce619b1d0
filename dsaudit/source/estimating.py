"""Estimates how many calls a reading takes, before it is begun."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source import paging
from dsaudit.source.by_id import at_once
from dsaudit.source.choosing import way_of
from dsaudit.source.collecting import own_lists, tenants_of
from dsaudit.source.reading import SourceError
from dsaudit.source.rest import Client
from dsaudit.source.second_look import MOST
from dsaudit.verdict.card import plural

MOST_NAMED = 3


@dataclass
class _Estimate:
    """What a reading of one tenant's lists takes."""

    calls: int = 0
    records: int = 0
    uncounted: int = 0  # lists of unknown length
    changes: int = 0  # lists that are asked for what changed: how much that is, nobody knows
    whole: list[str] = field(default_factory=list)  # lists that cannot be asked for the part alone


def estimated(parameters: Parameters) -> Iterator[tuple[str, bool, str]]:
    """Yield each tenant's name and, in words, how many calls its lists take, and how many minutes at our share.

    Where a count was not answered as it should be it yields False and why: the reading will not get it either.

    It asks each list's `count`; a list without one counts as a single page, and the words say "at least". Only of
    what is read over a provider's API; nothing is yielded for files and databases.
    """
    if parameters.source is None or parameters.source.kind != "rest":
        return
    for tenant in tenants_of(parameters):
        try:
            client = Client.of(parameters, tenant)
            try:
                yield tenant.name, True, _words(parameters, client)
            finally:
                client.close()
        except (SourceError, SecretMissing) as error:
            yield tenant.name, False, f"cannot be estimated: {error}"


def _words(parameters: Parameters, client: Client) -> str:
    source, began = client.source, time.monotonic()
    found = _Estimate(calls=bool(source.scopes) + bool(source.subscriptions))
    if source.deliveries and not (parameters.part.by_record or parameters.part.resources):
        found.calls, found.uncounted = found.calls + 1, 1
    for name, resource in own_lists(parameters):
        _add(found, parameters, client, name, resource)
    is_asked_again = not parameters.part.by_record and any(one.one for _, one in own_lists(parameters))
    told = _told(found) + (f"; by id at most {MOST} more for what differs" if is_asked_again else "")
    if source.rate:
        minutes = found.calls * 100 / (source.rate * source.rate_share) / 60
        return f"{told}; {_minutes(minutes)} at {source.rate_share} % of {source.rate:g} requests a second"
    if not client.requests:
        return told
    minutes = found.calls * (time.monotonic() - began) / client.requests / 60
    return f"{told}; {_minutes(minutes)} if it goes on answering as now, longer where its rate limit is short"


def _add(found: _Estimate, parameters: Parameters, client: Client, name: str, resource: Resource) -> None:
    source, part = client.source, parameters.part
    way = way_of(resource, source, part)
    if way == "since":
        found.calls += 1
        found.changes += 1
        return
    if way == "ids":
        # The tables of a tenant may hold all that is drawn; then come the first page and the two counts.
        found.calls += math.ceil(part.sample / at_once(resource, source)) + 1 + (2 if resource.count else 0)
        found.records += part.sample
        return
    counted = client.count(resource)
    found.calls += paging.calls(source.paging, source.page_size, counted or 0) + (2 if resource.count else 0)
    found.records += counted or 0
    found.uncounted += counted is None
    found.whole += [name] if part.by_record else []


def _told(found: _Estimate) -> str:
    least = "at least " if found.uncounted or found.changes else "about "
    more = [f"{plural(found.uncounted, 'list')} of unknown length"] if found.uncounted else []
    more += [f"what changed in {plural(found.changes, 'list')}"] if found.changes else []
    told = ", and ".join([f"{least}{plural(found.calls, 'call')} for {plural(found.records, 'record')}", *more])
    if found.whole:
        others = len(found.whole) - MOST_NAMED
        named = ", ".join(found.whole[:MOST_NAMED]) + (f" and {others} more" if others > 0 else "")
        told += f"; of {named} the whole list, which cannot be asked for the part alone"
    return told


def _minutes(minutes: float) -> str:
    return "less than a minute" if minutes < 1 else plural(round(minutes), "minute")
