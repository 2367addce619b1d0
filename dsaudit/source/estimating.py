"""Estimates how many calls a reading takes, before it is begun."""

from __future__ import annotations

import time
from collections.abc import Iterator

from dsaudit.parameters import Parameters
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source import paging
from dsaudit.source.collecting import own_lists, tenants_of
from dsaudit.source.one import MOST
from dsaudit.source.reading import SourceError
from dsaudit.source.rest import Client
from dsaudit.verdict.card import plural


def estimated(parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Yield each tenant's name and, in words, how many calls its lists take, and how many minutes at our share.

    It asks each list's `count`; a list without one counts as a single page, and the words say "at least". Only of
    what is read over a provider's API; nothing is yielded for files and databases.
    """
    if parameters.source is None or parameters.source.kind != "rest":
        return
    for tenant in tenants_of(parameters):
        try:
            client = Client.of(parameters, tenant)
            try:
                yield tenant.name, _words(parameters, client)
            finally:
                client.close()
        except (SourceError, SecretMissing) as error:
            yield tenant.name, f"cannot be estimated: {error}"


def _words(parameters: Parameters, client: Client) -> str:
    source, began = client.source, time.monotonic()
    calls, records, uncounted = 0, 0, 0
    for _, resource in own_lists(parameters):
        counted = client.count(resource)
        calls += paging.calls(source.paging, source.page_size, counted or 0) + (2 if resource.count else 0)
        records += counted or 0
        uncounted += counted is None
    calls += bool(source.scopes) + bool(source.subscriptions)
    least = "at least " if uncounted else "about "
    lists = f", and {plural(uncounted, 'list')} of unknown length" if uncounted else ""
    again = f"; by id at most {MOST} more for what differs" if any(one.one for _, one in own_lists(parameters)) else ""
    told = f"{least}{plural(calls, 'call')} for {plural(records, 'record')}{lists}{again}"
    if source.rate:
        minutes = calls * 100 / (source.rate * source.rate_share) / 60
        return f"{told}; {_minutes(minutes)} at {source.rate_share} % of {source.rate:g} requests a second"
    if not client.requests:
        return told
    minutes = calls * (time.monotonic() - began) / client.requests / 60
    return f"{told}; {_minutes(minutes)} if it goes on answering as now, longer where its rate limit is short"


def _minutes(minutes: float) -> str:
    return "less than a minute" if minutes < 1 else plural(round(minutes), "minute")
