"""Asks the source for single records, by id, where the parameter file says at which address it has one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source.collecting import tenants_of
from dsaudit.source.paging import Request
from dsaudit.source.reading import SourceAbsent, SourceError
from dsaudit.source.rest import Client

Name = tuple[str, str, str]  # tenant, resource with a list of its own, id
Content = dict[str, Any]
MOST = 200  # records that are asked for; of more that differ, those that changed last
LONGEST = 30.0  # seconds for all that is asked at once


@dataclass
class Answers:
    """The records that were asked for, None where the source has none; and for a tenant why it was not asked on."""

    records: dict[Name, Content | None] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def ask(parameters: Parameters, names: Iterable[Name]) -> Answers:
    """Ask for each of these records once, as long as it is answered and does not take too long."""
    found, ends = Answers(), time.monotonic() + LONGEST
    wanted = list(dict.fromkeys(names))
    for tenant in tenants_of(parameters):
        own = [name for name in wanted if name[0] == tenant.name]
        if not own:
            continue
        try:
            client = Client.of(parameters, tenant)
            try:
                for name in own:
                    if time.monotonic() > ends:
                        raise SourceError(f"{LONGEST:.0f} s had passed")
                    found.records[name] = one(client, parameters.resources[name[1]], name[2])
            finally:
                client.close()
        except (SourceError, SecretMissing) as error:
            found.problems[tenant.name] = str(error)
    return found


def one(client: Client, resource: Resource, source_id: str) -> Content | None:
    """Return the record of an own list as it is now, or None where the source no longer has it.

    The answer is the record itself or an object that holds it alone, as ``{"order": {...}}``. A record that says of
    itself ``deleted: true`` is gone.

    Raises
    ------
    SourceError
        The source does not answer, or with something other than one record.
    """
    assert resource.one is not None
    try:
        answer = client.ask(Request(resource.one.replace("{id}", quote(source_id, safe=""))))
    except SourceAbsent:
        return None
    found = answer.body
    if isinstance(found, dict) and len(found) == 1 and isinstance(inside := next(iter(found.values())), dict):
        found = inside
    if not isinstance(found, dict):
        raise SourceError(f"{answer.where}: expected one record in the answer")
    return None if found.get("deleted") is True else found
