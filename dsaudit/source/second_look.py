"""Asks the source for single records, by id, where the parameter file says at which address it has one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source.by_id import see_that_it_answers
from dsaudit.source.collecting import reader_of, tenants_of
from dsaudit.source.reading import Record, SourceError
from dsaudit.source.rest import Client
from dsaudit.source.sql import Tables
from dsaudit.wording import span

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
    """Ask for each of these records once, as long as it is answered and does not take too long.

    That one is not found says something only of an address under which another one is.
    """
    found, ends = Answers(), time.monotonic() + LONGEST
    wanted = list(dict.fromkeys(names))
    for tenant in tenants_of(parameters):
        own = [name for name in wanted if name[0] == tenant.name]
        if not own:
            continue
        try:
            with contextlib.closing(reader_of(parameters, tenant)) as reader:
                assert isinstance(reader, (Client, Tables))  # the parameter file allows `one` of no other
                answering: set[str] = set()
                for name in own:
                    if time.monotonic() > ends:
                        raise SourceError(f"{span(LONGEST)} had passed")
                    resource = parameters.resources[name[1]]
                    record = reader.one(resource, name[2])
                    if not record and name[1] not in answering:
                        see_that_it_answers(reader, resource, "one", partial(_found, reader, resource))
                    answering.add(name[1])
                    found.records[name] = record.value if record else None
        except (SourceError, SecretMissing) as error:
            found.problems[tenant.name] = str(error)
    return found


def _found(reader: Client | Tables, resource: Resource, ids: list[str]) -> list[Record]:
    return [record for one in ids if (record := reader.one(resource, one))]
