"""Tries what the file says of the source: the first page of each list, and each declared path on its records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source import paging
from dsaudit.source.collecting import Reader, own_lists, reader_of, tenants_of
from dsaudit.source.paging import Answer, Listing
from dsaudit.source.reading import Page, SourceError, value_at
from dsaudit.source.recording import items_in
from dsaudit.source.rest import Client
from dsaudit.verdict.card import plural
from dsaudit.wording import did_you_mean

Keys = tuple[str | int, ...]  # where something stands in the parameter file
MOST_NAMED = 6
NEAR = 0.75  # of difflib: `ttal` and `total`, and not `created_at` and `updated_at`
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")  # another key of an object may be somebody's data


class Trial(NamedTuple):
    """What one trial showed of a key of the file: well (True), a mistake (False), or a doubt (None)."""

    keys: Keys
    ok: bool | None
    words: str


@dataclass(frozen=True)
class _Lack:
    """The step of a path that none of the objects has, and what they have instead."""

    step: str
    known: list[str]
    alike: bool  # whether all have the same keys: then what is empty is not left out

    @property
    def near(self) -> str:
        return did_you_mean(self.step, self.known)


def tried(parameters: Parameters) -> Iterator[Trial]:
    """Yield what the first page of each tenant's own lists shows: a mistake, a doubt, or how many paths it has.

    Files behind a URL are not tried, as they would have to be fetched whole.
    """
    source = parameters.source
    if source is None or source.is_remote:
        return
    lists: dict[str, list[Any]] = {}
    found: list[Trial] = []
    for tenant in tenants_of(parameters):
        try:
            reader = reader_of(parameters, tenant)
        except (SourceError, SecretMissing) as error:
            found.append(Trial(("source",), False, str(error)))
            continue
        try:
            for name, resource in own_lists(parameters):
                page, problems = _read(reader, name, resource)
                found += problems
                if page is not None:
                    lists.setdefault(name, []).extend(one.value for one in page.records)
        finally:
            reader.close()
    of_all = {one.keys: one for one in found if one.keys[0] == "source"}  # each list shows it
    yield from dict.fromkeys([*of_all.values(), *(one for one in found if one.keys not in of_all)])
    of_paths = [trial for name, tops in lists.items() for trial in _paths(parameters, name, tops)]
    yield from _without_defaults(parameters, of_paths)


def _without_defaults(parameters: Parameters, trials: list[Trial]) -> Iterator[Trial]:
    """Yield all but a time of change that a list does not tell, where it is declared for several and another tells it.

    The file says it once for all (`defaults`), and there is nothing to mend.
    """
    lacking = {trial.keys[1] for trial in trials if trial.keys[2:] == ("updated",)}
    told = {one.updated for name, one in parameters.resources.items() if name not in lacking and not one.nested}
    for trial in trials:
        if trial.keys[2:] != ("updated",) or parameters.resources[str(trial.keys[1])].updated not in told:
            yield trial


def _read(reader: Reader, name: str, resource: Resource) -> tuple[Page | None, list[Trial]]:
    """Return a list's first page, if it can be had, and what speaks against it."""
    try:
        if isinstance(reader, Client):
            return _first(reader, name, resource)
        return next(iter(reader.pages(Listing.of(resource))), Page([])), []
    except SourceError as error:
        return None, [Trial(("resources", name, "read"), False, str(error))]


def _first(client: Client, name: str, resource: Resource) -> tuple[Page | None, list[Trial]]:
    """Return the page that a list's first request is answered with; None where the file's paths do not lead to one."""
    declared, listing = client.source.paging, Listing.of(resource)
    start = paging.first(declared)
    answer = client.ask(paging.request(declared, client.source.page_size, listing, start))
    at: Keys = ("resources", name, "records") if resource.records else ("source", "paging", "records")
    path = resource.records or declared.records
    wrong = [_absent(at, path, answer)] if path and not declared.empty_is_absent else []
    wrong += [_absent(("source", "paging", key), getattr(declared, key), answer) for key in ("more", "total")]
    problems = [one for one in wrong if one]
    if problems:
        return None, problems
    at, lack = ("source", "paging", "next"), _lack([answer.body], declared.next) if declared.next else None
    gone = [_absent(at, declared.next, answer)] if lack else []
    if gone and declared.more and value_at(answer.body, declared.more):
        return None, [one for one in gone if one]
    page = paging.page_of(declared, listing, start, answer, None, 0)
    ends = client.ends(listing, page) if lack else True
    if ends is None and lack:
        # A last page may leave it out; that a full one does, and has a key that is nearly called so, is no chance.
        ends = len(page.records) < client.source.page_size or not lack.near
    return page, [one for one in gone if one and not ends]


def _absent(keys: Keys, path: str | None, answer: Answer) -> Trial | None:
    lack = _lack([answer.body], path) if path else None
    return Trial(keys, False, f"{path} is not in the answer of {answer.where}; {_instead(lack)}") if lack else None


def _paths(parameters: Parameters, name: str, tops: list[Any]) -> Iterator[Trial]:
    """Yield what is wrong with the paths of a list's records, and of those that stand in them."""
    if not tops:
        yield Trial(("resources", name, "read"), None, "the list is empty, so its paths were not tried")
    for one, resource in parameters.resources.items():
        if tops and parameters.top(one) == name:
            declared = list(_declared(parameters, one, resource, tops))
            wrong = [trial for trial in declared if trial]
            yield from wrong
            if declared and not wrong:
                yield Trial(("resources", one), True, f"{plural(len(declared), 'path')} found in its first page")


def _declared(parameters: Parameters, name: str, resource: Resource, tops: list[Any]) -> Iterator[Trial | None]:
    """Yield for each path that a resource declares what is wrong with it, or None."""
    own: Keys = ("resources", name)
    records, parents = _records(parameters, name, tops), []
    if resource.nested:
        parents = _records(parameters, resource.nested.in_, tops)
        for path in resource.nested.at.values():
            yield _judged((*own, "nested", "at"), path, parents, through_lists=True)
    for number, path in enumerate(resource.id_from):
        if path not in ("#", "@"):
            is_above = path.startswith("../")
            yield _judged((*own, "id_from", number), path.removeprefix("../"), parents if is_above else records)
    if resource.updated and not resource.nested:  # a nested record changes with the one that it stands in
        yield _judged((*own, "updated"), resource.updated, records)
    for column, field in resource.fields.items():
        for key, given in (("from", field.from_), ("currency", field.currency)):
            if given and not field.ignore:
                yield _judged((*own, "fields", column, key), given, records)


def _records(parameters: Parameters, name: str, tops: list[Any]) -> list[Any]:
    """Return the records of a resource that those of the list are, or that stand in them."""
    return [item.record for top in tops for item in items_in(parameters, name, top)]


def _judged(keys: Keys, path: str, records: list[Any], through_lists: bool = False) -> Trial | None:
    """Return what is wrong with a path: a mistake, or a doubt where the source leaves out what is empty."""
    lack = _lack(records, path, through_lists)
    if lack is None:
        return None
    # What is compared may be in no record, and null in our table: there only a near name, or no object, says more.
    if keys[2:3] == ("fields",) and lack.known:
        mistyped = bool(get_close_matches(lack.step, lack.known, n=1, cutoff=NEAR))
    else:
        mistyped = bool(lack.near) or lack.alike
    return Trial(keys, False if mistyped else None, _told(path, lack, len(records)))


def _told(path: str, lack: _Lack, count: int) -> str:
    step = "" if lack.step == path else f" (no {lack.step} there)"
    return f"{path} is in none of the {plural(count, 'record')} of the first page{step}; {_instead(lack)}"


def _instead(lack: _Lack) -> str:
    named = [key for key in lack.known if NAME.fullmatch(key)]
    others = f" and {len(lack.known) - MOST_NAMED} more" if len(lack.known) > MOST_NAMED else ""
    there = f"there are {', '.join(named[:MOST_NAMED])}{others}" if named else "there is no object with such a key"
    return lack.near or there


def _lack(values: list[Any], path: str, through_lists: bool = False) -> _Lack | None:
    """Return the first step of a path that none of the values has; None where it leads somewhere, or to null."""
    if any(isinstance(one, dict) and path in one for one in values):
        return None  # a name with dots in it
    for step in path.split("."):
        if through_lists:
            values = [one for value in values for one in (value if isinstance(value, list) else [value])]
        there = [one for one in values if one is not None]
        objects = [one for one in there if isinstance(one, dict)]
        if not there:
            return None
        found = [one[step] for one in objects if step in one]
        if not found:
            known = dict.fromkeys(key for one in objects for key in one if NAME.fullmatch(key))
            return _Lack(step, list(known), len({frozenset(one) for one in objects}) < 2)
        values = found
    return None
