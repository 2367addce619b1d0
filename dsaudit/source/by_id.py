"""Asks a source for single records by their ids: many at once where an API takes several, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import quote

from dsaudit.parameters import Resource
from dsaudit.parameters.source import Source
from dsaudit.source.paging import Listing
from dsaudit.source.reading import Page, Record, SourceError
from dsaudit.source.recording import identity
from dsaudit.source.rest import Client
from dsaudit.source.sql import Tables

MOST_AT_ONCE = 100  # ids in one address: beyond it some servers refuse the line
A_PAGE = 100  # single answers that are handed on together


@dataclass(frozen=True)
class ById:
    """Reads the records of one resource by their ids from one account."""

    reader: Client | Tables
    resource: Resource

    def pages(self, ids: Sequence[str]) -> Iterator[Page]:
        """Yield what there is of `ids`; what is not among it is not at the source.

        Raises
        ------
        SourceError
            One cannot be had, is another than was asked for, or nothing at all is found under its id: then it is not
            known whether the records are not there or the paths are wrong.
        """
        found = 0
        reader, has_list = self.reader, bool(self.resource.ids)
        size = at_once(self.resource, reader.source) if isinstance(reader, Client) and has_list else A_PAGE
        for start in range(0, len(ids), size):
            asked = list(ids[start : start + size])
            records = self._listed(asked) if has_list else []
            there = {self.id_of(record) for record in records}
            # A list may leave out by default what a single answer shows.
            left = [one for one in asked if one not in there] if self.resource.one else []
            records += [record for one in left for record in self._single([one])]
            found += len(records)
            if records:
                yield Page(records)
        if ids and not found:
            key = "ids" if has_list else "one"
            see_that_it_answers(reader, self.resource, key, self._listed if key == "ids" else self._single)

    def id_of(self, record: Record) -> str:
        """Return a record's id as text."""
        return identity(self.resource, record.value, record.value, "", 0)

    def _listed(self, asked: list[str]) -> list[Record]:
        path = (self.resource.ids or "").replace("{ids}", ",".join(quote(one, safe="") for one in asked))
        listing = replace(Listing.of(self.resource), path=path, proven=True)  # by its ids
        records = [record for page in self.reader.pages(listing) for record in page.records]
        self._refuse_others(records, asked)
        return records

    def _refuse_others(self, records: list[Record], asked: list[str]) -> None:
        named = [self.id_of(record) for record in records]
        if set(named) - set(asked) or len(set(named)) < len(named):
            where = (self.resource.ids or "").split("?")[0]
            raise SourceError(f"{where}: answers with records that were not asked for")

    def _single(self, asked: list[str]) -> list[Record]:
        return [record for one in asked if (record := self.reader.one(self.resource, one))]


def see_that_it_answers(
    reader: Client | Tables, resource: Resource, key: str, find: Callable[[list[str]], list[Record]]
) -> None:
    """Ask by `find` for a record that there is: an address that never answers says nothing of any id.

    Raises
    ------
    SourceError
        It does not find the first record of the list.
    """
    first = next((page.records for page in islice(reader.pages(Listing.of(resource)), 1)), [])
    if first and not find([identity(resource, first[0].value, first[0].value, "", 0)]):
        raise SourceError(f"{key}: nothing is found by its id, not even a record that the list holds")


def at_once(resource: Resource, source: Source) -> int:
    """Return how many records one call can ask for by their ids."""
    return min(source.page_size, MOST_AT_ONCE) if resource.ids else 1


def takes_ids(resource: Resource) -> bool:
    """Return whether the file says how to ask for a resource's records by id."""
    return bool(resource.one or resource.ids) and len(resource.id_from) == 1


def by_id(reader: object, resource: Resource) -> ById | None:
    """Return what asks for a resource's records by id, None where that cannot be."""
    return ById(reader, resource) if isinstance(reader, (Client, Tables)) and takes_ids(resource) else None
