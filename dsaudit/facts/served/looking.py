"""Looks at what the API serves to each owner between two looks at the tables, once in a run, for all checks.

What stood alike in the tables before and after is judged. What changed meanwhile is looked at again.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from dsaudit.facts.served.asking import Api, Heard, Listed, limit_of
from dsaudit.facts.served.owners import Owner, owners
from dsaudit.facts.served.rows import Row, fitting, key_in, parents_of, rows_of, some_keys
from dsaudit.parameters.apis import Endpoint
from dsaudit.source.reading import SourceError, value_at
from dsaudit.verdict.card import thousands
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LOOKS = 3  # at an owner whose rows change while the API is asked
MOST_LISTS = 50  # of one endpoint that has a list for each parent
MOST_VALUES = 3  # by which each filter is tried

Rows = dict[str, Row]


@dataclass
class Part:
    """What one endpoint serves to one owner, beside the rows that it has to.

    `rows` stood alike before and after, `moved` are the ids of those that did not. `records` are those of its lists, by
    id, `under` the ids in the list of each parent, and `filtered` those that came by a filter and a value. `singles`
    are the answers by id, and `totals` the lists that tell another number of records than they hold.
    """

    endpoint: Endpoint
    owner: Owner
    parents: list[str] | None = None  # of which each has a list
    some: list[str] | None = None  # ids of the rows that are looked at, where they are too many
    rows: Rows = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    records: dict[str, list[Any]] = field(default_factory=dict)
    under: dict[str, list[str]] = field(default_factory=dict)
    filtered: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    singles: dict[str, Heard] = field(default_factory=dict)
    totals: list[tuple[int, int]] = field(default_factory=list)
    unnamed: int = 0  # records without an id
    is_whole: bool = True  # whether the lists were read to their ends
    problem: str | None = None  # why the endpoint cannot be judged
    limits: list[str] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether a row that the list does not have is missing in it."""
        return self.is_whole and self.some is None and not self.moved

    def path_of(self, column: str) -> str | None:
        """Return the path of the field that serves a column, or None."""
        return next((path for path, name in self.endpoint.fields.items() if name == column), None)


@dataclass
class Served:
    """All that was served: of each owner a part for each endpoint; and the API, to be asked further.

    `known` are the values of the headers of all owners, also of those whose rows were not asked for.
    """

    api: Api
    owners: list[Owner]
    known: set[tuple[str, ...]]
    parts: list[Part] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)


def served(audit: Audit) -> Served:
    """Return what the API serves, looked at once.

    Raises
    ------
    SourceError
        The API cannot be asked, or does not answer.
    """
    known: Served | SourceError | None = audit.kept.get("served")
    if known is None:
        try:
            known = _looked(audit)
        except SourceError as error:
            known = error
        audit.kept["served"] = known
    if isinstance(known, SourceError):
        raise SourceError(str(known))
    return known


def _looked(audit: Audit) -> Served:
    with closing(Api(audit.parameters.whole)) as api:
        first = api.apis.endpoints[0]
        try:
            api.heard(first.list_of("any"), {}, token="none")  # whether anybody is there, and answers in time
        except SourceError as error:
            raise SourceError(f"the API does not answer within {span(api.apis.wait_seconds)}: {error}") from None
        found, known, limits = owners(audit)
        parts = [part for owner in found for part in _settled(audit, api, owner)]
    limits += dict.fromkeys(limit for part in parts for limit in part.limits)
    return Served(api, found, known, parts, limits)


def _settled(audit: Audit, api: Api, owner: Owner) -> list[Part]:
    """Look at all that an owner is served until its rows stand still meanwhile, a bounded number of times."""
    for look in range(LOOKS):
        parts = [_chosen(audit, api, endpoint, owner) for endpoint in api.apis.endpoints]
        before = [_rows(audit, part) for part in parts]
        for part, rows in zip(parts, before, strict=True):
            _ask(audit, api, part, rows)
        after = [_rows(audit, part) for part in parts]
        if before == after or look == LOOKS - 1:
            break
    for part, there, then in zip(parts, before, after, strict=True):
        part.rows = {key: row for key, row in there.items() if then.get(key) == row}
        part.moved = {*there, *then} - set(part.rows)
        if part.moved:
            part.limits.append(f"{part.endpoint.name}: rows changed during each of {LOOKS} looks, and are not judged")
    return parts


def _chosen(audit: Audit, api: Api, endpoint: Endpoint, owner: Owner) -> Part:
    """Say of which rows, and of which parents' lists, the endpoint is asked."""
    apis, part = api.apis, Part(endpoint, owner)
    count = owner.rows.get(endpoint.name, 0)
    if endpoint.within:
        some, there = parents_of(audit, endpoint, owner, MOST_LISTS)
        part.parents = fitting(audit, endpoint, owner, some, apis.most_records)
        if there > len(part.parents):
            part.limits.append(limit_of(apis, f"{endpoint.name}, the lists", len(part.parents), there))
    elif count > apis.most_records:
        part.some = some_keys(audit, endpoint, owner, apis.sample) if endpoint.one else []
        if endpoint.one:
            part.limits.append(limit_of(apis, f"{endpoint.name}, by id", len(part.some), count))
        try:
            listed = _listed(api, part, endpoint.list_, apis.most_records)
            read = [key_in(audit, endpoint, value_at(one, endpoint.key)) for one in listed.records]
            part.some = list(dict.fromkeys([*part.some, *read]))
            first = f"the first {thousands(len(listed.records))} of {thousands(count)}"
            part.limits.append(f"{endpoint.name}, in the list: {first}")
        except SourceError as error:
            part.problem = str(error)
    return part


def _rows(audit: Audit, part: Part) -> Rows:
    return rows_of(audit, part.endpoint, part.owner, part.some, part.parents)


def _ask(audit: Audit, api: Api, part: Part, rows: Rows) -> None:
    """Read the lists, and some records by their ids; a problem is kept for whoever judges the endpoint."""
    endpoint, apis = part.endpoint, api.apis
    # A list that goes on and on is not read for ever: what is there twice shows by then.
    most = apis.most_records if part.some is not None else len(rows) + 2 * apis.page_size
    try:
        for parent in [""] if part.parents is None else part.parents:
            listed = _listed(api, part, endpoint.list_of(quote(parent, safe="")), most)
            part.is_whole = part.is_whole and listed.is_whole
            if listed.told is not None and listed.is_whole and listed.told != len(listed.records):
                part.totals.append((listed.told, len(listed.records)))
            part.under[parent] = [_known(audit, part, record) for record in listed.records]
        if endpoint.one:
            keys = sorted(rows) if part.some is None else part.some[: apis.sample]
            for key in _drawn(part, keys, apis.sample, apis.seed):
                path = endpoint.one.replace("{id}", quote(key, safe=""))
                part.singles[key] = api.heard(path, part.owner.headers)
        if part.some is None:
            _filter(audit, api, part, rows)
    except SourceError as error:
        part.problem = str(error)


def _known(audit: Audit, part: Part, record: Any) -> str:
    """Keep a record under its id, and return this."""
    value = value_at(record, part.endpoint.key)
    key = key_in(audit, part.endpoint, value)
    if value in (None, ""):
        part.unnamed += 1
    else:
        part.records.setdefault(key, []).append(record)
    return key


def _filter(audit: Audit, api: Api, part: Part, rows: Rows) -> None:
    """Ask for the records of some values of each filter."""
    endpoint, apis = part.endpoint, api.apis
    for name, column in endpoint.filters.items():
        path = part.path_of(column)
        if path is None or endpoint.within:
            continue
        values = sorted({value for row in rows.values() if (value := row.fields[path])})
        for value in _drawn(part, values, MOST_VALUES, apis.seed):
            asked = f"{endpoint.list_}?{urlencode({name: value})}"
            listed = _listed(api, part, asked, len(rows) + 2 * apis.page_size)
            keys = [key_in(audit, endpoint, value_at(record, endpoint.key)) for record in listed.records]
            part.filtered[name, value] = keys


def _listed(api: Api, part: Part, path: str, most: int) -> Listed:
    return api.listed(part.endpoint, path, part.owner.headers, most)


def _drawn(part: Part, values: Collection[str], most: int, seed: int) -> list[str]:
    found = list(values)
    return Random(f"{seed} {part.owner.values} {part.endpoint.name}").sample(found, min(most, len(found)))
