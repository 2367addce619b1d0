"""Asks for the rows of one owner as another: by their ids, by filters, and under headers that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from dsaudit.facts.served.asking import Heard
from dsaudit.facts.served.looking import Part, Served
from dsaudit.facts.served.owners import Owner
from dsaudit.facts.served.refusing import Path, is_alike
from dsaudit.facts.served.rows import absent_key, key_in, whose
from dsaudit.source.reading import value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_VALUES = 3  # of another owner by which each filter is tried
MOST_MIXES = 2  # of the headers of two owners
OTHERWISE = "answered otherwise than what does not exist"


@dataclass(frozen=True)
class Trespass:
    """One attempt, which is asked as `owner`, and what was wrong with its answer; None where nothing was."""

    owner: Owner
    endpoint: str
    way: str
    source_id: str | None
    problem: str | None


def trespasses(audit: Audit, served: Served) -> Iterator[Trespass]:
    """Yield every attempt at the rows of others; raises `SourceError` where there is no answer."""
    for part in served.parts:
        if part.problem:
            continue
        yield from _in_the_list(audit, part)
        others = [
            one
            for one in served.parts
            if one.endpoint == part.endpoint and one.owner != part.owner and (one.rows or one.parents)
        ]
        if others:
            yield from _by_id(audit, served, part, others)
            yield from _by_filter(audit, served, part, others)
            yield from _by_contradiction(audit, served, part, others)


def _in_the_list(audit: Audit, part: Part) -> Iterator[Trespass]:
    """Yield the list itself, with each record in it that is another owner's."""
    strange = [key for key in part.records if key not in part.rows and key not in part.moved]
    owned = whose(audit, part.endpoint, strange)
    found = [key for key in strange if owned.get(key, part.owner.values) != part.owner.values]
    yield from _given(part, "in the list", found)


def _given(part: Part, way: str, keys: list[str]) -> Iterator[Trespass]:
    """Yield each record that a list gave, or the list itself where it gave none."""
    owner, name = part.owner, part.endpoint.name
    yield from (Trespass(owner, name, way, key, "given") for key in keys)
    if not keys:
        yield Trespass(owner, name, way, None, None)


def _by_id(audit: Audit, served: Served, part: Part, others: list[Part]) -> Iterator[Trespass]:
    """Ask by the ids of others, and by ids that do not exist."""
    endpoint, owner = part.endpoint, part.owner
    paths = [Path(endpoint.one, "", endpoint.key_column)] if endpoint.one else []
    paths += [Path(endpoint.list_, "", endpoint.within)] if endpoint.within else []
    for path in paths:
        absent = [key for number in range(2) if (key := absent_key(audit, endpoint, path.column or "", number))]
        answers = [(key, served.api.heard(path.of(key), owner.headers)) for key in absent]
        for key in _of_others(served, part, others, path):
            heard = served.api.heard(path.of(key), owner.headers)
            yield Trespass(owner, path.name, "by its id", key, _problem(served, path, heard, key, answers))


def _problem(served: Served, path: Path, heard: Heard, key: str, absent: list[tuple[str, Heard]]) -> str | None:
    if served.api.record_in(heard) is not None or served.api.records_in(heard):
        return "given"
    return OTHERWISE if absent and not is_alike(heard, key, absent) else None


def _of_others(served: Served, part: Part, others: list[Part], path: Path) -> Iterator[str]:
    """Yield ids of rows, or of parents, of each other owner, and none that this one has as well."""
    apis = served.api.apis
    of_rows = path.name == part.endpoint.one
    own = {*part.rows, *part.moved} if of_rows else set(part.parents or [])
    for other in others:
        keys = sorted((set(other.rows) if of_rows else set(other.parents or [])) - own)
        most = max(1, apis.sample // len(others))
        yield from Random(f"{apis.seed} {part.owner.values} {path.name}").sample(keys, min(most, len(keys)))


def _by_filter(audit: Audit, served: Served, part: Part, others: list[Part]) -> Iterator[Trespass]:
    endpoint, owner = part.endpoint, part.owner
    for name, column in {} if endpoint.within else endpoint.filters.items():
        path = part.path_of(column)
        absent = [key for number in range(2) if (key := absent_key(audit, endpoint, column, number))]
        if path is None:
            continue
        own = {row.fields[path] for row in part.rows.values()}
        values = sorted({str(row.fields[path]) for one in others for row in one.rows.values()} - own - {"None"})
        answers = [(key, served.api.heard(endpoint.list_, owner.headers, {name: key})) for key in absent]
        for value in Random(f"{served.api.apis.seed} {name}").sample(values, min(MOST_VALUES, len(values))):
            heard = served.api.heard(endpoint.list_, owner.headers, {name: value})
            keys = {key_in(audit, endpoint, value_at(one, endpoint.key)) for one in served.api.records_in(heard) or []}
            problem = "given" if keys - set(part.rows) - part.moved else None
            if problem is None and answers and not is_alike(heard, value, answers):
                problem = OTHERWISE
            yield Trespass(owner, endpoint.name, f"by the filter {name}", value, problem)


def _by_contradiction(audit: Audit, served: Served, part: Part, others: list[Part]) -> Iterator[Trespass]:
    """Ask under headers of which some are another owner's: nobody's rows are to be given."""
    endpoint = part.endpoint
    way = "under headers that contradict each other"
    mixes = [(one, headers) for one in others for headers in _mixed(part.owner.headers, one.owner.headers)]
    nobodys = [(one, headers) for one, headers in mixes if tuple(headers.values()) not in served.known]
    seed = f"{served.api.apis.seed} {part.owner.values}"
    for other, headers in Random(seed).sample(nobodys, min(len(nobodys), MOST_MIXES)):
        if not endpoint.within:
            records = served.api.records_in(served.api.heard(endpoint.list_, headers)) or []
            yield from _given(part, way, [key_in(audit, endpoint, value_at(one, endpoint.key)) for one in records])
        for one in (part, other) if endpoint.one else ():
            for key in list(one.rows)[:1]:
                path = Path(endpoint.one or "", "", endpoint.key_column)
                record = served.api.record_in(served.api.heard(path.of(key), headers))
                yield Trespass(part.owner, path.name, way, key, "given" if record is not None else None)


def _mixed(own: Mapping[str, str], others: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the headers of one with one header of another."""
    for name in own if len(own) > 1 else ():
        if own[name] != others[name]:
            yield {**own, name: others[name]}
