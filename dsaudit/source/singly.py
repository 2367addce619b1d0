"""Asks a REST API for single records by their ids: many at once where it takes several, else one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import quote

from dsaudit.parameters import Resource
from dsaudit.parameters.source import Source
from dsaudit.source.paging import Listing, Request
from dsaudit.source.reading import Page, Record, SourceAbsent, SourceError, member_of, one_line, value_at
from dsaudit.source.recording import identity
from dsaudit.source.rest import Client

MOST_AT_ONCE = 100  # ids in one address: beyond it some servers refuse the line
A_PAGE = 100  # single answers that are handed on together


@dataclass(frozen=True)
class Singly:
    """Reads the records of one resource by their ids from one account."""

    client: Client
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
        size = at_once(self.resource, self.client.source) if self.resource.ids else A_PAGE
        for start in range(0, len(ids), size):
            asked = list(ids[start : start + size])
            records = self._listed(asked) if self.resource.ids else []
            there = {self.id_of(record) for record in records}
            # A list may leave out by default what a single answer shows.
            left = [one for one in asked if one not in there] if self.resource.one else []
            records += [record for one in left if (record := self._single(one))]
            found += len(records)
            if records:
                yield Page(records)
        if ids and not found:
            self._see_that_it_answers()

    def id_of(self, record: Record) -> str:
        """Return a record's id as text."""
        return identity(self.resource, record.value, record.value, "", 0)

    def _listed(self, asked: list[str]) -> list[Record]:
        path = (self.resource.ids or "").replace("{ids}", ",".join(quote(one, safe="") for one in asked))
        listing = replace(Listing.of(self.resource), path=path)
        records = [record for page in self.client.pages(listing) for record in page.records]
        self._refuse_others(records, asked)
        return records

    def _refuse_others(self, records: list[Record], asked: list[str]) -> None:
        named = [self.id_of(record) for record in records]
        if set(named) - set(asked) or len(set(named)) < len(named):
            raise SourceError(f"{_shown(self.resource.ids)}: answers with records that were not asked for")

    def _single(self, asked: str) -> Record | None:
        path = (self.resource.one or "").replace("{id}", quote(asked, safe=""))
        try:
            answer = self.client.ask(Request(path))
        except SourceAbsent:
            return None
        except SourceError as error:  # an id may be somebody's address
            raise type(error)(str(error).replace(quote(asked, safe=""), "{id}")) from None
        record = Record(one_line(answer.text.strip()), answer.body)
        inside = [*answer.body] if isinstance(answer.body, dict) else []
        if len(inside) == 1 and isinstance(answer.body[inside[0]], dict):
            record = member_of(record, inside[0], answer.where)
        if not isinstance(record.value, dict) or value_at(record.value, self.resource.id_from[0]) is None:
            raise SourceError(f"{_shown(self.resource.one)}: there is no record with an id in the answer")
        self._refuse_others([record], [asked])
        return record

    def _see_that_it_answers(self) -> None:
        """Hold the paths against a record that is known to be there: the first of the list."""
        first = next((page.records for page in islice(self.client.pages(Listing.of(self.resource)), 1)), [])
        if not first:
            return
        one = self.id_of(first[0])
        if not (self._listed([one]) if self.resource.ids else self._single(one)):
            way = _shown(self.resource.ids or self.resource.one)
            raise SourceError(f"{way}: nothing is found there by its id, not even a record that the list holds")


def at_once(resource: Resource, source: Source) -> int:
    """Return how many records one call can ask for by their ids."""
    return min(source.page_size, MOST_AT_ONCE) if resource.ids else 1


def takes_ids(resource: Resource) -> bool:
    """Return whether the file says how to ask for a resource's records by id."""
    return bool(resource.one or resource.ids) and len(resource.id_from) == 1


def singly(reader: object, resource: Resource) -> Singly | None:
    """Return what asks for a resource's records by id, None where that cannot be."""
    return Singly(reader, resource) if isinstance(reader, Client) and takes_ids(resource) else None


def _shown(path: str | None) -> str:
    return (path or "").split("?")[0]
